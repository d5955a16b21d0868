"""The cross-examination: what a script predicts must not hang on labels that it must not use.

A script is run on two views that differ in such labels (see `twins`), without `--debug`, so that nothing tells it from
a full run. Where its predictions for the first split's validation rows are the same, nothing led from these labels to
them. Where they differ it is run on the probe once more: one that then differs from itself is not reproducible, and
only what is far beyond chance counts. Else labels have reached the predictions, and the question is how:

 - severe where the change follows the new labels: a row's own, those of other rows of its group, or of its neighbours
   in time. What the change owes to the old labels and to the old predictions is taken out first;
 - mild where the labels only chose something, such as the round at which training stops: then the predictions change
   with the choice, and follow no row's label.

The same runs tell whether predictions for test rows follow their ids, which the two views deal differently.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pandas import DataFrame

from scenarios.agreement import agreement, as_columns
from scenarios.encoding import encode_predictions, encode_truth
from scenarios.evidence import LeakNote, TaskBrief
from scenarios.formulas import Array
from scenarios.splits import split_units
from scenarios.tables import infer_types, positions
from scenarios.twins import first_split_rows
from scenarios.views import View

__all__ = ["Told", "Twins"]

_ROUNDING = 1e-6
"""A difference of predictions that counts: a share of the largest label, of 1 for probabilities."""
_FEWEST = 24
_LEAST_SLOPE = 0.05
_DEVIATIONS, _DEVIATIONS_WITHOUT_REPRODUCTION, _DEVIATIONS_OF_IDS = 2.5, 5.0, 3.5
_FEWEST_KEPT = 10
_NEAR, _WEEK = 3, 7


@dataclass(frozen=True)
class Told:
    """What a run on one of the twins predicted: its files as the submission check returns them."""

    oof: DataFrame
    submission: DataFrame


@dataclass(frozen=True)
class Twins:
    """The pair of views of one task."""

    probe: View
    twin: View
    brief: TaskBrief

    def examine(self, probe: Told, twin: Told, again: Told | None = None) -> tuple[tuple[LeakNote, ...], bool]:
        """What the runs on both views show, and whether a run on the probe once `again` is needed to tell."""
        notes = self._of_ids(probe, twin)
        if not self._differ(probe, twin):
            return notes, False
        certain = self._followed(probe, twin, _DEVIATIONS_WITHOUT_REPRODUCTION)
        if certain:
            return (*notes, _follows(certain)), False
        if again is None:
            return notes, True
        if self._differ(probe, again):
            return notes, False
        followed = self._followed(probe, twin, _DEVIATIONS)
        return (*notes, _follows(followed) if followed else _CHOSEN), False

    def _differ(self, one: Told, other: Told) -> bool:
        """Whether two runs' predictions for the first split's validation rows differ beyond rounding."""
        scale = float(np.abs(self._labels(self.probe)).max()) if self.brief.task_type == "regression" else 1.0
        return bool(np.abs(self._answers(other) - self._answers(one)).max() > _ROUNDING * scale)

    def _followed(self, probe: Told, twin: Told, deviations: float) -> str:
        """Whose labels the change of the predictions follows, in words; empty where nobody's."""
        rows = self._rows
        if len(rows) < _FEWEST:
            return ""
        before, after = self._level(self._answers(probe)), self._level(self._answers(twin))
        old, new = (self._level(self._labels(view)) for view in (self.probe, self.twin))
        for words, was, now in zip(_WHOSE[self._kind], self._around(old), self._around(new), strict=True):
            change = _without(after - before, before, old[rows], was[rows])
            spread = float(np.square(now[rows] - now[rows].mean(axis=0)).sum())
            found = agreement(change, now[rows])
            if spread > 0.0 and found.excess >= _LEAST_SLOPE * spread and found.deviations >= deviations:
                return f"{words} ({found.deviations:.1f} standard deviations beyond chance)"
        return ""

    def _of_ids(self, probe: Told, twin: Told) -> tuple[LeakNote, ...]:
        """Whether predictions of test rows follow ids: a change that an id brought is taken back from who lost it.

        Training rows have strangers' ids in both views, so no model learns from them what the id of a test row tells.
        """
        first, second = (view.test[self.brief.id_column] for view in (self.probe, self.twin))
        place = positions(first, second)
        if len(first) < _FEWEST or np.array_equal(place, np.arange(len(first))):
            return ()
        before, after = (self._columns(each.submission) for each in (probe, twin))
        ranks = DataFrame(np.vstack([before, after])).rank().to_numpy()
        change = ranks[len(before) :] - ranks[: len(before)]
        if agreement(change, change[place]).deviations > -_DEVIATIONS_OF_IDS:
            return ()
        kept = np.isclose(before, after[place], rtol=1e-9).all(axis=1) & ~np.isclose(before, after).all(axis=1)
        return (_KEPT_BY_ID,) if kept.sum() >= _FEWEST_KEPT else (_FOLLOWS_IDS,)

    @cached_property
    def _rows(self) -> Array:
        """Positions of the first split's validation rows."""
        return first_split_rows(self.probe.train, self.probe.folds, self.brief, "valid")

    def _answers(self, told: Told) -> Array:
        """Predictions for these rows, in their order."""
        splits = told.oof["split"].to_numpy()
        return self._columns(told.oof[splits == splits[0]])

    def _columns(self, table: DataFrame) -> Array:
        return as_columns(encode_predictions(table, self.brief), self.brief)

    def _labels(self, view: View) -> Array:
        return as_columns(encode_truth(view.train, self.brief), self.brief)

    def _level(self, values: Array) -> Array:
        """Values as shares of the labels that are smaller, so that no outlier rules; probabilities as they are."""
        if self.brief.task_type != "regression":
            return values
        columns = []
        for labels, column in zip(np.sort(self._labels(self.probe), axis=0).T, values.T, strict=True):
            below, upto = (np.searchsorted(labels, column, side) for side in ("left", "right"))
            columns.append((below + upto) / (2 * len(labels)))
        return np.column_stack(columns)

    @property
    def _kind(self) -> str:
        """By what rows belong together: `group`, `time`, or nothing."""
        kind, column = self.brief.split.kind, self.brief.split.column
        return kind if column is not None and kind in ("group", "time") else ""

    def _around(self, labels: Array) -> Iterator[Array]:
        """For each row its own label, then those of the rows around it, in the order of `_WHOSE`.

        Labels that are the same in both views count as their mean.
        """
        yield labels
        if not self._kind:
            return
        dealt = first_split_rows(self.probe.train, self.probe.folds, self.brief, "valid", "unused")
        moved = np.zeros_like(labels)
        moved[dealt] = labels[dealt] - labels[dealt].mean(axis=0)
        column = self.probe.train[[str(self.brief.split.column)]]
        units = split_units(infer_types(column), self.brief.split)
        if self._kind == "group":
            sums = np.zeros((int(units.max()) + 1, labels.shape[1]))
            np.add.at(sums, units, moved)
            yield (sums[units] - moved) / np.maximum(1, np.bincount(units) - 1)[units, None]
            return
        order = np.argsort(units, kind="stable")
        for near in _in_order(DataFrame(moved[order])):
            placed = np.empty_like(moved)
            placed[order] = near.fillna(0.0).to_numpy()
            yield placed


