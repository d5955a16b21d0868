"""The live screen of a run, drawn from the summary of its log. Fits 80 columns."""

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gome.bus.message import Envelope
from gome.viewer import text
from gome.viewer.model.message_lines import headline, place, sandbox_words
from gome.viewer.model.now import Now
from gome.viewer.model.steps import MARKS, Step, Trace
from gome.viewer.model.summary import Summary
from gome.viewer.model.usage import Usage

__all__ = ["preparing", "screen"]

_STYLES = {"accepted": "green", "rejected": "red", "failed": "magenta", "dead": "magenta"}
"""The others are not marked by a colour."""
_LAST = 6


def screen(summary: Summary, now: Now, pool: Mapping[str, float], last: Sequence[Envelope]) -> RenderableType:
    """Render the whole screen. `pool`: medal thresholds by name; `last`: the newest messages, oldest first."""
    return Group(_header(summary, now, pool), _traces(summary), _roles(now), _messages(last))


def preparing(seconds: float) -> RenderableType:
    """Render the line shown until the run has begun."""
    return Text(f"preparing task, sandbox and backends, {text.duration(seconds)} …", style="dim")


def _header(summary: Summary, now: Now, pool: Mapping[str, float]) -> RenderableType:
    opened = summary.opened
    if opened is None:
        return Text("waiting for the first message of the run …", style="dim")
    task, session = opened.task, summary.sessions[-1] if summary.sessions else None
    lines = [
        Text.assemble((text.line(opened.name), "bold"), "  ", (summary.run, "dim")),
        Text(f"{task.name}: {task.metric}, {task.direction}; {_standing(summary)}"),
        Text("backends: " + ", ".join(summary.reasoners), style="cyan"),
        Text("budget: " + " · ".join(each.words for each in now.allowances)),
    ]
    if pool:
        limits = ", ".join(f"{name} {text.score(score)}" for name, score in pool.items())
        lines.insert(2, Text(f"test score thresholds: {limits}", style="dim"))
    if session is not None:
        waiting = f", {now.waiting} scripts waiting" if now.waiting else ""
        slots = f"slots {now.used}/{now.slots} in use{waiting}, {text.percent(now.busy)} busy so far"
        lines.append(Text(f"{slots}; {sandbox_words(session)}"))
    if now.queued:
        lines.append(Text(now.queued, style="dim"))
    return Group(*(Text(text.line(each.plain), each.style) if not each.spans else each for each in lines))


def _standing(summary: Summary) -> str:
    """The best score, its standard error over splits, and the baseline."""
    baseline = f"baseline {text.score(summary.opened.baseline if summary.opened else None)}"
    best = summary.best
    if best is None:
        return f"no score yet, {baseline}"
    error = f" ± {text.spread(best.standard_error)}" if best.standard_error is not None else ""
    return f"best {best.score_words}{error} by {best.step}, {baseline}"


def _traces(summary: Summary) -> RenderableType:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, expand=True, header_style="dim")
    table.add_column("trace", justify="right")
    table.add_column("best", justify="right")
    table.add_column("score so far", no_wrap=True)
    table.add_column("trials", no_wrap=True)
    table.add_column("latest idea", ratio=1, no_wrap=True, overflow="ellipsis")
    for index in sorted(summary.traces):
        trace = summary.traces[index]
        best = trace.best.score_words if trace.best else text.UNKNOWN
        ideas = [step for step in trace.trials if step.hypotheses]
        idea = text.line(ideas[-1].hypotheses[0].statement) if ideas else ""
        table.add_row(str(index), best, _path(trace, summary), _marks(trace.trials), Text(idea, style="dim"))
    return table


def _path(trace: Trace, summary: Summary) -> Text:
    """The trace's best score after each trial as a sparkline; a higher bar is always better."""
    best: list[float] = []
    for step in trace.trials:
        if step.verdict == "accepted" and step.score is not None:
            best.append(step.score)
        elif best:
            best.append(best[-1])
    signed = best if summary.maximizes else [-each for each in best]
    return Text(text.sparkline(signed[-24:]), style="green")


def _marks(steps: Sequence[Step]) -> Text:
    marks = Text()
    for step in steps[-24:]:
        marks.append(MARKS.get(step.verdict, "·"), style=_STYLES.get(step.verdict, "dim"))
    return marks


def _roles(now: Now) -> RenderableType:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, expand=True, header_style="dim")
    table.add_column("role", no_wrap=True)
    table.add_column("now", ratio=1, no_wrap=True, overflow="ellipsis")
    for name in ("since", "idle", "calls", "tokens", "USD", "err"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in now.roles:
        since = each.since(now.time)
        table.add_row(
            each.role,
            Text(each.words) if each.words else Text("idle", style="dim"),
            text.duration(since) if since is not None else "",
            text.percent(each.idle),
            *_used(each.usage),
        )
    return table


def _used(usage: Usage) -> tuple[str, str, str, str]:
    errors = str(usage.errors) if usage.errors else ""
    if not usage.calls:
        return (f"{usage.scripts} run" if usage.scripts else "", "", "", errors)
    return (str(usage.calls), text.count(usage.known_tokens), text.money(usage.known_usd), errors)


def _messages(last: Sequence[Envelope]) -> RenderableType:
    table = Table(box=None, pad_edge=False, expand=True, show_header=False)
    for _ in range(3):
        table.add_column(no_wrap=True, style="dim")
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for each in last[-_LAST:]:
        cells = (f"+{text.duration(each.time)}", each.kind, place(each), headline(each))
        table.add_row(*(Text(cell) for cell in cells))
    return table
