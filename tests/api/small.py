"""A small table, and scripts that need no library or numpy alone, so that a whole run takes a second or two."""

from pathlib import Path
from typing import Any

import numpy as np
from pandas import DataFrame

QUICK: dict[str, Any] = {
    "traces": 1,
    "executors": {"slots": 2, "threads": 1, "standby": False, "timeout": {"debug": "30s", "full": "60s"}},
    "method": {"finish": {"candidates": 1, "seeds": 1}},
}
SCRIPT = """
import argparse
import csv
import json
import os
import time

parser = argparse.ArgumentParser()
parser.add_argument("--data")
parser.add_argument("--out")
parser.add_argument("--seed", type=int)
args = parser.parse_args()
train, test = (list(csv.DictReader(open(os.path.join(args.data, f"{name}.csv")))) for name in ("train", "test"))
time.sleep(PAUSE)
mean = sum(float(row["price"]) for row in train) / len(train)
with open(os.path.join(args.out, "evidence.json"), "w") as file:
    json.dump({"importance": {"colour": 0.1, "size": 2.0}}, file)
with open(os.path.join(args.out, "submission.csv"), "w") as file:
    file.write("id,price\\n")
    for row in test:
        file.write(f"{row['id']},{mean + 3 * float(row['size'])}\\n")
"""


LEAST_SQUARES = '''
"""Least squares by numpy, of numbers or of classes: one column of predictions per column that is asked for."""

import argparse
import csv
import json
from pathlib import Path

import numpy as np

options = argparse.ArgumentParser()
for name in ("--data", "--out", "--seed"):
    options.add_argument(name, required=True)
given = options.parse_args()
data, out = Path(given.data), Path(given.out)


def table(name):
    with (data / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


train, test = table("train.csv"), table("test.csv")
with (data / "sample_submission.csv").open(newline="", encoding="utf-8") as file:
    key, *wanted = next(csv.reader(file))
used = [name for name in test[0] if name != key]


def matrix(rows):
    cells = np.array([[float(row[name] or 0) if name != key else 0 for name in used] for row in rows])
    return np.column_stack([np.ones(len(rows)), cells])


target = [row["target"] for row in train]
classes = json.loads((data / "task.json").read_text())["classes"]
if classes:
    goal = np.array([[float(each == name) for name in classes] for each in target])
else:
    goal = np.array(target, dtype=float)[:, None]
weights = np.linalg.lstsq(matrix(train), goal, rcond=None)[0]
found = matrix(test) @ weights
if classes:
    found = np.clip(found, 1e-6, 1)
    found /= found.sum(axis=1, keepdims=True)
    found = found[:, -len(wanted):]
with (out / "submission.csv").open("w", newline="", encoding="utf-8") as file:
    writer = csv.writer(file)
    writer.writerow([key, *wanted])
    writer.writerows([row[key], *map(float, values)] for row, values in zip(test, found))
'''
"""For the columns `x0`, `x1`, … and a target called `target`."""


def houses(rows: int = 120) -> DataFrame:
    """Houses with a price, under an index of their own."""
    draw = np.random.default_rng(3)
    size, colour = draw.normal(size=rows), draw.choice(["red", "green"], rows)
    price = 10 + 3 * size + (colour == "red") + draw.normal(scale=0.1, size=rows)
    return DataFrame({"size": size, "colour": colour, "price": price}, index=[f"house {n}" for n in range(rows)])


def script(folder: Path, pause: float = 0.0) -> Path:
    """Write the script; each run of it waits `pause` seconds."""
    path = folder / "mine.py"
    path.write_text(SCRIPT.replace("PAUSE", str(pause)), encoding="utf-8")
    return path
