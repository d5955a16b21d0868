"""No cold starts: beside each slot waits an interpreter that has imported what most scripts import, for one script.

    seat ──► imports, at the lowest priority ──► ready ──► hand_over ──► the script, held as any other
      └────────── the slot's script before runs meanwhile ──────────┘

A standby is started as its script would be: in a sandbox of its own, under the same limits, on the script's path. Its
workspace, and the folders of data that change from script to script, are empty until then. At the hand-over the
workspace takes the place of the launch's (a mount stays with its folder when that is renamed) and the data are linked
in, so the script finds all as in a cold start. What was used before counts towards no limit.

A script goes cold where no standby is ready, where it needs what a waiting process can no longer change (another
interpreter or environment, other mounts), and where its source speaks of environment variables: libraries read
them as they are imported. The other levels of the sandbox show real paths, which nobody knows beforehand: always cold.
"""

import json
import os
import shutil
import socket
import stat
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import uuid4

import anyio
import anyio.to_thread

from executors import warmup
from executors.collect import discard
from executors.interpreter import Interpreter
from executors.launch import MOUNTS, Launch, Outcome, Slot
from executors.levels import Sandbox, SandboxLevel
from executors.local import LocalExecutor, prepare
from executors.process import Process
from executors.supervise import Supervision
from executors.tree import Usage, usage

__all__ = ["StandbyExecutor"]

_HOOK = MOUNTS / "standby"
"""Where a standby sees the folder of its `sitecustomize`."""
_SPEAKS_OF_ENVIRONMENT = (b"environ", b"putenv")
_MOST_ARGUMENTS = 1 << 14
"""Bytes of arguments that are handed over without waiting for who reads them."""
_LOOK = 0.01
_OPEN_FOLDER, _OPEN_FILE = 0o755, 0o644
"""For the user of the slot, whatever our own mask is."""


@dataclass(frozen=True)
class _Needs:
    """What of a launch must be known when its process is started. Scripts of equal needs can share a standby."""

    slot: Slot
    python: Path | None
    script: str
    environment: tuple[tuple[str, str], ...]
    mounts: tuple[tuple[Path, Path | None], ...]
    """Path that the script sees, and the real one where that does not change."""
    memory: int
    disk: int
    processes: int

    @classmethod
    def of(cls, launch: Launch, slot: Slot, changing: Collection[Path]) -> Self:
        return cls(
            slot=slot,
            python=launch.python,
            script=launch.script.name,
            environment=tuple(sorted(launch.environment.items())),
            mounts=tuple(sorted((seen, None if seen in changing else real) for real, seen in launch.read_only.items())),
            memory=launch.limits.memory,
            disk=launch.limits.disk,
            processes=launch.limits.processes,
        )


@dataclass(frozen=True)
class _Standby:
    """One interpreter that waits. `folder` is its own: hook, empty workspace, data and script to be."""

    needs: _Needs
    process: Process
    control: socket.socket
    token: str
    folder: Path

    @property
    def ready(self) -> bool:
        """Whether it has imported all; what it has said stays to be heard again."""
        try:
            return self.control.recv(len(warmup.READY), socket.MSG_PEEK) == warmup.READY
        except BlockingIOError:
            return False

    def tell(self, arguments: tuple[str, ...]) -> None:
        """The script is there: go on with these arguments. If it has died, whoever watches its process finds out."""
        with self.control, suppress(BrokenPipeError):
            self.control.sendall(json.dumps(arguments).encode() + b"\n")


