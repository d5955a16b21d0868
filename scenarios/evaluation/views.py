"""The views of a task: the data that scripts are given, for each split and each purpose.

    split-K      train: the split's training rows; test: its validation rows and the test rows
    holdout      train: all training rows without the hold-out; test: the hold-out and the test rows
    holdout-K    train: the training rows of split K without the hold-out; test: the hold-out and the test rows
    full         train: all training rows; test: the test rows
    whole-K      as split-K where no row is set apart: for the submission of a run that has set its hold-out apart
    debug        a small sample of the first split's view

A run may set the hold-out apart (`set_apart`): then the views of splits, and what is made from them, lack its rows.

Withheld rows have no label in any file of a view and are shuffled among the true test rows. If ids carry no
information, they are reassigned in each view, including the training rows, so that no id reveals a withheld row.

A view is a pure function of task, seed and hold-out share, and of whether the hold-out is set apart. It is stored as
positions in the task's tables.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pandas import Series

from gome.errors import TaskError
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.portable.dealing import VIEW, deal_places
from gome.scenarios.portable.ids import canonical, ids_repeat
from gome.scenarios.task.cells import GAPS
from gome.scenarios.task.checks import check_split
from gome.scenarios.task.encoding import prediction_columns
from gome.scenarios.task.splits import Split, holdout_rows, make_splits, split_units, unit_count, units_needed
from gome.scenarios.task.task import Task
from gome.scenarios.task.text_column import TextColumn
from gome.scenarios.task.typed_table import TypedTable

__all__ = [
    "Searched",
    "View",
    "ViewName",
    "ids_are_names",
    "learns_from_all",
    "make_view",
    "sample_values",
    "set_apart",
    "side_files",
    "split_of",
    "task_splits",
    "units_of",
    "view_of_split",
]

ViewName = str

_DEBUG_SHARE = 0.1
_DEBUG_TRAIN_ROWS = 400
_DEBUG_OTHER_ROWS = 200
_DEBUG_ROWS_OF_A_CLASS = 10
_STRATA_OF_VALUES = 10
_PROSE = (".md", ".html", ".pdf")
_LARGEST_TEXT = 1 << 26
_WORDS = re.compile(r"[\s,;|\"']+")
_NAME = re.compile(r"(split|holdout|whole)-(\d+)")
_PARTS = re.compile(r"[^0-9A-Za-z]+")
_OF_A_KIND = 0.9  # a part of the ids with fewer distinct values than this share of the rows forms groups


@dataclass(frozen=True)
class View:
    """A view. `train` and `withheld` are positions in `task.train`, `test` positions in `task.test`.

    `order` permutes withheld rows followed by test rows into the order of the test file. `names_of_train` and `names`
    are the ids in the two files, in file order. `exchanged` lists (column, position, rows of `task.train`): from that
    position on, the withheld rows have the column's values of those rows instead of their own.
    """

    name: ViewName
    train: Array
    withheld: Array
    test: Array
    order: Array
    names_of_train: TextColumn
    names: TextColumn
    exchanged: tuple[tuple[str, int, Array], ...] = ()

    @property
    def train_ids(self) -> Series:
        """The ids of the training rows, in file order."""
        return self.names_of_train.series()

    @property
    def ids(self) -> Series:
        """The ids of the rows to predict, in file order."""
        return self.names.series()

    def tables(self, task: Task) -> Iterator[Iterator[tuple[str, TextColumn]]]:
        """The columns of the training rows, test rows and sample submission, as written, one made after the other."""
        key = task.brief.id_column
        yield (
            (name, self.names_of_train if name == key else task.train.column(name).take(self.train))
            for name in task.train.columns
        )
        yield ((name, self.names if name == key else self._asked(task, name)) for name in task.test.columns)
        alike = sample_values(task).items()
        yield (
            (name, self.names if value is None else TextColumn.of([value] * len(self.names))) for name, value in alike
        )

    def _asked(self, task: Task, name: str) -> TextColumn:
        """A column of the test file: of one at a time there is more than one copy."""
        ours, theirs = task.train.column(name), task.test.column(name)
        hidden = ours.take(self.withheld)
        for column, begin, sources in self.exchanged:
            if column == name:
                values = hidden.array()
                values[begin : begin + len(sources)] = ours.take(sources).array()
                hidden = TextColumn.of(values)
        return TextColumn.joined([hidden, theirs.take(self.test)]).take(self.order)


class Searched(NamedTuple):
    """What a search knows of a task: the task with some of its training rows, and their positions in the whole one."""

    task: Task
    rows: Array


def set_apart(task: Task, seed: int, holdout_share: float) -> Searched:
    """The task without the rows of its hold-out. Raises TaskError if it has none, or leaves too few rows to split."""
    if task.brief.split.kind == "own":
        raise TaskError(f"method.finish.apart: task {task.brief.name} is not split, so it has no hold-out to set apart")
    rows = np.flatnonzero(~_holdout(task, seed, holdout_share))
    searched = task.only(rows)
    try:
        check_split(TypedTable(searched.train, task.brief.dtypes), Path(task.brief.train_file), searched.brief)
    except TaskError as error:
        raise TaskError(f"method.finish.apart: without the rows of the hold-out, {error}") from error
    return Searched(searched, rows)


def sample_values(task: Task) -> dict[str, str | None]:
    """The columns of a submission with the value that the sample submission has in each row; None for the ids."""
    filled, sample = prediction_columns(task.brief), task.sample
    return {name: sample.column(name).head(1)[0] if name in filled else None for name in task.brief.submission_columns}


def view_of_split(split: int, *, whole: bool = False) -> ViewName:
    """The name of a split's view; `whole`: of the splits of all rows, although the hold-out is set apart."""
    return f"whole-{split}" if whole else f"split-{split}"


