"""Make small tasks with other data than a table: texts, images, side tables, time series, curves.

The target of each depends only on that data, so that a script that does not read it cannot score.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tests.scenarios.helpers.make_task import write_csv

__all__ = ["KINDS"]

Row = list[object]
_WORDS = {
    "garden": ("seed", "soil", "rake", "bloom", "compost", "hedge"),
    "sea": ("wave", "sail", "anchor", "tide", "harbour", "gull"),
    "sky": ("cloud", "comet", "orbit", "lunar", "aurora", "star"),
}
_COMMON = ("the", "and", "with", "over", "under", "one", "many", "old", "new", "slowly")


def _text(folder: Path) -> None:
    """Posts of two dozen words, some specific to their group, and an uninformative number."""
    draw = np.random.default_rng(3)
    rows: list[Row] = []
    for number in range(300):
        group = str(draw.choice(list(_WORDS)))
        words = [*draw.choice(_WORDS[group], 4), *draw.choice(_COMMON, 20)]
        draw.shuffle(words)
        text = " ".join(map(str, words)) if number % 50 else ""
        rows.append([number, text, round(float(draw.normal()), 3), group])
    _write(folder, ["id", "post", "size", "group"], rows, 220, "macro-f1", classes=list(_WORDS))


def _pictures(folder: Path) -> None:
    """Images of vertical or horizontal bars in noise; one label in twelve is wrong."""
    draw = np.random.default_rng(4)
    rows: list[Row] = []
    images = folder / "prepared" / "public" / "images"
    images.mkdir(parents=True)
    for number in range(150):
        shades = draw.integers(0, 60, (16, 16))
        place, lies = int(draw.integers(3, 12)), bool(draw.integers(0, 2))
        shades[place : place + 2, :] += 180 if lies else 0
        shades[:, place : place + 2] += 0 if lies else 180
        Image.fromarray(shades.astype(np.uint8)).save(images / f"{number}.png")
        told = lies if number % 12 else not lies
        rows.append([number, "lying" if told else "standing"])
    _write(folder, ["id", "bar"], rows, 110, "accuracy", classes=["lying", "standing"])


def _joins(folder: Path) -> None:
    """Orders whose price depends on the shop (one row in shops.csv) and the items (many rows in items.csv)."""
    draw = np.random.default_rng(5)
    rents, shops = draw.gamma(3.0, 2.0, 30), [f"s{number}" for number in range(30)]
    towns = draw.choice(["Aa", "Bo", "Ce"], 30)
    rows: list[Row] = []
    items: list[Row] = []
    for number in range(360):
        shop, weights = int(draw.integers(0, 32)), draw.gamma(2.0, 1.0, draw.integers(1, 6))
        items += [[number, round(float(weight), 3), "new"] for weight in weights]
        rent = rents[shop] if shop < 30 else 4.0
        price = rent + 2 * len(weights) + weights.max() + draw.normal(0, 0.3)
        rows.append([number, f"s{shop}", int(draw.integers(0, 9)), f"{price:.3f}"])
    public = folder / "prepared" / "public"
    public.mkdir(parents=True)
    table = [[name, f"{rent:.3f}", town] for name, rent, town in zip(shops, rents, towns, strict=True)]
    write_csv(public / "shops.csv", ["store", "rent", "town"], table)
    write_csv(public / "items.csv", ["id", "weight", "state"], items)
    (public / "notes.csv").write_text('a note "in no table\n"', encoding="utf-8")
    _write(folder, ["id", "shop", "hour", "price"], rows, 280, "rmse")


def _days(folder: Path) -> None:
    """Three years of days, the last are the test: low on weekends, lowest on holidays, with a rising level."""
    draw = np.random.default_rng(6)
    days = np.arange(np.datetime64("2020-01-01"), np.datetime64("2023-01-01"))
    weekend = (days.astype("datetime64[D]").view("int64") - 4) % 7 < 2
    feast = np.array([str(day)[5:] in ("05-01", "12-25", "12-26") for day in days])
    level = 20 + np.arange(len(days)) / 100
    served = level - 8 * weekend - 12 * feast + draw.normal(0, 0.5, len(days))
    before = np.r_[served[:14], served[:-14]]
    rows: list[Row] = [
        [int(number), str(days[number]), f"{before[number]:.3f}", f"{served[number]:.3f}"]
        for number in range(len(days))
    ]
    _write(
        folder, ["id", "date", "fortnight_before", "guests"], rows, 900, "mae", "{kind: time, column: date, folds: 3}"
    )


def _curves(folder: Path) -> None:
    """Curves of forty points with one bump anywhere, which is narrow or broad."""
    draw = np.random.default_rng(7)
    points = np.arange(40)
    rows: list[Row] = []
    for number in range(200):
        broad, middle = bool(draw.integers(0, 2)), draw.uniform(8, 32)
        bump = np.exp(-(((points - middle) / (5.0 if broad else 2.0)) ** 2)) + draw.normal(0, 0.03, len(points))
        rows.append([number, *(f"{value:.4f}" for value in bump), "broad" if broad else "narrow"])
    names = [f"p{point:02}" for point in points]
    _write(folder, ["id", *names, "bump"], rows, 150, "auc", classes=["broad", "narrow"])


def _write(
    folder: Path,
    header: Sequence[str],
    rows: list[Row],
    train_rows: int,
    metric: str,
    split: str = "",
    classes: Sequence[str] = (),
) -> None:
    """Write a task's files: the first rows are for training, the others for the test; the last column is the target."""
    public, target = folder / "prepared" / "public", header[-1]
    public.mkdir(parents=True, exist_ok=True)
    write_csv(public / "train.csv", header, rows[:train_rows])
    write_csv(public / "test.csv", header[:-1], [row[:-1] for row in rows[train_rows:]])
    blank = classes[0] if classes else "1.0"
    write_csv(public / "sample_submission.csv", ["id", target], [[row[0], blank] for row in rows[train_rows:]])
    lines = ["id: id", f"targets: [{target}]", f"metric: {metric}"]
    lines += [f"split: {split}"] if split else []
    lines += [f"classes: [{', '.join(classes)}]"] if classes else []
    (folder / "task.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


KINDS: dict[str, Callable[[Path], None]] = {
    "text": _text,
    "pictures": _pictures,
    "joins": _joins,
    "days": _days,
    "curves": _curves,
}
"""Each writes its task into a folder that is not there yet."""
