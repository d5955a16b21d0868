"""`run train.csv --target y`: a user's table becomes a task and a scenario beside it, which then run like any other."""

import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gome.errors import TaskError, UsageError
from gome.scenarios.reading.problems import ScenarioProblems
from gome.viewer.output import say_aside

__all__ = ["Table", "name_of", "scenario_of_table", "write_scenario"]

_SCENARIO = """\
# Written by `gome {verb}`: yours to change; `gome run {scenario}` runs it.
name: {name}
task: {task}
traces: 2
budget: {{{budget}}}
backends:
{backends}
roles: {{diagnoser: {role}, proposer: {role}, executor: {role}}}
"""
_OFFLINE = "  offline: {kind: expert}   # rule-based, not a language model"
_MODEL = "  model: {{kind: openai, model: {model}}}   # its key: OPENAI_API_KEY"
_OFFLINE_BUDGET = "time: 10min, trials: 12"
_PRICED_BUDGET = "time: 1h, usd: 5"
_UNPRICED_BUDGET = "time: 1h, trials: 20"  # what a model costs that is in no list cannot be held to a sum


@dataclass(frozen=True)
class Table:
    """What the command line says of a table; None is guessed, or offline."""

    targets: tuple[str, ...]
    test: Path | None = None
    metric: str | None = None
    model: str | None = None


Check = Callable[[Path], None]
"""Looks at a scenario file and raises where it could not be run."""


def scenario_of_table(path: Path, table: Table, check: Check = lambda _: None) -> Path:
    """Write the task and the scenario of a CSV file beside it and say what was guessed; the scenario's path.

    `check` is given the scenario before anything is written, in a place where it does not stay. Raises UsageError and
    TaskError for what cannot be used, and what `check` raises; then nothing is written or said.
    """
    from gome.scenarios.authoring.from_table import new_task  # pandas: only where a table is given

    if not table.targets:
        raise UsageError(f"{path} is a table: say what to predict with --target COLUMN")
    name = name_of(path)
    scenario, folder = path.with_name(f"{name}.yaml"), path.with_name(f"{name}-task")
    for made in (scenario, folder):
        if made.exists():
            raise UsageError(f"{made} is there already. Run it with: gome run {scenario}; or remove both to begin anew")
    if not path.is_file():
        raise TaskError(f"there is no table {path}")
    verb = f"run {path.name}"
    _check_draft(scenario, _words(scenario, name, folder, verb, table.model), check)
    made_task = new_task(folder, path, table.targets, table.metric, test=table.test)
    write_scenario(scenario, name, folder, verb, table.model)
    brief = made_task.task.brief
    say_aside(f"{path}: {brief.task_type}, {brief.metric} ({brief.direction}), {brief.train_rows} rows to learn from")
    for guess in made_task.guesses:
        say_aside(f"guessed: {guess}")
    if table.test is None:
        say_aside("without --test there is nothing to submit: the score on the rows held out is what counts")
    say_aside(f"wrote {scenario} and {folder}")
    return scenario


def _check_draft(scenario: Path, words: str, check: Check) -> None:
    """Have a draft of the scenario looked at; problems are told of the file that it would have become."""
    with tempfile.TemporaryDirectory(prefix="gome-") as place:
        draft = Path(place) / scenario.name
        try:
            draft.write_text(words, encoding="utf-8")
        except OSError as error:
            raise TaskError(f"{draft} cannot be written: {error.strerror}; nothing was made") from error
        try:
            check(draft)
        except ScenarioProblems as found:
            problems = [replace(each, file=each.file.replace(str(draft), str(scenario))) for each in found.problems]
            raise ScenarioProblems(problems) from None


def write_scenario(path: Path, name: str, task: Path, verb: str, model: str | None = None) -> None:
    """Write a scenario for a task just made; without a model it is offline. `verb` is what wrote it.

    Raises TaskError where it cannot be written; then the task is removed again, as the two are made together.
    """
    try:
        path.write_text(_words(path, name, task, verb, model), encoding="utf-8")
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        shutil.rmtree(task, ignore_errors=True)
        raise TaskError(f"{path} cannot be written: {error.strerror}; nothing was made") from error


def _words(path: Path, name: str, task: Path, verb: str, model: str | None) -> str:
    """The scenario that is to stand at `path`, as text."""
    role = "model" if model else "offline"
    backends = _MODEL.format(model=json.dumps(model)) if model else _OFFLINE
    return _SCENARIO.format(
        **{"verb": verb, "scenario": path.name, "name": name, "task": "." if path.parent == task else task.name},
        **{"budget": _budget(model), "backends": backends, "role": role},
    )


def _budget(model: str | None) -> str:
    """An hour and five dollars for a language model, where its price is known."""
    from gome.scenarios.config.prices import OPENAI_URL, Tariff

    if model is None:
        return _OFFLINE_BUDGET
    return _PRICED_BUDGET if Tariff(model, OPENAI_URL, None).known else _UNPRICED_BUDGET


def name_of(path: Path) -> str:
    """A name for run and task out of a file's: small letters, digits and dashes."""
    letters = "".join(each if each.isalnum() and each.isascii() else "-" for each in path.stem.lower())
    return "-".join(part for part in letters.split("-") if part)[:40].strip("-") or "table"
