"""A script of a warm interpreter while it runs: what the template tells of its end, what it uses, how it is reached.

Seen from here the tree is bubblewrap's two processes, the interpreter as it was started, the template, the keeper of
the script's namespaces, the script. The last is the first that counts; orphans of the script are the keeper's.
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
"""Seconds that a template has to tell of the end of a script that was killed."""


class Turn:
    """One script while it runs: a `Held`. `unborn` says why it was never begun; else it is empty.

    `process` is the first of the sandbox, `template` the process that forks, and `shared` the memory that it holds.
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
        self._told = b""

    @property
    def pid(self) -> int:
        """The keeper of the script's namespaces; the template itself before there is one."""
        if self._pid is None:
            self._pid = next((each for each in descendants(self._template) if each != self._template), None)
        return self._pid or self._template

    async def wait(self) -> int:
        """Wait for the script's end. Where the template ends first, the script was killed with it."""
        while not self._told.endswith(b"\n"):
            await anyio.wait_readable(self._control)
            try:
                chunk = self._control.recv(forking.ORDER)
            except ConnectionError:
                chunk = b""
            if not chunk:
                await self._process.wait()
                self.returncode = -signal.SIGKILL
                return self.returncode
            self._told += chunk
        self._take(json.loads(self._told))
        return self.returncode or 0

    async def end(self) -> bool:
        """Kill what is left of the script, with its keeper; whether the template has told of its end then."""
        if self.returncode is None and self.pid != self._template:
            send(self.pid, signal.SIGKILL)
            with anyio.move_on_after(_PATIENCE):
                await self.wait()
        return self._told.endswith(b"\n")

    def measure(self, memory_limit: int) -> Usage:
        """What the script uses, the keeper's CPU time and process included, of memory what is not the template's.

        A fork's count of memory begins with all that it shares. Where the difference is over the limit, each process
        is asked for its share, of which the template's part is taken off.
        """
        if self.pid == self._template:
            return Usage(0, 0.0, 1)
        used = usage(self.pid, sys.maxsize)
        memory = used.memory - 2 * self._shared
        if memory > memory_limit:
            own = list(descendants(self.pid))[1:]
            share = sum(usage(each, 0).memory for each in _children(self.pid))
            memory = share - self._shared * len(own) // (len(own) + 2)
        return Usage(max(0, memory), used.cpu, used.processes)

    def signal_tree(self, number: int) -> None:
        """Send a signal to every process of the script, and not to its keeper."""
        if self.pid != self._template:
            for each in list(descendants(self.pid))[1:]:
                send(each, number)

    def close(self) -> None:
        """Let go of the script's output."""
        os.close(self.stdout)
        os.close(self.stderr)

    def _take(self, answer: dict[str, Any]) -> None:
        told: str = answer["told"]
        self.cpu_seconds = answer["cpu"]
        if told.startswith("failed"):
            self.unborn = told
        # A keeper that has said nothing was killed, and the kernel has ended the script with it.
        self.returncode = int(told) if told and not self.unborn else -signal.SIGKILL


def _children(pid: int) -> list[int]:
    """Of a process with one thread; none where it is gone."""
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
