"""Profile a task's training data: types, cardinalities, missing values, skew, relevance, side files."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame, Series

from gome.scenarios.evidence import ColumnProfile, Profile, SideTable
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.profiling.periods import split_periods
from gome.scenarios.profiling.samples import sample_rows
from gome.scenarios.profiling.shifts import find_shifts
from gome.scenarios.task.cells import hold_dates
from gome.scenarios.task.side_files import Joined, find_images, find_tables
from gome.scenarios.task.splits import Split
from gome.scenarios.task.tables import canonical
from gome.scenarios.task.task import Task

__all__ = ["MOST_COLUMNS", "profile_task"]

MOST_COLUMNS = 1000
"""Of more columns than this, relevance is estimated only for those that correlate most with the target."""
_ROWS_FOR_RELEVANCE = 3000
_TEXT_FROM_LENGTH = 30
_EXAMPLES, _ROWS_FOR_EXAMPLES = 3, 1000
_NUMBERS_OF_A_ROW, _ODD = 16, np.uint64(0x9E3779B97F4A7C15)  # marks of rows: differ where numbers do, nearly always
_LEVELS = 8


def profile_task(task: Task, beside: Sequence[Joined] | None = None, splits: Sequence[Split] = ()) -> Profile:
    """The profile of a task's training rows. Test rows are used only to find shifts, unseen categories and periods.

    `beside` are the results of `find_tables`, if already computed; without `splits` their periods are left out.
    """
    beside = list(find_tables(task)) if beside is None else beside
    train, test = task.typed_train, task.typed_test.frame()
    roles = dict.fromkeys(task.brief.targets, "target") | {task.brief.id_column: "id"}
    features = [str(name) for name in train.columns if name not in roles and name in test]
    informative = [name for name in features if not _like_an_id(train[name])]
    relevance = _relevance(task, train, informative)
    columns = [_column(train[name], test.get(name), roles.get(str(name), "feature"), relevance) for name in train]
    target = train[task.brief.targets[0]]
    regression = task.brief.task_type == "regression"
    balance = {} if regression else canonical(task.train[task.brief.targets[0]]).value_counts(normalize=True).to_dict()
    seen = [name for name in train.columns if name != task.brief.id_column]
    tables = tuple(_side_table(task, joined) for joined in beside)
    joins = [joined for joined in beside if joined.unique]
    tables_of = dict.fromkeys(features, (train, test))
    tables_of |= {str(name): (joined.train, joined.test) for joined in joins for name in joined.train}
    relevant = relevance | {
        column.name: column.relevance for table in tables for column in table.columns if column.relevance is not None
    }
    sampled = sample_rows(task, {name: table for name, (table, _) in tables_of.items()}, relevant)
    return Profile(
        rows=len(train),
        columns=tuple(columns),
        class_balance={str(name): round(share, 6) for name, share in sorted(balance.items())},
        target_skew=_skew(target.to_numpy()) if regression else None,
        duplicate_rows=_duplicates(task, train, seen),
        tables=tables,
        images=find_images(task),
        shifts=find_shifts((name, ours[name], theirs[name]) for name, (ours, theirs) in tables_of.items()),
        sample_columns=sampled.columns,
        sample=sampled.rows,
        periods=split_periods(task, splits) if splits else (),
    )


def _duplicates(task: Task, train: DataFrame, seen: Sequence[str]) -> int:
    """The number of rows that are equal to an earlier one in these columns.

    Rows that differ in a number need no look at their texts, which takes long.
    """
    numbers = [name for name in seen if pd.api.types.is_numeric_dtype(train[name])][:_NUMBERS_OF_A_ROW]
    marks = np.zeros(len(train), dtype=np.uint64)
    for name in numbers:
        marks = marks * _ODD + train[name].to_numpy().view(np.uint64)
    order = np.argsort(marks, kind="stable")
    same = marks[order[1:]] == marks[order[:-1]]
    alike = np.zeros(len(train), dtype=bool)
    alike[order[1:][same]] = alike[order[:-1][same]] = True
    return task.train[list(seen)].take(alike).duplicates() if alike.any() else 0


def _side_table(task: Task, joined: Joined) -> SideTable:
    """Profile a side table; its columns are described after the join with the training rows."""
    informative = [str(name) for name in joined.train if not _like_an_id(joined.train[name])]
    relevance = _relevance(task, joined.train, informative) if informative else {}
    columns = [_column(joined.train[name], joined.test[name], "feature", relevance) for name in joined.train]
    facts = {name: getattr(joined, name) for name in ("file", "rows", "keys", "unique", "matched", "prefix")}
    return SideTable(columns=tuple(columns), **facts)


def _column(column: Series, test: Series | None, role: str, relevance: dict[str, float]) -> ColumnProfile:
    if pd.api.types.is_numeric_dtype(column) and column.notna().to_numpy().any():
        return _numeric_column(column, role, relevance)
    present = column.dropna()
    kind = _dtype(present)
    unseen = None
    if test is not None and kind in ("category", "boolean", "datetime") and len(test):
        unseen = round(float((~test.isin(set(present)) & test.notna()).mean()), 6)
    figures: dict[str, Any] = {
        "name": str(column.name),
        "role": role,
        "dtype": kind,
        "cardinality": int(present.nunique()),
        "missing": round(float(column.isna().mean()), 6),
        "levels": _levels(present) if kind in ("category", "boolean") and role != "id" else (),
        "examples": tuple(str(value)[:60] for value in present.drop_duplicates().head(_EXAMPLES)),
        "unseen_in_test": unseen,
        "relevance": relevance.get(str(column.name)),
        "words": round(float(np.mean([len(str(text).split()) for text in present])), 1) if kind == "text" else None,
    }
    return ColumnProfile(**figures)


def _numeric_column(column: Series, role: str, relevance: dict[str, float]) -> ColumnProfile:
    """As `_column`, of numbers: by NumPy, as there may be ten thousand columns, and pandas takes long for each."""
    values = column.to_numpy()
    present = values[~np.isnan(values)]
    ranked = np.sort(present)
    first = dict.fromkeys(present[:_ROWS_FOR_EXAMPLES].tolist())
    first = first if len(first) >= _EXAMPLES else dict.fromkeys(present.tolist())
    whole = values.dtype.kind == "i" or bool((present == np.floor(present)).all())  # with gaps they are read as floats
    figures: dict[str, Any] = {
        "name": str(column.name),
        "role": role,
        "dtype": "integer" if whole else "float",
        "cardinality": 1 + int((ranked[1:] != ranked[:-1]).sum()),
        "missing": round((len(values) - len(present)) / len(values), 6),
        "skew": _skew(present),
        "minimum": float(ranked[0]),
        "mean": round(float(present.sum(dtype=float) / len(present)), 6),
        "median": _middle(ranked),
        "maximum": float(ranked[-1]),
        "examples": tuple(str(value)[:60] for value in islice(first, _EXAMPLES)),
        "relevance": relevance.get(str(column.name)),
    }
    return ColumnProfile(**figures)


def _middle(ranked: Array) -> float:
    """The median of numbers in ascending order."""
    half = len(ranked) // 2
    return float(ranked[half]) if len(ranked) % 2 else (float(ranked[half - 1]) + float(ranked[half])) / 2


def _levels(present: Series) -> tuple[tuple[str, int], ...]:
    """The most frequent values with their numbers of rows; empty where no value occurs twice. Ties by value."""
    counts = Series(present.astype(str)).value_counts()
    most = sorted(counts.items(), key=lambda each: (-each[1], str(each[0])))[:_LEVELS]
    return tuple((str(value)[:60], int(count)) for value, count in most) if most and most[0][1] > 1 else ()


def _dtype(present: Series) -> str:
    if pd.api.types.is_numeric_dtype(present):  # of nothing but gaps
        return "integer" if pd.api.types.is_integer_dtype(present) else "float"
    words = present.astype(str).str.strip()
    if len(words) and words.str.lower().isin(("true", "false", "yes", "no", "t", "f", "y", "n")).all():
        return "boolean"
    if hold_dates(words):
        return "datetime"
    many = present.nunique() > len(present) / 2
    return "text" if many and words.str.len().mean() >= _TEXT_FROM_LENGTH else "category"


def _like_an_id(column: Series) -> bool:
    """Whether a text column is nearly unique; its mutual information with any target is high but meaningless."""
    return not pd.api.types.is_numeric_dtype(column) and column.nunique() > len(column) / 2


def _skew(values: Array) -> float | None:
    numbers = values.astype(float)
    spread = numbers.std() if len(numbers) > 2 else 0.0
    if not np.isfinite(spread) or spread == 0:
        return None
    return round(float((((numbers - numbers.mean()) / spread) ** 3).mean()), 4)


def _relevance(task: Task, table: DataFrame, features: Sequence[str]) -> dict[str, float]:
    """Mutual information of each feature with the first target, in nats, on a sample of the rows."""
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression  # slow to import

    rows = np.sort(np.random.default_rng(0).permutation(len(table))[:_ROWS_FOR_RELEVANCE])
    regression = task.brief.task_type == "regression"
    if regression:  # nothing can be estimated where no value occurs twice
        features = [
            name for name in features if pd.api.types.is_numeric_dtype(table[name]) or _repeats(table[name].iloc[rows])
        ]
    if not features or len(rows) < 10:
        return {}
    truth = task.truth[rows]
    target = truth[:, 0] if truth.ndim == 2 else truth
    if len(features) > MOST_COLUMNS:
        features = _most_correlated(table, rows, features, target)
    # Of each column alone, and of the chosen ones: else the table would be there twice.
    sample = DataFrame({name: table[name].iloc[rows] for name in features}, index=table.index[rows])
    coded, discrete = _coded(sample)
    estimate = mutual_info_regression if regression else mutual_info_classif
    found = estimate(coded, target, discrete_features=discrete, random_state=0)
    return {str(name): round(float(value), 6) for name, value in zip(sample.columns, found, strict=True)}


def _most_correlated(table: DataFrame, rows: Array, features: Sequence[str], target: Array) -> list[str]:
    """The columns to look at where there are many: texts, then numbers by their correlation with the target."""
    numbers = [name for name in features if pd.api.types.is_numeric_dtype(table[name])]
    apart = target.astype(float) - target.astype(float).mean()
    found: list[Array] = []
    for begin in range(0, len(numbers), MOST_COLUMNS):  # not all at once, which takes the table several times over
        values = table[numbers[begin : begin + MOST_COLUMNS]].iloc[rows].to_numpy(dtype=float)
        with np.errstate(all="ignore"):
            values = np.nan_to_num(values - np.nanmean(values, axis=0), posinf=0.0, neginf=0.0)
            found.append(np.nan_to_num(np.abs(apart @ values) / np.sqrt((values**2).sum(axis=0))))
    texts = [name for name in features if not pd.api.types.is_numeric_dtype(table[name])]
    strength = np.concatenate([np.empty(0), *found])
    return [*texts, *(numbers[place] for place in np.argsort(-strength, kind="stable"))][:MOST_COLUMNS]


def _repeats(column: Series) -> bool:
    """Whether a value occurs twice."""
    return bool(column.nunique(dropna=False) < len(column))


def _coded(sample: DataFrame) -> tuple[Array, Array]:
    """The features as numbers, and whether each is discrete: text, or numbers with few distinct values."""
    columns, discrete = [], []
    for name in sample:
        column = sample[name]
        numeric = pd.api.types.is_numeric_dtype(column)
        countable = not numeric or (column.nunique() <= 50 and not column.isna().any() and _repeats(column))
        discrete.append(countable)
        if countable:
            columns.append(pd.factorize(column, sort=True)[0].astype(float))
        else:
            middle = column.median()
            columns.append(column.fillna(0.0 if pd.isna(middle) else middle).to_numpy(dtype=float))
    return np.column_stack(columns), np.array(discrete)
