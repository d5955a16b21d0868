"""Give a hint to a run, from the command line or through an assistant."""

import sys
from dataclasses import dataclass
from pathlib import Path

from gome.agents.protocol.hint import Hint
from gome.agents.protocol.messages import VOCABULARY
from gome.agents.runtime.inbox import Note, leave_note
from gome.agents.runtime.opening import opening_of, scenario_of
from gome.agents.runtime.placement import python_of
from gome.agents.scripts.user_script import read_start
from gome.agents.state.hints import Hints
from gome.bus.store.lock import holder
from gome.bus.store.reader import LogReader
from gome.errors import UsageError
from gome.executors.resources.packages import describe
from gome.scenarios.config.scenario import Scenario
from gome.viewer import text
from gome.viewer.model.summary import Summary
from gome.viewer.run_folders import outline

__all__ = ["Given", "by_the_expert", "give_hint", "hints_in_force"]

_LONGEST = 4000


@dataclass(frozen=True)
class Given:
    """A hint that was left: its note's name, the trace it is for (None: all), whether the run is running.

    `warning` says what of it nobody reads; empty where all of it is read.
    """

    run: str
    note: str
    trace: int | None
    running: bool
    warning: str = ""

    @property
    def told(self) -> str:
        """What becomes of it, for the user."""
        if self.running:
            return f"left for {self.run}; its next proposals read it"
        return f"left for {self.run}, which is not running: it is recorded when the run is resumed"


def give_hint(folder: Path, hint: Hint, start: Path | None = None, trace: int | None = None) -> Given:
    """Leave a hint for the run in `folder`.

    Args:
        folder: The run's folder.
        hint: What its next steps should follow.
        start: A solution script that the next step runs as it is.
        trace: Only for this trace. A script goes to the trace with the best solution where none is named.

    Raises:
        UsageError: The hint says nothing or too much, there is no such trace, the script cannot be used, or no hint
            that holds has an id that is to be withdrawn.
    """
    hint = _shown(hint).model_copy(update={"withdraw": _withdrawn(folder, hint.withdraw)})
    if hint == Hint() and start is None:
        raise UsageError('say something: gome hint RUN "…", or use --avoid, --prefer, --start or --withdraw')
    if len(hint.line) > _LONGEST:
        raise UsageError(f"a hint of {len(hint.line)} characters is too long for a prompt; the limit is {_LONGEST}")
    summary, scenario = outline(folder), scenario_of(folder)
    _check_trace(summary, trace)
    script = None
    if start is not None:
        python = python_of(scenario.executors) or Path(sys.executable)
        script = read_start(start, describe(python).importable)
        trace = _best_trace(summary) if trace is None else trace
    name = leave_note(folder, Note(kind="hint", trace=trace, hint=hint, script=script))
    return Given(folder.name, name, trace, holder(folder) is not None, _unread(folder, hint, scenario))


def hints_in_force(folder: Path) -> dict[str, Hint]:
    """The hints that the run's next proposals read, by the id of their message, oldest first. Raises as `LogReader`."""
    held = Hints()
    with LogReader(folder, VOCABULARY) as reader:
        for each in reader.envelopes(kinds=("hint_given", "proposal_reviewed")):
            held.heard(each)
    return held.given


def _withdrawn(folder: Path, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The whole ids of the hints that are named by the beginnings of theirs."""
    held = hints_in_force(folder) if asked else {}
    found: list[str] = []
    for beginning in asked:
        named = [name for name in held if beginning.strip() and name.startswith(beginning.strip())]
        if len(named) != 1:
            known = ", ".join(name[:8] for name in held) or "none"
            raise UsageError(
                f"{'several hints begin' if named else 'no hint in force begins'} with {beginning!r}; in force: {known}"
            )
        found += named
    return tuple(dict.fromkeys(found))


def _unread(folder: Path, hint: Hint, scenario: Scenario) -> str:
    """A warning of what the rule-based expert cannot follow, where all proposals of the run come from it."""
    if not by_the_expert(scenario):
        return ""
    from gome.agents.backends.expert.asked import unfollowed  # it imports the catalogue, which takes a moment

    opened = opening_of(folder)
    told = unfollowed(opened.task, opened.profile, hint)
    return f"this run's proposals come from the rule-based expert: {'; '.join(told)}" if told else ""


def by_the_expert(scenario: Scenario) -> bool:
    """Whether no backend that proposes in this scenario reads words."""
    return all(scenario.backends[name].kind == "expert" for name in scenario.roles.of("proposer"))


def _shown(hint: Hint) -> Hint:
    """The hint without what nobody sees: control characters, and entries that are empty without them."""
    avoid, prefer = (tuple(filter(None, map(text.line, each))) for each in (hint.avoid, hint.prefer))
    return Hint(words=text.clean(hint.words).strip(), avoid=avoid, prefer=prefer)


def _check_trace(summary: Summary, trace: int | None) -> None:
    if trace is not None and trace not in summary.traces:
        known = ", ".join(map(str, sorted(summary.traces))) or "none yet"
        raise UsageError(f"run {summary.run} has no trace {trace}; its traces are {known}")


def _best_trace(summary: Summary) -> int:
    """The trace with the best solution; 0 where there is none yet."""
    return int(summary.best.step.partition(".")[0]) if summary.best is not None else 0
