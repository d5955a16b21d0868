"""What a standby does before its script: it imports what most scripts import, and waits until the script is there.

It runs inside the interpreter of a script: a standby finds a copy of this file as its `sitecustomize`, and needs
nothing but the standard library for it. The interpreter is started as for a cold script, on the script's own path.
Before Python opens its main script it asks each hook in `sys.path_hooks` about the path; the hook made here takes its
time to answer, and is gone by then. From there on Python runs the script as it runs any: `__main__`, tracebacks, exit
status and `sys.path` are its own work.

Imports are done at the lowest priority: in a thread, because a thread that has it cannot get rid of it without rights.
"""

import gc
import importlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Never

__all__ = ["CONTROL", "LIBRARIES", "READY"]

CONTROL = "GOME_STANDBY"
"""Environment variable: the descriptor on which a standby says `READY` and is told the script's arguments as a line of
JSON, the niceness at which it imports, and the names of what to import."""
READY = b"ready\n"
LIBRARIES = (
    "pandas",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.model_selection",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "torch",
)
"""What most scripts import. Imported only: what has computed, or has asked for a GPU, is not as new any more."""

_MULTI_THREADED = ("numpy", "scipy.linalg")
"""These start threads as they are loaded, which would keep a low priority for good."""
_PAUSE = 0.02
_CHUNK = 1 << 16


def _wait_for_script(path: str) -> Never:
    """The hook for the main script's path, once: the last hook to be asked. It takes charge of no path."""
    if path == sys.argv[0]:
        sys.path_hooks.remove(_wait_for_script)
        control, nice, libraries = _restore()
        if libraries:
            _import_slowly(libraries, nice)
        gc.freeze()  # or every full collection, and the end, would go through all that was imported
        os.write(control, READY)
        arguments = _told(control)
        os.close(control)
        sys.argv[1:] = arguments
        sys.orig_argv += arguments
    raise ImportError


def _restore() -> tuple[int, int, list[str]]:
    """Take back what put this file here, and run the `sitecustomize` that it hid; what `CONTROL` says."""
    folder = os.environ.pop("PYTHONPATH")
    sys.path.remove(folder)
    sys.path_importer_cache.pop(folder, None)
    del sys.modules["sitecustomize"]
    _import_all(("sitecustomize",))
    control, nice, *libraries = os.environ.pop(CONTROL).split()
    return int(control), int(nice), libraries


def _import_slowly(libraries: list[str], nice: int) -> None:
    """Import at a low priority, in a thread that ends with it."""
    _import_all(_MULTI_THREADED)
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    grouped = nice > ours and _weigh_session(nice)
    importing = threading.Thread(target=_import_nicely, args=(libraries, max(nice, ours)), name="standby")
    importing.start()
    importing.join()
    threads = {int(each.name) for each in Path("/proc/self/task").iterdir()} - {importing.native_id}
    if any(os.getpriority(os.PRIO_PROCESS, each) != ours for each in threads) or (grouped and not _weigh_session(0)):
        os._exit(1)  # something would stay at that priority


def _weigh_session(nice: int) -> bool:
    """Where the system shares out the processor among sessions first, priority is this session's; whether it is set."""
    while True:
        try:
            Path("/proc/self/autogroup").write_text(str(nice))
        except BlockingIOError:
            time.sleep(_PAUSE)  # the system takes ten such changes a second, whoever makes them
        except OSError:
            return False
        else:
            return True


def _import_nicely(libraries: list[str], nice: int) -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
    _import_all(libraries)


def _import_all(names: Iterable[str]) -> None:
    """Import those that are there."""
    for name in names:
        with suppress(ImportError):
            importlib.import_module(name)


def _told(control: int) -> list[str]:
    """Wait for the script's arguments, a line of JSON; end with who asks."""
    told = b""
    while not told.endswith(b"\n"):
        chunk = os.read(control, _CHUNK)
        if not chunk:
            os._exit(0)
        told += chunk
    arguments: list[str] = json.loads(told)
    return arguments


if __name__ == "sitecustomize":
    sys.path_hooks.append(_wait_for_script)
