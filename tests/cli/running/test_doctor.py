"""`doctor`: every backend asked once by the run's own way, and what is wrong said with its remedy."""

import json
from pathlib import Path
from typing import Any

import pytest

from gome.agents.backends.llm.asking import USUAL_WINDOW
from gome.cli.app import main
from tests.agents.helpers import requests_made as made
from tests.agents.helpers.canned import canned
from tests.agents.helpers.dialects import DIALECTS
from tests.agents.helpers.model_server import Ask, ModelServer, Play, body, fail
from tests.cli.printed import data_of
from tests.executors.ray.cluster import LocalCluster
from tests.scenarios.helpers.make_task import make_task

ROLES = ("diagnoser", "proposer", "executor")


def examined(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], backends: dict[str, Any], roles: dict[str, str], *more: str
) -> tuple[int, str]:
    """The exit status of `doctor` and what it printed."""
    tmp_path.mkdir(exist_ok=True)
    scenario = {
        "name": "made-up", "task": str(make_task(tmp_path / "task", rows=200)), "backends": backends, "roles": roles,
    }  # fmt: skip
    path = tmp_path / "scenario.yaml"
    path.write_text(json.dumps(scenario))
    with pytest.raises(SystemExit) as ended:
        main(["doctor", str(path), "--runs", str(tmp_path / "runs"), *more])
    assert isinstance(ended.value.code, int)
    assert not (tmp_path / "runs").exists()
    return ended.value.code, capsys.readouterr().out


def test_each_backend_is_asked_and_found_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-canary-0123456789")

    def turn(ask: Ask) -> Play:
        form = ask.body.get("response_format", {}).get("type")
        return fail(400, "json_schema is not supported") if form == "json_schema" else canned(ask)

    with ModelServer(turn) as server:
        server.pages = {"/v1/models": {"data": [{"id": "m", "max_model_len": 6144}, {"id": "n"}]}}
        local = {"kind": "openai", "model": "m", "base_url": server.base_url, "api_key_env": "MY_KEY"}
        priced = {"kind": "openai", "model": "n", "base_url": server.base_url, "prices": {"input": 1, "output": 2}}
        backends = {"local": local, "priced": priced, "unused": {"kind": "openai", "model": "o"}}
        roles = {"diagnoser": "local", "proposer": "priced", "executor": "local"}
        status, said = examined(tmp_path, capsys, backends, roles, "--json", "--sandbox", "none")
    found = data_of(said, "doctor")
    assert (status, found["well"]) == (0, True)
    first, second = found["backends"]
    assert (first["roles"], first["key"], first["price"]) == (["diagnoser", "executor"], "MY_KEY is set", "unknown")
    assert (second["roles"], second["key"], second["price"]) == (["proposer"], "none named", "the scenario")
    assert (first["replies"], first["tokens"]) == ("json", 2000)
    assert first["seconds"] > 0
    assert (first["window"], second["window"]) == (6144, USUAL_WINDOW), "as the server says of one, and as is usual"
    asked = sorted((ask.body["model"], ask.kind) for ask in server.asks)
    twice = [("m", "survey_task")] * 2 + [("m", "write_solution")] + [("n", "survey_task")] * 2
    assert asked == twice, "once, and once without the schema; the executor's for a script as well"
    place = found["place"]
    assert (place["sandbox"], place["trouble"]) == ("none", None)
    assert place["slots"] > 0
    assert place["free"] > 0
    assert "sk-canary" not in said


def test_what_is_wrong_is_said_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with ModelServer(fail(404, "no such model")) as server:
        backends = {
            "frontier": {"kind": "openai", "model": "gpt-5"},
            "local": {"kind": "openai", "model": "m", "base_url": server.base_url},
            "offline": {"kind": "expert"},
        }
        roles = dict(zip(ROLES, backends, strict=True))
        status, said = examined(tmp_path, capsys, backends, roles)
    assert status == 1
    assert "OPENAI_API_KEY is missing; price: the bundled list; did not answer" in said
    assert "trouble: backend 'frontier' (gpt-5): the environment variable OPENAI_API_KEY is not set" in said
    assert "has no model 'm'" in said
    assert said.count("trouble") == 2
    assert "not ready" in said
    assert server.calls == 1


