"""A user's own script as the first trial: checked before the run begins, so that errors are reported at once."""

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
    "a script is run as `python solution.py --data DIR --out DIR --seed N`, reads train.csv and test.csv from the "
    "--data folder and writes submission.csv to the --out folder (docs/contract.md)"
)

START = Hypothesis(
    statement="The user's own script is run as it is.",
    reason="It is what the user begins from.",
    challenge="A first solution",
    component="Workflow",
    parameter="start",
    direction="as-given",
)
"""Hypothesis of the first step of a run that begins with the user's script."""


def read_start(path: Path, importable: frozenset[str]) -> str:
    """Read and check a script from which a run is to begin. `importable` are the importable modules.

    Raises UsageError, with line and remedy, where the script is not Python, imports a missing module, does not take the
    arguments, or reads outside its data folder.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path}: larger than 1 MiB, the limit for a script")
        source = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text, so it is not a Python script") from error
    refusals = check(source, importable)
    if refusals:
        first = refusals[0]
        raise UsageError(f"{path}, line {first.line}: {first.message}")
    texts = list(_texts(ast.parse(source)))
    for line, text in texts:
        if _OUTSIDE.match(text) and not text.startswith(_MAY_BE_READ):
            raise UsageError(f"{path}, line {line}: {text[:80]!r} is outside the data folder; {_HOW}")
    if not {"--data", "--out"} <= {text for _, text in texts} and "sys.argv" not in source:
        raise UsageError(f"{path} does not take the arguments --data and --out; {_HOW}. Add them with argparse")
    return source


def start_of(scenario: Scenario, scenario_path: Path) -> Path | None:
    """Path of the script that the scenario begins with; None if it names none.

    Raises UsageError where it is outside the scenario's folder: a scenario may come from an untrusted source, and the
    script is shown to models.
    """
    if scenario.start is None:
        return None
    folder = scenario_path.parent.resolve()
    path = (folder / scenario.start).resolve()
    if not path.is_relative_to(folder):
        raise UsageError(f"start: {scenario.start} is outside the scenario's folder; pass it with --start instead")
    return path


def _texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """String literals with their lines, except docstrings and literals that continue another string (`_behind`)."""
    left_out = {id(node) for inner in ast.walk(tree) for node in _behind(inner)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield node.lineno, node.value


def _behind(node: ast.AST) -> Sequence[ast.AST]:
    """Children of a node whose text is not the start of a string, such as `/train.csv` in `f"{folder}/train.csv"`."""
    match node:
        case ast.Expr():
            return (node.value,)
        case ast.JoinedStr():
            return node.values[1:]
        case ast.BinOp(op=ast.Add()):
            return (node.right,)
        case _:
            return ()
