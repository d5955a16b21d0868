"""From checked predictions to figures: each function returns fields of `Evaluation`, and `defects` instead of a score.

Predictions are a script's: they may be huge, and then a score overflows; that is a defect and never an exception.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from pandas import DataFrame

from scenarios.canaries import followed_canaries
from scenarios.encoding import encode_predictions, encode_truth
from scenarios.evidence import DefectNote
from scenarios.formulas import Array
from scenarios.leaks import find_leaks
from scenarios.metrics import Metric
from scenarios.residuals import residual_slices
from scenarios.tasks import Task
from scenarios.views import HeldOut, View

__all__ = ["read_claims", "score_folds", "score_holdout"]

_LARGEST_EVIDENCE = 1 << 20
_MOST_IMPORTANCES = 50
_BOOTSTRAPS = 100
_BOOTSTRAP = 4  # purpose of draws; `splits` has 1 and 2, `views` 3


def score_folds(task: Task, view: View, valid: DataFrame, table: DataFrame) -> dict[str, Any]:
    """Scores of the folds, their mean and its standard error; leaks; for the full view also residuals.

    `valid` is of `views.valid_rows`, `table` the checked out-of-fold predictions in its order. A fold whose rows do
    not define a score (one class only) is left out of the mean.
    """
    rows, splits = valid.index.to_numpy(), valid["split"].to_numpy()
    truth = encode_truth(view.train, task.brief)[rows]
    prediction = encode_predictions(table, task.brief)
    numbers = np.unique(splits)
    every = {split: _score(task.metric, truth[splits == split], prediction[splits == split]) for split in numbers}
    scores = {split: score for split, score in every.items() if not math.isnan(score)}
    folds = tuple(scores.values())
    if any(map(math.isinf, folds)):
        return {"defects": (_overflow("oof.csv"),)}
    training = view.folds.loc[view.folds["role"] == "train", "split"].value_counts()
    figures: dict[str, Any] = {
        "folds": folds,
        "fold_rows": tuple((int((splits == split).sum()), int(training.get(split, 0))) for split in scores),
    }
    if folds:
        figures["score"] = float(np.mean(folds))
    if len(folds) > 1:
        figures["standard_error"] = float(np.std(folds, ddof=1) / math.sqrt(len(folds)))
    elif folds and len(numbers) == 1:
        figures["replicates"] = _replicates(task.metric, truth, prediction, np.arange(len(truth)), seed=0)
        figures["standard_error"] = _spread(figures["replicates"])
    if view.name == "full":
        dropped = [task.brief.id_column, *task.brief.targets]
        features = task.typed_train.drop(columns=dropped).iloc[rows]
        figures["residuals"] = residual_slices(features, truth, prediction, task.brief, task.metric)
        figures["leaks"] = find_leaks(task, truth, prediction, figures.get("score"))
    if view.canaries is not None:
        sung = view.canaries[rows]
        figures["leaks"] = followed_canaries(truth[sung], prediction[sung], splits[sung], task.brief)
    return figures


def score_holdout(task: Task, held: HeldOut, table: DataFrame, seed: int) -> dict[str, Any]:
    """The score of a submission against the hold-out's labels, as one fold, with its bootstrap standard error."""
    prediction = encode_predictions(table, task.brief)
    score = _score(task.metric, held.truth, prediction)
    if math.isinf(score):
        return {"defects": (_overflow("submission.csv"),)}
    if math.isnan(score):
        return {}
    replicates = _replicates(task.metric, held.truth, prediction, held.units, seed)
    return {"folds": (score,), "score": score, "standard_error": _spread(replicates)}


def read_claims(path: Path | None, splits: int) -> dict[str, Any]:
    """What a script says of itself in `evidence.json`. What is not in the agreed form is left out, as a hint may be."""
    if path is None or path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST_EVIDENCE:
        return {}
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError):
        return {}
    if not isinstance(said, dict):
        return {}
    claims: dict[str, Any] = {}
    scores = said.get("train_scores")
    if isinstance(scores, list) and len(scores) == splits and all(map(_finite, scores)):
        claims["train_folds"] = tuple(float(score) for score in scores)
    weights = said.get("importance")
    if isinstance(weights, dict):
        good = [(str(name)[:80], float(weight)) for name, weight in weights.items() if _finite(weight)]
        claims["importance"] = dict(sorted(good, key=lambda pair: (-pair[1], pair[0]))[:_MOST_IMPORTANCES])
    return claims


def _score(metric: Metric, truth: Array, prediction: Array) -> float:
    with np.errstate(all="ignore"):
        score = metric.score(truth, prediction)
    overflowed = math.isnan(score) and prediction.dtype.kind == "f" and bool(np.abs(prediction).max() > 1e100)
    return math.inf if overflowed else score


def _overflow(name: str) -> DefectNote:
    return DefectNote(code="overflow", message=f"{name}: predictions are so large that they have no score")


def _replicates(metric: Metric, truth: Array, prediction: Array, units: Array, seed: int) -> tuple[float, ...]:
    """Scores over draws with replacement of what belongs together (groups, blocks, or single rows), where defined.

    The draws depend on `units` and `seed` alone, so that those of two predictions of the same rows are pairs.
    """
    _, unit = np.unique(units, return_inverse=True)
    members = np.split(np.argsort(unit, kind="stable"), np.cumsum(np.bincount(unit))[:-1])
    draw = np.random.default_rng([seed, _BOOTSTRAP])
    scores = []
    for _ in range(_BOOTSTRAPS):
        rows = np.concatenate([members[number] for number in draw.integers(len(members), size=len(members))])
        scores.append(_score(metric, truth[rows], prediction[rows]))
    return tuple(score for score in scores if math.isfinite(score))


def _spread(replicates: tuple[float, ...]) -> float | None:
    return float(np.std(replicates, ddof=1)) if len(replicates) > 1 else None


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
