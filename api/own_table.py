"""`run train.csv --target y`: write a task and a scenario beside the user's table, then run them like any other.

In the place of a table's file there may be `-` (standard input) or a folder of pictures by class.
"""

import json
import shlex
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gome.api.own_files import is_untouched, made_anew, note_written, runs_of
from gome.api.table_budget import table_budget
from gome.bus.store.lock import holder
from gome.errors import TaskError, UsageError
from gome.scenarios.authoring.sources import STANDARD_INPUT, open_source
from gome.scenarios.config.model_names import as_backend, describe_model, find_model
from gome.scenarios.reading.problems import ScenarioProblems

if TYPE_CHECKING:
    from gome.scenarios.authoring.from_table import NewTask
    from gome.scenarios.task.task import Task

__all__ = ["TABLE_ENDS", "Table", "Written", "model_line", "name_of", "scenario_of_table", "write_scenario"]

_SCENARIO = """\
# Written by `gome {verb}`. Edit it as you like; run it with `gome run {scenario}`.
name: {name}
task: {task}
traces: 2
budget: {{{budget}}}
backends:
{backends}
roles: {{diagnoser: {role}, proposer: {role}, executor: {role}}}
"""
_ENDS = "csv tsv tab txt gz bz2 xz zip parquet pq feather arrow xlsx xlsm"
TABLE_ENDS = frozenset(f".{end}" for end in _ENDS.split())
"""Ends of names of files that are tables, not scenarios."""
_OFFLINE = "  offline: {kind: expert}   # rule-based, not a language model"


@dataclass(frozen=True)
class Table:
    """The table options of the command line. None: no test file, metric guessed, offline backend, id found."""

    targets: tuple[str, ...]
    test: Path | None = None
    metric: str | None = None
    model: str | None = None
    drop_missing: bool = False
    split: str | None = None
    id_column: str | None = None


class Written(NamedTuple):
    """A scenario that was written for a table, and its task, loaded: reading a large one again takes long.

    `again`: what was written for the table before was replaced.
    """

    scenario: Path
    task: "Task"
    again: bool = False


Check = Callable[[Path], None]
"""Checks a scenario file; raises where it cannot run."""


def scenario_of_table(
    path: Path,
    table: Table,
    check: Check = lambda _: None,
    tell: Callable[[str], None] = lambda _: None,
    overrides: Sequence[str] = (),
    runs: Path | None = None,
) -> Written:
    """Write a task and a scenario beside a table, tell what was guessed, and return both.

    `path` is a table's file, a folder of pictures by class, or `-` for a table from standard input, whose task is
    written into the working directory.

    `overrides` are the settings of the run (`path=value`): their limits are the scenario's budget. `check` gets a
    temporary copy of the scenario before anything is written. What this command has written before for the same file
    is made anew, unless it was edited, or one of the runs in the folder `runs` is at work on it. Raises UsageError or
    TaskError for unusable input, and whatever `check` raises; nothing is written or told in that case, and what was
    there stays.
    """
    from gome.scenarios.authoring.from_table import new_task  # pandas: only where a table is given

    if path.is_dir():
        path = path.resolve()  # `.` has no name
    elif path != STANDARD_INPUT and not path.is_file():
        raise TaskError(f"there is no table {path}")
    if table.test is not None and not table.test.exists():
        raise TaskError(f"there is no file {table.test}, given as --test")
    name, beside = name_of(path), Path.cwd() if path == STANDARD_INPUT else path.parent
    scenario, folder = beside / f"{name}.yaml", beside / f"{name}-task"
    verb = "run -" if path == STANDARD_INPUT else f"run {path.name}"
    budget = table_budget(table.model, overrides)
    _check_draft(scenario, _content(scenario, name, folder, verb, table.model, budget), check)
    again = _may_replace(scenario, folder, path, runs)
    with made_anew(scenario, folder):
        with open_source(path, table.test, table.targets) as source:
            made_task = new_task(
                *(folder, source.train, source.targets, table.metric),
                test=source.test,
                split=table.split,
                extra=source.extra,
                drop_missing=table.drop_missing,
                id_column=table.id_column,
                classified=source.classified,
            )
        write_scenario(scenario, name, folder, verb, table.model, overrides)
        note_written(scenario, folder, path.name)
        _tell(tell, path, table, made_task, source.remarks)
        tell(f"wrote {scenario} and {folder}" + (" anew: nobody had edited them" if again else ""))
        other = [run.name for run, digest in _runs_of(folder, runs) if digest != made_task.task.digest]
        if other:
            tell(f"runs on the task as it was before ({other[0]}) can be read, but no longer be resumed or predict")
    return Written(scenario, made_task.task, again)


