"""Supervision of one running script: reads its output, measures its resource use, and decides when a limit ends it.

`hold` returns when the script has ended or must be ended. It kills nothing itself; it only sends SIGTERM shortly before
the wall limit.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

import anyio
import anyio.to_thread

from gome.executors.launch import Cause, Launch, Limits
from gome.executors.processes.capture import HeadTail, Lines
from gome.executors.processes.disk import Holding, holding, unlinked
from gome.executors.processes.early_ending import (
    Pace,
    computes,
    loss_is_nan,
    progress,
    projected_over_limit,
    stalled,
    telling,
)
from gome.executors.processes.process import Held, drain
from gome.executors.processes.tree import Usage, descendants

__all__ = ["Supervision", "Verdict", "disk_verdict", "period", "size"]

_MEMORY_TICK = 0.1
_DISK_TICK = 1.0
_ACTIVITY_WINDOW = 0.5
"""Seconds over which CPU time is compared, so that its resolution of 10 ms does not look like work."""
_LEFTOVER = 1 << 20
"""Bytes read from each pipe after the script's end."""
_HANDED_ON = 200
"""Lines passed to `on_line` per chunk of output; the others of a chunk are skipped."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a script was ended, or how it ended; `words` is one sentence."""

    cause: Cause
    words: str


