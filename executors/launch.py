"""Interface of executors: a launch, its limits, its outcome.

A launch uses paths as the script sees them, so that arguments and request hashes are equal on all machines: the
workspace is at `WORK`, read-only data at the paths in `read_only` (by convention under `MOUNTS`). An executor without
mounts replaces these paths by the real ones in arguments and environment values that are such a path or below one.
"""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict

__all__ = ["DATA", "MOUNTS", "WORK", "Cause", "Executor", "Launch", "Limits", "Outcome", "Slot"]

MOUNTS = Path("/gome")
"""Parent of all paths that gome mounts for a script."""
WORK = MOUNTS / "work"
"""The workspace as the script sees it; also its working directory."""
DATA = MOUNTS / "data"
"""The task's data as the script sees them, by convention."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Limits(_Record):
    """Limits of one script. Times in seconds, sizes in bytes; all apply to the whole process tree.

    The script is killed after `wall`; SIGTERM is sent `grace` before. `processes` counts processes, not threads.
    `output` limits printed bytes, `disk` and `files` the workspace, `artefact` each collected file. A script that
    neither prints nor computes for `stalled` seconds is ended. `early_stop` ends a script that prints a loss of NaN, or
    whose progress lines project an end far past `wall`.
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

    `read_only` maps a real path to the path at which the script sees it. `artefacts` are file names under the
    workspace's `out/` (created if missing). When the script has ended they are copied to `collected`, a folder that the
    script cannot reach; by default it has the workspace's name with the suffix `.collected`. `python` is the
    interpreter, by default the one that runs gome.
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
    """Why a script ended: by itself, by a limit, before it was started (REFUSED), or cancelled (ABANDONED)."""

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
    """How a script ended. `words` describes it in one sentence; `stdout` and `stderr` are cut to head and tail.

    Times in seconds, `peak_memory` in bytes. `artefacts` maps each collected name to its copy, `refused_artefacts` each
    other name to the reason. `sandbox` is the sandbox level in which the script ran.
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
        """Whether the script ended by itself with exit status 0."""
        return self.cause is Cause.OK


class Slot(_Record):
    """The share of a machine that one script occupies while it runs. Empty `cpus`: not pinned to cores."""

    index: int
    cpus: tuple[int, ...] = ()
    threads: int = 1
    gpu: int | None = None


class Executor(Protocol):
    """Runs scripts, on this machine or elsewhere."""

    async def run(self, launch: Launch, slot: Slot, on_line: Callable[[str], None] | None = None) -> Outcome:
        """Run a script until it ends or meets a limit. All its processes are gone when this returns or raises.

        `on_line` is called with each line of output; lines are skipped where a script prints very many. A failure of
        the script is an Outcome, never an exception. May be called concurrently, with different slots and workspaces;
        cancelling it ends the script. Raises SandboxError where the script cannot be run as requested, and Outage where
        the machine fails.
        """