def _tell(tell: Callable[[str], None], path: Path, table: Table, made: "NewTask", remarks: Sequence[str]) -> None:
    """Tell what was made of a table, and what was guessed."""
    brief = made.task.brief
    given = "standard input" if path == STANDARD_INPUT else path
    tell(f"{given}: {brief.task_type}, {brief.metric} ({brief.direction}), {brief.train_rows} training rows")
    for guess in (*remarks, *made.guesses):
        tell(f"table: {guess}")
    if table.test is None:
        tell("without --test there is nothing to submit: solutions are judged by the score on held-out rows")
    if table.model is not None:
        tell(model_line(table.model))


def model_line(model: str) -> str:
    """The line about the model of that name. Raises UsageError where the name does not say who serves it."""
    return describe_model(as_backend(find_model(model)))


def _runs_of(folder: Path, runs: Path | None) -> list[tuple[Path, str]]:
    return [] if runs is None else list(runs_of(folder, runs))


def _may_replace(scenario: Path, folder: Path, path: Path, runs: Path | None) -> bool:
    """Whether there is something to replace.

    Raises UsageError where it is not what gome wrote for the same file, or a run is at work on it.
    """
    there = [each for each in (scenario, folder) if each.exists()]
    if there and (path == STANDARD_INPUT or not is_untouched(scenario, folder, path.name)):
        them, exist = ("them", "exist") if len(there) > 1 else ("it", "exists")
        why = "" if path == STANDARD_INPUT else f", not as gome wrote {them} for {path}"
        command = f"gome run {shlex.quote(str(scenario))} (--budget changes its budget)"
        over = f"rm -r {shlex.join(map(str, there))}"
        words = f"{' and '.join(map(str, there))} {exist} already{why}"
        raise UsageError(f"{words}. Run it with: {command}; or start over: {over}, then the same command")
    for run, _ in _runs_of(folder, runs) if there else ():
        if holder(run) is not None:
            raise UsageError(f"run {run.name} is at work on {folder}; wait for its end, or: gome stop {run.name}")
    return bool(there)


def _check_draft(scenario: Path, content: str, check: Check) -> None:
    """Run `check` on a temporary copy of the scenario; problems name the final path instead of the copy's."""
    with tempfile.TemporaryDirectory(prefix="gome-") as place:
        draft = Path(place) / scenario.name
        try:
            draft.write_text(content, encoding="utf-8")
        except OSError as error:
            raise TaskError(f"{draft} cannot be written: {error.strerror}; nothing was written") from error
        try:
            check(draft)
        except ScenarioProblems as found:
            problems = [replace(each, file=each.file.replace(str(draft), str(scenario))) for each in found.problems]
            raise ScenarioProblems(problems) from None


def write_scenario(
    path: Path, name: str, task: Path, verb: str, model: str | None = None, overrides: Sequence[str] = ()
) -> None:
    """Write a scenario for a new task; without `model` it uses the offline expert. `verb` is the command that wrote it.

    `overrides` are settings of its first run (`path=value`), of which the scenario takes over limits of the budget.
    Raises TaskError where the file cannot be written; the task's folder is then removed, so that both exist or neither.
    """
    try:
        path.write_text(_content(path, name, task, verb, model, table_budget(model, overrides)), encoding="utf-8")
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        shutil.rmtree(task, ignore_errors=True)
        raise TaskError(f"{path} cannot be written: {error.strerror}; nothing was written") from error


def _content(path: Path, name: str, task: Path, verb: str, model: str | None, budget: str) -> str:
    """The content of the scenario file at `path`."""
    role = "model" if model else "offline"
    backends = _backend(model) if model else _OFFLINE
    return _SCENARIO.format(
        **{"verb": verb, "scenario": path.name, "name": name, "task": "." if path.parent == task else task.name},
        **{"budget": budget, "backends": backends, "role": role},
    )


def _backend(model: str) -> str:
    """The line of the backend that a model's name means. Raises UsageError where it means none."""
    found = find_model(model)
    settings = ", ".join(f"{name}: {json.dumps(value)}" for name, value in found.items())
    key = as_backend(found).api_key_env
    return f"  model: {{{settings}}}" + (f"   # its key: {key}" if key else "")


def name_of(path: Path) -> str:
    """A name for run and task, derived from a file name: lower-case letters, digits and dashes, at most 40."""
    letters = "".join(each if each.isalnum() and each.isascii() else "-" for each in path.stem.lower())
    return "-".join(part for part in letters.split("-") if part)[:40].strip("-") or "table"
