"""The plan of the code base holds: imports run one way, folders stay small, and every exception stands in one tree."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

from gome import errors
from gome.viewer.export.package.writer import copied_modules

HOUSE = Path(errors.__file__).parents[1]
ABOVE = {
    "bus": set(),
    "executors": set(),
    "scenarios": set(),
    "agents": {"bus", "executors", "scenarios"},
    "viewer": {"agents", "bus", "executors", "scenarios"},
    "api": {"viewer", "agents", "bus", "executors", "scenarios"},
    "cli": {"api", "viewer", "agents", "bus", "executors", "scenarios"},
}
"""Each top folder of the package, and what it may import beside itself and the modules of `gome` named below."""
MOST_MODULES = 15


def folders(top: str) -> list[Path]:
    """A folder with its sub-folders, as far as they hold code of ours."""
    found = [path.parent for path in (HOUSE / top).rglob("__init__.py")]
    return [path for path in found if not {"prepared", "recorded"} & set(path.parts)]


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name; a package is its `__init__`."""
    found = {f"gome.{path.stem}": path for path in (HOUSE / "gome").glob("[!_]*.py")}
    found["gome"] = HOUSE / "gome" / "__init__.py"
    for top in ABOVE:
        for path in (HOUSE / top).rglob("*.py"):
            parts = path.relative_to(HOUSE).with_suffix("").parts
            if "prepared" not in parts:
                found[".".join(("gome", *parts)).removesuffix(".__init__")] = path
    return found


@cache
def imported(path: Path) -> frozenset[str]:
    """The modules of the package that a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            deeper = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {each if each in modules() else node.module for each in deeper}
    return frozenset(names)


def room(module: str) -> str:
    """The node of a module in the graph of rooms: its folder, or itself where the folder has sub-folders.

    `gome` itself is a room of its own: its errors are below everything, its public names above.
    """
    if module == "gome":
        return "the public names"
    parent = module if modules()[module].name == "__init__.py" else module.rpartition(".")[0]
    folder = modules()[module].parent
    return module if any((each / "__init__.py").is_file() for each in folder.iterdir()) else parent


@pytest.mark.parametrize("top", ABOVE)
def test_arrows_run_one_way(top: str) -> None:
    allowed = {top, *ABOVE[top], "errors", "plugins", "version"}
    against = {
        name: wrong
        for name, path in modules().items()
        if name.startswith(f"gome.{top}")
        and (
            wrong := {each for each in imported(path) if each.startswith("gome.") and each.split(".")[1] not in allowed}
        )
    }
    assert against == {}


def test_rooms_form_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for name, path in modules().items():
        heard = {room(each) for each in imported(path) if each in modules()}
        graph.setdefault(room(name), set()).update(heard - {room(name)})
    while free := [name for name, others in graph.items() if not others & graph.keys()]:
        for name in free:
            del graph[name]
    assert graph == {}, "these import one another in a circle"


def test_nothing_is_imported_by_the_name_of_its_folder() -> None:
    names = {path: {each.split(".")[0] for each in imported(path)} & ABOVE.keys() for path in modules().values()}
    assert {str(path): wrong for path, wrong in names.items() if wrong} == {}, "write `gome.` before it"


def test_what_is_copied_into_exported_packages_needs_only_what_is_copied_with_it() -> None:
    needed, due = set(), {"gome.viewer.export.package.solution"}
    while due:
        needed |= due
        due = {each for name in due for each in imported(modules()[name]) if each.startswith("gome")} - needed
    files = [modules()[name].name for name in needed]
    assert sorted(files) == sorted(copied_modules()), "in a package they lie in one folder"
    used = {each.partition(".")[0] for name in needed for each in imported(modules()[name])} - {"gome"}
    only_where_such_a_file_is_read = {"pyarrow", "openpyxl"}
    assert used - {"numpy", "pandas"} - sys.stdlib_module_names == only_where_such_a_file_is_read


@pytest.mark.parametrize("top", [*ABOVE, "benchmarks", "tests"])
def test_a_folder_holds_few_modules(top: str) -> None:
    counted = {str(path.relative_to(HOUSE)): len(list(path.glob("*.py"))) - 1 for path in folders(top)}
    assert {path: many for path, many in counted.items() if many > MOST_MODULES} == {}


def test_the_plan_names_every_room_and_no_file_that_is_not_there() -> None:
    plan = (HOUSE / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = {f"{path.relative_to(HOUSE)}/" for top in ABOVE for path in folders(top)}
    assert {each for each in rooms if f"`{each}`" not in plan} == set()
    named = re.findall(r"`((?:agents|bus|cli|executors|gome|scenarios|viewer|tests|benchmarks|docs)/[\w./-]*)`", plan)
    assert {each for each in named if not (HOUSE / each).exists()} == set()


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
