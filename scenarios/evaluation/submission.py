"""Check a file of predictions and report all its defects, each with the first row that has it.

Invalid content never raises; it becomes defects.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pandas import DataFrame, Series

from gome.scenarios.evidence import DefectNote, TaskBrief
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import Metric
from gome.scenarios.task.encoding import class_numbers, prediction_columns
from gome.scenarios.task.tables import Damaged, canonical, numbers, read_table

__all__ = ["Checked", "check_submission"]

_BYTES_A_FIELD = 200
_BYTES_AT_LEAST = 1 << 16
_SUM_TOLERANCE = 0.01
_FEWEST_FOR_CONSTANT = 10


@dataclass(frozen=True)
class Checked:
    """A checked file. `table` is text, in the order of the expected ids; None if there are defects."""

    defects: tuple[DefectNote, ...]
    table: DataFrame | None


def check_submission(
    path: Path | None,
    brief: TaskBrief,
    metric: Metric,
    ids: Series,
    *,
    constant_is_defect: bool = True,
    name: str = "submission.csv",
) -> Checked:
    """Check a submission that must predict `ids` (canonical). `name` is the file name used in messages."""
    if path is None or path.is_symlink() or not path.is_file():
        return Checked((DefectNote(code="missing-file", message=f"{name} was not written"),), None)
    key = brief.id_column
    columns = [key, *prediction_columns(brief)]
    most_bytes = _BYTES_AT_LEAST + _BYTES_A_FIELD * len(columns) * len(ids)
    try:
        table = read_table(path, most_bytes)
    except Damaged as damaged:
        return Checked((DefectNote(code="unreadable", message=f"{name}: {damaged}", row=damaged.row),), None)
    defects = _column_defects(table, columns, name)
    if any(column not in table for column in columns):
        return Checked(tuple(defects), None)
    table[key] = canonical(table[key])
    defects += _key_defects(table[key], ids, key, name)
    for column in prediction_columns(brief):
        defects += _value_defects(table[column], brief, metric, name)
    if not defects:
        defects += _sum_defects(table, brief, name)
    if not defects and constant_is_defect:
        defects += _constant_defects(table, brief, name)
    if defects:
        return Checked(tuple(defects), None)
    expected = DataFrame({key: ids.to_numpy()})
    return Checked((), expected.merge(table, on=key, how="left", validate="one_to_one"))


def _note(code: str, name: str, words: str, bad: Array | None = None) -> DefectNote:
    if bad is None:
        return DefectNote(code=code, message=f"{name}: {words}")
    row, count = int(bad.argmax()) + 1, int(bad.sum())
    more = f" (and {count - 1} more)" if count > 1 else ""
    return DefectNote(code=code, message=f"{name}: row {row}{more}: {words}", row=row)


def _column_defects(table: DataFrame, columns: list[str], name: str) -> list[DefectNote]:
    absent = [column for column in columns if column not in table]
    extra = [str(column) for column in table.columns if column not in columns]
    words = f"expected the columns {', '.join(columns)}"
    defects = [_note("columns-missing", name, f"no column {', '.join(absent[:12])}; {words}")] if absent else []
    return defects + ([_note("columns-extra", name, f"column {', '.join(extra[:12])}; {words}")] if extra else [])


def _key_defects(given: Series, wanted: Series, key: str, name: str) -> list[DefectNote]:
    defects: list[DefectNote] = []
    if wanted.is_unique and np.array_equal(given.to_numpy(dtype=object), wanted.to_numpy(dtype=object)):
        return defects  # the usual case, without three look-ups of every row
    if len(given) != len(wanted):
        defects.append(_note("row-count", name, f"{len(given)} rows, expected {len(wanted)}"))
    twice = given.duplicated().to_numpy()
    if twice.any():
        defects.append(_note("ids-duplicate", name, f"{key} {_first(given, twice)} stands there a second time", twice))
    strange = ~given.isin(wanted).to_numpy()
    if strange.any():
        defects.append(_note("ids-unknown", name, f"{key} {_first(given, strange)} is not asked for", strange))
    absent = ~wanted.isin(given).to_numpy()
    if absent.any():
        words = f"{int(absent.sum())} asked for are missing, the first is {key} {_first(wanted, absent)}"
        defects.append(_note("ids-missing", name, words))
    return defects


def _first(values: Series, which: Array) -> str:
    return repr(str(values.iloc[int(which.argmax())]))[:60]


def _value_defects(texts: Series, brief: TaskBrief, metric: Metric, name: str) -> list[DefectNote]:
    """The defects of one column's values."""
    column = f"column {texts.name!r}"
    empty = texts.str.strip().str.lower().isin(("", "nan", "na", "none", "null", "<na>")).to_numpy()
    if brief.prediction == "label":
        empty = empty & (class_numbers(texts, brief.classes) < 0)
    defects = [_note("missing-value", name, f"{column} has no value", empty)] if empty.any() else []
    if brief.prediction == "label":
        unknown = (class_numbers(texts, brief.classes) < 0) & ~empty
        if unknown.any():
            given = repr(texts.iloc[int(unknown.argmax())])[:60]
            words = f"{column} is {given}, none of the classes {', '.join(brief.classes[:12])}"
            defects.append(_note("unknown-class", name, words, unknown))
        return defects
    values = numbers(texts).to_numpy()
    textual = np.isnan(values) & ~empty
    infinite = np.isinf(values)
    least, most = (0.0, 1.0) if brief.prediction == "probability" else (metric.minimum, None)
    low = values < least if least is not None else np.zeros(len(values), dtype=bool)
    outside = (low | (values > most) if most is not None else low) & ~infinite
    for code, bad, words in (
        ("not-a-number", textual, "is not a number"),
        ("infinite", infinite, "is infinite"),
        ("out-of-range", outside, f"is outside [{least}, {most if most is not None else '∞'}]"),
    ):
        if bad.any():
            given = repr(texts.iloc[int(bad.argmax())])[:60]
            defects.append(_note(code, name, f"{column} {words}: {given}", bad))
    return defects


def _sum_defects(table: DataFrame, brief: TaskBrief, name: str) -> list[DefectNote]:
    if brief.prediction != "probability" or brief.task_type != "multiclass":
        return []
    totals = np.column_stack([numbers(table[column]) for column in prediction_columns(brief)]).sum(axis=1)
    bad = np.abs(totals - 1.0) > _SUM_TOLERANCE
    if not bad.any():
        return []
    return [_note("probability-sum", name, f"probabilities sum to {totals[int(bad.argmax())]:.7g}, not to 1", bad)]


def _constant_defects(table: DataFrame, brief: TaskBrief, name: str) -> list[DefectNote]:
    values = table[list(prediction_columns(brief))]
    if len(values) < _FEWEST_FOR_CONSTANT or not (values == values.iloc[0]).all(axis=None):
        return []
    return [DefectNote(code="constant", message=f"{name}: every row has the same prediction", row=1)]
