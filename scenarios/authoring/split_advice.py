"""Say which validation split a user's table gets, and which other split its columns suggest."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from pandas import DataFrame, Series

from gome.scenarios.authoring.inference import ROWS_OF_A_GROUP
from gome.scenarios.task.cells import hold_dates

__all__ = ["split_advice"]

_KINDS = {
    "random": "random rows, as no column orders or groups them for sure",
    "stratified": "random rows with each class in equal shares, as no column orders or groups them for sure",
}
_PEOPLE = ("user", "customer", "client", "patient", "subject", "person", "household")
_NAMES = frozenset({"id", "key", "code", "group", "shop", "store", "site", *_PEOPLE})
_FEWEST_GROUPS = 10


def split_advice(table: DataFrame, rule: Mapping[str, str | int], apart: Sequence[str]) -> Iterator[str]:
    """Yield the split that was chosen without being asked for, and why another may be right.

    Args:
        table: The training rows as numbers and text.
        rule: The chosen split, as in task.yaml.
        apart: The id and the targets.
    """
    kind = str(rule["kind"])
    if kind not in _KINDS:
        return
    yield f"validation on {_KINDS[kind]}"
    features = [str(name) for name in table.columns if name not in apart]
    times = [name for name in features if _orders(table[name])]
    groups = [name for name in features if name not in times and _names_groups(table[name])]
    for name in times[:1]:
        yield f"column {name!r} holds dates: if the rows to predict are later than these, use --split time:{name}"
    for name in groups[:1]:
        count = table[name].nunique()
        yield (
            f"column {name!r} has {count} values in {len(table)} rows: if the rows to predict have other values, "
            f"use --split group:{name}"
        )


def _orders(column: Series) -> bool:
    """Whether a column has a date in each row."""
    return bool(column.notna().all()) and hold_dates(column)


def _names_groups(column: Series) -> bool:
    """Whether a column is named like what rows belong to, and each of its many values stands in several rows."""
    if pd.api.types.is_float_dtype(column) or column.isna().any():
        return False
    words = str(column.name).lower().replace("-", "_").split("_")
    named = bool({*words} & _NAMES) or str(column.name).lower().endswith("id")
    count = column.nunique()
    return named and count >= _FEWEST_GROUPS and len(column) >= ROWS_OF_A_GROUP * count
