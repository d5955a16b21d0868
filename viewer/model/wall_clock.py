"""Wall-clock times of a run, whose log counts live seconds."""

from dataclasses import dataclass, field

from gome.agents.protocol.run_messages import SessionOpened
from gome.bus.message import Envelope

__all__ = ["WallClock"]


@dataclass(slots=True)
class WallClock:
    """The start of each session, in live seconds and in UTC seconds since 1970."""

    sessions: list[tuple[float, float]] = field(default_factory=list)

    def apply(self, envelope: Envelope) -> None:
        """Note a session; other messages change nothing."""
        if isinstance(envelope.message, SessionOpened):
            self.sessions.append((envelope.time, envelope.message.wall))

    def at(self, time: float) -> float:
        """UTC seconds since 1970 of a live time, by the session in which it lies; from 0 where there is none."""
        earlier = ((begun, wall) for begun, wall in reversed(self.sessions) if begun <= time)
        begun, wall = next(earlier, (self.sessions or [(0.0, 0.0)])[0])
        return wall + time - begun
