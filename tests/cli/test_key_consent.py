"""A key goes to a new server only once the user has said so."""

import json
from pathlib import Path

import pytest

from gome.cli.app import main
from gome.cli.key_consent import check_consent, trusted_file
from gome.errors import UsageError
from gome.scenarios.config.scenario import Scenario
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
        check_consent(scenario(**STRANGE), trust=False)
    assert not trusted_file().exists()
    check_consent(scenario(**STRANGE), trust=True)
    check_consent(scenario(**STRANGE), trust=False)
    with pytest.raises(UsageError, match=r"other\.example"):
        check_consent(scenario(**STRANGE | {"base_url": "https://other.example/v1"}), trust=False)
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
    check_consent(scenario(**backend), trust=False)


def test_a_damaged_file_is_said() -> None:
    trusted_file().parent.mkdir(parents=True)
    trusted_file().write_text("{")
    with pytest.raises(UsageError, match="damaged"):
        check_consent(scenario(**STRANGE), trust=False)


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