def _in_order(labels: DataFrame) -> Iterator[DataFrame]:
    """What the rows before and after have, of rows in the order of time."""
    yield labels.shift(1)
    yield labels.shift(-1)
    yield labels.rolling(2 * _NEAR + 1, center=True, min_periods=1).mean()
    yield labels.shift(_WEEK)
    yield labels.shift(-_WEEK)


_OWN = "their own rows"
_WHOSE = {
    "": (_OWN,),
    "group": (_OWN, "other rows of their group"),
    "time": (_OWN, "the row before", "the row after", "the rows around them", "a week before", "a week after"),
}


def _without(change: Array, *causes: Array) -> Array:
    """What is left of a change, column by column, when what is linear in its causes is taken out."""
    left = np.empty_like(change)
    for number, column in enumerate(change.T):
        known = np.column_stack([np.ones(len(change)), *(cause[:, number] for cause in causes)])
        left[:, number] = column - known @ np.linalg.lstsq(known, column, rcond=None)[0]
    return left


def _follows(whose: str) -> LeakNote:
    words = (
        f"its predictions for validation rows follow labels of {whose}, which a split must not use: they changed when "
        "these labels alone were changed; fit everything that learns from the target on a split's `train` rows alone"
    )
    return LeakNote(code="follows-labels", severity="severe", message=words)


_CHOSEN = LeakNote(
    code="chosen-on-validation",
    severity="mild",
    message=(
        "its predictions for validation rows change with labels that a split must not use: these choose or shift "
        "something (a round to stop at, a seed, a setting, features, a weight, a mean over all rows), so the score is "
        "somewhat too good; choose it on a part of the split's `train` rows"
    ),
)
_KEPT_BY_ID = LeakNote(
    code="answers-by-id",
    severity="severe",
    message=(
        "its predictions for test rows go with their ids: where ids were dealt anew, the same id got the same "
        "prediction and the same row did not; predict from the columns"
    ),
)
_FOLLOWS_IDS = LeakNote(
    code="follows-ids",
    severity="mild",
    message="its predictions for test rows change with their ids, which tell nothing; predict from the columns",
)
