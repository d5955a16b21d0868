"""Deadlines: a timer is a message that is appended to the log when its time has come."""

import math

import anyio

from gome.agents.protocol.run_messages import DeadlineReached, SessionOpened
from gome.bus.log import Log
from gome.bus.message import Draft, Subscription
from gome.scenarios.config.scenario import Budget

__all__ = ["Countdown", "announce_deadline"]


class Countdown:
    """Live seconds until a budget's time is over; infinite until `start`.

    It only limits the run time of scripts and enters no decision: a script that it ends has its cause in the log. A
    trial's script may use half of the time reserved for the finish; the finish's own scripts may run to the end.
    """

    def __init__(self) -> None:
        self._log: Log | None = None
        self._end = self._trials_end = math.inf

    def start(self, log: Log, budget: Budget) -> None:
        """Count down from the log's live time to the end of the budget."""
        self._log = log
        self._end = math.inf if budget.time is None else budget.time
        self._trials_end = self._end * (1 - budget.finish / 2)

    def left(self, *, finishing: bool) -> float:
        """Seconds left for a script of the finish (`finishing`) or of a trial, at least 0."""
        if self._log is None:
            return math.inf
        return max(0.0, (self._end if finishing else self._trials_end) - self._log.elapsed())


async def announce_deadline(log: Log, budget: Budget) -> None:
    """Append DeadlineReached when the live time for trials is over: the budget's time minus the finish's share.

    Nothing is appended where the finish has been called before, as another limit of the budget was used first. Returns
    at once if the budget has no time limit.
    """
    if budget.time is None:
        return
    await anyio.sleep(max(0.0, budget.time * (1 - budget.finish) - log.elapsed()))
    if not await _finishing(log):
        await log.append("clock", [Draft(DeadlineReached())])


async def _finishing(log: Log) -> bool:
    """Whether the finish was called, and no session has begun with another budget since."""
    finishing, after, asked = False, 0, Subscription(kinds=frozenset({"finish_called", "session_opened"}))
    while found := await log.read(after, log.head, asked):
        for envelope in found:
            message, after = envelope.message, envelope.seq
            finishing = message.budget is None and finishing if isinstance(message, SessionOpened) else True
    return finishing
