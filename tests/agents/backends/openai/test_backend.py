"""The `openai` backend against a real HTTP server: what it asks, and what it makes of each answer."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from gome.agents.backends.base import Answer
from gome.agents.backends.factory import make_backends
from gome.agents.backends.openai.backend import OpenAIBackend
from gome.errors import GomeError, UsageError
from gome.scenarios.config.loader import load_scenario
from gome.scenarios.config.scenario import OpenAIBackend as Settings
from tests.agents.helpers import requests_made as made
from tests.agents.helpers.asking import answered, outcome_of
from tests.agents.helpers.model_server import ModelServer, Turn, fail, say

SURVEY = json.dumps({"challenges": [made.CHALLENGE.model_dump()]})
GOOD = say(SURVEY)
KEY = "sk-canary-0123456789"


def settings(server: ModelServer, **changed: Any) -> Settings:
    return Settings(
        **({"kind": "openai", "model": "m", "base_url": server.base_url, "timeout": 20, "retries": 2} | changed)
    )


def asking(
    *turns: Turn, request: Any = None, environment: dict[str, str] | None = None, **changed: Any
) -> tuple[Answer | GomeError, ModelServer]:
    """What one question to a server that plays those turns comes to: an answer or one of our errors."""
    with ModelServer(*turns) as server:
        backend = OpenAIBackend(
            settings(server, **changed), "frontier", environment=environment or {}, first_wait=0.001
        )
        return outcome_of(backend, request), server


def test_an_answer_is_typed_and_metered() -> None:
    outcome, server = asking(GOOD, prices={"input": 10, "output": 100, "cached": 1})
    answer = answered(outcome)
    assert answer.reply == json.loads(SURVEY)
    assert (answer.model, answer.provider) == ("model-as-answered", "127.0.0.1")
    assert answer.raw == SURVEY
    assert "# Request: survey_task" in answer.prompt
    assert answer.usage is not None
    assert answer.usage.model_dump() == {
        "input": 100,
        "cached": 60,
        "output": 20,
        "reasoning": 5,
        "written": None,
        "usd": pytest.approx((40 * 10 + 60 * 1 + 20 * 100) / 1e6),
        "saved": pytest.approx(60 * 9 / 1e6),
    }
    assert answer.meter["usd_saved"] == answer.usage.saved
    assert answer.meter["calls"] == server.calls == 1
    assert answer.meter["tokens_in"] == 100
    assert answer.meter["tokens_cached"] == 60
    assert answer.meter["seconds"] > 0


def test_what_an_endpoint_does_not_say_is_unknown_and_not_zero() -> None:
    outcome, _ = asking(say(SURVEY, usage=None), prices={"input": 1, "output": 1})
    answer = answered(outcome)
    assert answer.usage is not None
    assert set(answer.usage.model_dump().values()) == {None}
    assert set(answer.meter) == {"calls", "seconds", "tokens_at_most", "usd_at_most"}
    assert answer.meter["tokens_at_most"] > 32_000, "what budgets count: the prompt, and the longest answer"


def test_what_is_sent() -> None:
    _, server = asking(GOOD, temperature=0.3, max_tokens=500, reasoning_effort="low", seed=True, api_key_env="MY_KEY",
                       environment={"MY_KEY": KEY})  # fmt: skip
    ask = server.asks[0]
    assert ask.path == "/v1/chat/completions"
    assert ask.headers["authorization"] == f"Bearer {KEY}"
    assert [message["role"] for message in ask.body["messages"]] == ["system", "user"]
    sent = {name: ask.body[name] for name in ("model", "temperature", "max_tokens", "reasoning_effort", "seed")}
    assert sent == {"model": "m", "temperature": 0.3, "max_tokens": 500, "reasoning_effort": "low", "seed": 1234}
    assert ask.body["response_format"]["json_schema"]["name"] == "survey_task"


@pytest.mark.parametrize(("structured", "form"), [("json", {"type": "json_object"}), ("text", None)])
def test_other_ways_to_ask_for_json(structured: str, form: Any) -> None:
    outcome, server = asking(GOOD, structured=structured)
    assert answered(outcome).reply == json.loads(SURVEY)
    assert server.asks[0].body.get("response_format") == form
    assert "temperature" not in server.asks[0].body


def test_code_is_asked_for_in_a_fence_and_edits_are_applied() -> None:
    old, new = (f'    made["hour"] = rows["{name}"]\n' for name in ("hour", "hr"))
    edit = f"Now hr.\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE"
    outcome, server = asking(say(edit), request=made.repair_solution())
    reply = answered(outcome).reply
    assert reply == {
        "script": made.SCRIPT.replace('made["hour"] = rows["hour"]', 'made["hour"] = rows["hr"]'),
        "notes": "Now hr.",
    }
    assert "response_format" not in server.asks[0].body


def test_code_as_json_where_that_is_set() -> None:
    outcome, server = asking(say('{"script": "x = 1", "notes": ""}'), request=made.write_solution(), code="json")
    assert answered(outcome).reply["script"] == "x = 1"
    assert server.asks[0].body["response_format"]["json_schema"]["name"] == "write_solution"


@pytest.mark.parametrize(
    "text",
    [f"Certainly!\n{SURVEY}\nGood luck.", f"```json\n{SURVEY}\n```", f"<think>hm {{}}</think>{SURVEY}"],
    ids=["prose", "fence", "thoughts"],
)
def test_json_in_prose_fence_or_after_thoughts(text: str) -> None:
    outcome, server = asking(say(text))
    answer = answered(outcome)
    assert (answer.reply, answer.retries, server.calls) == (json.loads(SURVEY), 0, 1)
    assert answer.raw == text
    assert answer.thoughts == ("hm {}" if "think" in text else "")


def test_thoughts_in_a_field_of_their_own() -> None:
    outcome, _ = asking(say(SURVEY, reasoning_content="let me think"))
    assert answered(outcome).thoughts == "let me think"


def test_a_cut_is_recorded() -> None:
    outcome, _ = asking(GOOD, request=made.survey_task(task=made.TASK.model_copy(update={"description": "x" * 30_000})))
    assert answered(outcome).cut == ("6000 of 30000 characters: description of the task",)


def test_no_more_calls_at_once_than_the_endpoint_may_have() -> None:
    import threading

    lock, now, most = threading.Lock(), 0, 0
    gate = threading.Barrier(2)

    def turn(_: Any) -> Any:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        gate.wait(timeout=20)  # two are always in flight together, or this breaks
        with lock:
            now -= 1
        return GOOD

    with ModelServer(turn) as server:
        two = {name: settings(server, concurrency=limit) for name, limit in (("a", 2), ("b", 5))}

        async def ask() -> None:
            backends = make_backends(two)
            async with anyio.create_task_group() as group:
                for name in "abababab":
                    group.start_soon(backends[name].answer, made.survey_task())
            for backend in backends.values():
                await backend.aclose()

        anyio.run(ask)
    assert (most, server.calls) == (2, 8)


def test_of_many_calls_at_once_each_gets_its_own_answer() -> None:
    def turn(ask: Any) -> Any:
        return say(SURVEY.replace(made.CHALLENGE.caption, f"step {ask.step}"))

    with ModelServer(turn) as server:

        async def ask() -> dict[int, str]:
            backend = OpenAIBackend(settings(server, concurrency=100), "x", environment={})
            captions: dict[int, str] = {}

            async def one(step: int) -> None:
                answer = await backend.answer(made.survey_task(step=step))
                captions[step] = answer.reply["challenges"][0]["caption"]

            async with anyio.create_task_group() as group:
                for step in range(200):
                    group.start_soon(one, step)
            await backend.aclose()
            return captions

        assert anyio.run(ask) == {step: f"step {step}" for step in range(200)}
    assert server.calls == 200


@pytest.mark.parametrize(
    ("given", "environment", "words"),
    [
        ({"api_key_env": "MY_KEY"}, {}, "backend 'frontier' .m.: the environment variable MY_KEY is not set"),
        ({"api_key_env": "MY_KEY"}, {"MY_KEY": " "}, "MY_KEY is not set"),
        ({}, {}, "OPENAI_API_KEY is not set"),
        (
            {"base_url": "https://models.example/v1"},
            {"OPENAI_API_KEY": KEY},
            "needs a key; name .*frontier.api_key_env=VARIABLE",
        ),
        ({"base_url": "localhost:8000/v1"}, {}, "`base_url` must be a URL"),
    ],
)
def test_a_missing_key_or_a_wrong_url_is_an_error_before_any_call(
    given: dict[str, Any], environment: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        OpenAIBackend(Settings(kind="openai", model="m", **given), "frontier", environment=environment)


def test_keys_that_were_not_named_go_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"Authorization: Bearer {KEY}")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    outcome, server = asking(GOOD)
    assert answered(outcome)
    assert KEY not in str(server.asks[0].headers)


def test_a_key_is_in_no_prompt_answer_or_error() -> None:
    given: dict[str, Any] = {"environment": {"MY_KEY": KEY}, "api_key_env": "MY_KEY"}
    echo = say(SURVEY.replace("Errors at", KEY), reasoning_content=KEY)
    outcome, server = asking(
        echo, request=made.survey_task(task=made.TASK.model_copy(update={"description": KEY})), **given
    )
    assert KEY not in answered(outcome).model_dump_json()
    assert KEY not in server.asks[0].prompt
    for turn in (fail(400, KEY), fail(500, KEY), fail(404, KEY), fail(401, KEY), say(KEY), say(None, refusal=KEY)):
        outcome, _ = asking(turn, retries=0, asks=1, **given)
        if isinstance(outcome, Answer):
            assert outcome.failure
            assert KEY not in outcome.model_dump_json()
            continue
        error: BaseException | None = outcome
        while error is not None:
            assert KEY not in str(error)
            error = None if error.__suppress_context__ else error.__cause__ or error.__context__


@pytest.mark.parametrize("name", ["api_key", "api_key_env"])
def test_a_key_written_into_a_scenario_is_refused_and_not_repeated(tmp_path: Path, name: str) -> None:
    quick_start = (Path(__file__).parents[4] / "scenarios" / "bike-demand.yaml").read_text()
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(quick_start.replace("{kind: expert, skill: 1.0}", f"{{kind: openai, model: m, {name}: {KEY}}}"))
    with pytest.raises(UsageError, match="api_key_env") as refused:
        load_scenario(scenario)
    assert KEY not in str(refused.value)


def test_a_password_in_a_url_is_refused_and_not_repeated(tmp_path: Path) -> None:
    quick_start = (Path(__file__).parents[4] / "scenarios" / "bike-demand.yaml").read_text()
    scenario = tmp_path / "scenario.yaml"
    given = f"{{kind: openai, model: m, base_url: 'http://me:{KEY}@127.0.0.1:1/v1'}}"
    scenario.write_text(quick_start.replace("{kind: expert, skill: 1.0}", given))
    with pytest.raises(UsageError, match="name or password") as refused:
        load_scenario(scenario)
    assert KEY not in str(refused.value)


def test_naming_a_backend_loads_no_client_library() -> None:
    code = "import sys, gome.agents.backends.factory; assert not {'openai', 'torch', 'httpx2'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[4])
