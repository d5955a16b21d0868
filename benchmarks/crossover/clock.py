"""A simulated clock: when each step of a finished run would have ended, on S slots and with calls of C seconds.

    step of a trace:  call ─► call ─► runs of the splits, in slots ─► call ─► next step

The work is read from the run's log (`work.py`); its durations are given, so the same log gives the same times on any
machine. Discrete events: a trace works on one stage at a time, a race's runs ask for slots in the order of the splits,
earlier splits of all traces come before later ones, and when a race is decided its other runs leave their slots. Traces
do not wait for each other, as in runs that are not in lockstep.
"""

import heapq
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Race", "Stage", "Timed", "Work", "timed"]


@dataclass(frozen=True)
class Race:
    """The runs of one script, those that decided and those that were given up when they had.

    A run is (what is run on which split, seconds). What has been run, by whichever trace, takes no time again.
    """

    decided: tuple[tuple[str, float], ...]
    dropped: tuple[tuple[str, float], ...] = ()


Stage = float | tuple[Race, ...]
"""Seconds of a call, or races side by side."""


@dataclass(frozen=True)
class Work:
    """What a step does, one stage after the other."""

    trace: int
    step: int
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class Timed:
    """The second at which each (trace, step) ended, and the seconds for which slots were occupied."""

    ends: dict[tuple[int, int], float]
    occupied: float


@dataclass(eq=False)
class _Run:
    """One run of a race on its way through a slot; `ends` is when it will have ended."""

    chain: "_Chain"
    race: "_Racing"
    what: str
    seconds: float
    decides: bool
    began: float | None = None
    ends: float = 0.0
    ended: bool = False


@dataclass(eq=False)
class _Racing:
    left: int
    runs: list[_Run] = field(default_factory=list)


@dataclass(eq=False)
class _Chain:
    """A trace's steps, and where it is in them."""

    works: list[Work]
    at: int = 0
    stage: int = 0
    races: int = 0


class _Clock:
    def __init__(self, slots: int) -> None:
        self.now, self.free, self.occupied = 0.0, slots, 0.0
        self.events: list[tuple[float, int, _Chain | _Run]] = []
        self.waiting: list[tuple[int, int, _Run]] = []
        self.number = itertools.count()
        self.ends: dict[tuple[int, int], float] = {}
        self.known: dict[str, _Run] = {}

    def later(self, seconds: float, what: _Chain | _Run) -> None:
        heapq.heappush(self.events, (self.now + seconds, next(self.number), what))

    def begin(self, chain: _Chain) -> None:
        """Begin the chain's next stage, or end its step; races without runs are over at once."""
        while chain.at < len(chain.works):
            work = chain.works[chain.at]
            if chain.stage == len(work.stages):
                self.ends[work.trace, work.step] = self.now
                chain.at, chain.stage = chain.at + 1, 0
                continue
            stage = work.stages[chain.stage]
            chain.stage += 1
            if isinstance(stage, float):
                self.later(stage, chain)
                return
            if self._ask(chain, [race for race in stage if race.decided]):
                return

    def _ask(self, chain: _Chain, races: Sequence[Race]) -> bool:
        chain.races = len(races)
        for race in races:
            racing = _Racing(len(race.decided))
            for place, (what, seconds) in enumerate((*race.decided, *race.dropped)):
                run = _Run(chain, racing, what, seconds, place < len(race.decided))
                racing.runs.append(run)
                heapq.heappush(self.waiting, (place, next(self.number), run))
        return bool(races)

    def fill(self) -> None:
        """Give free slots to runs that wait and whose race goes on."""
        while self.free and self.waiting:
            run = heapq.heappop(self.waiting)[2]
            if not run.ended:
                self.free -= 1
                run.began = self.now
                first = self.known.setdefault(run.what, run)
                run.ends = self.now + run.seconds if first is run else max(self.now, first.ends)
                self.later(run.ends - self.now, run)

    def leave(self, run: _Run) -> None:
        """End a run: it ended by itself, or its race was decided."""
        run.ended = True
        if self.now < run.ends and self.known.get(run.what) is run:
            del self.known[run.what]
        if run.began is not None:
            self.free += 1
            self.occupied += self.now - run.began

    def landed(self, run: _Run) -> None:
        self.leave(run)
        if not run.decides:
            return
        run.race.left -= 1
        if run.race.left:
            return
        for other in run.race.runs:
            if not other.ended:
                self.leave(other)
        run.chain.races -= 1
        if not run.chain.races:
            self.begin(run.chain)


def timed(works: Sequence[Work], slots: int) -> Timed:
    """Simulate the steps; those of a trace one after the other, in the order of their numbers."""
    clock = _Clock(slots)
    for trace in sorted({work.trace for work in works}):
        own = sorted((work for work in works if work.trace == trace), key=lambda work: work.step)
        clock.begin(_Chain(own))
    clock.fill()
    while clock.events:
        clock.now, _, what = heapq.heappop(clock.events)
        if isinstance(what, _Chain):
            clock.begin(what)
        elif not what.ended:
            clock.landed(what)
        clock.fill()
    return Timed(clock.ends, clock.occupied)