class Supervision:
    """Supervises one script, from its creation on. `verdict` stays None where the script ended by itself.

    `keepers` is how many of its processes belong to the sandbox and do not count towards the limit.
    """

    def __init__(
        self, process: Held, launch: Launch, keepers: int, on_line: Callable[[str], None] | None = None
    ) -> None:
        self.process = process
        self.verdict: Verdict | None = None
        self.peak_memory = 0
        self.cpu_seconds = 0.0
        self.stdout = HeadTail()
        self.stderr = HeadTail()
        self._limits = launch.limits
        self._workspace = launch.workspace
        self._keepers = keepers
        self._on_line = on_line
        self._streams = {process.stdout: (Lines(), self.stdout), process.stderr: (Lines(), self.stderr)}
        self._scope = anyio.CancelScope()
        self._started = anyio.current_time()
        self._printed = 0
        self._active = self._started
        """When the script last printed or computed."""
        self._looked = (self._started, 0.0)
        """Time and CPU time at the last check for activity."""
        self._paces: dict[str, Pace] = {}

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return anyio.current_time() - self._started

    async def hold(self) -> None:
        """Wait until the script has ended, or until there is a verdict to end it."""
        with self._scope:
            async with anyio.create_task_group() as watchers:
                for descriptor in self._streams:
                    watchers.start_soon(self._read, descriptor)
                watchers.start_soon(self._watch_clock)
                watchers.start_soon(self._watch_use)
                watchers.start_soon(self._watch_disk)
                await self.process.wait()
                watchers.cancel_scope.cancel()

    def read_leftovers(self) -> None:
        """Read what is left in the pipes after the script's end. Never waits for processes that keep them open."""
        for descriptor, (lines, kept) in self._streams.items():
            left = _LEFTOVER
            while left > 0:
                try:
                    chunk = os.read(descriptor, left)
                except BlockingIOError:
                    break
                if not chunk:
                    break
                left -= len(chunk)
                self._take(descriptor, chunk)
            self._process(lines.close(), kept)

    def _stop(self, cause: Cause, words: str) -> None:
        """Set the verdict, unless there is one, and cancel the watchers."""
        self.verdict = self.verdict or Verdict(cause, words)
        self._scope.cancel()

    async def _read(self, descriptor: int) -> None:
        await drain(descriptor, lambda chunk: self._take(descriptor, chunk))

    def _take(self, descriptor: int, chunk: bytes) -> None:
        self._printed += len(chunk)
        self._active = anyio.current_time()
        lines, kept = self._streams[descriptor]
        self._process(lines.feed(chunk), kept)
        if self._printed > self._limits.output:
            self._stop(Cause.OUTPUT, f"printed more than {size(self._limits.output)}")

    def _process(self, lines: list[str], kept: HeadTail) -> None:
        """Keep lines, pass them to `on_line`, and apply the rules for early stopping."""
        kept.add(lines)
        if self._on_line is not None:
            for line in lines[-_HANDED_ON:]:
                self._on_line(line)
        if self._limits.early_stop:
            for line in telling(lines):
                self._judge(line)

    def _judge(self, line: str) -> None:
        """Apply the early-stopping rules to a line. There is no projection once the script has ended."""
        if (words := loss_is_nan(line)) is not None:
            self._stop(Cause.NOT_A_NUMBER, words)
        seen = progress(line, self.seconds)
        if seen is None or self.process.returncode is not None:
            return
        pace = self._paces.get(seen.name)
        self._paces[seen.name] = pace.then(seen) if pace else Pace(seen, seen)
        if (words := projected_over_limit(self._paces, self.seconds, self._limits.wall)) is not None:
            self._stop(Cause.PROJECTED, words)

    async def _watch_clock(self) -> None:
        """Send SIGTERM `grace` seconds before the wall limit, and end the script at the limit."""
        limits = self._limits
        verdict = Verdict(Cause.TIMEOUT, f"ran longer than {period(limits.wall)} by the clock")
        if limits.wall > limits.grace:
            await anyio.sleep(limits.wall - limits.grace)
            self.verdict = self.verdict or verdict
            self.process.signal_tree(signal.SIGTERM)
        await anyio.sleep_until(self._started + limits.wall)
        self._stop(verdict.cause, verdict.words)

    async def _watch_use(self) -> None:
        """Check memory, processes, CPU time and activity of the whole tree, ten times a second."""
        while True:
            await anyio.sleep(_MEMORY_TICK)
            used = await anyio.to_thread.run_sync(self.process.measure, self._limits.memory)
            self.peak_memory = max(self.peak_memory, used.memory)
            self.cpu_seconds = max(self.cpu_seconds, used.cpu)
            self._judge_use(used)

    def _judge_use(self, used: Usage) -> None:
        limits = self._limits
        if used.memory > limits.memory:
            self._stop(Cause.MEMORY, f"used {size(used.memory)} of memory where {size(limits.memory)} are allowed")
        if used.processes - self._keepers > limits.processes:
            self._stop(Cause.PROCESSES, f"had more than {limits.processes} processes at once")
        if used.files > limits.files:
            self._stop(Cause.FILES, f"made more than {limits.files} files in /tmp and /dev/shm")
        if limits.cpu is not None and used.cpu > limits.cpu:
            self._stop(Cause.CPU, f"used more than {period(limits.cpu)} of CPU time")
        now, (then, cpu) = anyio.current_time(), self._looked
        if now - then >= _ACTIVITY_WINDOW:
            self._looked = (now, used.cpu)
            self._active = now if computes(used.cpu - cpu, now - then) else self._active
        if (words := stalled(now - self._active, limits.stalled)) is not None:
            self._stop(Cause.STALLED, words)

    async def _watch_disk(self) -> None:
        """Check the disk use of the workspace and of deleted files that are still open, once a second."""
        while True:
            await anyio.sleep(_DISK_TICK)
            held, nameless = await anyio.to_thread.run_sync(self._count_disk)
            if (verdict := disk_verdict(held, nameless, self._limits)) is not None:
                self._stop(verdict.cause, verdict.words)

    def _count_disk(self) -> tuple[Holding, int]:
        return holding(self._workspace, self._limits.files), unlinked(descendants(self.process.pid), self._workspace)


def disk_verdict(held: Holding, nameless: int, limits: Limits) -> Verdict | None:
    """The verdict where a workspace (plus `nameless` bytes of deleted files) exceeds its limits, else None."""
    if held.hidden:
        return Verdict(Cause.DISK, "made a folder that cannot be listed, so that its disk use cannot be measured")
    if held.files > limits.files:
        return Verdict(Cause.FILES, f"made more than {limits.files} files")
    if held.size + nameless >= limits.disk:
        return Verdict(Cause.DISK, f"wrote {size(limits.disk)} to disk or more")
    return None


def size(count: int) -> str:
    """Format bytes: `512 MiB`, `4 GiB`."""
    for unit, width in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if count >= 1 << width:
            return f"{count / (1 << width):.3g} {unit}"
    return f"{count} B"


def period(seconds: float) -> str:
    """Format seconds: `0.25 s`, `2 s`, `61 s`."""
    return f"{seconds:.2g} s" if seconds < 9.95 else f"{seconds:.0f} s"
