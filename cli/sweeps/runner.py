"""Run the cells of a sweep, each as a child process of the same command line, with bounded concurrency.

Child processes have their own sessions, so ^C reaches only the sweep. The sweep forwards it to the running children,
which stop cleanly, and starts no further ones.
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
    """Runs cells. `settings` are the options common to all cells; `options` are passed to both `run` and `resume`.

    `begun` is called when a cell starts, `ended` with its exit status when it ends. `interrupted` is true after ^C.
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
        """Run all cells, at most `jobs` at once, until done or interrupted. Raises Outage where a run cannot start."""
        limiter = anyio.CapacityLimiter(jobs)
        async with anyio.create_task_group() as watching:
            watching.start_soon(self._handle_interrupts)
            async with anyio.create_task_group() as working:
                for cell in cells:
                    working.start_soon(self._run_cell, cell, limiter)
            watching.cancel_scope.cancel()
        if self._failure is not None:
            raise self._failure

    async def _run_cell(self, cell: Cell, limiter: anyio.CapacityLimiter) -> None:
        async with limiter:
            if self.interrupted or self._failure is not None:
                return
            state = await anyio.to_thread.run_sync(lambda: cell.state)
            self._begun(cell)
            if state == "new":
                await anyio.to_thread.run_sync(_clear, cell.folder)
                command = ["run", str(self._scenario), *self._settings, *(f"--set={each}" for each in cell.overrides)]
                command += ["--run-id", cell.folder.name]
            else:
                command = ["resume", cell.folder.name]
            try:
                status = await self._process([*command, *self._options, "--runs", str(cell.folder.parent)], cell)
            except OSError as error:
                reason = f"cannot start a run in {cell.folder.parent}: {error}. Free disk space and repeat the command"
                self._failure = Outage(reason)
            else:
                self._ended(cell, status)

    async def _process(self, arguments: Sequence[str], cell: Cell) -> int:
        """Run `gome` with these arguments, its output in a file beside the run; return its status. Raises OSError."""
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
        if self.interrupted:  # interrupted while the process was starting
            process.send_signal(signal.SIGINT)
        try:
            return await process.wait()
        finally:
            del self._running[cell.folder]
            if process.returncode is None:
                process.send_signal(signal.SIGINT)

    async def _handle_interrupts(self) -> None:
        """On the first ^C or SIGTERM stop all runs cleanly; on the second kill them."""
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as interrupts:
            async for _ in interrupts:
                for process in self._running.values():
                    process.send_signal(signal.SIGKILL if self.interrupted else signal.SIGINT)
                self.interrupted = True


def _clear(folder: Path) -> None:
    """Delete the remains of a run that ended before its first message."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        shutil.rmtree(folder)
