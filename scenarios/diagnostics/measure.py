"""Error analysis of a trial by the harness: `diagnose` computes where and how its predictions err.

rows with their losses ──► concentration ──► by truth, by prediction, by class
                       ──► slices of each column ──► costly ones, changed ones, rare values, patterns of bias
                       ──► the worst rows, as many as may be shown
"""

import numpy as np

from gome.scenarios.diagnostics.classes import classes_of, confusions_of
from gome.scenarios.diagnostics.judged_rows import Case, Judged, figure, figure_or_none, judged, kept, tally, words_of
from gome.scenarios.diagnostics.parts import by_target, by_value, changed_parts, dear_parts, dear_units, rare_parts
from gome.scenarios.diagnostics.patterns import patterns_of
from gome.scenarios.diagnostics.record import Concentration, Diagnostics, Part
from gome.scenarios.diagnostics.rows import changed_rows, dearest_rows, shown_columns, shown_rows
from gome.scenarios.metrics.formulas import Array

__all__ = ["diagnose"]

_FEW, _ENOUGH, _MUCH = 10, 200, 0.2
_LEVELS = (0.01, 0.1, 0.5, 0.9, 0.99)


def diagnose(case: Case) -> Diagnostics | None:
    """The diagnostics of a trial; None where no row has a finite loss."""
    with np.errstate(all="ignore"):  # a script's predictions may overflow; results are clipped when rounded
        rows = judged(case)
        return None if rows is None else _diagnosed(case, rows)


def _diagnosed(case: Case, rows: Judged) -> Diagnostics:
    shown, brief, features = case.shown > 0, case.brief, case.features
    places = features.places[rows.at]
    outliers = _outliers(rows)
    looked_at = (places >= 0) & ~outliers
    some = kept(rows, looked_at)
    places = places[looked_at]
    slices = [slicing._replace(codes=slicing.codes[places]) for _, slicing in features.slices]
    owners = {slicing.feature: name for name, slicing in features.slices}
    sums = [(slicing, tally(some, slicing.codes, len(slicing.values))) for slicing in slices]
    regression = brief.task_type == "regression"
    dear, rare = dear_parts(some, sums, shown=shown), rare_parts(case, rows)
    patterns = patterns_of(some, slices, shown=shown)
    found = {
        "slices": dear,
        "changes": changed_parts(some, sums, shown=shown),
        "rare": rare,
        "units": dear_units(case, rows, shown=shown),
        "patterns": patterns,
        "by_truth": by_value(rows, rows.truth, "truth", shown=shown) if regression else (),
        "by_prediction": () if rows.scale in ("loss", "decision", "grade") else _by_prediction(rows, shown=shown),
        "by_target": by_target(case, rows),
        "classes": () if regression else classes_of(rows, brief, shown=shown),
        "confusions": () if regression else confusions_of(rows, brief, shown=shown),
    }
    told = [*(each.feature for each in (*dear[:4], *rare[:2])), *(each.feature for each in patterns[:2])]
    first = [owners.get(feature, feature) for feature in told]
    return Diagnostics.model_validate(
        _summary(case, rows, len(some), int(outliers.sum())) | found | _shown(case, rows, first)
    )


def _outliers(rows: Judged) -> Array:
    """Mask of the rows to leave out of slices: the ten costliest, where they hold over 20 % of the loss."""
    costliest = np.argsort(-rows.share, kind="stable")[:_FEW]
    chosen = np.zeros(len(rows), dtype=bool)
    if len(rows) >= _ENOUGH and rows.share[costliest].sum() > _MUCH:
        chosen[costliest] = True
    return chosen


def _by_prediction(rows: Judged, *, shown: bool) -> tuple[Part, ...]:
    return by_value(rows, np.nan_to_num(np.asarray(rows.prediction, dtype=float)), "prediction", shown=shown)


def _summary(case: Case, rows: Judged, looked_at: int, outliers: int) -> dict[str, object]:
    """Figures of all rows together."""
    values = rows.loss if rows.error is None else rows.error
    falling = np.sort(rows.share)[::-1]
    quantiles = np.quantile(values, _LEVELS)
    mean = float(rows.loss.mean())
    figures: dict[str, object] = {
        "rows": len(rows),
        "unmeasured": len(case.truth) - len(rows),
        "looked_at": looked_at,
        "outliers": outliers,
        "loss": words_of(case.metric),
        "scale": rows.scale,
        "mean_loss": figure(mean, 5),
        "concentration": Concentration(
            ten_rows=figure(float(falling[:10].sum()), 3),
            percent=figure(float(falling[: max(1, round(len(rows) / 100))].sum()), 3),
            tenth=figure(float(falling[: max(1, round(len(rows) / 10))].sum()), 3),
        ),
        "quantiles": tuple((level, figure(float(value))) for level, value in zip(_LEVELS, quantiles, strict=True)),
    }
    if rows.change is None or not (known := np.isfinite(rows.change)).any():
        return figures
    changes, losses = rows.change[known], rows.loss[known]
    error = float(changes.std(ddof=1) / np.sqrt(len(changes))) if len(changes) > 1 else None
    return figures | {
        "compared": len(changes),
        "best_loss": figure(float((losses - changes).mean()), 5),
        "change": figure(float(changes.mean())),
        "change_error": figure_or_none(error, 2),
    }


def _shown(case: Case, rows: Judged, first: list[str]) -> dict[str, object]:
    """The rows to show, with their columns; empty where rows may not be shown."""
    if case.shown <= 0:
        return {}
    columns = shown_columns(case, first)
    few = max(1, case.shown // 5)
    dearest = dearest_rows(rows, max(1, case.shown - 2 * few))
    changed = changed_rows(rows, few + len(dearest))
    better, worse = (each[~np.isin(each, dearest)][:few] for each in changed)
    return {
        "columns": columns,
        "dearest": shown_rows(case, rows, dearest, columns),
        "better": shown_rows(case, rows, better, columns),
        "worse": shown_rows(case, rows, worse, columns),
    }
