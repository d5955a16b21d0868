"""Proposals that wait for the user: state of a Proposer, computed from messages."""

from dataclasses import dataclass, field

from gome.agents.protocol.messages import Diagnosis, Proposal, Recollection
from gome.agents.protocol.run_messages import (
    DeadlineReached,
    FinishRequested,
    ProposalOffered,
    ProposalReviewed,
    SessionOpened,
)
from gome.bus.message import Envelope

__all__ = ["Offers", "offer_of"]


@dataclass(slots=True)
class Offers:
    """By step: the id and reference of the proposal that waits, and what was known when the step was opened.

    Once the run is to finish (`over`), nobody is asked until it is resumed with a new budget.
    """

    waiting: dict[int, tuple[str, str]] = field(default_factory=dict)
    known: dict[int, Recollection] = field(default_factory=dict)
    over: bool = False

    def heard(self, envelope: Envelope) -> None:
        """Apply an offer, its end, or what ends all offers; other messages change nothing."""
        step = envelope.step or 0
        match envelope.message:
            case Recollection() as recollection:
                self.known[step] = recollection
            case ProposalOffered() as offer:
                self.waiting[step] = envelope.id, offer.proposal_ref
            case Proposal() | Diagnosis():
                self.waiting.pop(step, None)
                self.known.pop(step, None)
            case DeadlineReached() | FinishRequested():
                self.over = True
            case SessionOpened() as session:
                self.over = self.over and session.budget is None
            case _:
                pass

    def answered(self, step: int, review: ProposalReviewed) -> str | None:
        """The reference of the proposal that a review is about; None where it waits no longer."""
        name, ref = self.waiting.get(step, ("", ""))
        return ref if name == review.offer else None


def offer_of(proposal: Proposal, proposal_ref: str) -> ProposalOffered:
    """The question to the user about a proposal."""
    return ProposalOffered(
        hypotheses=proposal.hypotheses,
        reason=proposal.reason,
        sketch=proposal.sketch,
        proposal_ref=proposal_ref,
        written=proposal.script_ref is not None or proposal.step_kind == "tune",
    )
