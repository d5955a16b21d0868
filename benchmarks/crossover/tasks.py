"""Synthetic tasks for the crossover benchmark; the best possible predictions are known.

Each has typical properties of tabular tasks (cycles, ratios, interactions, categories of many values, missing values,
skew), so that a first model can be improved in many ways. `oracle` are the predictions by the true rule without noise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame

__all__ = ["DEV", "MADE", "write_task"]

Array = NDArray[np.float64]
_TRAIN, _TEST, _FOLDS = 500, 1000, 3
"""Few training rows, so that a script takes half a second; more test rows, so that private scores have little noise."""


@dataclass(frozen=True)
class Made:
    """Features of all rows, the target, and the oracle's predictions, one column per column of the submission."""

    features: DataFrame
    target: NDArray[np.str_]
    oracle: Array
    metric: str
    classes: tuple[str, ...] = ()


def _rentals(draw: np.random.Generator, rows: int) -> Made:
    """Counts by hour, workday and weather, with multiplicative noise."""
    hour, workday = draw.integers(0, 24, rows), draw.integers(0, 2, rows)
    warmth, wet = draw.normal(15, 8, rows), draw.beta(2, 5, rows)
    place = draw.integers(0, 30, rows)
    rush = np.exp(-((hour - 8) ** 2) / 4) + np.exp(-((hour - 17) ** 2) / 6)
    leisure = np.exp(-((hour - 14) ** 2) / 18)
    level = 2.5 + np.where(workday == 1, 1.9 * rush, 1.7 * leisure) + 0.03 * warmth - 1.6 * wet * (warmth < 12)
    level = level + draw.normal(0, 0.35, 30)[place]
    count = np.round(np.exp(level + draw.normal(0, 0.3, rows)))
    table = DataFrame({"hour": hour, "workday": workday, "temp": warmth.round(1), "wet": wet.round(3), "place": place})
    table["place"] = "p" + table["place"].astype(str)
    return Made(table, count.astype(int).astype(str), np.exp(level)[:, None], "rmsle")


def _loans(draw: np.random.Generator, rows: int) -> Made:
    """Whether a loan is paid back: a ratio, an age band, towns with few loans, missing incomes."""
    income, debt = draw.lognormal(10, 0.7, rows), draw.lognormal(9, 0.9, rows)
    age, town = draw.integers(18, 80, rows), draw.integers(0, 60, rows)
    kind = draw.integers(0, 3, rows)
    silent = draw.random(rows) < 0.15
    burden = np.log(debt / income)
    z = (
        0.4
        + 1.3 * burden
        - 1.2 * ((age > 30) & (age < 55))
        + 0.9 * silent * (kind == 2)
        + draw.normal(0, 0.8, 60)[town]
    )
    rng = 1 / (1 + np.exp(-z))
    table = DataFrame({"income": income.round(0), "debt": debt.round(0), "age": age, "town": town, "kind": kind})
    table.loc[silent, "income"] = np.nan
    table["town"], table["kind"] = (
        "t" + table["town"].astype(str),
        table["kind"].map(["car", "home", "study"].__getitem__),
    )
    target = np.where(draw.random(rows) < rng, "yes", "no")
    return Made(table, target, rng[:, None], "log-loss", ("no", "yes"))


def _soils(draw: np.random.Generator, rows: int) -> Made:
    """Three kinds of soil: products and differences of measurements, and two interacting categories."""
    a, b, c, d = draw.normal(0, 1, (4, rows))
    region, use = draw.integers(0, 4, rows), draw.integers(0, 3, rows)
    joint = draw.normal(0, 1.0, (4, 3))[region, use]
    logits = np.stack([1.2 * a * b + joint, 1.4 * np.abs(c - d) - 1.0, 0.8 * c - joint], axis=1)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    kinds = ("clay", "loam", "sand")
    picked = (chances.cumsum(axis=1) > draw.random((rows, 1))).argmax(axis=1)
    table = DataFrame({"ph": a, "salt": b, "wet": c, "deep": d}).round(3)
    table["region"], table["use"] = [f"r{n}" for n in region], [f"u{n}" for n in use]
    return Made(table, np.array(kinds)[picked], chances, "log-loss", kinds)


