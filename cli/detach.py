"""`run --detach` and `resume --detach`: a run in a session of its own, which the end of this terminal does not end.

The run is another process of the same command line; what it says goes to a file beside its folder. This one waits
until the run stands in its log, or until it has failed to begin, which is then told here as if it had run here.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gome.errors import Outage
from gome.viewer.output import emit, hint, say, say_aside
from gome.viewer.store import has_log, open_reader

__all__ = ["PROGRAM", "Detached", "detach", "tell_detached"]

PROGRAM = (sys.executable, "-m", "gome")
"""The command line as a program to start."""
_POLL = 0.1
_GRACE = 10.0


@dataclass(frozen=True)
class Detached:
    """A run that goes on by itself: its process, and the file with what it says."""

    run: str
    folder: str
    output: str
    pid: int


def detach(arguments: Sequence[str], folder: Path) -> Detached | int:
    """Start `gome` with these arguments, which run in `folder`; its exit status where it ended before it had begun.

    Where a run goes on, what it says is added to what it said before. Raises Outage where that cannot be written.
    """
    output = folder.with_name(f"{folder.name}.out")
    last = _last_session(folder)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
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
        raise Outage(f"{output} cannot be written: {error.strerror}. Make room, or choose another --runs.") from error
    try:
        status = _wait(process, folder, last)
    except KeyboardInterrupt:
        _stop(process)
        raise
    if status is not None and _last_session(folder) == last:
        say_aside(output.read_bytes()[before:].decode("utf-8", errors="replace").rstrip())
        os.truncate(output, before)
        if not before:
            output.unlink()
        return status
    return Detached(folder.name, str(folder), str(output), process.pid)


def tell_detached(begun: Detached | int, as_json: bool) -> int:
    """Say where a detached run is and how to see it, stop it and go on with it; the exit status."""
    if isinstance(begun, int):
        return begun
    if as_json:
        emit("run-detached", begun)
        return 0
    say(f"run {begun.run} goes on by itself; what it says: {begun.output}")
    say(f"to stop it in good order: kill -INT {begun.pid}")
    hint(f"gome log {begun.run} -f", f"gome view {begun.run}", "gome runs", f"gome resume {begun.run} once it stopped")
    return 0


def _wait(process: subprocess.Popen[bytes], folder: Path, last: int) -> int | None:
    """Wait until the run has begun or its process has ended; its exit status in that case."""
    while process.poll() is None and _last_session(folder) == last:
        time.sleep(_POLL)
    return process.returncode


def _last_session(folder: Path) -> int:
    """The number of the message that opened the run's last session; 0 where none has."""
    if not has_log(folder):
        return 0
    with open_reader(folder) as reader:
        return max((each.seq for each in reader.envelopes(kinds=("session_opened",))), default=0)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a run that was not wanted after all, in good order if it can."""
    say("stopping the run that was about to begin")
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
