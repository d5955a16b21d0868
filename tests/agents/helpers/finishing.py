"""Two finalists whose predictions are off by so much, in a house where all else is real."""

from collections.abc import Awaitable, Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import numpy as np
import pandas as pd

from gome.agents.protocol.final_selection import Finalist
from gome.agents.protocol.run_messages import FinishCalled, RunFinished
from gome.agents.roles.director import Director
from gome.agents.roles.finisher import (
    Averaged,
    Averaging,
    Blended,
    Blending,
    Ensembled,
    Ensembling,
    Finisher,
    Graded,
    Grading,
)
from gome.agents.runtime.resources import score_mean, select_members
from gome.agents.scripts.predictions import packed
from gome.agents.scripts.script_run import ScriptRan, ScriptRun
from gome.bus.message import Envelope, Message
from gome.bus.store.artefacts import Artefacts
from gome.executors.launch import Cause
from gome.scenarios.evaluation.blending import predictions_table
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.evaluation.views import learns_from_all, make_view
from gome.scenarios.evidence import Evaluation
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.task import Task
from tests.agents.method.test_invariants import opened, said
from tests.scenarios.helpers.make_task import make_task

__all__ = ["Shop", "Straight", "asked_to_finish"]

SEED = 1


class Shop:
    """Scripts `first` and `second` are off by so much, models of a split by `split_models`, where given, and `wobble`.

    `fails` are views on which every script fails; `ran` is what was run: view, script and seed.
    """

    def __init__(
        self,
        folder: Path,
        first: float,
        second: float,
        split_models: float | None = None,
        split: str | None = None,
        fails: Collection[str] = (),
        wobble: float = 0.0,
    ) -> None:
        self.task = Task.load(make_task(folder / "task", split=split))
        self.harness = Harness(self.task, folder / "views", seed=SEED)
        self.artefacts = Artefacts(folder)
        self.off = {"first": first, "second": second}
        self.split_models, self.wobble = split_models, wobble
        self.fails = fails
        self.ran: list[tuple[str, str, int]] = []
        self.graded: list[str] = []
        self.context = Straight()

    def predicted(self, view: str, script: str) -> Array:
        """The truth of the withheld rows and something of the test's, off by so much."""
        off: Array | float = self.off[script]
        withheld = self.task.truth[make_view(self.task, "full" if view == "splits" else view, SEED, 0.2).withheld]
        more = 0.25 if view == "full" else int(view[-1]) if view.startswith("whole") else 0.0
        test = np.arange(len(self.task.test), dtype=float)[:, None] % 7 + more
        if view.startswith("holdout-") and self.split_models is not None:
            off = self.split_models + self.wobble * np.sin(np.arange(len(withheld) + len(test)))[:, None]
        return np.concatenate([withheld, test]) + off

    def submitted(self, view: str, script: str) -> pd.DataFrame:
        """What such a script would submit."""
        return pd.read_csv(self.artefacts.path(self._submission(view, script)))

    def shipped(self, finished: RunFinished) -> pd.DataFrame:
        """What was submitted."""
        assert finished.submission_ref is not None
        return pd.read_csv(self.artefacts.path(finished.submission_ref))

    def _submission(self, view: str, script: str) -> str:
        return self.artefacts.put_now(self.harness.submission(self.predicted(view, script)))

    def _out_of_fold(self, script: str) -> str:
        """Out-of-fold predictions for all training rows, off by so much."""
        task = self.task
        return predictions_table(task.train[task.brief.id_column], task.truth + self.off[script], task.brief)

    async def run(
        self,
        request: ScriptRun,
        owner: str,
        *,
        turn: int = 1,
        over: anyio.Event | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> ScriptRan:
        assert on_line is not None, "the Finisher hears how far its runs are"
        assert (turn, over) == (0, None), f"{owner} goes before all trials"
        for line in ("reading", f"epoch {request.seed}/9", "done"):
            on_line(line)
        self.ran.append((request.view, request.script_ref, request.seed))
        if request.view in self.fails:
            return ScriptRan(cause=Cause.EXIT, words="exit 1")
        predictions = self.predicted(request.view, request.script_ref)
        of_all = learns_from_all(request.view)
        return ScriptRan(
            cause=Cause.OK,
            words="",
            seconds=1.0,
            predictions_ref=self.artefacts.put_now(packed(predictions)),
            submission_ref=self._submission(request.view, request.script_ref) if of_all else None,
            evaluation=Evaluation(view=request.view)
            if of_all
            else self.harness.score_mean(request.view, [predictions]),
        )

    async def blend(self, request: Blending) -> Blended:
        return await anyio.to_thread.run_sync(score_mean, self.harness, self.artefacts, request)

    async def ensemble(self, request: Ensembling) -> Ensembled:
        return await anyio.to_thread.run_sync(select_members, self.harness, self.artefacts, request)

    async def average(self, request: Averaging) -> Averaged:
        paths = [self.artefacts.path(ref) for ref in request.submission_refs]
        mean = self.harness.blend(paths, request.weights)
        return Averaged(submission_ref=self.artefacts.put_now(mean))

    async def grade(self, request: Grading) -> Graded:
        self.graded.append(request.submission_ref)
        return Graded(grade=None)

    def finalist(self, script: str, step: int) -> Finalist:
        return Finalist(
            trace=0,
            step=step,
            script_ref=script,
            submission_ref=self._submission("splits", script),
            score=0.5,
            standard_error=0.1,
            seconds=1.0,
            splits=tuple(range(len(self.harness.splits))),
            oof_ref=self.artefacts.put_now(self._out_of_fold(script)),
        )

    def finish(self, compares: bool = True, members: int = 4, **settings: Any) -> RunFinished:
        """The end of a run with these settings of the finish, and two seeds."""
        finisher = Finisher(self, self.grade, self, self.artefacts)
        first = opened()
        scenario = {**first.scenario, "method": {"finish": settings}}
        finisher.apply(said(first.model_copy(update={"scenario": scenario, "task": self.task.brief}), 1, None, None))
        finalists = (self.finalist("first", 3), self.finalist("second", 5))
        call = FinishCalled(
            finalists=finalists, seeds=2, reason="enough", compares=compares, pool=finalists, members=members
        )
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


def asked_to_finish(director: Director, asked: Envelope) -> Message:
    """What a director says to it."""
    director.apply(asked)
    context: Any = Straight()
    (answer,) = anyio.run(director.handle, asked, context)
    return answer.message
