"""A template (warm interpreter), from its start to its reuse for one script after the other.

    furnish ──► start ──► ready ──► fill ──► hand_over ──► the script runs ──► clear ──► is_whole? ──► fill

The template's `place` folder holds what differs between launches: workspace, script, data. For each script they are
moved or linked into it under fixed names, and removed afterwards. `forking` isolates scripts from each other; this
module verifies that nothing of a script is left.
"""

import json
import os
import shutil
import socket
import stat
import sys
from collections.abc import Collection
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import anyio

from gome.executors.command import FILTER, Command, bound_script
from gome.executors.launch import MOUNTS, WORK, Launch, Slot
from gome.executors.local import prepare
from gome.executors.processes.collect import discard
from gome.executors.processes.process import Process
from gome.executors.processes.tree import descendants, usage
from gome.executors.resources.interpreter import Interpreter
from gome.executors.sandbox.seccomp import program
from gome.executors.warm import forking
from gome.executors.warm import imports as warmup
from gome.executors.warm.forked_script import Turn

__all__ = ["Needs", "Template", "furnish", "own_launch", "start"]

_HOOK = MOUNTS / "standby"
"""Path at which a template sees the folder of its `sitecustomize`."""
_OPEN_FOLDER, _OPEN_FILE = 0o755, 0o644
"""Permissions that let the slot's user read, independent of the umask."""
_RIGHTS = ("sys_admin", "net_admin", "setpcap")
"""Capabilities needed to create namespaces with mounts and a loopback interface, and to drop capabilities."""
_PROCESSES = 4
"""Processes of a waiting template: the sandbox's two, the interpreter as it was started, and the template."""
_LOOK = 0.01
"""Seconds between two checks for readiness."""


@dataclass(frozen=True)
class Needs:
    """The properties of a launch that are fixed when a template starts. Launches with equal needs can share one."""

    slot: Slot
    python: Path | None
    script: str
    environment: tuple[tuple[str, str], ...]
    mounts: tuple[tuple[Path, Path | None], ...]
    """Path that the script sees, with the real path, or None where that differs between launches."""
    memory: int
    disk: int
    processes: int

    @classmethod
    def of(cls, launch: Launch, slot: Slot, changing: Collection[Path]) -> Self:
        """The needs of a launch; `changing` are the paths, as scripts see them, whose content differs per launch."""
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


@dataclass
class Template:
    """One warm interpreter. `folder` contains its hook, its place, and empty targets for the changing mounts."""

    needs: Needs
    process: Process
    control: socket.socket
    token: str
    folder: Path
    tree: tuple[int, ...] = field(default=(), init=False)
    """Ids of its processes, once it is ready."""

    @property
    def ready(self) -> bool:
        """Whether the imports are done and a script can be handed over; stays true once it is."""
        if not self.tree:
            with suppress(BlockingIOError, ConnectionError):
                received = self.control.recv(len(forking.READY))
                tree = tuple(descendants(self.process.pid))
                if received == forking.READY and len(tree) == _PROCESSES:
                    self.tree = tree
        return bool(self.tree)

    async def until_ready(self) -> bool:
        """Wait until the imports are done; False where the template ends before."""
        while self.process.running:
            if self.ready:
                return True
            await anyio.sleep(_LOOK)
        return False

    def is_whole(self) -> bool:
        """Whether the template is waiting for a script, and no process or file of an earlier script is left."""
        alone = self.process.running and tuple(descendants(self.process.pid)) == self.tree
        return alone and not any(_place(self.folder).iterdir())

    def fill(self, launch: Launch, user: int | None, changing: Collection[Path]) -> tuple[Launch, list[list[str]]]:
        """Move or link the files of a launch into the place.

        Returns the launch with its moved workspace, and the mounts as [name in the place, path that the script sees].
        Raises as `prepare`.
        """
        prepare(launch, user)
        place = _place(self.folder)
        mounts = []
        for real, seen in launch.read_only.items():
            if seen in changing:
                name = _name(seen)
                (place / name).mkdir()
                _link(real, place / name)
                mounts.append([name, str(seen)])
        script = place / "script"
        script.write_bytes(launch.script.read_bytes())
        script.chmod(_OPEN_FILE)
        if user is not None:
            os.chown(script, user, user)
        launch.workspace.rename(place / "work")
        collected = launch.collected or launch.workspace.with_name(f"{launch.workspace.name}.collected")
        moved = launch.model_copy(update={"workspace": place / "work", "collected": collected})
        return moved, [*mounts, ["script", str(bound_script(launch))], ["work", str(WORK)]]

    def clear(self, workspace: Path) -> bool:
        """Move the workspace back to its path and empty the place; return whether that was possible."""
        place = _place(self.folder)
        try:
            if (place / "work").exists():
                _move(place / "work", workspace)
            for each in place.iterdir():
                if each.is_dir():
                    discard(each)
                else:
                    each.unlink()
        except OSError:
            return False
        return True

    def hand_over(self, arguments: tuple[str, ...], mounts: list[list[str]]) -> Turn:
        """Order the template to fork the script. Where the template has ended, waiting for the script reports it."""
        shared = usage(self.tree[-1], sys.maxsize).memory  # before the fork, which would be counted too
        reading, writing = zip(*(os.pipe() for _ in range(2)), strict=True)
        try:
            order = json.dumps({"arguments": arguments, "mounts": mounts}).encode() + b"\n"
            with suppress(ConnectionError):
                socket.send_fds(self.control, [order], writing)
        finally:
            for each in writing:
                os.close(each)
        return Turn(self.process, self.control, self.tree[-1], shared, *reading)


