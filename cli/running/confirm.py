"""`confirm`: accept, edit or reject the proposals of a run that wait for the user, before they are written."""

import os
import select
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Annotated

from cyclopts import Parameter

from gome.agents.protocol.run_messages import ProposalOffered
from gome.api.confirming import accept as accept_offer
from gome.api.confirming import offers_of, reject, the_offer, unread_reason
from gome.bus.message import Envelope
from gome.bus.store.lock import holder
from gome.cli.options import Json, Run, Runs, folder_of
from gome.errors import UsageError
from gome.viewer.model.message_lines import place
from gome.viewer.output import emit, envelope_data, hint, say, say_aside
from gome.viewer.run_folders import as_opened, has_log

__all__ = ["answer_at_terminal", "confirm", "is_terminal"]

_POLL = 0.25
_CHOICES = "[a]ccept, [e]dit the sketch, [r]eject: "

Ask = Callable[[str], str | None]
"""Prints a question and returns the line that is typed; None where nobody answers any more."""


def confirm(
    run: Run = "@last",
    *,
    accept: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    sketch: Annotated[Path | None, Parameter(show_default=False)] = None,
    reject_: Annotated[str | None, Parameter(name="--reject", show_default=False)] = None,
    step: Annotated[str | None, Parameter(show_default=False)] = None,
    runs: Runs = None,
    json: Json = False,
) -> int:
    """Answer a proposal that waits in a run with `confirm: true` (`gome run --confirm`). Without an answer, show it.

    On a terminal, without an option, you are asked about each proposal until the run ends.

    Parameters
    ----------
    accept
        It is written as it is.
    sketch
        It is written by the sketch in this file, in place of its own.
    reject_
        Another one is proposed in its place; say why (or "").
    step
        Which one, such as 1.4, where several wait.
    """
    folder = folder_of(run, runs)
    if sum((accept, sketch is not None, reject_ is not None)) > 1:
        raise UsageError("give one answer: --accept, --sketch FILE or --reject WHY")
    if accept or sketch is not None or reject_ is not None:
        offer = the_offer(folder, step)
        note = accept_offer(folder, offer, _text(sketch)) if reject_ is None else reject(folder, offer, reject_)
        if json:
            emit("confirm", {"run": folder.name, "step": place(offer), "note": note})
        else:
            say(f"step {place(offer)} is {'accepted' if reject_ is None else 'proposed anew'}")
        _warn(folder, reject_ or "")
        return 0
    waiting = offers_of(folder)
    if json:
        emit("confirm-waiting", [envelope_data(each) for each in waiting])
    elif is_terminal() and holder(folder) is not None:
        answer_at_terminal(folder, Event(), while_running=True)
    else:
        for each in waiting:
            say(_shown(each))
        if not waiting:
            say(f"no proposal of run {folder.name} waits for you")
        hint(*(f"gome confirm {as_opened(folder)} --{each}" for each in ("accept", "sketch FILE", 'reject "…"')))
    return 0


def is_terminal() -> bool:
    """Whether somebody can answer here."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def answer_at_terminal(
    folder: Path, over: Event, ask: Ask | None = None, *, while_running: bool = False, pause: float = _POLL
) -> None:
    """Ask about each proposal that waits until `over` is set, the input ends, or (`while_running`) the run ends."""
    ask = ask or (lambda question: _typed(question, over))
    answered: set[str] = set()
    while not over.is_set() and not (while_running and holder(folder) is None):
        for offer in offers_of(folder) if has_log(folder) else []:
            if offer.id in answered:
                continue
            say(_shown(offer))
            if not _asked(folder, offer, ask):
                return
            answered.add(offer.id)
        over.wait(pause)


def _asked(folder: Path, offer: Envelope, ask: Ask) -> bool:
    """Ask until there is an answer, and leave it for the run; False where nobody answers any more."""
    while (answer := ask(_CHOICES)) is not None:
        try:
            match answer.strip().lower()[:1]:
                case "a":
                    accept_offer(folder, offer)
                    return True
                case "e":
                    accept_offer(folder, offer, _edited(offer))
                    return True
                case "r":
                    why = ask("why (empty: no reason): ") or ""
                    reject(folder, offer, why)
                    _warn(folder, why)
                    return True
        except UsageError as error:
            say(str(error))
    return False


def _warn(folder: Path, reason: str) -> None:
    """Say that nobody reads the reason of a rejection, where that is so."""
    if unread := unread_reason(folder, reason):
        say_aside(f"warning: {unread}")


def _shown(offer: Envelope) -> str:
    """A proposal that waits, for reading."""
    message = offer.message
    if not isinstance(message, ProposalOffered):
        raise TypeError(f"{offer.kind} is no offer")
    ideas = "\n".join(f"  {each.component}: {each.statement}" for each in message.hypotheses)
    parts = [f"\nproposal of step {place(offer)}", ideas, f"  because {message.reason}" if message.reason else ""]
    return "\n".join([*filter(None, parts), "", message.sketch, ""])


def _text(path: Path | None) -> str | None:
    """The sketch in a file. Raises UsageError where it cannot be read."""
    try:
        return None if path is None else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read as UTF-8 text: {error}") from error


def _edited(offer: Envelope) -> str:
    """The sketch as the user leaves it in an editor. Raises UsageError where there is none, or it fails."""
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    found = shlex.split(chosen) or [each for name in ("nano", "vi") if (each := shutil.which(name))][:1]
    if not found:
        raise UsageError("no editor was found; name one in the environment variable EDITOR")
    with tempfile.TemporaryDirectory(prefix="gome-sketch-") as folder:
        path = Path(folder) / "sketch.md"
        path.write_text(getattr(offer.message, "sketch", ""), encoding="utf-8")
        try:
            subprocess.run([*found, str(path)], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise UsageError(f"the editor failed: {error}") from error
        return path.read_text(encoding="utf-8", errors="replace")


def _typed(question: str, over: Event) -> str | None:
    """The next line of the terminal; None at its end or once `over` is set, which a plain `input` would not notice."""
    print(question, end="", flush=True)
    while not over.is_set():
        if select.select([sys.stdin], [], [], _POLL)[0]:
            return sys.stdin.readline() or None
    return None
