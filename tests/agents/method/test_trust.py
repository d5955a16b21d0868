"""How far promises are trusted, how often `auto` searches for that, and that a run under it goes round the ring."""

import random
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.agents.method.trust import search_share, trust
from gome.agents.optimizers import optimizer_of
from gome.agents.optimizers.auto import Auto
from gome.agents.optimizers.solution_tree import Tree
from gome.agents.protocol.messages import Diagnosis, Proposal
from gome.agents.protocol.types import TrialNote
from gome.agents.runtime.replay import replay_run
from gome.scenarios.config.method import AutoSettings
from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.requests_made import hypothesis
from tests.agents.helpers.runs import conducted
from tests.agents.helpers.stubs import line, small, small_task, writing
from tests.agents.method.test_optimizers import Asked, grown

SETTINGS = AutoSettings(prior=2, enough=0.5, most=0.6)


def note(gain: float | None, promised: float = 0.1, ideas: int = 1) -> TrialNote:
    made = tuple(hypothesis(f"idea-{n}").model_copy(update={"expected_gain": promised}) for n in range(ideas))
    return TrialNote(trace=0, step=1, hypotheses=made, score=1.0, gain=gain, accepted=False, reason="", observations="")


def test_trust_by_hand() -> None:
    assert trust((), SETTINGS) == 1.0
    kept, broken = note(0.01), note(-0.2)
    assert trust((kept, broken, broken), SETTINGS) == pytest.approx(3 / 5)
    assert trust((note(None), note(-1, promised=0.0), note(-1, ideas=2)), SETTINGS) == 1.0, "no promises"
    assert search_share((kept, broken, broken), SETTINGS) == 0.0
    assert search_share([broken] * 8, SETTINGS) == pytest.approx(0.6 * (1 - 0.2 / 0.5))


@given(st.lists(st.sampled_from((-1.0, 0.0, 1.0))))
def test_each_broken_promise_makes_a_search_more_likely_and_each_kept_one_less(gains: list[float]) -> None:
    notes = [note(gain) for gain in gains]
    share = search_share(notes, SETTINGS)
    assert 0.0 <= share <= SETTINGS.most
    assert search_share([*notes, note(-1.0)], SETTINGS) >= share >= search_share([*notes, note(1.0)], SETTINGS)


def test_it_is_gome_while_promises_are_kept_and_drafts_where_they_are_not() -> None:
    optimizer = optimizer_of(Asked(0, 0, 1, 1, 1, changed={"optimizer": "auto"}).scenario)
    assert isinstance(optimizer, Auto)
    state, tree = grown([("draft", None, 0.5)])
    assert optimizer.pick(*grown(()), random.Random(0)).action == "draft"
    assert {optimizer.pick(state, tree, random.Random(seed)).action for seed in range(50)} == {"improve"}
    state.notes += [note(-1.0)] * 40
    picks = [optimizer.pick(state, tree, random.Random(seed)) for seed in range(200)]
    drafts = [pick for pick in picks if pick.action == "draft"]
    assert 60 <= len(drafts) <= 110
    assert all(pick.siblings == tree.drafted() for pick in drafts)
    assert optimizer.pick(state, Tree(), random.Random(0)).siblings == ()
    assert (optimizer.judges, optimizer.structured, optimizer.remembers, optimizer.keeps_all) == (True,) * 3 + (False,)


def test_a_run_under_it_leaps_after_a_broken_promise_and_goes_on_from_what_was_better(tmp_path: Path) -> None:
    knobs = {1: 0.4, 2: 0.1, 3: 1.0, 4: 0.2}
    with ModelServer(writing(lambda _, step: line(knobs[step]))) as server:
        method = {"auto": {"prior": 0.01, "most": 1.0}, "kinds": ["edit"], "finish": {"candidates": 1, "seeds": 1}}
        changed = {"traces": 1, "optimizer": "auto", "budget": {"trials": 4}, "method": method}
        run = conducted(small(small_task(tmp_path), server, **changed), tmp_path / "run")
    made = [(each.action, each.step_kind) for _, each in run.all(Proposal)]
    assert made == [("draft", "edit"), ("improve", "edit"), ("draft", "leap"), ("improve", "edit")]
    assert [each.accepted for _, each in run.all(Diagnosis)[1:]] == [True, False, True, False]
    assert anyio.run(replay_run, run.folder).buried == 0
