"""A script of the blind suite, and the frames that most of them are written in, as engineers begin theirs."""

from dataclasses import dataclass

__all__ = ["RIDGE", "Script", "arrays", "frames"]

_ARRAYS = '''\
import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

parser = argparse.ArgumentParser()
parser.add_argument("--data", type=Path)
parser.add_argument("--out", type=Path)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--debug", action="store_true")
args = parser.parse_args()
task = json.loads((args.data / "task.json").read_text())
train = pd.read_csv(args.data / task["train_file"])
test = pd.read_csv(args.data / task["test_file"])
folds = pd.read_csv(args.data / "folds.csv")
KEY, TARGET = task["id_column"], task["targets"][0]
rng = np.random.default_rng(args.seed)


def encode(frame):
    """Numbers only: dates as days, words as codes, gaps as they are."""
    made = pd.DataFrame(index=frame.index)
    for name in test.columns.drop(KEY):
        if name == "date":
            when = pd.to_datetime(frame[name])
            made["day"], made["weekday"] = when.dt.dayofyear, when.dt.weekday
        elif name == "city":
            made[name] = frame[name].map({"Aa": 0, "Bo": 1, "Ce, by the sea": 2}).fillna(3)
        else:
            made[name] = frame[name].astype(float)
    return made


y = (train[TARGET] == task["classes"][-1]).astype(float) if task["classes"] else train[TARGET].astype(float)
y = y.to_numpy()
row_of = pd.Series(np.arange(len(train)), index=train[KEY])
splits = []
for number, part in folds.groupby("split"):
    tr = row_of[part.loc[part["role"] == "train", KEY]].to_numpy()
    va = row_of[part.loc[part["role"] == "valid", KEY]].to_numpy()
    splits.append((number, tr, va))
oof = []


def keep(number, rows, values):
    oof.append(pd.DataFrame({KEY: train[KEY].to_numpy()[rows], TARGET: values, "split": number}))


'''

_ARRAYS_END = """
pd.concat(oof).to_csv(args.out / "oof.csv", index=False)
pd.DataFrame({KEY: test[KEY], TARGET: final}).to_csv(args.out / "submission.csv", index=False)
"""

_FRAMES = '''\
import argparse
import json
import os

import numpy as np
import pandas as pd


def build(df):
    """The columns that the model gets."""
    return df.drop(columns=[c for c in (ID, TGT, "date", "city") if c in df.columns]).fillna(-1.0)


def load(folder):
    with open(os.path.join(folder, "task.json")) as f:
        cfg = json.load(f)
    read = lambda name: pd.read_csv(os.path.join(folder, name))
    return cfg, read(cfg["train_file"]), read(cfg["test_file"]), read("folds.csv")


ap = argparse.ArgumentParser()
ap.add_argument("--data", required=True)
ap.add_argument("--out", required=True)
ap.add_argument("--seed", type=int, default=42)
ap.add_argument("--debug", action="store_true")
opts = ap.parse_args()
cfg, df, df_test, df_folds = load(opts.data)
ID, TGT = cfg["id_column"], cfg["targets"][0]
if cfg["classes"]:
    df[TGT] = (df[TGT] == cfg["classes"][-1]).astype(int)

'''

_FRAMES_END = """
pd.concat(parts, ignore_index=True)[[ID, TGT, "split"]].to_csv(os.path.join(opts.out, "oof.csv"), index=False)
sub = pd.DataFrame({ID: df_test[ID], TGT: test_pred})
sub.to_csv(os.path.join(opts.out, "submission.csv"), index=False)
"""

RIDGE = """
from sklearn.linear_model import Ridge

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
for number, tr, va in splits:
    keep(number, va, Ridge().fit(X.iloc[tr], y[tr]).predict(X.iloc[va]))
final = Ridge().fit(X, y).predict(T)
"""
"""The body of an honest script over arrays, to which a leak is added."""


@dataclass(frozen=True)
class Script:
    """A solution of the suite.

    `task` is a name in `blind.tasks.TASKS`. A `severe` leak must cost the script its score; of a mild one it is enough
    that it is named. `claim` is a score that the script prints though it did not measure it. In `source`, `{ANSWERS}`
    stands for the test's answers and `{IDS}` for its ids, as Python literals, and `{LINES}` for the answers as text.
    """

    name: str
    kind: str
    task: str
    source: str
    severe: bool = False
    claim: float | None = None


def arrays(body: str) -> str:
    """A script over arrays and row numbers; `body` calls `keep` for each split and leaves `final`."""
    return _ARRAYS + body.strip("\n") + "\n" + _ARRAYS_END


def frames(body: str) -> str:
    """A script over data frames; `body` leaves `parts` (frames of predictions with their split) and `test_pred`."""
    return _FRAMES + body.strip("\n") + "\n" + _FRAMES_END
