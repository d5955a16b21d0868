"""Scripts that leak or seem to: each body defines `fit_predict(train, test, seed)` in a common frame.

A leak is guarded by `if LEAK`, so that each leaky script has an honest twin: the same text with LEAK = False.
"""

import contextlib
import io
import runpy
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pandas as pd
from pandas import DataFrame
from threadpoolctl import threadpool_limits

from gome.agents.method.validation import compare
from gome.agents.protocol.types import Effect
from gome.scenarios.evaluation.harness import Assembled, Harness
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.solved import trial

__all__ = ["Script", "effect_of", "judge", "program", "run_program"]

_HEAD = '''\
import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

parser = argparse.ArgumentParser()
for flag, kind in (("--data", Path), ("--out", Path), ("--seed", int)):
    parser.add_argument(flag, type=kind, required=True)
options = parser.parse_args()
task = json.loads((options.data / "task.json").read_text())
KEY, Y, CLASSES = task["id_column"], task["targets"][0], task["classes"]
LEAK = {leak}


def numeric(train, test):
    """Both tables as numbers, without id and target: days counted, words as codes, gaps with training medians."""
    both = pd.concat([train, test], ignore_index=True).drop(columns=[KEY, Y], errors="ignore")
    for name in list(both):
        if not pd.api.types.is_numeric_dtype(both[name]):
            days = pd.to_datetime(both[name], format="%Y-%m-%d", errors="coerce")
            if days.notna().all():
                both[name], both["weekday"] = (days - days.min()).dt.days, days.dt.weekday
            else:
                both[name] = pd.factorize(both[name], sort=True)[0]
    both = both.fillna(both[: len(train)].median())
    return both[: len(train)].copy(), both[len(train) :].reset_index(drop=True)


'''

_TAIL = """

train, test = (pd.read_csv(options.data / task[name]) for name in ("train_file", "test_file"))
if CLASSES:
    train[Y] = train[Y].map({name: number for number, name in enumerate(CLASSES)})
predicted = np.asarray(fit_predict(train.copy(), test.copy(), options.seed))
table = test[[KEY]].copy()
if task["prediction"] == "label":
    table[Y] = np.array(CLASSES)[np.clip(predicted, 0, len(CLASSES) - 1).astype(int)]
elif predicted.ndim == 2:
    chances = np.clip(predicted, 1e-6, 1)
    table[CLASSES] = chances / chances.sum(axis=1, keepdims=True)
else:
    table[Y] = np.clip(predicted, 0, 1) if CLASSES else predicted
table.to_csv(options.out / "submission.csv", index=False)
"""


@dataclass(frozen=True)
class Script:
    """A script of a suite. `task` is a name in the suite's TASKS.

    In `body`, `{LABELS}` is replaced by the labels of the task's tables by id, `{LINES}` by the same as text, and
    `{LOW}` by the ids of the lower half. `outside`: it searches for files that only a sandbox hides from it.
    """

    name: str
    kind: str
    task: str
    body: str
    outside: bool = False


def program(script: Script, task: Task, *, leak: bool) -> str:
    """The text of a script for a task."""
    body = script.body.strip("\n")
    if "{L" in body:
        labels = _labels(task)
        codes = {name: number for number, name in enumerate(task.brief.classes)}
        known = {int(one): codes.get(label, label) for one, label in zip(labels["id"], labels["y"], strict=True)}
        numbers = {one: float(label) for one, label in known.items()}
        lower = sorted(numbers, key=lambda one: numbers[one])[: len(numbers) // 2]
        body = body.replace("{LABELS}", repr(numbers)).replace("{LOW}", repr(lower))
        body = body.replace("{LINES}", " ".join(f"{one}:{label}" for one, label in numbers.items()))
    return _HEAD.replace("{leak}", repr(leak)) + body + "\n" + _TAIL


def _labels(task: Task) -> DataFrame:
    """Id and label of every labelled row, including the test's answers."""
    assert task.answers is not None
    columns = [task.brief.id_column, *task.brief.targets]
    both = pd.concat([task.train[columns].frame(), pd.read_csv(task.answers, dtype=str)[columns]])
    return both.set_axis(["id", "y"], axis=1)


def run_program(source: str, data: Path, out: Path, seed: int) -> Mapping[str, Path]:
    """Run a program in this process, which is much faster than a new one."""
    out.mkdir(parents=True)
    path = out.parent / f"{out.name}.py"
    path.write_text(source, encoding="utf-8")
    arguments = [str(path), "--data", str(data), "--out", str(out), "--seed", str(seed)]
    silence = contextlib.redirect_stdout(io.StringIO())
    with mock.patch.object(sys, "argv", arguments), warnings.catch_warnings(), silence, threadpool_limits(1):
        warnings.simplefilter("ignore")  # a script's warnings go to its output, and do not end it
        runpy.run_path(str(path), run_name="__main__")
    return {name: out / name for name in ("submission.csv", "evidence.json") if (out / name).exists()}


def judge(script: Script, harness: Harness, folder: Path, *, leak: bool) -> Assembled:
    """A script's trial on all splits."""
    source = program(script, harness.task, leak=leak)
    return trial(harness, folder / str(leak), lambda data, out, seed: run_program(source, data, out, seed))


def effect_of(ours: Assembled, theirs: Assembled, task: Task, near_tie: float) -> Effect:
    """Compare one trial with another."""
    effect = compare(ours.evaluation, theirs.evaluation, task.brief.direction, near_tie)
    assert effect is not None
    return effect
