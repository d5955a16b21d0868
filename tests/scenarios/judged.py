"""Scripts as a run's own Runner has them run and examined, but in this process: much faster than in one of their own.

What becomes of a script is the Runner's and the harness's work alone; here only the launching is another.
"""

import contextlib
import io
import runpy
import sys
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from unittest import mock

import anyio
from threadpoolctl import threadpool_limits

from agents.examination import Examined, Examining
from agents.forward import ScriptRan, ScriptRun
from agents.messages import Job, Trial
from agents.runner import Runner
from agents.workshop import compare_runs
from bus.artefacts import Artefacts
from executors.launch import Cause
from scenarios.evidence import Evaluation
from scenarios.harness import FILES, Harness
from tests.agents.test_invariants import opened, said
from tests.agents.test_invariants import trial as accepted_trial

__all__ = ["InProcess", "judge"]


class InProcess:
    """A forward pass whose scripts run here, one at a time. `views` are those that it ran on, in order."""

    def __init__(self, harness: Harness, folder: Path) -> None:
        self.harness = harness
        self.folder = folder
        self.artefacts = Artefacts(folder)
        self.views: list[str] = []

    async def run(self, request: ScriptRun, owner: str, **_: Any) -> ScriptRan:
        self.views.append(request.view)
        source = self.artefacts.text_now(request.script_ref)
        out = self.folder / f"{len(self.views)}-{request.view}"
        out.mkdir(parents=True)
        (self.folder / "solution.py").write_text(source, encoding="utf-8")
        arguments = ["--data", str(self.harness.data(request.view)), "--out", str(out), "--seed", str(request.seed)]
        arguments += ["--debug"] if request.view == "debug" else []
        try:
            _run(self.folder / "solution.py", arguments)
        except (ValueError, KeyError) as error:  # what the scripts of our tests end with
            return ScriptRan(cause=Cause.EXIT, words=f"it ended with {error!r}")
        files = {name: out / name for name in FILES if (out / name).exists()}
        evaluation = self.harness.evaluate(request.view, files, source)
        refs = {name: self.artefacts.put_now(path.read_bytes()) for name, path in files.items()}
        return ScriptRan(
            cause=Cause.OK,
            words="",
            submission_ref=refs.get("submission.csv"),
            oof_ref=refs.get("oof.csv"),
            evaluation=evaluation,
        )

    async def examine(self, request: Examining) -> Examined:
        return compare_runs(self.harness, self.artefacts, request)


class _Straight:
    """A context that performs activities and records none."""

    async def perform(self, kind: str, request: Any, of: Any, call: Callable[[], Awaitable[Any]], label: str) -> Any:
        return await call()


def judge(
    harness: Harness, source: str, folder: Path, best: Evaluation | None = None, **executors: Any
) -> tuple[Trial, list[str]]:
    """The trial of a script, and the views that it ran on. `best` is of its trace; `executors` are settings."""
    forward = InProcess(harness, folder)
    runner = Runner(0, forward, forward.artefacts, examiner=forward.examine)
    first = opened()
    scenario = {**first.scenario, "seed": 7, "executors": executors}
    runner.apply(said(first.model_copy(update={"scenario": scenario, "task": harness.task.brief}), 1, None, None))
    if best is not None:
        accepted = accepted_trial(1, "accepted", 1.0).model_copy(update={"evaluation": best})
        runner.apply(said(accepted, 2, 0, 1))
    job = Job(script_ref=forward.artefacts.put_now(source), attempt=1, notes="")
    context: Any = _Straight()
    (answer,) = anyio.run(runner.handle, said(job, 3, 0, 2), context)
    assert isinstance(answer.message, Trial), answer.message
    return answer.message, forward.views


def _run(script: Path, arguments: list[str]) -> None:
    silence = contextlib.redirect_stdout(io.StringIO())
    with mock.patch.object(sys, "argv", [str(script), *arguments]), warnings.catch_warnings(), silence:
        warnings.simplefilter("ignore")  # a script's warnings go to its output, and do not end it
        with threadpool_limits(1):
            runpy.run_path(str(script), run_name="__main__")
