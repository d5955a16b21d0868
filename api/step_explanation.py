"""Why a step was tried and what came of it, in a few lines."""

from collections.abc import Iterator

from gome.bus.message import Envelope
from gome.bus.store.reader import LogReader
from gome.viewer import text
from gome.viewer.model.message_lines import event_line
from gome.viewer.model.steps import Step
from gome.viewer.queries.message import causes_of

__all__ = ["last_of", "why"]

_OF_A_STEP = frozenset({"diagnosis", "trial", "proposal", "step_opened"})


def why(reader: LogReader, step: Step) -> str:
    """The step's ideas with their reasons, its verdict, and the chain of messages that led to it."""
    lines = [*_words(step), "", *(event_line(each) for each in _causes(reader, step))]
    return text.clean("\n".join(lines))


def _words(step: Step) -> Iterator[str]:
    gain = f" ({step.gain_words})" if step.gain is not None else ""
    yield f"step {step.name}: {step.verdict}, score {step.score_words}{gain}"
    for each in step.hypotheses:
        yield f"tried    {each.component}: {each.statement}"
        yield f"because  {each.reason}"
    if step.proposal is not None and step.proposal.reason:
        yield f"chosen   {step.proposal.reason}"
    if step.proposal is not None and step.proposal.answer:
        yield f"asked    {step.proposal.answer}"
    if step.diagnosis is not None:
        yield f"verdict  {step.diagnosis.reason}"
        if step.diagnosis.finding:
            yield f"taught   {step.diagnosis.finding}"


def _causes(reader: LogReader, step: Step) -> list[Envelope]:
    """The causes of the step's last message, the first cause first."""
    last = last_of(reader, step)
    return causes_of(reader, last) if last else []


def last_of(reader: LogReader, step: Step) -> str:
    """The id of the last message that says what became of a step; empty where there is none."""
    ends = list(reader.envelopes(kinds=_OF_A_STEP, trace=step.trace, step=step.step))
    return ends[-1].id if ends else ""
