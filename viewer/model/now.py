"""What a run is at this instant: who does what since when, the slots, the budget, what a score is worth.

The live screen and the live page draw the same `Now`. It is read off two things: the log's activities (questions and
scripts under way), and telemetry, which tells what the log does not: a script's progress, a message that is being
handled, a handler that failed and will try again.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gome.bus.telemetry import Told
from gome.viewer import text
from gome.viewer.model.headline import role
from gome.viewer.model.summary import Summary
from gome.viewer.model.timeline import Span, covered
from gome.viewer.model.usage import Usage

__all__ = ["RING", "Allowance", "Doing", "Now", "Present", "RoleNow", "look", "pool_of"]

RING = ("diagnoser", "proposer", "memory-keeper", "writer", "runner", "completer", "director", "finisher")
"""The roles, in the order in which a step goes round."""
_SHARE = re.compile(r"(\d+)\s*/\s*(\d+)")


@dataclass
class Present:
    """What telemetry last told of each actor: its scripts' progress by label, the message it handles, a failed try."""

    progress: dict[str, dict[str, Told]] = field(default_factory=dict)
    handling: dict[str, Told] = field(default_factory=dict)
    trouble: dict[str, Told] = field(default_factory=dict)

    def hear(self, lines: Iterable[Told]) -> None:
        """Fold in the next lines."""
        for told in lines:
            match told.event:
                case "handle.begin":
                    self.handling[told.actor] = told
                case "handle.end":
                    self.progress.pop(told.actor, None)
                    self.handling.pop(told.actor, None)
                    self.trouble.pop(told.actor, None)
                case "handle.failed":
                    self.trouble[told.actor] = told
                case "activity.begin" | "activity.end":
                    self.progress.get(told.actor, {}).pop(_label(told), None)
                case "progress":
                    self.progress.setdefault(told.actor, {})[_label(told)] = told
                case _:
                    pass

    def since(self, begun: float) -> "Present":
        """What was told from that time of the run on: a process that died has told of work that nobody does."""
        progress = {actor: _later(each, begun) for actor, each in self.progress.items()}
        return Present(progress, _later(self.handling, begun), _later(self.trouble, begun))


@dataclass(frozen=True)
class Doing:
    """One thing that goes on: a question, a script, or a message being handled. `since` is a time of the run.

    `progress` is what a script printed last, `share` how far that is of its end, in [0, 1], where it says so.
    """

    place: str
    what: str
    since: float
    progress: str = ""

    @property
    def share(self) -> float | None:
        """How far the script says it is."""
        found = _SHARE.search(self.progress)
        return min(1.0, int(found[1]) / int(found[2])) if found and int(found[2]) else None

    @property
    def task(self) -> str:
        """What, with its progress in brackets."""
        return text.line(self.what + (f" ({self.progress})" if self.progress else ""))

    @property
    def words(self) -> str:
        """Where and what, with its progress in brackets."""
        return text.line(f"{self.place} {self.task}")


@dataclass(frozen=True)
class RoleNow:
    """A role with all its actors. `idle` is the share of the run's time in which none of them was at work."""

    role: str
    doing: tuple[Doing, ...]
    trouble: str
    idle: float
    usage: Usage

    @property
    def words(self) -> str:
        """What it does, in one line; what goes on several times over is counted."""
        counted = Counter(each.words for each in self.doing)
        said = [words if number == 1 else f"{number} × {words}" for words, number in counted.items()]
        return ", ".join([*said, *([text.line(self.trouble)] if self.trouble else [])])

    def since(self, now: float) -> float | None:
        """For how many seconds the longest of it has gone on; None where nothing does."""
        return max(0.0, now - min(each.since for each in self.doing)) if self.doing else None


@dataclass(frozen=True)
class Allowance:
    """A part of the budget: what is used of it (None: not known), and its limit (None: there is none)."""

    unit: str
    used: float | None
    limit: float | None

    @property
    def words(self) -> str:
        """`12 of 20 trials`, without the limit where there is none."""
        of = "" if self.limit is None else f" of {self._figure(self.limit)}"
        return f"{self._figure(self.used)}{of}" + ("" if self.unit == "time" else f" {self.unit}")

    def _figure(self, value: float | None) -> str:
        if self.unit == "time":
            return text.duration(value)
        return text.money(value).lstrip("$") if self.unit == "USD" else text.count(value)


