"""The present state of a run: what each role does and since when, slots, budget, medal thresholds.

The live screen and the live page show the same `Now`. It is computed from the log's activities (model calls and scripts
in progress) and from telemetry, which has what the log does not: a script's progress, messages being handled, failed
attempts of handlers.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gome.agents.protocol.activities import QUESTION
from gome.bus.telemetry import Told
from gome.viewer import text
from gome.viewer.model.message_lines import role
from gome.viewer.model.price import spent
from gome.viewer.model.summary import Summary
from gome.viewer.model.timeline import Span, covered
from gome.viewer.model.usage import Usage

__all__ = ["RING", "Allowance", "Doing", "Now", "Present", "RoleNow", "look", "pool_of"]

RING = ("diagnoser", "proposer", "memory-keeper", "writer", "runner", "completer", "director", "finisher")
"""The roles, in the order in which a step passes through them."""
_NAMED = 4
"""Maximum number of pieces of work that one line names."""
_SHARE = re.compile(r"(?<!\d)(\d{1,9})\s*/\s*(\d{1,9})(?!\d)")


@dataclass
class Present:
    """The latest telemetry per actor: progress of its scripts by label, the message it handles, a failed attempt."""

    progress: dict[str, dict[str, Told]] = field(default_factory=dict)
    handling: dict[str, Told] = field(default_factory=dict)
    trouble: dict[str, Told] = field(default_factory=dict)

    def hear(self, lines: Iterable[Told]) -> None:
        """Update the state with the next telemetry lines."""
        for line in lines:
            match line.event:
                case "handle.begin":
                    self.handling[line.actor] = line
                case "handle.end":
                    self.progress.pop(line.actor, None)
                    self.handling.pop(line.actor, None)
                    self.trouble.pop(line.actor, None)
                case "handle.failed":
                    self.trouble[line.actor] = line
                case "activity.begin" | "activity.end":
                    self.progress.get(line.actor, {}).pop(_label(line), None)
                case "progress":
                    self.progress.setdefault(line.actor, {})[_label(line)] = line
                case _:
                    pass

    def since(self, begun: float) -> "Present":
        """Only lines from `begun` (run time in seconds) on: work of an earlier, dead process is not in progress."""
        progress = {actor: _later(each, begun) for actor, each in self.progress.items()}
        return Present(progress, _later(self.handling, begun), _later(self.trouble, begun))


@dataclass(frozen=True)
class Doing:
    """Work in progress: a model call, a script, or a message being handled. `since`: seconds since the run's start.

    `progress` is the last progress line of a script; `asks`: it is a question to a language model.
    """

    place: str
    what: str
    since: float
    progress: str = ""
    asks: bool = False

    @property
    def share(self) -> float | None:
        """Progress in [0, 1], parsed from a fraction such as `3/5` in `progress`; None where there is none."""
        found = _SHARE.search(self.progress)
        return min(1.0, int(found[1]) / int(found[2])) if found and int(found[2]) else None

    @property
    def task(self) -> str:
        """The task, with its progress in brackets."""
        return text.line(self.what + (f" ({self.progress})" if self.progress else ""))

    @property
    def words(self) -> str:
        """Trace, step and task, with the progress in brackets."""
        return text.line(f"{self.place} {self.task}")


@dataclass(frozen=True)
class RoleNow:
    """A role with all its actors. `idle` is the share of the run's time in which none of them worked."""

    role: str
    doing: tuple[Doing, ...]
    trouble: str
    idle: float
    usage: Usage

    @property
    def words(self) -> str:
        """Its current work in one line; identical items are counted."""
        counted = Counter(each.words for each in self.doing)
        shown = [words if number == 1 else f"{number} × {words}" for words, number in counted.items()]
        return ", ".join([*shown, *([text.line(self.trouble)] if self.trouble else [])])

    def since(self, now: float) -> float | None:
        """Seconds for which its longest-running work has been in progress; None where it is idle."""
        return max(0.0, now - min(each.since for each in self.doing)) if self.doing else None


@dataclass(frozen=True)
class Allowance:
    """A part of the budget: the amount used (None: unknown) and the limit (None: unlimited).

    `open` is the number of trials among `used` that have no verdict yet: an opened trial counts as used.
    """

    unit: str
    used: float | None
    limit: float | None
    open: int = 0

    @property
    def words(self) -> str:
        """`12 of 20 trials`, or `12 trials` where there is no limit."""
        if self.used is None:
            return f"{self.unit} unknown"
        of = "" if self.limit is None else f" of {self._figure(self.limit)}"
        still = f", {self.open} of them open" if self.open else ""
        return f"{self._figure(self.used)}{of}" + ("" if self.unit == "time" else f" {self.unit}") + still

    def _figure(self, value: float | None) -> str:
        if self.unit == "time":
            return text.duration(value)
        return text.money(value).lstrip("$") if self.unit == "USD" else text.count(value)


@dataclass(frozen=True)
class Now:
    """The state of a run at `time` (seconds since its start).

    `used` of `slots` slots are in use, `waiting` scripts have no slot yet, and `busy` is the mean share of busy slots.
    `queued` says what waits for the user, for the end of a pause, or for the proposals of others; empty for nothing.
    """

    time: float
    roles: tuple[RoleNow, ...]
    scripts: tuple[Doing, ...]
    allowances: tuple[Allowance, ...]
    slots: int
    used: int
    waiting: int
    busy: float
    queued: str = ""

    @property
    def work(self) -> list[tuple[RoleNow, Doing]]:
        """All work in progress with its role, the longest-running first."""
        return sorted(((each, doing) for each in self.roles for doing in each.doing), key=lambda pair: pair[1].since)

    @property
    def words(self) -> str:
        """The work in progress in one line: role, step, question or script, and for how long it has been going on."""
        shown = [
            f"{role.role} {doing.place}".strip()
            + (f" asks its model {doing.task}" if doing.asks else f": {doing.task}")
            + f", for {text.duration(max(0.0, self.time - doing.since))}"
            for role, doing in self.work[:_NAMED]
        ]
        more = len(self.work) - _NAMED
        rest = [*([f"{more} more"] if more > 0 else []), *([self.queued] if self.queued else [])]
        return "; ".join([*shown, *rest]) or "no role is working"


