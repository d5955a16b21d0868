"""What outlives gome, where gome is killed, is ended by the reaper."""

import os
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest

from gome.executors.sandbox import landlock
from gome.executors.sandbox.levels import SandboxLevel

_HARNESS = """
import sys
from pathlib import Path
import anyio
from gome.executors.choose_sandbox import probe
from gome.executors.launch import Launch, Slot
from gome.executors.local import LocalExecutor
from gome.executors.sandbox.levels import Sandbox, SandboxLevel

async def main(folder, level, mark):
    sandbox = await probe() if level == "bubblewrap" else Sandbox(SandboxLevel(level))
    if sandbox.level.value != level:
        sys.exit(3)
    launch = Launch(script=folder / "s.py", workspace=folder / "work", environment={"OF_THIS_TEST": mark})
    print("started", flush=True)
    await LocalExecutor(sandbox).run(launch, Slot(index=0))

anyio.run(main, Path(sys.argv[1]), sys.argv[2], sys.argv[3])
"""
_DAEMONS = """
import os, time
for _ in range(2):
    if os.fork() == 0:
        os.setsid()
        break
open(f"out/{os.getpid()}", "w").close()
time.sleep(600)
"""
_PATIENCE = 60.0


def _of_test(mark: str) -> set[int]:
    """The processes that have the test's mark in their environment."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                variables = (folder / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if f"OF_THIS_TEST={mark}".encode() in variables:
                found.add(int(folder.name))
    return found


def _until(condition: object) -> bool:
    assert callable(condition)
    ends = time.monotonic() + _PATIENCE
    while not condition() and time.monotonic() < ends:
        time.sleep(0.1)
    return bool(condition())


@pytest.mark.parametrize("level", [each.value for each in SandboxLevel])
def test_scripts_and_daemons_of_a_killed_gome_are_ended(level: str, tmp_path: Path) -> None:
    if level == SandboxLevel.LANDLOCK and not landlock.available():
        pytest.skip("no Landlock here")
    (tmp_path / "work" / "out").mkdir(parents=True)
    (tmp_path / "s.py").write_text(_DAEMONS)
    mark = uuid4().hex
    words = [sys.executable, "-c", _HARNESS, str(tmp_path), level, mark]
    with subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True) as harness:
        assert harness.stdout is not None
        if harness.stdout.readline() != b"started\n":
            pytest.skip(f"no {level} here")
        assert _until(lambda: len(list((tmp_path / "work" / "out").iterdir())) == 3)
        assert len(_of_test(mark)) >= 3
        os.killpg(harness.pid, 9)
    assert _until(lambda: not _of_test(mark)), _of_test(mark)


_WATCHED = """
import os
from pathlib import Path
from gome.executors.processes import reaper
reaper.watch(os.getpid(), "GOME_LAUNCH=x"); reaper.forget(os.getpid())
pid = os.getpid()
(child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
while b"reaper_program" not in Path(f"/proc/{child}/cmdline").read_bytes():
    pass  # it has not begun yet
print(child, Path(f"/proc/{child}/environ").read_text())
"""


def test_a_reaper_ends_with_the_gome_that_ended_in_order_and_knows_no_key() -> None:
    surroundings = os.environ | {"MY_KEY": "sk-canary-0123456789"}
    done = subprocess.run(
        [sys.executable, "-c", _WATCHED],
        capture_output=True,
        text=True,
        check=True,
        env=surroundings,
        timeout=_PATIENCE,
    )
    child, _, variables = done.stdout.partition(" ")
    assert variables.strip("\0\n") == "LANG=C.UTF-8"
    assert _until(lambda: not Path(f"/proc/{child}").exists())
