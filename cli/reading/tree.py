"""`tree`: the lineage of a run's solutions."""

from collections.abc import Iterator

from gome.cli.options import Json, Run, Runs, folder_of
from gome.viewer import text
from gome.viewer.model.borrowed import Borrowings
from gome.viewer.model.message_lines import idea
from gome.viewer.model.script_diff import base_of, script_of
from gome.viewer.model.steps import MARKS, Step, Trace
from gome.viewer.model.summary import Summary, summarise
from gome.viewer.output import emit, hint, say, screen_width
from gome.viewer.queries.runs import now_words
from gome.viewer.run_folders import as_opened, open_reader

__all__ = ["tree"]


def tree(run: Run = "@last", *, runs: Runs = None, json: Json = False) -> int:
    """Show the lineage of a run's solutions, trace by trace, each step below the one it changed.

    `⇠ from 0.2` marks a step that adopted a change or solution of step 0.2 of another trace; `⇠ on 0.2` marks a step
    whose parent is step 0.2 of another trace.
    """
    folder = folder_of(run, runs)
    with open_reader(folder) as reader:
        summary = summarise(reader.envelopes())
    loans = Borrowings(summary)
    if json:
        parents = {index: _parents(trace) for index, trace in summary.traces.items()}
        emit("tree", [_data(step, parents[step.trace], loans) for step in summary.trials])
        return 0
    for index in sorted(summary.traces):
        trace = summary.traces[index]
        say(f"trace {index}")
        for line in _branches(trace, _parents(trace), loans, None, ""):
            say(text.cut(line, screen_width()))
    if now := now_words(folder):
        say(text.cut(f"now {now}", screen_width()))
    example = _example(summary)
    shown = [f"gome diff {as_opened(folder)} {example}"] if example else [f"gome log {as_opened(folder)} --follow"]
    hint(*shown, f"gome report {as_opened(folder)}")
    return 0


def _parents(trace: Trace) -> dict[str, str | None]:
    """The name of each step's parent in its own trace; None for a root."""
    accepted: dict[str, str] = {}
    parents: dict[str, str | None] = {}
    for step in trace.trials:
        base, own = base_of(step), script_of(step)
        parents[step.name] = accepted.get(base) if base else None
        if step.verdict == "accepted" and own is not None:
            accepted[own] = step.name
    return parents


def _branches(
    trace: Trace, parents: dict[str, str | None], loans: Borrowings, parent: str | None, indent: str
) -> Iterator[str]:
    children = [step for step in trace.trials if parents[step.name] == parent]
    for number, step in enumerate(children, start=1):
        last = number == len(children)
        gain = f" ({step.gain_words})" if step.gain is not None else ""
        mark = MARKS.get(step.verdict, "·")
        still = f" ({step.verdict_words})" if step.verdict == "open" else ""
        head = f"{indent}{'└' if last else '├'} {step.name} {mark} {step.score_words}{gain}{still}"
        yield f"{head}  {_words(step, loans)}".rstrip()
        yield from _branches(trace, parents, loans, step.name, indent + ("  " if last else "│ "))


def _words(step: Step, loans: Borrowings) -> str:
    taken, base = loans.taken(step), loans.base(step)
    from_ = f"  ⇠ from {', '.join(taken)}" if taken else ""
    return text.line(idea(step.hypotheses)) + (f"  ⇠ on {base}" if base else "") + from_


def _data(step: Step, parents: dict[str, str | None], loans: Borrowings) -> dict[str, object]:
    return {
        "step": step.name,
        "parent": parents[step.name] or loans.base(step),
        "kind": step.proposal.step_kind if step.proposal else None,
        "taken_from": loans.taken(step),
        "verdict": step.verdict,
        "score": step.score,
        "gain": step.gain,
        "hypotheses": [each.statement for each in step.hypotheses],
    }


def _example(summary: Summary) -> str | None:
    """A step whose script can be shown: the best one, else the first that has one; None where there is none yet."""
    if summary.best is not None:
        return summary.best.step
    return next((step.name for step in summary.trials if script_of(step) is not None), None)
