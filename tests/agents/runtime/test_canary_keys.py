"""A key of each kind of backend, through a whole run: in no file, no argument, no process, no export, no traceback.

The first backend of every role answers, but for each proposal, which its server refuses with an error that repeats all
headers of the request; then the second is asked, of another kind. The script looks for the keys wherever a script can
look.
"""

import json
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from gome.agents.backends.factory import make_backend
from gome.cli.app import main
from gome.errors import GomeError, UsageError
from gome.scenarios.config.backends import AutoGenBackend, model_of_kind
from gome.scenarios.config.providers import PROVIDERS
from tests.agents.helpers import messages_server, responses_server
from tests.agents.helpers.asking import outcome_of
from tests.agents.helpers.dialects import MODEL_INFO
from tests.agents.helpers.messages_server import speaking
from tests.agents.helpers.model_server import Ask, ModelServer, Play, Turn, fail
from tests.agents.helpers.responses_server import responding
from tests.agents.helpers.runs import conducted
from tests.agents.helpers.stubs import line, quick_task, small, writing


def as_it_is(turn: Turn) -> Turn:
    """Chat completions, which the plays of a server are in."""
    return turn


@dataclass(frozen=True)
class Kind:
    """A kind of backend: its settings, the variable of its key, the key, and what makes a server speak its protocol."""

    settings: dict[str, Any]
    variable: str
    key: str
    speaks: Callable[[Turn], Turn] = as_it_is
    version: str = "/v1"


KINDS = {
    "chat": Kind({"kind": "openai", "model": "m"}, "TEAM_WORD", "canary-of-a-team-0123"),
    "responses": Kind(
        {"kind": "openai", "model": "m", "api": "responses"}, "OPENAI_API_KEY", responses_server.KEY, responding
    ),
    "anthropic": Kind(
        {"kind": "anthropic", "model": "m"}, "ANTHROPIC_API_KEY", messages_server.KEY, speaking, version=""
    ),
    "gemini": Kind({"kind": "gemini", "model": "m"}, "GEMINI_API_KEY", "AIzaSyCanary_0123456789"),
    "autogen": Kind({"kind": "autogen"}, "AUTOGEN_API_KEY", "sk-autogen-canary-012345"),
    "azure": Kind({"kind": "azure", "model": "m"}, "AZURE_OPENAI_API_KEY", "0123456789abcdefCanary0123456789abcdef"),
    "xai": Kind({"kind": "xai", "model": "m"}, "XAI_API_KEY", responses_server.KEY, responding),
    "deepseek": Kind({"kind": "deepseek", "model": "m"}, "DEEPSEEK_API_KEY", "sk-deepseek-canary-012345"),
    "openrouter": Kind({"kind": "openrouter", "model": "m"}, "OPENROUTER_API_KEY", "sk-or-v1-canary-012345"),
}
PAIRS = {
    "chat": "openrouter", "responses": "azure", "anthropic": "xai", "gemini": "anthropic", "autogen": "deepseek"
}  # fmt: skip
"""Who is asked first in a run, and then."""
VERBS = (
    ["report", "run"],
    ["log", "run", "--all", "--json"],
    ["export", "run", "--to", "jsonl"],
    ["export", "run", "--to", "otlp"],
    ["export", "run", "--to", "chrome-trace"],
    ["cost", "run", "--by", "backend"],
    ["memory", "run"],
    ["best", "run", "-o", "OUT"],
    ["export", "run", "--to", "package", "OUT2"],
)
LOOKS = """
import os, sys
from pathlib import Path
seen = [*os.environ.values(), *sys.argv]
for path in Path("/proc").glob("[0-9]*/*"):
    if path.name in ("environ", "cmdline"):
        try:
            seen.append(path.read_bytes().decode(errors="replace"))
        except OSError:
            pass
print("values seen:", len(seen) > 5, "keys:", sum("can" + "ary" in each.lower() for each in seen))
"""


def settings(kind: Kind, server: ModelServer) -> dict[str, Any]:
    url = server.base_url.removesuffix("/v1") + kind.version
    if kind.settings["kind"] == "autogen":
        config = {"model": "m", "base_url": url, "model_info": MODEL_INFO}
        component = {"provider": "OpenAIChatCompletionClient", "config": config}
        return kind.settings | {"component": component, "api_key_env": kind.variable, "retries": 0}
    return kind.settings | {"base_url": url, "api_key_env": kind.variable, "retries": 0, "asks": 2, "timeout": 20}


