"""The recorded run of examples/: whoever has no key opens it, its replay is checked, it names no machine and no key."""

import io
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.agents.helpers.recorded_example import EXAMPLE, answers_of
from tests.cli.reading.test_commands import gome

COMMANDS = (
    ("tree",),
    ("diff", "0.3"),
    ("best",),
    ("memory",),
    ("cost", "--by", "question"),
    ("gantt",),
    ("log",),
    ("log", "stats"),
)
MACHINE = re.compile(rb"/(?:home|root|tmp|usr|var|work|opt|mnt|Users)/|\bsk-|api[_-]?key=|BEGIN [A-Z ]*PRIVATE", re.I)


def files() -> dict[str, bytes]:
    return {str(path.relative_to(EXAMPLE)): path.read_bytes() for path in sorted(EXAMPLE.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_it_is_read_by_every_command(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    verb, *rest = command
    place = [str(EXAMPLE)] if command != ("log", "stats") else ["stats", str(EXAMPLE)]
    assert gome(verb, *place, *(each for each in rest if each != "stats")) == 0
    assert "language-model" not in capsys.readouterr().err


def test_it_is_found_by_its_name_reported_and_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, root = files(), str(EXAMPLE.parent)
    assert gome("runs", "--runs", root) == 0
    assert "bike-demand" in capsys.readouterr().out
    assert gome("report", "bike-demand", "--runs", root, "-o", str(tmp_path / "report.html")) == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Mean of the log predictions of this ridge and the trees" in page
    assert gome("log", "bike-demand", "--runs", root, "--kind", "diagnosis", "--last", "1", "--json") == 0
    message = re.findall(r'"id": "([0-9a-f]+)"', capsys.readouterr().out)[0]
    assert gome("log", "why", message, "--run", "bike-demand", "--runs", root) == 0
    assert "proposal" in capsys.readouterr().out
    assert gome("log", "show", message, "--run", "bike-demand", "--runs", root) == 0
    assert "language-model" in capsys.readouterr().out, "who answered"
    assert files() == before, "reading writes nothing into it"


def test_its_pages_are_served_by_its_path() -> None:
    command = [sys.executable, "-u", "-m", "gome", "view", str(EXAMPLE), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().removeprefix("live pages at ").partition(";")[0]
        try:
            with urlopen(url) as page:  # noqa: S310 - our own server
                assert "Mean of the log predictions of this ridge and the trees" in page.read().decode()
        finally:
            server.terminate()


def test_it_replays(capsys: pytest.CaptureFixture[str]) -> None:
    """Where it fails because requests have changed: tests/agents/helpers/recorded_example.py makes the run again."""
    assert gome("replay", str(EXAMPLE)) == 0
    assert "identical: " in capsys.readouterr().out


def test_every_answer_is_a_models_own() -> None:
    model = answers_of(EXAMPLE)
    said = [each for several in model.replies.values() for each in several]
    assert len(said) == 16
    assert len(set(said)) == 16
    assert all(len(each) > 200 for each in said)


def test_it_is_small_and_names_no_machine_and_no_key() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(EXAMPLE, "bike-demand")
    assert packed.tell() < 3_000_000
    found = {name: MACHINE.findall(content) for name, content in files().items() if name != "README.md"}
    assert {name: hits for name, hits in found.items() if hits} == {}
