"""Processes of a launch that have left its tree, found by the mark in their environment and ended.

Where the sandbox has a PID namespace there are none. Elsewhere a daemon is no longer below its script, but it still
carries the environment it was started with.
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
"""A daemon may fork and end while it is looked for: one look that finds nothing proves nothing."""
_PAUSE = 0.01


async def end_orphans(token: str) -> None:
    """Kill every process that carries the launch's mark, until none is left.

    Raises SandboxError where they multiply faster than they are ended.
    """
    strangers = {os.getpid()}
    quiet = 0
    for _ in range(_ROUNDS):
        found = await anyio.to_thread.run_sync(_kill_marked, f"{MARK}={token}".encode(), strangers)
        quiet = 0 if found else quiet + 1
        if quiet == _QUIET_ROUNDS:
            return
        await anyio.sleep(_PAUSE)
    raise SandboxError(f"processes of a script cannot be ended; look for {MARK}={token} in /proc/*/environ")


def _kill_marked(mark: bytes, strangers: set[int]) -> int:
    """Kill the marked ones among all processes but `strangers`; the unmarked join these. How many were killed."""
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
