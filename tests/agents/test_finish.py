"""The Finisher with a real harness: what ships where the finalists' mean is better than each, and where it is not."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import numpy as np
import pandas as pd
import pytest

from agents.director import Director
from agents.finisher import Blended, Blending, Finisher, Graded, Grading
from agents.forward import ScriptRan, ScriptRun
from agents.ideas import Finalist
from agents.messages import FinishCalled, FinishRequested, RunFinished, StepOpened
from agents.workshop import average
from bus.artefacts import Artefacts
from executors.launch import Cause
from scenarios.harness import Harness
from scenarios.tasks import Task
from scenarios.views import ViewName
from tests.agents.test_invariants import opened, said, trial
from tests.scenarios.make_task import make_task


class Shop:
    """Two finalists of whom one predicts as much too high as the other too low, in a house where all else is real."""

    def __init__(self, folder: Path, second: float) -> None:
        self.task = Task.load(make_task(folder / "task"))
        self.harness = Harness(self.task, folder / "views", seed=1)
        self.harness.prepare()
        self.artefacts = Artefacts(folder)
        self.off = {"first": 0.5, "second": second}
        self.graded: list[str] = []
        self.context = Straight()

    def predicted(self, view: ViewName, script: str) -> str:
        """The truth, where the training rows tell it, and 0 elsewhere; off by so much."""
        known = pd.read_csv(self.harness.data("full") / "train.csv").set_index("id")["y"]
        ids = pd.read_csv(self.harness.data(view) / "test.csv")["id"]
        values = known.reindex(ids).to_numpy()
        values = np.where(np.isnan(values), np.arange(len(ids)) % 7, values) + self.off[script]
        return self.artefacts.put_now(pd.DataFrame({"id": ids, "y": values}).to_csv(index=False))

    async def run(
        self, request: ScriptRun, owner: str, *, urgent: bool = False, on_line: Callable[[str], None] | None = None
    ) -> ScriptRan:
        assert on_line is not None, "the Finisher hears how far its runs are"
        for line in ("reading", f"split {request.seed}/5", "done"):
            on_line(line)
        ref = await anyio.to_thread.run_sync(self.predicted, "holdout", request.script_ref)
        files = {"submission.csv": self.artefacts.path(ref)}
        evaluation = self.harness.evaluate("holdout", files)
        return ScriptRan(cause=Cause.OK, words="", seconds=1.0, submission_ref=ref, evaluation=evaluation)

    async def blend(self, request: Blending) -> Blended:
        return await anyio.to_thread.run_sync(average, self.harness, self.artefacts, request)

    async def grade(self, request: Grading) -> Graded:
        self.graded.append(request.submission_ref)
        return Graded(grade=None)

    def finalist(self, script: str, step: int) -> Finalist:
        return Finalist(
            trace=0,
            step=step,
            script_ref=script,
            submission_ref=self.predicted("full", script),
            score=0.5,
            standard_error=0.1,
            seconds=1.0,
        )

    def finish(self, **settings: Any) -> RunFinished:
        finisher = Finisher(self, self.grade, self.artefacts, self.blend)
        first = opened()
        scenario = {**first.scenario, "method": {"finish": settings}}
        finisher.apply(said(first.model_copy(update={"scenario": scenario, "task": self.task.brief}), 1, None, None))
        finalists = (self.finalist("first", 3), self.finalist("second", 5))
        call = FinishCalled(finalists=finalists, seeds=2, reason="enough")
        context: Any = self.context
        (said_last,) = anyio.run(partial(finisher.handle, said(call, 2, None, None), context))
        assert isinstance(said_last.message, RunFinished)
        return said_last.message


class Straight:
    """A context that performs activities and records none; `told` is the telemetry."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []

    def tell(self, event: str, **detail: Any) -> None:
        self.told.append((event, detail))

    async def perform(self, kind: str, request: Any, of: Any, call: Callable[[], Awaitable[Any]], label: str) -> Any:
        return await call()


def test_the_mean_of_opposite_errors_ships(tmp_path: Path) -> None:
    shop = Shop(tmp_path, second=-0.4)
    finished = shop.finish()
    assert finished.winner is not None
    assert finished.winner.step == 5, "the winner is still the best script"
    blend = finished.blend
    assert blend is not None
    assert (blend.taken, blend.members) == (True, ((0, 5), (0, 3)))
    assert blend.scores == pytest.approx((0.05, 0.05))  # (0.5 − 0.4) / 2
    shipped = pd.read_csv(shop.artefacts.path(finished.submission_ref or ""))
    parts = [pd.read_csv(shop.artefacts.path(shop.predicted("full", script))) for script in ("first", "second")]
    assert shipped["id"].tolist() == parts[0]["id"].tolist()
    assert shipped["y"].tolist() == pytest.approx(((parts[0]["y"] + parts[1]["y"]) / 2).tolist())
    assert shop.graded == [finished.submission_ref], "what ships is what is graded"
    assert "is submitted" in finished.why


def test_a_mean_that_is_worse_than_the_best_stays_at_home(tmp_path: Path) -> None:
    shop = Shop(tmp_path, second=0.1)
    finished = shop.finish()
    assert finished.blend is not None
    assert (finished.blend.taken, finished.blend.submission_ref) == (False, None)
    assert finished.blend.mean == pytest.approx(0.3)
    assert finished.winner is not None
    assert shop.graded == [finished.winner.submission_ref]
    assert "is not taken" in finished.why


def test_each_hold_out_run_tells_its_own_progress(tmp_path: Path) -> None:
    shop = Shop(tmp_path, second=0.1)
    shop.finish()
    assert {event for event, _ in shop.context.told} == {"progress"}
    first = shop.context.told[0][1]["line"].partition("/")[0].removeprefix("split ")
    seeds = (int(first), int(first) + 1)
    assert [(detail["label"], detail["line"]) for _, detail in shop.context.told] == [
        (f"hold-out run of 0.{step}, seed {seed}", f"split {seed}/5") for step in (3, 5) for seed in seeds
    ]


def test_nothing_is_averaged_where_the_scenario_says_so(tmp_path: Path) -> None:
    shop = Shop(tmp_path, second=-0.4)
    finished = shop.finish(blend=False)
    assert finished.blend is None
    assert finished.winner is not None
    assert finished.submission_ref == finished.winner.submission_ref


def test_two_traces_with_the_same_predictions_send_one_finalist(tmp_path: Path) -> None:
    director = Director(Artefacts(tmp_path))
    director.apply(said(opened(), 1, None, None))
    for trace in (0, 1):
        director.apply(said(trial(0, "surveyed", 0.5).model_copy(update={"score": None}), 2, trace, 0))
    found = [(0, 1, "alike", 0.4), (1, 1, "alike", 0.4), (1, 2, "other", 0.5), (1, 3, "third", 0.3)]
    for number, (trace, step, ref, score) in enumerate(found, 3):
        director.apply(said(StepOpened(used=0.0, stage="improve"), number, trace, step))
        diagnosis = trial(step, "accepted", score).model_copy(update={"submission_ref": ref})
        director.apply(said(diagnosis, 10 + number, trace, step))
    asked = said(FinishRequested(), 20, None, None)
    director.apply(asked)
    context: Any = Straight()
    (answer,) = anyio.run(director.handle, asked, context)
    assert isinstance(answer.message, FinishCalled)
    told = [(each.trace, each.step, each.submission_ref) for each in answer.message.finalists]
    assert told == [(1, 3, "third"), (0, 1, "alike"), (1, 2, "other")], "best first, and two of trace 1"
