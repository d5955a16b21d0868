"""Live pages other than a run's own (viewer/web/run_page.py): runs, two runs, one step, messages, one message."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from gome.agents.protocol.messages import VOCABULARY
from gome.bus.events import ACTIVITIES
from gome.errors import UsageError
from gome.viewer import text
from gome.viewer.model.now import RING
from gome.viewer.model.script_diff import base_of, script_of
from gome.viewer.model.summary import find_step, summarise
from gome.viewer.output import as_data, tree
from gome.viewer.queries.comparison import compared
from gome.viewer.queries.listing import Filter
from gome.viewer.queries.message import activities_of, artefacts_of
from gome.viewer.queries.runs import rows_below
from gome.viewer.run_folders import open_reader
from gome.viewer.web.charts import score_chart
from gome.viewer.web.code import diff_lines, highlighted, read_text
from gome.viewer.web.pages import environment, frame
from gome.viewer.web.report import body_of, row_for
from gome.viewer.web.result import pictures
from gome.viewer.web.run_page import address

__all__ = ["compare_page", "message_page", "messages_page", "problem_page", "runs_page", "step_page"]

_PAGE = 100
_LONGEST = 200_000
"""Maximum length of a text on the page of a message, in characters."""


def runs_page(root: Path) -> str:
    """Render the list of all runs."""
    rows, damaged = rows_below(root)
    states = sorted({row["state"] for row in rows})
    page = environment().get_template("runs.html.j2")
    return page.render(where=str(root), rows=rows, damaged=damaged, states=states, **frame("/events"))


def compare_page(folders: Sequence[Path]) -> str:
    """Render two runs side by side. Raises UsageError for another number of runs."""
    if len(folders) != 2:
        raise UsageError(f"two runs are compared, not {len(folders)}: tick two in the list of runs")
    logs = []
    for folder in folders:
        with open_reader(folder) as reader:
            logs.append(list(reader.envelopes()))
    found = compared(logs[0], logs[1])
    page = environment().get_template("compare.html.j2")
    return page.render(found=found, charts=[score_chart(each) for each in found.runs], **frame(None))


def step_page(folder: Path, name: str) -> str:
    """Render one step: its verdict, the pictures of its errors, its script, what it printed.

    Raises UsageError where the run has no such step.
    """
    with open_reader(folder) as reader:
        summary = summarise(reader.envelopes())
        step = find_step(summary, name)
        artefacts, script = reader.artefacts, script_of(step)
        return (
            environment()
            .get_template("step_page.html.j2")
            .render(
                run=folder.name,
                root=address(folder),
                step=step,
                pictures=pictures(step, summary, artefacts),
                lines=diff_lines(artefacts, base_of(step), step, summary) if script and base_of(step) else [],
                source=highlighted(read_text(artefacts, script, _LONGEST)),
                output=read_text(artefacts, step.trial.output_ref if step.trial else None, _LONGEST),
                **frame(None),
            )
        )


def problem_page(title: str, words: str, run: str | None = None) -> str:
    """Render a few words where there is nothing else to show, with a link to the page of `run`, else to all runs."""
    back = ("/", "all runs") if run is None else (f"/runs/{quote(run, safe='')}", run)
    return environment().get_template("problem.html.j2").render(title=title, words=words, back=back, **frame(None))


def messages_page(folder: Path, query: Mapping[str, str]) -> str:
    """Render one page of a run's messages, newest first.

    The query may filter by `role`, `kind`, `trace`, `step` and `words` (text search); `before` is an exclusive upper
    bound of the sequence number, for paging. Raises UsageError for a malformed number.
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
    here = address(folder) + "/messages"
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
        **frame(address(folder) + "/events"),
    )


def message_page(folder: Path, name: str) -> str:
    """Render one message in full, with its sender's activities for it, its causes and its effects.

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
    """Yield the texts of an activity with titles: prompt, raw answer, then the remaining result."""
    result = dict(used["result"]) if isinstance(used["result"], dict) else {"result": used["result"]}
    for name in ("prompt", "raw"):
        if words := result.pop(name, None):
            yield name, text.cut(str(words), _LONGEST)
    yield "result", text.cut(tree(result), _LONGEST)


def _number(query: Mapping[str, str], name: str) -> int | None:
    value = query.get(name, "")
    if value and not (value.isascii() and value.isdigit() and len(value) < 16):
        raise UsageError(f"{name} must be a number, not {value!r}")
    return int(value) if value else None
