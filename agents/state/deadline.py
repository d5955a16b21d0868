"""The end of a run's steps, by the user or by a deadline: a message that is appended when its time has come."""

import math
from dataclasses import dataclass

import anyio

from gome.agents.protocol.run_messages import DeadlineReached, FinishRequested, SessionOpened
from gome.bus.log import Log
from gome.bus.message import Draft, Message, Subscription
from gome.scenarios.config.scenario import Budget

__all__ = ["TIME_OVER", "Countdown", "Ending", "announce_deadline", "read_ending"]

TIME_OVER = "the time for trials was over"
_ENDING = frozenset({"deadline_reached", "finish_requested", "session_opened"})


@dataclass(slots=True)
class Ending:
    """Why no open step goes on (`why`), as shown to users; empty while steps go on.

    Actors compute one from the messages that they receive. A message may be handled after the end of the run was
    announced although it stands before that in the log: the process therefore has one of the whole log, which decides
    whether a model is asked. That decision is recorded as the answer, so a replay decides the same.
    """

    why: str = ""

    def heard(self, message: Message) -> None:
        """Apply a message: a deadline or a finish ends the steps, a session with a new budget lets them go on."""
        match message:
            case DeadlineReached():
                self.why = TIME_OVER
            case FinishRequested():
                self.why = "the run was asked to finish"
            case SessionOpened(budget=dict()):
                self.why = ""
            case _:
                pass


async def read_ending(log: Log, budget: Budget) -> Ending:
    """Whether the run of that log comes to its end, by all that stands in it and by its live time."""
    ending, after, asked = Ending(), 0, Subscription(kinds=_ENDING)
    while found := await log.read(after, log.head, asked):
        for envelope in found:
            ending.heard(envelope.message)
            after = envelope.seq
    if not ending.why and log.elapsed() >= _trials_end(budget):
        ending.heard(DeadlineReached())
    return ending


def _trials_end(budget: Budget) -> float:
    """Live seconds until the time for trials is over: the budget's time minus the finish's share."""
    return math.inf if budget.time is None else budget.time * (1 - budget.finish)


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


async def announce_deadline(log: Log, budget: Budget, ending: Ending) -> None:
    """Append DeadlineReached when the live time for trials is over.

    `ending` is told too. Nothing is appended where the finish has been called before, as another limit of the budget
    was used first. Returns at once if the budget has no time limit.
    """
    if budget.time is None:
        return
    await anyio.sleep(max(0.0, _trials_end(budget) - log.elapsed()))
    if not await _finishing(log):
        ending.heard(DeadlineReached())
        await log.append("clock", [Draft(DeadlineReached())])


async def _finishing(log: Log) -> bool:
    """Whether the finish was called, and no session has begun with another budget since."""
    finishing, after, asked = False, 0, Subscription(kinds=frozenset({"finish_called", "session_opened"}))
    while found := await log.read(after, log.head, asked):
        for envelope in found:
            message, after = envelope.message, envelope.seq
            finishing = message.budget is None and finishing if isinstance(message, SessionOpened) else True
    return finishing
