"""Tables of a caller as files that gome reads, and predictions as tables."""

import io
from pathlib import Path

import pandas as pd
from pandas import DataFrame

from gome.errors import UsageError
from gome.scenarios.portable.new_rows import as_text

__all__ = ["Table", "as_file", "numeric"]

Table = DataFrame | Path | str
"""A table in memory, or the path of a file."""


def as_file(table: Table, path: Path, *, new: bool = False) -> Path:
    """The file of a table: the given one, or `path`, written here without the index.

    `new`: these are new rows, which are read as the training rows were written: no number may be mistaken for another.

    Raises UsageError where it is no table, or two columns have the same name.
    """
    if isinstance(table, str | Path):
        return Path(table)
    if not isinstance(table, DataFrame):
        raise UsageError(f"a table is a DataFrame or the path of a file, not {type(table).__name__}")
    named = table.set_axis([str(name) for name in table.columns], axis="columns")
    if not named.columns.is_unique:
        twice = named.columns[named.columns.duplicated()][0]
        raise UsageError(f"two columns of the table are called {twice!r}; rename one of them")
    path.parent.mkdir(parents=True, exist_ok=True)
    (as_text(named) if new else named).to_csv(path, index=False)
    return path


def numeric(table: str) -> DataFrame:
    """A submission's text as a table: ids stay text, predictions are numbers where they can be."""
    frame = pd.read_csv(io.StringIO(table), dtype=str, keep_default_na=False)
    for name in frame.columns[1:]:
        values = pd.to_numeric(frame[name], errors="coerce")
        if values.notna().all():
            frame[name] = values
    return frame
