"""What the user has asked of a trace while it runs: state of its Proposer and Runner, computed from messages."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from gome.agents.protocol.hint import Hint, avoided
from gome.agents.protocol.messages import Proposal
from gome.agents.protocol.run_messages import HintGiven, ProposalReviewed
from gome.agents.protocol.types import Underway
from gome.bus.message import Envelope
from gome.executors.precheck import avoided_imports, why_refused

__all__ = ["Hints"]


@dataclass(slots=True)
class Hints:
    """The hints by the id of their message, in log order, and the scripts that have not been started yet."""

    given: dict[str, Hint] = field(default_factory=dict)
    scripts: dict[str, str] = field(default_factory=dict)

    def heard(self, envelope: Envelope) -> None:
        """Apply a hint, also of a rejection, or the proposal that starts its script; others change nothing."""
        match envelope.message:
            case HintGiven() as hint:
                self._hold(envelope.id, hint.hint)
                if hint.script_ref is not None:
                    self.scripts[envelope.id] = hint.script_ref
            case ProposalReviewed() as review:
                self._hold(envelope.id, review.hint)
            case Proposal(action="start") as proposal:
                for name in proposal.hints:
                    self.scripts.pop(name, None)
            case _:
                pass

    def _hold(self, name: str, hint: Hint) -> None:
        """Drop what the hint withdraws, and keep what else it says."""
        for each in hint.withdraw:
            self.given.pop(each, None)
        rest = hint.model_copy(update={"withdraw": ()})
        if rest != Hint():
            self.given[name] = rest

    @property
    def script(self) -> tuple[str, str] | None:
        """The oldest script to start, with the id of its hint; None where there is none."""
        return next(((name, ref) for name, ref in self.scripts.items()), None)

    @property
    def avoided(self) -> tuple[str, ...]:
        """What the user asks to avoid, as it stands."""
        return avoided(self.given.values())

    def marked(self, underway: Iterable[Underway]) -> tuple[Underway, ...]:
        """What others try, each with what it names of that which the user asks to avoid."""
        return tuple(each.model_copy(update={"unwanted": self._named(each)}) for each in underway)

    def _named(self, step: Underway) -> tuple[str, ...]:
        said = _plain(" ".join(f"{each.statement} {each.parameter} {each.direction}" for each in step.hypotheses))
        return tuple(each for each in self.avoided if f" {_plain(each.rpartition('.')[2])} " in f" {said} ")

    def imported(self, script: str) -> tuple[str, ...]:
        """What the user asks to avoid and the script imports."""
        return tuple(sorted(avoided_imports(script, self.avoided)))

    def refuses(self, script: str) -> tuple[str, tuple[str, ...]] | None:
        """Why a script is not run, with the ids of the hints that forbid what it imports; None where it may run."""
        found = avoided_imports(script, self.avoided)
        if not found:
            return None
        names = tuple(name for name, hint in self.given.items() if not found.keys().isdisjoint(hint.avoid))
        return f"{why_refused(sorted(found.values()))}; use something else for it", names


def _plain(words: str) -> str:
    """Words in small letters, without signs, so that `scikit-learn` is found however it is written."""
    return " ".join(re.findall(r"[a-z0-9]+", words.lower()))