def _label(line: Told) -> str:
    return str(line.detail.get("label", ""))


def _later(known: dict[str, Told], begun: float) -> dict[str, Told]:
    return {name: line for name, line in known.items() if line.time >= begun}


def look(summary: Summary, present: Present, now: float) -> Now:
    """Compute the present state of the run; `now` is in seconds since the run's start."""
    present = present.since(summary.begun)
    session = summary.sessions[-1] if summary.sessions else None
    slots = session.slots if session else 0
    running = summary.timeline.under_way()
    scripts = [span for span in running if span.executes]
    return Now(
        time=now,
        roles=tuple(_role(name, summary, present, running, now) for name in RING),
        scripts=tuple(_doing(span, present, summary) for span in scripts),
        allowances=_allowances(summary, now),
        slots=slots,
        used=min(len(scripts), slots),
        waiting=max(0, len(scripts) - slots),
        busy=summary.timeline.shares(now).slots,
        queued="; ".join(filter(None, (_held(summary), _queued(summary)))),
    )


def _held(summary: Summary) -> str:
    """What waits for the user: proposals that were offered, and steps that are not opened in a pause."""
    offers = [step.name for step in summary.trials if step.waits_for_the_user]
    waits = f"{text.several(len(offers), 'proposal')} waiting for you: gome confirm ({', '.join(offers)})"
    paused = "paused, no step is opened until: gome pause --end"
    return "; ".join([*([waits] if offers else []), *([paused] if summary.pause.on else [])])


def _queued(summary: Summary) -> str:
    """Which steps wait for the proposals of others: up to four traces propose in turn, each knowing those before."""
    open_steps = [step for step in summary.trials if step.verdict == "open"]
    proposing = [step for step in open_steps if step.recollection is not None and step.proposal is None]
    before = [step.name for step in proposing if not step.waits_for_the_user]
    after = [step.name for step in open_steps if step.recollection is None]
    if not before or not after:
        return ""
    verb = "waits" if len(after) == 1 else "wait"
    return f"{', '.join(after)} {verb} for the proposal of {', '.join(before)}, as traces propose in turn"


def _role(name: str, summary: Summary, present: Present, running: list[Span], now: float) -> RoleNow:
    own = [span for span in running if role(span.actor) == name]
    doing = [_doing(span, present, summary) for span in own]
    busy = {span.actor for span in own}
    for actor, line in present.handling.items():
        if role(actor) == name and actor not in busy:
            doing.append(Doing(_place(line), f"handles {line.detail.get('kind')}", line.time))
    spans = [(each.start, each.end or now) for each in summary.timeline.spans if role(each.actor) == name]
    trouble = [_trouble(line) for actor, line in present.trouble.items() if role(actor) == name]
    usage = Usage()
    for actor, used in summary.actors.items():
        if role(actor) == name:
            usage.merge(used)
    idle = max(0.0, 1 - covered(spans) / now) if now > 0 else 1.0
    return RoleNow(name, tuple(doing), "; ".join(trouble), idle, usage)


def _doing(span: Span, present: Present, summary: Summary) -> Doing:
    where = "" if span.trace is None else f"{span.trace}.{span.step}"
    progress = present.progress.get(span.actor, {}) if span.executes else {}
    line = progress.get(span.label)
    told = text.line(str(line.detail["line"])) if line else ""
    asks = span.activity == QUESTION and not summary.by_rules
    return Doing(where, span.label or span.activity, span.start, told, asks)


def _trouble(line: Told) -> str:
    return f"attempt {line.detail['attempt']} failed: {line.detail['error']}"


def _place(line: Told) -> str:
    trace, step = line.detail.get("trace"), line.detail.get("step")
    return "" if trace is None else f"{trace}.{step}"


def _allowances(summary: Summary, now: float) -> tuple[Allowance, ...]:
    """Every part of the budget; calls only where they are limited."""
    budget, total = summary.budget, summary.total()
    used: list[tuple[str, float | None]] = [
        ("time", now),
        ("trials", len(summary.trials)),
        ("calls", total.calls),
        ("tokens", total.known_tokens),
        ("USD", spent(summary)),
    ]
    still = summary.count("open")
    every = [
        Allowance(unit, amount, budget.get(unit.lower()), still if unit == "trials" else 0) for unit, amount in used
    ]
    return tuple(each for each in every if each.unit != "calls" or each.limit is not None)


def pool_of(summary: Summary) -> dict[str, float]:
    """The scores of medals and median on the task's leaderboard; empty where there is no leaderboard."""
    graded = summary.finished.grade if summary.finished else None
    if graded is not None:
        return dict(graded.thresholds)
    opened = summary.opened
    if opened is None or not (leaderboard := Path(opened.task_path) / "leaderboard.csv").is_file():
        return {}
    from gome.scenarios.grading.grade import thresholds  # imports pandas: only for views that need it
    from gome.scenarios.task.tables import numbers, read_table

    return thresholds(numbers(read_table(leaderboard)["score"]).tolist(), opened.task.direction)
