"""What a warm interpreter does before its first script: it imports what most scripts import.

It runs inside the interpreter of the scripts, which finds a copy of this file as its `sitecustomize` and one of
`forking` beside it; both need nothing but the standard library. The interpreter is started as for a cold script, on
the scripts' own path. Before Python opens its main script it asks each hook in `sys.path_hooks` about the path; the
hook made here takes its time to answer. In the template it never does; in each fork that becomes a script it is gone by
then, and Python runs the script as it runs any: `__main__`, tracebacks, exit status and `sys.path` are its own work.
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
"""Environment variable: the descriptor on which scripts are handed over, and the names of what to import."""
FORKING = "gome_forking"
"""Name of the module `forking` in the folder of the hook."""
FILTER = "filter"
"""File in that folder with the scripts' filter of system calls."""
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


def _wait_for_script(path: str) -> Never:
    """The hook for the main script's path, once: the last hook to be asked. It takes charge of no path."""
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
    """Take back what put this file here, and run the `sitecustomize` that it hid; what both say."""
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
    """Import those that are there."""
    for name in names:
        with suppress(ImportError):
            importlib.import_module(name)


if __name__ == "sitecustomize":
    sys.path_hooks.append(_wait_for_script)
