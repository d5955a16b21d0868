"""What roles share that work on a trace's accepted solutions when slots have nothing else to do."""

from gome.agents.protocol.run_messages import SessionOpened
from gome.agents.roles.role import Role
from gome.agents.scripts.script_run import Forward
from gome.bus.message import Envelope
from gome.bus.store.artefacts import Artefacts

__all__ = ["IdleRole"]


class IdleRole(Role):
    """Hears each diagnosis of its trace, and knows how many slots there are. All else stands in a diagnosis."""

    handles = frozenset({"diagnosis"})
    notes = frozenset({"run_opened", "session_opened"})

    def __init__(self, role: str, trace: int, forward: Forward, artefacts: Artefacts) -> None:
        super().__init__(role, trace, artefacts)
        self.forward = forward
        self.slots = 1

    def remember(self, envelope: Envelope) -> None:
        """Keep how many slots there are."""
        if isinstance(envelope.message, SessionOpened):
            self.slots = envelope.message.slots
