"""Runs of the crossover benchmark (one optimizer, skill, task and seed each), and the bounds that normalise scores."""

import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio.to_thread
import numpy as np
import pandas as pd
from pydantic import BaseModel

from benchmarks.crossover.clock import Timed, timed
from benchmarks.crossover.work import works_of
from benchmarks.shared.runs import Counted, Played, Stage, commit, kept, open_stage
from gome.agents.protocol.messages import Diagnosis
from gome.agents.runtime.resources import Resources
from gome.bus.store.artefacts import Artefacts
from gome.scenarios.config.named_settings import with_preset
from gome.scenarios.config.scenario import Scenario
from gome.scenarios.evaluation.views import task_splits
from gome.scenarios.grading.grade import grade
from gome.scenarios.task.encoding import encode_predictions
from gome.scenarios.task.splits import split_weights
from gome.scenarios.task.task import Task

__all__ = ["ARMS", "Bench", "Cell", "Result", "open_bench", "scenario_of"]

_TREE: dict[str, Any] = {"optimizer": "tree-search", "traces": 1}
ARMS: dict[str, dict[str, Any]] = {
    "gome": {},
    "gome-paper": {"preset": "paper", "traces": 2},
    "tree-search": {**_TREE, "method": {"tree": {"drafts": 2}}},
    "tree-search-uct": {**_TREE, "method": {"tree": {"drafts": 2, "policy": "uct"}}},
    "tree-search-raced": {**_TREE, "method": {"tree": {"drafts": 2}, "racing": {"enabled": True}}},
    "best-of-n": {"optimizer": "best-of-n", "traces": 1},
    "without-reasoning": {"method": {"structured_reasoning": False}},
    "without-memory": {"method": {"success_memory": False}},
    "without-merge": {"method": {"kinds": ["edit", "bundle", "leap"]}},
    "without-racing": {"method": {"racing": {"enabled": False}}},
    "without-ensemble": {"method": {"finish": {"ensemble": 1}}},
    "without-errors": {"method": {"near_ties": "analysis"}},
    "without-near-ties": {"method": {"near_ties": "incumbent"}},
    "one-root": {"method": {"traces": {"root": 12}}},
    "one-trace": {"method": {"multi_trace": False}},
    "two-traces": {"traces": 2},
    "auto": {"optimizer": "auto"},
    "without-tuning": {"method": {"kinds": ["edit", "bundle", "merge", "leap", "return"]}},
    "without-suggestion": {"method": {"next_kind": {"suggest": False}}},
    "with-growing-margin": {"method": {"near_tie_growth": 0.2}},
}
"""Settings of each arm. A control spends its whole budget in one tree, which informs each step best.

`without-errors`: the model decides a near-tie, not the standard error.
"""
SLOTS = 2
"""Slots of the runs, also on the simulated clock."""


@dataclass(frozen=True)
class Cell:
    """Specification of one run."""

    arm: str
    skill: float
    task: str
    seed: int
    trials: int
    knowledge: float = 1.0

    @property
    def name(self) -> str:
        """Name of the run's log and result."""
        partial = f"-knows-{self.knowledge:g}" if self.knowledge < 1 else ""
        return f"{self.task}-{self.seed}-{self.arm}-{self.skill:g}-{self.trials}{partial}"


class Result(BaseModel):
    """Result of a run. `curve` is the normalised best validation score after each trial (0 constant, 1 oracle).

    `timeline` has each new best on the simulated clock: minutes, its validation and its private test score. The run's
    last trial ended after `minutes`, and its slots were occupied for `slot_minutes`.
    """

    arm: str
    skill: float
    task: str
    seed: int
    trials: int
    curve: tuple[float, ...]
    test: float
    accepted: float
    knowledge: float = 1.0
    timeline: tuple[tuple[float, float, float], ...] = ()
    minutes: float = 0.0
    slot_minutes: float = 0.0
    counted: Counted = Counted()
    commit: str = ""


@dataclass(frozen=True)
class Bounds:
    """Scores of (constant, oracle), on validation and on the private test."""

    validation: tuple[float, float]
    test: tuple[float, float]


@dataclass
class Bench:
    """One task with one seed, on which all arms are run."""

    stage: Stage
    bounds: Bounds

    async def run(self, cell: Cell) -> Result:
        """Make the run, or read its stored result."""

        async def make() -> Result:
            played = await self.stage.play(cell.name, scenario_of(cell), self.bounds.validation[0])
            return await anyio.to_thread.run_sync(self._result, cell, played)

        return await kept(self.stage.folder, cell.name, Result, make)

    def _result(self, cell: Cell, played: Played) -> Result:
        curve: list[float] = []
        for diagnosis in played.diagnoses:
            best = curve[-1] if curve else 0.0
            reached = _share(diagnosis.score, self.bounds.validation) if diagnosis.accepted else best
            curve.append(max(best, reached))
        final = played.finished.grade
        artefacts = self.stage.resources.forward.artefacts
        clock = timed(works_of(played.envelopes, artefacts), SLOTS)
        return Result(
            **vars(cell),
            curve=tuple(curve),
            test=_share(final.score if final else None, self.bounds.test),
            accepted=sum(diagnosis.accepted for diagnosis in played.diagnoses) / max(1, len(played.diagnoses)),
            timeline=tuple(self._bests(played, clock, artefacts)),
            minutes=max(clock.ends.values(), default=0.0) / 60,
            slot_minutes=clock.occupied / 60,
            counted=played.counted,
            commit=commit(),
        )

    def _bests(self, played: Played, clock: Timed, artefacts: Artefacts) -> Iterator[tuple[float, float, float]]:
        """Each solution that was the best of all traces when its trial ended on the clock."""
        places = [
            (clock.ends[each.trace, each.step], each.trace, each.step, each.message)
            for each in played.envelopes
            if isinstance(each.message, Diagnosis) and each.trace is not None and each.step and each.message.accepted
        ]
        best = -math.inf
        for end, *_, diagnosis in sorted(places, key=lambda place: place[:3]):
            reached = _share(diagnosis.score, self.bounds.validation)
            if reached <= best or diagnosis.submission_ref is None:
                continue
            best = reached
            table = self.stage.folder / "work" / f"{uuid4().hex}.csv"
            table.write_bytes(artefacts.read_now(diagnosis.submission_ref))
            graded = grade(self.stage.resources.task, table)
            table.unlink()
            yield end / 60, reached, _share(graded.score if graded else None, self.bounds.test)


