"""Kill orphans: processes of a launch that have left its process tree, found by a token in their environment.

There are none where the sandbox has a PID namespace. Elsewhere a daemon is no longer a descendant of its script, but
still has the environment with which it was started.
"""

import os
import signal
from pathlib import Path

import anyio
import anyio.to_thread

from gome.errors import SandboxError
from gome.executors.command import MARK
from gome.executors.processes.process import send

__all__ = ["end_orphans"]

_ROUNDS = 500
_QUIET_ROUNDS = 3
"""A daemon may fork and exit during a scan, so several scans in a row must find nothing."""
_PAUSE = 0.01


async def end_orphans(token: str) -> None:
    """Kill every process with the launch's token, until none is left.

    Raises SandboxError where they fork faster than they are killed.
    """
    strangers = {os.getpid()}
    quiet = 0
    for _ in range(_ROUNDS):
        found = await anyio.to_thread.run_sync(_kill_marked, f"{MARK}={token}".encode(), strangers)
        quiet = 0 if found else quiet + 1
        if quiet == _QUIET_ROUNDS:
            return
        await anyio.sleep(_PAUSE)
    raise SandboxError(
        f"processes of a script cannot be killed; find them by {MARK}={token} in /proc/*/environ and kill them"
    )


def _kill_marked(mark: bytes, strangers: set[int]) -> int:
    """Kill the marked processes outside `strangers`, add the others to `strangers`, and return the number killed."""
    killed = 0
    for pid in {int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()} - strangers:
        try:
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark in variables:
            send(pid, signal.SIGKILL)
            killed += 1
        else:
            strangers.add(pid)
    return killed
