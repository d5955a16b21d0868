"""From words to typed replies: where JSON is found, what is refused, and how a refusal is worded."""

import json
from typing import Any

import pytest

from agents.backends.structured import LONGEST_ANSWER, MisfitError, json_schema, parse_reply, split_thoughts
from tests.agents import requests_made as made

SURVEY: dict[str, Any] = {"challenges": [made.CHALLENGE.model_dump()]}
SELECTION: dict[str, Any] = {
    "action": "select",
    "hypotheses": [made.hypothesis().model_dump()],
    "origin": None,
    "reason": "it is better",
    "sketch": "## Current state",
}
ASSESSMENT: dict[str, Any] = {
    "alignment": "aligned",
    "alignment_reason": "line 3",
    "accept": True,
    "reason": "clear",
    "observations": "none",
    "hypothesis_verdict": "confirmed",
    "challenges": [],
}


@pytest.mark.parametrize(
    "frame",
    [
        "{}",
        "Here you are:\n\n{}\n\nI hope that helps.",
        "```json\n{}\n```",
        "An object has {{braces}} and {{'quotes'}}, like this: {} and {{not}} this.",
        '{{"other": "object"}}\n{}',
    ],
)
def test_json_is_found_wherever_it_stands(frame: str) -> None:
    text = frame.replace("{{", "<<").replace("}}", ">>").replace("{}", json.dumps(SURVEY))
    assert parse_reply(made.survey_task(), text.replace("<<", "{").replace(">>", "}")) == SURVEY


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I would rather not.", "no JSON object"),
        ("", "empty"),
        ("{ }", "challenges: Field required"),
        (json.dumps(SURVEY)[:-3], "not well formed"),
        (json.dumps(SURVEY).replace('", "', '" "', 1), "not well formed"),
        (json.dumps({"challenges": [SURVEY["challenges"][0] | {"source": "guess"}]}), "challenges.0.source: .*'guess'"),
        (json.dumps({"challenges": SURVEY["challenges"] * 6}), "at most 5 items"),
        (json.dumps(SURVEY | {"extra": 1}), "extra: Extra inputs"),
        ("x" * (LONGEST_ANSWER + 1), "be brief"),
        ("{" * 100_000, "no JSON object"),
        ('{"a":' * 50_000, "not well formed"),
    ],
)
def test_what_does_not_fit_is_said_in_words(text: str, words: str) -> None:
    with pytest.raises(MisfitError, match=words):
        parse_reply(made.survey_task(), text)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999"])
def test_figures_must_be_finite(value: str) -> None:
    reply = json.dumps({"hypotheses": [made.hypothesis().model_dump()]}).replace(
        '"expected_gain": 0.1', f'"expected_gain": {value}'
    )
    with pytest.raises(MisfitError, match="not finite"):
        parse_reply(made.propose_hypotheses(), reply)


def test_text_that_no_file_can_hold_does_not_fit() -> None:
    with pytest.raises(MisfitError, match="half a character"):
        parse_reply(made.survey_task(), json.dumps(SURVEY).replace("Errors at", "\\ud800"))


def test_thoughts_are_kept_apart() -> None:
    words = split_thoughts('<think>Is it {"challenges": []}?</think>\n<think>No.</think>\n' + json.dumps(SURVEY))
    assert words.thoughts == 'Is it {"challenges": []}?\n\nNo.'
    assert parse_reply(made.survey_task(), words.text) == SURVEY


def test_thoughts_whose_opening_tag_stood_in_the_prompt_are_kept_apart() -> None:
    words = split_thoughts("Let me see.\n</think>\nThe reply.")
    assert (words.text, words.thoughts) == ("The reply.", "Let me see.")


def test_tags_within_a_reply_are_no_thoughts() -> None:
    assert split_thoughts("a <think> tag</think> within").text == "within"
    assert split_thoughts("plain").thoughts == ""


def test_a_thought_without_an_end_does_not_fit() -> None:
    with pytest.raises(MisfitError, match="within <think>"):
        split_thoughts("<think>and on and on")


@pytest.mark.parametrize(
    ("request_", "changed", "words"),
    [
        (made.select_hypothesis(), {"action": "root"}, "cannot be root"),
        (made.select_hypothesis(incumbent=None), {}, "must be root"),
        (made.select_hypothesis(), {"origin": "zzzz"}, r"origin must be the id .*a1b2"),
        (made.select_hypothesis(), {"hypotheses": SELECTION["hypotheses"] * 2}, "2 were given"),
    ],
)
def test_a_selection_must_agree_with_its_request(request_: Any, changed: dict[str, Any], words: str) -> None:
    with pytest.raises(MisfitError, match=words):
        parse_reply(request_, json.dumps(SELECTION | changed))


def test_a_selection_may_name_what_was_recalled() -> None:
    assert parse_reply(made.select_hypothesis(), json.dumps(SELECTION | {"origin": "a1b2"}))["origin"] == "a1b2"


def test_challenges_come_from_the_sources_that_were_asked() -> None:
    reply = json.dumps(ASSESSMENT | {"challenges": SURVEY["challenges"]})
    assert parse_reply(made.assess_trial(wanted=("scenario",)), reply)["challenges"]
    with pytest.raises(MisfitError, match="scenario were not asked"):
        parse_reply(made.assess_trial(wanted=("feedback",)), reply)
    many = json.dumps(ASSESSMENT | {"challenges": SURVEY["challenges"] * 6})
    with pytest.raises(MisfitError, match="more than five"):
        parse_reply(made.assess_trial(), many)


def test_code_may_come_as_json_or_fenced() -> None:
    assert parse_reply(made.write_solution(), '{"script": "x = 1\\n", "notes": "n"}')["script"] == "x = 1\n"
    assert parse_reply(made.write_solution(), "n\n```python\nx = 1\n```")["notes"] == "n"
    with pytest.raises(MisfitError, match="no code was found"):
        parse_reply(made.write_solution(), "I cannot.")


def test_the_schema_is_asked_for_where_json_is() -> None:
    schema = json_schema(made.survey_task(), "fenced")
    assert schema is not None
    assert (schema["name"], schema["strict"]) == ("survey_task", True)
    assert json_schema(made.write_solution(), "fenced") is None
    code = json_schema(made.write_solution(), "json")
    assert code is not None
    assert code["schema"]["required"] == ["script", "notes"]
