"""The strongest sandbox level: bubblewrap's options for a launch.

Inside there is no network and no process but the script's own; /proc is read-only, so that no memory of another
process can be written. Visible files are the system's, the interpreter's, the
data and the workspace; writable are only the workspace, /tmp and /dev/shm. When the sandbox's first process ends, the
kernel kills all others in it, and no process inside can prevent that.

Started by an ordinary user, the script is user 1000 in a new user namespace. Started by root, there is no user
namespace and the script runs as a separate user per slot, because the kernel does not apply process limits to root.
"""

import json
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
    placed,
    system_paths,
)
from gome.executors.launch import WORK, Launch, Limits, Slot
from gome.executors.resources.interpreter import Interpreter
from gome.executors.sandbox.seccomp import program
from gome.executors.sandbox.users import slot_user

__all__ = ["command", "first_process", "reported_end", "slot_user"]

_USER = 1000

_MADE = {Path("/"), Path("/dev"), Path("/dev/shm"), Path("/tmp")}  # noqa: S108 (the sandbox's own)
"""Folders that exist before the binds. Parents of other binds are created, searchable by everyone."""


def command(binary: Path, launch: Launch, slot: Slot, python: Interpreter, token: str) -> Command:
    """The command that runs a launch under bubblewrap."""
    user = slot_user(slot)
    options = [
        *_isolation(user),
        *_own_mounts(launch.limits),
        *_binds(launch, slot, python),
        *("--chdir", str(WORK)),
        *("--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/"),
    ]
    refused = program()
    argv = (
        *placed(slot),
        str(binary),
        *("--args", OPTIONS, "--json-status-fd", STATUS),
        *(("--seccomp", FILTER) if refused else ()),
        "--",
        *(_become(user) if user is not None else ()),
        *limited(launch.limits),
        str(python.executable),
        str(bound_script(launch)),
        *launch.arguments,
    )
    variables = environment(launch, token, slot.threads, home="/tmp")  # noqa: S108 (the sandbox's own)
    variables["CUDA_VISIBLE_DEVICES"] = "" if slot.gpu is None else "0"  # the only device that is mounted
    encoded = b"".join(f"{option}\0".encode() for option in options)
    return Command(argv, variables, encoded, refused, keeper=True)


def reported_end(status: str) -> bool:
    """Whether the script was started and has ended; bubblewrap reports an exit code only then."""
    return any("exit-code" in report for report in _reports(status))


def first_process(status: str) -> int | None:
    """Id of the sandbox's first process, whose end is the end of all in it; None where it was not started."""
    return next((report["child-pid"] for report in _reports(status) if "child-pid" in report), None)


def _reports(status: str) -> list[dict[str, int]]:
    """Parse bubblewrap's status reports, one JSON object per line."""
    return [json.loads(line) for line in status.splitlines()]


def _isolation(user: int | None) -> tuple[str, ...]:
    """Options for namespaces and capabilities. As root, `_become` needs three capabilities, and drops them."""
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
    """Command prefix that changes from root to that user irrevocably."""
    ids = (f"--reuid={user}", f"--regid={user}", "--clear-groups")
    return ("setpriv", *ids, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")


def _own_mounts(limits: Limits) -> Iterator[str]:
    """Options for /proc, /dev and size-limited tmpfs folders, which must come before binds below them."""
    yield from ("--proc", "/proc", "--dev", "/dev")
    for folder, share in (("/dev/shm", 2), ("/tmp", 4)):  # noqa: S108 (the sandbox's own)
        yield from ("--perms", "1777", "--size", str(limits.memory // share), "--tmpfs", folder)


def _binds(launch: Launch, slot: Slot, python: Interpreter) -> Iterator[str]:
    """Options for all binds: read-only, except the workspace and the slot's GPU."""
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
