"""Conducts the runs of a sweep: each a process of the same command line, so many at a time.

The processes are in sessions of their own: ^C comes to the sweep alone, which hands it on to those that run. They then
stop in good order, and nothing further is begun.
"""

import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import anyio
import anyio.to_thread
from anyio.abc import Process

from gome.cli.detach import PROGRAM
from gome.cli.sweeps.plan import Cell
from gome.errors import Outage

__all__ = ["SweepRunner"]


class SweepRunner:
    """Runs cells. `options` are those of `run` and `resume` alike; `settings` say what every cell has in common.

    `begun` and `ended` hear of each cell, the latter with its exit status.
    """

    def __init__(
        self,
        scenario: Path,
        settings: Sequence[str],
        options: Sequence[str],
        begun: Callable[[Cell], None],
        ended: Callable[[Cell, int], None],
    ) -> None:
        self._scenario = scenario
        self._settings = settings
        self._options = options
        self._begun = begun
        self._ended = ended
        self._running: dict[Path, Process] = {}
        self._failure: Outage | None = None
        self.interrupted = False

    async def run(self, cells: Sequence[Cell], jobs: int) -> None:
        """See every cell through, `jobs` at a time, or until an interrupt. Raises Outage where the disk fails."""
        room = anyio.CapacityLimiter(jobs)
        async with anyio.create_task_group() as watching:
            watching.start_soon(self._heed)
            async with anyio.create_task_group() as working:
                for cell in cells:
                    working.start_soon(self._see_through, cell, room)
            watching.cancel_scope.cancel()
        if self._failure is not None:
            raise self._failure

    async def _see_through(self, cell: Cell, room: anyio.CapacityLimiter) -> None:
        async with room:
            if self.interrupted or self._failure is not None:
                return
            state = await anyio.to_thread.run_sync(lambda: cell.state)
            self._begun(cell)
            if state == "new":
                await anyio.to_thread.run_sync(_clear, cell.folder)
                verb = ["run", str(self._scenario), *self._settings, *(f"--set={each}" for each in cell.overrides)]
                verb += ["--run-id", cell.folder.name]
            else:
                verb = ["resume", cell.folder.name]
            try:
                status = await self._process([*verb, *self._options, "--runs", str(cell.folder.parent)], cell)
            except OSError as error:
                words = f"cannot start a run in {cell.folder.parent}: {error}. Make room, then give the same command"
                self._failure = Outage(words)
            else:
                self._ended(cell, status)

    async def _process(self, arguments: Sequence[str], cell: Cell) -> int:
        """The exit status of `gome` with these arguments, whose words go to a file beside the run. Raises OSError."""
        output = cell.folder.with_name(f"{cell.folder.name}.out")
        with output.open("ab") as file:
            process = await anyio.open_process(
                [*PROGRAM, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running[cell.folder] = process
        if self.interrupted:  # while it was being started
            process.send_signal(signal.SIGINT)
        try:
            return await process.wait()
        finally:
            del self._running[cell.folder]
            if process.returncode is None:
                process.send_signal(signal.SIGINT)

    async def _heed(self) -> None:
        """The first ^C lets all runs stop in good order, the second ends them at once."""
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as interrupts:
            async for _ in interrupts:
                for process in self._running.values():
                    process.send_signal(signal.SIGKILL if self.interrupted else signal.SIGINT)
                self.interrupted = True


def _clear(folder: Path) -> None:
    """Remove what is left of a run that ended before its first message."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        shutil.rmtree(folder)
