"""From checked predictions to figures, for one run and for the runs of a trial together.

Predictions are a script's: they may be huge, and then a score overflows; that is a defect and never an exception.
"""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gome.scenarios.evidence import DefectNote, Evaluation, SplitRule
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import Metric
from gome.scenarios.task.splits import split_weights

__all__ = ["bundles", "merge", "overflow", "read_claims", "score_rows"]

_LARGEST_EVIDENCE = 1 << 16
_MOST_CLAIMS = 50
_BOOTSTRAPS = 50
_MOST_BUNDLES, _STRETCHES = 400, 25
"""Rows are drawn in so many bundles at most, those of a split by time in so many stretches of neighbouring times."""
_BOOTSTRAP = 4  # purpose of draws; `splits` has 1 and 2, `views` 3
_FIGURES = 6
_LARGEST_PREDICTION = 1e100


def score_rows(metric: Metric, truth: Array, prediction: Array, units: Array, seed: int) -> dict[str, Any]:
    """Score, standard error and replicates of one run's withheld rows, as fields of `Evaluation`.

    `units` says which rows belong together (`bundles`); the standard error is by a bootstrap over them. No score where
    the rows do not define one (one class only), no error where all belong together: draws of one thing are all alike.
    """
    score = _score(metric, truth, prediction)
    if math.isinf(score):
        return {"defects": (_OVERFLOW,)}
    if math.isnan(score):
        return {}
    several = len(np.unique(units)) > 1
    replicates = tuple(_replicates(metric, truth, prediction, units, seed)) if several else ()
    return {"score": score, "folds": (score,), "replicates": (replicates,), "standard_error": _spread(replicates)}


def overflow(prediction: Array) -> tuple[DefectNote, ...]:
    """A defect, where a number is so large that means and scores of it are none."""
    large = prediction.dtype.kind == "f" and bool(np.abs(prediction).max() > _LARGEST_PREDICTION)
    return (_OVERFLOW,) if large else ()


def bundles(units: Array, rule: SplitRule) -> Array:
    """What is drawn together in a bootstrap, for each row: its group, its stretch of time, or the row itself.

    Many units are put into bundles: the spread stays the same, and a large table takes no longer than need be.
    """
    _, unit = np.unique(units, return_inverse=True)
    count = int(unit.max()) + 1
    if rule.kind == "time" or (rule.kind == "holdout" and rule.column is not None):
        return np.asarray(unit * min(count, _STRETCHES) // count)
    return np.asarray(unit % _MOST_BUNDLES)


def merge(parts: Sequence[Evaluation], rule: SplitRule, planned: int) -> Evaluation:
    """The runs of a trial, one a split, as one evaluation; in the order of the splits, whatever they were run in.

    A fold whose rows do not define a score is left out of the mean. The first part with defects is the whole's.
    """
    defects = next((part.defects for part in parts if part.defects), ())
    if defects:
        return Evaluation(view="splits", defects=defects, planned=planned)
    scored = sorted((part for part in parts if part.folds), key=lambda part: part.splits)
    planned -= len(parts) - len(scored)
    if not scored:
        return Evaluation(view="splits", planned=planned)
    splits = tuple(part.splits[0] for part in scored)
    rows = tuple(part.fold_rows[0] for part in scored)
    folds = tuple(part.folds[0] for part in scored)
    weights = split_weights(rule, splits, [valid for valid, _ in rows])
    error = scored[0].standard_error
    if len(folds) > 1:
        error = float(np.std(folds, ddof=1) / math.sqrt(len(folds)))
    trained = tuple(score for part in scored for score in part.train_folds)
    return Evaluation(
        view="splits",
        score=math.fsum(weight * fold for weight, fold in zip(weights, folds, strict=True)),
        splits=splits,
        planned=planned,
        folds=folds,
        fold_rows=rows,
        weights=weights,
        replicates=tuple(part.replicates[0] for part in scored),
        standard_error=error,
        verified=all(part.verified for part in scored),
        train_folds=trained if len(trained) == len(scored) else (),
        importance=scored[0].importance,
        claims=scored[0].claims,
    )


def read_claims(path: Path | None) -> dict[str, Any]:
    """What a script says of itself in `evidence.json`. What is no number, or too much, is left out, as a hint may be.

    `train_score` and `importance` have a field of their own; every other number is a claim by its name, those in an
    inner object by both names.
    """
    if path is None or path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST_EVIDENCE:
        return {}
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError):
        return {}
    if not isinstance(said, dict):
        return {}
    claims: dict[str, Any] = {}
    score, weights = said.pop("train_score", None), said.pop("importance", None)
    if _finite(score):
        claims["train_folds"] = (float(score),)
    if isinstance(weights, dict):
        good = [(_name(name), float(weight)) for name, weight in weights.items() if _finite(weight)]
        claims["importance"] = dict(sorted(good, key=lambda pair: (-pair[1], pair[0]))[:_MOST_CLAIMS])
    claims["claims"] = dict(list(_numbers(said))[:_MOST_CLAIMS])
    return claims


def _numbers(said: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in said.items():
        if _finite(value):
            yield _name(name), float(value)
        elif isinstance(value, dict):
            yield from ((_name(f"{name}.{inner}"), float(each)) for inner, each in value.items() if _finite(each))


def _name(text: str) -> str:
    """No longer than need be, and without halves of characters, which JSON has and UTF-8 has not."""
    return text[:80].encode("utf-8", "replace").decode()


def _score(metric: Metric, truth: Array, prediction: Array) -> float:
    with np.errstate(all="ignore"):
        return metric.score(truth, prediction)


_OVERFLOW = DefectNote(code="overflow", message="submission.csv: predictions are so large that they have no score")


def _replicates(metric: Metric, truth: Array, prediction: Array, units: Array, seed: int) -> Iterator[float | None]:
    """Scores over draws with replacement of what belongs together (groups, stretches of time, or single rows).

    The draws depend on `units` and `seed` alone, so that those of two predictions of the same rows are pairs.
    """
    members = np.split(np.argsort(units, kind="stable"), np.cumsum(np.bincount(units))[:-1])
    draw = np.random.default_rng([seed, _BOOTSTRAP])
    for _ in range(_BOOTSTRAPS):
        rows = np.concatenate([members[number] for number in draw.integers(len(members), size=len(members))])
        score = _score(metric, truth[rows], prediction[rows])
        yield float(f"{score:.{_FIGURES}g}") if math.isfinite(score) else None


def _spread(replicates: Sequence[float | None]) -> float | None:
    defined = [each for each in replicates if each is not None]
    return float(np.std(defined, ddof=1)) if len(defined) > 1 else None


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
