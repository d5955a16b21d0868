"""`memory`: the shared memory of a run, now or at an earlier message."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from cyclopts import Parameter

from gome.agents.protocol.types import Failure as NotedFailure
from gome.agents.protocol.types import Finding as NotedFinding
from gome.agents.state.memory import Memory
from gome.agents.state.memory_entries import Given
from gome.agents.state.memory_entries import Success as Accepted
from gome.cli.options import Json, Run, Runs, folder_of
from gome.viewer import text
from gome.viewer.model.message_lines import idea
from gome.viewer.model.steps import MARKS
from gome.viewer.output import emit, hint, say, table
from gome.viewer.run_folders import as_opened, open_reader

__all__ = ["Failure", "Finding", "Known", "Reader", "State", "Success", "Tried", "known", "memory"]

Kind = Literal["success", "failure", "finding", "state"]
Entry = TypeVar("Entry")
_WIDEST = 120
"""Maximum length of a text in a table, in characters; JSON output is not cut."""
_CHANGES = "accepted changes (for, against: trials with their gains in standard errors)"


@dataclass(frozen=True)
class Tried:
    """A trial of a change; `gain` is in standard errors."""

    step: str
    gain: float


@dataclass(frozen=True)
class Reader:
    """A step that was given a change, and the outcome if it used the change."""

    step: str
    used: bool
    verdict: str | None
    gain: float | None
    paid: bool | None


@dataclass(frozen=True)
class Success:
    """An accepted change, the trials that support and contradict it, and the steps that were given it.

    `gain_on`: on how many splits its gain is, where its score is of more.
    """

    step: str
    ideas: tuple[str, ...]
    gain: float | None
    gain_on: str
    standard_error: float | None
    score: float
    judged: str
    supporting: tuple[Tried, ...]
    contradicting: tuple[Tried, ...]
    demoted: str | None
    readers: tuple[Reader, ...]
    message: str


@dataclass(frozen=True)
class Failure:
    """A failure of a script, and its fix (`mended`)."""

    step: str
    idea: str
    words: str
    mended: str | None


@dataclass(frozen=True)
class Finding:
    """A finding of a trial, the steps whose trials contradict it, and the trial's gain where it was measured again.

    `splits` is the number of splits that the gain is of.
    """

    step: str
    text: str
    gain: float | None
    standard_error: float | None
    splits: int | None
    contradicted: tuple[str, ...]


@dataclass(frozen=True)
class State:
    """The state of a trace: its best solution and its number of trials."""

    trace: int
    step: str | None
    score: float | None
    judged: str
    idea: str | None
    trials: int


@dataclass(frozen=True)
class Known:
    """All entries, or the entries of one `kind`."""

    kind: Kind | None
    successes: tuple[Success, ...]
    failures: tuple[Failure, ...]
    findings: tuple[Finding, ...]
    states: tuple[State, ...]


def memory(
    run: Run = "@last",
    *,
    kind: Annotated[Kind | None, Parameter(show_default=False)] = None,
    as_of: Annotated[str | None, Parameter(name="--as-of")] = None,
    runs: Runs = None,
    json: Json = False,
) -> int:
    """Show the shared memory: accepted changes, failures, findings, and the state of each trace.

    Gains of trials for and against a change are in standard errors. Steps that were given a change are listed; those
    that used it with their verdict and gain.

    Parameters
    ----------
    kind
        Only entries of this kind.
    as_of
        A message's id: show the memory as of that message.
    """
    folder = folder_of(run, runs)
    state = Memory()
    with open_reader(folder) as reader:
        before = reader.envelope(as_of).seq + 1 if as_of else None
        for each in reader.envelopes(before=before):
            state.heard(each)
    found = known(state, kind)
    if json:
        emit("memory", found)
        return 0
    tables = [_successes(found.successes), _failures(found.failures), _findings(found.findings), _states(found.states)]
    shown = [each for each in tables if each]
    say("\n\n".join(shown) if shown else f"the memory has no {kind or 'entry'} yet")
    newest = f"gome log show {found.successes[-1].message[:8]} --run {as_opened(folder)}" if found.successes else ""
    hint(newest or f"gome log {as_opened(folder)}", f"gome tree {as_opened(folder)}")
    return 0


def known(state: Memory, kind: Kind | None = None) -> Known:
    """The entries of a memory as plain data: all, or those of one kind."""

    def of(asked: Kind, entries: Iterable[Entry]) -> tuple[Entry, ...]:
        return tuple(entries) if kind in (None, asked) else ()

    return Known(
        kind=kind,
        successes=of("success", (_success(each, state) for each in state.successes)),
        failures=of("failure", (_failure(each) for _, each in sorted(state.failures.items()))),
        findings=of("finding", map(_finding, state.findings.known)),
        states=of("state", (_state(index, state) for index in sorted(state.traces))),
    )


def _success(entry: Accepted, state: Memory) -> Success:
    step = _at(entry.trace, entry.step)
    tried = [Tried(_at(each.trace, each.step), each.gain) for each in state.tryings.get(entry.id, ())]
    return Success(
        step=step,
        ideas=tuple(idea((each,)) for each in entry.hypotheses),
        gain=entry.gain if any(each.step == step for each in tried) else None,
        gain_on=entry.effect.narrower(entry.evaluation) if entry.effect else "",
        standard_error=entry.error,
        score=entry.score,
        judged=entry.evaluation.judged,
        supporting=tuple(each for each in tried if each.gain > 0),
        contradicting=tuple(each for each in tried if each.gain <= 0),
        demoted=state.demoted(entry) or None,
        readers=tuple(_reader(each) for each in state.given.values() if each.id == entry.id),
        message=entry.id,
    )


def _reader(given: Given) -> Reader:
    return Reader(
        step=_at(given.trace, given.step),
        used=given.used,
        verdict=given.verdict or None,
        gain=given.gain,
        paid=None if given.gain is None else given.gain > 0,
    )


def _failure(failure: NotedFailure) -> Failure:
    return Failure(_at(failure.trace, failure.step), failure.idea, failure.words, failure.mended or None)


def _finding(finding: NotedFinding) -> Finding:
    now = finding.now
    return Finding(
        step=_at(finding.trace, finding.step),
        text=finding.text,
        gain=now.gain if now else None,
        standard_error=now.standard_error if now else None,
        splits=now.splits if now else None,
        contradicted=tuple(_at(*each) for each in finding.contradicted),
    )


def _state(index: int, state: Memory) -> State:
    trace = state.traces[index]
    best = trace.best
    if best is None:
        return State(index, None, None, "", None, trace.trials)
    return State(index, _at(best.trace, best.step), best.score, best.judged, best.idea, trace.trials)


def _successes(entries: Sequence[Success]) -> str:
    headers = ("from", "idea", "gain", "±", "score", "for", "against", "given to", "message")
    rows = [
        (
            *(each.step, _words("; ".join(each.ideas)), _gain(each), text.spread(each.standard_error)),
            *(text.on_splits(each.score, each.judged), _trials(each.supporting), _trials(each.contradicting)),
            *(_readers(each.readers), each.message[:8]),
        )
        for each in entries
    ]
    shown = _titled(_CHANGES, headers, rows, "idea", spare=("message", "±", "score"))
    demoted = [f"{each.step} is demoted: {text.line(each.demoted)}" for each in entries if each.demoted]
    return "\n".join([shown, *demoted])


def _gain(entry: Success) -> str:
    """Its gain on all splits known now, which is that of `gome tree`; with the splits where the score is of more."""
    return text.gain(entry.gain) + (f" on {entry.gain_on} splits" if entry.gain_on else "")


def _failures(entries: Sequence[Failure]) -> str:
    rows = [
        (each.step, _words(each.idea), _words(each.words), _words(each.mended or "nothing yet")) for each in entries
    ]
    return _titled("failures", ("step", "idea", "failed with", "fixed by"), rows, "failed with", spare=("idea",))


def _findings(entries: Sequence[Finding]) -> str:
    """With the gains of those alone that were measured again: the others' own words say what theirs was."""
    again = any(each.gain is not None for each in entries)
    rows = [
        (each.step, _words(each.text), *([_now(each)] if again else []), ", ".join(each.contradicted) or "none")
        for each in entries
    ]
    headers = ("from", "finding", *(["gain now"] if again else []), "contradicted by")
    return _titled("findings", headers, rows, "finding")