def _fares(draw: np.random.Generator, rows: int) -> Made:
    """Fares by distance, hour and quarter, with a threshold, missing weights and multiplicative noise."""
    distance, hour = draw.gamma(2.0, 4.0, rows), draw.integers(0, 24, rows)
    quarter, kind = draw.integers(0, 25, rows), draw.integers(0, 3, rows)
    bags, silent = draw.poisson(1.2, rows), draw.random(rows) < 0.1
    night = np.where((hour < 6) | (hour > 21), 0.35, 0.0)
    level = 1.4 + 0.8 * np.log1p(distance) + night + 0.2 * (distance > 12) + 0.12 * bags * (kind == 1)
    level = level + draw.normal(0, 0.25, 25)[quarter]
    fare = np.exp(level + draw.normal(0, 0.2, rows))
    table = DataFrame({"km": distance.round(2), "hour": hour, "bags": bags.astype(float), "quarter": quarter})
    table.loc[silent, "bags"] = np.nan
    table["quarter"], table["kind"] = "q" + table["quarter"].astype(str), [("one", "two", "van")[n] for n in kind]
    return Made(table, fare.round(2).astype(str), np.exp(level)[:, None], "rmsle")


def _visits(draw: np.random.Generator, rows: int) -> Made:
    """Whether a visit is kept: waiting time by age, a season, and clinics with few visits."""
    wait, age = draw.exponential(12, rows), draw.integers(1, 95, rows)
    month, clinic = draw.integers(1, 13, rows), draw.integers(0, 50, rows)
    earlier = draw.poisson(2.0, rows)
    z = 2.4 - 0.15 * wait * (age < 50) + 1.2 * np.cos((month - 7) * np.pi / 6) - 0.9 * np.log1p(earlier)
    chance = 1 / (1 + np.exp(-z - draw.normal(0, 0.7, 50)[clinic]))
    table = DataFrame({"wait": wait.round(1), "age": age, "month": month, "missed": earlier, "clinic": clinic})
    table["clinic"] = "c" + table["clinic"].astype(str)
    target = np.where(draw.random(rows) < chance, "yes", "no")
    return Made(table, target, chance[:, None], "log-loss", ("no", "yes"))


def _harvests(draw: np.random.Generator, rows: int) -> Made:
    """A harvest by rain, warmth and soil: an optimum, a product, farms of their own, columns that tell nothing."""
    rain, warmth, acid = draw.gamma(4.0, 20.0, rows), draw.normal(17, 5, rows), draw.normal(6.3, 0.8, rows)
    farm, crop = draw.integers(0, 40, rows), draw.integers(0, 4, rows)
    level = 40 - 0.09 * (warmth - 18) ** 2 + 0.12 * np.minimum(rain, 90) - 4 * np.abs(acid - 6.5)
    level = level + 0.02 * rain * (crop == 2) + np.array([0.0, 5.0, -3.0, 8.0])[crop] + draw.normal(0, 3, 40)[farm]
    table = DataFrame({"rain": rain.round(1), "warmth": warmth.round(1), "acid": acid.round(2), "farm": farm})
    table["farm"], table["crop"] = "f" + table["farm"].astype(str), [f"crop{n}" for n in crop]
    table["plot"], table["wind"] = draw.integers(0, 500, rows), draw.normal(0, 1, rows).round(2)
    target = level + draw.normal(0, 4, rows)
    return Made(table, target.round(2).astype(str), level[:, None], "rmse")


def _alarms(draw: np.random.Generator, rows: int) -> Made:
    """Whether a machine fails, which is rare: a difference and a ratio of sensors, a shift, models of machines."""
    inlet, outlet = draw.normal(60, 10, rows), draw.normal(70, 12, rows)
    load, rated = draw.lognormal(3, 0.5, rows), draw.lognormal(3.4, 0.4, rows)
    hour, model = draw.integers(0, 24, rows), draw.integers(0, 12, rows)
    z = -3.4 + 0.09 * (outlet - inlet - 10) + 2.2 * np.log(load / rated) + 1.0 * (hour >= 22)
    chance = 1 / (1 + np.exp(-z - draw.normal(0, 0.6, 12)[model]))
    table = DataFrame({"inlet": inlet, "outlet": outlet, "load": load, "rated": rated}).round(2)
    table["hour"], table["model"] = hour, [f"m{n}" for n in model]
    target = np.where(draw.random(rows) < chance, "yes", "no")
    return Made(table, target, chance[:, None], "log-loss", ("no", "yes"))


