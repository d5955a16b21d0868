"""`gome run TABLE --model NAME` as it is typed: whom a run with it reaches, by a resolver that lets nobody through."""

import socket
from pathlib import Path
from typing import Any

import pytest

from gome.errors import Outage, UsageError
from gome.scenarios.config.loader import load_scenario
from gome.scenarios.config.providers import PROVIDERS, is_loopback
from tests.cli.reading.test_commands import gome
from tests.scenarios.config.test_model_names import NAMES

KEYED = {name: found for name, found in NAMES.items() if found[2]}
NAMED = {found[:2]: name for name, found in NAMES.items() if "://127.0.0.1" not in found[1]}
"""One model of each server that has a name. An address in figures needs no look-up, and somebody may listen there."""
OPTIONS = ("backends.model.retries=0", "budget={trials: 1, time: 20min}", "executors.standby=false")


@pytest.fixture
def looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hosts that anything has tried to reach; none is reached. No key is set, and no consent was given yet."""
    hosts: list[str] = []
    resolve = socket.getaddrinfo

    def refuse(host: Any, port: Any = None, *more: Any, **named: Any) -> Any:
        if not int(port or 0):
            return resolve(host, port, *more, **named)  # a listener on this machine, by which the sandbox is tried
        hosts.append(host.decode() if isinstance(host, bytes) else str(host))
        raise socket.gaierror(socket.EAI_NONAME, "no such host")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for provider in PROVIDERS.values():
        if provider.key:
            monkeypatch.delenv(provider.key, raising=False)
    return hosts


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "houses.csv"
    path.write_text("size,price\n" + "".join(f"{at % 17},{at % 17 * 3 + at % 5}\n" for at in range(120)))
    return path


def run(table: Path, name: str, *more: str) -> int:
    options = [word for each in OPTIONS for word in ("--set", each)]
    runs = str(table.parent / "runs")
    return gome("run", str(table), "--target", "price", "--model", name, "--runs", runs, *options, *more)


@pytest.mark.parametrize("name", NAMED.values())
def test_only_the_host_that_was_meant_is_reached(
    name: str, table: Path, looked_up: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, url, key, *_ = NAMES[name]
    if key:
        monkeypatch.setenv(key, "sk-canary-0123456789")
    elif not is_loopback(url):
        assert run(table, name) == UsageError.exit_status
        assert f"{url} needs a key" in capsys.readouterr().err
        assert looked_up == []
        return
    if kind == "azure":
        assert run(table, name) == UsageError.exit_status
        assert f"{key} would be sent to {url}" in capsys.readouterr().err
        assert looked_up == []
    assert run(table, name, *(["--trust"] if kind == "azure" else [])) == Outage.exit_status
    assert set(looked_up) == {url.split("/")[2].partition(":")[0]}
    printed = capsys.readouterr()
    assert f"{kind} at {url}" in printed.out + printed.err
    assert "canary" not in printed.out + printed.err


@pytest.mark.parametrize("name", KEYED)
def test_without_its_key_nobody_is_reached_and_nothing_is_left(
    name: str, table: Path, looked_up: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(table, name) == UsageError.exit_status
    assert f"the environment variable {KEYED[name][2]} is not set" in capsys.readouterr().err
    assert looked_up == []
    assert [each.name for each in table.parent.iterdir() if each.name != "config"] == [table.name]


@pytest.mark.parametrize(
    "name", ["gpt5", "llama3", "deepseek-r1:8b", "openrouter:", "localhost:8000/v1#qwen3", "http://127.0.0.1:8000/v1"]
)
def test_a_name_that_says_too_little_reaches_nobody_and_leaves_nothing(
    name: str, table: Path, looked_up: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for provider in PROVIDERS.values():
        if provider.key:
            monkeypatch.setenv(provider.key, "sk-canary-0123456789")
    assert run(table, name) == UsageError.exit_status
    told = capsys.readouterr().err
    assert "rite" in told, "it says what to write"
    assert "canary" not in told
    assert looked_up == []
    assert [each.name for each in table.parent.iterdir() if each.name != "config"] == [table.name]


def test_a_new_task_s_scenario_names_the_model_as_a_run_s_does(
    table: Path, looked_up: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """No key is needed for it: nobody is asked yet."""
    new = ("task", "new", str(table.parent / "t"), "--train", str(table), "--target", "price", "--metric", "rmse")
    assert gome(*new, "--model", "gpt5") == UsageError.exit_status
    assert "'gpt5' does not say who serves the model (did you mean gpt-5?)" in capsys.readouterr().err
    assert not (table.parent / "t").exists()
    assert gome(*new, "--model", "gpt-5") == 0
    printed = capsys.readouterr()
    told = printed.out + printed.err
    assert "model gpt-5: openai at https://api.openai.com/v1, key OPENAI_API_KEY" in told
    written = table.parent / "t" / "scenario.yaml"
    assert f"gome doctor {written}" in told
    scenario = load_scenario(written)
    assert scenario.backends["model"].model_dump()["model"] == "gpt-5"
    assert (scenario.roles.of("executor"), scenario.budget.usd) == (("model",), 5)
    assert looked_up == []
