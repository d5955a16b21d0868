"""The second sandbox level: Landlock and seccomp deny files and sockets. Needs no namespaces: works in most containers.

There are no mounts: a script sees real paths, but can open only its own, and a filter of system calls keeps the modes,
times and attributes of all files. /dev/shm is closed, because files there would reach the next script: multiprocessing
has no locks, and joblib works in one process. There is no PID namespace either: orphans are found by the token in their
environment.
"""

import json
import os
from pathlib import Path

from gome.executors.command import OPTIONS, Command, environment, limited, placed, system_paths, translate
from gome.executors.launch import Launch, Slot
from gome.executors.resources.interpreter import Interpreter
from gome.executors.sandbox import landlock_program
from gome.executors.sandbox.seccomp import program

__all__ = ["available", "command"]

_KERNEL = ("/proc/cpuinfo", "/proc/meminfo", "/proc/self", "/proc/stat", "/dev/random", "/dev/urandom", "/dev/zero")
_NVIDIA = ("nvidiactl", "nvidia-uvm")


def available() -> bool:
    """Whether the kernel has the Landlock version needed, and the machine a seccomp filter."""
    return landlock_program.abi() >= landlock_program.ABI_NEEDED and bool(program())


def command(launch: Launch, slot: Slot, python: Interpreter, token: str) -> Command:
    """The command that runs a launch under Landlock and seccomp, with real paths in place of mounted ones."""
    read = [*map(Path, _KERNEL), *system_paths(), *python.prefixes, *launch.read_only, launch.script]
    write = [Path("/dev/null"), launch.workspace, *_devices(slot)]
    rules = {
        "read": [str(path) for path in read if path.exists()],
        "write": [str(path) for path in write if path.exists()],
        "filter": program(sockets=False, real_paths=True).hex(),
    }
    argv = (
        *placed(slot),
        *limited(launch.limits),
        *(("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()),
        *(str(python.executable), "-I", "-S", landlock_program.__file__, OPTIONS),
        *(str(python.executable), str(launch.script)),
        *(translate(argument, launch) for argument in launch.arguments),
    )
    variables = environment(launch, token, slot.threads, home=os.fspath(launch.workspace))
    variables = {name: translate(value, launch) for name, value in variables.items()}
    variables["CUDA_VISIBLE_DEVICES"] = "" if slot.gpu is None else str(slot.gpu)
    return Command(argv, variables, json.dumps(rules).encode(), cwd=launch.workspace)


def _devices(slot: Slot) -> list[Path]:
    """Device files of the slot's GPU."""
    return [] if slot.gpu is None else [Path("/dev", name) for name in (*_NVIDIA, f"nvidia{slot.gpu}")]
