"""Seats the roles: one Director, Memory-Keeper and Finisher, and a team for each trace."""

from collections.abc import Mapping
from typing import Protocol

from gome.agents.backends.base import Backend, Embedder
from gome.agents.roles.completer import Completer
from gome.agents.roles.diagnoser import Diagnoser
from gome.agents.roles.director import Director
from gome.agents.roles.finisher import Finisher, Graded, Grading, Mixer
from gome.agents.roles.memory_keeper import MemoryKeeper
from gome.agents.roles.prober import Probed, Prober, Probing
from gome.agents.roles.proposer import Proposer
from gome.agents.roles.role import Reasoner, Role
from gome.agents.roles.runner import Runner
from gome.agents.roles.writer import Writer
from gome.agents.scripts.completion import Completion
from gome.agents.scripts.error_analysis import Analysed, Analysing, Paired, Pairing
from gome.agents.scripts.joined_splits import Assembled, Assembling
from gome.agents.scripts.script_run import Forward
from gome.agents.state.deadline import Ending
from gome.bus.store.artefacts import Artefacts
from gome.scenarios.config.scenario import Scenario

__all__ = ["World", "seat"]


class World(Mixer, Protocol):
    """What the actors of a run reach for outside the log (`resources`); a replay has one that refuses."""

    @property
    def forward(self) -> Forward:
        """Who runs scripts."""

    async def grade(self, request: Grading) -> Graded:
        """A submission against the task's private answers."""

    async def assemble(self, request: Assembling) -> Assembled:
        """The runs of a trial, put together."""

    async def analyse(self, request: Analysing) -> Analysed:
        """Where and how a solution errs."""

    async def pair(self, request: Pairing) -> Paired:
        """What the mean of two solutions would score."""

    async def probe(self, request: Probing) -> Probed:
        """What predictions for the probe view say."""


def seat(
    scenario: Scenario,
    backends: Mapping[str, Backend],
    world: World,
    artefacts: Artefacts,
    embedder: Embedder | None = None,
    ending: Ending | None = None,
) -> list[Role]:
    """The actors of a run, in the order of the ring. `embedder` is None where the Memory-Keeper hashes words.

    `ending` is that of the whole log, in a live run.
    """
    if (embedder is None) != (scenario.roles.memory_keeper.embedding == "hashing"):
        raise ValueError("the Memory-Keeper has an embedder exactly where a model embeds")
    roles, lanes = scenario.roles, scenario.ahead + 1
    diagnosing, proposing, writing = (
        Reasoner({name: backends[name] for name in roles.of(role)}, ending)
        for role in ("diagnoser", "proposer", "executor")
    )
    keeper, completion = MemoryKeeper(artefacts, embedder, ending), Completion(world.assemble, world.analyse)
    shared: list[Role] = [Director(artefacts), keeper, Finisher(world.forward, world.grade, world, artefacts)]
    teams = [
        role
        for trace in range(scenario.teams)
        for role in (
            Diagnoser(trace, diagnosing, artefacts, world.analyse, world.pair),
            Proposer(trace, proposing, artefacts, world.pair),
            Writer(trace, writing, artefacts),
            Completer(trace, world.forward, artefacts, completion),
            Prober(trace, world.forward, artefacts, world.probe),
            *(Runner(trace, world.forward, artefacts, completion, lane, lanes) for lane in range(lanes)),
        )
    ]
    return shared + teams
