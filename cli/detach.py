"""`run --detach` and `resume --detach`: start a run as a background process that survives this terminal.

The background process runs the same command line in a new session; its output goes to a file beside the run's folder.
The parent waits until the run has opened its log. Where the run fails before that, the parent prints the error.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gome.bus.store.lock import RunLock
from gome.errors import Outage, UsageError
from gome.viewer.output import emit, hint, say, say_aside
from gome.viewer.run_folders import as_opened, has_log, open_reader

__all__ = ["PROGRAM", "Detached", "NotBegun", "detach", "tell_detached"]

PROGRAM = (sys.executable, "-m", "gome")
"""The command with which to start `gome` as a child process."""
_POLL = 0.1
_GRACE = 10.0


@dataclass(frozen=True)
class Detached:
    """A run in the background: its process id, and the file with its output."""

    run: str
    folder: str
    output: str
    pid: int


@dataclass(frozen=True)
class NotBegun:
    """A run that ended before it had begun: its exit status, and what it printed."""

    status: int
    words: str


def detach(arguments: Sequence[str], folder: Path) -> Detached | NotBegun:
    """Start `gome` with these arguments for the run in `folder`; return once its session is in the log.

    Output of a resumed run is appended to the existing file. Raises Outage where the output file cannot be written, and
    LogLocked where another process goes on with the run: what that one writes to the file must not be cut off here.
    """
    if has_log(folder):
        with RunLock(folder):
            pass
    output = folder.with_name(f"{folder.name}.out")
    last = _last_session(folder)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        if output.is_symlink():
            raise UsageError(f"{output} is a link; remove it, as the output of the run is written there")
        with output.open("ab") as file:
            before = file.tell()
            process = subprocess.Popen(
                [*PROGRAM, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise Outage(f"{output} cannot be written: {error.strerror}. Free disk space or change --runs.") from error
    try:
        status = _wait(process, folder, last)
    except KeyboardInterrupt:
        _stop(process)
        raise
    if status is not None and _last_session(folder) == last:
        words = output.read_bytes()[before:].decode("utf-8", errors="replace").rstrip()
        os.truncate(output, before)
        if not before:
            output.unlink()
        return NotBegun(status, words)
    return Detached(folder.name, str(folder), str(output), process.pid)


def tell_detached(begun: Detached | NotBegun, as_json: bool) -> int:
    """Print where a detached run is and how to watch, stop and resume it; return the exit status."""
    if isinstance(begun, NotBegun):
        say_aside(begun.words)
        return begun.status
    if as_json:
        emit("run-detached", begun)
        return 0
    say(f"run {begun.run} continues in the background; output: {begun.output}")
    named = as_opened(Path(begun.folder))
    hint(f"gome log {named} -f", f"gome view {named}", f"gome stop {named}", f"gome resume {named} (once stopped)")
    return 0


def _wait(process: subprocess.Popen[bytes], folder: Path, last: int) -> int | None:
    """Wait until the run has begun (returns None) or its process has ended (returns its exit status)."""
    while process.poll() is None and _last_session(folder) == last:
        time.sleep(_POLL)
    return process.returncode


def _last_session(folder: Path) -> int:
    """Sequence number of the run's last SessionOpened; 0 where there is none."""
    if not has_log(folder):
        return 0
    with open_reader(folder) as reader:
        return max((each.seq for each in reader.envelopes(kinds=("session_opened",))), default=0)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a run that was cancelled while starting: SIGINT first, SIGKILL after the grace period."""
    say("stopping the run that was starting")
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
