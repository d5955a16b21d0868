"""Geometry of the lineage chart; `templates/charts.html.j2` draws it."""

from dataclasses import dataclass

from gome.viewer import text
from gome.viewer.model.borrowed import Borrowings
from gome.viewer.model.steps import Step
from gome.viewer.model.summary import Summary
from gome.viewer.web.charts import LABEL, WIDTH, Tick

__all__ = ["Lineage", "lineage"]

_GAP, _NARROW = 84.0, 26.0
_FEW = 16
"""Steps of a trace up to which each has its label; more stand closer together, and some accepted ones are labelled."""


@dataclass(frozen=True)
class Node:
    """A trial in the lineage chart; `label` is empty where nodes are too close together for it."""

    x: float
    y: float
    name: str
    trace: int
    verdict: str
    label: str
    title: str


@dataclass(frozen=True)
class Lineage:
    """The lineage chart: `edges` lead from parent to child, `loans` to the step of another trace that adopted it."""

    width: float
    height: float
    nodes: tuple[Node, ...]
    edges: tuple[str, ...]
    loans: tuple[str, ...]
    rows: tuple[Tick, ...]


def lineage(summary: Summary, newest: int = 250) -> Lineage:
    """The lineage of the `newest` trials: one row per trace, steps from left to right.

    Accepted steps are on the row's line, others below it.
    """
    row = 78.0
    nodes: dict[str, Node] = {}
    edges: list[str] = []
    loans: list[str] = []
    rows = []
    scripts: dict[tuple[int, str], Node] = {}
    shown = summary.trials[-newest:]
    longest = max((sum(step.trace == index for step in shown) for index in summary.traces), default=0)
    gap = _GAP if longest <= _FEW else _NARROW
    for number, index in enumerate(sorted(summary.traces)):
        base_y = 30.0 + number * row
        rows.append(Tick(base_y, f"trace {index}"))
        own = sorted((step for step in shown if step.trace == index), key=lambda step: step.step)
        first = own[0].step if own else 1
        labelled = float("-inf")
        for step in own:
            y = base_y if step.verdict == "accepted" else base_y + 32
            x = LABEL + (step.step - first) * gap
            node = Node(
                x=x,
                y=y,
                name=step.name,
                trace=index,
                verdict=step.verdict,
                label=_label(step, gap, x - labelled),
                title=f"{step.name} {step.verdict}: {text.line(_title(step), 200)}",
            )
            nodes[step.name] = node
            labelled = x if node.label else labelled
            base = step.proposal.base_ref if step.proposal else None
            parent = scripts.get((index, base)) if base else None
            if parent is not None:
                edges.append(_curve(parent, node))
            if step.verdict == "accepted" and step.diagnosis and step.diagnosis.script_ref:
                scripts[index, step.diagnosis.script_ref] = node
    lent = Borrowings(summary)
    for step in shown:
        loans += [_curve(nodes[each], nodes[step.name]) for each in lent.taken(step) if each in nodes]
        base_elsewhere = lent.base(step)
        if base_elsewhere in nodes:
            edges.append(_curve(nodes[base_elsewhere], nodes[step.name]))
    width = max(WIDTH, max((node.x for node in nodes.values()), default=0.0) + gap)
    height = max((node.y for node in nodes.values()), default=0.0) + 26
    return Lineage(width, height, tuple(nodes.values()), tuple(edges), tuple(loans), tuple(rows))


def _label(step: Step, gap: float, since: float) -> str:
    """The label of a node, `since` units after the last one of its row."""
    if gap == _GAP:
        return _score(step) if step.score is not None else step.verdict
    return _score(step) if step.verdict == "accepted" and since >= _GAP / 1.5 else ""


def _score(step: Step) -> str:
    """The score, with the splits that it is of where it is not of all: `0.277 (2/5)`."""
    judged = step.evaluation.judged if step.evaluation else ""
    return f"{text.score(step.score)} ({judged.replace(' of ', '/')})" if judged else text.score(step.score)


def _title(step: Step) -> str:
    return "; ".join(each.statement for each in step.hypotheses)


def _curve(start: Node, end: Node) -> str:
    middle = round((start.x + end.x) / 2, 1)
    return f"M{start.x} {start.y}C{middle} {start.y} {middle} {end.y} {end.x} {end.y}"
