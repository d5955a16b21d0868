"""The servers of these tests refuse what the real ones refuse; what gome sends is taken as it is.

A request of gome is sent once more with one thing changed.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gome.agents.backends.factory import make_backend
from gome.scenarios.config.backends import model_of_kind
from tests.agents.helpers.asking import answered, outcome_of
from tests.agents.helpers.canned import canned
from tests.agents.helpers.dialects import DIALECTS
from tests.agents.helpers.model_server import Ask, ModelServer, Play

Change = Callable[[Ask], Ask]


def fields(**changed: Any) -> Change:
    """The body with those fields; None takes one away."""
    return lambda ask: replace(ask, body={name: value for name, value in (ask.body | changed).items() if value})


def headers(**changed: str | None) -> Change:
    """The headers with those changed; None takes one away."""
    given = {name.replace("_", "-"): value for name, value in changed.items()}
    return lambda ask: replace(ask, headers={name: each for name, each in (ask.headers | given).items() if each})


def at(path: str) -> Change:
    return lambda ask: replace(ask, path=path)


TURNS = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello"}]
PARTS = [{"role": each["role"], "content": [{"type": "text", "text": each["content"]}]} for each in TURNS]
OPEN = {"format": {"type": "json_schema", "schema": {"type": "object", "properties": {}}}}
IN_ALL: list[tuple[str, Change, int, str]] = [
    ("an unknown field", fields(presence=1), 400, "presence"),
    ("no model", fields(model=None), 400, "model"),
    ("no key", headers(authorization=None), 401, ""),
    ("another key", headers(authorization="Bearer sk-of-another"), 401, ""),
    ("another kind of body", headers(content_type="text/plain"), 400, "application/json"),
    ("another path", at("/v2/answers"), 404, "/v2/answers"),
]
ALSO: dict[str, list[tuple[str, Change, int, str]]] = {
    "chat": [
        ("wrong order", fields(messages=TURNS), 400, "Invalid order of messages"),
        ("no messages", fields(messages=None), 400, "messages"),
        ("an unknown field of a message", fields(messages=[TURNS[0] | {"id": "1"}]), 400, "messages[0].id"),
        ("counts without a stream", fields(stream=None, stream_options={"include_usage": True}), 400, "stream_options"),
    ],
    "responses": [
        ("wrong order", fields(input=TURNS), 400, "Invalid order of 'input'"),
        ("no input", fields(input=None), 400, "input"),
        ("an unknown field of a message", fields(input=[TURNS[0] | {"id": "1"}]), 400, "input[0].id"),
        ("an unknown field of the form", fields(text={"format": {"type": "text", "name": "x"}}), 400, "format.name"),
        ("a form without its name", fields(text={"format": {"type": "json_schema"}}), 400, "text.format.name"),
        ("chat's parameter", fields(max_tokens=100), 400, "max_tokens"),
        ("a long cache key", fields(prompt_cache_key="x" * 65), 400, "prompt_cache_key"),
    ],
    "messages": [
        ("wrong order", fields(messages=[PARTS[1], PARTS[0]]), 400, "roles must alternate"),
        ("no messages", fields(messages=None), 400, "messages"),
        ("no version", headers(anthropic_version=None), 400, "anthropic-version"),
        ("another version", headers(anthropic_version="2020-01-01"), 400, "anthropic-version"),
        ("no limit of tokens", fields(max_tokens=None), 400, "max_tokens: Field required"),
        (
            "thoughts longer than the answer",
            fields(thinking={"type": "enabled", "budget_tokens": 10**6}),
            400,
            "budget",
        ),
        ("an open schema", fields(output_config=OPEN), 400, "additionalProperties"),
        ("an unknown form", fields(output_config={"form": 1}), 400, "output_config.form"),
    ],
}
CASES = [(protocol, case) for protocol in DIALECTS for case in (*IN_ALL, *ALSO[protocol])]


def posted(server: ModelServer, ask: Ask) -> tuple[int, str]:
    """Status and body of the answer to that request."""
    left_out = ("host", "content-length", "accept-encoding", "connection")
    sent = {name: value for name, value in ask.headers.items() if name not in left_out}
    address = server.base_url.removesuffix("/v1") + ask.path
    request = urllib.request.Request(address, json.dumps(ask.body).encode(), sent)  # noqa: S310 - a server of ours
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.parametrize(("protocol", "case"), CASES, ids=[f"{protocol}-{case[0]}" for protocol, case in CASES])
def test_a_request_that_is_wrong_in_one_thing_is_refused(
    protocol: str, case: tuple[str, Change, int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dialect, (_, change, status, words) = DIALECTS[protocol], case
    monkeypatch.setenv("MY_KEY", dialect.key)

    def turn(ask: Ask) -> Play:
        return dialect.whole(json.loads(canned(ask).body)["choices"][0]["message"]["content"])

    with ModelServer(dialect.strict(turn)) as server:
        given = dialect.backend(server, retries=0)
        backend = make_backend("frontier", model_of_kind(given["kind"]).model_validate(given))
        assert not answered(outcome_of(backend)).failure
        (good,) = server.asks
        assert posted(server, good)[0] == 200
        told = posted(server, change(good))
    assert told[0] == status, told
    assert words in told[1] or words in json.loads(told[1])["error"]["message"]
    assert json.loads(told[1])["error"]["message"]
