"""A process outside that ends the scripts of a gome that was itself killed: nothing else is left to do it.

    gome ── pid of each script ──► reaper ── at the end of the pipe, however gome ended ──► SIGKILL

There is one reaper for each process of gome that runs scripts. It is started with the first script, in a session of its
own, so that neither ^C nor a signal to gome's process group reaches it.
"""

import logging
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock

from gome.executors.processes import reaper_program

__all__ = ["forget", "watch"]

_LOG = logging.getLogger(__name__)
_LOCK = Lock()
_PIPES: dict[int, int] = {}
"""Id of the process that has started a reaper → its pipe. A fork of this process has another id."""


def watch(pid: int, mark: str) -> None:
    """Have a script killed if gome ends first: its first process, and all with `mark` in their environment."""
    _tell(f"+{pid} {mark}\n")


def forget(pid: int) -> None:
    """The script of this first process has ended."""
    _tell(f"-{pid}\n")


def _tell(line: str) -> None:
    with _LOCK, suppress(OSError):  # without a reaper scripts run all the same
        os.write(_pipe(), line.encode())


def _pipe() -> int:
    """The pipe to the reaper, which is started first where there is none. Raises OSError."""
    if (own := _PIPES.get(os.getpid())) is not None:
        return own
    reading, writing = os.pipe()
    try:
        os.set_blocking(writing, False)
        subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(reaper_program.__file__))],
            stdin=reading,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"LANG": "C.UTF-8"},  # it lives on after gome: no key of gome's environment lives on in it
            start_new_session=True,
        ).returncode = 0  # nobody waits for it: it ends after this process
    except OSError as error:
        os.close(writing)
        _LOG.warning("no process can be started that ends scripts if this one is killed: %s", error)
        raise
    finally:
        os.close(reading)
    return _PIPES.setdefault(os.getpid(), writing)
