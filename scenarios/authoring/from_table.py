"""Create a task from a user's CSV file: writes description, split, sample submission and manifest.

Guesses (type of target, metric, split, id) are reported; if a target is ambiguous, the user must decide.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pandas import Series

from gome.errors import TaskError
from gome.scenarios.authoring.inference import FEW_CLASSES, Columns, guess_split
from gome.scenarios.authoring.likeness import likeness
from gome.scenarios.authoring.own_splits import fewer_folds, held_out, split_advice
from gome.scenarios.authoring.own_test import fit_columns, fit_names
from gome.scenarios.authoring.row_numbers import find_ids, row_numbers
from gome.scenarios.authoring.user_tables import (
    check_column,
    check_fit,
    check_given_ids,
    check_own_targets,
    most_classes,
    read_own,
    with_targets,
)
from gome.scenarios.authoring.writer import Meaning, TaskTables, write_task
from gome.scenarios.metrics.registry import Metric, metric_named
from gome.scenarios.profiling.profile import MOST_COLUMNS
from gome.scenarios.task.columns import ColumnKind, Reading, read_columns
from gome.scenarios.task.plain_tables import check_features, kind_of_ids
from gome.scenarios.task.tables import canonical, numbers, numbers_of
from gome.scenarios.task.task import Task
from gome.scenarios.task.text_table import Table, TextTable
from gome.scenarios.task.typed_table import TypedTable

__all__ = ["MetricInDoubt", "NewTask", "guess_metric", "new_task"]

_FEWEST_ROWS = 20
_DEFAULTS = {"regression": "rmse", "binary": "auc", "multiclass": "log-loss"}


class MetricInDoubt(TaskError):
    """The target has few distinct numbers, which may be quantities or classes. `choices` are metrics for both."""

    def __init__(self, words: str, choices: tuple[str, ...]) -> None:
        self.choices = choices
        super().__init__(words)


class _Asked(NamedTuple):
    """What the user has said of the task; None: to be guessed."""

    targets: tuple[str, ...]
    metric: str | None
    id_column: str | None
    split: str | None


@dataclass(frozen=True)
class NewTask:
    """A created task: its folder, the loaded task, and descriptions of what was guessed."""

    folder: Path
    task: Task
    guesses: tuple[str, ...]


def new_task(
    folder: Path,
    train: Path,
    targets: Sequence[str],
    metric: str | None = None,
    *,
    test: Path | None = None,
    id_column: str | None = None,
    split: str | None = None,
    extra: Sequence[Path] = (),
    drop_missing: bool = False,
    classified: bool = False,
) -> NewTask:
    """Create the task of a training table in `folder`, which must not exist.

    With `drop_missing`, rows without a target are left out; else they are an error. With `classified`, the target is a
    class also where its values are numbers. `split` is random, stratified, holdout, group:COLUMN or time:COLUMN.
    Without `test`, a fifth of the rows (for a time split the latest) becomes the test, with private answers. `extra`
    are files and folders that scripts are given unchanged. Raises TaskError for an invalid file, column or metric, and
    MetricInDoubt; nothing is written then.
    """
    if folder.exists():
        raise TaskError(f"{folder} already exists; choose another folder for the task")
    guesses: list[str] = []
    asked = _Asked(tuple(unicodedata.normalize("NFC", name) for name in targets), metric, id_column, split)
    tables, meaning = _authored(
        *(train, test, asked, guesses), alone=not extra, drop_missing=drop_missing, classified=classified
    )
    task = write_task(folder, tables, meaning, extra, _own_names(train, test))
    return NewTask(folder, task, tuple(guesses))


def _authored(
    train: Path,
    test: Path | None,
    given: _Asked,
    guesses: list[str],
    *,
    alone: bool,
    drop_missing: bool,
    classified: bool,
) -> tuple[TaskTables, Meaning]:
    """The task's tables and what they mean. The user's own table is let go at the return, as it is as large again.

    Adds to `guesses`. `alone`: there are no files beside the tables that may hold features.
    """
    targets, metric, id_column, split = list(given.targets), given.metric, given.id_column, given.split
    table, asked, answers = _read_both(train, test, targets, guesses, drop_missing=drop_missing)
    if metric is None:
        metric = _guessed(table, targets[0], train, guesses, classified=classified)
    chosen = metric_named(metric)
    check_fit(table, train, targets, chosen)
    rule = _rule(split, table, chosen, targets, train)
    if id_column is not None:
        check_given_ids(table, train, id_column, targets)
    used = [str(rule["column"])] if "column" in rule else []
    key = id_column or find_ids(table, asked, targets, train, guesses, used)
    numbered = _numbered(table, [key, *targets, str(rule.get("column"))], guesses)
    if asked is not None and test is not None:
        asked = fit_columns(asked, test, table, train, key, targets, guesses)
        rows = table
        answers = None if answers is None else _answers(answers, asked[key], targets, test)
    read = _reading(table, asked, key, targets, chosen, (train, test), numbered)
    guesses += read.remarks
    known, apart = TypedTable(read.train, read.dtypes), (key, *targets)
    if alone:
        check_features(known, read.test, train, apart)
    if split is None and asked is None:
        guesses += split_advice(known, rule, apart)
    if asked is not None:
        unknown = TypedTable(read.test, read.dtypes)
        guesses += likeness(known, unknown, apart)
        if split is None:
            rule = _rule_of_test(rule, (known, unknown), Columns(key, tuple(targets)), guesses)
    else:
        out = held_out(known, rule, chosen, targets[0], train)
        rows, asked, answers = table.take(~out), table.without(targets).take(out), table[[key, *targets]].take(out)
        known = known[[str(kept)] if (kept := rule.get("column")) else []].take(~out)
        guesses.append(f"{int(out.sum())} of {len(table)} rows held out as the test, with private answers")
    rule |= fewer_folds(known, rule, train, guesses)
    return TaskTables(rows, asked, answers), Meaning(key, tuple(targets), chosen, rule, tuple(numbered))


def _guessed(table: TextTable, target: str, train: Path, guesses: list[str], *, classified: bool) -> str:
    """The name of the metric that the target's values suggest. Adds to `guesses`; raises MetricInDoubt."""
    metric = guess_metric(table, target, train, classified=classified)
    guesses.append(f"metric {metric}, guessed from the values of {target!r}; change it with --metric")
    return metric


