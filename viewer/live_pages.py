"""What the live pages show: all runs, one run as it stands, its messages filtered, one message whole.

The report's templates do most of it; here is what a page has that a file has not: what goes on now, and questions to
the log that are asked while somebody reads.
"""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from agents.messages import VOCABULARY
from bus.lifecycle import ACTIVITIES
from bus.message import Envelope
from bus.reader import LogReader
from errors import UsageError
from viewer import text
from viewer.commands.listing import Filter
from viewer.commands.message import activities_of, artefacts_of
from viewer.commands.runs import row_of, state
from viewer.now import RING, Present, look
from viewer.output import as_data, tree
from viewer.pages import environment, frame
from viewer.report import body_of, render, row_for
from viewer.store import open_reader, outline, run_folders
from viewer.summary import Summary

__all__ = ["Follower", "message_page", "messages_page", "run_page", "runs_page", "sent"]

_PAGE = 100
_LAST = 8
_NEWEST = 150
"""Messages on a run's own page; all of them have a page."""
_LONGEST = 200_000
"""Characters of one text on a message's page."""


class Follower:
    """Keeps up with a run's log: folds in what is new, and says what goes on now. Use it in one thread."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader
        self._summary = Summary()
        self._present = Present()
        self._last: list[Envelope] = []
        self._told = 0

    @property
    def head(self) -> int:
        """The number of the last message that was folded in."""
        return self._summary.seq

    def catch_up(self) -> None:
        """Fold in what is new in the log and in telemetry."""
        for each in self._reader.envelopes(after=self._summary.seq):
            self._summary.apply(each)
            if each.kind not in ACTIVITIES:
                self._last = [*self._last[1 - _LAST :], each]
        lines = list(self._reader.telemetry(after=self._told))
        self._told = lines[-1].seq if lines else self._told
        self._present.hear(lines)

    def now(self) -> dict[str, Any]:
        """What the part of a page about now is drawn from."""
        standing = state(self._reader.folder, self._summary)
        at = self._summary.now(time.time()) if standing == "running" else self._summary.time
        return {
            "state": standing,
            "now": look(self._summary, self._present, at),
            "last": [row_for(each) for each in reversed(self._last)],
        }

    def fragment(self) -> str:
        """The part of the page about now."""
        page = environment().get_template("now_part.html.j2")
        return page.render(summary=self._summary, **self.now())


def runs_page(root: Path) -> str:
    """The list of all runs."""
    rows = [row_of(folder, outline(folder)) for folder in reversed(run_folders(root))]
    return environment().get_template("runs.html.j2").render(root=str(root), rows=rows, **frame("/events"))


def run_page(folder: Path) -> str:
    """One run's report with what goes on now."""
    with open_reader(folder) as reader:
        follower = Follower(reader)
        follower.catch_up()
        envelopes = list(reader.envelopes(limit=follower.head))
        more = {**follower.now(), **frame(_address(folder) + "/events")}
        return render(envelopes, reader.artefacts, more, newest=_NEWEST)


def messages_page(folder: Path, query: Mapping[str, str]) -> str:
    """A page of a run's messages, the newest first, as the query wants them.

    `role`, `kind`, `trace`, `step` and `words` filter; `before` is the number of the message at which a page begins.
    Raises UsageError for a number that is none.
    """
    asked = Filter(
        role=query.get("role") or None,
        trace=_number(query, "trace"),
        step=_number(query, "step"),
        kinds=tuple(kind for kind in [query.get("kind", "")] if kind in VOCABULARY.classes),
        grep=query.get("words") or None,
    )
    with open_reader(folder) as reader:
        found = asked.read(reader, before=_number(query, "before"), newest=_PAGE)
    here = _address(folder) + "/messages"
    kept = {name: value for name, value in query.items() if value and name != "before"}
    older = {**kept, "before": str(found[0].seq)} if len(found) == _PAGE else None
    page = environment().get_template("messages.html.j2")
    return page.render(
        run=folder.name,
        rows=[row_for(each) for each in reversed(found)],
        asked=asked,
        roles=RING,
        kinds=sorted(VOCABULARY.classes),
        newest=f"{here}?{urlencode(kept)}" if query.get("before") else None,
        older=f"{here}?{urlencode(older)}" if older else None,
        **frame(_address(folder) + "/events"),
    )


def message_page(folder: Path, name: str) -> str:
    """One message whole, with what its sender asked and ran to say it, its causes and what came of it.

    Raises UsageError where no message has that id.
    """
    with open_reader(folder) as reader:
        envelope = reader.envelope(name)
        files = artefacts_of(reader, as_data(envelope.message))
        causes = sorted(reader.causes(envelope.id), key=lambda each: each.seq)
        page = environment().get_template("message.html.j2")
        return page.render(
            run=folder.name,
            row=row_for(envelope),
            body=text.cut(body_of(envelope), _LONGEST),
            files={label: text.cut(content, _LONGEST) for label, content in files.items()},
            activities=[{**each, "words": list(_words(each))} for each in activities_of(reader, envelope)],
            causes=[row_for(each) for each in causes],
            effects=[row_for(each) for each in reader.effects(envelope.id) if each.kind not in ACTIVITIES],
            **frame(None),
        )


def _words(used: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What was asked and answered, text by text: the prompt and the answer as they were, then all else."""
    result = dict(used["result"]) if isinstance(used["result"], dict) else {"result": used["result"]}
    for name in ("prompt", "raw"):
        if words := result.pop(name, None):
            yield name, text.cut(str(words), _LONGEST)
    yield "result", text.cut(tree(result), _LONGEST)


def _number(query: Mapping[str, str], name: str) -> int | None:
    value = query.get(name, "")
    if value and not (value.isascii() and value.isdigit() and len(value) < 16):
        raise UsageError(f"{name} is a number, not {value!r}")
    return int(value) if value else None


def _address(folder: Path) -> str:
    return f"/runs/{quote(folder.name)}"


def sent(event: str, content: str) -> bytes:
    """A server-sent event; its content in JSON, so that it is one line."""
    return f"event: {event}\ndata: {json.dumps(content)}\n\n".encode()
