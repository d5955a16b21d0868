"""A key goes to a new server, and a program or a model is run, only once the user has said so."""

import json
import sys
from pathlib import Path

import pytest

from gome.agents.backends.factory import make_embedder
from gome.agents.runtime.placement import python_of
from gome.cli.app import main
from gome.cli.key_consent import check_consent, trusted_file
from gome.errors import UsageError
from gome.scenarios.config.executors import LocalExecutors
from gome.scenarios.config.scenario import MemoryKeeperSettings, Scenario
from tests.scenarios.helpers.make_task import make_task
from tests.viewer.sample import Sample, opened


def scenario(**backend: str) -> Scenario:
    return Scenario.model_validate(
        {
            "name": "x",
            "task": "bike-demand",
            "backends": {"far": {"kind": "openai", "model": "m", **backend}},
            "roles": {"diagnoser": "far", "proposer": "far", "executor": "far"},
        }
    )


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    return tmp_path


STRANGE = {"base_url": "https://models.example/v1", "api_key_env": "OPENAI_API_KEY"}


def test_a_new_pair_is_asked_for_once() -> None:
    with pytest.raises(UsageError, match=r"OPENAI_API_KEY would be sent to https://models\.example/v1 .* --trust"):
        check_consent(scenario(**STRANGE), Path(), trust=False)
    assert not trusted_file().exists()
    check_consent(scenario(**STRANGE), Path(), trust=True)
    check_consent(scenario(**STRANGE), Path(), trust=False)
    with pytest.raises(UsageError, match=r"other\.example"):
        check_consent(scenario(**STRANGE | {"base_url": "https://other.example/v1"}), Path(), trust=False)
    assert "canary" not in trusted_file().read_text()


@pytest.mark.parametrize(
    "backend",
    [
        {},
        {"api_key_env": "OPENAI_API_KEY"},
        {"base_url": "http://127.0.0.1:8000/v1", "api_key_env": "OPENAI_API_KEY"},
        {"base_url": "https://models.example/v1", "api_key_env": "NOT_SET"},
    ],
)
def test_what_needs_no_word(backend: dict[str, str]) -> None:
    check_consent(scenario(**backend), Path(), trust=False)


def test_a_damaged_file_is_said() -> None:
    trusted_file().parent.mkdir(parents=True)
    trusted_file().write_text("{")
    with pytest.raises(UsageError, match="damaged"):
        check_consent(scenario(**STRANGE), Path(), trust=False)


@pytest.mark.parametrize("verb", ["run", "doctor"])
def test_the_command_stops_before_anything_is_sent(verb: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / "scenario.yaml"
    path.write_text(json.dumps(scenario(**STRANGE).model_dump(mode="json", exclude_defaults=True)))
    with pytest.raises(SystemExit) as ended:
        main([verb, str(path), "--runs", str(home / "runs")])
    assert ended.value.code == 2
    assert "--trust" in capsys.readouterr().err
    assert not (home / "runs").exists()


@pytest.mark.parametrize("verb", [["resume", "stranger"], ["finish", "stranger"], ["fork", "stranger", "--at", "00"]])
def test_a_run_of_a_strangers_is_not_gone_on_with_unasked(
    verb: list[str], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log holds its scenario, so one that came from elsewhere names servers as a scenario file does."""
    sample = Sample(str, "stranger")
    opening = opened(sample).model_copy(update={"scenario": scenario(**STRANGE).model_dump(mode="json")})
    sample.say("user", opening)
    sample.write(home / "runs" / "stranger")
    with pytest.raises(SystemExit) as ended:
        main([*verb, "--runs", str(home / "runs")])
    assert ended.value.code == 2
    assert "would be sent to https://models.example/v1 for the first time" in capsys.readouterr().err
    assert [each.name for each in (home / "runs").iterdir()] == ["stranger"]


@pytest.fixture
def python(home: Path) -> Path:
    """A program that a scenario names as its interpreter; it leaves a trace where it is run."""
    path = home / "evil" / "python"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\ntouch "{home}/ran"\nexec "{sys.executable}" "$@"\n')
    path.chmod(0o755)
    return path


def test_a_program_that_a_scenario_names_is_run_only_once_the_user_has_said_so(home: Path, python: Path) -> None:
    asked = scenario().model_copy(update={"executors": LocalExecutors(python=str(python))})
    with pytest.raises(UsageError, match=r"evil/python .* outside the sandbox .* --trust"):
        check_consent(asked, Path(), trust=False)
    with pytest.raises(UsageError, match="outside the sandbox"):
        python_of(asked.executors)
    assert not (home / "ran").exists()
    check_consent(asked, Path(), trust=True)
    check_consent(asked, Path(), trust=False)
    assert python_of(asked.executors) == python


def test_an_environment_that_links_the_systems_interpreter_needs_the_users_word(home: Path) -> None:
    """Its start-up files (`.pth`) are run with it."""
    linked = home / "env" / "bin" / "python"
    linked.parent.mkdir(parents=True)
    linked.symlink_to("/usr/bin/python3")
    for named in (str(linked), f"/usr/..{linked}"):
        with pytest.raises(UsageError, match="outside the sandbox"):
            python_of(LocalExecutors(python=named))


@pytest.mark.parametrize("known", [None, sys.executable, "/usr/bin/python3", "/nowhere/python"])
def test_an_interpreter_that_needs_no_word(known: str | None) -> None:
    assert python_of(LocalExecutors(python=known)) == (None if known is None else Path(known))


def with_model(model: str) -> Scenario:
    keeper = MemoryKeeperSettings(embedding="local", model=model)
    return scenario().model_copy(update={"roles": scenario().roles.model_copy(update={"memory_keeper": keeper})})


@pytest.mark.parametrize("named", ["model", "./model/", "{home}/model"])
def test_a_model_whose_folder_a_scenario_names_is_loaded_only_once_the_user_has_said_so(
    named: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its `modules.json` may name a class of a file in that folder, which the library imports and runs."""
    (home / "model").mkdir()
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)  # the next thing that would be looked at
    asked = with_model(named.format(home=home))
    words = r"/model \(roles\.memory_keeper\.model\) .* outside .* --trust"
    with pytest.raises(UsageError, match=words):
        check_consent(asked, home, trust=False)
    with pytest.raises(UsageError, match=words):
        make_embedder(asked.roles.memory_keeper, {}, home)
    check_consent(asked, home, trust=True)
    check_consent(asked, home, trust=False)
    with pytest.raises(UsageError, match="needs packages that are not installed"):
        make_embedder(asked.roles.memory_keeper, {}, home)


def test_a_model_in_the_working_folder_needs_the_word_too_and_one_in_the_cache_none(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "here" / "sentences").mkdir(parents=True)
    monkeypatch.chdir(home / "here")
    with pytest.raises(UsageError, match=r"roles\.memory_keeper\.model"):
        check_consent(with_model("sentences"), home, trust=False)
    check_consent(with_model("all-MiniLM-L6-v2"), home, trust=False)


def test_validate_runs_nothing(home: Path, python: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_task(home / "task")
    (home / "start.py").write_text("print('--data', '--out')\n")
    (home / "s.yaml").write_text(
        f"name: x\ntask: task\nstart: start.py\nbudget: {{trials: 1}}\nexecutors: {{python: {python}}}\n"
        "backends: {e: {kind: expert}}\nroles: {diagnoser: e, proposer: e, executor: e}\n"
    )
    with pytest.raises(SystemExit, match="2"):
        main(["validate", str(home / "s.yaml")])
    assert "outside the sandbox" in capsys.readouterr().err
    assert not (home / "ran").exists()
