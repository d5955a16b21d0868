"""Turns an interpreter into a template: imports what most scripts import, then waits for scripts.

A copy of this file is the `sitecustomize` of the scripts' interpreter, with a copy of `forking` beside it; both need
only the standard library. The interpreter is started as for a cold script, with the script's path. Before Python opens
its main script, it calls each hook in `sys.path_hooks` with that path. The hook installed here blocks in the template
and never returns; in each fork it removes itself and returns. Python then runs the script itself, so that `__main__`,
tracebacks, exit status and `sys.path` are as usual.
"""

import importlib
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Never

__all__ = ["CONTROL", "FILTER", "FORKING", "LIBRARIES"]

CONTROL = "GOME_STANDBY"
"""Environment variable with the number of the control descriptor, then the names of the modules to import."""
FORKING = "gome_forking"
"""Name of the copied module `forking` in the hook's folder."""
FILTER = "filter"
"""File in the hook's folder with the seccomp filter of the scripts."""
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
"""Modules that most scripts import. Nothing is called in them: a process that has computed cannot be forked safely."""


def _wait_for_script(path: str) -> Never:
    """Path hook, called last: for the main script's path, once, serve scripts. Handles no path itself."""
    if path == sys.argv[0]:
        sys.path_hooks.remove(_wait_for_script)
        control, libraries, refused, forking = _restore()
        forking.enclose()
        _import_all(libraries)
        arguments = forking.serve(control, refused)
        sys.argv[1:] = arguments
        sys.orig_argv += arguments
    raise ImportError


def _restore() -> tuple[int, list[str], bytes, ModuleType]:
    """Undo the installation of the hook, and run the `sitecustomize` that it shadowed.

    Returns the control descriptor, the modules to import, the seccomp filter and the module `forking`.
    """
    folder = os.environ.pop("PYTHONPATH")
    forking = importlib.import_module(FORKING)
    refused = Path(folder, FILTER).read_bytes()
    sys.path.remove(folder)
    sys.path_importer_cache.pop(folder, None)
    del sys.modules["sitecustomize"], sys.modules[FORKING]
    _import_all(("sitecustomize",))
    control, *libraries = os.environ.pop(CONTROL).split()
    return int(control), libraries, refused, forking


def _import_all(names: Iterable[str]) -> None:
    """Import the modules that are installed."""
    for name in names:
        with suppress(ImportError):
            importlib.import_module(name)


if __name__ == "sitecustomize":
    sys.path_hooks.append(_wait_for_script)
