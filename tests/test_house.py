"""The plan of the house holds: imports run one way, and every exception stands in the one tree."""

import ast
from pathlib import Path

import pytest

from gome import errors

HOUSE = Path(errors.__file__).parents[1]
ROOMS = {
    "bus": {"bus"},
    "executors": {"executors"},
    "scenarios": {"scenarios"},
    "agents": {"agents", "bus", "executors", "scenarios"},
    "viewer": {"viewer", "agents", "bus", "executors", "scenarios"},
}


def imported(path: Path) -> set[str]:
    """First parts of the names of all modules that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_arrows_run_one_way(room: str) -> None:
    files = list((HOUSE / room).rglob("*.py"))
    assert files
    house = {*ROOMS, "main", "benchmarks", "tests"}
    against = {str(path.relative_to(HOUSE)): imported(path) & house - ROOMS[room] for path in files}
    assert {path: names for path, names in against.items() if names} == {}


def test_every_exception_is_in_the_tree_with_a_code_of_its_own() -> None:
    classes = [getattr(errors, name) for name in errors.__all__]
    assert all(issubclass(each, errors.GomeError) for each in classes)
    assert len({each.code for each in classes}) == len(classes)
    assert all(name in (errors.__doc__ or "") for name in errors.__all__)


def test_the_exit_statuses_are_those_that_the_manual_names() -> None:
    assert errors.UsageError.exit_status == 2
    assert errors.ScenarioError.exit_status == 2
    assert errors.ReplayDiverged.exit_status == 3
    assert errors.Outage.exit_status == 75