class StandbyExecutor:
    """An `Executor` on this machine with a standby beside each slot that was used; `aclose` it.

    `folder` is for the standbys alone, on the file system of the workspaces, in a folder that is there. `changing` are
    the paths, as scripts see them, of folders that differ from one launch to the next; `libraries` are imported
    beforehand, at the niceness `nice`: at 19, the lowest priority, scripts that run meanwhile hardly notice, and on a
    machine without a moment's rest it takes minutes. `handed_over` counts the scripts that were spared a cold start.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        folder: Path,
        changing: Collection[Path] = (),
        libraries: Collection[str] = warmup.LIBRARIES,
        nice: int = 19,
    ) -> None:
        self.sandbox = sandbox
        self.handed_over = 0
        self._local = LocalExecutor(sandbox)
        self._folder = folder
        self._changing = frozenset(changing)
        self._how = (str(nice), *libraries)
        self._waiting: dict[int, _Standby] = {}

    async def run(self, launch: Launch, slot: Slot, on_line: Callable[[str], None] | None = None) -> Outcome:
        """See `Executor.run`."""
        if not await anyio.to_thread.run_sync(self._suits, launch):
            return await self._local.run(launch, slot, on_line)
        async with self._taken(_Needs.of(launch, slot, self._changing)) as standby:
            if standby is None:
                await self.seat(launch, slot)
                return await self._local.run(launch, slot, on_line)
            before = await anyio.to_thread.run_sync(self._fill, standby, launch, slot)
            _forget_output(standby.process)
            watch = Supervision(standby.process, launch, self.sandbox.keepers, on_line, before)
            standby.tell(launch.arguments)
            self.handed_over += 1
            await self.seat(launch, slot)
            return await self._local.hold(watch, launch, standby.token)

    async def seat(self, launch: Launch, slot: Slot) -> None:
        """Start a standby for launches like this one, unless one waits beside the slot.

        Raises SandboxError and Outage as `run` does.
        """
        if slot.index in self._waiting:
            return
        token = uuid4().hex
        folder = self._folder / f"{slot.index}-{token}"
        own = self._own_launch(launch, folder)
        python = await anyio.to_thread.run_sync(self._furnish, own, slot, folder)
        ours, its = socket.socketpair()
        ours.setblocking(False)
        with its, ExitStack() as undo:
            undo.enter_context(ours)
            own.environment[warmup.CONTROL] = " ".join((str(its.fileno()), *self._how))
            process = Process.start(self.sandbox.command(own, slot, python, token), inherited=(its.fileno(),))
            undo.pop_all()
        needs = _Needs.of(launch, slot, self._changing)
        self._waiting[slot.index] = _Standby(needs, process, ours, token, folder)

    async def ready(self, slot: Slot) -> bool:
        """Wait until the standby beside that slot has imported all; False where there is none."""
        while (standby := self._waiting.get(slot.index)) is not None and standby.process.running:
            if standby.ready:
                return True
            await anyio.sleep(_LOOK)
        return False

    async def aclose(self) -> None:
        """End all that wait, and clear the folder, also of what a killed process has left there."""
        while self._waiting:
            _, standby = self._waiting.popitem()
            await self._dismiss(standby)
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(discard, self._folder)

    @asynccontextmanager
    async def _taken(self, needs: _Needs) -> AsyncIterator[_Standby | None]:
        """The standby beside the slot, where it is ready; it is gone when the block is left.

        One that still imports stays for the next script; one that has died, or that does not fit, is sent away.
        """
        standby = self._waiting.get(needs.slot.index)
        if standby is None:
            yield None
            return
        fits = standby.needs == needs and standby.process.running
        if fits and not standby.ready:
            yield None
            return
        del self._waiting[needs.slot.index]
        try:
            if not fits:
                await self._dismiss(standby)
            yield standby if fits else None
        finally:
            await self._dismiss(standby)

    async def _dismiss(self, standby: _Standby) -> None:
        """End a standby, where that was not done, and clear its folder."""
        with anyio.CancelScope(shield=True):
            standby.control.close()
            if standby.process.returncode is None:
                await self._local.end(standby.process, standby.token)
                standby.process.close()
            await anyio.to_thread.run_sync(discard, standby.folder)

    def _suits(self, launch: Launch) -> bool:
        """Whether this script could be handed to a standby at all."""
        if self.sandbox.level is not SandboxLevel.BUBBLEWRAP or "PYTHONPATH" in launch.environment:
            return False
        device = self._folder.parent.stat().st_dev
        folders = [launch.workspace, *(real for real, seen in launch.read_only.items() if seen in self._changing)]
        if not all(folder.is_dir() and folder.stat().st_dev == device for folder in folders):
            return False
        if not launch.script.is_file() or len(json.dumps(launch.arguments)) > _MOST_ARGUMENTS:
            return False
        source = launch.script.read_bytes()
        return not any(word in source for word in _SPEAKS_OF_ENVIRONMENT)

    def _own_launch(self, launch: Launch, folder: Path) -> Launch:
        """A standby's launch: that one with all that is not there yet in the standby's own folder."""
        mounts = {
            _place(folder, seen) if seen in self._changing else real: seen for real, seen in launch.read_only.items()
        }
        return launch.model_copy(
            update={
                "script": folder / "script" / launch.script.name,
                "arguments": (),
                "workspace": folder / "work",
                "read_only": {**mounts, folder / "hook": _HOOK},
                "environment": {**launch.environment, "PYTHONPATH": str(_HOOK)},
            }
        )

    def _furnish(self, own: Launch, slot: Slot, folder: Path) -> Interpreter:
        """Make what a standby's launch names."""
        for each in (own.script.parent, own.workspace, *own.read_only):
            if each.is_relative_to(folder):
                each.mkdir(parents=True)
                each.chmod(_OPEN_FOLDER)
        shutil.copyfile(warmup.__file__, folder / "hook" / "sitecustomize.py")
        own.script.touch()
        for file in (folder / "hook" / "sitecustomize.py", own.script):
            file.chmod(_OPEN_FILE)
        user = self.sandbox.user(slot)
        if user is not None:
            os.chown(own.script, user, user)
        return prepare(own, user)

    def _fill(self, standby: _Standby, launch: Launch, slot: Slot) -> Usage:
        """Put everything of a launch where its standby sees it; what the standby has used until then."""
        prepare(launch, self.sandbox.user(slot))
        for real, seen in launch.read_only.items():
            if seen in self._changing:
                _link(real, _place(standby.folder, seen))
        (standby.folder / "script" / launch.script.name).write_bytes(launch.script.read_bytes())
        workspace = standby.folder / "work"
        workspace.chmod(stat.S_IMODE(launch.workspace.stat().st_mode))
        for entry in list(launch.workspace.iterdir()):
            entry.rename(workspace / entry.name)
        launch.workspace.rmdir()
        workspace.rename(launch.workspace)
        return usage(standby.process.pid, launch.limits.memory)


def _place(folder: Path, seen: Path) -> Path:
    """Where in a standby's folder is what it sees at that path."""
    return folder / "-".join(seen.parts[1:])


def _link(source: Path, target: Path) -> None:
    """Give all files below `source` a second name below `target`, which is there."""
    target.chmod(stat.S_IMODE(source.stat().st_mode))
    for entry in source.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            (target / entry.name).mkdir()
            _link(entry, target / entry.name)
        else:
            os.link(entry, target / entry.name, follow_symlinks=False)


def _forget_output(process: Process) -> None:
    """Libraries may print as they are imported; that is nothing of the script's."""
    for descriptor in (process.stdout, process.stderr):
        with suppress(BlockingIOError):
            while os.read(descriptor, 1 << 16):
                pass