def scenario_of(cell: Cell) -> Scenario:
    """The scenario of a cell: lockstep for reproducibility, without debug runs, with a small finish."""
    arm = ARMS[cell.arm]
    method = arm.get("method", {})
    return Scenario.model_validate(
        with_preset(
            {
                "name": "crossover",
                "task": cell.task,
                "memory": {"consistency": "lockstep"},
                "budget": {"trials": cell.trials},
                "seed": cell.seed,
                "backends": {"expert": {"kind": "expert", "skill": cell.skill, **_partial(cell)}},
                "roles": dict.fromkeys(("diagnoser", "proposer", "executor"), "expert"),
                "executors": {"slots": SLOTS, "threads": 1, "debug": False, "timeout": {"full": 30}},
                **arm,
                "method": {**method, "finish": {"candidates": 2, "seeds": 1, **method.get("finish", {})}},
            }
        )
    )


def _partial(cell: Cell) -> dict[str, Any]:
    """What the expert of each trace knows: drawn anew for each seed."""
    return {"knowledge": cell.knowledge, "knowledge_seed": cell.seed} if cell.knowledge < 1 else {}


def _share(score: float | None, bounds: tuple[float, float]) -> float:
    """(score − dummy) / (strong − dummy); 0 where there is no score."""
    dummy, strong = bounds
    return 0.0 if score is None else (score - dummy) / (strong - dummy)


@asynccontextmanager
async def open_bench(task_folder: Path, task: str, seed: int, folder: Path) -> AsyncIterator[Bench]:
    """Open the stage that all runs of a task and seed share, with the task's bounds."""
    scenario, name = scenario_of(Cell("gome", 1.0, task, seed, 1)), f"{task}-{seed}"
    async with open_stage(scenario, task_folder, name, folder, plain=True) as stage:
        bounds = await anyio.to_thread.run_sync(_bounds, task_folder, stage, folder / "work" / name)
        yield Bench(stage, bounds)


def _bounds(task_folder: Path, stage: Stage, place: Path) -> Bounds:
    """Scores of constants and of the oracle's predictions, computed like those of scripts."""
    resources, oracle_test = stage.resources, task_folder / "oracle_test.csv"
    best, constant = (grade(resources.task, each) for each in (oracle_test, _constant(task_folder, place, resources)))
    dummy = resources.harness.dummy_score()
    if dummy is None or best is None or constant is None:
        raise ValueError(f"the oracle of {resources.task.brief.name} has no score")
    oracle = _validated(task_folder / "oracle_train.csv", resources.task, stage.seed)
    return Bounds((dummy, oracle), (constant.score, best.score))


def _validated(oracle: Path, task: Task, seed: int) -> float:
    """Score of the oracle's predictions for the training rows, over the task's splits."""
    splits = task_splits(task, seed)
    predictions = encode_predictions(pd.read_csv(oracle, dtype=str), task.brief)
    scores = [task.metric.score(task.truth[split.valid], predictions[split.valid]) for split in splits]
    weights = split_weights(task.brief.split, range(len(splits)), [len(split.valid) for split in splits])
    return float(np.dot(weights, scores))


def _constant(task_folder: Path, place: Path, resources: Resources) -> Path:
    """A constant submission: shares of classes, the median or mean of values, or exp(mean of log(1 + y)) − 1."""
    train = pd.read_csv(task_folder / "prepared" / "public" / "train.csv")
    sample = pd.read_csv(task_folder / "prepared" / "public" / "sample_submission.csv")
    classes = resources.task.brief.classes
    if resources.task.brief.metric == "mae":
        sample["y"] = train["y"].median()
    elif resources.task.brief.metric == "rmse":
        sample["y"] = train["y"].mean()
    elif not classes:
        sample["y"] = np.expm1(np.log1p(train["y"]).mean())
    else:
        for name in sample.columns[1:]:
            sample[name] = (train["y"] == (name if len(classes) > 2 else classes[-1])).mean()
    sample.iloc[0, 1:] += 1e-6  # constant submissions are rejected
    sample.to_csv(place / "constant.csv", index=False)
    return place / "constant.csv"