def split_of(name: ViewName) -> int | None:
    """The number of the split whose training rows a view has; None if it has no split."""
    found = _NAME.fullmatch(name)
    return int(found[2]) if found else None


def learns_from_all(name: ViewName) -> bool:
    """Whether a view has labels of the hold-out although that is set apart: for what is submitted, at the end."""
    return name == "full" or name.startswith("whole-")


def make_view(task: Task, name: ViewName, seed: int, holdout_share: float, searched: Searched | None = None) -> View:
    """Make a view; `searched` is the result of `set_apart`, None where the hold-out is not set apart.

    Raises TaskError if the task has too few rows, ValueError for an unknown name.
    """
    everything = np.arange(len(task.train))
    test, split = np.arange(len(task.test)), split_of(name)
    searched = searched or Searched(task, everything)
    if name == "full":
        return _dealt(task, name, everything, everything[:0], test, seed)
    if name == "debug":
        return _sample(task, seed, searched)
    if name != "holdout" and split is None:
        raise ValueError(f"unknown view {name!r}")
    source = searched if name.startswith("split") else Searched(task, everything)
    parts = task_splits(source.task, seed) if split is not None else ()
    if split is not None and split >= len(parts):
        raise ValueError(f"unknown view {name!r}: the task has {len(parts)} splits")
    if split is not None and not name.startswith("holdout"):
        return _dealt(task, name, source.rows[parts[split].train], source.rows[parts[split].valid], test, seed)
    out = _holdout(task, seed, holdout_share)
    train = np.flatnonzero(~out)
    if split is not None:
        train = np.intersect1d(train, parts[split].train)
        train = train if len(train) else np.flatnonzero(~out)
    return _dealt(task, name, train, np.flatnonzero(out), test, seed)


def task_splits(task: Task, seed: int) -> tuple[Split, ...]:
    """The splits of a task's training rows. Raises TaskError if there are too few rows."""
    rule, units = task.brief.split, units_of(task)
    if unit_count(units) < units_needed(rule):
        rows = len(task.train)
        raise TaskError(f"task {task.brief.name}: {rows} rows are too few for {rule.folds} folds by {rule.kind}")
    return make_splits(units, _strata(task), rule, seed)


def _holdout(task: Task, seed: int, share: float) -> Array:
    return holdout_rows(units_of(task), _strata(task), task.brief.split, share, seed)


def units_of(task: Task) -> Array:
    """For each training row the number of its unit, whose rows must stay together (`split_units`)."""
    return split_units(TypedTable(task.train, task.brief.dtypes), task.brief.split)


def ids_are_names(task: Task) -> bool:
    """Whether ids carry no information about their rows, and so may be reassigned.

    They do carry information if a side file may refer to rows by id, if the split is by id, or if several rows share a
    part of the id, such as the group in `0013_02`.
    """
    brief = task.brief
    ids = task.train.column(brief.id_column)
    if brief.split.column == brief.id_column or _grouped(ids):
        return False
    return not any(_may_name(path, ids) for path in side_files(task))


