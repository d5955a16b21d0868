"""Find a task's side files: tables that can be joined to its rows, and an image for each row.

A table is matched by a column name it shares with the training rows, or by a column that contains the values of one of
their text columns. Its columns are described as they are after the join.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from pandas import DataFrame, Series

from gome.scenarios.evidence import ImageFolder
from gome.scenarios.task.tables import Damaged, canonical, infer_types, read_table
from gome.scenarios.task.task import Task
from gome.scenarios.task.text_table import Table

__all__ = ["PICTURES", "Joined", "find_images", "find_tables"]

_LARGEST_TABLE = 1 << 28
_MOST_KEYS = 4
_LEAST_MATCH = 0.3
_LEAST_CONTAINED = 0.8
_FEWEST_VALUES = 3
_SUMMARIES = ("mean", "min", "max")
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
_LOOKED_AT = 20

Keys = tuple[tuple[str, str], ...]


class Joined(NamedTuple):
    """A side table and the columns it adds to the rows of `train` and `test`, with names that begin with `prefix`."""

    file: str
    rows: int
    keys: Keys
    unique: bool
    matched: float
    prefix: str
    train: DataFrame
    test: DataFrame


class _Texts:
    """A table's columns in canonical spelling, computed on first use."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._made: dict[str, Series] = {}

    def __getitem__(self, name: str) -> Series:
        if name not in self._made:
            self._made[name] = canonical(self.table[name])
        return self._made[name]

    def key(self, names: Sequence[str]) -> Series:
        """The values of some columns of each row joined to one text; missing if one of them is."""
        parts = [self[name] for name in names]
        whole = parts[0]
        for part in parts[1:]:
            whole = whole.str.cat(part, sep="|")
        present = pd.concat([part != "" for part in parts], axis=1).all(axis=1)
        return whole.where(present, None)


class _Sides(NamedTuple):
    """The tables of a join: train, test and the side table, also as a frame."""

    train: _Texts
    test: _Texts
    table: _Texts
    frame: DataFrame
    id_column: str

    def match(self, keys: Keys) -> float:
        """The share of training rows whose key is in the table."""
        known = self.table.key([right for _, right in keys]).dropna()
        return float(self.train.key([left for left, _ in keys]).isin(set(known)).mean())


def find_tables(task: Task) -> Iterator[Joined]:
    """Yield the joins of all side tables that can be joined to train and test, ordered by file name.

    Files that are not plain CSV tables (another dialect or encoding, larger than 256 MiB) are skipped.
    """
    own = {task.brief.train_file, task.brief.test_file, task.sample_file}
    train, test = _Texts(task.train[task.test.columns]), _Texts(task.test)
    for path in sorted(task.public.rglob("*.csv")):
        file = path.relative_to(task.public).as_posix()
        if file in own:
            continue
        try:
            table = read_table(path, _LARGEST_TABLE)
        except Damaged:
            continue
        yield from _joins(_Sides(train, test, _Texts(table), table, task.brief.id_column), file)


def _joins(sides: _Sides, file: str) -> Iterator[Joined]:
    table = sides.frame
    pairs = [(name, name) for name in table.columns if name in sides.train.table and _can_be_key(table[name])]
    lookups = [*_best_lookup(sides, pairs), *_lookups_by_value(sides)]
    for keys in lookups:
        yield _joined(sides, file, keys, unique=True)
    if not lookups and (keys := _best_summary(sides, pairs)):
        yield _joined(sides, file, keys, unique=False)


def _can_be_key(column: Series) -> bool:
    """Whether a column holds text or whole numbers; fractional numbers are not keys."""
    present = infer_types(column.to_frame())[column.name].dropna()
    return len(present) > 0 and (not pd.api.types.is_numeric_dtype(present) or bool((present % 1 == 0).all()))


def _best_lookup(sides: _Sides, pairs: Sequence[tuple[str, str]]) -> list[Keys]:
    """The smallest set of columns that is a unique key of the table; of several, the one with most matches."""
    for size in range(1, min(_MOST_KEYS, len(pairs)) + 1):
        found = [keys for keys in combinations(pairs, size) if _unique(sides, keys)]
        best = max(((sides.match(keys), keys) for keys in found), key=lambda each: each[0], default=(0.0, ()))
        if best[0] >= _LEAST_MATCH:
            return [best[1]]
    return []


