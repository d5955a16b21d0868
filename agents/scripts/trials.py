"""The runs of a script as a trial, and why a run failed."""

from typing import Literal

from gome.agents.protocol.messages import Job, Trial
from gome.agents.scripts.joined_splits import Assembled
from gome.agents.scripts.script_run import ScriptRan
from gome.agents.scripts.split_runs import SplitRuns
from gome.executors.launch import Cause
from gome.scenarios.evaluation.views import split_of

__all__ = ["Phase", "trial_of", "view_of", "why_it_failed"]

Phase = Literal["check", "debug", "full"]


def why_it_failed(ran: ScriptRan) -> str:
    """Why a run failed, in one sentence."""
    if ran.cause is Cause.OK and ran.evaluation is not None and ran.evaluation.defects:
        return ran.evaluation.defects[0].message
    return ran.words


def view_of(ran: ScriptRan) -> str:
    """The view of a run that has an evaluation; else empty."""
    return ran.evaluation.view if ran.evaluation else ""


def trial_of(job: Job, phase: Phase, runs: SplitRuns, assembled: Assembled | None, *, late: bool = False) -> Trial:
    """The runs as a trial; its output is that of the failed run, else of the split whose claims the evaluation has."""
    ran = min(runs.runs, key=lambda each: split_of(view_of(each)) or 0) if runs.good else runs.last
    return Trial(
        script_ref=job.script_ref,
        attempts=job.attempt,
        phase=phase,
        cause=runs.last.cause,
        words=runs.stop.words if runs.stop else why_it_failed(runs.last),
        seconds=runs.seconds,
        cpu_seconds=runs.cpu_seconds,
        output_ref=ran.output_ref,
        submission_ref=assembled.submission_ref if assembled else None,
        oof_ref=assembled.oof_ref if assembled else None,
        evaluation=assembled.evaluation if assembled else runs.last.evaluation,
        stopped=runs.stop.why if runs.stop else None,
        late=late,
    )
