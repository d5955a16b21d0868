"""What is executed for a launch: the argument list, the environment and the paths, the same at each sandbox level.

The environment is made from nothing: what gome itself was started with (keys among it) never reaches a script, nor
the processes that hold it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gome.executors.launch import MOUNTS, WORK, Launch, Limits, Slot

__all__ = [
    "FILTER",
    "MARK",
    "OPTIONS",
    "STATUS",
    "Command",
    "bound_script",
    "environment",
    "limited",
    "mounts",
    "translate",
]

MARK = "GOME_LAUNCH"
"""Environment variable with a token of the launch, by which a stray process is known."""

_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "LOKY_MAX_CPU_COUNT",
)
_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/sys/devices/system/cpu"),
)
_TASKS_PER_PROCESS = 4
_LEAST_TASKS = 1024
"""The kernel counts threads too: its wall stands so far behind the watchdog's line that the watchdog speaks first."""
_OPEN_FILES = 4096


OPTIONS = "{options}"
"""Word of an argument list that stands for a descriptor to read options from."""
FILTER = "{filter}"
"""Word of an argument list that stands for a descriptor to read the filter of system calls from."""
STATUS = "{status}"
"""Word of an argument list that stands for a descriptor to report on."""


@dataclass(frozen=True, slots=True)
class Command:
    """An argument list with its whole environment; `options` is read from `OPTIONS`, `filter` from `FILTER`.

    `keeper` says that the first process is no script but what keeps one in.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    options: bytes = b""
    filter: bytes = b""
    cwd: Path | None = None
    keeper: bool = False


def system_paths() -> list[Path]:
    """What of the system every script may read: programs and libraries, and how they are found."""
    return [path for path in map(Path, _SYSTEM) if path.exists()]


def bound_script(launch: Launch) -> Path:
    """Where a script that is mounted for itself is seen."""
    return MOUNTS / launch.script.name


def mounts(launch: Launch) -> dict[Path, Path]:
    """Path outside → path that the script sees, for everything of the launch: script, data, workspace."""
    return {**launch.read_only, launch.script: bound_script(launch), launch.workspace: WORK}


def environment(launch: Launch, token: str, threads: int, home: str) -> dict[str, str]:
    """The whole environment of a script: what it needs to run the same way twice, and what the launch adds."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": home,
        "TMPDIR": home,
        "USER": "gome",
        "LOGNAME": "gome",
        "MPLBACKEND": "Agg",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONNOUSERSITE": "1",
        **dict.fromkeys(_THREADS, str(threads)),
        # Threads that wait for each other sleep: on a busy machine, spinning costs fits a hundredfold of their time.
        "OMP_WAIT_POLICY": "PASSIVE",
        **launch.environment,
        MARK: token,
    }


def limited(limits: Limits, slot: Slot) -> list[str]:
    """The words that bind a command to its slot's cores and to the limits that the kernel keeps for one process.

    Address space is left alone: CUDA and memory-mapped files reserve far more than they use. Where the machine runs
    out of memory, the script is the first to go, and not gome.
    """
    words = [
        *("choom", "--adjust", "1000", "--"),
        "prlimit",
        "--core=0",
        f"--nofile={_OPEN_FILES}",
        f"--fsize={limits.disk}",
        f"--nproc={max(_LEAST_TASKS, _TASKS_PER_PROCESS * limits.processes)}",
    ]
    if slot.cpus:
        words += ["taskset", "--cpu-list", ",".join(map(str, slot.cpus))]
    return words


def translate(text: str, launch: Launch) -> str:
    """`text` with a mounted path put back to the real one, where it is such a path or lies below one."""
    for real, seen in mounts(launch).items():
        if text == str(seen) or text.startswith(f"{seen}/"):
            return f"{real}{text[len(str(seen)) :]}"
    return text
