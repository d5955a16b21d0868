"""Read a task's training and test rows as its manifest says, and check that they hold something to learn from.

Exported packages read new rows with this module too: it and what it imports need numpy and pandas alone.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from gome.errors import TaskError
from gome.scenarios.reading.problems import closest
from gome.scenarios.task.cells import NO_NUMBERS
from gome.scenarios.task.columns import ColumnKind, Reading, read_columns
from gome.scenarios.task.tables import canonical
from gome.scenarios.task.text_column import TextColumn
from gome.scenarios.task.text_table import TextTable
from gome.scenarios.task.typed_table import TypedTable

__all__ = ["Layout", "check_features", "kind_of_ids", "read_tables", "without_ignored"]

_WHOLE = r"0|-?[1-9]\d{0,14}"  # an id that is the same number and the same text


class Layout(NamedTuple):
    """What a task's columns are: the id, the targets (quantities or classes), and kinds that the user has decided."""

    id: str
    targets: tuple[str, ...]
    quantities: bool
    kinds: Mapping[str, ColumnKind | Literal["ignored"]]


def without_ignored(train: TextTable, path: Path, test: TextTable, layout: Layout) -> tuple[TextTable, TextTable]:
    """Both tables without the columns that task.yaml ignores. Raises TaskError if it names a column that is not there.

    Args:
        train: The training rows.
        path: The file of the training rows, for messages.
        test: The test rows.
        layout: What the manifest says of the columns.
    """
    for name in layout.kinds:
        if name not in train:
            hint = closest(name, train.columns)
            words = f"; did you mean {hint!r}?" if hint else ""
            raise TaskError(f"{path}: no column {name!r}, which `columns` in task.yaml names{words}")
        if name in (layout.id, *layout.targets):
            raise TaskError(f"{path}: `columns` in task.yaml names {name!r}, which is the id or a target")
    ignored = [name for name, kind in layout.kinds.items() if kind == "ignored"]
    return train.without(ignored), test.without(ignored)


def read_tables(train: TextTable, test: TextTable, layout: Layout, files: tuple[str, str]) -> Reading:
    """Both tables in plain form (`columns`); classes in the spelling that `canonical` gives them.

    Raises TaskError where no training cell of a column can be read as the kind that the user has decided.
    """
    target: ColumnKind = "number" if layout.quantities else "text"
    told: dict[str, ColumnKind] = {name: kind for name, kind in layout.kinds.items() if kind != "ignored"}
    if target == "text":
        train = train.replaced({name: canonical(train[name]) for name in layout.targets})
    verbatim: dict[str, ColumnKind] = dict.fromkeys(layout.targets, target)
    verbatim[layout.id] = kind_of_ids(*(table.column(layout.id) for table in (train, test)))
    read = read_columns(train, test, verbatim, told, files)
    for name, kind in told.items():
        _check_told(train, read, name, kind, files[0])
    return read


def kind_of_ids(*columns: TextColumn) -> ColumnKind:
    """How ids are read: as numbers if all are whole numbers in plain form, else as text."""
    whole = all(ids.numbers_rows or bool(ids.series().str.fullmatch(_WHOLE).all()) for ids in columns)
    return "number" if whole else "text"


def _check_told(train: TextTable, read: Reading, name: str, kind: ColumnKind, file: str) -> None:
    """Raise TaskError where every cell of a column that is told to be of a kind became a gap."""
    if not len(train) or bool((read.train[name] != "").any()):
        return
    written = train[name]
    filled = (~written.str.strip().str.lower().isin(NO_NUMBERS)).to_numpy()
    if not filled.any():
        return
    row = int(filled.argmax())
    words = f"`columns` says {kind}, but no cell can be read as a {kind}: the first is {written.iloc[row]!r}"
    raise TaskError(f"{file}: column {name!r}, row {row + 1}: {words}; write it otherwise, or take the line out")


def check_features(train: TypedTable, test: TextTable, path: Path, apart: Sequence[str]) -> None:
    """Check that a column beside those `apart` (id, targets) tells rows apart. Raises TaskError."""
    features = [str(name) for name in test.columns if name not in apart]
    if any(train[name].nunique(dropna=False) > 1 for name in features):
        return
    if not features:
        raise TaskError(f"{path}: there is no column to predict from, beside {', '.join(map(repr, apart))}")
    shown = f"{', '.join(map(repr, features[:8]))}{', …' if len(features) > 8 else ''}"
    raise TaskError(f"{path}: nothing to predict from: each of the columns {shown} has the same value in all rows")
