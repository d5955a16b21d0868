"""Make the small tasks of the unseen suite, each with a signal that its kind of leak would exploit.

- `wages`: sixty occupations with few rows each, so that a target mean over all rows reveals much of a row's own.
- `fraud`: two classes, merchants with few rows each, and thirty columns of noise.
- `cells`: four classes, predicted as probabilities; some columns are noise.
- `ratings`: ordered grades, predicted as labels, with cut points to find.
- `pupils`: schools that differ by more than their columns show, split by school.
- `sales`: days whose level lasts for weeks, split by time.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tests.scenarios.helpers.make_task import write_csv

__all__ = ["TASKS"]

Row = list[object]
Table = tuple[list[str], list[Row]]


def _wages() -> Table:
    draw = np.random.default_rng(21)
    pay = draw.normal(0, 0.22, 60)
    rows: list[Row] = []
    for _ in range(650):
        job, region = int(draw.integers(60)), int(draw.integers(5))
        schooling, years, hours = int(draw.integers(8, 20)), draw.gamma(2.0, 6.0), draw.normal(38, 6)
        log_wage = 2.0 + 0.06 * schooling + 0.012 * years + pay[job] + 0.05 * region + draw.normal(0, 0.25)
        years_text = "" if draw.random() < 0.08 else f"{years:.1f}"
        rows.append(
            [f"job {job:02d}", "NSEWC"[region], schooling, years_text, f"{hours:.1f}", f"{np.exp(log_wage):.2f}"]
        )
    return ["occupation", "region", "schooling", "years", "hours", "wage"], rows


def _fraud() -> Table:
    draw = np.random.default_rng(22)
    risk = draw.normal(0, 0.8, 90)
    rows: list[Row] = []
    for _ in range(600):
        merchant, hour, amount = int(draw.integers(90)), int(draw.integers(24)), draw.lognormal(3.5, 1.0)
        noise = draw.normal(0, 1, 30)
        rng = risk[merchant] + 0.9 * (np.log(amount) - 3.5) + 1.6 * (hour < 8) - 1.2
        label = "fraud" if draw.random() < 1 / (1 + np.exp(-rng)) else "fine"
        amount_text = "" if draw.random() < 0.06 else f"{amount:.2f}"
        rows.append([f"m{merchant}", amount_text, hour, *(f"{value:.3f}" for value in noise), label])
    return ["merchant", "amount", "hour", *(f"v{number}" for number in range(1, 31)), "flag"], rows


def _cells() -> Table:
    draw = np.random.default_rng(23)
    centres = draw.normal(0, 0.8, (4, 6))
    rows: list[Row] = []
    for _ in range(560):
        kind = int(draw.integers(4))
        shape, noise = centres[kind] + draw.normal(0, 1, 6), draw.normal(0, 1, 10)
        rows.append([*(f"{value:.3f}" for value in [*shape, *noise]), ["alpha", "beta", "gamma", "delta"][kind]])
    return [*(f"shape{n}" for n in range(6)), *(f"tone{n}" for n in range(10)), "cell"], rows


def _ratings() -> Table:
    draw = np.random.default_rng(24)
    rows: list[Row] = []
    for _ in range(600):
        price, age, size, brand = draw.gamma(3, 10), int(draw.integers(1, 30)), draw.normal(0, 1), int(draw.integers(8))
        level = 0.05 * price - 0.05 * age + 0.4 * size + 0.15 * brand + draw.normal(0, 0.7)
        grade = "ABCDE"[int(np.searchsorted([0.2, 1.3, 1.9, 3.2], level))]
        rows.append([f"{price:.2f}", age, f"{size:.3f}", f"brand {brand}", grade])
    return ["price", "age", "size", "brand", "grade"], rows


def _pupils() -> Table:
    draw = np.random.default_rng(25)
    rows: list[Row] = []
    for school in range(50):
        level, staff = draw.normal(0, 9), round(float(draw.normal(20, 4)), 2)
        for _ in range(12):
            income, study = draw.normal(30, 8), draw.gamma(2, 3)
            mark = 55 + level + 0.4 * (income - 30) + 1.1 * study - 0.2 * staff + draw.normal(0, 4)
            rows.append(
                [f"s{school}", staff, f"{income:.1f}", f"{study:.1f}", int(draw.integers(10, 16)), f"{mark:.1f}"]
            )
    return ["school", "staff", "income", "study", "age", "mark"], rows


def _sales() -> Table:
    draw = np.random.default_rng(26)
    days = np.datetime64("2022-03-01") + np.arange(700)
    rows: list[Row] = []
    level = 0.0
    for number, day in enumerate(days):
        level = 0.95 * level + draw.normal(0, 4)
        promo, heat = int(draw.random() < 0.2), 14 - 9 * np.cos(number / 58.1) + draw.normal(0, 3)
        sold = 200 + level + 25 * promo + 1.2 * heat + 30 * (number % 7 >= 5) + draw.normal(0, 3)
        rows.append([str(day), promo, f"{heat:.1f}", f"{sold:.1f}"])
    return ["day", "promo", "heat", "sold"], rows


def _writer(
    make: Callable[[], Table], tested: int, metric: str, split: str = "", classes: Sequence[str] = ()
) -> Callable[[Path], None]:
    """Write the table of `make` as a task: the last `tested` rows are the test, the last column is the target."""

    def write(folder: Path) -> None:
        header, rows = make()
        ids = np.random.default_rng(27).permutation(len(rows)) + 30_000
        table = [[int(one), *row] for one, row in zip(ids, rows, strict=True)]
        public, private, target = folder / "prepared" / "public", folder / "prepared" / "private", header[-1]
        public.mkdir(parents=True)
        private.mkdir()
        given, asked = table[:-tested], table[-tested:]
        write_csv(public / "train.csv", ["key", *header], given)
        write_csv(public / "test.csv", ["key", *header[:-1]], [row[:-1] for row in asked])
        columns, blank = _blank(target, metric, classes)
        write_csv(public / "sample_submission.csv", ["key", *columns], [[row[0], *blank] for row in asked])
        write_csv(private / "answers.csv", ["key", target], [[row[0], row[-1]] for row in asked])
        (public / "description.md").write_text(f"# A made-up task\n\nPredict `{target}`.\n", encoding="utf-8")
        lines = ["id: key", f"targets: [{target}]", f"metric: {metric}"]
        lines += [f"split: {split}"] if split else []
        lines += [f"classes: [{', '.join(classes)}]"] if classes else []
        (folder / "task.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    return write


def _blank(target: str, metric: str, classes: Sequence[str]) -> tuple[list[str], list[object]]:
    """The prediction columns and a sample row of them."""
    if metric == "log-loss":
        return list(classes), [1 / len(classes)] * len(classes)
    return [target], [classes[0] if metric == "qwk" else 0.5]


TASKS: dict[str, Callable[[Path], None]] = {
    "wages": _writer(_wages, 150, "rmse"),
    "fraud": _writer(_fraud, 150, "auc", classes=["fine", "fraud"]),
    "cells": _writer(_cells, 140, "log-loss", classes=["alpha", "beta", "gamma", "delta"]),
    "ratings": _writer(_ratings, 150, "qwk", classes=list("ABCDE")),
    "pupils": _writer(_pupils, 144, "mae", "{kind: group, column: school, folds: 4}"),
    "sales": _writer(_sales, 100, "mae", "{kind: time, column: day, folds: 3}"),
}
"""Each writes its task into a folder that is not there yet."""
