"""The views of a task: the folders of data that scripts are given, made by the harness.

 - full: the task's own files, byte for byte, and folds;
 - debug: a sample of rows of the same shape, every class kept, split by the same rule; some of its labels are exchanged
   (see `canaries`);
 - probe and twin: a pair of samples for the cross-examination (see `twins`);
 - holdout: the training rows without the hold-out, which takes the place of the test. No label of a hold-out row is in
   any file of it.

A view is a pure function of task, seed and share; its files are the same byte for byte each time.
"""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from pandas import DataFrame, Series

from errors import TaskError
from scenarios.canaries import exchange_labels
from scenarios.encoding import encode_truth, prediction_columns
from scenarios.evidence import SplitRule
from scenarios.formulas import Array
from scenarios.splits import holdout_rows, make_folds, split_units
from scenarios.tables import canonical, infer_types, positions, write_table
from scenarios.tasks import Task
from scenarios.twins import deal_foreign_labels, deal_ids

__all__ = ["VIEWS", "HeldOut", "ScriptLimits", "View", "ViewName", "make_view", "valid_rows", "write_view"]

ViewName = Literal["full", "debug", "holdout", "probe", "twin"]
VIEWS: tuple[ViewName, ...] = ("full", "debug", "holdout", "probe", "twin")

_DEBUG_SHARE = 0.1
_DEBUG_TRAIN_ROWS = 400
_DEBUG_TEST_ROWS = 200
_DEBUG_ROWS_OF_A_CLASS = 10
_DEBUG, _PROBE = 3, 5  # purposes of draws; `splits` has 1 and 2, `scoring` 4
_STRATA_OF_VALUES = 10
_PROSE = (".md", ".txt", ".html", ".pdf")


@dataclass(frozen=True)
class ScriptLimits:
    """What `task.json` tells a script of its limits, in seconds of wall time, threads and GiB."""

    debug_seconds: float = 600.0
    full_seconds: float = 3600.0
    threads: int = 1
    memory_gib: float = 4.0


@dataclass(frozen=True)
class HeldOut:
    """What is known of the rows of a hold-out: their targets, and which of them belong together (`split_units`)."""

    truth: Array
    units: Array


@dataclass(frozen=True)
class View:
    """A view in memory, tables as text. `folds` has id, `split` and `role`; `held` is of the holdout view alone.

    `canaries` is of the debug view alone: True for the rows of `train` whose labels were exchanged.
    """

    name: ViewName
    train: DataFrame
    test: DataFrame
    sample: DataFrame
    folds: DataFrame
    held: HeldOut | None = None
    canaries: Array | None = None


def make_view(task: Task, name: ViewName, seed: int, holdout_share: float) -> View:
    """One view of a task. Raises TaskError where too few rows are left to split."""
    if name == "full":
        return View(name, task.train, task.test, task.sample, _folds(task, task.train, seed))
    if name == "debug":
        draw = np.random.default_rng([seed, _DEBUG])
        train = task.train.iloc[_debug_rows(task, draw)].reset_index(drop=True)
        test = task.test.iloc[_debug_test_rows(task, draw)].reset_index(drop=True)
        folds = _folds(task, train, seed)
        train, canaries = exchange_labels(train, folds, task.brief, draw)
        return View(name, train, test, _sample_for(task, test), folds, canaries=canaries)
    if name in ("probe", "twin"):
        return _one_of_twins(task, name, seed)
    units = _units(task, task.train)
    out = holdout_rows(units, _strata(task, task.train), task.brief.split, holdout_share, seed)
    train = task.train[~out].reset_index(drop=True)
    rest = task.train[out].reset_index(drop=True)
    test = rest[list(task.test.columns)]
    held = HeldOut(encode_truth(rest, task.brief), units[out])
    return View(name, train, test, _sample_for(task, test), _folds(task, train, seed), held)


def _one_of_twins(task: Task, name: ViewName, seed: int) -> View:
    """The probe, or the twin: the same rows with the first split's foreign labels dealt anew, and other test ids."""
    draw = np.random.default_rng([seed, _PROBE])
    train = task.train.iloc[_probe_rows(task, draw)].reset_index(drop=True)
    test = task.test.iloc[_debug_test_rows(task, draw)].reset_index(drop=True)
    if _ids_are_names(task):
        train = deal_ids(train, task.brief, draw)
        test = deal_ids(test, task.brief, np.random.default_rng([seed, _PROBE, VIEWS.index(name)]))
    view = View(name, train, test, _sample_for(task, test), _folds(task, train, seed))
    if name == "probe":
        return view
    return replace(view, train=deal_foreign_labels(train, view.folds, task.brief, draw))


def write_view(task: Task, view: View, folder: Path, limits: ScriptLimits) -> None:
    """Write a view as a folder that was not there. Raises TaskError where the disk does not take it."""
    brief = task.brief
    try:
        folder.mkdir(parents=True)
        for path in _side_files(task):
            _copy(path, folder / path.relative_to(task.public))
        if view.name == "full":
            for name in (brief.train_file, brief.test_file):
                _copy(task.public / name, folder / name)
            _copy(task.public / task.sample_file, folder / "sample_submission.csv")
        else:
            write_table(folder / brief.train_file, view.train)
            write_table(folder / brief.test_file, view.test)
            write_table(folder / "sample_submission.csv", view.sample)
        write_table(folder / "folds.csv", view.folds)
        text = json.dumps(_task_json(task, view.name, limits), indent=2, ensure_ascii=False)
        (folder / "task.json").write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise TaskError(f"{folder} cannot be written: {error.strerror}") from error


