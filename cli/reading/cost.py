"""`cost`: calls, tokens, USD and time, by role, trace, model, backend, question or hypothesis."""

import json as json_module
from collections.abc import Callable, Iterable
from typing import Literal

from gome.agents.protocol.activities import EMBEDDING, QUESTION
from gome.agents.protocol.backend_choice import BackendRecord, Choices
from gome.agents.state.backend_records import BackendRecords
from gome.bus.events import ActivityFinished
from gome.bus.message import Envelope
from gome.bus.store.reader import LogReader
from gome.cli.options import Json, Run, Runs, folder_of
from gome.viewer import text
from gome.viewer.model.message_lines import choice_words, idea, place, role
from gome.viewer.model.price import spent, unpriced
from gome.viewer.model.summary import Summary, summarise
from gome.viewer.model.usage import Usage
from gome.viewer.output import emit, hint, say, table
from gome.viewer.run_folders import as_opened, open_reader

__all__ = ["cost"]

By = Literal["role", "trace", "model", "backend", "question", "hypothesis"]


def cost(run: Run = "@last", *, by: By = "role", runs: Runs = None, json: Json = False) -> int:
    """Show calls, tokens, USD and time, and the cost of rejected work. A dash, or `unknown`, is not zero.

    Input tokens are split into `cached` (read from the provider's prompt cache, with their share of the input) and
    `uncached`. `saved` is what the cached ones would have cost more, less what writing to the cache cost. Where a
    role's backend is chosen for each step, the records follow by which the next step would choose.

    Parameters
    ----------
    by
        The groups to sum over.
    """
    folder = folder_of(run, runs)
    with open_reader(folder) as reader:
        envelopes = list(reader.envelopes())
        summary = summarise(envelopes)
        asked = _by_answerer(by, reader) if by in ("model", "backend") else None
        groups = _grouped(envelopes, _key(by, summary), asked)
    total, rejected, choices = summary.total(), _of_rejected(envelopes, summary), _choices(envelopes)
    if json:
        chosen = [_paid(each.role, record) for each in choices for record in each.records]
        emit("cost", {"by": by, "groups": groups, "total": total, "rejected": rejected, "chosen": chosen})
        return 0
    sums = [("all", total), ("of which rejected, failed or unfinished", rejected)]
    rows = [_cells(name, usage) for name, usage in [*groups.items(), *sums]]
    headers = (by, "calls", "time", "tokens", "uncached", "cached", "out", "USD", "saved", "scripts", "script time")
    say(table(headers, rows, words=by))
    if spent(summary) is None:
        for words in unpriced(summary) or ["a call came without a price"]:
            say(f"USD unknown: {words}")
    for each in choices:
        say(choice_words(each))
    other = "question" if by == "hypothesis" else "hypothesis"
    hint(f"gome cost {as_opened(folder)} --by {other}", f"gome gantt {as_opened(folder)}")
    return 0


def _key(by: By, summary: Summary) -> Callable[[Envelope, ActivityFinished], str]:
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
        return message.label

    return name


Split = Callable[[ActivityFinished], list[tuple[str, ActivityFinished]]]
"""A model call in parts: who was asked, and what that took."""


def _by_answerer(by: By, reader: LogReader) -> Split:
    """Splits a call by the models or backends that were asked, where one after another was."""

    def split(message: ActivityFinished) -> list[tuple[str, ActivityFinished]]:
        answer = json_module.loads(reader.artefacts.read_now(message.result_ref))
        rest, parts = message, list[tuple[str, ActivityFinished]]()
        for each in answer.get("passed", ()):
            spent = {name: -value for name, value in each["meter"].items()}
            seconds = each["meter"].get("seconds", 0.0)
            part = message.model_copy(update={"meter": {"calls": 0.0} | each["meter"], "seconds": seconds})
            parts.append((each[by] or text.UNKNOWN, part))
            left = {name: value + spent.get(name, 0.0) for name, value in rest.meter.items()}
            rest = rest.model_copy(update={"meter": left, "seconds": rest.seconds - seconds})
        name = answer.get(by) or answer.get("model") or text.UNKNOWN
        return [*parts, (str(name), rest)]

    return split


def _grouped(
    envelopes: Iterable[Envelope], key: Callable[[Envelope, ActivityFinished], str], split: Split | None
) -> dict[str, Usage]:
    groups: dict[str, Usage] = {}
    for each in envelopes:
        if not isinstance(each.message, ActivityFinished):
            continue
        if split is None or each.message.activity != QUESTION:
            groups.setdefault(key(each, each.message), Usage()).add(each.message)
            continue
        for name, part in split(each.message):
            groups.setdefault(name, Usage()).add(part)
    return dict(sorted(groups.items()))


def _choices(envelopes: Iterable[Envelope]) -> Choices:
    """What the next step would choose; empty where the run's roles have fixed backends."""
    records = BackendRecords()
    for each in envelopes:
        records.heard(each)
    return records.next()[0]


def _paid(role: str, record: BackendRecord) -> dict[str, object]:
    return {"role": role, **record.model_dump(exclude={"underway"})}


_FRUITLESS = ("rejected", "failed", "dead", "unfinished")
"""Verdicts of steps whose cost brought nothing."""


def _of_rejected(envelopes: Iterable[Envelope], summary: Summary) -> Usage:
    lost = {step.name for step in summary.trials if step.verdict in _FRUITLESS}
    usage = Usage()
    for each in envelopes:
        if isinstance(each.message, ActivityFinished) and place(each) in lost:
            usage.add(each.message)
    return usage


def _cells(name: str, usage: Usage) -> tuple[str, ...]:
    asked = (str(usage.calls), text.duration(usage.seconds))
    share = usage.cached_share
    cached = text.count(usage.known_cached) + (f" ({text.percent(share)})" if share else "")
    tokens = (text.count(usage.known_tokens), text.count(usage.known_uncached), cached, text.count(usage.known_output))
    used = (*tokens, text.money(usage.known_usd), text.money(usage.known_saved)) if usage.calls else ("",) * 6
    return (name, *asked, *used, str(usage.scripts), text.duration(usage.script_seconds))
