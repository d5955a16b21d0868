"""Small tasks of every kind, scenes and requests about them, and real runs of scripts, for the tests of the expert."""

import atexit
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gome.agents.backends.expert.code.compose import compose
from gome.agents.backends.expert.columns import with_joins
from gome.agents.backends.expert.first_solution import starting_plan
from gome.agents.backends.expert.plan import Plan
from gome.agents.backends.expert.situation import Scene
from gome.agents.protocol.requests import Workplace
from gome.agents.protocol.types import Hypothesis, Solution, TrialNote
from gome.scenarios.evaluation.harness import FILES, Harness
from gome.scenarios.evidence import Evaluation, ResidualSlice
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_kinds import KINDS
from tests.scenarios.helpers.make_task import make_task

BIKE = Path(__file__).parents[4] / "scenarios" / "tasks" / "bike-demand"
WORKPLACE = Workplace(python="3.11", packages={}, threads=1, memory_gib=4.0, debug_seconds=20.0, full_seconds=100.0)
SPLITS = {
    "time": "{kind: time, column: date, folds: 3}",
    "group": "{kind: group, column: shop, block: 2, folds: 3}",
    "holdout": "{kind: holdout}",
}


@dataclass(frozen=True)
class Place:
    """A task with its harness, in a folder of its own."""

    task: Task
    harness: Harness
    folder: Path

    @property
    def common(self) -> dict[str, Any]:
        """What every request says."""
        return {
            "task": self.task.brief,
            "profile": self.harness.profile,
            "workplace": WORKPLACE,
            "trace": 0,
            "step": 3,
            "seed": 11,
        }

    def plan(self, **changed: Any) -> Plan:
        return starting_plan(self.task.brief, self.harness.profile).model_copy(update=changed)

    def script(self, plan: Plan) -> str:
        return compose(self.task.brief, self.harness.profile, plan)

    def scene(self, plan: Plan, evaluation: Evaluation | None = None, *history: TrialNote) -> Scene:
        return Scene(self.task.brief, self.harness.profile, plan, evaluation, 0.0, WORKPLACE, history)

    def run(self, name: str, script: str, view: str = "", seed: int = 3) -> Evaluation:
        """Run a script as docs/contract.md says, as a fork of a warm interpreter, and judge what it wrote.

        It is run on the split that a trial begins with, where no other view is named.
        """
        view = view or self.harness.splits[0]
        out = self.folder / name
        out.mkdir()
        (out / "solution.py").write_text(script, encoding="utf-8")
        arguments = ["--data", str(self.harness.data(view)), "--out", str(out), "--seed", str(seed)]
        status = _warm().run(out / "solution.py", arguments, out)
        assert status == 0, out.with_name(f"{name}.stderr").read_text(encoding="utf-8")
        out.with_name(f"{name}.stdout").rename(out / "output")
        return self.harness.judge(view, {file: out / file for file in FILES}).evaluation


class _Warm:
    """One interpreter that has imported what scripts import, and forks for each script.

    What comes of a fork is what comes of a cold start, byte for byte (tests/executors/warm/test_warm.py).
    """

    def __init__(self) -> None:
        command = [sys.executable, "-W", "error::FutureWarning", str(Path(__file__).with_name("forks.py"))]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        atexit.register(self._end)

    def run(self, script: Path, arguments: list[str], workspace: Path) -> int:
        """The exit status of a script; its output is in files beside its workspace."""
        asked = {"script": str(script), "arguments": arguments, "workspace": str(workspace)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()


@cache
def _warm() -> _Warm:
    return _Warm()


def make_place(folder: Path, kind: str, metric: str, split: str | None = None, rows: int = 400) -> Place:
    """A made-up task of `kind` (regression, binary, multiclass)."""
    made = make_task(folder / "task", kind, metric=metric, split=SPLITS.get(split or ""), rows=rows)
    return _placed(made, folder)


def kind_place(folder: Path, kind: str) -> Place:
    """A made-up task with texts, pictures, side tables or days in a row."""
    KINDS[kind](folder / "task")
    return _placed(folder / "task", folder)


def bike_place(folder: Path) -> Place:
    """The quick start's task."""
    return _placed(BIKE, folder)


def _placed(made: Path, folder: Path) -> Place:
    task = Task.load(made)
    return Place(task, Harness(task, folder / "views", seed=5), folder)


def measured(place: Place, gap: float = 0.5, **changed: Any) -> Evaluation:
    """An evaluation with a gap between training and validation and a slice that errs."""
    lower = place.task.brief.direction == "minimize"
    score = 0.4 if lower else 0.7
    loss = score if lower else 1 - score
    train = loss * (1 - gap) if lower else 1 - loss * (1 - gap)
    columns = with_joins(place.harness.profile, place.plan()).columns
    features = [column for column in columns if column.role == "feature"]
    values: dict[str, Any] = {
        "view": "splits",
        "splits": (0, 1, 2),
        "planned": 3,
        "score": score,
        "folds": (score - 0.02, score + 0.01, score + 0.01),
        "train_folds": (train, train, train),
        "importance": {column.name: 1.0 / (place_ + 1) for place_, column in enumerate(features)},
        "residuals": tuple(
            ResidualSlice(feature=feature.name, value="3", rows=20, loss=0.9, share_of_loss=0.4, bias=0.7)
            for feature in features[:1]
        ),
    }
    return Evaluation(**(values | changed))


def solution(place: Place, plan: Plan, evaluation: Evaluation | None = None) -> Solution:
    return Solution(script=place.script(plan), evaluation=evaluation or measured(place), seconds=3.0)


def note(*hypotheses: Hypothesis, accepted: bool, step: int = 2) -> TrialNote:
    return TrialNote(
        trace=0,
        step=step,
        hypotheses=hypotheses,
        score=0.4,
        gain=0.01 if accepted else -0.01,
        accepted=accepted,
        reason="it was so",
        observations="",
    )