def _unique(sides: _Sides, keys: Keys) -> bool:
    return not sides.table.key([right for _, right in keys]).dropna().duplicated().any()


def _lookups_by_value(sides: _Sides) -> list[Keys]:
    """Text columns of train whose values nearly all occur in a unique column of the table with another name."""
    found: list[Keys] = []
    typed = infer_types(sides.frame)
    lefts = [str(name) for name in sides.train.table if name not in typed]
    for right in (str(name) for name in typed if not pd.api.types.is_numeric_dtype(typed[name])):
        if not _unique(sides, ((right, right),)):
            continue
        known = set(sides.table[right]) - {""}
        for left in lefts:
            values = set(sides.train[left]) - {""}
            if len(values) >= _FEWEST_VALUES and len(values & known) >= _LEAST_CONTAINED * len(values):
                found.append(((left, right),))
    return found


def _best_summary(sides: _Sides, pairs: Sequence[tuple[str, str]]) -> Keys:
    """For keys with several rows: the column that matches most training rows; on a tie, the id."""
    known = [(sides.match((pair,)), pair[0] == sides.id_column, pair) for pair in pairs]
    best = max(known, default=None)
    return (best[2],) if best is not None and best[0] >= _LEAST_MATCH else ()


def _joined(sides: _Sides, file: str, keys: Keys, *, unique: bool) -> Joined:
    lefts, rights = [left for left, _ in keys], [right for _, right in keys]
    prefix = "".join(f"{left}_" for left, right in keys if left != right) + f"{Path(file).stem}_"
    table, key = sides.frame, sides.table.key(rights)
    rest = infer_types(table.drop(columns=rights)[key.notna()]).add_prefix(prefix)
    key = key.dropna()
    added = rest.set_axis(key) if unique else _summary(rest, key, prefix)
    train, test = (each.table.index for each in (sides.train, sides.test))
    return Joined(
        file=file,
        rows=len(table),
        keys=keys,
        unique=unique,
        matched=round(sides.match(keys), 6),
        prefix=prefix,
        train=added.reindex(sides.train.key(lefts)).set_axis(train),
        test=added.reindex(sides.test.key(lefts)).set_axis(test),
    )


def _summary(rest: DataFrame, key: Series, prefix: str) -> DataFrame:
    """For each key the number of rows, and mean, minimum and maximum of each numeric column."""
    groups = rest.select_dtypes("number").groupby(key)
    columns = {f"{name}_{how}": groups[name].agg(how) for name in groups.obj.columns for how in _SUMMARIES}
    return DataFrame(columns | {f"{prefix}rows": rest.groupby(key).size()})


def find_images(task: Task) -> ImageFolder | None:
    """Find a task's images: a folder with one file per row, named by the id or another column. None: no such folder."""
    files = {
        path.relative_to(task.public).as_posix()
        for path in task.public.rglob("*")
        if path.suffix.lower() in PICTURES and path.is_file()
    }
    if not files:
        return None
    folders = sorted({"", *(file.rpartition("/")[0] for file in files)})  # a cell may hold the whole path
    endings = sorted({"", *(Path(file).suffix for file in files)})
    columns = [task.brief.id_column, *(name for name in task.test.columns if name != task.brief.id_column)]
    for column in columns:
        names = canonical(task.test[column])
        for folder in folders:
            for ending in endings:
                pattern = f"{folder}/{{}}{ending}" if folder else f"{{}}{ending}"
                if all(pattern.replace("{}", name) in files for name in names[:_LOOKED_AT]):
                    return _measured(task, pattern, column)
    return None


def _measured(task: Task, pattern: str, column: str) -> ImageFolder:
    """Describe the images; size and channels are those of the first test row's image."""
    from PIL import Image  # import only if there are images

    names = [*canonical(task.train[column]), *canonical(task.test[column])]
    present = sum((task.public / pattern.replace("{}", name)).is_file() for name in names)
    with Image.open(task.public / pattern.replace("{}", canonical(task.test[column]).iloc[0])) as picture:
        width, height = picture.size
        channels = 1 if picture.mode in ("1", "L", "I", "F", "LA", "I;16") else 3
    return ImageFolder(
        pattern=pattern,
        column=column,
        width=width,
        height=height,
        channels=channels,
        found=round(present / len(names), 6),
    )
