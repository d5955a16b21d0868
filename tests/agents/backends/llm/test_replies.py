"""From words to typed replies: where JSON is found, what is refused, and how a refusal is worded."""

import json
from typing import Any

import pytest

from gome.agents.backends.llm.replies import LONGEST_ANSWER, MisfitError, json_schema, parse_reply
from gome.agents.backends.llm.thoughts import split_thoughts
from tests.agents.helpers import requests_made as made

SURVEY: dict[str, Any] = {"challenges": [made.CHALLENGE.model_dump()]}
STEP: dict[str, Any] = {
    "candidates": [made.idea().model_dump(), made.idea("loss", "poisson").model_dump()],
    "choice": [2],
    "reason": "it is better",
    "sketch": "## Current state",
}
SCORED: dict[str, Any] = {"candidates": [made.idea(scores=made.SCORES).model_dump()]}
ASSESSMENT: dict[str, Any] = {
    "alignment": "aligned",
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
    reply = json.dumps(STEP).replace('"expected_gain": 0.1', f'"expected_gain": {value}')
    with pytest.raises(MisfitError, match="not finite"):
        parse_reply(made.propose_step(), reply)


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


def test_a_thought_without_an_end_leaves_no_text() -> None:
    words = split_thoughts("<think>and on and on")
    assert (words.text, words.thoughts) == ("", "and on and on")


@pytest.mark.parametrize(
    "frame",
    [
        "[THINK]draft {}[/THINK]TEXT",
        "<seed:think>draft {}</seed:think>TEXT",
        "◁think▷draft {}◁/think▷TEXT",
        "<thought>draft {}</thought>TEXT",
        "<|begin_of_thought|>draft {}<|end_of_thought|>\n\nTEXT",
        "<|START_THINKING|>draft {}<|END_THINKING|>TEXT<|END_OF_TURN_TOKEN|>",
        "<|channel|>analysis<|message|>draft {}<|end|><|start|>assistant<|channel|>final<|message|>TEXT<|return|>",
        "<|channel|>analysis<|message|>draft {}<|end|><|channel|>final <|constrain|>json<|message|>TEXT",
        "analysisdraft {}assistantfinalTEXT",
        "draft {}</think>\nTEXT<|im_end|>",
        "<think>draft {}</think>\nTEXT</s>\n",
        "\ufeff<think>draft {}</think>TEXT<｜end▁of▁sentence｜>",
    ],
)
def test_drafts_in_thoughts_of_any_form_are_kept_apart(frame: str) -> None:
    words = split_thoughts(frame.replace("TEXT", json.dumps(SURVEY)))
    assert (words.text, words.thoughts) == (json.dumps(SURVEY), "draft {}")


RAW = json.dumps(SURVEY)


@pytest.mark.parametrize(
    "text",
    [
        RAW.replace("Errors at", "Errors\nat"),
        RAW.replace("}]", "},\n]").replace("]}", "],}"),
        json.dumps({"survey_task": SURVEY}),
        json.dumps({"result": {"reply": SURVEY}}),
        json.dumps([SURVEY]),
        json.dumps({"replies": [SURVEY]}),
        repr(SURVEY),
        repr(SURVEY).replace("{'challenges'", "{ 'challenges'") + "\nThat's all.",
        RAW.replace('"scenario"', '"Scenario"'),
    ],
    ids=["line break", "commas", "wrapper", "two wrappers", "list of one", "wrapped list", "Python", "prose", "case"],
)
def test_slips_that_leave_one_meaning_are_taken(text: str) -> None:
    read = parse_reply(made.survey_task(), text)
    (challenge,) = read["challenges"]
    assert challenge | {"statement": "", "caption": ""} == SURVEY["challenges"][0] | {"statement": "", "caption": ""}
    assert challenge["caption"].split() == SURVEY["challenges"][0]["caption"].split()


def test_pythons_literals_within_texts_are_left_alone() -> None:
    said = ASSESSMENT | {"observations": 'it\'s None, "True" or [1,]'}
    read = parse_reply(made.assess_trial(wanted=()), repr(said))
    assert (read["accept"], read["observations"]) == (True, said["observations"])


def test_a_rating_between_two_is_rounded_and_a_reference_is_not() -> None:
    scored = {"candidates": [made.idea(scores=made.SCORES).model_dump()]}
    scored["candidates"][0]["scores"]["impact"] = 8.5
    (idea,) = parse_reply(made.propose_step(ranked=True), json.dumps(scored))["candidates"]
    assert idea["scores"]["impact"] == 8
    with pytest.raises(MisfitError, match=r"choice\.0: .*fractional"):
        parse_reply(made.propose_step(), json.dumps(STEP | {"choice": [1.5]}))


def test_null_is_a_field_left_out() -> None:
    said = ASSESSMENT | {
        "alignment": None,
        "contradicts": None,
        "challenges": [made.CHALLENGE.model_dump() | {"source": None}],
    }
    read = parse_reply(made.assess_trial(wanted=("feedback",)), json.dumps(said))
    assert (read["alignment"], read["contradicts"], read["challenges"][0]["source"]) == ("aligned", [], "feedback")
    with pytest.raises(MisfitError, match="observations"):
        parse_reply(made.assess_trial(), json.dumps(ASSESSMENT | {"observations": None}))


def test_an_enum_in_other_letters_is_taken_where_one_is_meant() -> None:
    ideas = [made.idea().model_dump() | {"component": "feature_eng"}, made.idea().model_dump() | {"component": "MODEL"}]
    read = parse_reply(made.propose_step(), json.dumps(STEP | {"candidates": ideas}))
    assert [each["component"] for each in read["candidates"]] == ["FeatureEng", "Model"]


@pytest.mark.parametrize(
    ("request_", "changed", "words"),
    [
        (made.propose_step(), {"choice": [3]}, "choice 3 is none of the 2 candidates"),
        (made.propose_step(), {"choice": [0]}, "choice 0 is none"),
        (made.propose_step(), {"choice": []}, "nothing was chosen"),
        (made.propose_step(), {"choice": [1, 2]}, "one change is made in a step of kind edit"),
        (made.propose_step(), {"recalled": 2}, "recalled 2 is none of the 1 recalled changes"),
        (made.first_step(), {"choice": [], "recalled": 1}, "nothing was chosen"),
        (made.propose_step(wanted=1), {}, "2 candidates were given, and at most 1"),
        (made.propose_step(), {"candidates": [made.idea(challenge=2).model_dump()], "choice": [1]}, "challenge 2 is"),
        (made.knowing_step(kinds=("edit", "bundle")), {"kind": "leap"}, "leap cannot be chosen here"),
        (made.knowing_step(wanted=9), {"candidates": STEP["candidates"] * 2, "kind": "bundle", "choice": [1, 2, 3, 4]},
         "at most three changes"),
        (made.knowing_step(), {"kind": "merge"}, "a merge needs `source`, the number of another trace"),
        (made.knowing_step(), {"kind": "merge", "source": 0}, r"another trace that has a solution: one of \[1\]"),
        (made.knowing_step(), {"kind": "return", "source": 3}, "a return needs `source`"),
        (made.propose_step(ranked=True), {}, "every candidate needs its scores"),
        (made.propose_step(ranked=True), {"candidates": []}, "there is no candidate"),
    ],
)  # fmt: skip
def test_a_step_must_agree_with_its_request(request_: Any, changed: dict[str, Any], words: str) -> None:
    with pytest.raises(MisfitError, match=words):
        parse_reply(request_, json.dumps(STEP | changed))


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (made.propose_step(), STEP | {"recalled": 1}),
        (made.propose_step(), STEP | {"choice": [], "recalled": 1}),
        (made.first_step(), STEP | {"choice": [1, 2]}),
        (made.planned_step(), {"candidates": [made.idea(challenge=0).model_dump()], "choice": [1]}),
        (made.knowing_step(), STEP | {"kind": "bundle", "choice": [1, 2]}),
        (made.knowing_step(), STEP | {"kind": "merge", "source": 1}),
        (made.knowing_step(), STEP | {"kind": "leap", "choice": [1, 2]}),
        (made.propose_step(ranked=True), SCORED),
    ],
)
def test_a_step_may_do_what_its_request_offers(request_: Any, reply: dict[str, Any]) -> None:
    read = parse_reply(request_, json.dumps(reply))
    assert {name: read[name] for name in reply} == reply


