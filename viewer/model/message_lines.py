"""Summarise a message in one line; used by `log`, the live view and the report."""

from collections.abc import Callable, Mapping
from typing import Any

from gome.agents.protocol.activities import PASSED
from gome.agents.protocol.backend_choice import BackendChoice
from gome.agents.protocol.messages import (
    Diagnosis,
    Job,
    Proposal,
    Recollection,
    RepairCalled,
    StepOpened,
    TraceRestarted,
    Trial,
)
from gome.agents.protocol.run_messages import (
    FinishCalled,
    HintGiven,
    PauseRequested,
    ProposalReviewed,
    RunFinished,
    RunOpened,
    SessionOpened,
)
from gome.agents.protocol.types import Hypothesis
from gome.bus.events import ActivityFinished, ActivityStarted, DeadLetter
from gome.bus.message import Envelope
from gome.viewer import text
from gome.viewer.model.steps import gain_words
from gome.viewer.model.submitted import submitted_by

__all__ = ["choice_words", "event_line", "headline", "idea", "line_of", "place", "role", "sandbox_words"]


_COUNTED = ("trials", "calls", "tokens")


def role(sender: str) -> str:
    """The role of a sender: its name without the number of its trace."""
    stem, _, number = sender.rpartition("-")
    return stem if number.isdigit() else sender


def place(envelope: Envelope) -> str:
    """The trace and step of a message: `trace.step`, `trace`, or empty for the whole run."""
    if envelope.trace is None:
        return ""
    return f"{envelope.trace}.{envelope.step}" if envelope.step is not None else str(envelope.trace)


def idea(hypotheses: tuple[Hypothesis, ...]) -> str:
    """The first hypothesis in one line, with the number of further ones."""
    if not hypotheses:
        return ""
    first = f"{hypotheses[0].component}: {hypotheses[0].statement}"
    return first if len(hypotheses) == 1 else f"{first} (and {len(hypotheses) - 1} more)"


def headline(envelope: Envelope) -> str:
    """The message in one line, without control characters; empty for kinds that need no explanation."""
    formatter = _HEADLINES.get(envelope.kind)
    return text.line(formatter(envelope.message)) if formatter else ""


def event_line(envelope: Envelope, width: int | None = None) -> str:
    """The message in one line: time, id, sender, trace and step, kind, headline."""
    line = line_of(envelope.time, envelope.id, envelope.sender, place(envelope), envelope.kind, headline(envelope))
    return text.cut(line, width)


def line_of(when: float, name: str, who: str, where: str, what: str, words: str) -> str:
    """Format the columns of an event line. `when`: seconds since the run's start; `name`: a message id, or empty."""
    return f"+{text.duration(when):>7}  {name[:8]:<8}  {who:<15} {where:>5}  {what:<14}  {words}"


def _run_opened(message: RunOpened) -> str:
    reasoners = sorted(set(message.reasoners.values()))
    words = [message.name, f"budget: {_budget(message.scenario.get('budget') or {})}"]
    return "; ".join([*words, f"backends: {', '.join(reasoners)}", f"baseline {text.score(message.baseline)}"])


def _session_opened(message: SessionOpened) -> str:
    budget = f"; budget: {_budget(message.budget)}" if message.budget is not None else ""
    return f"{text.several(message.slots, 'slot')}, {sandbox_words(message)}{budget}"


def sandbox_words(session: SessionOpened) -> str:
    """The sandbox of a session in short; its gaps stand in the message, in the report, and in what `doctor` prints."""
    gaps = text.several(len(session.sandbox_gaps), "gap")
    return f"sandbox {session.sandbox}" + (f"; {gaps}: gome doctor SCENARIO lists them" if session.sandbox_gaps else "")


def _budget(budget: Mapping[str, Any]) -> str:
    """Every limit of a budget, and what part of its time is kept for the finish."""
    limits = [f"{text.count(budget[unit])} {unit}" for unit in _COUNTED if budget.get(unit) is not None]
    limits += [f"{budget['usd']:g} USD"] if budget.get("usd") is not None else []
    if (time := budget.get("time")) is not None:
        kept = f" ({text.duration(time * budget['finish'])} of it for the finish)" if budget.get("finish") else ""
        limits.insert(0, f"{text.duration(time)}{kept}")
    return ", ".join(limits) or "no limit"


def _hint_given(message: HintGiven) -> str:
    started = "; start this script" if message.script_ref is not None else ""
    return f"{message.hint.line}{started}".removeprefix("; ")


def _pause_requested(message: PauseRequested) -> str:
    if not message.on:
        return "steps are opened again"
    return "one more step is opened, then none" if message.after else "no further step is opened"


def _proposal_reviewed(message: ProposalReviewed) -> str:
    if not message.accepted:
        return f"rejected: {message.hint.line}"
    return "accepted" if message.sketch is None else "accepted with another sketch"


def _step_opened(message: StepOpened) -> str:
    return "; ".join(
        [
            f"{message.stage} stage, {text.percent(message.used)} of the run's budget taken, open trials included",
            *map(choice_words, message.backends),
        ]
    )


