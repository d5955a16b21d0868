"""A canary key in the environment, the scenario and a script's output: it is nowhere in what a run leaves behind."""

from pathlib import Path

import anyio
import pytest

from gome.agents.runtime.lifecycle import start_run
from gome.cli.app import main
from gome.errors import UsageError
from gome.scenarios.config.scenario import Scenario
from tests.agents.helpers.canned import canned
from tests.agents.helpers.model_server import Ask, ModelServer, Play, say
from tests.scenarios.helpers.make_task import make_task

KEY = "sk-canary-0123456789"
VERBS = (
    ["report", "canary"],
    ["log", "canary", "--all", "--json"],
    ["export", "canary", "--to", "jsonl"],
    ["export", "canary", "--to", "otlp"],
    ["export", "canary", "--to", "chrome-trace"],
    ["cost", "canary", "--by", "model"],
    ["memory", "canary"],
)
# Put together at run time, as a script would that has read the key somewhere.
SCRIPT = f"""\
import sys

key = "{KEY[:9]}" + "{KEY[9:]}"
print("epoch 1/5", key)
print(key, file=sys.stderr)
raise SystemExit(key)
"""


def scenario(task: Path, server: ModelServer, **changed: object) -> Scenario:
    backend = {"kind": "openai", "model": "m", "base_url": server.base_url, "api_key_env": "MY_KEY", **changed}
    return Scenario.model_validate(
        {
            "name": "canary",
            "task": str(task),
            "traces": 1,
            "budget": {"trials": 1},
            "backends": {"local": backend},
            "roles": {"diagnoser": "local", "proposer": "local", "executor": "local"},
            "executors": {"slots": 1, "standby": False, "repairs": 0, "timeout": {"debug": "20s", "full": "20s"}},
        }
    )


def test_a_key_is_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MY_KEY", KEY)

    def turn(ask: Ask) -> Play:
        if ask.kind == "write_solution":
            return say(f"```python\n{SCRIPT}```", reasoning_content=f"the key is {KEY}")
        return canned(ask)

    folder = tmp_path / "runs" / "canary"
    with ModelServer(turn) as server:
        asked = scenario(make_task(tmp_path / "task", rows=200), server)
        assert anyio.run(lambda: start_run(asked, tmp_path, folder, run_id="canary"))
    assert server.asks[0].headers["authorization"] == f"Bearer {KEY}"
    assessed = next(ask for ask in server.asks if ask.kind == "assess_trial")
    assert "epoch 1/5 [redacted]" in assessed.prompt, "the script was run, and printed"
    assert all(KEY not in ask.prompt for ask in server.asks)

    for verb in VERBS:
        with pytest.raises(SystemExit) as ended:
            main([*verb, "--runs", str(folder.parent)])
        assert ended.value.code == 0, verb
        assert KEY not in capsys.readouterr().out, verb
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".html" for path in files)
    assert [path.name for path in files if KEY.encode() in path.read_bytes()] == []


def test_a_key_in_the_scenario_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with ModelServer(canned) as server:
        asked = scenario(make_task(tmp_path / "task", rows=200), server, model=f"m?key={KEY}")
        with pytest.raises(UsageError, match="environment variable MY_KEY") as refused:
            anyio.run(lambda: start_run(asked, tmp_path, tmp_path / "run", run_id="canary"))
    assert KEY not in str(refused.value)
    assert not (tmp_path / "run").exists()
    assert server.calls == 0