def own_launch(launch: Launch, folder: Path, changing: Collection[Path]) -> Launch:
    """The launch of the template itself: like `launch`, with empty folders of its own for what changes."""
    mounts = {folder / _name(seen) if seen in changing else real: seen for real, seen in launch.read_only.items()}
    return launch.model_copy(
        update={
            "script": folder / "script" / launch.script.name,
            "arguments": (),
            "workspace": _place(folder),
            "read_only": {**mounts, folder / "hook": _HOOK},
            "environment": {**launch.environment, "PYTHONPATH": str(_HOOK)},
        }
    )


def furnish(own: Launch, folder: Path, user: int | None) -> Interpreter:
    """Create the files and folders of a template's launch. Raises as `prepare`."""
    for each in (own.script.parent, own.workspace, *own.read_only):
        if each.is_relative_to(folder):
            each.mkdir(parents=True)
            each.chmod(_OPEN_FOLDER)
    hook = folder / "hook"
    shutil.copyfile(warmup.__file__, hook / "sitecustomize.py")
    shutil.copyfile(forking.__file__, hook / f"{warmup.FORKING}.py")
    (hook / warmup.FILTER).write_bytes(program())
    own.script.touch()
    for file in (*hook.iterdir(), own.script):
        file.chmod(_OPEN_FILE)
    python = prepare(own, user)
    (own.workspace / "out").rmdir()
    return python


def start(command: Command, needs: Needs, token: str, folder: Path, libraries: tuple[str, ...]) -> Template:
    """Start a template. Must be called on the event loop's thread. Raises as `Process.start`."""
    ours, its = socket.socketpair()
    ours.setblocking(False)
    with its, ExitStack() as undo:
        undo.enter_context(ours)
        variables = {**command.environment, warmup.CONTROL: " ".join((str(its.fileno()), *libraries))}
        process = Process.start(replace(_with_rights(command), environment=variables), inherited=(its.fileno(),))
        undo.pop_all()
    return Template(needs, process, ours, token, folder)


def _with_rights(command: Command) -> Command:
    """Adapt a bubblewrap command: keep capabilities to create namespaces; the fork of a script installs the filter."""
    argv = list(command.argv)
    if FILTER in argv:
        place = argv.index(FILTER)
        del argv[place - 1 : place + 1]
    if "setpriv" in argv:
        rights = ",".join(f"+{each}" for each in _RIGHTS)
        place = argv.index("setpriv") + 1
        argv = [each for each in argv if not each.startswith(("--bounding-set=", "--inh-caps="))]
        argv[place:place] = [f"--inh-caps={rights}", f"--ambient-caps={rights}"]
    added = b"".join(f"--cap-add\0CAP_{each.upper()}\0".encode() for each in _RIGHTS)
    return replace(command, argv=tuple(argv), options=command.options + added, filter=b"")


def _place(folder: Path) -> Path:
    """The template's workspace, which holds the files that differ between launches."""
    return folder / "place"


def _name(seen: Path) -> str:
    """Name of the folder that is mounted at that path."""
    return "-".join(seen.parts[1:])


def _move(source: Path, target: Path) -> None:
    """Rename a folder, also where a script has removed its owner's permissions."""
    try:
        source.rename(target)
    except PermissionError:
        source.chmod(stat.S_IRWXU)
        source.rename(target)


def _link(source: Path, target: Path) -> None:
    """Hard-link all files below `source` into the existing folder `target`."""
    target.chmod(stat.S_IMODE(source.stat().st_mode))
    for entry in source.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            (target / entry.name).mkdir()
            _link(entry, target / entry.name)
        else:
            os.link(entry, target / entry.name, follow_symlinks=False)