def echoing(ask: Ask) -> Play:
    """An error with all that was sent, as some gateways answer."""
    return fail(503, f"upstream failed for {json.dumps(ask.headers)}")


def processes() -> list[str]:
    """Arguments and environment of every process that this one has started."""
    found = []
    for each in psutil.Process().children(recursive=True):
        try:
            found += [*each.cmdline(), *each.environ().values()]
        except psutil.Error:
            continue  # it has ended
    return found


def test_every_kind_of_key_is_in_a_run() -> None:
    asked = {KINDS[name].variable for pair in PAIRS.items() for name in pair}
    assert asked == {each.variable for each in KINDS.values()}
    assert asked >= {provider.key for provider in PROVIDERS.values() if provider.key}


@pytest.mark.parametrize(("name", "then"), PAIRS.items())
def test_a_key_is_nowhere(
    name: str, then: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, other, seen = KINDS[name], KINDS[then], list[str]()
    for each in KINDS.values():
        monkeypatch.setenv(each.variable, each.key)
    write = writing(lambda *_: line(0.5, LOOKS))

    def first(ask: Ask) -> Play:
        seen.extend(processes())
        return echoing(ask) if ask.kind == "propose_step" else write(ask)

    (tmp_path / "runs").mkdir()
    with ModelServer(kind.speaks(first)) as one, ModelServer(other.speaks(write)) as two:
        backends = {"one": settings(kind, one), "two": settings(other, two)}
        roles = {role: ["one", "two"] for role in ("diagnoser", "proposer", "executor")}
        changed = {"backends": backends, "roles": roles, "traces": 1, "budget": {"trials": 1}}
        asked = small(quick_task(tmp_path), one, **changed)
        run = conducted(asked, tmp_path / "runs" / "run")
        prompts = [ask.prompt for ask in (*one.asks, *two.asks)]
        for key, server in ((kind.key, one), (other.key, two)):
            assert server.asks
            assert all(key in json.dumps(ask.headers) for ask in server.asks), "each was sent its key"
    assert (run.finished.trials, run.finished.accepted, run.finished.dead_letters) == (1, 1, 0)
    keys = [each.key for each in KINDS.values()]
    (assessed,) = (each for each in prompts if "# Request: assess_trial" in each)
    assert "values seen: True keys: 0" in assessed, "what the script saw"
    assert [each for each in (*seen, *prompts) if any(key in each for key in keys)] == []
    for verb in VERBS:
        words = [str(tmp_path / each) if each.startswith("OUT") else each for each in verb]
        with pytest.raises(SystemExit) as ended:
            main([*words, "--runs", str(tmp_path / "runs")])
        printed = capsys.readouterr()
        assert ended.value.code == 0, (verb, printed.err)
        assert not any(key in printed.out + printed.err for key in keys), verb
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files if any(key.encode() in path.read_bytes() for key in keys)] == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500])
@pytest.mark.parametrize("name", KINDS)
def test_an_error_that_repeats_the_key_is_told_without_it(
    name: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = KINDS[name]
    monkeypatch.setenv(kind.variable, kind.key)
    with ModelServer(lambda ask: fail(status, f"wrong: {json.dumps(ask.headers)}")) as server:
        given = settings(kind, server)
        model = AutoGenBackend if name == "autogen" else model_of_kind(given["kind"])
        outcome = outcome_of(make_backend("canary", model.model_validate(given)))
    told = outcome.failure if not isinstance(outcome, GomeError) else "".join(traceback.format_exception(outcome))
    assert told
    assert kind.key not in told


@pytest.mark.parametrize(
    "value", ["sk-canary 0123456789", "sk-canary\nX-More: 0123456789", "sk-canary-0123456789\u00e9"]
)
@pytest.mark.parametrize("name", KINDS)
def test_a_key_that_no_request_can_carry_is_named_by_its_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = KINDS[name]
    monkeypatch.setenv(kind.variable, value)
    with ModelServer(echoing) as server:
        given = settings(kind, server)
        model = AutoGenBackend if name == "autogen" else model_of_kind(given["kind"])
        with pytest.raises(UsageError, match=f"the value of {kind.variable} has a space") as refused:
            make_backend("canary", model.model_validate(given))
    assert "sk-canary" not in str(refused.value)
    assert server.calls == 0
