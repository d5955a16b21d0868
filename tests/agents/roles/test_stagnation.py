"""A trace that has long had no accept begins anew: from the best of all, or afresh and unlike what there was."""

from pathlib import Path
from typing import Any

from gome.agents.protocol.messages import Diagnosis, Proposal, Recollection, StepOpened, TraceRestarted
from gome.agents.state.trace import TraceState
from gome.bus.message import Envelope
from tests.agents.helpers.requests_made import CHALLENGE, EVALUATION, NOTE
from tests.agents.method.test_optimizers import Asked, envelopes_of, heard


def stagnating(folder: Path, trials: int = 8, **method: Any) -> list[Envelope]:
    """Two traces whose every script is worse than the one before, so that nothing after the roots is accepted."""
    asked = Asked(
        0.0, 0.0, 2, 1, trials, score=float, changed={"memory": {"consistency": "lockstep"}, "method": method}
    )
    return envelopes_of(asked, folder)


def restarts(envelopes: list[Envelope]) -> list[tuple[int | None, TraceRestarted]]:
    return [(each.trace, each.message) for each in envelopes if isinstance(each.message, TraceRestarted)]


def test_the_leader_begins_afresh_and_the_others_go_on_from_it(tmp_path: Path) -> None:
    envelopes = stagnating(tmp_path / "run", stagnation={"steps": 2})
    accepted = {
        each.trace: each.message
        for each in envelopes
        if isinstance(each.message, Diagnosis) and each.message.accepted and each.step == 1
    }
    leader = min(accepted, key=lambda trace: accepted[trace].score or 0.0)
    told = dict(restarts(envelopes))
    assert set(told) == {0, 1}
    assert told[leader].script_ref is None
    follower = 1 - (leader or 0)
    assert told[follower].script_ref == accepted[leader].script_ref
    next_steps = {
        each.trace: each.message for each in envelopes if isinstance(each.message, Proposal) and each.step == 4
    }
    assert next_steps[leader].base_ref is None
    stages = {
        each.trace: each.message.stage for each in envelopes if isinstance(each.message, StepOpened) and each.step == 4
    }
    assert stages == {leader: "draft", follower: "ensemble"}, "a first solution improves nothing, however late it is"
    assert next_steps[follower].base_ref == accepted[leader].script_ref


def test_a_fresh_root_is_shown_what_all_have_tried_its_own_trace_too(tmp_path: Path) -> None:
    envelopes = stagnating(tmp_path / "run", stagnation={"steps": 2, "restart": "fresh"})
    assert all(restart.script_ref is None for _, restart in restarts(envelopes))
    shown = [each.message for each in envelopes if isinstance(each.message, Recollection) and each.step == 4]
    own = {each.trace: each.message for each in envelopes if isinstance(each.message, Proposal) and each.step == 1}
    for recollection in shown:
        assert {each.key for each in recollection.siblings} >= {h.key for p in own.values() for h in p.hypotheses}


def test_no_restart_where_it_is_off_or_something_is_accepted(tmp_path: Path) -> None:
    assert not restarts(stagnating(tmp_path / "off", stagnation={"steps": None}))
    asked = Asked(0.0, 0.0, 1, 1, 8, changed={"method": {"stagnation": {"steps": 2}}})  # each better than the last
    assert not restarts(envelopes_of(asked, tmp_path / "on"))


def test_a_restarted_trace_keeps_what_it_tried_and_looks_back_no_further_than_its_path() -> None:
    state = TraceState(notes=[NOTE], accepted=1, refused=3, survey=(CHALLENGE,))
    state.heard(heard(TraceRestarted(reason="", script_ref="other", evaluation=EVALUATION, seconds=2.0)))
    assert state.best is not None
    assert (state.best.script_ref, state.best.score, state.best.seconds) == ("other", EVALUATION.score, 2.0)
    assert (state.accepted, state.refused, state.history) == (0, 0, ())
    assert state.challenges == (CHALLENGE,)
    assert state.tried == NOTE.hypotheses
    state.heard(heard(TraceRestarted(reason="", script_ref=None, evaluation=None)))
    assert state.best is None
