"""A small run: a made-up table, a model that answers at once, scripts of plain Python that take a tenth of a second.

with ModelServer(writing(script_of)) as server:
    scenario = small(task, server, traces=2)
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gome.scenarios.config.scenario import Scenario
from tests.agents.helpers.model_server import Ask, ModelServer, Play, say
from tests.scenarios.helpers.make_task import make_task

__all__ = ["KNOBS", "knobbed", "line", "quick_task", "small", "small_task", "writing"]

KNOBS = ((0.2, 0.6, 0.1, 0.9), (0.4, 0.45, 0.8, 0.0))
"""How steep the line of each trace is at its steps 1, 2, …: the third script of the first trace is worse, and so on."""

_LINE = '''
"""A line through one column, as steep as KNOB says: 1 is best."""

import argparse
import csv
from math import fsum
from pathlib import Path

KNOB = {knob}

options = argparse.ArgumentParser()
for name in ("--data", "--out", "--seed"):
    options.add_argument(name, required=True)
given = options.parse_args()


def rows(name):
    with (Path(given.data) / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def area(row):
    return float(row["area"] or 60.0)


train, test = rows("train.csv"), rows("test.csv")
print(f"epoch 1/1, {{len(train)}} rows", flush=True)
{more}
centre, mean = fsum(map(area, train)) / len(train), fsum(float(row["y"]) for row in train) / len(train)
slope = sum((area(row) - centre) * float(row["y"]) for row in train) / sum((area(row) - centre) ** 2 for row in train)
steep = KNOB * slope * (1 - int(given.seed) / 1000)
with (Path(given.out) / "submission.csv").open("w", newline="", encoding="utf-8") as file:
    writer = csv.writer(file)
    writer.writerow(["id", "y"])
    writer.writerows([row["id"], mean + steep * (area(row) - centre)] for row in test)
'''


def line(knob: float, more: str = "") -> str:
    """A good script; `more` is done once the data are read."""
    return _LINE.format(knob=knob, more=more)


def knobbed(trace: int, step: int) -> str:
    """The script of that step; after the last of `KNOBS` a little steeper each."""
    knobs = KNOBS[trace % len(KNOBS)]
    return line(knobs[step - 1] if step <= len(knobs) else 0.9 + step / 1000)


def small_task(folder: Path, **how: Any) -> Path:
    """A regression of a few rows."""
    return make_task(folder / "task", **{"rows": 90, "test_rows": 30, "split": "{kind: random, folds: 3}", **how})


def quick_task(folder: Path) -> Path:
    """The same with one split, for runs of which it does not matter how they judge: a trial runs its script once."""
    return small_task(folder, split="{kind: holdout}")


def writing(script_of: Callable[[int, int], str]) -> Callable[[Ask], Play]:
    """A model with one idea a step, that writes the script of that trace and step, and repairs nothing."""

    def turn(ask: Ask) -> Play:
        replies = _replies(ask)
        if ask.kind in replies:
            return say(json.dumps(replies[ask.kind]))
        return say(f"The script.\n\n```python\n{script_of(ask.trace, ask.step)}\n# asked by {ask.kind}\n```\n")

    return turn


def _replies(ask: Ask) -> dict[str, Any]:
    idea = {
        "statement": f"do the thing of step {ask.step} in trace {ask.trace}",
        "reason": "it may help",
        "challenge": 1,
        "component": "Model",
        "parameter": f"thing-{ask.trace}-{ask.step}",
        "direction": "on",
        "expected_gain": 0.1,
    }
    challenge = {
        "source": "scenario",
        "category": "model",
        "caption": "not good yet",
        "statement": "it is not good yet",
        "reasoning": "the figures",
        "metric_impact": "some",
    }
    return {
        "survey_task": {"challenges": [challenge]},
        "propose_step": {"candidates": [idea], "choice": [1], "reason": "the only one", "sketch": "just so"},
        "read_output": {"summary": "It is what it is."},
        "assess_trial": {
            "alignment": "aligned",
            "accept": True,
            "reason": "as it is",
            "observations": "It is what it is.",
            "hypothesis_verdict": "inconclusive",
            "challenges": [],
        },
    }


def small(task: Path, server: ModelServer, **changed: Any) -> Scenario:
    """A lockstep run of two traces and six trials; `changed` are other keys of the scenario."""
    return Scenario.model_validate(
        {
            "name": "small",
            "task": str(task),
            "traces": 2,
            "budget": {"trials": 6},
            "memory": {"consistency": "lockstep"},
            "seed": 7,
            "backends": {"scripted": {"kind": "openai", "model": "scripted", "base_url": server.base_url}},
            "roles": dict.fromkeys(("diagnoser", "proposer", "executor"), "scripted"),
            "executors": {
                "slots": 2,
                "threads": 1,
                "standby": False,
                "repairs": 1,
                "timeout": {"debug": "20s", "full": "20s"},
            },
            "method": {"finish": {"candidates": 2, "seeds": 1}},
            **changed,
        }
    )
