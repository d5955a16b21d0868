"""A pool's leaderboard: grade and check its submissions, score its solutions on training folds."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from pandas import DataFrame

from benchmarks.pools.pool import Solution, submission_of, submissions
from gome.errors import TaskError
from gome.scenarios.evaluation.submission import check_submission
from gome.scenarios.evaluation.views import task_splits
from gome.scenarios.evidence import DefectNote
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.encoding import encode_predictions, encode_truth
from gome.scenarios.task.splits import Split
from gome.scenarios.task.tables import canonical, read_table
from gome.scenarios.task.task import Task

__all__ = ["defects_of", "fold_scores", "score_pool"]

_BOOTSTRAPS = 500
_DIGITS = 5
_SEED = 0
_SHARE = 0.2


def score_pool(task: Task, pool: Mapping[str, Solution], folder: Path) -> DataFrame:
    """Grade every solution's submission. Returns columns `name`, `score` and its bootstrap `error`, best first.

    Submissions are cached in `folder`. Raises TaskError if the task has no answers or a submission has a defect.
    """
    if task.answers is None:
        raise TaskError(f"{task.folder} has no private answers to score a pool on")
    answers = read_table(task.answers)
    truth = encode_truth(answers, task.brief)
    ids = canonical(answers[task.brief.id_column])
    rows = []
    for name, path in submissions(task, pool, folder).items():
        checked = check_submission(path, task.brief, task.metric, ids, constant_is_defect=False)
        if checked.table is None:
            raise TaskError(f"pool of {task.brief.name}, member {name}: {checked.defects[0].message}")
        predicted = encode_predictions(checked.table, task.brief)
        score = round(task.metric.score(truth, predicted), _DIGITS)
        rows.append({"name": name, "score": score, "error": _error(task, truth, predicted)})
    order = [task.brief.direction == "minimize", True]
    return DataFrame(rows).sort_values(["score", "name"], ascending=order, ignore_index=True)


def defects_of(task: Task, pool: Mapping[str, Solution], folder: Path) -> dict[str, tuple[DefectNote, ...]]:
    """The defects of every solution's submission, by the solution's name."""
    ids = canonical(task.test[task.brief.id_column])
    return {
        name: check_submission(path, task.brief, task.metric, ids, constant_is_defect=False).defects
        for name, path in submissions(task, pool, folder).items()
    }


def fold_scores(task: Task, pool: Mapping[str, Solution], folds: int) -> Iterator[tuple[str, list[float]]]:
    """Yield every solution's scores on the first `folds` of the task's splits. No test row is used."""
    splits = task_splits(task, _SEED)[:folds]
    for name, solution in pool.items():
        scores = []
        for split in splits:
            rows, predicted = _on_fold(task, split, solution)
            scores.append(task.metric.score(encode_truth(rows, task.brief), encode_predictions(predicted, task.brief)))
        yield name, scores


def _on_fold(task: Task, split: Split, solution: Solution) -> tuple[DataFrame, DataFrame]:
    """The validation rows of a split, and the solution's predictions for them."""
    rows = task.train.take(split.valid).frame()
    test = task.typed_train.iloc[split.valid].drop(columns=list(task.brief.targets)).reset_index(drop=True)
    predicted = solution(task.typed_train.iloc[split.train].reset_index(drop=True), test)
    return rows, submission_of(task, predicted, rows).astype(str)


def _error(task: Task, truth: Array, predicted: Array) -> float:
    draw = np.random.default_rng(0)
    drawn = (draw.integers(len(truth), size=len(truth)) for _ in range(_BOOTSTRAPS))
    return round(float(np.std([task.metric.score(truth[rows], predicted[rows]) for rows in drawn])), _DIGITS)
