"""The report of a run: one self-contained HTML file that loads nothing and works from `file://`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gome.bus.events import ACTIVITIES
from gome.bus.message import Envelope
from gome.viewer import text
from gome.viewer.files import write_file
from gome.viewer.model.borrowed import Borrowings
from gome.viewer.model.forecasts import calibrate
from gome.viewer.model.message_lines import headline, place, role
from gome.viewer.model.now import pool_of
from gome.viewer.model.price import spent, unpriced
from gome.viewer.model.script_diff import Artefacts
from gome.viewer.model.steps import Step
from gome.viewer.model.summary import Summary, summarise
from gome.viewer.output import as_data, tree
from gome.viewer.queries.critical_path import critical_path
from gome.viewer.run_folders import open_reader
from gome.viewer.web import charts
from gome.viewer.web.code import diffs_of, read_text
from gome.viewer.web.lineage import lineage
from gome.viewer.web.pages import environment, frame
from gome.viewer.web.result import result

__all__ = ["Row", "body_of", "render", "row_for", "write_report"]

_TRIALS = 250
_BODIES = 400_000
"""Budget of characters for message bodies on the page."""
_OUTPUT, _OUTPUTS = 3000, 150_000
"""Characters of what a script printed, and the budget for the page."""
_ROWS = 1200


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
    write_file(target, page)
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
            **result(summary, pool_of(summary), artefacts),
            opened=summary.opened,
            total=summary.total(),
            spent=(usd := spent(summary)),
            unpriced=unpriced(summary) if usd is None else [],
            shares=summary.timeline.shares(summary.time),
            score_chart=charts.score_chart(summary),
            lanes=charts.lanes(summary),
            lineage=lineage(summary),
            trials=trials,
            diffs=diffs_of(trials, summary, artefacts),
            outputs=_outputs(trials, artefacts),
            root=f"/runs/{quote(summary.run)}",
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


def _outputs(trials: Sequence[Step], artefacts: Artefacts) -> dict[str, str]:
    """What the scripts of steps printed, by name, each cut so that all fit the page's budget."""
    printed = {step.name: step.trial.output_ref for step in trials if step.trial is not None and step.trial.output_ref}
    room = min(_OUTPUT, _OUTPUTS // max(1, len(printed)))
    return {name: read_text(artefacts, ref, room) for name, ref in printed.items()}


def _packages(summary: Summary) -> list[tuple[str, str]]:
    return sorted(summary.opened.workplace.packages.items()) if summary.opened else []
