"""One run of a script on one view of the data, as a recorded activity: what is asked, and what came of it."""

import re
from collections.abc import Callable
from typing import Protocol, Self

import anyio

from gome.agents.protocol.types import Record
from gome.bus.actors.actor import ActivityResult, Context
from gome.executors.launch import Cause
from gome.scenarios.config.scenario import Scenario
from gome.scenarios.evaluation.views import ViewName
from gome.scenarios.evidence import Evaluation

__all__ = ["FINISH", "LAST", "Forward", "Heat", "ScriptRan", "ScriptRun", "finish_run", "run_script"]

FINISH = 0
"""The turn of the finish's runs: before those of all trials."""

LAST = 1_000
"""From this turn on come runs that only use idle slots: after those of all trials, and none once the finish begins."""

_PROGRESS = re.compile(r"^\s*(split|epoch|loss)\b")


class ScriptRun(Record):
    """One run of a script: on which view of the data, with which seed, within how many seconds."""

    script_ref: str
    view: ViewName
    seed: int
    seconds: float


class ScriptRan(ActivityResult):
    """How it ended and what was measured; `evaluation` is None where it did not end well.

    `predictions_ref` is an array (`predictions.py`), `submission_ref` its test rows as a table, kept of the full view
    alone. `reused`: this same run had been made before, and its outcome was taken from there.
    """

    cause: Cause
    words: str
    seconds: float = 0.0
    peak_memory: int = 0
    slot: int | None = None
    output_ref: str | None = None
    submission_ref: str | None = None
    predictions_ref: str | None = None
    evaluation: Evaluation | None = None
    reused: bool = False

    @classmethod
    def abandoned(cls, seconds: float = 0.0, slot: int | None = None) -> Self:
        """A run that was not seen to its end, after so many seconds in a slot; None where it had none yet."""
        meter = {} if slot is None else {"scripts": 1.0, "script_seconds": seconds}
        words = "not needed any more: its trial was decided"
        return cls(cause=Cause.ABANDONED, words=words, seconds=seconds, slot=slot, meter=meter)

    @property
    def good(self) -> bool:
        """Whether it ended well and its predictions are as asked."""
        return self.cause is Cause.OK and self.evaluation is not None and self.evaluation.valid


def finish_run(scenario: Scenario, script_ref: str, view: ViewName, column: int) -> ScriptRun:
    """What the finish asks for: seeds count from that of the trials on; a refit on all rows has theirs."""
    seed = scenario.seed if view == "full" else scenario.seed + 1 + column
    return ScriptRun(script_ref=script_ref, view=view, seed=seed, seconds=scenario.executors.timeout.full)


class Forward(Protocol):
    """Whatever runs scripts for the Runner and the Finisher."""

    async def run(
        self,
        request: ScriptRun,
        owner: str,
        *,
        turn: int = 1,
        over: anyio.Event | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> ScriptRan:
        """Run a script for `owner`, who waits for a slot in that `turn`; it is abandoned once `over` is set.

        `on_line` is called with each line as it is printed.
        """


class Heat:
    """What the runs of one script share: whether they are `over`, and that they are asked for in their order.

    Each is recorded first, which takes one a little longer than another.
    """

    def __init__(self, count: int) -> None:
        self.over = anyio.Event()
        self._asked = [anyio.Event() for _ in range(count)]

    async def in_turn(self, place: int) -> None:
        """Wait until all before this place (from 0) were asked for, or have ended; this one then is."""
        for earlier in self._asked[:place]:
            await earlier.wait()
        self.ended(place)

    def ended(self, place: int) -> None:
        """Nobody waits for this one any more."""
        self._asked[place].set()


async def run_script(
    forward: Forward,
    request: ScriptRun,
    owner: str,
    context: Context,
    label: str,
    *,
    turn: int = 1,
    heat: Heat | None = None,
    place: int = 0,
) -> ScriptRan:
    """One run as a recorded activity of that label; the progress that the script announces goes to telemetry.

    `place` is its own in the `heat`.
    """

    def hear(line: str) -> None:
        if _PROGRESS.match(line):
            context.tell("progress", line=line.strip()[:80], view=request.view, label=label)

    async def call() -> ScriptRan:
        if heat is not None:
            await heat.in_turn(place)
        over = heat.over if heat is not None else None
        return await forward.run(request, owner, turn=turn, over=over, on_line=hear)

    return await context.perform("script", request, ScriptRan, call, label=label)
