"""Why a run accepted nothing: what its scripts ended with, in words for the one who started it."""

from collections import Counter
from collections.abc import Iterator

from gome.agents.protocol.messages import RepairCalled, Trial
from gome.agents.scripts.execution import BUDGET_SPENT
from gome.executors.launch import Cause
from gome.viewer import text
from gome.viewer.model.summary import Summary

__all__ = ["shortfall"]

_BY_TIME = (Cause.TIMEOUT, Cause.PROJECTED)
_LONGER = 3
"""How many times as long a limit is proposed: a machine that is busy now may be busier then."""


def shortfall(summary: Summary) -> str | None:
    """What most of the attempts that failed ended with, and what may help; None where no script failed.

    Trials that were not run because the time was over say nothing of the scripts; they count where there is no other.
    """
    attempts = list(_attempts(summary))
    failed = [each for each in attempts if each.cause != Cause.OK]
    if not failed:
        late = any(step.trial is not None and step.trial.late for step in summary.trials)
        said = f"the time for trials was over before a script had ended; {_raised(summary, ['budget.time'])}"
        return said if late and not attempts else None
    causes = Counter(each.cause for each in failed)
    cause, number = causes.most_common(1)[0]
    alike = [each for each in failed if each.cause == cause]
    words = Counter(each.words for each in alike).most_common(1)[0][0]
    said = f"{number} of {text.several(causes.total(), 'failed attempt')} ended with {cause}: {text.line(words)}"
    if cause in _BY_TIME:
        met = Counter(_limit(each) for each in alike)
        return f"{said}; {_raised(summary, [limit for limit, _ in met.most_common()])}"
    return f"{said}; the limit is executors.memory, by --set" if cause == Cause.MEMORY else said


def _attempts(summary: Summary) -> Iterator[RepairCalled | Trial]:
    """Every attempt at a script that was run, in the order of the steps."""
    for step in summary.trials:
        yield from step.repairs
        if step.trial is not None and not step.trial.late:
            yield step.trial


def _limit(attempt: RepairCalled | Trial) -> str:
    """The setting that ended an attempt for its time."""
    return "budget.time" if BUDGET_SPENT in attempt.words else f"executors.timeout.{attempt.phase}"


def _raised(summary: Summary, limits: list[str]) -> str:
    """What to type to have longer limits; without figures where the run does not say what they were."""
    scenario = summary.opened.scenario if summary.opened else {}
    timeouts = scenario.get("executors", {}).get("timeout", {})
    known = {f"executors.timeout.{name}": value for name, value in timeouts.items()}
    known["budget.time"] = summary.budget.get("time")
    flags = [f"--set {each}={_LONGER * known[each]:.0f}s" if known.get(each) else f"--set {each}" for each in limits]
    return f"a busy machine needs longer limits: {' '.join(flags)}"