def _answers(given: TextTable, ids: Series, targets: Sequence[str], test: Path) -> TextTable:
    """The private answers that a test file holds, with the ids of its rows first."""
    answers = with_targets(given, test, targets, [], drop_missing=False)
    answers.insert(str(ids.name), ids)
    return answers


def _read_both(
    train: Path, test: Path | None, targets: Sequence[str], guesses: list[str], *, drop_missing: bool
) -> tuple[TextTable, TextTable | None, TextTable | None]:
    """The training table, the test if there is one, and its targets if it holds them. Adds to `guesses`."""
    table = read_own(train, _FEWEST_ROWS, guesses)
    asked = None if test is None else read_own(test, 1, guesses)
    table = with_targets(table, train, targets, guesses, drop_missing=drop_missing)
    check_own_targets(table, train, targets)
    if asked is None or test is None:
        return table, None, None
    return table, *fit_names(asked, test, table, targets, guesses)


def _numbered(table: TextTable, named: Sequence[str], guesses: list[str]) -> list[str]:
    """The columns that only number the rows, those with a meaning (`named`) left out. Adds to `guesses`."""
    found = list(row_numbers(table, named))
    if found:
        guesses.append(f"{', '.join(map(repr, found))} numbers the rows and is left out (`columns` in task.yaml)")
    return found


