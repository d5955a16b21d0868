"""A warm interpreter for the benchmarks: it has imported libraries, computes nothing, and each script is a fork of it.

It is a program of its own that imports nothing of ours. A line of JSON in on standard input, `{"script": path,
"arguments": [...], "workspace": path, "wall": seconds, "cpu": seconds or null}`; when the script has ended, a line
out: `{"status": as in os.waitstatus_to_exitcode, "late": whether its wall time was over, "seconds", "cpu", "memory":
bytes}`. What the script prints is in `stdout` and `stderr` beside its workspace.
"""

import gc
import importlib
import json
import math
import os
import resource
import select
import signal
import sys
import time
import traceback
from types import ModuleType
from typing import Any

IMPORTED = (
    *("argparse", "json", "pathlib", "numpy", "pandas", "scipy.optimize", "scipy.stats", "scipy.sparse", "torch"),
    *("sklearn.base", "sklearn.compose", "sklearn.ensemble", "sklearn.impute", "sklearn.isotonic"),
    *("sklearn.linear_model", "sklearn.metrics", "sklearn.model_selection", "sklearn.neighbors"),
    *("sklearn.pipeline", "sklearn.preprocessing", "threadpoolctl"),
)
"""What the expert's scripts import. Another module is imported by the script that needs it."""


def main() -> None:
    """Serve until standard input ends."""
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()  # what is imported stays shared with the forks: their collector does not touch it
    for line in sys.stdin:
        print(json.dumps(_serve(json.loads(line))), flush=True)


def _serve(asked: dict[str, Any]) -> dict[str, Any]:
    """Fork, wait, and kill what is over its time."""
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        _become(asked)
    waiting = select.poll()
    descriptor = os.pidfd_open(child)
    waiting.register(descriptor, select.POLLIN)
    late = not waiting.poll(1000 * asked["wall"])
    os.close(descriptor)
    if late:
        os.kill(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    return {
        "status": os.waitstatus_to_exitcode(status),
        "late": late,
        "seconds": time.monotonic() - begun,
        "cpu": used.ru_utime + used.ru_stime,
        "memory": used.ru_maxrss * 1024,
    }


def _become(asked: dict[str, Any]) -> None:
    """Be the script, as `python script arguments` in its workspace would; never returns."""
    status = 1
    try:
        if asked["cpu"] is not None:
            seconds = math.ceil(asked["cpu"])
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        os.chdir(asked["workspace"])
        _redirect(asked["workspace"])
        status = _run(asked["script"], asked["arguments"])
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        # Not sys.exit: what the parent would do at its end is not the child's to do.
        os._exit(status)


def _redirect(workspace: str) -> None:
    """Nothing to read, and files for what is printed."""
    for number, name in enumerate((os.devnull, f"{workspace}.stdout", f"{workspace}.stderr")):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        descriptor = os.open(name, flags, 0o644)
        os.dup2(descriptor, number)
        os.close(descriptor)


def _run(script: str, arguments: list[str]) -> int:
    """The exit status of a script that is `__main__`; a traceback begins in the script."""
    sys.argv, sys.path[0] = [script, *arguments], os.path.dirname(script)  # noqa: PTH120 - as Python itself has it
    module = ModuleType("__main__")
    module.__dict__["__file__"] = script
    sys.modules["__main__"] = module
    try:
        with open(script, encoding="utf-8") as file:  # noqa: PTH123 - no more is imported than a script imports
            code = compile(file.read(), script, "exec")
        exec(code, module.__dict__)  # noqa: S102 - to run a script is what this is for
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:  # noqa: BLE001 - told as Python tells it, whatever it is
        inner = error.__traceback__.tb_next if error.__traceback__ else None
        traceback.print_exception(type(error), error, inner)
        return 1
    return 0


if __name__ == "__main__":
    main()
