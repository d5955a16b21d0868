"""`memory`: the success memory, as it is or as it was at a message."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from agents.messages import Diagnosis, Recollection
from bus.message import Envelope
from viewer import text
from viewer.commands.options import Json, Run, Runs, folder_of
from viewer.headline import idea, place
from viewer.output import emit, hint, say, table
from viewer.store import open_reader

__all__ = ["Entry", "memory"]


@dataclass(frozen=True)
class Entry:
    """A validated idea in the memory; `readers` are the steps to which it was given."""

    step: str
    idea: str
    gain: float | None
    score: float | None
    readers: tuple[str, ...]
    message: str


def memory(
    run: Run = "@last",
    *,
    as_of: Annotated[str | None, Parameter(name="--as-of")] = None,
    runs: Runs = None,
    json: Json = False,
) -> int:
    """Show the success memory: each validated idea, where it comes from, and which steps were given it.

    Parameters
    ----------
    as_of
        A message's id: the memory as it was when that message was said.
    """
    folder = folder_of(run, runs)
    with open_reader(folder) as reader:
        until = reader.envelope(as_of).seq if as_of else None
        envelopes = [
            each for each in reader.envelopes(kinds=("diagnosis", "recollection")) if until is None or each.seq <= until
        ]
    entries = [
        _entry(each, each.message, envelopes)
        for each in envelopes
        if isinstance(each.message, Diagnosis) and each.message.accepted
    ]
    if json:
        emit("memory", entries)
        return 0
    rows = [
        (
            *(each.step, text.line(each.idea), text.gain(each.gain), text.score(each.score)),
            *(", ".join(each.readers) or "nobody", each.message[:8]),
        )
        for each in entries
    ]
    if rows:
        say(table(("from", "idea", "gain", "score", "was given to", "message"), rows, words="idea"))
    else:
        say("the success memory is empty: no trial was accepted yet")
    newest = f"gome log show {entries[-1].message[:8]} --run {folder.name}" if entries else f"gome log {folder.name}"
    hint(newest, f"gome tree {folder.name}")
    return 0


def _entry(envelope: Envelope, diagnosis: Diagnosis, envelopes: list[Envelope]) -> Entry:
    """One accepted step, as the memory keeps it, with the steps to which it was given."""
    readers = [
        place(each)
        for each in envelopes
        if isinstance(each.message, Recollection)
        and any((known.trace, known.step) == (envelope.trace, envelope.step) for known in each.message.recalled)
    ]
    return Entry(
        step=place(envelope),
        idea=idea(diagnosis.hypotheses),
        gain=diagnosis.effect.gain if diagnosis.effect else None,
        score=diagnosis.score,
        readers=tuple(readers),
        message=envelope.id,
    )