def guess_metric(table: Table, target: str, path: Path, *, classified: bool = False) -> str:
    """Guess the metric from a target's values, or of a class (`classified`). `path` is the file, for messages.

    Raises TaskError if text has too many distinct values for classes, and MetricInDoubt for few whole numbers.
    """
    plain = isinstance(table, TextTable) and table.column(target).filled_numbers
    if plain and not classified and numbers_of(table, target).nunique() > FEW_CLASSES:
        return _DEFAULTS["regression"]
    texts = canonical(table[target])
    texts = texts[texts != ""]
    classes = texts.nunique()
    wordy = numbers(texts).isna().to_numpy()
    if wordy.any() or classified:
        if classes > most_classes(texts) and not classified:
            row = int(wordy.argmax())
            raise TaskError(
                f"{path}: column {target!r}, row {texts.index[row] + 1}: {texts.iloc[row]!r} is not a number, and "
                f"{classes} distinct values in {len(texts)} rows are too many for classes; write quantities as plain "
                "numbers, such as 1234.5"
            )
        return _DEFAULTS["binary" if classes == 2 else "multiclass"]
    if classes == 2:
        return _DEFAULTS["binary"]
    whole = bool((numbers(texts) == np.floor(numbers(texts))).all())
    if whole and classes <= FEW_CLASSES:
        words = (
            f"{path}: column {target!r} has {classes} whole numbers ({', '.join(sorted(set(texts))[:8])}): quantities "
            "or classes? Use --metric rmse for quantities, --metric log-loss or accuracy for classes"
        )
        raise MetricInDoubt(words, ("rmse", "mae", "log-loss", "accuracy", "qwk"))
    return _DEFAULTS["regression"]


def _rule(
    split: str | None, table: TextTable, metric: Metric, targets: Sequence[str], path: Path
) -> dict[str, str | int]:
    """The split, as in task.yaml."""
    if split is None:
        return {"kind": "random" if metric.prediction == "value" else "stratified"}
    kind, _, column = split.partition(":")
    if kind not in ("random", "stratified", "holdout", "group", "time") or (kind in ("group", "time")) != bool(column):
        raise TaskError(f"split {split!r}: use random, stratified, holdout, group:COLUMN or time:COLUMN")
    if column:
        check_column(table, column, path)
        if column in targets:
            raise TaskError(f"{path}: column {column!r} is a target and cannot be used for the split")
    return {"kind": kind, "column": column} if column else {"kind": kind}


def _rule_of_test(
    rule: dict[str, str | int], known: tuple[TypedTable, TypedTable], columns: Columns, guesses: list[str]
) -> dict[str, str | int]:
    """The rule, replaced if the test clearly has later times or other groups than training. `known` are both tables."""
    found, why = guess_split(*known, columns)
    if "column" not in found:
        guesses += split_advice(known[0], rule, (columns.id, *columns.targets))
        return rule
    guesses.append(f"validation {why}; change it with --split")
    return {"kind": str(found["kind"]), "column": str(found["column"])}


def _reading(
    table: TextTable,
    asked: TextTable | None,
    key: str,
    targets: Sequence[str],
    metric: Metric,
    files: tuple[Path, Path | None],
    ignored: Sequence[str],
) -> Reading:
    """The user's tables in plain form, with remarks that name the user's own files and rows."""
    names = files[0].name, (files[1] or files[0]).name
    target: ColumnKind = "number" if metric.prediction == "value" else "text"
    test = table[[]] if asked is None else asked.without(ignored)
    ids = [each.column(key) for each in (table, asked) if each is not None]
    verbatim: dict[str, ColumnKind] = {key: kind_of_ids(*ids), **dict.fromkeys(targets, target)}
    read = read_columns(table.without(ignored), test, verbatim, {}, names)
    if (columns := len(read.train.columns)) > MOST_COLUMNS:
        words = f"{columns} columns: how much they tell of the target is measured for the {MOST_COLUMNS} that "
        read = replace(read, remarks=(*read.remarks, f"{words}correlate most with it"))
    if asked is None:  # the test will be a part of the table
        read = replace(read, test=read.train.without(targets))
    return read


def _own_names(train: Path, test: Path | None) -> dict[str, Path]:
    """Which of the user's files each file of the task was made from."""
    return {"public/train.csv": train, "public/test.csv": test or train, "private/answers.csv": test or train}
