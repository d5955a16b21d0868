"""Explain why a run accepted no trial: the most common failure of its scripts, and a remedy."""

import math
from collections import Counter
from collections.abc import Iterator

from gome.agents.protocol.messages import RepairCalled, Trial
from gome.agents.scripts.execution import BUDGET_SPENT
from gome.agents.state.deadline import TIME_OVER
from gome.executors.launch import Cause
from gome.viewer import text
from gome.viewer.model.summary import Summary

__all__ = ["shortfall"]

_BY_TIME = (Cause.TIMEOUT, Cause.PROJECTED)
_LONGER = 3
"""Factor by which a longer limit is suggested; generous, because the machine may be even busier next time."""
_LEAST_TIME = 60.0
"""Seconds of a whole run that are suggested at least: scripts cut after a second tell little of their need."""


def shortfall(summary: Summary) -> str | None:
    """The most common cause of failed attempts, with a remedy; None where no script failed.

    Steps that the run's end left unfinished count only where there are no other attempts.
    """
    attempts = list(_attempts(summary))
    failed = [each for each in attempts if each.cause != Cause.OK]
    if not failed:
        ended = [step.diagnosis.reason for step in summary.trials if step.diagnosis and step.verdict == "unfinished"]
        if attempts or not ended:
            return None
        reason = f"no script ran to its end; the first step was {ended[0]}"
        return f"{reason}; {_raised(summary, ['budget.time'])}" if TIME_OVER in reason else reason
    causes = Counter(each.cause for each in failed)
    cause, number = causes.most_common(1)[0]
    alike = [each for each in failed if each.cause == cause]
    words = Counter(each.words for each in alike).most_common(1)[0][0]
    reason = f"{number} of {text.several(causes.total(), 'failed attempt')} ended with {cause}: {text.line(words)}"
    if cause in _BY_TIME:
        met = Counter(_limit(each) for each in alike)
        return f"{reason}; {_raised(summary, [limit for limit, _ in met.most_common()])}"
    return f"{reason}; raise the limit with --set executors.memory" if cause == Cause.MEMORY else reason


def _attempts(summary: Summary) -> Iterator[RepairCalled | Trial]:
    """Every attempt to run a script, in the order of the steps."""
    for step in summary.trials:
        yield from step.repairs
        if step.trial is not None and not step.trial.late:
            yield step.trial


def _limit(attempt: RepairCalled | Trial) -> str:
    """The setting whose time limit the attempt exceeded."""
    return "budget.time" if BUDGET_SPENT in attempt.words else f"executors.timeout.{attempt.phase}"


def _raised(summary: Summary, limits: list[str]) -> str:
    """The options that raise these limits; without values where the run has no such setting."""
    scenario = summary.opened.scenario if summary.opened else {}
    timeouts = scenario.get("executors", {}).get("timeout", {})
    values = {f"executors.timeout.{name}": _LONGER * value for name, value in timeouts.items()}
    if time := summary.budget.get("time"):
        values["budget.time"] = max(_LONGER * time, _LEAST_TIME, _needed(summary))
    flags = [f"--set {each}={values[each]:.0f}s" if values.get(each) else f"--set {each}" for each in limits]
    return f"a busy machine needs longer limits: {' '.join(flags)}"


def _needed(summary: Summary) -> float:
    """Seconds of the budget in which the longest script that was run, cut or not, would run on every split."""
    runs = [each for each in summary.timeline.spans if each.executes]
    if not runs or summary.opened is None:
        return 0.0
    longest = max((summary.time if each.end is None else each.end) - each.start for each in runs)
    turns = math.ceil(len(summary.opened.splits) / max(1, summary.timeline.slots))
    share = 1 - float(summary.budget.get("finish") or 0)  # the rest is for the finish
    return (min(each.start for each in runs) + _LONGER * longest * turns) / share
