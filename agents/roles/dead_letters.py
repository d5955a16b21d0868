"""What follows from a dead letter: every (trace, step) ends in exactly one Diagnosis, even if a message of it died."""

from collections.abc import Sequence

from gome.agents.protocol.messages import Diagnosis
from gome.agents.protocol.run_messages import FinishCalled, RunFinished
from gome.bus.actors.actor import Actor
from gome.bus.events import DeadLetter
from gome.bus.message import Draft, Envelope
from gome.errors import GomeError

__all__ = ["conclude_dead_letter"]


def conclude_dead_letter(actor: Actor, envelope: Envelope, letter: DeadLetter) -> Sequence[Draft]:
    """The messages that close what the dead message left open.

    Raises GomeError where nobody is left to go on: the Director's own messages and the last step's diagnosis.
    """
    if isinstance(envelope.message, FinishCalled):
        return [Draft(_unfinished(envelope.message, letter))]
    if actor.name == "director" or envelope.trace is None or isinstance(envelope.message, Diagnosis):
        raise GomeError(f"{actor.name} cannot handle {envelope.kind} {envelope.id}: {letter.error}")
    return [Draft(_dead(letter), envelope.trace, envelope.step)]


def _dead(letter: DeadLetter) -> Diagnosis:
    reason = f"{letter.actor} gave up on {letter.message_kind} after {letter.attempts} attempts: {letter.error}"
    return Diagnosis.without_trial("dead", reason)


def _unfinished(call: FinishCalled, letter: DeadLetter) -> RunFinished:
    """Without a finish the best out-of-fold score decides."""
    return RunFinished(
        winner=call.finalists[0] if call.finalists else None,
        ranking=(),
        why=f"the finish failed ({letter.error}), so the best out-of-fold score decides",
        grade=None,
        trials=0,
        accepted=0,
        dead_letters=1,
    )
