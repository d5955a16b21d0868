"""The schema of a reply is held to what its very request allows."""

from typing import Any

import pytest

from agents.schemas import reply_schema
from tests.agents import requests_made as made


def fields(request: Any) -> dict[str, Any]:
    properties: dict[str, Any] = reply_schema(request)["properties"]
    return properties


def test_a_root_selects_root_and_a_step_one_hypothesis() -> None:
    root = fields(made.select_hypothesis(incumbent=None, recalled=()))
    assert root["action"]["enum"] == ["root"]
    assert root["hypotheses"]["maxItems"] == 2, "as many as there are candidates"
    assert root["origin"] == {"type": "null"}
    step = fields(made.select_hypothesis())
    assert step["action"]["enum"] == ["select", "modify", "create"]
    assert (step["hypotheses"]["minItems"], step["hypotheses"]["maxItems"]) == (1, 1)
    assert step["origin"]["anyOf"] == [{"type": "string", "enum": ["a1b2"]}, {"type": "null"}]


@pytest.mark.parametrize(("wanted", "most"), [((), 0), (("feedback",), 5), (("scenario", "feedback"), 10)])
def test_challenges_come_from_the_sources_that_are_asked(wanted: tuple[str, ...], most: int) -> None:
    schema = reply_schema(made.assess_trial(wanted=wanted))
    assert schema["properties"]["challenges"]["maxItems"] == most
    if wanted:
        assert schema["$defs"]["Challenge"]["properties"]["source"]["enum"] == list(wanted)


def test_there_is_a_hypothesis_for_each_challenge_at_most() -> None:
    assert fields(made.propose_hypotheses())["hypotheses"]["maxItems"] == 1
    assert fields(made.propose_hypotheses(challenges=(made.CHALLENGE,) * 4))["hypotheses"]["maxItems"] == 4
    assert fields(made.propose_hypotheses(challenges=()))["hypotheses"]["maxItems"] == 1


@pytest.mark.parametrize("request_", made.one_of_each(), ids=lambda each: type(each).__name__)
def test_every_object_is_closed_and_every_field_required(request_: Any) -> None:
    def objects(schema: Any) -> Any:
        if isinstance(schema, dict):
            if "properties" in schema:
                yield schema
            for each in schema.values():
                yield from objects(each)

    for each in objects(reply_schema(request_)):
        assert each["additionalProperties"] is False
        assert each["required"] == list(each["properties"])
