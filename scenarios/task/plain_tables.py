"""Read a task's training and test rows as its manifest says, and check that they hold something to learn from."""

from collections.abc import Sequence
from pathlib import Path

from pandas import DataFrame

from gome.errors import TaskError
from gome.scenarios.metrics.registry import TaskType
from gome.scenarios.reading.problems import closest
from gome.scenarios.task.columns import ColumnKind, Reading, read_columns
from gome.scenarios.task.manifest import Manifest
from gome.scenarios.task.tables import canonical

__all__ = ["check_features", "read_tables", "without_ignored"]

_WHOLE = r"0|-?[1-9]\d{0,14}"  # an id that is the same number and the same text


def without_ignored(train: DataFrame, path: Path, test: DataFrame, manifest: Manifest) -> tuple[DataFrame, DataFrame]:
    """Both tables without the columns that task.yaml ignores. Raises TaskError if it names a column that is not there.

    Args:
        train: The training rows.
        path: The file of the training rows, for messages.
        test: The test rows.
        manifest: The task's manifest.
    """
    for name in manifest.columns:
        if name not in train:
            hint = closest(name, map(str, train.columns))
            words = f"; did you mean {hint!r}?" if hint else ""
            raise TaskError(f"{path}: no column {name!r}, which `columns` in task.yaml names{words}")
        if name in (manifest.id, *manifest.targets):
            raise TaskError(f"{path}: `columns` in task.yaml names {name!r}, which is the id or a target")
    ignored = [name for name, kind in manifest.columns.items() if kind == "ignored"]
    return train.drop(columns=ignored), test.drop(columns=ignored, errors="ignore")


def read_tables(
    train: DataFrame, test: DataFrame, manifest: Manifest, task_type: TaskType, files: tuple[str, str]
) -> Reading:
    """Both tables in plain form (`columns`); classes in the spelling that `canonical` gives them."""
    target: ColumnKind = "number" if task_type == "regression" else "text"
    told: dict[str, ColumnKind] = {name: kind for name, kind in manifest.columns.items() if kind != "ignored"}
    if target == "text":
        train = train.assign(**{name: canonical(train[name]) for name in manifest.targets})
    whole = all(table[manifest.id].str.fullmatch(_WHOLE).all() for table in (train, test))
    verbatim: dict[str, ColumnKind] = dict.fromkeys(manifest.targets, target)
    verbatim[manifest.id] = "number" if whole else "text"
    return read_columns(train, test, verbatim, told, files)


def check_features(train: DataFrame, test: DataFrame, path: Path, apart: Sequence[str]) -> None:
    """Check that a column beside those `apart` (id, targets) tells rows apart. Raises TaskError."""
    features = [str(name) for name in test.columns if name not in apart]
    if any(train[name].nunique(dropna=False) > 1 for name in features):
        return
    if not features:
        raise TaskError(f"{path}: there is no column to predict from, beside {', '.join(map(repr, apart))}")
    shown = f"{', '.join(map(repr, features[:8]))}{', …' if len(features) > 8 else ''}"
    raise TaskError(f"{path}: nothing to predict from: each of the columns {shown} has the same value in all rows")