@dataclass(frozen=True)
class Now:
    """A run at `time`, in seconds since its start. `waiting` scripts have no slot yet."""

    time: float
    roles: tuple[RoleNow, ...]
    scripts: tuple[Doing, ...]
    allowances: tuple[Allowance, ...]
    slots: int
    used: int
    waiting: int
    busy: float


def _label(told: Told) -> str:
    return str(told.detail.get("label", ""))


def _later(known: dict[str, Told], begun: float) -> dict[str, Told]:
    return {name: told for name, told in known.items() if told.time >= begun}


def look(summary: Summary, present: Present, now: float) -> Now:
    """What is going on at `now`, a time of the run."""
    present = present.since(summary.begun)
    session = summary.sessions[-1] if summary.sessions else None
    slots = session.slots if session else 0
    under_way = summary.timeline.under_way()
    scripts = [span for span in under_way if span.executes]
    return Now(
        time=now,
        roles=tuple(_role(name, summary, present, under_way, now) for name in RING),
        scripts=tuple(_doing(span, present) for span in scripts),
        allowances=_allowances(summary, now),
        slots=slots,
        used=min(len(scripts), slots),
        waiting=max(0, len(scripts) - slots),
        busy=summary.timeline.shares(now).slots,
    )


def _role(name: str, summary: Summary, present: Present, under_way: list[Span], now: float) -> RoleNow:
    asked = [span for span in under_way if role(span.actor) == name]
    doing = [_doing(span, present) for span in asked]
    busy = {span.actor for span in asked}
    for actor, told in present.handling.items():
        if role(actor) == name and actor not in busy:
            doing.append(Doing(_place(told), f"handles {told.detail.get('kind')}", told.time))
    spans = [(each.start, each.end or now) for each in summary.timeline.spans if role(each.actor) == name]
    trouble = [_trouble(told) for actor, told in present.trouble.items() if role(actor) == name]
    usage = Usage()
    for actor, used in summary.actors.items():
        if role(actor) == name:
            usage.merge(used)
    idle = max(0.0, 1 - covered(spans) / now) if now > 0 else 1.0
    return RoleNow(name, tuple(doing), "; ".join(trouble), idle, usage)


def _doing(span: Span, present: Present) -> Doing:
    where = "" if span.trace is None else f"{span.trace}.{span.step}"
    told = present.progress.get(span.actor, {}) if span.executes else {}
    line = told.get(span.label)
    return Doing(where, span.label or span.activity, span.start, text.line(str(line.detail["line"])) if line else "")


def _trouble(told: Told) -> str:
    return f"try {told.detail['attempt']} failed: {told.detail['error']}"


def _place(told: Told) -> str:
    trace, step = told.detail.get("trace"), told.detail.get("step")
    return "" if trace is None else f"{trace}.{step}"


def _allowances(summary: Summary, now: float) -> tuple[Allowance, ...]:
    """Each part of the budget with what is used of it; calls only where they are limited."""
    budget, total = summary.budget, summary.total()
    used: list[tuple[str, float | None]] = [
        ("time", now),
        ("trials", len(summary.trials)),
        ("calls", total.calls),
        ("tokens", total.known_tokens),
        ("USD", total.known_usd),
    ]
    every = [Allowance(unit, amount, budget.get(unit.lower())) for unit, amount in used]
    return tuple(each for each in every if each.unit != "calls" or each.limit is not None)


def pool_of(summary: Summary) -> dict[str, float]:
    """The scores that medals and the median stand for on the task's leaderboard; empty where there is none to read."""
    graded = summary.finished.grade if summary.finished else None
    if graded is not None:
        return dict(graded.thresholds)
    opened = summary.opened
    if opened is None or not (leaderboard := Path(opened.task_path) / "leaderboard.csv").is_file():
        return {}
    from gome.scenarios.grading.grade import thresholds  # pandas: only where a live view asks
    from gome.scenarios.task.tables import numbers, read_table

    return thresholds(numbers(read_table(leaderboard)["score"]).tolist(), opened.task.direction)
