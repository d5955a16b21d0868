"""How the rows of a user's table are split: rows held out as the test, the number of folds, and advice on the rule."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pandas import Series

from gome.errors import TaskError
from gome.scenarios.authoring.inference import FOLDS, ROWS_OF_A_GROUP
from gome.scenarios.evidence import SplitRule
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import Metric
from gome.scenarios.task.cells import hold_dates
from gome.scenarios.task.splits import holdout_rows, split_units, unit_count
from gome.scenarios.task.tables import canonical
from gome.scenarios.task.typed_table import TypedTable

__all__ = ["fewer_folds", "held_out", "split_advice"]

_HELD_OUT = 0.2
_SEED = 5
_KINDS = {
    "random": "random rows",
    "stratified": "random rows with each class in equal shares",
}
_PEOPLE = ("user", "customer", "client", "patient", "subject", "person", "household")
_NAMES = frozenset({"id", "key", "code", "group", "shop", "store", "site", *_PEOPLE})
_FEWEST_GROUPS = 10


def held_out(table: TypedTable, rule: Mapping[str, str | int], metric: Metric, target: str, path: Path) -> Array:
    """Mask of the rows held out as the test: whole groups, the latest times, or the same share of each class.

    Every class keeps a training row. Raises TaskError if that is impossible.
    """
    column = rule.get("column")
    kept = SplitRule.model_validate(rule)
    units = _units(table, kept, path, fewest=3)
    classes = None if metric.prediction == "value" else pd.factorize(canonical(table[target]))[0]
    out = holdout_rows(units, classes, kept, _HELD_OUT, _SEED)
    if classes is None:
        return out
    known = np.isin(classes, classes[~out])
    if column is not None and not known.all():
        name = table[target][int((~known).argmax())]
        words = f"all rows of class {name!r} are in the test, a fifth of the rows by {column!r}"
        raise TaskError(f"{path}: {words}; use --test or another --split")
    return np.asarray(out & known)


def _units(table: TypedTable, rule: SplitRule, path: Path, fewest: int) -> Array:
    """As `split_units`. Raises TaskError with the file, also for fewer than `fewest` groups (times: one more)."""
    try:
        units = split_units(table, rule)
    except TaskError as error:
        raise TaskError(f"{path}: {error}") from error
    found = unit_count(units)
    if rule.column and found < fewest + (rule.kind == "time"):
        raise TaskError(f"{path}: column {rule.column!r} has too few distinct values for validation: {found}")
    return units


def fewer_folds(
    rows: TypedTable, rule: Mapping[str, str | int], path: Path, guesses: list[str]
) -> dict[str, str | int]:
    """The number of folds, if there are fewer groups or times than the default number of folds."""
    kept = SplitRule.model_validate(rule)
    if kept.column is None:
        return {}
    most = unit_count(_units(rows, kept, path, fewest=2)) - (kept.kind == "time")
    if most >= FOLDS:
        return {}
    guesses.append(f"{most} folds, because {kept.column!r} has few distinct values")
    return {"folds": most}


def split_advice(table: TypedTable, rule: Mapping[str, str | int], apart: Sequence[str]) -> Iterator[str]:
    """Yield the split that was chosen without being asked for, and why another may be right.

    Args:
        table: The training rows as numbers and text.
        rule: The chosen split, as in task.yaml.
        apart: The id and the targets.
    """
    kind = str(rule["kind"])
    if kind not in _KINDS:
        return
    yield f"validation on {_KINDS[kind]}; --split chooses another"
    features = [str(name) for name in table.columns if name not in apart]
    times = [name for name in features if not table.is_number(name) and hold_dates(table[name])]
    times.sort(key=lambda name: bool(table[name].isna().any()))  # those by which rows can be split come first
    called = [name for name in features if name not in times and _is_named(name)]
    groups = [name for name in called if _stand_in_several(table[name])]
    for name in times[:1]:
        gaps = int(table[name].isna().sum())
        full = f", which needs a date in each row: {gaps} {'has' if gaps == 1 else 'have'} none" if gaps else ""
        yield f"column {name!r} holds dates: if the rows to predict are later than these, use --split time:{name}{full}"
    for name in groups[:1]:
        count = table[name].nunique()
        yield (
            f"column {name!r} has {count} values in {len(table)} rows: if the rows to predict have other values, "
            f"use --split group:{name}"
        )


def _is_named(name: str) -> bool:
    """Whether a column is named like what rows belong to."""
    words = name.lower().replace("-", "_").split("_")
    return bool({*words} & _NAMES) or name.lower().endswith("id")


def _stand_in_several(column: Series) -> bool:
    """Whether each of a column's many values stands in several rows."""
    if pd.api.types.is_float_dtype(column) or column.isna().any():
        return False
    count = column.nunique()
    return count >= _FEWEST_GROUPS and len(column) >= ROWS_OF_A_GROUP * count
