"""`cost`: calls, tokens, USD and time, by role, trace, model, question or hypothesis."""

import json as json_module
from collections.abc import Callable, Iterable
from typing import Literal

from gome.bus.events import ActivityFinished
from gome.bus.message import Envelope
from gome.bus.store.reader import LogReader
from gome.cli.options import Json, Run, Runs, folder_of
from gome.viewer import text
from gome.viewer.model.message_lines import idea, place, role
from gome.viewer.model.summary import Summary, summarise
from gome.viewer.model.usage import EMBEDDING, QUESTION, Usage
from gome.viewer.output import emit, hint, say, table
from gome.viewer.run_folders import open_reader

__all__ = ["cost"]

By = Literal["role", "trace", "model", "question", "hypothesis"]


def cost(run: Run = "@last", *, by: By = "role", runs: Runs = None, json: Json = False) -> int:
    """Show calls, tokens, USD and time, and the cost of rejected work. A dash means unknown, not zero.

    Input tokens are split into `cached` (read from the provider's prompt cache) and `uncached`.

    Parameters
    ----------
    by
        The groups to sum over.
    """
    folder = folder_of(run, runs)
    with open_reader(folder) as reader:
        envelopes = list(reader.envelopes())
        summary = summarise(envelopes)
        groups = _grouped(envelopes, _key(by, summary, reader))
    total, rejected = summary.total(), _of_rejected(envelopes, summary)
    if json:
        emit("cost", {"by": by, "groups": groups, "total": total, "rejected": rejected})
        return 0
    sums = [("all", total), ("of which rejected or failed", rejected)]
    rows = [_cells(name, usage) for name, usage in [*groups.items(), *sums]]
    headers = (by, "calls", "time", "tokens", "uncached", "cached", "out", "USD", "scripts", "script time")
    say(table(headers, rows, words=by))
    other = "question" if by == "hypothesis" else "hypothesis"
    hint(f"gome cost {folder.name} --by {other}", f"gome gantt {folder.name}")
    return 0


def _key(by: By, summary: Summary, reader: LogReader) -> Callable[[Envelope, ActivityFinished], str]:
    ideas = {step.name: f"{step.name} {step.verdict}: {idea(step.hypotheses)}" for step in summary.trials}

    def name(envelope: Envelope, message: ActivityFinished) -> str:
        if by == "role":
            return role(envelope.sender)
        if by == "trace":
            return "the run" if envelope.trace is None else f"trace {envelope.trace}"
        if by == "hypothesis":
            return text.line(ideas.get(place(envelope), "the run"), 100)
        if message.activity == EMBEDDING:
            return "embedding"
        if message.activity != QUESTION:
            return "scripts"
        if by == "question":
            return message.label
        return str(json_module.loads(reader.artefacts.read_now(message.result_ref)).get("model", text.UNKNOWN))

    return name


def _grouped(envelopes: Iterable[Envelope], key: Callable[[Envelope, ActivityFinished], str]) -> dict[str, Usage]:
    groups: dict[str, Usage] = {}
    for each in envelopes:
        if isinstance(each.message, ActivityFinished):
            groups.setdefault(key(each, each.message), Usage()).add(each.message)
    return dict(sorted(groups.items()))


def _of_rejected(envelopes: Iterable[Envelope], summary: Summary) -> Usage:
    lost = {step.name for step in summary.trials if step.verdict in ("rejected", "failed", "dead")}
    usage = Usage()
    for each in envelopes:
        if isinstance(each.message, ActivityFinished) and place(each) in lost:
            usage.add(each.message)
    return usage


def _cells(name: str, usage: Usage) -> tuple[str, ...]:
    asked = (str(usage.calls), text.duration(usage.seconds))
    tokens = (usage.known_tokens, usage.known_uncached, usage.known_cached, usage.known_output)
    used = (*map(text.count, tokens), text.money(usage.known_usd)) if usage.calls else ("",) * 5
    return (name, *asked, *used, str(usage.scripts), text.duration(usage.script_seconds))
