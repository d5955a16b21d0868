"""What is asked of an executor and what it answers: a launch, its limits, its outcome.

A launch names places as the script sees them, so that arguments and request hashes are the same on every machine:
the workspace is at `WORK`, read-only data wherever `read_only` says (by custom under `MOUNTS`). Where an executor
has no mounts of its own, it puts the real path in place of each mounted one, in arguments and environment values
that are such a path or lie below one.
"""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict

__all__ = ["DATA", "MOUNTS", "WORK", "Cause", "Executor", "Launch", "Limits", "Outcome", "Slot"]

MOUNTS = Path("/gome")
"""Where everything of ours is mounted for a script."""
WORK = MOUNTS / "work"
"""Where a script sees its workspace, and starts."""
DATA = MOUNTS / "data"
"""Where, by custom, a script sees the data of its task."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Limits(_Record):
    """What one script may use. Times in seconds, sizes in bytes; all but `grace` are of the whole process tree.

    `wall` is hard: a request to end goes out `grace` before it. `processes` counts processes, not threads. A script
    that neither prints nor computes for `stalled` seconds is ended; `early_stop` also ends one whose loss is not a
    number or whose progress lines project an end past `wall`.
    """

    wall: float = 60.0
    cpu: float | None = None
    memory: int = 4 << 30
    processes: int = 256
    output: int = 64 << 20
    disk: int = 2 << 30
    files: int = 10_000
    grace: float = 0.3
    stalled: float | None = 120.0
    early_stop: bool = True
    artefact: int = 512 << 20


class Launch(_Record):
    """One script to run: `python script *arguments` with `workspace` as the only writable folder.

    `read_only` maps a path outside to the path at which the script sees it. `artefacts` are file names under the
    workspace's `out/` (made if missing) to collect when the script has ended: they are copied into `collected`, a
    folder that the script cannot reach, by default the workspace's name with `.collected` behind it; each may have
    `limits.artefact` bytes. `python` is the interpreter to run under, by default the one that runs gome.
    """

    script: Path
    arguments: tuple[str, ...] = ()
    workspace: Path
    read_only: dict[Path, Path] = {}
    environment: dict[str, str] = {}
    limits: Limits = Limits()
    artefacts: tuple[str, ...] = ()
    collected: Path | None = None
    python: Path | None = None


class Cause(StrEnum):
    """Why a script ended."""

    OK = "ok"
    EXIT = "exit"
    SIGNAL = "signal"
    TIMEOUT = "timeout"
    CPU = "cpu"
    MEMORY = "memory"
    PROCESSES = "processes"
    DISK = "disk"
    FILES = "files"
    OUTPUT = "output"
    STALLED = "stalled"
    NOT_A_NUMBER = "not-a-number"
    PROJECTED = "projected-over-limit"
    REFUSED = "refused"
    ABANDONED = "abandoned"


class Outcome(_Record):
    """How a script ended. `stdout` and `stderr` are head and tail with the cut named; `words` is one sentence.

    `artefacts` maps each collected name to its copy; `refused_artefacts` each other name to the reason. `sandbox` is
    the level that held the script.
    """

    cause: Cause
    words: str
    exit_status: int | None = None
    signal: int | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory: int = 0
    stdout: str = ""
    stderr: str = ""
    artefacts: dict[str, Path] = {}
    refused_artefacts: dict[str, str] = {}
    sandbox: str = ""

    @property
    def ok(self) -> bool:
        """Whether the script ended by itself with status 0."""
        return self.cause is Cause.OK


class Slot(_Record):
    """A share of the machine that one script holds while it runs. No `cpus`: wherever the system likes."""

    index: int
    cpus: tuple[int, ...] = ()
    threads: int = 1
    gpu: int | None = None


class Executor(Protocol):
    """Runs scripts somewhere."""

    async def run(self, launch: Launch, slot: Slot, on_line: Callable[[str], None] | None = None) -> Outcome:
        """Run a script to its end or its limit; every process it started is gone when this returns.

        `on_line` is called with each line of output as it comes, in a flood with some of them. A script's own failure
        is an outcome and never an exception; raises SandboxError where it cannot be held as asked, and Outage where
        the machine fails.
        """
