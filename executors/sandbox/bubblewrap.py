"""The sandbox proper: bubblewrap's options for a launch.

Inside there is no network, no process but the script's own, no file but the system's, the interpreter's, the data
and the workspace, and only the workspace, /tmp and /dev/shm can be written. When the sandbox's first process ends,
the kernel ends all others in it, and nobody inside can prevent that.

Two shapes: a user of the machine makes a user namespace and is user 1000 in it; root makes none and hands over to a
user of the slot's own, because the kernel never counts the processes of a script whose real user is root.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from gome.executors.command import (
    FILTER,
    OPTIONS,
    STATUS,
    Command,
    bound_script,
    environment,
    limited,
    mounts,
    system_paths,
)
from gome.executors.launch import WORK, Launch, Limits, Slot
from gome.executors.resources.interpreter import Interpreter
from gome.executors.sandbox.seccomp import program

__all__ = ["command", "first_process", "reported_end", "slot_user"]

_USER = 1000
_SLOT_USERS = 60600
"""First of the user ids that root lends to slots: in a range that Linux distributions leave unused."""

_MADE = {Path("/"), Path("/dev"), Path("/dev/shm"), Path("/tmp")}  # noqa: S108 (the sandbox's own)
"""Folders that are there before the binds; parents of the other binds are made, for everybody to pass through."""


def slot_user(slot: Slot) -> int | None:
    """The user whose processes a root executor's scripts are; None where it is not root and they are its own."""
    return _SLOT_USERS + slot.index if os.geteuid() == 0 else None


def command(binary: Path, launch: Launch, slot: Slot, python: Interpreter, token: str) -> Command:
    """How a launch is run under bubblewrap."""
    user = slot_user(slot)
    options = [
        *_isolation(user),
        *_own_mounts(launch.limits),
        *_binds(launch, slot, python),
        *("--chdir", str(WORK)),
        *("--remount-ro", "/dev", "--remount-ro", "/"),
    ]
    refused = program()
    argv = (
        str(binary),
        *("--args", OPTIONS, "--json-status-fd", STATUS),
        *(("--seccomp", FILTER) if refused else ()),
        "--",
        *(_become(user) if user is not None else ()),
        *limited(launch.limits, slot),
        str(python.executable),
        str(bound_script(launch)),
        *launch.arguments,
    )
    variables = environment(launch, token, slot.threads, home="/tmp")  # noqa: S108 (the sandbox's own)
    variables["CUDA_VISIBLE_DEVICES"] = "" if slot.gpu is None else "0"  # the one device that is there
    words = b"".join(f"{word}\0".encode() for word in options)
    return Command(argv, variables, words, refused, keeper=True)


def reported_end(status: str) -> bool:
    """Whether the script itself was started and has ended: bubblewrap reports an exit code in no other case."""
    return any("exit-code" in report for report in _reports(status))


def first_process(status: str) -> int | None:
    """The sandbox's first process, whose end is the end of all in it; None where it came to no such process."""
    return next((report["child-pid"] for report in _reports(status) if "child-pid" in report), None)


def _reports(status: str) -> list[dict[str, int]]:
    """Bubblewrap's status reports, one a line."""
    return [json.loads(line) for line in status.splitlines()]


def _isolation(user: int | None) -> tuple[str, ...]:
    """Namespaces and rights. As root, three capabilities are left for `_become`, which gives them up."""
    common = ("--die-with-parent", "--new-session", "--hostname", "gome", "--cap-drop", "ALL")
    if user is None:
        return (
            "--unshare-all",
            "--unshare-user",
            "--disable-userns",
            "--uid",
            str(_USER),
            "--gid",
            str(_USER),
            *common,
        )
    spaces = ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")
    rights = ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP")
    return (*spaces, *common, *rights)


def _become(user: int) -> tuple[str, ...]:
    """Turn from root into that user for good."""
    ids = (f"--reuid={user}", f"--regid={user}", "--clear-groups")
    return ("setpriv", *ids, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")


def _own_mounts(limits: Limits) -> Iterator[str]:
    """Memory-backed folders, each with an end, before any bind below them."""
    yield from ("--proc", "/proc", "--dev", "/dev")
    for folder, share in (("/dev/shm", 2), ("/tmp", 4)):  # noqa: S108 (the sandbox's own)
        yield from ("--perms", "1777", "--size", str(limits.memory // share), "--tmpfs", folder)


def _binds(launch: Launch, slot: Slot, python: Interpreter) -> Iterator[str]:
    """Everything from outside: read-only, but for the workspace and the slot's GPU."""
    system: dict[Path, Path] = {}
    for path in system_paths():
        if path.is_symlink() and path.parent == Path("/"):
            yield from ("--symlink", str(path.readlink()), str(path))
        else:
            system[path] = path
    prefixes = {path: path for path in python.prefixes if not path.is_relative_to("/usr")}
    outside = {**system, **prefixes, **mounts(launch)}
    for folder in sorted({parent for seen in outside.values() for parent in seen.parents} - _MADE):
        yield from ("--perms", "0755", "--dir", str(folder))
    for real, seen in sorted(outside.items(), key=lambda pair: len(pair[1].parts)):
        yield from ("--bind" if seen == WORK else "--ro-bind", str(real), str(seen))
    if slot.gpu is not None:
        for device in ("nvidiactl", "nvidia-uvm", f"nvidia{slot.gpu}"):
            yield from ("--dev-bind", f"/dev/{device}", f"/dev/{device}")
