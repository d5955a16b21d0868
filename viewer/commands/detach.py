"""`run --detach`: a run in a session of its own, which the end of this terminal does not end.

The run is another process of the same command line; what it says goes to a file beside its folder. This one waits
until the run stands in its log, or until it has failed to begin, which is then told here as if it had run here.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from errors import Outage
from viewer.output import say, say_aside
from viewer.store import has_log, open_reader

__all__ = ["MAIN", "Detached", "detach"]

MAIN = Path(__file__).parents[2] / "main.py"
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

    Raises Outage where the file for its output cannot be written.
    """
    output = folder.with_name(f"{folder.name}.out")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, str(MAIN), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise Outage(f"{output} cannot be written: {error.strerror}. Make room, or choose another --runs.") from error
    try:
        status = _wait(process, folder)
    except KeyboardInterrupt:
        _stop(process)
        raise
    if status is not None and not _begun(folder):
        say_aside(output.read_text(encoding="utf-8", errors="replace").rstrip())
        output.unlink()
        return status
    return Detached(folder.name, str(folder), str(output), process.pid)


def _wait(process: subprocess.Popen[bytes], folder: Path) -> int | None:
    """Wait until the run has begun or its process has ended; its exit status in that case."""
    while process.poll() is None and not _begun(folder):
        time.sleep(_POLL)
    return process.returncode


def _begun(folder: Path) -> bool:
    """Whether the run stands in its log, its first session open."""
    if not has_log(folder):
        return False
    with open_reader(folder) as reader:
        return any(True for _ in reader.envelopes(kinds=("session_opened",), limit=1))


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a run that was not wanted after all, in good order if it can."""
    say("stopping the run that was about to begin")
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
