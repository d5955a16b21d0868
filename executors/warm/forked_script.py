"""A running script of a warm interpreter: the template's report of its end, its resource use, its signals.

Seen from outside, the process tree is: bubblewrap's two processes, the interpreter as it was started, the template, the
keeper of the script's namespaces, the script. Only the script and its descendants count towards its limits; orphans of
the script become children of the keeper.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import anyio

from gome.executors.processes.process import Process, send
from gome.executors.processes.tree import Usage, descendants, usage
from gome.executors.warm import forking

__all__ = ["Turn"]

_PATIENCE = 0.5
"""Seconds within which a template must report the end of a killed script."""


class Turn:
    """One running script; implements `Held`. `unborn` is the reason where it was never started, else empty.

    `process` is the sandbox's first process, `template` the id of the forking process, `shared` its memory in bytes.
    """

    def __init__(
        self, process: Process, control: socket.socket, template: int, shared: int, stdout: int, stderr: int
    ) -> None:
        self.stdout, self.stderr = stdout, stderr
        os.set_blocking(stdout, False)
        os.set_blocking(stderr, False)
        self.returncode: int | None = None
        self.cpu_seconds = 0.0
        self.unborn = ""
        self._process = process
        self._control = control
        self._template = template
        self._shared = shared
        self._pid: int | None = None
        self._received = b""

    @property
    def pid(self) -> int:
        """Id of the keeper of the script's namespaces; of the template before the keeper exists."""
        if self._pid is None:
            self._pid = next((each for each in descendants(self._template) if each != self._template), None)
        return self._pid or self._template

    async def wait(self) -> int:
        """Wait for the script's end. Where the template ends first, the script was killed with it."""
        while not self._received.endswith(b"\n"):
            await anyio.wait_readable(self._control)
            try:
                chunk = self._control.recv(forking.ORDER)
            except ConnectionError:
                chunk = b""
            if not chunk:
                await self._process.wait()
                self.returncode = -signal.SIGKILL
                return self.returncode
            self._received += chunk
        self._take(json.loads(self._received))
        return self.returncode or 0

    async def end(self) -> bool:
        """Kill the keeper and with it the script; return whether the template has reported the script's end."""
        if self.returncode is None and self.pid != self._template:
            send(self.pid, signal.SIGKILL)
            with anyio.move_on_after(_PATIENCE):
                await self.wait()
        return self._received.endswith(b"\n")

    def measure(self, memory_limit: int) -> Usage:
        """Current resource use of script and keeper, without the memory that the template had before the fork.

        The memory of a fork includes all pages that it shares with the template, so the template's is subtracted for
        both. Where the rest exceeds `memory_limit`, proportional shares (PSS) of the script's processes are measured,
        less the template's part in them.
        """
        if self.pid == self._template:
            return Usage(0, 0.0, 1)
        used = usage(self.pid, sys.maxsize)
        memory = used.memory - 2 * self._shared
        if memory > memory_limit:
            own = list(descendants(self.pid))[1:]
            share = sum(usage(each, 0).memory for each in _children(self.pid))
            memory = share - self._shared * len(own) // (len(own) + 2)
        return Usage(max(0, memory), used.cpu, used.processes, used.files)

    def signal_tree(self, number: int) -> None:
        """Send a signal to every process of the script, but not to its keeper."""
        if self.pid != self._template:
            for each in list(descendants(self.pid))[1:]:
                send(each, number)

    def close(self) -> None:
        """Close the descriptors of the script's output."""
        os.close(self.stdout)
        os.close(self.stderr)

    def _take(self, answer: dict[str, Any]) -> None:
        report: str = answer["told"]
        self.cpu_seconds = answer["cpu"]
        if report.startswith("failed"):
            self.unborn = report
        # An empty report means that the keeper was killed; the kernel has then killed the script too.
        self.returncode = int(report) if report and not self.unborn else -signal.SIGKILL


def _children(pid: int) -> list[int]:
    """Children of a single-threaded process; empty where it has ended."""
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
