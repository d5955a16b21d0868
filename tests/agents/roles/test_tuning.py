"""One tuning suggestion after a trace's first full run: the better of both scripts is judged."""

from pathlib import Path
from typing import Any

import anyio

from gome.agents.backends.expert import ExpertBackend
from gome.agents.protocol.messages import Job, Trial, TuneCalled
from gome.agents.protocol.replies import Script
from gome.agents.protocol.run_messages import DeadlineReached
from gome.agents.roles.runner import Runner
from gome.agents.scripts.script_run import ScriptRan, ScriptRun
from gome.bus.message import Envelope
from gome.bus.store.artefacts import Artefacts
from gome.executors.launch import Cause
from tests.agents.helpers.evaluations import evaluation, run_of, trial_of
from tests.agents.helpers.finishing import Straight
from tests.agents.helpers.requests_made import tune_solution
from tests.agents.method.test_invariants import opened
from tests.agents.method.test_invariants import said as heard
from tests.agents.method.test_optimizers import Asked, envelopes_of


def tuned(folder: Path, score: Any, trials: int = 3, tuning: bool = True) -> list[Envelope]:
    changed = {"executors": {"slots": 1, "debug": False, "tuning": tuning}}
    return envelopes_of(Asked(0.0, 0.0, 1, 1, trials, score=score, changed=changed), folder)


def said(envelopes: list[Envelope], kind: type) -> list[Any]:
    return [each.message for each in envelopes if isinstance(each.message, kind)]


def test_the_first_full_run_is_tuned_once_and_the_better_script_is_judged(tmp_path: Path) -> None:
    envelopes = tuned(tmp_path / "run", lambda number: 1.0 / number)
    assert len(said(envelopes, TuneCalled)) == 1
    jobs, trials = said(envelopes, Job), said(envelopes, Trial)
    assert [job.tunes is not None for job in jobs] == [False, True, False, False]
    assert len(trials) == 3, "tuning is no trial of its own"
    assert (trials[0].script_ref, trials[0].evaluation.score) == (jobs[1].script_ref, 0.5)


def test_a_tuned_script_that_is_no_better_is_left(tmp_path: Path) -> None:
    envelopes = tuned(tmp_path / "run", float)
    assert said(envelopes, Trial)[0].script_ref == said(envelopes, Job)[0].script_ref


def test_it_is_off_unless_asked_for(tmp_path: Path) -> None:
    assert not said(tuned(tmp_path / "run", float, tuning=False), TuneCalled)


def nothing(*_: Any, **__: Any) -> Any:
    raise AssertionError("nothing is run and nothing put together")


def runner(folder: Path, forward: Any, assemble: Any) -> Runner:
    """One that has heard how the run began."""
    made = Runner(0, forward, Artefacts(folder), assemble)
    first = opened()
    settings = {**first.scenario, "executors": {"tuning": True}}
    made.apply(heard(first.model_copy(update={"scenario": settings}), 1, None, None))
    return made


def answer(made: Runner, job: Job) -> Trial:
    context: Any = Straight()
    (draft,) = anyio.run(made.handle, heard(job, 9, 0, 1), context)
    assert isinstance(draft.message, Trial)
    return draft.message


def test_when_the_time_is_over_the_good_trial_is_kept_and_its_tuned_script_not_run(tmp_path: Path) -> None:
    before = trial_of(evaluation(0.5, 0.6))
    made = runner(tmp_path, nothing, nothing)
    made.apply(heard(DeadlineReached(), 2, None, None))
    assert answer(made, Job(script_ref="tuned", attempt=2, notes="", tunes=before)) == before
    late = answer(made, Job(script_ref="other", attempt=1, notes=""))
    assert (late.late, late.cause) == (True, Cause.REFUSED)


def test_a_tuned_script_that_is_clearly_worse_is_stopped_like_any_other(tmp_path: Path) -> None:
    class Worse:
        def __init__(self) -> None:
            self.needed: list[str] = []

        async def run(self, request: ScriptRun, owner: str, *, over: anyio.Event, **_: Any) -> ScriptRan:
            split = int(request.view[-1])
            if split != 1:  # with which step 1 begins
                await over.wait()
                return ScriptRan.abandoned()
            self.needed.append(request.view)
            return ScriptRan(cause=Cause.OK, words="", evaluation=run_of(split, 9.0, -0.1, 0.0, 0.1))

    forward = Worse()
    before = trial_of(evaluation(*[1.0] * 5, replicates=((1.0, 1.1, 0.9),) * 5))
    made = runner(tmp_path, forward, nothing)
    assert answer(made, Job(script_ref="tuned", attempt=2, notes="", tunes=before)) == before
    assert forward.needed == ["split-1"]


def test_the_expert_leaves_a_script_whose_plan_it_does_not_know() -> None:
    request = tune_solution()
    answer = anyio.run(ExpertBackend().answer, request)
    assert Script.model_validate(answer.reply).script == request.script
