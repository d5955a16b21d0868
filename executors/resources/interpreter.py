"""The Python interpreter that scripts run under, and the paths that it must be able to read."""

import json
import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gome.errors import SandboxError

__all__ = ["Interpreter", "ask", "interpreter"]

_PATIENCE = 60.0
_ANCHORS = "import json, sys; print(json.dumps([sys.prefix, sys.base_prefix, sys.base_exec_prefix]))"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An executable and the folders it needs: its environment, its base installation, and the targets of links."""

    executable: Path
    prefixes: tuple[Path, ...]


def ask(python: Path, source: str) -> object:
    """Run `source` in that interpreter with an empty environment, and return the JSON value that it prints.

    Blocks for up to a minute. Raises SandboxError where the interpreter cannot be run or fails.
    """
    try:
        done = subprocess.run(
            [python, "-I", "-c", source], capture_output=True, check=True, timeout=_PATIENCE, env={"LANG": "C.UTF-8"}
        )
        answer: object = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise SandboxError(f"cannot run {python} ({error}); set executors.python to a working Python") from error
    return answer


@cache
def interpreter(python: Path) -> Interpreter:
    """The interpreter at that path; runs it once per process. Raises SandboxError where it cannot be run."""
    answer = ask(python, _ANCHORS)
    if not isinstance(answer, list):
        raise SandboxError(f"{python} does not behave like a Python; set executors.python to a working Python")
    executable = Path(os.path.abspath(python))  # noqa: PTH100 (an environment's own link must not be resolved)
    prefixes = {Path(each) for each in answer} | {Path(each).resolve() for each in answer}
    prefixes |= {hop.parent.parent for hop in _hops(executable)}
    return Interpreter(executable, _outermost(prefixes))


def _hops(path: Path) -> list[Path]:
    """`path` and each target on its chain of symbolic links."""
    hops = [path]
    while hops[-1].is_symlink() and len(hops) < 40:
        link = hops[-1]
        hops.append(Path(os.path.normpath(link.parent / link.readlink())))
    return hops


def _outermost(folders: set[Path]) -> tuple[Path, ...]:
    """The folders that are not inside another one of them."""
    return tuple(sorted(each for each in folders if not any(other in each.parents for other in folders)))