def _side_files(task: Task) -> list[Path]:
    """What stands beside the tables and their description."""
    own = {task.brief.train_file, task.brief.test_file, task.sample_file}
    found = sorted(path for path in task.public.rglob("*") if path.is_file())
    return [path for path in found if path.relative_to(task.public).as_posix() not in own]


def _ids_are_names(task: Task) -> bool:
    """Whether an id says nothing of its row: no file beside the tables can name it, and the split is not by it."""
    beside = [path for path in _side_files(task) if path.suffix.lower() not in _PROSE]
    return not beside and task.brief.split.column != task.brief.id_column


def _task_json(task: Task, name: ViewName, limits: ScriptLimits) -> dict[str, object]:
    shown = {
        "name",
        "task_type",
        "id_column",
        "targets",
        "classes",
        "metric",
        "direction",
        "prediction",
        "submission_columns",
        "train_file",
        "test_file",
        "split",
    }
    seconds = limits.debug_seconds if name == "debug" else limits.full_seconds
    return {
        **task.brief.model_dump(mode="json", include=shown),
        "limits": {"seconds": seconds, "threads": limits.threads, "memory_gib": limits.memory_gib},
    }


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o644)


def _sample_for(task: Task, test: DataFrame) -> DataFrame:
    """A sample submission for other rows: the task's own first prediction, repeated."""
    sample = DataFrame(dict.fromkeys(task.brief.submission_columns, test[task.brief.id_column]))
    for name in prediction_columns(task.brief):
        sample[name] = task.sample[name].iloc[0]
    return sample


def _units(task: Task, train: DataFrame) -> Array:
    column = task.brief.split.column
    return split_units(infer_types(train[[column]]) if column else train, task.brief.split)


def _strata(task: Task, train: DataFrame) -> Array | None:
    """Class numbers; for values that are to be stratified, tenths of their range by rank."""
    truth = encode_truth(train, task.brief)
    if task.brief.task_type == "regression":
        if task.brief.split.kind != "stratified":
            return None
        edges = np.quantile(truth[:, 0], np.linspace(0, 1, _STRATA_OF_VALUES + 1)[1:-1])
        return np.searchsorted(edges, truth[:, 0])
    return np.unique(truth.reshape(len(truth), -1), axis=0, return_inverse=True)[1].ravel()


def _folds(task: Task, train: DataFrame, seed: int) -> DataFrame:
    rule = task.brief.split
    units = _units(task, train)
    if len(np.unique(units)) < _fewest_units(rule):
        raise TaskError(f"task {task.brief.name}: {len(train)} rows are too few for {rule.folds} folds by {rule.kind}")
    return make_folds(train[task.brief.id_column], units, _strata(task, train), rule, seed)


def _fewest_units(rule: SplitRule) -> int:
    return 2 if rule.kind == "holdout" else rule.folds + (rule.kind == "time")


def _debug_rows(task: Task, draw: np.random.Generator) -> Array:
    """A tenth of the rows, more of a small task, and at least some of each class; all, where folds need them."""
    rows = len(task.train)
    order = draw.permutation(rows)
    chosen = np.zeros(rows, dtype=bool)
    chosen[order[: max(_DEBUG_TRAIN_ROWS, round(_DEBUG_SHARE * rows))]] = True
    strata = _strata(task, task.train)
    if strata is not None:
        rank_in_class = Series(strata[order]).groupby(strata[order]).cumcount().to_numpy()
        chosen[order[rank_in_class < _DEBUG_ROWS_OF_A_CLASS]] = True
    units = np.unique(_units(task, task.train)[chosen])
    return np.flatnonzero(chosen) if len(units) >= _fewest_units(task.brief.split) else np.arange(rows)


def _debug_test_rows(task: Task, draw: np.random.Generator) -> Array:
    rows = len(task.test)
    return np.sort(draw.permutation(rows)[: max(_DEBUG_TEST_ROWS, round(_DEBUG_SHARE * rows))])


def _probe_rows(task: Task, draw: np.random.Generator) -> Array:
    """As many rows as of the debug view; of groups whole ones, of times the latest: leaks go from row to row there."""
    rule, rows = task.brief.split, len(task.train)
    if rule.kind not in ("group", "time"):
        return _debug_rows(task, draw)
    units = _units(task, task.train)
    counts = np.bincount(units)
    order = draw.permutation(len(counts)) if rule.kind == "group" else np.arange(len(counts))[::-1]
    wanted = max(_DEBUG_TRAIN_ROWS, round(_DEBUG_SHARE * rows))
    enough = max(int(np.searchsorted(np.cumsum(counts[order]), wanted)) + 1, _fewest_units(rule))
    chosen = np.isin(units, order[:enough])
    strata = _strata(task, task.train)
    if strata is None:
        return np.flatnonzero(chosen)
    fewest = np.bincount(strata[chosen], minlength=int(strata.max()) + 1).min()
    return np.flatnonzero(chosen) if fewest >= _DEBUG_ROWS_OF_A_CLASS else _debug_rows(task, draw)


def valid_rows(view: View, id_column: str) -> DataFrame:
    """The rows that out-of-fold predictions answer, each at its position in `train`: canonical id and `split`."""
    valid = view.folds[view.folds["role"] == "valid"]
    rows = positions(valid[id_column], view.train[id_column])
    ids = canonical(valid[id_column]).to_numpy()
    return DataFrame({id_column: ids, "split": valid["split"].to_numpy()}, index=rows)
