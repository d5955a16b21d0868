"""The state of a run, computed from its messages; used by the live view, the tables and the report.

    summary = Summary()
    for envelope in reader.envelopes():
        summary.apply(envelope)

Applying only some kinds is allowed: with the kinds in `OUTLINE`, the figures that a list of runs shows are the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gome.agents.protocol.final_selection import Finalist
from gome.agents.protocol.messages import Diagnosis, SolutionCompleted, SolutionProbed, TraceRestarted
from gome.agents.protocol.run_messages import FinishCalled, RunFinished, RunOpened, SessionClosed, SessionOpened
from gome.agents.state.findings import Comparisons
from gome.agents.state.pause import Pause
from gome.bus.events import ActivityFinished, ActivityStarted, DeadLetter
from gome.bus.message import Envelope
from gome.errors import UsageError
from gome.scenarios.diagnostics.record import Probes
from gome.viewer.model.message_lines import role
from gome.viewer.model.steps import Step, Trace
from gome.viewer.model.submitted import Best, Submitted, submitted_by
from gome.viewer.model.timeline import Timeline
from gome.viewer.model.usage import Usage

__all__ = ["OUTLINE", "Summary", "find_step", "summarise"]

OUTLINE = frozenset(
    {
        *("run_opened", "session_opened", "session_closed", "run_finished"),
        *("step_opened", "trial", "diagnosis", "solution_completed"),
    }
)
"""The message kinds that a list of runs needs: name, task, times, scores, winner."""
_EXPERT = "expert (rule-based"
"""How the label of the rule-based expert begins, whatever its skill and knowledge."""


@dataclass
class Summary:
    """The state of a run, computed from envelopes applied in log order.

    `begun` is the start of the last session and `time` that of the last message, in seconds since the run's start.
    `probes` are the results of probe runs, by the ref of the script.
    """

    run: str = ""
    opened: RunOpened | None = None
    sessions: list[SessionOpened] = field(default_factory=list)
    begun: float = 0.0
    traces: dict[int, Trace] = field(default_factory=dict)
    actors: dict[str, Usage] = field(default_factory=dict)
    timeline: Timeline = field(default_factory=Timeline)
    finish: FinishCalled | None = None
    finished: RunFinished | None = None
    closed: SessionClosed | None = None
    probes: dict[str, Probes] = field(default_factory=dict)
    seq: int = 0
    time: float = 0.0
    pause: Pause = field(default_factory=Pause)
    _compared: Comparisons = field(default_factory=Comparisons)

    def apply(self, envelope: Envelope) -> None:
        """Update the state with the next envelope."""
        if isinstance(envelope.message, SessionOpened):
            self.begun = envelope.time
        self.run, self.seq = envelope.run, envelope.seq
        self.time = max(self.time, envelope.time)
        message = envelope.message
        self.pause.heard(message)
        if isinstance(message, ActivityStarted):
            self.timeline.start(envelope, message)
        elif isinstance(message, ActivityFinished):
            self.timeline.finish(envelope, message)
            self._usage(envelope.sender).add(message)
        elif isinstance(message, DeadLetter):
            self._usage(message.actor).errors += 1
        elif envelope.trace is None:
            self._apply_to_run(message)
        else:
            self._apply_to_trace(envelope, envelope.trace)

    def _apply_to_run(self, message: object) -> None:
        if isinstance(message, RunOpened):
            self.opened = message
        elif isinstance(message, SessionOpened):
            self.sessions.append(message)
            self.closed = None
            self.timeline.abandon()
            self.timeline.slots = message.slots
            if message.budget is not None:  # a resume with a new budget reopens a finished run
                self.finish = self.finished = None
        elif isinstance(message, SessionClosed):
            self.closed = message
        elif isinstance(message, FinishCalled):
            self.finish = message
        elif isinstance(message, RunFinished):
            self.finished = message

    def _apply_to_trace(self, envelope: Envelope, index: int) -> None:
        trace = self.traces.setdefault(index, Trace(index))
        message = envelope.message
        if isinstance(message, TraceRestarted):
            trace.restart(message)
        if isinstance(message, SolutionCompleted):
            for each in trace.steps.values():
                each.complete(message)
            self._compare_again(message)
        elif isinstance(message, SolutionProbed):
            self.probes[message.script_ref] = message.probes
        if envelope.step is None:
            return
        if envelope.step == 0:
            step = trace.survey = trace.survey or Step(index, 0)
        else:
            step = trace.steps.setdefault(envelope.step, Step(index, envelope.step))
        step.opened = envelope.time if step.opened is None else step.opened
        step.hear(message)
        if isinstance(message, Diagnosis):
            step.diagnosis, step.closed = message, envelope.time
            self._compared.heard((index, step.step), message, step.changed or trace.reference)
            if message.accepted and step.step:
                trace.best, trace.reference = step, message.script_ref

    def _compare_again(self, message: SolutionCompleted) -> None:
        """Take the gains of or over this solution as they are on the splits that are known now."""
        again = self._compared.completed(message, "maximize" if self.maximizes else "minimize") or {}
        for (trace, number), effect in again.items():
            step = self.traces[trace].steps[number]
            step.again = effect if step.judging and effect.splits != step.judging.splits else None

    def _usage(self, actor: str) -> Usage:
        return self.actors.setdefault(actor, Usage())

    def now(self, wall: float) -> float:
        """Seconds since the run's start at `wall` (UTC seconds since 1970), if the last session still runs."""
        return max(self.time, self.begun + wall - self.sessions[-1].wall) if self.sessions else self.time

    @property
    def maximizes(self) -> bool:
        """Whether a higher score is better."""
        return self.opened is not None and self.opened.task.direction == "maximize"

    @property
    def reasoners(self) -> list[str]:
        """Labels of all backends that any session of the run used for a role."""
        named = dict(self.opened.reasoners) if self.opened else {}
        return sorted({*named.values(), *(label for session in self.sessions for label in session.reasoners.values())})

    @property
    def by_rules(self) -> bool:
        """Whether the rule-based expert alone has answered: then no language model was asked."""
        return bool(self.reasoners) and all(each.startswith(_EXPERT) for each in self.reasoners)

    @property
    def budget(self) -> dict[str, Any]:
        """The current budget: the scenario's, or that of the last session that changed it."""
        changed = [session.budget for session in self.sessions if session.budget is not None]
        if changed:
            return changed[-1]
        return dict(self.opened.scenario.get("budget") or {}) if self.opened else {}

    @property
    def trials(self) -> list[Step]:
        """All trials of all traces, in the order in which they were opened.

        A trial is a step from its opening on, on every screen and in the budget; until its verdict it is `open`.
        """
        every = [step for trace in self.traces.values() for step in trace.trials]
        return sorted(every, key=lambda step: (step.opened or 0.0, step.trace, step.step))

    def count(self, verdict: str) -> int:
        """The number of trials with this verdict."""
        return sum(step.verdict == verdict for step in self.trials)

    @property
    def trial_words(self) -> str:
        """How many trials have which verdict; the numbers add up to all trials."""
        words = [f"{self.count(verdict)} {verdict}" for verdict in ("accepted", "rejected")]
        words.append(f"{self.count('failed') + self.count('dead')} failed")
        rest = [f"{number} {verdict}" for verdict in ("unfinished", "open") if (number := self.count(verdict))]
        return ", ".join([*words, *rest])

    def better(self, one: float, other: float) -> bool:
        """Whether the first score is better than the second."""
        return one > other if self.maximizes else one < other

    @property
    def best(self) -> Best | None:
        """The winner of a finished run, else the accepted trial with the best score; None where there is none.

        One that was run on all splits goes before those of some: their scores are not alike.
        """
        if self.finished and self.finished.winner:
            winner = self.finished.winner
            name = f"{winner.trace}.{winner.step}"
            submitted = self.finished.submission_ref or winner.submission_ref
            refs = (winner.script_ref, submitted, winner.oof_ref)
            return Best(name, winner.score, winner.standard_error, *refs, final=True, judged=self.judged(winner))
        best: Best | None = None
        whole = any(each.evaluation and not each.evaluation.partial for each in self.trials if each.accepted)
        for step in self.trials:
            diagnosis = step.diagnosis
            if diagnosis is None or not diagnosis.accepted or diagnosis.score is None:
                continue
            if diagnosis.script_ref is None or diagnosis.submission_ref is None:
                continue
            score, known = step.score, step.completed or diagnosis
            if whole and (step.evaluation is None or step.evaluation.partial):
                continue
            if score is not None and (best is None or self.better(score, best.score)):
                error = step.evaluation.standard_error if step.evaluation else None
                judged = step.evaluation.judged if step.evaluation else ""
                refs = (diagnosis.script_ref, known.submission_ref or diagnosis.submission_ref, known.oof_ref)
                best = Best(step.name, score, error, *refs, final=False, judged=judged)
        return best

    def judged(self, finalist: Finalist) -> str:
        """On how many splits of how many a finalist's score was measured; empty for all."""
        step = next((each for each in self.trials if each.name == f"{finalist.trace}.{finalist.step}"), None)
        return step.evaluation.judged if step and step.evaluation else ""

    @property
    def submitted(self) -> Submitted | None:
        """The submission, which may come from other steps than `best`; None until the run has finished."""
        return submitted_by(self.finished)

    def by_role(self) -> dict[str, Usage]:
        """Usage per role, summed over its actors."""
        roles: dict[str, Usage] = {}
        for actor, usage in sorted(self.actors.items()):
            roles.setdefault(role(actor), Usage()).merge(usage)
        return roles

    def total(self) -> Usage:
        """Usage summed over all actors."""
        total = Usage()
        for usage in self.actors.values():
            total.merge(usage)
        return total

    @property
    def why_stopped(self) -> str:
        """Why the last process stopped before the run had finished, if it has; a killed one could not say so."""
        if self.finished or self.opened is None:
            return ""
        return self.closed.reason if self.closed else "its process ended without a word, as after kill -9 or a reboot"

    @property
    def ended(self) -> str:
        """Why the run ended, or why its last process stopped; empty while that is not known."""
        return self.finish.reason if self.finished and self.finish else self.why_stopped if self.closed else ""

    @property
    def status(self) -> str:
        """`finished`, `finishing`, `open` or `empty`, by the log alone; whether a process still runs is not checked."""
        if self.opened is None:
            return "empty"
        if self.finished:
            return "finished"
        return "finishing" if self.finish else "open"


def summarise(envelopes: Iterable[Envelope]) -> Summary:
    """The state after applying these envelopes, which must be in log order."""
    summary = Summary()
    for envelope in envelopes:
        summary.apply(envelope)
    return summary


def find_step(summary: Summary, name: str) -> Step:
    """The trial of that name, `trace.step`. Raises UsageError where there is none."""
    for step in summary.trials:
        if step.name == name:
            return step
    known = ", ".join(step.name for step in summary.trials) or "none yet"
    raise UsageError(f"run {summary.run} has no step {name!r}; its steps are {known}")