@pytest.mark.parametrize("more", [{}, ASSESSMENT | {"alignment": "severe", "challenges": SURVEY["challenges"]}])
def test_what_is_not_asked_for_need_not_be_said_and_is_not_heard(more: dict[str, Any]) -> None:
    said = more | {"observations": "It did not run."}
    read = parse_reply(made.assess_trial(evaluation=None, wanted=()), json.dumps(said))
    assert (read["accept"], read["alignment"], read["challenges"]) == (False, "aligned", [])


def test_a_step_of_one_kind_is_of_that_kind() -> None:
    assert parse_reply(made.propose_step(), json.dumps(STEP | {"kind": "leap", "source": 4}))["kind"] == "edit"


def test_only_findings_that_are_known_are_contradicted() -> None:
    known = made.assess_trial(findings=made.FINDINGS)
    assert parse_reply(known, json.dumps(ASSESSMENT | {"contradicts": [2]}))["contradicts"] == [2]
    with pytest.raises(MisfitError, match="contradicts 3, and there are 2 findings"):
        parse_reply(known, json.dumps(ASSESSMENT | {"contradicts": [3]}))


def test_challenges_come_from_the_sources_that_were_asked() -> None:
    reply = json.dumps(ASSESSMENT | {"challenges": SURVEY["challenges"]})
    assert parse_reply(made.assess_trial(wanted=("scenario",)), reply)["challenges"]
    with pytest.raises(MisfitError, match="scenario were not asked"):
        parse_reply(made.assess_trial(wanted=("feedback",)), reply)
    many = json.dumps(ASSESSMENT | {"challenges": SURVEY["challenges"] * 6})
    with pytest.raises(MisfitError, match="more than five"):
        parse_reply(made.assess_trial(), many)


@pytest.mark.parametrize("source", ["scenario", "feedback"])
def test_challenges_of_the_one_source_that_is_wanted_need_not_name_it(source: str) -> None:
    unnamed = {name: each for name, each in SURVEY["challenges"][0].items() if name != "source"}
    reply = json.dumps(ASSESSMENT | {"challenges": [unnamed]})
    read = parse_reply(made.assess_trial(wanted=(source,)), reply)
    assert [each["source"] for each in read["challenges"]] == [source]


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
