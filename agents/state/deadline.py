"""The clock: a timer is a message like any other, appended when its time has come."""

import math

import anyio

from gome.agents.protocol.messages import DeadlineReached
from gome.bus.log import Log
from gome.bus.message import Draft
from gome.scenarios.config.scenario import Budget

__all__ = ["Countdown", "announce_deadline"]


class Countdown:
    """Live seconds until a budget's time is over; without end until it is set.

    It bounds what a script may take, and enters no decision: a script that it ends has its cause in the log. A trial's
    script may go on for half of the time that is kept for the finish, and the finish's own to the end.
    """

    def __init__(self) -> None:
        self._log: Log | None = None
        self._end = self._trials_end = math.inf

    def start(self, log: Log, budget: Budget) -> None:
        """Count from this log's live time to the end of that budget."""
        self._log = log
        self._end = math.inf if budget.time is None else budget.time
        self._trials_end = self._end * (1 - budget.finish / 2)

    def left(self, *, finishing: bool) -> float:
        """Seconds left for a trial's script or for one of the finish, at least 0."""
        if self._log is None:
            return math.inf
        return max(0.0, (self._end if finishing else self._trials_end) - self._log.elapsed())


async def announce_deadline(log: Log, budget: Budget) -> None:
    """Say DeadlineReached when the live time for trials is over: the budget's time less the finish's share.

    Returns at once where no time is set.
    """
    if budget.time is None:
        return
    await anyio.sleep(max(0.0, budget.time * (1 - budget.finish) - log.elapsed()))
    await log.append("clock", [Draft(DeadlineReached())])
