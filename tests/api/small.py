"""A small table, and a script for it that needs no library, so that a whole run takes a second or two."""

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
