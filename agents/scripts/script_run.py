"""Recorded activity: one run of a script on one view of the data. Request, result, and the call."""

from collections.abc import Callable
from time import monotonic
from typing import Protocol, Self

import anyio

from gome.agents.protocol.activities import SCRIPT
from gome.agents.protocol.final_selection import Finalist, Shipped
from gome.agents.protocol.types import Record
from gome.agents.scripts.printed import PROGRESS
from gome.bus.actors.actor import ActivityResult, Context
from gome.executors.launch import Cause
from gome.scenarios.config.scenario import Scenario
from gome.scenarios.evaluation.views import ViewName, learns_from_all, view_of_split
from gome.scenarios.evidence import Evaluation

__all__ = ["FINISH", "LAST", "Forward", "Heat", "ScriptRan", "ScriptRun", "finish_run", "run_script", "shipped_views"]

FINISH = 0
"""Turn of the finish's runs: they get slots before the runs of all trials."""

LAST = 1_000
"""Runs of this turn or a later one use idle slots only: they come after all trials and stop when the finish begins."""

_TELL_EVERY = 0.1
"""Seconds between two lines of progress that are told; a script may print millions."""


class ScriptRun(Record):
    """Request: run a script on a view of the data with a seed, within `seconds`."""

    script_ref: str
    view: ViewName
    seed: int
    seconds: float


class ScriptRan(ActivityResult):
    """Result: how the run ended and what was measured; `evaluation` is None unless it ended well.

    `predictions_ref` refers to an array (`predictions.py`), `submission_ref` to its test rows as a table, which only
    views with all labels have (`learns_from_all`). `reused`: the outcome was taken from an earlier, equal run.
    `peak_memory` is in bytes.
    """

    cause: Cause
    words: str
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory: int = 0
    slot: int | None = None
    output_ref: str | None = None
    submission_ref: str | None = None
    predictions_ref: str | None = None
    evaluation: Evaluation | None = None
    reused: bool = False

    @classmethod
    def abandoned(cls, seconds: float = 0.0, slot: int | None = None) -> Self:
        """A run that was ended early, after `seconds` in `slot`; `slot` is None if it had none yet."""
        meter = {} if slot is None else {"scripts": 1.0, "script_seconds": seconds}
        words = "no longer needed: its trial was decided"
        return cls(cause=Cause.ABANDONED, words=words, seconds=seconds, slot=slot, meter=meter)

    @property
    def good(self) -> bool:
        """Whether the run ended well and its predictions are valid."""
        return self.cause is Cause.OK and self.evaluation is not None and self.evaluation.valid


def finish_run(scenario: Scenario, script_ref: str, view: ViewName, column: int) -> ScriptRun:
    """The run that the finish requests: the seed is that of the trials + 1 + `column`; what is submitted uses theirs.

    `column` numbers the seeds of the finish from 0.
    """
    seed = scenario.seed if learns_from_all(view) else scenario.seed + 1 + column
    return ScriptRun(script_ref=script_ref, view=view, seed=seed, seconds=scenario.executors.timeout.full)


def shipped_views(shipped: Shipped, member: Finalist) -> list[ViewName]:
    """The views whose predictions a member of the submission contributes."""
    if shipped.mode == "refit":
        return ["full"]
    return [view_of_split(split, whole=shipped.whole) for split in member.splits]


class Forward(Protocol):
    """Runs scripts for the roles."""

    async def run(
        self,
        request: ScriptRun,
        owner: str,
        *,
        turn: int = 1,
        over: anyio.Event | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> ScriptRan:
        """Run a script. Slots go to lower turns first; the run is abandoned once `over` is set.

        `owner` identifies the role that asks, for fair sharing of slots. `on_line` is called with each printed line.
        """


class Heat:
    """Shared state of the concurrent runs of one script: the event `over` that ends them, and their request order.

    The order must be enforced because each request is recorded first, which takes varying time.
    """

    def __init__(self, count: int) -> None:
        self.over = anyio.Event()
        self._asked = [anyio.Event() for _ in range(count)]

    async def in_turn(self, place: int) -> None:
        """Wait until all earlier places (counted from 0) are requested or ended; then mark this one as requested."""
        for earlier in self._asked[:place]:
            await earlier.wait()
        self.ended(place)

    def ended(self, place: int) -> None:
        """Mark this run as requested or ended, so that later runs need not wait for it."""
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
    """Run a script as a recorded activity with that label; its progress lines go to telemetry.

    `place` is the position of this run in `heat`, from 0. Raises as `Forward.run`.
    """

    told = monotonic() - _TELL_EVERY

    def on_line(line: str) -> None:
        nonlocal told
        if PROGRESS.match(line) and monotonic() - told >= _TELL_EVERY:
            told = monotonic()
            context.tell("progress", line=line.strip()[:80], view=request.view, label=label)

    async def call() -> ScriptRan:
        if heat is not None:
            await heat.in_turn(place)
        over = heat.over if heat is not None else None
        return await forward.run(request, owner, turn=turn, over=over, on_line=on_line)

    return await context.perform(SCRIPT, request, ScriptRan, call, label=label)
