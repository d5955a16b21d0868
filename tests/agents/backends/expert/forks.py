"""Program of one interpreter that has imported what scripts import, and runs each script in a fork of itself.

It reads lines of JSON: `{"script": path, "arguments": [...], "workspace": path}`, and prints each script's exit status
at its end. The script's output is in files beside its workspace, with the suffixes `.stdout` and `.stderr`.
"""

import gc
import importlib
import json
import os
import runpy
import sys
import traceback
from typing import Any, Never

from gome.executors.warm.imports import LIBRARIES


def main() -> None:
    """Serve until standard input ends."""
    for name in (*LIBRARIES, "scipy.optimize", "scipy.stats", "sklearn.isotonic", "sklearn.neighbors", "threadpoolctl"):
        importlib.import_module(name)
    gc.freeze()  # keeps imported objects in memory shared with the forks
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(asked: dict[str, Any]) -> Never:
    """Run the script like `python script arguments` in its workspace."""
    status = 1
    try:
        os.chdir(asked["workspace"])
        for number, suffix in ((1, "stdout"), (2, "stderr")):
            file = os.open(f"{asked['workspace']}.{suffix}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.dup2(file, number)
        sys.argv = [asked["script"], *asked["arguments"]]
        runpy.run_path(asked["script"], run_name="__main__")
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - told as Python does
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # not sys.exit: the parent's exit handlers are not the child's


if __name__ == "__main__":
    main()
