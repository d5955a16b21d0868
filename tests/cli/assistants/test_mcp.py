"""`gome mcp` driven by the protocol's official client: each tool once, and whatever a hostile caller may send."""

import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, TextContent

from gome.agents.runtime.replay import replay_run
from gome.bus.store.lock import holder
from gome.cli.assistants.server import make_server
from tests.agents.helpers.model_server import Ask, ModelServer, Play, body
from tests.agents.helpers.stubs import line, quick_task, small, writing
from tests.agents.helpers.waiting import recorded
from tests.cli.reading.test_commands import gome
from tests.conftest import UNFINISHED
from tests.viewer.sample import RUN

READING = {"list_runs", "status", "log", "message", "why", "best_script"}
WRITING = {"hint", "start", "finish"}
Call = Callable[..., Awaitable[CallToolResult]]
EDITS = {"kinds": ["edit"], "finish": {"candidates": 2, "seeds": 1}}


def served(root: Path, *options: str, beside: Path | None = None) -> StdioServerParameters:
    """The command as an assistant's program starts it, in an environment of its own."""
    arguments = ["-m", "gome", "mcp", "--runs", str(root), *options]
    return StdioServerParameters(command=sys.executable, args=arguments, cwd=beside or root)


def words(result: CallToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


def data(result: CallToolResult) -> Any:
    assert not result.is_error, words(result)
    found = result.structured_content
    assert found is not None
    return found["result"] if found.keys() == {"result"} else found


def speaking(server: Any, talk: Callable[[Client], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with Client(server) as client:
            await talk(client)

    anyio.run(whole)


def unlocked(folder: Path) -> None:
    """Wait for the end of the process that finishes the run: it writes the results after the last message."""
    deadline = time.monotonic() + 60
    while holder(folder) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_run_that_cannot_be_read_hides_no_other(runs: Path) -> None:
    damaged = runs / "261199-0000-damaged-0000"
    damaged.mkdir()
    (damaged / "log.sqlite").write_bytes(b"no log")

    async def talk(client: Client) -> None:
        listed = data(await client.call_tool("list_runs", {}))
        assert {each["run"]: each["state"] for each in listed} == {
            damaged.name: "damaged",
            UNFINISHED: "stopped",
            RUN: "finished",
        }

    speaking(make_server(runs, runs, allow_write=False), talk)


def test_each_tool_that_reads_over_standard_input_and_output(runs: Path) -> None:
    async def talk(client: Client) -> None:
        tools = {each.name: each for each in (await client.list_tools()).tools}
        assert tools.keys() == READING
        assert all(each.annotations and each.annotations.read_only_hint for each in tools.values())
        listed = data(await client.call_tool("list_runs", {}))
        assert [(each["run"], each["state"]) for each in listed] == [(UNFINISHED, "stopped"), (RUN, "finished")]
        assert len(data(await client.call_tool("list_runs", {"last": 1}))) == 1
        told = data(await client.call_tool("status", {"run": RUN}))
        assert (told["state"], told["best"], told["score"]) == ("finished", "1.2", 0.41)
        assert len(told["steps"]) == 6
        lines = data(await client.call_tool("log", {"run": RUN, "kinds": ["diagnosis"], "trace": 1, "last": 2}))
        assert [(each["kind"], each["trace"]) for each in lines] == [("diagnosis", 1)] * 2
        assert lines[-1]["words"]
        whole = words(await client.call_tool("message", {"run": RUN, "id": lines[-1]["id"]}))
        assert '"verdict"' in whole
        why = words(await client.call_tool("why", {"run": RUN, "step": "1.2"}))
        assert why.startswith("step 1.2: accepted")
        assert words(await client.call_tool("why", {"run": RUN})) == why, "the best step, unless another is named"
        best = data(await client.call_tool("best_script", {"run": RUN}))
        assert (best["step"], best["metric"]) == ("1.2", "rmsle")
        assert best["script"].strip()
        refused = await client.call_tool("hint", {"run": RUN, "words": "try"})
        assert refused.is_error and "hint" in words(refused), "no such tool without --allow-write"

    speaking(served(runs), talk)
    assert not (runs / RUN / "inbox").exists()


HOSTILE: list[tuple[str, dict[str, Any], str]] = [
    ("status", {"run": "../secret"}, "match pattern"),
    ("status", {"run": "/etc"}, "match pattern"),
    ("status", {"run": ".."}, "match pattern"),
    ("status", {"run": ""}, "match pattern"),
    ("status", {"run": "a\nb"}, "match pattern"),
    ("status", {"run": "x" * 100_000}, "match pattern"),
    ("status", {"run": 7}, "valid string"),
    ("status", {"run": "linked"}, "not in the folder of runs"),
    ("status", {"run": "nowhere"}, "is named 'nowhere'"),
    ("list_runs", {"last": 10**9}, "less than or equal to 200"),
    ("list_runs", {"last": 0}, "greater than or equal to 1"),
    ("list_runs", {"last": "many"}, "valid integer"),
    ("log", {"run": RUN, "last": -1}, "greater than or equal to 1"),
    ("log", {"run": RUN, "kinds": "diagnosis' OR 1=1 --"}, "valid list"),
    ("log", {"run": RUN, "kinds": ["'; DROP TABLE messages"]}, "no message kind"),
    ("log", {"run": RUN, "kinds": ["diagnosis"] * 1000}, "at most 20"),
    ("log", {"run": RUN, "role": "root"}, "no role 'root'"),
    ("log", {"run": RUN, "since": "yesterday"}, "since yesterday"),
    ("log", {"run": RUN, "grep": "x" * 5000}, "at most 4000"),
    ("log", {"run": RUN, "trace": 10**30}, "less than or equal to 1000000"),
    ("message", {"run": RUN, "id": "%"}, "match pattern"),
    ("message", {"run": RUN, "id": "0000000000"}, "0000000000"),
    ("message", {"run": RUN}, "required"),
    ("why", {"run": RUN, "step": "9.9"}, "9.9"),
    ("why", {"run": RUN, "step": "../1"}, "match pattern"),
    ("hint", {"run": RUN, "words": "x" * 4001}, "at most 4000"),
    ("hint", {"run": RUN}, "say something"),
    ("hint", {"run": RUN, "words": "try", "trace": 77}, "no trace 77"),
    ("hint", {"run": "../x", "words": "try"}, "match pattern"),
    ("start", {"scenario": "../outside.yaml"}, "no scenario file"),
    ("start", {"scenario": "/etc/passwd"}, "no scenario file"),
    ("start", {"scenario": "link.yaml"}, "no scenario file"),
    ("start", {"scenario": "nowhere"}, "no built-in scenario 'nowhere'"),
    ("start", {"scenario": "bike-demand", "trials": 0}, "greater than or equal to 1"),
    ("start", {"scenario": "bike-demand", "time": "1h; rm"}, "match pattern"),
    ("start", {"scenario": "bike-demand", "set": ["executors.python=/bin/sh"]}, "set"),
    ("list_runs", {"last": 1.5}, "valid integer"),
    ("list_runs", {"last": [1]}, "valid integer"),
    ("list_runs", {"last": None}, "valid integer"),
    ("status", {"run": "@best/../.."}, "match pattern"),
    ("status", {"run": {"$ref": "/etc/passwd"}}, "valid string"),
    ("status", {"run": "ａ" * 40}, "match pattern"),
    ("log", {"run": RUN, "grep": "(a+)+" * 900}, "at most 4000"),
    ("log", {"run": RUN, "kinds": [["diagnosis"]]}, "valid string"),
    ("log", {"run": RUN, "since": "-" * 100_000}, "since"),
    ("message", {"run": RUN, "id": "../../log.sqlite"}, "match pattern"),
    ("message", {"run": RUN, "id": ["a", "b"]}, "valid string"),
    ("message", {"run": "@last; cat", "id": "abcd"}, "match pattern"),
    ("why", {"run": RUN, "step": "1.2\n"}, "match pattern"),
    ("why", {"run": RUN, "step": 1.2}, "valid string"),
    ("why", {"run": RUN, "step": "1." + "9" * 400}, "match pattern"),
    ("best_script", {"run": "*"}, "match pattern"),
    ("best_script", {"run": "%2e%2e"}, "match pattern"),
    ("best_script", {"run": [RUN]}, "valid string"),
    ("hint", {"run": RUN, "avoid": ["x"] * 21}, "at most 20"),
    ("hint", {"run": RUN, "words": "try", "trace": -1}, "greater than or equal to 0"),
    ("hint", {"run": RUN, "words": " \x00\n\t "}, "say something"),
    ("start", {"scenario": "file:///etc/passwd"}, "no scenario file"),
    ("start", {"scenario": "bike-demand", "trials": 10**9}, "less than or equal to 10000"),
    ("start", {"scenario": "a\x00b.yaml"}, "match pattern"),
    ("finish", {"run": "linked"}, "not in the folder of runs"),
    ("finish", {"run": "-rf"}, "match pattern"),
    ("finish", {}, "required"),
    ("finish", {"run": RUN}, "has finished already"),
    ("finish", {"run": "@last/../x"}, "match pattern"),
]


def test_hostile_arguments_are_refused_with_words_and_change_nothing(runs: Path, tmp_path: Path) -> None:
    beside = tmp_path / "beside"
    beside.mkdir()
    (tmp_path / "outside.yaml").write_text("name: outside")
    (beside / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    elsewhere = tmp_path / "elsewhere"
    (runs / RUN).rename(elsewhere)
    (runs / RUN).mkdir()
    for each in elsewhere.iterdir():
        each.rename(runs / RUN / each.name)
    elsewhere.rmdir()
    (runs / UNFINISHED).rename(elsewhere)
    (runs / "linked").symlink_to(elsewhere)
    before = sorted(str(path) for path in tmp_path.rglob("*"))

    async def talk(client: Client) -> None:
        for tool, arguments, told in HOSTILE:
            result = await client.call_tool(tool, arguments)
            assert result.is_error, (tool, arguments, words(result))
            assert told in words(result), (tool, arguments, words(result))
            assert "Traceback" not in words(result)
            assert len(words(result)) < 20_000, "what was sent is not sent back at length"
        listed = data(await client.call_tool("list_runs", {}))
        assert [each["run"] for each in listed] == [RUN], "a link to a folder elsewhere is none of the runs"

    speaking(make_server(runs, beside, allow_write=True), talk)
    after = [path for path in sorted(str(path) for path in tmp_path.rglob("*")) if not path.endswith(("-shm", "-wal"))]
    assert [path for path in after if path not in before] == []


def obeying(words: str) -> Callable[[Ask], Play]:
    """A model that proposes the logarithm once it reads the hint `words`, and says so."""
    model = writing(lambda trace, step: line(0.9 - 0.5 / step, "import time\ntime.sleep(0.2)"))

    def turn(ask: Ask) -> Play:
        play = model(ask)
        if ask.kind != "propose_step" or words not in ask.prompt:
            return play
        whole = json.loads(play.body)
        reply = json.loads(whole["choices"][0]["message"]["content"])
        reply["candidates"][0] |= {"statement": "take the logarithm of the area", "parameter": "logarithm"}
        answer = {"answer": "The area is taken by its logarithm."}
        whole["choices"][0]["message"]["content"] = json.dumps(reply | answer)
        return body(json.dumps(whole).encode())

    return turn


async def check_hinted(client: Client, run: str, before: int) -> None:
    """The hint, given after `before` proposals, changes the next one and all that follow, and stands in `why`."""
    hinted, *_ = data(await client.call_tool("log", {"run": run, "kinds": ["hint_given"]}))
    assert "Take the logarithm.; avoid trees" in hinted["words"]
    proposed = data(await client.call_tool("log", {"run": run, "kinds": ["proposal"], "last": 200}))
    asked = [each for each in proposed if "logarithm" in each["words"]]
    assert [each["step"] for each in asked] == list(range(asked[0]["step"], proposed[-1]["step"] + 1))
    assert asked[0]["step"] <= before + 1, "the next proposal after the hint, and all that follow"
    why = words(await client.call_tool("why", {"run": run, "step": f"0.{asked[0]['step']}"}))
    assert "tried    Model: take the logarithm of the area" in why
    assert "asked    The area is taken by its logarithm." in why
    whole = words(await client.call_tool("message", {"run": run, "id": asked[0]["id"]}))
    assert hinted["id"] in whole, "the proposal names the hint that it follows"
    first = words(await client.call_tool("why", {"run": run, "step": "0.1"}))
    assert "logarithm" not in first


def test_a_run_is_started_hinted_and_finished(tmp_path: Path) -> None:
    root, beside = tmp_path / "runs", tmp_path
    hint = {"words": "Take the logarithm.", "avoid": ["trees"], "trace": 0}
    with ModelServer(obeying("Take the logarithm.")) as server:
        made = small(quick_task(tmp_path), server, traces=1, memory={}, budget={"trials": 500}, method=EDITS)
        scenario = beside / "small.yaml"
        scenario.write_text(json.dumps(made.model_dump(mode="json", exclude_defaults=True)), encoding="utf-8")

        async def talk(client: Client) -> None:
            assert {each.name for each in (await client.list_tools()).tools} == READING | WRITING
            begun = data(await client.call_tool("start", {"scenario": "small.yaml", "trials": 400}))
            run, folder = begun["run"], root / begun["run"]
            told = data(await client.call_tool("status", {}))
            assert (told["run"], told["state"]) == (run, "running")
            assert any("400 trials" in each for each in told["budget"])
            await anyio.to_thread.run_sync(recorded, folder, "proposal", 2)
            left = data(await client.call_tool("hint", {"run": run, **hint}))
            assert (left["running"], left["trace"]) == (True, 0)
            await anyio.to_thread.run_sync(recorded, folder, "hint_given")
            before = len(data(await client.call_tool("log", {"run": run, "kinds": ["proposal"], "last": 200})))
            refused = await client.call_tool("finish", {"run": run})
            assert refused.is_error and f"gome stop {run}" in words(refused)
            await anyio.to_thread.run_sync(recorded, folder, "diagnosis", before + 4)
            await anyio.to_thread.run_sync(lambda: gome("stop", run, "--runs", str(root)))
            await check_hinted(client, run, before)
            data(await client.call_tool("finish", {"run": run}))
            await anyio.to_thread.run_sync(recorded, folder, "run_finished")

        speaking(served(root, "--allow-write", beside=beside), talk)
    (folder,) = (each for each in root.iterdir() if each.is_dir())
    unlocked(folder)
    assert anyio.run(lambda: replay_run(folder)).handled > 0


def test_a_scenario_that_would_send_a_key_to_a_new_server_is_not_started(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    backend = {"kind": "openai", "model": "m", "base_url": "https://models.example/v1", "api_key_env": "OPENAI_API_KEY"}
    roles = dict.fromkeys(("diagnoser", "proposer", "executor"), "far")
    made = {"name": "far", "task": "bike-demand", "backends": {"far": backend}, "roles": roles}
    (tmp_path / "far.yaml").write_text(json.dumps(made))

    async def talk(client: Client) -> None:
        refused = await client.call_tool("start", {"scenario": "far.yaml"})
        assert refused.is_error and "OPENAI_API_KEY would be sent to https://models.example/v1" in words(refused)
        assert "canary" not in words(refused)

    speaking(make_server(runs, tmp_path, allow_write=True), talk)
    assert {each.name for each in runs.iterdir()} == {RUN, UNFINISHED}


def test_without_the_package_it_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in [name for name in sys.modules if name.startswith(("gome.cli.assistants", "mcp"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    assert gome("mcp") == 2
    assert "pip install 'gome[mcp]'" in capsys.readouterr().err