@pytest.mark.parametrize("protocol", DIALECTS)
def test_a_model_that_writes_no_script_is_not_ready_and_one_that_does_is(
    protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dialect = DIALECTS[protocol]
    monkeypatch.setenv("MY_KEY", dialect.key)
    writes = False

    def turn(ask: Ask) -> Play:
        if ask.kind == "write_solution":
            return dialect.whole(f"```python\n{made.SCRIPT}```" if writes else "I would rather not.")
        return dialect.whole(json.loads(canned(ask).body)["choices"][0]["message"]["content"])

    with ModelServer(dialect.strict(turn)) as server:
        asked = ({"local": dialect.backend(server, retries=0)}, dict.fromkeys(ROLES, "local"), "--sandbox", "none")
        status, said = examined(tmp_path, capsys, *asked)
        assert status == 1
        assert "no usable answer to write_solution in 3 tries; last problem: no code was found" in said
        assert "not ready" in said
        writes = True
        status, said = examined(tmp_path / "again", capsys, *asked)
    assert status == 0, said
    assert "not ready" not in said
    assert [ask.kind for ask in server.asks] == [
        "survey_task",
        *["write_solution"] * 3,
        "survey_task",
        "write_solution",
    ]


@pytest.mark.parametrize("protocol", DIALECTS)
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("a wrong key", "the key in MY_KEY"),
        ("a wrong model", "no model. Check `model` and `base_url`"),
        ("no key", "MY_KEY is not set"),
    ],
)
def test_a_wrong_key_or_model_is_said_with_what_to_do_in_each_protocol(
    protocol: str,
    fault: str,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dialect = DIALECTS[protocol]
    monkeypatch.setenv("MY_KEY", dialect.key)
    if fault == "no key":
        monkeypatch.delenv("MY_KEY")
    turn = dialect.error(401, "invalid key", None) if fault == "a wrong key" else dialect.error(404, "no model", None)
    with ModelServer(dialect.strict(turn)) as server:
        backends = {"served": dialect.backend(server, retries=0)}
        status, said = examined(tmp_path, capsys, backends, dict.fromkeys(ROLES, "served"), "--sandbox", "none")
    assert status == 1
    assert told in said, said
    assert dialect.key not in said
    assert server.calls == (0 if fault == "no key" else 1)


def test_the_model_that_embeds_is_asked_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def turn(ask: Ask) -> Play:
        if "input" not in ask.body:
            return canned(ask)
        data = [{"index": at, "embedding": [1.0, 2.0, 3.0]} for at in range(len(ask.body["input"]))]
        return body(json.dumps({"data": data, "usage": {"prompt_tokens": 8}}).encode())

    with ModelServer(turn) as server:
        local = {"kind": "openai", "model": "m", "base_url": server.base_url, "retries": 0}
        roles: dict[str, Any] = dict.fromkeys(ROLES, "local")
        roles["memory_keeper"] = {"embedding": "openai", "backend": "local", "model": "embedder", "price": 0.1}
        status, said = examined(tmp_path, capsys, {"local": local}, roles, "--sandbox", "none")
    assert status == 0
    assert "embedder (local), for memory_keeper" in said
    assert "price: the scenario; answered in" in said
    assert "8 tokens, typed replies: vectors of 3" in said


@pytest.mark.xdist_group("ray")
def test_each_node_of_a_cluster_is_told(
    cluster: LocalCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backends, roles = {"offline": {"kind": "expert"}}, dict.fromkeys(ROLES, "offline")
    there = ("--set", "executors.kind=ray", "--set", "executors.address=local")  # the tests' cluster: Ray knows one
    status, said = examined(tmp_path / "well", capsys, backends, roles, *there)
    assert status == 0
    assert said.count("4 cores, 1 GPUs, sandbox bubblewrap") >= 2
    status, said = examined(
        tmp_path / "ill", capsys, backends, roles, *there, "--set", "executors.gpus_per_slot=0.5", "--json"
    )
    place = data_of(said, "doctor")["place"]
    assert (status, place["sandbox"]) == (1, None)
    assert "its driver lists 0" in place["trouble"]
    assert all("its driver lists 0" in node["trouble"] for node in place["nodes"])


def test_each_question_is_said_before_it_is_asked_and_its_answer_when_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []

    def turn(ask: Ask) -> Play:
        shown.append(capsys.readouterr().err)
        return canned(ask)

    with ModelServer(turn) as server:
        local = {"kind": "openai", "model": "m", "base_url": server.base_url}
        examined(tmp_path, capsys, {"local": local}, dict.fromkeys(ROLES, "local"), "--sandbox", "none")
        plain = list(shown)
        examined(
            tmp_path / "again", capsys, {"local": local}, dict.fromkeys(ROLES, "local"), "--sandbox", "none", "--json"
        )
    told, asking = plain[0].splitlines()
    assert told.startswith("calls to models: 2 (local (m): 2), more where"), "before the first"
    assert asking.startswith("asking local (m"), "known while the model still thinks"
    assert "question 1 of 2 (a survey of the task)" in plain[0]
    answered, asking = plain[1].splitlines()
    assert answered.startswith("answered after ")
    assert asking.endswith("question 2 of 2 (a script)")
    assert "".join(shown[len(plain) :]) == "", "a program that reads JSON is told at the end"


@pytest.mark.parametrize("key", ["sk-1", ""])
def test_offline_asks_no_model_and_says_what_it_left_out(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Keys and the place of scripts are examined all the same, and what this machine computes is asked."""
    monkeypatch.setenv("MY_KEY", key)
    with ModelServer(canned) as server:
        local = {"kind": "openai", "model": "m", "base_url": server.base_url, "api_key_env": "MY_KEY"}
        roles: dict[str, Any] = {"diagnoser": "offline", "proposer": "local", "executor": "local"}
        roles["memory_keeper"] = {"embedding": "openai", "backend": "local", "model": "embedder", "price": 0.1}
        backends = {"local": local, "offline": {"kind": "expert"}}
        options = ("--sandbox", "none", "--offline")
        status, said = examined(tmp_path, capsys, backends, roles, *options)
        _, document = examined(tmp_path / "again", capsys, backends, roles, *options, "--json")
    assert server.calls == 0
    found = {each["name"]: each for each in data_of(document, "doctor")["backends"]}
    assert found["offline"]["seconds"] is not None, "it costs nothing"
    assert "slots" in said
    if key:
        assert status == 0
        assert "not asked, left out: a survey of the task, a script, its context window" in said
        assert "ready as far as this can be told without asking a model" in said
        assert found["embedding"]["left_out"] == ["the embedding of two texts"]
    else:
        assert status == 1
        assert "the environment variable MY_KEY is not set" in said
        assert "not ready" in said


def test_validate_names_the_doctor_and_what_a_model_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(backend: dict[str, Any]) -> tuple[str, str]:
        scenario = {
            "name": "made-up", "task": str(tmp_path / "task"), "backends": {"company": backend},
            "roles": dict.fromkeys(ROLES, "company"),
        }  # fmt: skip
        path = tmp_path / "scenario.yaml"
        path.write_text(json.dumps(scenario))
        with pytest.raises(SystemExit) as ended:
            main(["validate", str(path)])
        assert ended.value.code == 0
        return capsys.readouterr()

    make_task(tmp_path / "task", rows=200)
    monkeypatch.delenv("MY_KEY", raising=False)
    url = "http://127.0.0.1:9/v1"
    out, err = said({"kind": "openai", "model": "m", "base_url": url, "api_key_env": "MY_KEY"})
    assert "backends.company: the environment variable MY_KEY is missing" in out
    assert "the price of" in out
    assert "next: gome doctor " in err
    monkeypatch.setenv("MY_KEY", "sk-1")
    prices = {"input": 1, "output": 2}
    out, err = said({"kind": "openai", "model": "m", "base_url": url, "api_key_env": "MY_KEY", "prices": prices})
    assert "warning: backends" not in out
    assert "the price of" not in out
    _, err = said({"kind": "expert"})
    assert "gome doctor" not in err
