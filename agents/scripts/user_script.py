"""A user's own script as the first trial: looked at before the run begins, so that what cannot run is said at once."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from gome.agents.protocol.types import Hypothesis
from gome.errors import UsageError
from gome.executors.precheck import check
from gome.scenarios.config.scenario import Scenario

__all__ = ["START", "read_start", "start_of"]

_LARGEST = 1 << 20
_OUTSIDE = re.compile(r"/[\w.]|~/|\.\.[/\\]|[A-Za-z]:\\|(https?|s3|gs)://")
_MAY_BE_READ = ("/tmp", "/dev/null", "/dev/shm", "/proc/self")  # noqa: S108 (a script has its own)
_HOW = (
    "a script is run as `python solution.py --data DIR --out DIR --seed N`, reads train.csv and test.csv from the one "
    "folder and writes submission.csv into the other (docs/contract.md)"
)

START = Hypothesis(
    statement="The user's own script is run as it is.",
    reason="It is what the user begins from.",
    challenge="A first solution",
    component="Workflow",
    parameter="start",
    direction="as-given",
)
"""What the first step of such a run tries."""


def read_start(path: Path, importable: frozenset[str]) -> str:
    """The text of a script that a run is to begin from.

    Raises UsageError, with line and remedy, for what is no Python, imports what is not there, takes no arguments, or
    reads outside its data.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path}: larger than 1 MiB, which no script needs to be")
        source = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text, so it is no Python script") from error
    refusals = check(source, importable)
    if refusals:
        first = refusals[0]
        raise UsageError(f"{path}, line {first.line}: {first.message}")
    texts = list(_texts(ast.parse(source)))
    for line, text in texts:
        if _OUTSIDE.match(text) and not text.startswith(_MAY_BE_READ):
            raise UsageError(f"{path}, line {line}: {text[:80]!r} is not in its data; {_HOW}")
    if not {"--data", "--out"} <= {text for _, text in texts} and "sys.argv" not in source:
        raise UsageError(f"{path} takes no arguments --data and --out; {_HOW}. Add them with argparse")
    return source


def start_of(scenario: Scenario, scenario_path: Path) -> Path | None:
    """The script that a scenario begins from, if it names one.

    Raises UsageError for one that is not below the scenario's folder: a scenario may come from a stranger, and a script
    is shown to models.
    """
    if scenario.start is None:
        return None
    folder = scenario_path.parent.resolve()
    path = (folder / scenario.start).resolve()
    if not path.is_relative_to(folder):
        raise UsageError(f"start: {scenario.start} is not below the scenario's folder; name it with --start instead")
    return path


def _texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Texts in the code with their lines; docstrings and what stands behind another part of a path left out."""
    left_out = {id(node) for inner in ast.walk(tree) for node in _behind(inner)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield node.lineno, node.value


def _behind(node: ast.AST) -> Sequence[ast.AST]:
    """What of a node is no text that begins by itself: `/train.csv` in `f"{folder}/train.csv"`, for one."""
    match node:
        case ast.Expr():
            return (node.value,)
        case ast.JoinedStr():
            return node.values[1:]
        case ast.BinOp(op=ast.Add()):
            return (node.right,)
        case _:
            return ()
