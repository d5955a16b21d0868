"""The rows that diagnostics show: largest losses, and largest changes against the trace's best."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas import Series

from gome.scenarios.diagnostics.classes import name_of_class, true_class
from gome.scenarios.diagnostics.judged_rows import Case, Judged, figure, figure_or_none
from gome.scenarios.diagnostics.record import ShownRow
from gome.scenarios.evidence import TaskBrief
from gome.scenarios.figures import plain
from gome.scenarios.metrics.formulas import Array

__all__ = ["cell", "changed_rows", "dearest_rows", "shown_columns", "shown_rows", "width_of"]

_MOST_COLUMNS = 10
_CELL, _TEXT = 40, 120
_TEXT_FROM_LENGTH = 30
_MOST_CATEGORIES = 20
_MOST_NUMBERS = 4


def shown_columns(case: Case, first: Sequence[str]) -> tuple[str, ...]:
    """At most ten columns to show: `first` (which errors depend on), then the most informative, then the rest."""
    names = [str(name) for name in case.features.table.columns]
    wanted = [*first, *case.features.order, *names]
    return tuple(name for name in dict.fromkeys(wanted) if name in names)[:_MOST_COLUMNS]


def dearest_rows(rows: Judged, many: int) -> Array:
    """Positions of the rows with the largest losses, falling; for classes without an order, taken from each in turn."""
    order = _by(-rows.share)
    order = order[rows.share[order] > 0]
    truth = true_class(rows.truth) if rows.scale in ("loss", "probability", "decision") else None
    if truth is None:
        return order[:many]
    ranked = Series(truth[order])
    turns = ranked.groupby(ranked).cumcount().to_numpy()
    taken = order[np.lexsort((np.arange(len(order)), turns))[:many]]
    return taken[_by(-rows.share[taken])]


def changed_rows(rows: Judged, many: int) -> tuple[Array, Array]:
    """Positions of the rows that improved most and those that worsened most against the best."""
    if rows.change is None:
        return np.arange(0), np.arange(0)
    order = _by(np.where(np.isfinite(rows.change), rows.change, 0.0))
    better = order[:many]
    worse = order[::-1][:many]
    return better[rows.change[better] < 0], worse[rows.change[worse] > 0]


def _by(values: Array) -> Array:
    """Positions in rising order; ties are in a random order, the same in each call."""
    return np.lexsort((np.random.default_rng(0).permutation(len(values)), values))


def shown_rows(case: Case, rows: Judged, places: Array, columns: Sequence[str]) -> tuple[ShownRow, ...]:
    """These rows with their cells."""
    whole = case.features.table
    table, widths = whole[list(columns)].iloc[rows.at[places]], [width_of(whole[name]) for name in columns]
    found = []
    for position, place in enumerate(places):
        change = None if rows.change is None else float(rows.change[place])
        known = change is not None and rows.best is not None and np.isfinite(change)
        cells = zip(table.iloc[position], widths, strict=True)
        found.append(
            ShownRow(
                truth=_truth(rows.truth[place], case.brief),
                prediction=_said(rows.prediction[place], case.brief),
                best=_said(rows.best[place], case.brief) if known and rows.best is not None else None,
                share_of_loss=figure(float(rows.share[place]), 3),
                change=figure_or_none(change, 3),
                split=int(case.split_of_row[rows.at[place]]),
                cells=tuple(cell(value, width) for value, width in cells),
            )
        )
    return tuple(found)


def width_of(column: Series, text: int = _TEXT, other: int = _CELL) -> int:
    """Characters of a cell to show: `text` for columns of long, mostly distinct texts, else `other`."""
    if pd.api.types.is_numeric_dtype(column):
        return other
    words = column.head(500).dropna().astype(str)
    long = len(words) > 0 and words.str.len().mean() >= _TEXT_FROM_LENGTH and words.nunique() > _MOST_CATEGORIES
    return text if long else other


def cell(value: object, width: int) -> str:
    """A cell in one line of at most `width` characters; empty where the value is missing."""
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, float | np.floating):
        number = float(value)
        text = str(int(number)) if number.is_integer() and abs(number) < 1e15 else plain(number, 6)
    else:
        text = " ".join(str(value).split())
    return text if len(text) <= width else text[: width - 1] + "…"


def _truth(truth: Array, brief: TaskBrief) -> str:
    values = np.atleast_1d(truth)
    if brief.task_type != "regression" and len(values) == 1:
        return name_of_class(brief, int(values[0]), shown=True)
    return _numbers(values)


def _said(prediction: Array, brief: TaskBrief) -> str:
    """A prediction as text: a number, a class, or the two most probable classes; the probability of a binary target."""
    values = np.atleast_1d(prediction)
    if brief.task_type == "regression" or (brief.task_type == "binary" and brief.prediction == "probability"):
        return _numbers(values)
    if len(values) == 1:
        return name_of_class(brief, int(values[0]), shown=True)
    first = np.argsort(-values, kind="stable")[:2]
    return ", ".join(f"{name_of_class(brief, int(place), shown=True)} {values[place]:.3g}" for place in first)


def _numbers(values: Array) -> str:
    told = ", ".join(plain(float(value), 5) for value in values[:_MOST_NUMBERS])
    return told if len(values) <= _MOST_NUMBERS else f"{told}, …"