def side_files(task: Task) -> list[Path]:
    """All public files except train, test and sample submissions; includes the description."""
    own = {task.brief.train_file, task.brief.test_file, task.sample_file, "sample_submission.csv"}
    found = sorted(path for path in task.public.rglob("*") if path.is_file())
    return [path for path in found if path.relative_to(task.public).as_posix() not in own]


def _may_name(path: Path, ids: TextColumn) -> bool:
    """Whether a file may refer to rows by id: any but prose. A .txt file is prose if few ids occur in it as words."""
    suffix = path.suffix.lower()
    if suffix != ".txt" or path.stat().st_size > _LARGEST_TEXT:
        return suffix not in _PROSE
    words = set(_WORDS.split(path.read_text(encoding="utf-8", errors="replace")))
    return bool(ids.series().isin(words).mean() > 0.5)


def _grouped(ids: TextColumn) -> bool:
    if len(_PARTS.split(ids.head(1)[0])) < 2:
        return False
    parts = ids.series().str.split(_PARTS, expand=True)
    counts = parts.nunique()
    return bool(((counts > 1) & (counts < _OF_A_KIND * len(ids))).any())


def _dealt(task: Task, name: ViewName, train: Array, withheld: Array, test: Array, seed: int) -> View:
    """Make a view with shuffled rows and, if ids carry no information, reassigned ids (`deal`)."""
    labelled, others = (table.column(task.brief.id_column) for table in (task.train, task.test))
    reassigned, repeated, gaps = ids_are_names(task), False, False
    if not (all_ids := TextColumn.joined([labelled, others])).numbers_rows:
        repeated = ids_repeat(labelled.array(), others.array())
        gaps = bool(canonical(all_ids.series()).str.lower().isin(GAPS).any())
    if repeated and not reassigned:
        raise TaskError(
            f"task {task.brief.name}: {task.brief.test_file} and {task.brief.train_file} share ids, which stay as "
            "they are where files, the split or parts of an id refer to them; give the test rows different ids"
        )
    count = len(withheld) + len(test)
    if reassigned and (repeated or gaps):  # the same in every view
        ids = TextColumn.of(map(str, range(len(train) + count)))
    else:
        ids = TextColumn.joined([labelled.take(train), labelled.take(withheld), others.take(test)])
    dealt = deal_places(name, seed, task.digest, len(train), count, reassigned=reassigned)
    return View(name, train, withheld, test, dealt.order, ids.take(dealt.train), ids.take(dealt.others))


def _sample(task: Task, seed: int, searched: Searched) -> View:
    """The debug view: a tenth of the first split's view, more if it is small, with rows of every class."""
    draw = np.random.default_rng([seed, VIEW])
    part = task_splits(searched.task, seed)[0]
    learnt, valid = searched.rows[part.train], searched.rows[part.valid]
    rows = draw.permutation(learnt)
    chosen = np.zeros(len(rows), dtype=bool)
    chosen[: max(_DEBUG_TRAIN_ROWS, round(_DEBUG_SHARE * len(rows)))] = True
    strata = _strata(task)
    if strata is not None:
        rank_in_class = Series(strata[rows]).groupby(strata[rows]).cumcount().to_numpy()
        chosen[rank_in_class < _DEBUG_ROWS_OF_A_CLASS] = True

    def some(positions: Array) -> Array:
        few = max(_DEBUG_OTHER_ROWS, round(_DEBUG_SHARE * len(positions)))
        return np.sort(draw.permutation(positions)[:few])

    return _dealt(task, "debug", np.sort(rows[chosen]), some(valid), some(np.arange(len(task.test))), seed)


def _strata(task: Task) -> Array | None:
    """Class numbers per row; for stratified values, deciles. None for values that are not stratified."""
    if task.brief.task_type == "regression" and task.brief.split.kind != "stratified":
        return None
    truth = task.truth
    if task.brief.task_type == "regression":
        edges = np.quantile(truth[:, 0], np.linspace(0, 1, _STRATA_OF_VALUES + 1)[1:-1])
        return np.searchsorted(edges, truth[:, 0])
    return np.unique(truth.reshape(len(truth), -1), axis=0, return_inverse=True)[1].ravel()
