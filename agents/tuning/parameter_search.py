"""Search the constants that a script declares: settings are suggested, and race each other over the splits.

Each round's settings race side by side against the best so far (`split_runs`), so that most of them end after one
split. Suggestions and runs are recorded activities: a search that was killed goes on where it was.
"""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import anyio
import anyio.to_thread

from gome.agents.method.validation import compare
from gome.agents.protocol.searched import Searched
from gome.agents.scripts.split_runs import SplitRuns
from gome.agents.tuning.parameters import Parameter, Value, declared, with_values
from gome.agents.tuning.suggesting import Setting, Suggested, Suggesting, Tried, suggest
from gome.bus.actors.actor import Context
from gome.bus.store.artefacts import Artefacts
from gome.scenarios.config.method import Tuning
from gome.scenarios.evaluation.scoring import merge
from gome.scenarios.evidence import Evaluation, SplitRule, TaskBrief

__all__ = ["Found", "Search", "gain_of", "search"]

Race = Callable[[str, Evaluation], Awaitable[SplitRuns]]
"""Run a script (by its reference) on the splits, as long as it may be better than the evaluation."""
_EMPTY_HANDED = 2
"""A search ends after so many rounds in a row without a new setting."""


@dataclass(frozen=True, slots=True)
class Search:
    """What to search: a script with its evaluation. `planned` is its number of splits."""

    script: str
    base: Evaluation
    task: TaskBrief
    settings: Tuning
    planned: int
    seed: int


@dataclass(frozen=True, slots=True)
class Found:
    """The best setting's script and runs, both None where nothing was found; and what was tried."""

    script_ref: str | None
    runs: SplitRuns | None
    searched: Searched


@dataclass(frozen=True, slots=True)
class _Point:
    setting: Setting
    script_ref: str
    runs: SplitRuns


@dataclass(slots=True)
class _Leader:
    """The best setting so far, and the evaluation that others must beat."""

    beat: Evaluation
    point: _Point | None = None
    rank: tuple[bool, float] = (False, float("-inf"))


async def search(
    asked: Search, race: Race, over: Callable[[SplitRuns], bool], context: Context, artefacts: Artefacts
) -> Found:
    """Search until all points are tried, the space is exhausted, or `over` says so of one of the runs.

    The best is the setting with the largest gain among those that were not stopped, else among those that were.
    """
    parameters = declared(asked.script).parameters
    tried = [Tried(setting=tuple(each.value for each in parameters), gain=0.0)]
    leader, empty, ended = _Leader(asked.base), 0, not parameters
    raced_on: list[int] = []
    seconds = 0.0
    while not ended and (left := asked.settings.points - len(tried) + 1) > 0 and empty < _EMPTY_HANDED:
        request = Suggesting(
            parameters=parameters,
            tried=tuple(tried),
            count=min(left, asked.settings.together),
            seed=asked.seed + empty,
        )
        call = partial(anyio.to_thread.run_sync, suggest, request)
        suggested = await context.perform("suggest", request, Suggested, call, label="settings to try")
        empty = 0 if suggested.settings else empty + 1
        scripts = [with_values(asked.script, _named(parameters, setting)) for setting in suggested.settings]
        refs = [await artefacts.put(script) for script in scripts]
        raced = await _raced([partial(race, ref, leader.beat) for ref in refs])
        for setting, script_ref, runs in zip(suggested.settings, refs, raced, strict=True):
            gain = gain_of(runs, asked)
            tried.append(Tried(setting=setting, gain=gain))
            _follow(leader, _Point(setting, script_ref, runs), gain, asked)
            ended = ended or over(runs)
            raced_on.append(len(runs.runs))
            seconds += math.fsum(run.seconds for run in runs.runs)
    changes = _changes(leader.point, parameters) if leader.point else ()
    searched = Searched(points=len(tried) - 1, changes=changes, raced=tuple(raced_on), seconds=seconds)
    point = leader.point
    return Found(point.script_ref if point else None, point.runs if point else None, searched)


def _named(parameters: Sequence[Parameter], setting: Setting) -> dict[str, Value]:
    return {each.name: value for each, value in zip(parameters, setting, strict=True)}


async def _raced(races: Sequence[Callable[[], Awaitable[SplitRuns]]]) -> list[SplitRuns]:
    """All races side by side. They start in order, so that each run has the same ordinal at every delivery."""
    outcomes: dict[int, SplitRuns] = {}

    async def one(place: int) -> None:
        outcomes[place] = await races[place]()

    async with anyio.create_task_group() as group:
        for place in range(len(races)):
            group.start_soon(one, place)
    return [outcomes[place] for place in range(len(races))]


def gain_of(runs: SplitRuns, asked: Search) -> float | None:
    """The gain over the script as it stood, over the splits that both have; None for a failed setting."""
    evaluation = _merged(runs, asked.task.split, asked.planned)
    effect = compare(evaluation, asked.base, asked.task.direction) if evaluation is not None else None
    return None if effect is None else effect.gain


def _merged(runs: SplitRuns, rule: SplitRule, planned: int) -> Evaluation | None:
    found = [run.evaluation for run in runs.runs if run.evaluation is not None]
    return merge(found, rule, planned) if runs.good else None


def _follow(leader: _Leader, point: _Point, gain: float | None, asked: Search) -> None:
    """Make the point the leader if it is better: one that was not stopped before one that was, then by gain."""
    if gain is None:
        return
    runs = point.runs
    whole = runs.stop is None or runs.stop.why == "decided"
    if (whole, gain) <= leader.rank:
        return
    leader.rank, leader.point = (whole, gain), point
    evaluation = _merged(runs, asked.task.split, asked.planned)
    if runs.stop is None and gain > 0 and evaluation is not None:
        leader.beat = evaluation


def _changes(point: _Point, parameters: Sequence[Parameter]) -> tuple[str, ...]:
    return tuple(
        f"{each.shown(each.value)} → {each.shown(value).removeprefix(f'{each.name} ')}"
        for each, value in zip(parameters, point.setting, strict=True)
        if value != each.value
    )
