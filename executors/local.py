"""Runs scripts on this machine: one sandboxed process tree per launch, removed when the launch ends."""

import logging
import os
import signal
import stat
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from uuid import uuid4

import anyio
import anyio.to_thread

from gome.errors import SandboxError
from gome.executors.launch import Cause, Launch, Outcome, Slot
from gome.executors.processes.collect import collect
from gome.executors.processes.disk import holding
from gome.executors.processes.orphans import end_orphans
from gome.executors.processes.process import Process, gone
from gome.executors.processes.supervise import Supervision, Verdict, disk_verdict
from gome.executors.resources.interpreter import Interpreter, interpreter
from gome.executors.sandbox.levels import Sandbox

__all__ = ["LocalExecutor", "prepare"]

_LOG = logging.getLogger(__name__)
_SIGNALS = {each.value: each.name for each in signal.Signals}


class LocalExecutor:
    """An `Executor` whose scripts are children of this process. `run` must be called in the event loop's thread."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def run(self, launch: Launch, slot: Slot, on_line: Callable[[str], None] | None = None) -> Outcome:
        """See `Executor.run`. Cancelling it ends the script too."""
        launch = _from_the_root(launch)  # the script's working directory is another one
        python = await anyio.to_thread.run_sync(prepare, launch, self.sandbox.user(slot))
        token = uuid4().hex
        process = Process.start(self.sandbox.command(launch, slot, python, token))
        watch = Supervision(process, launch, self.sandbox.keepers, on_line)
        return await self.hold(watch, launch, partial(self._ended, process, token))

    async def hold(self, watch: Supervision, launch: Launch, end: Callable[[], Awaitable[int | None]]) -> Outcome:
        """Supervise a started script until its end, close its descriptors and collect its artefacts. Raises as `run`.

        `end` must kill all that is left of the script and return its exit status (a signal as a negative number), or
        None where the script was never started.
        """
        try:
            try:
                await watch.hold()
            finally:
                with anyio.CancelScope(shield=True):
                    ending = await end()
            seconds = watch.seconds
            watch.read_leftovers()
        finally:
            watch.process.close()
        verdict = watch.verdict
        if verdict is None:
            if ending is None:
                raise SandboxError(f"the {self.sandbox.level} sandbox failed: {watch.stderr.text().strip()}")
            verdict = await anyio.to_thread.run_sync(_verdict, ending, launch)
        taken, refused = await anyio.to_thread.run_sync(_collect, launch)
        for name, reason in refused.items():
            _LOG.info("artefact %s in %s: %s", name, launch.workspace, reason)
        return Outcome(
            cause=verdict.cause,
            words=verdict.words,
            exit_status=ending if verdict.cause in (Cause.OK, Cause.EXIT) else None,
            signal=-ending if verdict.cause is Cause.SIGNAL and ending else None,
            seconds=seconds,
            cpu_seconds=max(watch.cpu_seconds, watch.process.cpu_seconds),
            peak_memory=watch.peak_memory,
            stdout=watch.stdout.text(),
            stderr=watch.stderr.text(),
            artefacts=taken,
            refused_artefacts=refused,
            sandbox=self.sandbox.level.value,
        )

    async def _ended(self, process: Process, token: str) -> int | None:
        await self.end(process, token)
        return self.sandbox.ending(process.returncode or 0, process.status)

    async def end(self, process: Process, token: str) -> None:
        """Kill all processes of a script, including orphans that carry `token`, and verify that none is left."""
        await process.end()
        first = self.sandbox.first_process(process.status)
        if first is None or not await gone(first):
            await end_orphans(token)


def prepare(launch: Launch, user: int | None) -> Interpreter:
    """Check that the launch's paths exist, create its output folder, and give the workspace to `user`.

    Returns the interpreter. Raises SandboxError where a path is missing or not readable by `user`.
    """
    if not launch.workspace.is_dir():
        raise SandboxError(f"no workspace at {launch.workspace}; create the folder first")
    for path in (launch.script, *launch.read_only):
        if not path.exists():
            raise SandboxError(f"{path} does not exist but is needed by a script; create or restore it")
    (launch.workspace / "out").mkdir(exist_ok=True)
    if user is not None:
        for path in launch.read_only:
            _check_readable(path)
        _give(launch.workspace, user)
        if launch.workspace not in launch.script.parents:
            _check_readable(launch.script)
    return interpreter(launch.python or Path(sys.executable))


def _from_the_root(launch: Launch) -> Launch:
    """The launch with absolute paths of this machine."""
    return launch.model_copy(
        update={
            "script": launch.script.absolute(),
            "workspace": launch.workspace.absolute(),
            "read_only": {real.absolute(): seen for real, seen in launch.read_only.items()},
            "collected": launch.collected.absolute() if launch.collected else None,
        }
    )


def _check_readable(path: Path) -> None:
    """Raise SandboxError where another user than its owner cannot read a path."""
    mode = path.stat().st_mode
    needed = stat.S_IROTH | stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH
    if mode & needed != needed:
        raise SandboxError(f"{path} is not readable by the user that scripts run as; run chmod -R o+rX on it")


def _give(folder: Path, user: int) -> None:
    """Make a user the owner of a folder and its content. Follows no symbolic link and skips files with hard links.

    The folder becomes searchable by others, because the sandbox enters it as root without capabilities.
    """
    folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    for _, folders, files, descriptor in os.fwalk(folder):
        os.chown(descriptor, user, user)
        for name in (*folders, *files):
            found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
                os.chown(name, user, user, dir_fd=descriptor, follow_symlinks=False)


def _verdict(ending: int, launch: Launch) -> Verdict:
    """How a script that was not stopped has ended. Checks the disk limit once more, since it is only polled."""
    if (over := disk_verdict(holding(launch.workspace, launch.limits.files), 0, launch.limits)) is not None:
        return over
    if ending < 0:
        return Verdict(Cause.SIGNAL, f"was ended by {_SIGNALS.get(-ending, f'signal {-ending}')}")
    if ending:
        return Verdict(Cause.EXIT, f"ended with status {ending}")
    return Verdict(Cause.OK, "ended well")


def _collect(launch: Launch) -> tuple[dict[str, Path], dict[str, str]]:
    """Copy the launch's artefacts to a folder that scripts cannot reach."""
    destination = launch.collected or launch.workspace.with_name(f"{launch.workspace.name}.collected")
    return collect(launch.workspace / "out", launch.artefacts, destination, launch.limits.artefact)
