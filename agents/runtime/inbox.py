"""The inbox of a run: how another process speaks to the one that runs it.

Only the process that holds a run's lock writes to its log. Another leaves a note, a small file in the folder `inbox/`
of the run; the running process reads it, appends its message to the log, and removes it. What a note asks for so
stands in the log before it has an effect. A note is recorded once, also if the process is killed between the two:
its name is in the message.
"""

import stat
import time
from collections.abc import Callable, Container
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Literal

import anyio
import anyio.to_thread
from pydantic import BaseModel, ConfigDict, ValidationError

from gome.agents.protocol.hint import Hint
from gome.agents.protocol.messages import VOCABULARY
from gome.agents.protocol.run_messages import HintGiven, PauseRequested, ProposalReviewed
from gome.bus.log import Log
from gome.bus.message import Draft, Envelope
from gome.bus.store.artefacts import Artefacts
from gome.bus.store.reader import LogReader
from gome.errors import Outage

__all__ = ["Note", "admit", "attend", "leave_note"]

_FOLDER = "inbox"
_POLL = 0.5
_LARGEST = 2 << 20
_KEPT = ("hint", "accept", "reject")
"""Notes that hold for a run that is resumed."""


class Note(BaseModel):
    """What another process asks for. `script` is the text of a script to start, only with a hint.

    `step` asks for a pause after one more step. `accept` and `reject` answer the offer with the id `offer`: `sketch`
    replaces the offered one, `hint` says why it is rejected.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["hint", "pause", "continue", "step", "stop", "accept", "reject"]
    trace: int | None = None
    hint: Hint = Hint()
    script: str | None = None
    offer: str = ""
    sketch: str | None = None


def leave_note(folder: Path, note: Note) -> str:
    """Leave a note for the run in `folder`; return its name. Raises Outage where the folder cannot be written."""
    name = f"{time.time_ns():020d}-{token_hex(4)}"
    place = folder / _FOLDER
    draft = place / f".{name}"
    try:
        place.mkdir(exist_ok=True)
        draft.write_text(note.model_dump_json(), encoding="utf-8")
        draft.replace(place / f"{name}.json")
    except OSError as error:
        raise Outage(f"{place} cannot be written: {error.strerror}. Make it writable, then repeat.") from error
    return name


async def admit(folder: Path, log: Log, artefacts: Artefacts) -> None:
    """Record what hints and reviews were left while nothing ran, before the actors start: the first step reads them.

    Requests to pause or stop that were left then are void.
    """
    known = await anyio.to_thread.run_sync(_recorded, folder)
    await _take(folder, log, artefacts, lambda _: None, known, kinds=_KEPT)


async def attend(folder: Path, log: Log, artefacts: Artefacts, stop: Callable[[str], None]) -> None:
    """Record the notes of the run in `folder` as they come, in their order, until cancelled; `stop` gets a reason."""
    known = await anyio.to_thread.run_sync(_recorded, folder)
    while True:
        await _take(folder, log, artefacts, stop, known)
        await anyio.sleep(_POLL)


async def _take(
    folder: Path,
    log: Log,
    artefacts: Artefacts,
    stop: Callable[[str], None],
    known: set[str],
    kinds: Container[str] | None = None,
) -> None:
    """Record each note that is there and not yet `known`, of these kinds (None: of all), and remove all of them."""
    for path in await anyio.to_thread.run_sync(_notes, folder):
        note = await anyio.to_thread.run_sync(_read, path)
        if note is not None and path.stem not in known and (kinds is None or note.kind in kinds):
            await _record(note, path.stem, folder, log, artefacts, stop)
            known.add(path.stem)
        await anyio.to_thread.run_sync(_remove, path)


async def _record(
    note: Note, name: str, folder: Path, log: Log, artefacts: Artefacts, stop: Callable[[str], None]
) -> None:
    match note.kind:
        case "hint":
            ref = None if note.script is None else await artefacts.put(note.script)
            hint = HintGiven(note=name, hint=note.hint, script_ref=ref)
            await log.append("user", [Draft(hint, note.trace, opens=True)])
        case "stop":
            stop("stopped with `gome stop`")
        case "accept" | "reject":
            accepted = note.kind == "accept"
            offer = await anyio.to_thread.run_sync(_offer, folder, note.offer)
            if offer is not None:
                review = ProposalReviewed(
                    note=name, offer=offer.id, accepted=accepted, sketch=note.sketch, hint=note.hint
                )
                await log.append("user", [Draft(review, offer.trace, offer.step)], offer, key=name)
        case _:
            pause = PauseRequested(note=name, on=note.kind != "continue", after=int(note.kind == "step"))
            await log.append("user", [Draft(pause, opens=True)])


def _recorded(folder: Path) -> set[str]:
    """The names of the notes that are in the log."""
    kinds = ["hint_given", "pause_requested", "proposal_reviewed"]
    with LogReader(folder, VOCABULARY) as reader:
        found = [each.message for each in reader.envelopes(kinds=kinds)]
    return {each.note for each in found if isinstance(each, HintGiven | PauseRequested | ProposalReviewed)}


def _offer(folder: Path, name: str) -> Envelope | None:
    """The offer with that id; None where there is none."""
    with LogReader(folder, VOCABULARY) as reader:
        return next((each for each in reader.envelopes(kinds=["proposal_offered"]) if each.id == name), None)


def _notes(folder: Path) -> list[Path]:
    """The notes in the inbox, oldest first. None where it is a link: files elsewhere are no notes, and stay."""
    place = folder / _FOLDER
    return [] if place.is_symlink() else sorted(place.glob("[0-9]*.json"))


def _read(path: Path) -> Note | None:
    """The note in a file; None where it is none."""
    try:
        found = path.lstat()  # a pipe would be waited for: a run may come from elsewhere
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            return None
        return Note.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
