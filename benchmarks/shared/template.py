"""A warm interpreter for the benchmarks: it has imported libraries, and runs each script in a fork of itself.

It is a standalone program that imports nothing of gome. It reads lines of JSON from standard input: `{"script": path,
"arguments": [...], "workspace": path, "wall": seconds, "cpu": seconds or null}`. It prints `{"child": pid}` once a
script runs, by which it can be killed, and when it has ended `{"status": as in os.waitstatus_to_exitcode, "late":
whether the wall time was exceeded, "seconds", "cpu", "memory": bytes}`. The script's output is in files beside its
workspace, with the suffixes `.stdout` and `.stderr`.
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
"""Modules that the expert's scripts import. A script imports any other module itself."""


def main() -> None:
    """Serve until standard input ends."""
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()  # keeps imported objects in memory shared with the forks: their collector does not touch them
    for line in sys.stdin:
        print(json.dumps(_serve(json.loads(line))), flush=True)


def _serve(asked: dict[str, Any]) -> dict[str, Any]:
    """Fork, wait for the child, and kill it if it exceeds its time."""
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        _become(asked)
    print(json.dumps({"child": child}), flush=True)
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
    """Run the script like `python script arguments` in its workspace; never returns."""
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
        # Not sys.exit: the child must not run the parent's exit handlers.
        os._exit(status)


def _redirect(workspace: str) -> None:
    """Redirect standard input to the null device, and standard output and error to files."""
    for number, name in enumerate((os.devnull, f"{workspace}.stdout", f"{workspace}.stderr")):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        descriptor = os.open(name, flags, 0o644)
        os.dup2(descriptor, number)
        os.close(descriptor)


def _run(script: str, arguments: list[str]) -> int:
    """Run the script as `__main__`, with tracebacks that begin in the script; return its exit status."""
    sys.argv, sys.path[0] = [script, *arguments], os.path.dirname(script)  # noqa: PTH120 - as Python itself does
    module = ModuleType("__main__")
    module.__dict__["__file__"] = script
    sys.modules["__main__"] = module
    try:
        with open(script, encoding="utf-8") as file:  # noqa: PTH123 - pathlib would be an import that the script does not make
            code = compile(file.read(), script, "exec")
        exec(code, module.__dict__)  # noqa: S102 - running a script is the purpose
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:  # noqa: BLE001 - reported as Python does
        inner = error.__traceback__.tb_next if error.__traceback__ else None
        traceback.print_exception(type(error), error, inner)
        return 1
    return 0


if __name__ == "__main__":
    main()
