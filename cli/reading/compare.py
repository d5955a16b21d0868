"""`compare`: two runs side by side, and their first difference."""

from collections.abc import Iterator, Mapping
from typing import Any

from gome.cli.options import Json, Run, Runs, folder_of
from gome.viewer import text
from gome.viewer.model.divergence import Divergence, first_divergence
from gome.viewer.model.message_lines import idea
from gome.viewer.model.summary import Summary, summarise
from gome.viewer.output import emit, hint, say, say_aside, screen_width, table
from gome.viewer.run_folders import open_reader

__all__ = ["compare"]


def compare(
    one: Run,
    other: Run,
    *,
    target: float | None = None,
    runs: Runs = None,
    json: Json = False,
) -> int:
    """Compare two runs: scores, times, costs, overlap, differing settings, first differing message, ideas of one only.

    Parameters
    ----------
    target
        Report time and trials until this score. Default: the best score that both runs reached.
    """
    summaries, logs = [], []
    for name in (one, other):
        with open_reader(folder_of(name, runs)) as reader:
            logs.append(list(reader.envelopes()))
        summaries.append(summarise(logs[-1]))
    first, second = summaries
    if incomparable := _incomparable(first, second):
        say_aside(f"warning: {incomparable}: their scores are not comparable")
    aim = _common(first, second) if target is None and not incomparable else target
    figures = [_figures(each, aim) for each in summaries]
    settings = _tasks(first, second) | dict(_differences(_scenario(first), _scenario(second)))
    ideas = [_ideas(first) - _ideas(second), _ideas(second) - _ideas(first)]
    divergence = first_divergence(*logs)
    if json:
        data = {
            "runs": [each.run for each in summaries],
            "comparable": not incomparable,
            "target": aim,
            "figures": list(map(_named, figures)),
            "settings": settings,
        }
        data["submission_of"] = [list(each.submitted.steps) if each.submitted else [] for each in summaries]
        emit("compare", {**data, "ideas": [sorted(each) for each in ideas], "divergence": divergence})
        return 0
    _say_figures(summaries, figures, aim, incomparable)
    _say_differences(summaries, settings, ideas)
    _say_divergence(summaries, divergence)
    hint(f"gome tree {first.run}", f"gome report {second.run}")
    return 0


def _say_figures(summaries: list[Summary], figures: list[dict[str, Any]], aim: float | None, incomparable: str) -> None:
    shown = [{key: _show(key, value) for key, value in each.items()} for each in figures]
    rows = [(key, shown[0][key], shown[1][key]) for key in shown[0]]
    rows.insert(2, ("submitted", _submitted(summaries[0]), _submitted(summaries[1])))
    say(table(("", *(each.run for each in summaries)), rows))
    if aim is not None:
        say(f"target score: {text.score(aim)}")
    elif not incomparable:
        say("no target score: not both runs have an accepted trial")


def _say_differences(summaries: list[Summary], settings: dict[str, tuple[Any, Any]], ideas: list[set[str]]) -> None:
    say("\ndiffering settings" if settings else "\nno setting differs")
    for path, (before, after) in settings.items():
        say(f"  {path}: {before} | {after}")
    for summary, own in zip(summaries, ideas, strict=True):
        say(f"\ntried only by {summary.run}: {len(own)}")
        for each in sorted(own):
            say(text.cut(f"  {text.line(each)}", screen_width()))


def _say_divergence(summaries: list[Summary], divergence: Divergence | None) -> None:
    if divergence is None:
        say("\nthe roles sent the same messages in both runs (measured times ignored)")
        return
    where = f"{divergence.sender} {divergence.place} {divergence.kind} {', '.join(divergence.fields)}"
    say(f"\nfirst difference: {where}".rstrip())
    for summary, name, headline in zip(summaries, divergence.ids, divergence.headlines, strict=True):
        line = f"  {summary.run}  {name[:8] if name else 'not sent'}  {text.line(headline or '')}"
        say(text.cut(line.rstrip(), screen_width()))


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


def _named(figures: dict[str, Any]) -> dict[str, float | None]:
    """Figures by their names in `--json`."""
    return {key.lower().replace(" ", "_"): value for key, value in figures.items()}


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
        "time to best": _time_to_best(summary),
        "time to target": reached[0] if reached else None,
        "trials to target": reached[1] if reached else None,
        "calls": total.calls,
        "tokens": total.known_tokens,
        "USD": total.known_usd,
        "overlap": shares.both,
        "slots busy": shares.slots,
    }


def _submitted(summary: Summary) -> str:
    """The steps that the test score belongs to; they may differ from the step with the best score."""
    submitted = summary.submitted
    return submitted.whose if submitted and submitted.grade else text.UNKNOWN


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


def _show(key: str, value: Any) -> str:
    if key in ("score", "test score"):
        return text.score(value)
    if key.startswith("time"):
        return text.duration(value)
    if key in ("overlap", "slots busy"):
        return text.percent(value)
    return text.money(value) if key == "USD" else text.count(value)


def _differences(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Yield settings that differ: path and the two values."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other}):
            yield from _differences(one.get(key), other.get(key), f"{path}.{key}".lstrip("."))
    elif one != other:
        yield path, (one, other)


def _ideas(summary: Summary) -> set[str]:
    return {idea((each,)) for step in summary.trials for each in step.hypotheses}
