"""The cross-examination of a script that may be kept: it is run on two views that differ in labels it must not use.

    probe ──► twin ──► verdict ──► the probe again, where the verdict hangs on it

What the views are and how they are compared stands in `scenarios/examination.py`; here is when, and what is recorded.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Literal

from agents.forward import ScriptRan
from agents.ideas import Record
from bus.actor import ActivityResult, Context
from executors.launch import Cause
from scenarios.evidence import LeakNote

__all__ = ["Examined", "Examiner", "Examining", "Written", "cross_examine"]

RunOn = Callable[[Literal["probe", "twin"]], Awaitable[ScriptRan]]
"""Runs the script on one of the views."""


class Written(Record):
    """What a script wrote on one view."""

    oof_ref: str
    submission_ref: str


class Examining(Record):
    """What is compared: the runs on both views, and the second one on the probe where there was one."""

    probe: Written
    twin: Written
    again: Written | None = None


class Examined(ActivityResult):
    """What the comparison shows; `undecided` where the probe must be run once more to tell."""

    leaks: tuple[LeakNote, ...]
    undecided: bool


Examiner = Callable[[Examining], Awaitable[Examined]]


async def cross_examine(run: RunOn, examiner: Examiner, seconds: float, context: Context) -> tuple[LeakNote, ...]:
    """What the examination shows of a script that has `seconds` for each run.

    A script that does not end well on these views is not examined, and that is noted; not where the run's own time
    was over.
    """
    probe = await run("probe")
    twin = await run("twin") if probe.good else probe
    if not twin.good:
        return _not_examined(twin, seconds)
    request = Examining(probe=_written(probe), twin=_written(twin))
    found = await _compared(request, examiner, context)
    if not found.undecided:
        return found.leaks
    again = await run("probe")
    if not again.good:
        return (*found.leaks, *_not_examined(again, seconds))
    return (await _compared(request.model_copy(update={"again": _written(again)}), examiner, context)).leaks


async def _compared(request: Examining, examiner: Examiner, context: Context) -> Examined:
    return await context.perform("examine", request, Examined, partial(examiner, request), label="examination")


def _written(ran: ScriptRan) -> Written:
    if ran.oof_ref is None or ran.submission_ref is None:
        raise ValueError("a run whose predictions are as asked has kept them")
    return Written(oof_ref=ran.oof_ref, submission_ref=ran.submission_ref)


def _not_examined(ran: ScriptRan, seconds: float) -> tuple[LeakNote, ...]:
    if ran.cause is Cause.TIMEOUT and ran.seconds < seconds:
        return ()
    defects = ran.evaluation.defects if ran.evaluation else ()
    why = defects[0].message if defects else ran.words
    words = f"it ran on all data and not on a sample with the same flags, so it could not be examined for leaks: {why}"
    return (LeakNote(code="not-examined", severity="mild", message=words[:400]),)
