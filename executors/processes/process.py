"""A child process controlled by its pidfd: started, read, signalled and reaped without blocking the event loop.

asyncio's subprocesses also wait for the pipes to close, which a daemon that keeps them open can delay forever. Here the
end of the process (its pidfd becomes readable) and the end of its output are separate.
"""

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import anyio
import anyio.lowlevel

from gome.errors import Outage, SandboxError
from gome.executors.command import FILTER, MARK, OPTIONS, STATUS, Command
from gome.executors.processes import reaper
from gome.executors.processes.tree import Usage, descendants, usage

__all__ = ["Held", "Process", "drain", "gone", "send"]

_CHUNK = 1 << 16
_LOOK = os.WEXITED | os.WNOHANG | os.WNOWAIT
_PATIENCE = 0.5
"""Seconds that the sandbox's own processes have to end, once the script's were killed."""


class Held(Protocol):
    """The processes of a supervised script: a `Process`, or a script forked from a warm interpreter."""

    @property
    def stdout(self) -> int:
        """Non-blocking descriptor of the script's output; likewise `stderr`."""

    @property
    def stderr(self) -> int: ...

    @property
    def pid(self) -> int:
        """The root of the process tree."""

    @property
    def returncode(self) -> int | None:
        """Exit status, a signal as a negative number; None while the script runs."""

    @property
    def cpu_seconds(self) -> float:
        """CPU time of the whole tree, known once it has ended."""

    async def wait(self) -> int:
        """Wait for the end and return `returncode`."""

    def measure(self, memory_limit: int) -> Usage:
        """Current resource use. Memory above `memory_limit` is measured again, more slowly and more exactly."""

    def signal_tree(self, number: int) -> None:
        """Send a signal to every process of the tree."""

    def close(self) -> None:
        """Close all descriptors."""


class Process:
    """A running command. Start it on the event loop's thread; call `end`, then `close`."""

    def __init__(self, popen: "subprocess.Popen[bytes]", status: int, *, keeper: bool) -> None:
        assert popen.stdout is not None and popen.stderr is not None  # noqa: S101 (both were asked for)
        self._popen = popen
        self._status = status
        self._keeper = keeper
        self._pidfd = os.pidfd_open(popen.pid)
        self.stdout = popen.stdout.fileno()
        self.stderr = popen.stderr.fileno()
        os.set_blocking(self.stdout, False)
        os.set_blocking(self.stderr, False)
        self.cpu_seconds = 0.0

    @classmethod
    def start(cls, command: Command, inherited: tuple[int, ...] = ()) -> "Process":
        """Start a command with its output on pipes and an empty input. It inherits the descriptors in `inherited`.

        Raises SandboxError where its program is missing, and Outage where the system cannot start a process.
        """
        status = os.memfd_create("status")
        places = {OPTIONS: _in_memory(command.options), FILTER: _in_memory(command.filter), STATUS: status}
        try:
            popen = subprocess.Popen(
                [str(places.get(word, word)) for word in command.argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(command.environment),
                cwd=command.cwd,
                pass_fds=[*inherited, *(place for word, place in places.items() if word in command.argv)],
                start_new_session=True,
            )
        except FileNotFoundError as error:
            os.close(status)
            raise SandboxError(f"{error.filename} is missing; install bubblewrap and util-linux") from error
        except OSError as error:
            os.close(status)
            raise Outage(f"cannot start a script: {error}. Free memory or processes, then resume") from error
        finally:
            os.close(places[OPTIONS])
            os.close(places[FILTER])
        if MARK in command.environment:
            reaper.watch(popen.pid, f"{MARK}={command.environment[MARK]}")
        return cls(popen, status, keeper=command.keeper)

    @property
    def pid(self) -> int:
        """Of the first process; its tree is below it."""
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """Exit status, a signal as its negative number, None while it runs."""
        return self._popen.returncode

    @property
    def running(self) -> bool:
        """Whether the first process is running, as of now."""
        return self.returncode is None and os.waitid(os.P_PIDFD, self._pidfd, _LOOK) is None

    async def wait(self) -> int:
        """Wait for the end of the first process and reap it, even where other processes keep its output open."""
        while self._popen.returncode is None:
            await anyio.wait_readable(self._pidfd)
            self._reap()
        return self._popen.returncode

    def measure(self, memory_limit: int) -> Usage:
        """Current resource use of the tree, the sandbox's own processes included."""
        return usage(self.pid, memory_limit)

    def signal_tree(self, number: int) -> None:
        """Send a signal to every process of the tree.

        The sandbox's first process is left out while it has descendants: it ends by itself after them, and its end
        proves that nothing is left.
        """
        pids = list(descendants(self.pid))
        for pid in pids[1:] if self._keeper and len(pids) > 1 else pids:
            send(pid, number)

    async def end(self) -> None:
        """Kill the tree and reap the first process. Cannot be cancelled; repeats until the process has ended."""
        with anyio.CancelScope(shield=True):
            while self.returncode is None:
                self.signal_tree(signal.SIGKILL)
                with anyio.move_on_after(_PATIENCE):
                    await self.wait()
                if self.returncode is None:
                    send(self.pid, signal.SIGKILL)

    @property
    def status(self) -> str:
        """What the command has written to `STATUS` so far."""
        return os.pread(self._status, _CHUNK, 0).decode()

    def close(self) -> None:
        """Close all descriptors."""
        reaper.forget(self.pid)
        with self._popen:
            os.close(self._status)
            os.close(self._pidfd)

    def _reap(self) -> None:
        _, status, used = os.wait4(self.pid, 0)
        self._popen.returncode = os.waitstatus_to_exitcode(status)
        self.cpu_seconds = used.ru_utime + used.ru_stime


def _in_memory(content: bytes) -> int:
    """A descriptor from which `content` can be read."""
    descriptor = os.memfd_create("content")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


async def drain(descriptor: int, sink: Callable[[bytes], None]) -> None:
    """Pass all data of a non-blocking pipe to `sink`, until every process that has it open has closed it."""
    while True:
        await anyio.wait_readable(descriptor)
        chunk = os.read(descriptor, _CHUNK)
        if not chunk:
            return
        sink(chunk)
        await anyio.lowlevel.checkpoint()


async def gone(pid: int) -> bool:
    """Wait up to half a second for a process to end; return whether it has."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        with anyio.move_on_after(_PATIENCE):
            await anyio.wait_readable(pidfd)
            return True
        return False
    finally:
        os.close(pidfd)


def send(pid: int, number: int) -> None:
    """Signal a process; does nothing where it has ended or is not ours."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
