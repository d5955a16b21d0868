"""A child process held by its descriptor: started, read, signalled and reaped without ever blocking the event loop.

The library's own asynchronous processes wait for the pipes to close, which a daemon that holds them can put off for
ever. Here the end of the process (its pidfd becomes readable) and the end of its output are two things.
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
from gome.executors.command import FILTER, OPTIONS, STATUS, Command
from gome.executors.processes.tree import Usage, descendants, usage

__all__ = ["Held", "Process", "drain", "gone", "send"]

_CHUNK = 1 << 16
_LOOK = os.WEXITED | os.WNOHANG | os.WNOWAIT
_PATIENCE = 0.5
"""Seconds that what keeps a sandbox has to end by itself, once its inside was killed."""


class Held(Protocol):
    """A script's processes, as they are watched: a `Process`, or a script of a warm interpreter."""

    @property
    def stdout(self) -> int:
        """Descriptor of what it prints, which never blocks; so `stderr`."""

    @property
    def stderr(self) -> int: ...

    @property
    def pid(self) -> int:
        """The process below which all of them are."""

    @property
    def returncode(self) -> int | None:
        """None while it runs."""

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all of them, once it has ended."""

    async def wait(self) -> int:
        """Wait for its end; its `returncode`."""

    def measure(self, memory_limit: int) -> Usage:
        """What they use now; where memory seems to be over that limit, by the dearer and more exact count."""

    def signal_tree(self, number: int) -> None:
        """Send a signal to each of them."""

    def close(self) -> None:
        """Let go of all descriptors."""


class Process:
    """A running command. Must be started in the event loop's thread; `end`, then `close` it."""

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
        """Start a command, its output on pipes and nothing on its input; it keeps the `inherited` descriptors.

        Raises SandboxError where a program of it is missing and Outage where the system has no room for it.
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
            raise Outage(f"cannot start a script: {error}") from error
        finally:
            os.close(places[OPTIONS])
            os.close(places[FILTER])
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
        """Whether the first process has not ended, looked up now."""
        return self.returncode is None and os.waitid(os.P_PIDFD, self._pidfd, _LOOK) is None

    async def wait(self) -> int:
        """Wait for the end of the first process and reap it, whoever still holds its output."""
        while self._popen.returncode is None:
            await anyio.wait_readable(self._pidfd)
            self._reap()
        return self._popen.returncode

    def measure(self, memory_limit: int) -> Usage:
        """What the tree uses now, keepers of a sandbox included."""
        return usage(self.pid, memory_limit)

    def signal_tree(self, number: int) -> None:
        """Send a signal to every process of the tree.

        A keeper of a sandbox is spared as long as it has something to keep: when its inside has ended, it ends by
        itself, and only then is it known that nothing is left.
        """
        pids = list(descendants(self.pid))
        for pid in pids[1:] if self._keeper and len(pids) > 1 else pids:
            send(pid, number)

    async def end(self) -> None:
        """Kill the tree and reap the first process, in a moment and without fail."""
        with anyio.CancelScope(shield=True):
            while self.returncode is None:
                self.signal_tree(signal.SIGKILL)
                with anyio.move_on_after(_PATIENCE):
                    await self.wait()
                if self.returncode is None:
                    send(self.pid, signal.SIGKILL)

    @property
    def status(self) -> str:
        """What was reported on `STATUS` so far."""
        return os.pread(self._status, _CHUNK, 0).decode()

    def close(self) -> None:
        """Let go of all descriptors."""
        with self._popen:
            os.close(self._status)
            os.close(self._pidfd)

    def _reap(self) -> None:
        _, status, used = os.wait4(self.pid, 0)
        self._popen.returncode = os.waitstatus_to_exitcode(status)
        self.cpu_seconds = used.ru_utime + used.ru_stime


def _in_memory(content: bytes) -> int:
    """A descriptor to read `content` from."""
    descriptor = os.memfd_create("content")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


async def drain(descriptor: int, sink: Callable[[bytes], None]) -> None:
    """Give `sink` all that comes out of a pipe that does not block, until every holder of it has let go."""
    while True:
        await anyio.wait_readable(descriptor)
        chunk = os.read(descriptor, _CHUNK)
        if not chunk:
            return
        sink(chunk)
        await anyio.lowlevel.checkpoint()


async def gone(pid: int) -> bool:
    """Wait a moment for the end of a process that is about to end; whether it has come."""
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
    """Signal a process; one that has ended meanwhile is left alone."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