def _now(finding: Finding) -> str:
    """The gain of a finding's trial as it is on all splits run since; empty where the finding's own figures hold."""
    if finding.gain is None:
        return ""
    error = "" if finding.standard_error is None else f" ± {text.spread(finding.standard_error)}"
    return f"{text.gain(finding.gain)}{error} on {text.several(finding.splits or 0, 'split')}"


def _states(entries: Sequence[State]) -> str:
    rows = [
        (
            *(str(each.trace), each.step or text.UNKNOWN, text.on_splits(each.score, each.judged), str(each.trials)),
            _words(each.idea or "no solution yet"),
        )
        for each in entries
    ]
    return _titled("state of each trace", ("trace", "best", "score", "trials", "idea"), rows, "idea")


def _titled(
    title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], words: str, spare: Sequence[str] = ()
) -> str:
    """A table below its title; empty where there are no rows."""
    return f"{title}\n{table(headers, rows, words=words, spare=spare)}" if rows else ""


def _trials(tried: Sequence[Tried]) -> str:
    """The steps that tried a change, with gains in standard errors."""
    return ", ".join(f"{each.step} {each.gain:+.1f}".replace("-", "−") for each in tried) or "none"


def _readers(readers: Sequence[Reader]) -> str:
    """The steps that were given a change; those that used it with verdict and gain."""
    shown = [
        f"{each.step} {MARKS.get(each.verdict or 'open', '')} {text.gain(each.gain)}" if each.used else each.step
        for each in readers
    ]
    return ", ".join(shown) or "none"


def _words(content: str) -> str:
    return text.line(content, _WIDEST)


def _at(trace: int, step: int) -> str:
    return f"{trace}.{step}"
