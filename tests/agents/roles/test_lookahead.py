"""Looking ahead, on the real ring with simulated reasoning and scripts."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import anyio
import pytest
from pydantic import BaseModel, ValidationError

from benchmarks.shared.simulation import SimulatedReasoner, Simulation, simulate
from gome.agents.protocol.messages import Diagnosis, Proposal, StepOpened, Trial
from gome.agents.protocol.script_requests import WriteSolution
from gome.agents.roles.role import Reasoner
from gome.agents.roles.writer import Writer
from gome.bus.actors.actor import ActivityResult
from gome.bus.events import ActivityStarted
from gome.bus.message import Envelope
from gome.bus.store.artefacts import Artefacts
from gome.scenarios.config.scenario import Scenario

R = TypeVar("R", bound=ActivityResult)


def steps_in_the_air(envelopes: list[Envelope]) -> list[int]:
    """How many steps were open after each opening, survey apart."""
    open_steps: set[tuple[int | None, int | None]] = set()
    counts = []
    for envelope in envelopes:
        if isinstance(envelope.message, StepOpened):
            open_steps.add((envelope.trace, envelope.step))
            counts.append(len(open_steps))
        elif isinstance(envelope.message, Diagnosis):
            open_steps.discard((envelope.trace, envelope.step))
    return counts


def run(
    folder: Path, call: float = 0.01, run: float = 0.03, slots: int = 1, trials: int = 8, lookahead: int = 0
) -> list[Envelope]:
    asked = Simulation(call=call, run=run, traces=1, slots=slots, trials=trials, lookahead=lookahead)
    return anyio.run(simulate, asked, folder).envelopes


def test_without_lookahead_one_step_is_in_the_air(tmp_path: Path) -> None:
    assert steps_in_the_air(run(tmp_path / "run")) == [1] * 8


def test_with_lookahead_the_root_is_alone_and_then_two_fly(tmp_path: Path) -> None:
    envelopes = run(tmp_path / "run", lookahead=1)
    counts = steps_in_the_air(envelopes)
    assert counts[0] == 1
    assert max(counts) == 2
    assert set(Counter((each.trace, each.step) for each in envelopes if each.kind == "diagnosis").values()) == {1}
    assert len([each for each in envelopes if isinstance(each.message, Trial)]) == 8


def test_lookahead_reasons_while_a_script_of_the_same_trace_runs(tmp_path: Path) -> None:
    assert thoughts_meanwhile(run(tmp_path / "ahead", lookahead=1, run=0.1)) > 0
    assert thoughts_meanwhile(run(tmp_path / "plain", lookahead=0)) == 0


def thoughts_meanwhile(envelopes: list[Envelope]) -> int:
    """How many calls of a model began while a script ran."""
    running = 0
    thought_meanwhile = 0
    for envelope in envelopes:
        match envelope.message:
            case ActivityStarted(activity="script"):
                running += 1
            case ActivityStarted(activity="reason"):
                thought_meanwhile += running > 0
            case Trial():
                running -= 1
            case _:
                pass
    return thought_meanwhile


def test_a_stale_proposal_is_rebased_on_the_best_as_it_stands(tmp_path: Path) -> None:
    """The written rule of `roles/writer.py`: the change is made to what was accepted while the proposal was made."""
    envelopes = run(tmp_path / "run", lookahead=1)
    artefacts = Artefacts(tmp_path / "run")
    accepted = [each for each in envelopes if isinstance(each.message, Diagnosis) and each.message.accepted]
    proposed = next(each for each in envelopes if isinstance(each.message, Proposal) and each.step == 2)
    assert isinstance(proposed.message, Proposal)
    stale = replace(proposed, message=proposed.message.model_copy(update={"base_ref": script_of(accepted[0])}))
    writer = Writer(0, Reasoner({"simulated": SimulatedReasoner(0)}), artefacts)
    begun = [each for each in envelopes if each.step == 2 and each.kind in ("step_opened", "recollection")]
    for envelope in (envelopes[0], accepted[0], accepted[1], *begun, stale):
        writer.apply(envelope)
    asked = Asked(stale)
    anyio.run(writer.handle, stale, asked)
    assert [request.base for request in asked.requests if isinstance(request, WriteSolution)] == [
        artefacts.read_now(script_of(accepted[1])).decode()
    ]


def script_of(envelope: Envelope) -> str:
    assert isinstance(envelope.message, Diagnosis)
    assert envelope.message.script_ref is not None
    return envelope.message.script_ref


class Asked:
    """A context that makes each call and keeps what was asked."""

    def __init__(self, envelope: Envelope) -> None:
        self.envelope = envelope
        self.requests: list[BaseModel] = []

    async def perform(
        self, kind: str, request: BaseModel, result: type[R], call: Callable[[], Awaitable[R]], label: str = ""
    ) -> R:
        self.requests.append(request)
        return await call()

    def tell(self, event: str, **detail: str | float | None) -> None:
        """To nobody."""


def test_a_stale_trial_is_judged_against_the_best_of_its_moment(tmp_path: Path) -> None:
    worse_and_worse = Simulation(call=0.01, run=0.03, traces=1, slots=1, trials=6, lookahead=1, score=float)
    envelopes = anyio.run(simulate, worse_and_worse, tmp_path / "run").envelopes
    verdicts = [each.message.verdict for each in envelopes if isinstance(each.message, Diagnosis)]
    assert verdicts == ["surveyed", "accepted"] + ["rejected"] * 5


def test_no_idea_is_proposed_twice_while_it_is_in_the_air(tmp_path: Path) -> None:
    envelopes = run(tmp_path / "run", lookahead=2, slots=2, trials=12)
    keys = [each.message.hypotheses[0].key for each in envelopes if isinstance(each.message, Proposal)]
    assert len(keys) == len(set(keys)) == 12


def test_lockstep_does_not_look_ahead() -> None:
    scenario = Simulation(call=0, run=0, traces=1, slots=1, trials=1).scenario.model_dump()
    with pytest.raises(ValidationError, match="lookahead needs memory"):
        Scenario.model_validate({**scenario, "lookahead": 1, "memory": {"consistency": "lockstep"}})
