"""The schema of a reply is held to what its very request allows."""

import json
from typing import Any

import pytest

from gome.agents.backends.llm.replies import parse_reply
from gome.agents.backends.llm.reply_schema import constant_schema, reply_schema, reply_shape
from gome.agents.protocol.hint import Hint
from gome.agents.protocol.types import Repair
from tests.agents.helpers import requests_made as made


def fields(request: Any) -> dict[str, Any]:
    properties: dict[str, Any] = reply_schema(request)["properties"]
    return properties


def test_ideas_are_as_many_as_are_wanted_and_chosen_by_number() -> None:
    step = fields(made.propose_step(wanted=3))
    assert step["candidates"]["maxItems"] == 3
    assert step["choice"]["items"] == {"type": "integer", "enum": [1, 2, 3]}
    assert fields(made.first_step())["candidates"]["maxItems"] == 10


def test_what_is_known_is_named_by_its_number() -> None:
    step = fields(made.knowing_step())
    assert step["recalled"]["anyOf"] == [{"type": "integer", "enum": [1, 2]}, {"type": "null"}]
    assert step["source"]["anyOf"] == [{"type": "integer", "enum": [1]}, {"type": "null"}], "another trace than its own"
    assert step["kind"]["enum"] == ["edit", "bundle", "merge", "leap", "return"]


def test_an_idea_meets_one_of_the_challenges_or_none() -> None:
    def idea(request: Any) -> dict[str, Any]:
        properties: dict[str, Any] = reply_schema(request)["$defs"]["Idea"]["properties"]
        return properties

    assert idea(made.propose_step(challenges=(made.CHALLENGE,) * 4))["challenge"]["enum"] == [0, 1, 2, 3, 4]
    assert "challenge" not in idea(made.planned_step())


def test_scores_are_asked_for_where_the_harness_draws_and_nothing_is_chosen_there() -> None:
    ranked = reply_schema(made.propose_step(ranked=True))
    assert list(ranked["properties"]) == ["candidates"]
    assert ranked["$defs"]["Idea"]["properties"]["scores"] == {"$ref": "#/$defs/Scores"}
    chosen = reply_schema(made.propose_step())
    assert "scores" not in chosen["$defs"]["Idea"]["properties"]
    assert "Scores" not in chosen["$defs"], "what nothing refers to is left out"


@pytest.mark.parametrize(
    ("request_", "unasked"),
    [
        (made.assess_trial(findings=made.FINDINGS), set()),
        (made.assess_trial(), {"contradicts"}),
        (made.assess_trial(incumbent=None, effect=None), {"accept", "contradicts", "hypothesis_verdict"}),
        (made.assess_trial(wanted=()), {"challenges", "contradicts"}),
        (made.assess_trial(evaluation=None), {"alignment", "reason", "accept", "contradicts"}),
        (made.assess_trial(stopped="worse"), {"alignment", "reason", "accept", "contradicts"}),
        (made.knowing_step(), {"answer"}),
        (made.knowing_step(hints=(Hint(avoid=("lightgbm",)),)), set()),
        (made.propose_step(), {"kind", "source", "answer"}),
        (made.first_step(), {"kind", "source", "recalled", "answer"}),
        (made.survey_task(), set()),
        (made.write_solution(), set()),
    ],
)
def test_what_nobody_would_read_is_not_asked_for(request_: Any, unasked: set[str]) -> None:
    assert set(request_.reply_type().model_fields) - set(fields(request_)) == unasked


@pytest.mark.parametrize(("wanted", "most"), [(("feedback",), 5), (("scenario", "feedback"), 10)])
def test_challenges_come_from_the_sources_that_are_asked(wanted: tuple[str, ...], most: int) -> None:
    schema = reply_schema(made.assess_trial(wanted=wanted))
    assert schema["properties"]["challenges"]["maxItems"] == most
    challenge = schema["$defs"]["Challenge"]["properties"]
    assert challenge.get("source", {}).get("enum", [wanted[0]]) == list(wanted), "one source alone need not be said"


def test_findings_are_contradicted_by_their_number() -> None:
    assert fields(made.assess_trial(findings=made.FINDINGS))["contradicts"]["items"]["enum"] == [1, 2]


@pytest.mark.parametrize("request_", made.one_of_each(), ids=lambda each: type(each).__name__)
def test_every_object_is_closed_and_every_field_required(request_: Any) -> None:
    def objects(schema: Any) -> Any:
        if isinstance(schema, dict):
            if "properties" in schema:
                yield schema
            for each in schema.values():
                yield from objects(each)

    for schema in (reply_schema(request_), constant_schema(request_.reply_type())):
        for each in objects(schema):
            assert each["additionalProperties"] is False
            assert each["required"] == list(each["properties"])


def test_what_some_request_does_not_ask_may_be_null_in_the_schema_of_all() -> None:
    schema = constant_schema(made.propose_step().reply_type())
    step, idea = schema["properties"], schema["$defs"]["Idea"]["properties"]
    assert step["kind"]["anyOf"][-1] == step["recalled"]["anyOf"][-1] == {"type": "null"}
    assert idea["scores"]["anyOf"] == [{"$ref": "#/$defs/Scores"}, {"type": "null"}]
    assert idea["statement"] == {"type": "string"}
    assert "default" not in json.dumps(schema)


def test_a_survey_and_an_assessment_share_one_schema_for_a_cache_and_a_survey_keeps_its_challenges_alone() -> None:
    survey, assessment = made.survey_task(), made.assess_trial()
    assert constant_schema(survey.reply_type()) == constant_schema(assessment.reply_type())
    assert set(fields(survey)) == {"challenges"}
    said = {"challenges": [made.CHALLENGE.model_dump()]}
    given = dict.fromkeys(fields(assessment)) | {"observations": ""} | said
    assert parse_reply(survey, json.dumps(given)) == said


def test_untested_is_offered_where_a_repair_may_have_taken_the_idea_out() -> None:
    plain, repaired = made.assess_trial(), made.assess_trial(repairs=(Repair(phase="full", words="KeyError"),))
    verdicts = [fields(each)["hypothesis_verdict"]["enum"] for each in (plain, repaired)]
    assert verdicts == [[each for each in verdicts[1] if each != "untested"], verdicts[1]]
    assert {"untested", "no-gain", "refuted"} <= set(verdicts[1])


def test_a_first_prompt_shows_the_schema_as_a_type() -> None:
    request = made.propose_step()
    shape = reply_shape(request)
    assert shape.startswith('{"candidates": [{"statement": string, ')
    assert '"expected_gain": number}, …, at most ' in shape and '"component": "DataLoadSpec" | "FeatureEng"' in shape
    assert shape.count("{") == shape.count("}") and "$ref" not in shape
    assert len(shape) < len(json.dumps(reply_schema(request))) / 2
