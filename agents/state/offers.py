"""Proposals that wait for the user: state of a Proposer, computed from messages."""

from dataclasses import dataclass, field

from gome.agents.protocol.messages import Diagnosis, Proposal
from gome.agents.protocol.run_messages import ProposalOffered, ProposalReviewed
from gome.agents.protocol.types import Key
from gome.agents.state.deadline import Ending
from gome.bus.message import Envelope

__all__ = ["Offers", "offer_of"]


@dataclass(slots=True)
class Offers:
    """By step: the id and reference of the proposal that waits.

    `offered` has the ideas of offers by their ids, `rejected` by step those of proposals that the user rejected.
    Once the run comes to its end (`ending`), nobody is asked.
    """

    waiting: dict[int, tuple[str, str]] = field(default_factory=dict)
    offered: dict[str, tuple[Key, ...]] = field(default_factory=dict)
    rejected: dict[int, tuple[Key, ...]] = field(default_factory=dict)
    ending: Ending = field(default_factory=Ending)

    def heard(self, envelope: Envelope) -> None:
        """Apply an offer, its end, or what ends all offers; other messages change nothing."""
        step = envelope.step or 0
        self.ending.heard(envelope.message)
        match envelope.message:
            case ProposalOffered() as offer:
                self.waiting[step] = envelope.id, offer.proposal_ref
                self.offered[envelope.id] = tuple(each.key for each in offer.hypotheses)
            case ProposalReviewed(accepted=False) as review if review.offer in self.offered:
                self.rejected[step] = (*self.rejected.get(step, ()), *self.offered[review.offer])
            case Proposal() | Diagnosis():
                self.waiting.pop(step, None)
                self.rejected.pop(step, None)
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
