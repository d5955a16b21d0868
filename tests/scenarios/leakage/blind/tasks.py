"""Make the tasks of the blind suite, each with a signal that its kind of leak would exploit.

Two come from `make_task`. The others are a clinic with repeated visits of patients who differ by more than their
columns show (split by patient), and a power grid with an autocorrelated load (split by time).
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.scenarios.helpers.make_task import make_task, write_csv

__all__ = ["TASKS"]

Row = list[object]


def _houses(folder: Path) -> None:
    make_task(folder, rows=400)


def _churn(folder: Path) -> None:
    make_task(folder, "binary", rows=400)


def _clinic(folder: Path) -> None:
    """Eighty patients with six visits each; the test has other patients. A patient's effect is in no column."""
    draw = np.random.default_rng(11)
    rows: list[Row] = []
    for patient in range(80):
        age, height, level = int(draw.integers(20, 80)), round(float(draw.normal(170, 9)), 1), draw.normal(0, 3)
        for visit in range(6):
            pressure, dose = draw.normal(120, 12), int(draw.integers(0, 4))
            stay = 12 + level + 0.08 * (pressure - 120) - 0.6 * dose + 0.03 * age + draw.normal(0, 0.8)
            rows.append([patient, visit, age, height, f"{pressure:.1f}", dose, f"{stay:.3f}"])
    header = ["id", "patient", "visit", "age", "height", "pressure", "dose", "stay"]
    _write(folder, header, rows, 360, "rmse", "{kind: group, column: patient, folds: 4}")


def _grid(folder: Path) -> None:
    """More than two years of days with a weekly pattern, weather, and a state of the grid that lasts for weeks."""
    draw = np.random.default_rng(12)
    days = np.datetime64("2021-01-01") + np.arange(760)
    lasting = np.zeros(len(days))
    for number in range(1, len(days)):
        lasting[number] = 0.93 * lasting[number - 1] + draw.normal(0, 1.5)
    warmth = 12 - 10 * np.cos(np.arange(len(days)) / 58.1) + draw.normal(0, 2, len(days))
    weekend = (days.astype("datetime64[D]").view("int64") - 4) % 7 < 2
    load = 60 - 0.7 * warmth - 5.0 * weekend + lasting + draw.normal(0, 0.5, len(days))
    rows: list[Row] = [
        [str(day), f"{warm:.2f}", int(off), f"{value:.3f}"]
        for day, warm, off, value in zip(days, warmth, weekend, load, strict=True)
    ]
    _write(
        folder, ["id", "date", "warmth", "weekend", "load"], rows, 620, "mae", "{kind: time, column: date, folds: 3}"
    )


def _write(folder: Path, header: list[str], rows: list[Row], train_rows: int, metric: str, split: str) -> None:
    """Write a task: the first rows are for training, the last column is the target; ids are random."""
    ids = np.random.default_rng(13).permutation(len(rows)) + 5000
    table = [[int(one), *row] for one, row in zip(ids, rows, strict=True)]
    public, private = folder / "prepared" / "public", folder / "prepared" / "private"
    public.mkdir(parents=True)
    private.mkdir()
    target, tested = header[-1], table[train_rows:]
    write_csv(public / "train.csv", header, table[:train_rows])
    write_csv(public / "test.csv", header[:-1], [row[:-1] for row in tested])
    write_csv(public / "sample_submission.csv", ["id", target], [[row[0], "1.0"] for row in tested])
    write_csv(private / "answers.csv", ["id", target], [[row[0], row[-1]] for row in tested])
    (public / "description.md").write_text(f"# A made-up task\n\nPredict `{target}`.\n", encoding="utf-8")
    lines = ["id: id", f"targets: [{target}]", f"metric: {metric}", f"split: {split}"]
    (folder / "task.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


TASKS: dict[str, Callable[[Path], None]] = {"houses": _houses, "churn": _churn, "clinic": _clinic, "grid": _grid}
"""Each writes its task into a folder that is not there yet."""