def _leagues(draw: np.random.Generator, rows: int) -> Made:
    """Win, draw or loss: a difference of strengths that single teams have, the ground, and days of rest."""
    home, away = draw.integers(0, 18, (2, rows))
    power = draw.normal(0, 0.7, 18)
    form, rested = draw.normal(0, 1, (2, rows)), draw.integers(2, 9, rows)
    edge = 0.35 + power[home] - power[away] + 0.5 * (form[0] - form[1]) + 0.3 * (rested < 4)
    logits = np.stack([1.6 * edge, 0.4 - 0.9 * np.abs(edge), -1.6 * edge], axis=1)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    ends = ("win", "draw", "loss")
    picked = (chances.cumsum(axis=1) > draw.random((rows, 1))).argmax(axis=1)
    table = DataFrame({"form_home": form[0], "form_away": form[1]}).round(2)
    table["home"], table["away"], table["rested"] = [f"t{n}" for n in home], [f"t{n}" for n in away], rested
    return Made(table, np.array(ends)[picked], chances, "log-loss", ends)


def _parcels(draw: np.random.Generator, rows: int) -> Made:
    """Hours that a parcel takes: weight by distance, weekday and depot, with a heavy tail that tells nothing."""
    weight, distance = draw.lognormal(0.5, 0.8, rows), draw.gamma(2.0, 150.0, rows)
    weekday, depot, sort = draw.integers(0, 7, rows), draw.integers(0, 20, rows), draw.integers(0, 3, rows)
    wait = np.where(weekday >= 5, 14.0, 0.0) + draw.normal(0, 3, 20)[depot]
    level = 12 + 0.05 * distance * np.array([1.0, 0.6, 0.35])[sort] + 2.0 * np.log1p(weight) * (distance > 300) + wait
    target = np.maximum(0.5, level + 3 * draw.standard_t(2.5, rows))
    table = DataFrame({"kg": weight.round(2), "km": distance.round(0), "weekday": weekday, "depot": depot})
    table["depot"], table["sort"] = "d" + table["depot"].astype(str), [("slow", "road", "air")[n] for n in sort]
    return Made(table, target.round(1).astype(str), level[:, None], "mae")


MADE: dict[str, Callable[[np.random.Generator, int], Made]] = {"rentals": _rentals, "loans": _loans, "soils": _soils}
"""Name → function that makes the data."""
DEV: dict[str, Callable[[np.random.Generator, int], Made]] = {
    "fares": _fares,
    "visits": _visits,
    "harvests": _harvests,
    "alarms": _alarms,
    "leagues": _leagues,
    "parcels": _parcels,
}
"""The same for the tasks on which constants are chosen; they are in no table."""
_ALL = MADE | DEV


def write_task(name: str, folder: Path, rows: tuple[int, int] = (_TRAIN, _TEST), folds: int = _FOLDS) -> Path:
    """Write the task and the oracle's predictions into `folder`, the same each time; return the folder.

    `rows` are the numbers of training and of test rows.
    """
    count = sum(rows)
    made = _ALL[name](np.random.default_rng([2026, list(_ALL).index(name)]), count)
    public, private = folder / "prepared" / "public", folder / "prepared" / "private"
    public.mkdir(parents=True, exist_ok=True)
    private.mkdir(exist_ok=True)
    ids = DataFrame({"id": np.arange(count) + 1000})
    target = DataFrame({"y": made.target})
    columns = list(made.classes) if len(made.classes) > 2 else ["y"]
    oracle = ids.join(DataFrame(made.oracle, columns=columns))
    train, test = slice(None, rows[0]), slice(rows[0], None)
    ids.join(made.features).join(target)[train].to_csv(public / "train.csv", index=False)
    ids.join(made.features)[test].to_csv(public / "test.csv", index=False)
    blank = oracle[test].copy()
    blank[columns] = round(1 / max(1, len(columns)), 4)
    blank.to_csv(public / "sample_submission.csv", index=False)
    ids.join(target)[test].to_csv(private / "answers.csv", index=False)
    oracle[train].to_csv(folder / "oracle_train.csv", index=False)
    oracle[test].to_csv(folder / "oracle_test.csv", index=False)
    (public / "description.md").write_text(f"# {name}\n\nA made-up task. Predict `y`.\n", encoding="utf-8")
    lines = [f"name: {name}", "id: id", "targets: [y]", f"metric: {made.metric}"]
    lines += [f"classes: [{', '.join(made.classes)}]"] if made.classes else []
    lines += [f"split: {{kind: {'stratified' if made.classes else 'random'}, folds: {folds}}}"]
    (folder / "task.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
