"""Whether the user lets the run open steps: state of the Director, computed from messages."""

from dataclasses import dataclass

from gome.agents.protocol.messages import StepOpened
from gome.agents.protocol.run_messages import DeadlineReached, FinishRequested, PauseRequested, SessionOpened
from gome.bus.message import Message

__all__ = ["Pause"]


@dataclass(slots=True)
class Pause:
    """`left` is the number of steps until the pause; None where none is asked for.

    Once the run is to finish (`over`), nothing pauses it until it is resumed with a new budget.
    """

    left: int | None = None
    over: bool = False

    def heard(self, message: Message) -> None:
        """Apply a request of the user, a step, or what ends a pause; other messages change nothing."""
        match message:
            case PauseRequested() as pause if not self.over:
                self.left = pause.after if pause.on else None
            case StepOpened() if self.left is not None:
                self.left = max(0, self.left - 1)
            case DeadlineReached() | FinishRequested():
                self.left, self.over = None, True
            case SessionOpened() as session:
                self.left, self.over = None, self.over and session.budget is None
            case _:
                pass

    @property
    def on(self) -> bool:
        """Whether no step may be opened now."""
        return self.left == 0

    def most(self, wanted: int, *, whole: bool) -> int:
        """How many of the wanted steps may be opened; with `whole` all of them, since a round is not divided."""
        return wanted if self.left is None or whole else min(wanted, self.left)