def choice_words(choice: BackendChoice) -> str:
    """The backends of a role, the chosen one first, each with its value and the record that it rests on."""
    records = [
        f"{each.backend} {each.value:.3g} (gain {each.gain:.3g} in {text.several(each.steps, 'step')}, "
        f"{text.money(each.usd)})"
        for each in choice.records
    ]
    return f"{choice.role} asks {', else '.join(records)}"


def _restarted(message: TraceRestarted) -> str:
    return f"from {'a fresh root' if message.script_ref is None else message.script_ref[:8]}: {message.reason}"


def _recollection(message: Recollection) -> str:
    recalled = [f"{each.hypotheses[0].parameter} of {each.trace}.{each.step} ({each.why})" for each in message.recalled]
    more = {
        "finding": len(message.findings),
        "failure": len(message.failures),
        "open step": len(message.underway),
        "sibling": len(message.siblings),
    }
    parts = [*recalled, *(text.several(count, word) for word, count in more.items() if count)]
    return ", ".join(parts) or "nothing to recall yet"


def _proposal(message: Proposal) -> str:
    kind = message.action if message.step_kind == "edit" else message.step_kind
    asked = f"; asked by the user: {message.answer}" if message.answer else ""
    return f"{kind} {idea(message.hypotheses)}{asked}"


def _job(message: Job) -> str:
    repair = f"repair {message.attempt - 1}: " if message.attempt > 1 else ""
    return f"{repair}{message.notes or message.script_ref[:8]}"


def _repair_called(message: RepairCalled) -> str:
    return f"{message.phase} run, attempt {message.attempt}: {message.cause}: {message.words}"


def _trial(message: Trial) -> str:
    evaluation = message.evaluation
    score = f", score {text.judged(evaluation.score, evaluation)}" if evaluation else ""
    trouble = "" if message.cause == "ok" else f"; {message.cause}: {message.words}"
    trouble += f"; {message.searched.words.removesuffix('.')}" if message.searched else ""
    return f"{message.phase} run{score}, {text.duration(message.seconds)} per run{trouble}"


def _diagnosis(message: Diagnosis) -> str:
    if message.verdict == "surveyed":
        captions = ", ".join(each.caption for each in message.challenges)
        return f"{text.several(len(message.challenges), 'challenge')}: {captions}"
    gain = f" ({gain_words(message, message.evaluation)})" if message.effect else ""
    score = ", score erased" if message.erased else f", score {text.judged(message.score, message.evaluation)}{gain}"
    return f"{message.verdict}{score if message.score is not None or message.erased else ''}: {message.reason}"


def _finish_called(message: FinishCalled) -> str:
    return (
        f"{text.several(len(message.finalists), 'finalist')}, {text.several(message.seeds, 'seed')}: {message.reason}"
    )


def _run_finished(message: RunFinished) -> str:
    if message.winner is None:
        return f"no trial was accepted: {message.why}"
    winner, submitted = message.winner, submitted_by(message)
    test = f"; test score {submitted.on_the_test}" if submitted and submitted.grade else ""
    return f"best is {winner.trace}.{winner.step}, score {text.score(winner.score)}{test}: {message.why}"


def _started(message: ActivityStarted) -> str:
    again = f" (attempt {message.attempt})" if message.attempt > 1 else ""
    lost = f", after {message.lost}" if message.lost else ""
    return f"{message.activity} {message.label}{again}{lost}"


def _finished(message: ActivityFinished) -> str:
    used = [f"{text.count(message.meter[key])} {key}" for key in ("tokens",) if key in message.meter]
    if "usd" in message.meter:
        used.append(text.money(message.meter["usd"]))
    if PASSED in message.meter:
        used.append(f"after {text.several(int(message.meter[PASSED]), 'backend')} in vain")
    return ", ".join([f"{message.activity} {message.label} in {text.duration(message.seconds)}", *used])


def _dead_letter(message: DeadLetter) -> str:
    return f"{message.actor} gave up on {message.message_kind} after {message.attempts} attempts: {message.error}"


_HEADLINES: dict[str, Callable[[Any], str]] = {
    "run_opened": _run_opened,
    "session_opened": _session_opened,
    "session_closed": lambda message: str(message.reason),
    "hint_given": _hint_given,
    "pause_requested": _pause_requested,
    "proposal_offered": lambda message: f"waits for you: {idea(message.hypotheses)}",
    "proposal_reviewed": _proposal_reviewed,
    "step_opened": _step_opened,
    "trace_folded": lambda message: str(message.reason),
    "trace_restarted": _restarted,
    "recollection": _recollection,
    "proposal": _proposal,
    "job": _job,
    "repair_called": _repair_called,
    "trial": _trial,
    "solution_completed": lambda message: f"score {text.judged(message.evaluation.score, message.evaluation)}",
    "diagnosis": _diagnosis,
    "deadline_reached": lambda _: "the time for trials is over, the rest of it is for the finish",
    "trials_spent": lambda _: "the budget's last trial is under way",
    "finish_called": _finish_called,
    "run_finished": _run_finished,
    "activity_started": _started,
    "activity_finished": _finished,
    "dead_letter": _dead_letter,
}
