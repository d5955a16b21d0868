"""Parts of a script's command that all sandbox levels share: argument list, environment, paths.

The environment is built from scratch: variables of gome's own process (which may hold keys) reach neither a script nor
the processes of its sandbox.
"""

import re
import resource
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gome.executors.launch import MOUNTS, WORK, Launch, Limits, Slot

__all__ = [
    "FILTER",
    "MARK",
    "OPTIONS",
    "SECRET_NAME",
    "STATUS",
    "Command",
    "bound_script",
    "environment",
    "limited",
    "mounts",
    "placed",
    "reproducible",
    "translate",
]

MARK = "GOME_LAUNCH"
"""Environment variable with the token of a launch, by which orphans of a script are recognised."""

SECRET_NAME = re.compile(r"(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(?:_|$)", re.IGNORECASE)
"""Names of environment variables that hold secrets, as far as names tell."""

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
"""The kernel's process limit counts threads too. It is set so high that the watchdog's own limit is met first."""
_OPEN_FILES = 4096


OPTIONS = "{options}"
"""Placeholder in an argument list for the number of a descriptor from which options are read."""
FILTER = "{filter}"
"""Placeholder in an argument list for the number of a descriptor from which the seccomp filter is read."""
STATUS = "{status}"
"""Placeholder in an argument list for the number of a descriptor to which status reports are written."""


@dataclass(frozen=True, slots=True)
class Command:
    """An argument list with its complete environment. `options` is the content of `OPTIONS`, `filter` of `FILTER`.

    `keeper`: the first process is not the script but the sandbox that contains it.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    options: bytes = b""
    filter: bytes = b""
    cwd: Path | None = None
    keeper: bool = False


def system_paths() -> list[Path]:
    """System paths that every script may read: programs, libraries, and the configuration to find them."""
    return [path for path in map(Path, _SYSTEM) if path.exists()]


def bound_script(launch: Launch) -> Path:
    """Path at which a separately mounted script file is visible in the sandbox."""
    return MOUNTS / launch.script.name


def mounts(launch: Launch) -> dict[Path, Path]:
    """All mounts of a launch (script, data, workspace): real path → path that the script sees."""
    return {**launch.read_only, launch.script: bound_script(launch), launch.workspace: WORK}


def environment(launch: Launch, token: str, threads: int, home: str) -> dict[str, str]:
    """The complete environment of a script: reproducible defaults, then the launch's own variables."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": home,
        "TMPDIR": home,
        "USER": "gome",
        "JE_ARROW_MALLOC_CONF": "background_thread:false",  # pandas imports pyarrow; no fork of it may have a thread
        "LOGNAME": "gome",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONNOUSERSITE": "1",
        **reproducible(threads),
        **launch.environment,
        MARK: token,
    }


def reproducible(threads: int) -> dict[str, str]:
    """The variables on which a script's predictions may depend."""
    return {
        "MPLBACKEND": "Agg",
        "PYTHONHASHSEED": "0",
        **dict.fromkeys(_THREADS, str(threads)),
        # Waiting threads sleep: on a busy machine, spinning can make a fit a hundred times slower.
        "OMP_WAIT_POLICY": "PASSIVE",
    }


def placed(slot: Slot) -> list[str]:
    """Outermost prefix of a command: pins it to the slot's cores, and has the kernel end it first if memory runs out.

    It precedes the loss of capabilities: what root has set there, a script cannot take back.
    """
    pinned = ["taskset", "--cpu-list", ",".join(map(str, slot.cpus))] if slot.cpus else []
    return ["choom", "--adjust", "1000", "--", *pinned]


def limited(limits: Limits) -> list[str]:
    """Prefix of a command that sets the kernel's per-process limits, as far as this process may set them.

    Address space is not limited: CUDA and memory-mapped files reserve far more than they use.
    """
    wanted = {
        resource.RLIMIT_NOFILE: ("nofile", _OPEN_FILES),
        resource.RLIMIT_FSIZE: ("fsize", limits.disk),
        resource.RLIMIT_NPROC: ("nproc", max(_LEAST_TASKS, _TASKS_PER_PROCESS * limits.processes)),
    }
    return ["prlimit", "--core=0", *(f"--{name}={_allowed(which, most)}" for which, (name, most) in wanted.items())]


def _allowed(which: int, wanted: int) -> int:
    """A limit, lowered to the hard limit of this process, which scripts cannot exceed."""
    _, hard = resource.getrlimit(which)
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def translate(text: str, launch: Launch) -> str:
    """Replace a mounted path by the real one, where `text` is such a path or below one; else return `text`."""
    for real, seen in mounts(launch).items():
        if text == str(seen) or text.startswith(f"{seen}/"):
            return f"{real}{text[len(str(seen)) :]}"
    return text
