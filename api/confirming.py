"""Answer the proposals of a run that wait for the user, from the command line or a terminal."""

from pathlib import Path

from gome.agents.protocol.hint import Hint
from gome.agents.protocol.messages import VOCABULARY
from gome.agents.protocol.run_messages import ProposalOffered, ProposalReviewed
from gome.agents.runtime.inbox import Note, leave_note
from gome.agents.runtime.opening import scenario_of
from gome.api.hinting import by_the_expert
from gome.bus.message import Envelope
from gome.bus.store.reader import LogReader
from gome.errors import UsageError

__all__ = ["accept", "offers_of", "reject", "the_offer", "unread_reason"]

_KINDS = ("proposal_offered", "proposal_reviewed", "proposal", "diagnosis", "run_finished")
_LONGEST_SKETCH = 24_000
_LONGEST_REASON = 4_000


def offers_of(folder: Path) -> list[Envelope]:
    """The proposals of the run in `folder` that wait, oldest first. Raises as `LogReader`."""
    waiting: dict[tuple[int | None, int | None], Envelope] = {}
    with LogReader(folder, VOCABULARY) as reader:
        for each in reader.envelopes(kinds=_KINDS):
            match each.message:
                case ProposalOffered():
                    waiting[each.trace, each.step] = each
                case ProposalReviewed() as review:
                    waiting = {place: offer for place, offer in waiting.items() if offer.id != review.offer}
                case _:
                    waiting.pop((each.trace, each.step), None)
    return list(waiting.values())


def the_offer(folder: Path, step: str | None = None) -> Envelope:
    """The proposal that waits, or the one of `step` (`trace.step`). Raises UsageError where it is not one."""
    waiting = {f"{each.trace}.{each.step}": each for each in offers_of(folder)}
    if step is not None and step not in waiting:
        raise UsageError(f"no proposal of step {step} waits; {', '.join(waiting) or 'nothing'} does")
    if not waiting:
        raise UsageError(f"no proposal of run {folder.name} waits for you")
    if step is None and len(waiting) > 1:
        raise UsageError(f"several proposals wait: {', '.join(waiting)}; choose one with --step")
    return waiting[step] if step is not None else next(iter(waiting.values()))


def accept(folder: Path, offer: Envelope, sketch: str | None = None) -> str:
    """Have an offered proposal written, with `sketch` in place of its own; return the note's name.

    Raises UsageError where its script is written already, so that a sketch would change nothing, or `sketch` is empty
    or too long.
    """
    if sketch is not None and isinstance(offer.message, ProposalOffered) and offer.message.written:
        raise UsageError("the script of this proposal exists already, so it can be accepted or rejected, not edited")
    if sketch is not None and not 0 < len(sketch.strip()) <= _LONGEST_SKETCH:
        raise UsageError(f"a sketch has between 1 and {_LONGEST_SKETCH} characters, not {len(sketch.strip())}")
    return leave_note(folder, Note(kind="accept", offer=offer.id, sketch=sketch))


def reject(folder: Path, offer: Envelope, reason: str) -> str:
    """Have another proposal made in place of this one; return the note's name. Raises UsageError for a long reason.

    The rejection is a hint to this proposal and to those after it. Its ideas are avoided at this step, and a single one
    from then on.
    """
    if len(reason) > _LONGEST_REASON:
        raise UsageError(
            f"a reason of {len(reason)} characters is too long for a prompt; the limit is {_LONGEST_REASON}"
        )
    ideas = offer.message.hypotheses if isinstance(offer.message, ProposalOffered) else ()
    statements = "; ".join(each.statement for each in ideas)
    words = f'rejected was "{statements[:400]}"' + (f": {reason.strip()}" if reason.strip() else "")
    avoid = tuple(f"{each.parameter} {each.direction}" for each in ideas) if len(ideas) == 1 else ()
    return leave_note(folder, Note(kind="reject", offer=offer.id, hint=Hint(words=words, avoid=avoid)))


def unread_reason(folder: Path, reason: str) -> str:
    """What the user should know of the reason of a rejection: that the rule-based expert does not read it; else empty.

    The ideas that were rejected are avoided without it. Raises as `LogReader`.
    """
    if not reason.strip() or not by_the_expert(scenario_of(folder)):
        return ""
    return (
        "this run's proposals come from the rule-based expert, which does not read the reason: it proposes its next "
        "best idea; say what it should be by gome hint, with --avoid and --prefer, such as --prefer linear"
    )
