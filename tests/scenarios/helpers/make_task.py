"""Make small task folders for tests: regression, binary and multiclass.

The data have a signal that a simple model finds, columns of several types, quoted text, and missing values.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

Rows = list[list[object]]
CLASSES = {"binary": ("no", "yes"), "multiclass": ("low", "mid", "high")}
METRICS = {"regression": "rmse", "binary": "auc", "multiclass": "log-loss"}


def make_task(
    folder: Path,
    kind: str = "regression",
    *,
    metric: str | None = None,
    rows: int = 300,
    test_rows: int = 120,
    split: str | None = None,
    seed: int = 1,
    answers: bool = True,
    extra: str = "",
) -> Path:
    """Write a task of `kind` (regression, binary, multiclass) into `folder` and return it.

    `split` is the YAML of the split (`{kind: time, column: date}`), `extra` more lines for task.yaml.
    """
    metric = metric or METRICS[kind]
    header, table, truth = _table(kind, rows + test_rows, seed)
    public, private = folder / "prepared" / "public", folder / "prepared" / "private"
    public.mkdir(parents=True)
    train = [[*row, target] for row, target in zip(table[:rows], truth[:rows], strict=True)]
    write_csv(public / "train.csv", [*header, "y"], train)
    write_csv(public / "test.csv", header, table[rows:])
    ids = [row[0] for row in table[rows:]]
    columns, blank = _submission(kind, metric)
    write_csv(public / "sample_submission.csv", ["id", *columns], [[one, *blank] for one in ids])
    (public / "description.md").write_text(f"# A made-up {kind} task\n\nPredict `y`.\n", encoding="utf-8")
    if answers:
        private.mkdir()
        write_csv(private / "answers.csv", ["id", "y"], [[a, b] for a, b in zip(ids, truth[rows:], strict=True)])
    lines = ["id: id", "targets: [y]", f"metric: {metric}"]
    lines += [f"split: {split}"] if split else []
    lines += [f"classes: [{', '.join(CLASSES[kind])}]"] if kind in CLASSES else []
    (folder / "task.yaml").write_text("\n".join([*lines, extra]) + "\n", encoding="utf-8")
    return folder


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _submission(kind: str, metric: str) -> tuple[list[str], list[object]]:
    """The prediction columns and a sample row of them."""
    if kind == "regression":
        return ["y"], ["1.0"]
    labels = metric in ("accuracy", "balanced-accuracy", "f1", "macro-f1", "micro-f1", "qwk")
    classes = CLASSES[kind]
    if labels:
        return ["y"], [classes[0]]
    if kind == "binary":
        return ["y"], ["0.5"]
    return list(classes), [round(1 / len(classes), 4)] * len(classes)


def _table(kind: str, rows: int, seed: int) -> tuple[list[str], Rows, list[object]]:
    draw = np.random.default_rng(seed)
    area, age = draw.gamma(3.0, 20.0, rows), draw.integers(0, 60, rows)
    city = draw.choice(["Aa", "Bo", "Ce, by the sea", 'Do "the hill"'], rows, p=[0.5, 0.3, 0.15, 0.05])
    resources = draw.integers(1, 25, rows)
    day = draw.integers(0, 365, rows)
    noise = draw.normal(0, 1, rows)
    signal = 0.05 * area - 0.03 * age + 1.5 * (city == "Bo") + np.sin(day / 58.0) + 0.5 * noise
    gap = draw.random(rows) < 0.05
    header = ["id", "area", "age", "city", "shop", "date"]
    dates = np.datetime64("2024-01-01") + day
    ids = draw.permutation(rows) + 1000
    table: Rows = [
        [int(ids[i]), "" if gap[i] else f"{area[i]:.2f}", int(age[i]), str(city[i]), int(resources[i]), str(dates[i])]
        for i in range(rows)
    ]
    if kind == "regression":
        return header, table, [f"{max(0.0, 5 + value):.3f}" for value in signal]
    classes = CLASSES[kind]
    edges = np.quantile(signal, np.linspace(0, 1, len(classes) + 1)[1:-1])
    return header, table, [classes[number] for number in np.searchsorted(edges, signal)]
