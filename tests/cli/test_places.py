"""Odd places: no home, a home that is a file, paths that no log has, folders that are files. Each ends in words."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gome.errors import UsageError
from gome.scenarios.reading.home import expanded, home_folder
from gome.viewer.run_folders import runs_root
from tests.scenarios.helpers.make_task import make_task


def _run(folder: Path, *more: str, within: str = "", **variables: str) -> subprocess.CompletedProcess[bytes]:
    """`gome run` on a small table in this folder, after the words `within` of a shell."""
    table = make_task(folder / "source", rows=120) / "prepared" / "public" / "train.csv"
    table.rename(folder / "train.csv")
    command = [sys.executable, "-m", "gome", "run", "train.csv", "--target", "y", *more]
    command += ["--set", "budget.trials=1", "--set", "traces=1", "--set", "executors.standby=false"]
    environment = {**os.environ, "PYTHONSAFEPATH": "1", **variables}
    return subprocess.run(
        ["bash", "-c", f"{within} exec \"$@\"", "bash", *command],
        cwd=folder, env=environment, capture_output=True, check=False,
    )  # fmt: skip


def _untouched(folder: Path) -> bool:
    return {each.name for each in folder.iterdir()} <= {"train.csv", "source"}


def test_a_working_folder_that_is_not_utf8(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff"))
    folder.mkdir()
    done = _run(folder)
    assert (done.returncode, b"not UTF-8" in done.stderr, b"Traceback" in done.stderr) == (2, True, False)
    assert _untouched(folder)


def test_a_path_that_no_log_can_have(tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["d" * 100] * 5)
    folder.mkdir(parents=True)
    done = _run(folder)
    assert (done.returncode, b"bytes, and a log can be opened" in done.stderr) == (2, True)
    assert _untouched(folder)


def test_a_folder_of_runs_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    with pytest.raises(UsageError, match="is a file"):
        runs_root(tmp_path / "runs")


@pytest.mark.parametrize(
    ("within", "status", "words"), [("exec >&-;", 0, b""), ("exec >/dev/full;", 75, b"No space left")]
)
def test_an_output_that_takes_nothing(tmp_path: Path, within: str, status: int, words: bytes) -> None:
    command = f'{within} exec "$0" -m gome runs --runs {tmp_path}'
    done = subprocess.run(["bash", "-c", command, sys.executable], capture_output=True, check=False)
    assert (done.returncode, words in done.stderr, b"Traceback" in done.stderr) == (status, True, False), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("within", ["umask 077;", "ulimit -n 512;", "ulimit -u 500;", "exec >&-;"])
def test_narrow_limits_and_closed_modes(tmp_path: Path, within: str) -> None:
    done = _run(tmp_path, within=within)
    assert done.returncode == 0, done.stderr.decode()
    assert list(tmp_path.glob("runs/*/best/solution.py"))


@pytest.mark.slow
def test_modules_of_the_user_are_not_taken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    for name in ("errors.py", "main.py", "executors.py", "bus.py", "scenarios.py"):
        (tmp_path / "theirs" / name).write_text("raise SystemExit('the wrong module')")
    done = _run(tmp_path, PYTHONPATH=str(tmp_path / "theirs"))
    assert done.returncode == 0, done.stderr.decode()


_NO_LOCKS = """
#include <errno.h>
#include <sys/file.h>
int flock(int fd, int operation) { errno = ENOLCK; return -1; }
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_a_disk_without_locks(tmp_path: Path) -> None:
    """As some network disks are; the C library is made to say so."""
    (tmp_path / "shim.c").write_text(_NO_LOCKS)
    shim, work = tmp_path / "shim.so", tmp_path / "work"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, tmp_path / "shim.c"], check=True)
    work.mkdir()
    done = _run(work, LD_PRELOAD=str(shim))
    assert done.returncode == 75, done.stderr.decode()
    assert b"No locks available" in done.stderr
    assert b"put runs on a local disk, with --runs or GOME_RUNS" in done.stderr
    assert b"Traceback" not in done.stderr


def test_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)  # of whom the system knows nothing
    with pytest.raises(UsageError, match=r"no home folder.*set GOME_CACHE"):
        home_folder("set GOME_CACHE")
    with pytest.raises(UsageError, match="write the whole path"):
        expanded("~nobody-of-that-name/table.csv")


def test_a_script_finds_its_files_where_paths_are_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with the default `runs`, at the level whose scripts see real paths."""
    import anyio

    from gome.executors.launch import Launch, Slot
    from gome.executors.local import LocalExecutor
    from gome.executors.sandbox import landlock
    from gome.executors.sandbox.levels import Sandbox, SandboxLevel

    monkeypatch.chdir(tmp_path)
    for each in ("data", "work"):
        Path("runs", each).mkdir(parents=True)
    Path("runs/data/train.csv").write_text("x")
    Path("runs/work/solution.py").write_text(
        "import sys; open('out/y', 'w').write(open(sys.argv[1] + '/train.csv').read())"
    )
    launch = Launch(
        script=Path("runs/work/solution.py"),
        arguments=("/gome/data",),
        workspace=Path("runs/work"),
        read_only={Path("runs/data"): Path("/gome/data")},
        artefacts=("y",),
    )
    levels = [SandboxLevel.NONE, *([SandboxLevel.LANDLOCK] if landlock.available() else [])]
    for level in levels:
        outcome = anyio.run(LocalExecutor(Sandbox(level)).run, launch, Slot(index=0))
        assert (outcome.words, [*outcome.artefacts]) == ("ended well", ["y"]), outcome.stderr
