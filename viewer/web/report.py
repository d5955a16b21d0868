"""The report of a run: one self-contained HTML file that loads nothing and works from `file://`."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gome.bus.events import ACTIVITIES
from gome.bus.message import Envelope
from gome.viewer import text
from gome.viewer.model.borrowed import Borrowings
from gome.viewer.model.critical_path import critical_path
from gome.viewer.model.forecasts import calibrate
from gome.viewer.model.message_lines import headline, place, role
from gome.viewer.model.now import pool_of
from gome.viewer.model.script_diff import Artefacts, base_of, difference, script_of
from gome.viewer.model.steps import Step
from gome.viewer.model.summary import Summary, summarise
from gome.viewer.output import as_data, tree
from gome.viewer.run_folders import open_reader
from gome.viewer.web import charts
from gome.viewer.web.lineage import lineage
from gome.viewer.web.pages import environment, frame

__all__ = ["Row", "body_of", "render", "row_for", "write_report"]

_DIFF_LINES = 400
_DIFF_WIDTH = 400
_DIFF_ROOM = 300_000
"""Budget of characters for diffs on the page; the last diff may exceed it."""
_MARKUP = 30
_TRIALS = 250
_BODIES = 400_000
"""Budget of characters for message bodies on the page."""
_ROWS = 1200


@dataclass(frozen=True)
class DiffLine:
    """A line of a diff; `kind` is `add`, `cut` (removed), `place` (position) or `same`."""

    kind: str
    text: str


@dataclass(frozen=True)
class Row:
    """A message in a table of messages."""

    envelope: Envelope
    role: str
    place: str
    headline: str
    body: str = ""


def write_report(folder: Path, target: Path) -> Path:
    """Write the report of the run in `folder` to `target`, atomically; return `target`."""
    with open_reader(folder) as reader:
        envelopes = list(reader.envelopes())
        page = render(envelopes, reader.artefacts)
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f".{target.name}.{os.getpid()}")
    half.write_text(page, encoding="utf-8")
    half.replace(target)
    return target


def render(
    envelopes: Sequence[Envelope],
    artefacts: Artefacts,
    more: Mapping[str, Any] | None = None,
    newest: int = _ROWS,
    summary: Summary | None = None,
) -> str:
    """Render the report page for a run's messages, given in log order.

    The table of messages shows at most `newest` of them. `more` has the additional template variables of a live page:
    its frame and the present state. `summary` is the summary of the messages, where the caller has it already.
    """
    summary = summary or summarise(envelopes)
    trials = summary.trials[-_TRIALS:]
    rows, lent = _rows(envelopes, newest), Borrowings(summary)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            summary=summary,
            pool=pool_of(summary),
            opened=summary.opened,
            total=summary.total(),
            shares=summary.timeline.shares(summary.time),
            score_chart=charts.score_chart(summary),
            lanes=charts.lanes(summary),
            lineage=lineage(summary),
            trials=trials,
            diffs=_diffs(trials, summary, artefacts),
            path=critical_path(envelopes),
            loans=[loan for step in trials for loan in lent.of(step)],
            calibrations=calibrate(envelopes),
            rows=rows,
            left_out=max(0, sum(each.kind not in ACTIVITIES for each in envelopes) - len(rows)),
            roles=sorted({row.role for row in rows}),
            kinds=sorted({row.envelope.kind for row in rows}),
            configuration=tree(as_data(summary.opened.scenario)) if summary.opened else "",
            packages=", ".join(f"{name} {version}" for name, version in _packages(summary)),
            sessions=[(datetime.fromtimestamp(each.wall, UTC), each) for each in summary.sessions],
            **(more or frame(None)),
        )
    )


def row_for(envelope: Envelope, body: str = "") -> Row:
    """The table row of a message."""
    return Row(envelope, role(envelope.sender), place(envelope), headline(envelope), body)


def body_of(envelope: Envelope) -> str:
    """The fields of a message as an indented outline."""
    return text.clean(tree({key: value for key, value in as_data(envelope.message).items() if key != "kind"}))


def _rows(envelopes: Sequence[Envelope], newest: int) -> list[Row]:
    """Rows of the newest messages without activities; bodies are cut to fit the page's budget."""
    shown = [each for each in envelopes if each.kind not in ACTIVITIES][-newest:]
    room = max(300, _BODIES // max(1, len(shown)))
    return [row_for(each, _body(each, room)) for each in shown]


def _body(envelope: Envelope, room: int) -> str:
    """The outline of a message, cut to `room` characters; RunOpened is shown elsewhere on the page."""
    return "see configuration below" if envelope.kind == "run_opened" else text.cut(body_of(envelope), room)


def _diffs(trials: Sequence[Step], summary: Summary, artefacts: Artefacts) -> dict[str, list[DiffLine]]:
    """Diffs of accepted steps by name, the newest first, within the page's budget."""
    shown: dict[str, list[DiffLine]] = {}
    room = _DIFF_ROOM
    for step in reversed(trials):
        if step.verdict == "accepted" and room > 0:
            shown[step.name] = _diff(step, summary, artefacts)
            room -= sum(len(line.text) + _MARKUP for line in shown[step.name])
    return shown


def _diff(step: Step, summary: Summary, artefacts: Artefacts) -> list[DiffLine]:
    """The diff of a step's script and its parent's; at a root the whole script."""
    found = difference(artefacts, base_of(step), script_of(step), ("parent", step.name))[2:]
    shown = [DiffLine(_KINDS.get(line[:1], "same"), text.cut(line, _DIFF_WIDTH)) for line in found[:_DIFF_LINES]]
    if len(found) > _DIFF_LINES:
        shown.append(DiffLine("place", f"… {len(found) - _DIFF_LINES} more lines; gome best {summary.run} -o DIR"))
    return shown


_KINDS = {"+": "add", "-": "cut", "@": "place"}


def _packages(summary: Summary) -> list[tuple[str, str]]:
    return sorted(summary.opened.workplace.packages.items()) if summary.opened else []
