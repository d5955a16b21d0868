"""Seats the roles: one Director, Memory-Keeper and Finisher, and a team for each trace."""

from collections.abc import Mapping

from agents.backends.base import Backend, Embedder
from agents.diagnoser import Diagnoser
from agents.director import Director
from agents.examination import Examiner
from agents.finisher import Blender, Finisher, Grader
from agents.forward import Forward
from agents.memory_keeper import MemoryKeeper
from agents.proposer import Proposer
from agents.role import Reasoner, Role
from agents.runner import Runner
from agents.writer import Writer
from bus.artefacts import Artefacts
from scenarios.schema import Scenario

__all__ = ["seat"]


def seat(
    scenario: Scenario,
    backends: Mapping[str, Backend],
    forward: Forward,
    grader: Grader,
    artefacts: Artefacts,
    embedder: Embedder | None = None,
    blender: Blender | None = None,
    examiner: Examiner | None = None,
) -> list[Role]:
    """The actors of a run, in the order of the ring. `embedder` is None where the Memory-Keeper hashes words, `blender`
    where no finalists are to be averaged, `examiner` where no script is to be examined.
    """
    if (embedder is None) != (scenario.roles.memory_keeper.embedding == "hashing"):
        raise ValueError("the Memory-Keeper has an embedder exactly where a model embeds")
    roles, lookahead = scenario.roles, scenario.lookahead
    diagnosing, proposing, writing = (
        Reasoner(backends[name]) for name in (roles.diagnoser, roles.proposer, roles.executor)
    )
    keeper = MemoryKeeper(artefacts, embedder)
    shared: list[Role] = [Director(artefacts), keeper, Finisher(forward, grader, artefacts, blender)]
    teams = [
        role
        for trace in range(scenario.teams)
        for role in (
            Diagnoser(trace, diagnosing, artefacts),
            Proposer(trace, proposing, artefacts),
            Writer(trace, writing, artefacts),
            *(Runner(trace, forward, artefacts, lane, lookahead + 1, examiner) for lane in range(lookahead + 1)),
        )
    ]
    return shared + teams
