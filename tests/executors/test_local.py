"""The local executor fulfils the contract at every sandbox level, and its sandbox isolates scripts."""

import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import anyio
import pytest

from gome.errors import SandboxError
from gome.executors.choose_sandbox import Sandbox, SandboxLevel, probe
from gome.executors.launch import Cause, Executor, Slot
from gome.executors.local import LocalExecutor
from gome.executors.sandbox import bubblewrap, landlock
from gome.executors.sandbox.users import slot_user
from tests.executors.contract import ExecutorContract, IsolationContract, NamespaceContract
from tests.executors.place import Place, survivors


@cache
def sandbox() -> Sandbox:
    """The level that works on this machine."""
    return anyio.run(probe)


class TestSandboxed(NamespaceContract):
    """The default: a user namespace of its own, or a separate user per slot where run by root."""

    def make(self) -> Executor:
        return LocalExecutor(sandbox())

    def test_root_runs_no_script_as_itself(self, place: Place) -> None:
        slot = Slot(index=3)
        outcome = place.run(place.launch("import os; open('out/x', 'w'); print(os.getuid())"), slot)
        owner = (place.workspace / "out" / "x").stat().st_uid
        user = slot_user(slot)
        assert user != 0
        assert owner == (user or os.geteuid())
        assert int(outcome.stdout) == (user or 1000)

    def test_a_workspace_that_is_closed_to_others_will_do(self, place: Place) -> None:
        place.workspace.chmod(0o700)
        assert place.script("open('out/x', 'w')").cause is Cause.OK

    def test_data_that_the_script_could_not_read_are_named(self, place: Place) -> None:
        if os.geteuid() != 0:
            pytest.skip("a user's scripts are the user's own and read what the user reads")
        place.data.chmod(0o700)
        with pytest.raises(SandboxError, match="chmod"):
            place.script("pass")


@pytest.mark.skipif(os.geteuid() != 0, reason="what a user has anyhow")
class TestSandboxedInAUserNamespace(NamespaceContract):
    """Root, with the user namespace that ordinary users get."""

    @pytest.fixture(autouse=True)
    def _as_a_user(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bubblewrap, "slot_user", lambda slot: None)

    def make(self) -> Executor:
        return LocalExecutor(sandbox())


@pytest.mark.skipif(not landlock.available(), reason="this kernel has no Landlock")
class TestLandlocked(IsolationContract):
    """The Landlock level, for machines without namespaces."""

    def make(self) -> Executor:
        return LocalExecutor(Sandbox(SandboxLevel.LANDLOCK))


class TestUnconfined(ExecutorContract):
    """Without a sandbox, limits and clean-up apply to all processes that do not remove their token."""

    def make(self) -> Executor:
        return LocalExecutor(Sandbox(SandboxLevel.NONE))


_RUNNER = """
import sys, anyio
from gome.executors.launch import Launch, Slot
from gome.executors.local import LocalExecutor
from gome.executors.choose_sandbox import probe

async def main():
    executor = LocalExecutor(await probe())
    launch = Launch.model_validate_json(sys.stdin.read())
    await executor.run(launch, Slot(index=0), lambda line: print(line, flush=True))

anyio.run(main)
"""


def test_nothing_is_left_when_gome_itself_is_killed(tmp_path: Path) -> None:
    place = Place(tmp_path, LocalExecutor(sandbox()))
    launch = place.launch("import os, time\nprint('up', flush=True) if os.fork() else os.setsid()\ntime.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", _RUNNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as gome:
        assert gome.stdin is not None and gome.stdout is not None
        gome.stdin.write(launch.model_dump_json().encode())
        gome.stdin.close()
        assert gome.stdout.readline() == b"up\n"
        assert survivors(launch)
        gome.kill()
    deadline = time.monotonic() + 5
    while survivors(launch) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert survivors(launch) == []


def test_a_stray_that_left_the_tree_is_found_by_its_mark_without_a_sandbox(tmp_path: Path) -> None:
    place = Place(tmp_path, LocalExecutor(Sandbox(SandboxLevel.NONE)))
    source = "import subprocess\nsubprocess.Popen(['setsid', 'sleep', '60'], start_new_session=True)"
    assert place.script(source).ok


def test_a_launch_that_names_what_is_not_there_is_refused(tmp_path: Path) -> None:
    place = Place(tmp_path, LocalExecutor(sandbox()))
    launch = place.launch("pass")
    for wrong in (
        launch.model_copy(update={"workspace": tmp_path / "nowhere"}),
        launch.model_copy(update={"script": tmp_path / "nothing.py"}),
        launch.model_copy(update={"read_only": {tmp_path / "no-data": Path("/gome/data")}}),
    ):
        with pytest.raises(SandboxError, match=r"no workspace|does not exist"):
            place.run(wrong)


def test_a_sandbox_that_cannot_start_is_no_fault_of_the_script(tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    broken.chmod(0o755)
    place = Place(tmp_path / "place", LocalExecutor(Sandbox(SandboxLevel.BUBBLEWRAP, broken)))
    with pytest.raises(SandboxError, match="uid map"):
        place.script("pass")
