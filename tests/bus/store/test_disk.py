"""Full disk and read-only folder: the run stops with a message and can be resumed from what was committed."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from gome.bus.store.reader import LogReader
from tests.bus.program import VOCABULARY
from tests.bus.test_crashes import check

SEED = 47  # a program of about eighty messages
ROOT = Path(__file__).parents[3]


def live(folder: Path, calls: Path, **settings: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.bus.relay_process", str(folder), str(SEED), str(calls)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, **settings)  # type: ignore[call-overload, no-any-return]


def ends_well(folder: Path, calls: Path) -> None:
    """Resume with free disk space, and check all guarantees of the log."""
    done = live(folder, calls)
    assert done.returncode == 0, done.stderr
    counted = Counter(tuple(line.split()) for line in calls.read_text().splitlines())
    check(folder, SEED, Counter({(actor, message, int(place)): n for (actor, message, place), n in counted.items()}))


def test_a_disk_that_takes_no_more_stops_the_run_resumably(tmp_path: Path) -> None:
    """A limit on file size, which the write-ahead log reaches in the middle of the run."""
    folder, calls = tmp_path / "run", tmp_path / "calls"
    limit = 150_000

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = live(folder, calls, preexec_fn=limited)
    assert done.returncode == 75, done.stderr
    assert done.stderr.startswith(f"outage: the log in {folder} could not be written")
    assert "then resume" in done.stderr
    with LogReader(folder, VOCABULARY) as reader:
        assert reader.last() is not None
    ends_well(folder, calls)


@pytest.mark.chaos
@pytest.mark.parametrize("limit", range(4_096, 300_000, 29_591))  # ten places: in the first page, the log, its WAL
def test_a_disk_that_is_full_at_any_place_loses_nothing(tmp_path: Path, limit: int) -> None:
    folder, calls = tmp_path / "run", tmp_path / "calls"

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = live(folder, calls, preexec_fn=limited)
    assert done.returncode in (0, 75), done.stderr
    assert done.returncode == 0 or done.stderr.startswith("outage: ")
    ends_well(folder, calls)


@pytest.fixture
def tiny_disk() -> Iterator[Path]:
    """A real file system of 300 KiB; only root can mount one."""
    folder = Path(tempfile.mkdtemp())
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"cannot mount a file system here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


def test_a_full_disk_stops_the_run_resumably(tiny_disk: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    done = live(tiny_disk / "run", calls)
    assert done.returncode == 75, done.stderr
    assert "outage:" in done.stderr and str(tiny_disk / "run") in done.stderr
    elsewhere = tmp_path / "run"  # more room
    shutil.copytree(tiny_disk / "run", elsewhere)
    ends_well(elsewhere, calls)


def as_nobody() -> None:
    """Root can write anywhere, so the process becomes `nobody` first. The folder is its working directory."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)


def test_a_read_only_folder_is_refused_with_words(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o555)
        script = (
            "import sys, pathlib, anyio\n"
            "from gome.bus.store.reader import LogReader\n"
            "from gome.bus.store.sqlite import open_log\n"
            "from tests.bus.town import VOCABULARY\n"
            "from gome.errors import GomeError\n"
            "from tests.bus.store.test_disk import as_nobody\n"
            "as_nobody()\n"
            "folder = pathlib.Path(sys.argv[1])\n"
            "async def main():\n"
            "    async with open_log(folder, 'r1', vocabulary=VOCABULARY): pass\n"
            "try: anyio.run(main)\n"
            "except GomeError as error: print(error.code, error)\n"
            "if len(sys.argv) > 2: print(LogReader(folder, VOCABULARY).run)\n"
        )
        empty = subprocess.run([sys.executable, "-c", script, str(folder)], cwd=ROOT, capture_output=True, text=True)
        assert f"outage cannot write to {folder}" in empty.stdout, empty.stderr
        folder.chmod(0o755)
        done = live(folder / "run", tmp_path / "calls")
        assert done.returncode == 0, done.stderr
        (folder / "run").chmod(0o555)
        for path in (folder / "run").iterdir():
            if path.is_file():
                path.chmod(0o444)
        there = subprocess.run(
            [sys.executable, "-c", script, str(folder / "run"), "read"], cwd=ROOT, capture_output=True, text=True
        )
        words, run = there.stdout.splitlines()
        assert words.startswith(f"outage cannot write to {folder / 'run'}") and run == "program", there.stderr
    finally:
        (folder / "run").chmod(0o755)
        shutil.rmtree(folder)
