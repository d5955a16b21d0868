"""A run of the rule-based expert whose user asks to avoid what its solution is made of goes on without it."""

import threading
import time
from itertools import combinations
from pathlib import Path

import anyio
import pytest

from gome.agents.protocol.hint import Hint
from gome.agents.protocol.messages import Diagnosis, Job, Proposal, RepairCalled
from gome.agents.protocol.run_messages import ProposalOffered
from gome.agents.runtime.inbox import Note, leave_note
from gome.agents.runtime.lifecycle import resume
from gome.agents.runtime.opening import scenario_of
from gome.agents.runtime.replay import replay_run
from gome.api.confirming import accept, offers_of, reject
from gome.bus.store.artefacts import Artefacts
from gome.executors.precheck import avoided_imports
from gome.scenarios.config.scenario import Scenario
from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.runs import Run, conducted, read_run
from tests.agents.helpers.stubs import line, quick_task, small, writing
from tests.agents.helpers.waiting import recorded

TRIALS = 4


def steered(tmp_path: Path, word: str) -> tuple[Run, list[str]]:
    """A run of one trace that is to avoid something after its first trial, and the scripts that it wrote, in order."""
    with ModelServer(writing(lambda *_: line(0.5))) as server:
        values = small(quick_task(tmp_path), server, traces=1, memory={}, budget={"trials": 1}).model_dump(mode="json")
    values |= {
        "backends": {"offline": {"kind": "expert"}},
        "roles": dict.fromkeys(("diagnoser", "proposer", "executor"), "offline"),
        "executors": values["executors"] | {"slots": 1, "standby": True},
    }
    folder = conducted(Scenario.model_validate(values), tmp_path / "run").folder
    leave_note(folder, Note(kind="hint", hint=Hint(avoid=(word,))))
    budget = scenario_of(folder).budget.model_copy(update={"trials": TRIALS})
    finished = anyio.run(lambda: resume(folder, budget=budget))
    assert finished is not None
    run, artefacts = read_run(folder, finished), Artefacts(folder)
    return run, [artefacts.read_now(job.script_ref).decode() for _, job in run.all(Job)]


@pytest.mark.parametrize("word", ["HistGradientBoostingRegressor", "sklearn.ensemble"])
def test_a_solution_is_rid_once_of_what_is_to_be_avoided_and_later_steps_build_on_that(
    word: str, tmp_path: Path
) -> None:
    run, scripts = steered(tmp_path, word)
    assert [bool(avoided_imports(script, (word,))) for script in scripts] == [True, False, False, False]
    assert run.all(RepairCalled) == [], "no script was refused"
    first, second, *later = [diagnosis for _, diagnosis in run.all(Diagnosis) if diagnosis.hypotheses]
    assert [each.parameter.partition("(")[0] for each in second.hypotheses] == ["without"]
    assert (second.verdict, second.effect) == ("accepted", None)
    assert second.reason == f"the trace's first solution without {word}, which the user asks to avoid"
    assert not any("without" in each.parameter for diagnosis in later for each in diagnosis.hypotheses)
    assert [proposal.base_ref for _, proposal in run.all(Proposal)][:3] == [None, first.script_ref, second.script_ref]
    anyio.run(replay_run, run.folder)


def test_the_expert_never_offers_again_what_was_rejected(tmp_path: Path) -> None:
    with ModelServer(writing(lambda *_: line(0.5))) as server:
        values = small(quick_task(tmp_path), server, traces=1, memory={}, budget={"trials": 1}).model_dump(mode="json")
    folder, rejections = tmp_path / "run", 3
    roles = dict.fromkeys(("diagnoser", "proposer", "executor"), "offline")
    values |= {"backends": {"offline": {"kind": "expert"}}, "roles": roles, "confirm": True}
    values["executors"] |= {"slots": 1, "standby": True}

    def answering() -> None:
        while not (folder / "log.sqlite").exists():
            time.sleep(0.05)
        for count in range(1, rejections + 2):
            recorded(folder, "proposal_offered", count)
            (offer,) = offers_of(folder)
            reject(folder, offer, "too slow") if count <= rejections else accept(folder, offer)
            recorded(folder, "proposal_reviewed", count)

    user = threading.Thread(target=answering)
    user.start()
    run = conducted(Scenario.model_validate(values), folder)
    user.join()
    offered = [{each.key for each in offer.hypotheses} for _, offer in run.all(ProposalOffered)]
    assert len(offered) == rejections + 1
    assert all(not one & other for one, other in combinations(offered, 2)), "ideas of a rejected proposal do not return"
    anyio.run(replay_run, run.folder)
