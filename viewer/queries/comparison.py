"""Two runs side by side: figures, differing settings, ideas of one only, and the first message that differs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gome.bus.message import Envelope
from gome.viewer import text
from gome.viewer.model.divergence import Divergence, first_divergence
from gome.viewer.model.message_lines import idea
from gome.viewer.model.summary import Summary, summarise

__all__ = ["Comparison", "compared"]


@dataclass(frozen=True)
class Comparison:
    """Two runs, in the order in which they were named.

    `incomparable` says why their scores cannot be compared, empty where they can. `target` is the score up to which
    time and trials are counted. `figures` are by name, one mapping per run; `settings` have the two values of each
    setting that differs; `ideas` are those that only one of the runs tried.
    """

    runs: tuple[Summary, Summary]
    incomparable: str
    target: float | None
    figures: tuple[dict[str, Any], dict[str, Any]]
    settings: dict[str, tuple[Any, Any]]
    ideas: tuple[list[str], list[str]]
    divergence: Divergence | None

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """The figures as text: name, and the value of each run; with the steps that the test scores belong to."""
        first, second = self.figures
        rows = [(name, _show(name, first[name]), _show(name, second[name])) for name in first]
        rows.insert(2, ("submitted", _submitted(self.runs[0]), _submitted(self.runs[1])))
        return rows


def compared(one: Sequence[Envelope], other: Sequence[Envelope], target: float | None = None) -> Comparison:
    """Compare two runs by their logs. `target`: by default the best score that both reached."""
    first, second = summarise(one), summarise(other)
    incomparable = _incomparable(first, second)
    aim = _common(first, second) if target is None and not incomparable else target
    return Comparison(
        runs=(first, second),
        incomparable=incomparable,
        target=aim,
        figures=(_figures(first, aim), _figures(second, aim)),
        settings=_tasks(first, second) | dict(_differences(_scenario(first), _scenario(second))),
        ideas=(sorted(_ideas(first) - _ideas(second)), sorted(_ideas(second) - _ideas(first))),
        divergence=first_divergence(one, other),
    )


def _incomparable(one: Summary, other: Summary) -> str:
    """Why the scores of two runs are not comparable; empty where task, metric and data are the same."""
    if one.opened is None or other.opened is None:
        return ""
    task, another = one.opened.task, other.opened.task
    if task.name != another.name:
        return f"the runs have different tasks ({task.name} | {another.name})"
    if (task.metric, task.direction) != (another.metric, another.direction):
        return f"the runs have different metrics ({task.metric} | {another.metric})"
    if one.opened.task_digest != other.opened.task_digest:
        return f"the files of task {task.name} changed between the runs"
    return ""


def _common(one: Summary, other: Summary) -> float | None:
    """The best score that both runs have reached; None where one has no score."""
    if one.best is None or other.best is None:
        return None
    return other.best.score if one.better(one.best.score, other.best.score) else one.best.score


def _scenario(summary: Summary) -> dict[str, Any]:
    """All settings except `task`: its path is relative to the scenario's folder and so not comparable."""
    scenario = summary.opened.scenario if summary.opened else {}
    return {key: value for key, value in scenario.items() if key != "task"}


def _tasks(one: Summary, other: Summary) -> dict[str, tuple[Any, Any]]:
    """The two tasks where they differ: by name, or by folder where the names are equal but the files are not."""
    if one.opened is None or other.opened is None:
        return {}
    named = (one.opened.task.name, other.opened.task.name)
    if named[0] != named[1]:
        return {"task": named}
    placed = (one.opened.task_path, other.opened.task_path)
    return {"task": placed} if placed[0] != placed[1] and one.opened.task_digest != other.opened.task_digest else {}


def _figures(summary: Summary, aim: float | None) -> dict[str, Any]:
    total, shares = summary.total(), summary.timeline.shares(summary.time)
    grade = summary.submitted.grade if summary.submitted else None
    reached = _reached(summary, aim)
    return {
        "score": summary.best.score if summary.best else None,
        "test score": grade.score if grade else None,
        "time": summary.time,
        "trials": len(summary.trials),
        "accepted": summary.count("accepted"),
        "failed": summary.count("failed") + summary.count("dead"),
        "unfinished": summary.count("unfinished"),
        "time to best": _time_to_best(summary),
        "time to target": reached[0] if reached else None,
        "trials to target": reached[1] if reached else None,
        "calls": total.calls,
        "tokens": total.known_tokens,
        "USD": total.known_usd,
        "overlap": shares.both,
        "slots busy": shares.slots,
    }


def _time_to_best(summary: Summary) -> float | None:
    best = summary.best
    return next((step.closed for step in summary.trials if best and step.name == best.step), None)


def _reached(summary: Summary, aim: float | None) -> tuple[float, int] | None:
    """Time (s) at which an accepted trial first reached `aim`, and the number of trials that had ended by then."""
    ended = sorted((step for step in summary.trials if step.closed is not None), key=lambda step: step.closed or 0.0)
    for number, step in enumerate(ended, start=1):
        if aim is None or step.score is None or step.verdict != "accepted" or step.closed is None:
            continue
        if step.score == aim or summary.better(step.score, aim):
            return step.closed, number
    return None


def _differences(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Yield settings that differ: path and the two values."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other}):
            yield from _differences(one.get(key), other.get(key), f"{path}.{key}".lstrip("."))
    elif one != other:
        yield path, (one, other)


def _ideas(summary: Summary) -> set[str]:
    return {idea((each,)) for step in summary.trials for each in step.hypotheses}


def _submitted(summary: Summary) -> str:
    """The steps that the test score belongs to; they may differ from the step with the best score."""
    submitted = summary.submitted
    return submitted.whose if submitted and submitted.grade else text.UNKNOWN


def _show(key: str, value: Any) -> str:
    if key in ("score", "test score"):
        return text.score(value)
    if key.startswith("time"):
        return text.duration(value)
    if key in ("overlap", "slots busy"):
        return text.percent(value)
    return text.money(value) if key == "USD" else text.count(value)
