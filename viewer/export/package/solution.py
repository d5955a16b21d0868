"""The submitted solution: runs its scripts on the labelled rows and on new rows, and averages their predictions.

This module is part of the exported package, with the modules of gome that it imports: they read tables as gome does,
and need numpy and pandas alone. Each call of `Solution.predict` trains the scripts again, as the run did: they are
plain programs that fit and predict.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas import DataFrame, Series

from gome.errors import TaskError
from gome.scenarios.authoring.files import read_file
from gome.scenarios.portable.averaging import predictions_frame, scale_named, weighted_mean
from gome.scenarios.portable.comparing import changed_share
from gome.scenarios.portable.dealing import Dealt, deal, lay_out
from gome.scenarios.portable.ids import canonical, ids_repeat
from gome.scenarios.portable.new_rows import as_text, fit_rows, next_number
from gome.scenarios.task.plain_tables import Layout, read_tables
from gome.scenarios.task.text_table import TextTable

__all__ = ["HERE", "Solution", "read_rows"]

Array = NDArray[Any]
HERE = Path(__file__).parent
_SHOWN_ERROR = 1500


class _View(NamedTuple):
    """A folder with data for scripts: how its rows were dealt, and how many withheld rows come before the new ones."""

    folder: Path
    dealt: Dealt
    withheld: int


def _quietly(_: str) -> None:
    """Told remarks go nowhere."""


def read_rows(path: Path | str, tell: Callable[[str], None] = _quietly) -> DataFrame:
    """Read a table of any kind that gome reads as text, so that every cell is kept as it was written.

    It is CSV in common encodings and with common delimiters, packed or not; with further packages Parquet, Feather or
    Excel. `tell` gets remarks on how it was read. Raises ValueError where it cannot be read.
    """
    return _read(Path(path), tell).frame()


def _read(path: Path, tell: Callable[[str], None] = _quietly) -> TextTable:
    """As `read_rows`, for large tables."""
    try:
        table, remarks = read_file(path)
    except TaskError as error:
        raise ValueError(str(error)) from error
    for remark in remarks:
        tell(remark.removeprefix(f"{path.name}: "))
    return table


@dataclass(frozen=True)
class Solution:
    """The solution of one run.

    Args:
        data: The folder with `train.csv` and the task's other files; by default the one in the package.
        jobs: Scripts that run at once; by default as many as the cores allow.
        folder: The folder of the package's module.
        tell: Gets remarks on how new rows were read.
    """

    data: Path | None = None
    jobs: int | None = None
    folder: Path = HERE
    tell: Callable[[str], None] = _quietly

    @cached_property
    def plan(self) -> dict[str, Any]:
        """What is run, and how predictions are combined: `plan.json`."""
        plan: dict[str, Any] = json.loads((self.folder / "plan.json").read_text(encoding="utf-8"))
        return plan

    def predict(self, rows: DataFrame) -> DataFrame:
        """Predict new rows.

        Args:
            rows: The columns of the test set, as numbers and dates or as text that is read like the training table;
                without an id column, rows are numbered on from the training rows. Others are ignored.

        Returns:
            The ids with a column of predictions per column of the submission, in the order of `rows`.

        Raises:
            ValueError: A column is missing, an id is a duplicate, there are no rows, or the training data do not fit.
            FileNotFoundError: The training data or assets of the scripts are missing.
            RuntimeError: A script failed; the message ends with the last line that it printed, its notes have more.
        """
        train, new = self._tables(rows)
        with tempfile.TemporaryDirectory(prefix="predict-") as place:
            views = {name: self._view(Path(place), name, train, new) for name in self._view_names}
            asked = [(member, view) for member in self.plan["members"] for view in member["views"]]
            with ThreadPoolExecutor(self.jobs or self._most_jobs) as pool:
                made = pool.map(lambda each: self._run(each[0], views[each[1]]), asked)
                found = dict(zip([(member["step"], view) for member, view in asked], made, strict=True))
        scale = scale_named(self.plan["scale"], len(self.plan["classes"]))
        members = [
            weighted_mean([found[member["step"], view] for view in member["views"]], scale)
            for member in self.plan["members"]
        ]
        mean = weighted_mean(members, scale, [member["weight"] for member in self.plan["members"]])
        key, labels = self.plan["id_column"], self.plan["classes"] if self.plan["labels"] else ()
        table = predictions_frame(new[key], mean, key, self.plan["submission_columns"], labels)
        return table if labels else table.astype({name: float for name in table.columns if name != key})

    def batch_effect(self, rows: DataFrame) -> float:
        """The share of rows whose prediction changes when `rows` are predicted in two halves instead of at once.

        Above 0, a prediction depends on which other rows are in the batch (a script that uses statistics or lags over
        the rows to predict): predict batches like the test set, not single rows.
        """
        key, middle = self.plan["id_column"], len(rows) // 2
        if key not in rows:
            first = next_number(self._train()[key])
            rows = rows.assign(**{key: [str(number) for number in range(first, first + len(rows))]})
        whole = self.predict(rows).drop(columns=key)
        halves = pd.concat([self.predict(rows[:middle]), self.predict(rows[middle:])]).drop(columns=key)
        return changed_share(whole, halves, labels=self.plan["labels"])

    @property
    def _view_names(self) -> list[str]:
        return list(dict.fromkeys(view for member in self.plan["members"] for view in member["views"]))

    @property
    def _most_jobs(self) -> int:
        return max(1, (os.cpu_count() or 1) // int(self.plan["threads"]))

    def _tables(self, rows: DataFrame) -> tuple[DataFrame, DataFrame]:
        """The labelled rows and the new ones in plain form: each column is read as the labelled rows say."""
        plan, written = self.plan, self._train()
        given, notes = fit_rows(TextTable.of(as_text(rows)), written[plan["id_column"]], plan["columns"])
        layout = Layout(plan["id_column"], tuple(plan["targets"]), plan["quantities"], plan["kinds"])
        try:
            read = read_tables(written, given, layout, ("train.csv", "the new rows"))
        except TaskError as error:
            raise ValueError(str(error)) from error
        for note in (*notes, *(each for each in read.remarks if "the new rows" in each)):
            self.tell(note)
        return read.train.frame(), read.test.frame()

    def _train(self) -> TextTable:
        """The labelled rows as they were written.

        Where the submission is the mean of the splits' models, they must be those of the run.
        """
        path = (self.data or self.folder / "data") / "train.csv"
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is missing: this package was exported without data; copy the files named in its README there, "
                "or name their folder (`data`)"
            )
        missing = [asset for asset in self.plan["assets"] if not Path(asset).exists()]
        if missing:
            raise FileNotFoundError(f"the scripts read {', '.join(missing)}, which this machine does not have")
        if self.plan["mode"] == "mean" and sha256(path.read_bytes()).hexdigest() != self.plan["train_sha256"]:
            raise ValueError(
                f"{path} is not the table of the run, and this solution is the mean of models that were each trained "
                "on chosen rows of it"
            )
        ignored = [name for name, kind in self.plan["kinds"].items() if kind == "ignored"]
        return _read(path).without(ignored)

    def _view(self, place: Path, name: str, train: DataFrame, new: DataFrame) -> _View:
        """Write the data of a view: some labelled rows, and the new rows among withheld ones, in random order."""
        plan, key = self.plan, self.plan["id_column"]
        renamed = ids_repeat(train[key].to_numpy(), new[key].to_numpy())
        if renamed and not plan["reassigned"]:
            raise ValueError(f"column {key!r}: rows of the training table have the same ids; give the new rows others")
        with np.load(self.folder / "views.npz", allow_pickle=False) as positions:
            kept, withheld = ((positions[f"{name}.{part}"]) for part in ("train", "withheld"))
        if plan["mode"] == "refit":
            kept = np.arange(len(train))
        others = pd.concat([train[plan["columns"]].iloc[withheld], new])
        dealt = deal(
            *(name, plan["seed"], plan["digest"], train[key].to_numpy()[kept], others[key].to_numpy()),
            reassigned=plan["reassigned"],
            renamed=renamed,
        )
        folder = place / name
        folder.mkdir()
        tables = lay_out(train.iloc[kept], others, dealt, key, plan["sample"])
        for file, table in zip(("train.csv", "test.csv", "sample_submission.csv"), tables, strict=True):
            table.to_csv(folder / file, index=False, lineterminator="\n")
        (folder / "task.json").write_bytes((self.folder / "task.json").read_bytes())
        for path in (self.data or self.folder / "data").iterdir():
            if not (folder / path.name).exists():
                (folder / path.name).symlink_to(path.resolve())
        return _View(folder, dealt, len(withheld))

    def _run(self, member: dict[str, Any], view: _View) -> Array:
        """Run a script on a view; its predictions for the new rows, in their order."""
        with tempfile.TemporaryDirectory(prefix="script-") as place:
            out = Path(place) / "out"
            out.mkdir()
            command = [sys.executable, str((self.folder / member["script"]).resolve()), "--data", str(view.folder)]
            done = subprocess.run(
                [*command, "--out", str(out), "--seed", str(self.plan["seed"])],
                cwd=place,
                env=os.environ | self.plan["environment"],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode or not (out / "submission.csv").is_file():
                printed = (done.stderr or done.stdout).strip()
                words = printed.splitlines()[-1] if printed else "it printed nothing"
                error = RuntimeError(f"the script of step {member['step']} failed (status {done.returncode}): {words}")
                error.add_note(printed[-_SHOWN_ERROR:])  # shown to programs, by Python
                raise error
            return self._predictions(read_rows(out / "submission.csv"), member["step"], view)

    def _predictions(self, table: DataFrame, step: str, view: _View) -> Array:
        """What a script wrote, as an array: class numbers, else a column per column of the submission."""
        plan, ids = self.plan, canonical(view.dealt.ids)
        table = table.set_index(canonical(table[plan["id_column"]])).loc[ids]
        names: Sequence[str] = [name for name in plan["submission_columns"] if name != plan["id_column"]]
        if plan["labels"]:
            classes = {name: number for number, name in enumerate(plan["classes"])}
            values = canonical(table[names[0]]).map(classes).to_numpy(dtype=float)
        else:
            values = np.column_stack([_numbers(table[name]) for name in names])
        if not np.isfinite(values).all():
            raise RuntimeError(f"the script of step {step} wrote predictions that are no valid values")
        ordered = np.empty_like(values)
        ordered[view.dealt.order] = values
        return ordered[view.withheld :].astype(int) if plan["labels"] else ordered[view.withheld :]


def _numbers(texts: Series) -> Series:
    return pd.to_numeric(texts.str.strip(), errors="coerce").astype(float)
