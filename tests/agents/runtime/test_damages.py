"""Full disks, flipped bits and lost files of a whole run: nothing is lost silently, and nothing is paid for twice."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from gome.agents.protocol.messages import VOCABULARY
from gome.agents.runtime.replay import replay_run
from gome.bus.message import Envelope
from gome.bus.store.reader import LogReader
from gome.bus.store.sqlite import open_log
from gome.errors import LogError
from tests.agents.helpers.runs import Run
from tests.agents.runtime.test_chaos import ROOT, check_same

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1800), pytest.mark.xdist_group("lockstep")]

_PLACES = 10


@contextmanager
def disk(size: int) -> Iterator[Path]:
    """A file system of so many bytes; only root can mount one."""
    folder = Path(tempfile.mkdtemp())
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"cannot mount a file system here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def gome(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gome", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def room_of(run: Run) -> int:
    """How many bytes the run's folder takes on a file system of 4 KiB blocks."""
    return sum(-(-path.stat().st_size // 4096) * 4096 + 4096 for path in run.folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("place", range(_PLACES))
def test_a_disk_that_is_full_at_ten_places(lockstep_run: Run, small_scenario: Path, tmp_path: Path, place: int) -> None:
    size = round(room_of(lockstep_run) * (place + random.Random(place).random()) / _PLACES)
    with disk(max(size, 1 << 15)) as small:
        done = gome("run", str(small_scenario), "--runs", str(small), "--run-id", "run")
        assert done.returncode in (1, 2, 75), done.stderr
        assert "No space left" in done.stderr or "disk is full" in done.stderr  # whoever met it: the system, or SQLite
        assert "Traceback" not in done.stderr
        if (small / "run").exists():
            shutil.copytree(small / "run", tmp_path / "run")
    if (tmp_path / "run" / "log.sqlite").exists():
        again = gome("resume", "run", "--runs", str(tmp_path))
    else:
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        again = gome("run", str(small_scenario), "--runs", str(tmp_path), "--run-id", "run")
    assert again.returncode == 0, again.stderr
    check_same(tmp_path / "run", lockstep_run, [1])


async def _opened(folder: Path) -> None:
    async with open_log(folder, folder.name, vocabulary=VOCABULARY):
        pass


def _read(folder: Path) -> list[Envelope]:
    """Its messages, after a check as before a resume. Raises LogError."""
    anyio.run(_opened, folder)
    with LogReader(folder, VOCABULARY) as reader:
        return list(reader.envelopes())


@pytest.mark.parametrize("place", range(_PLACES))
def test_a_bit_that_flips_in_the_log_is_said_or_changes_no_message(
    lockstep_run: Run, tmp_path: Path, place: int
) -> None:
    folder = Path(shutil.copytree(lockstep_run.folder, tmp_path / lockstep_run.folder.name))
    log = folder / "log.sqlite"
    content = bytearray(log.read_bytes())
    draw = random.Random(place)
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    log.write_bytes(content)
    try:
        found = _read(folder)
    except LogError as error:
        assert str(folder) in str(error)
        return
    assert found == list(lockstep_run.envelopes)


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [Path.unlink, _cut, _flip])
def test_an_artefact_that_is_lost_or_damaged_is_named_by_what_needs_it(
    lockstep_run: Run, tmp_path: Path, damage: object
) -> None:
    assert callable(damage)
    folder = Path(shutil.copytree(lockstep_run.folder, tmp_path / lockstep_run.folder.name))
    stored = sorted(path for path in (folder / "artefacts").rglob("*") if path.is_file() and path.stat().st_size > 1)
    for path in random.Random(1).sample(stored, 4):
        whole = path.read_bytes()
        damage(path)
        try:
            assert anyio.run(replay_run, folder).activities  # it did not need the artefact
        except LogError as error:
            assert path.parent.name + path.name in str(error)
            assert "Restore it" in str(error)
        path.write_bytes(whole)
    assert anyio.run(replay_run, folder).activities
