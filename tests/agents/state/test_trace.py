"""A trace's memory of itself: what reasoners are shown of it, and what it never forgets."""

from gome.agents.protocol.messages import Diagnosis
from gome.agents.state.trace import TraceState
from tests.agents.helpers.requests_made import EVALUATION, hypothesis
from tests.agents.method.test_optimizers import heard


def tried(state: TraceState, step: int, name: str, accepted: bool) -> None:
    diagnosis = Diagnosis(
        verdict="accepted" if accepted else "rejected",
        layer="analysis",
        reason="",
        observations="",
        hypotheses=(hypothesis(name, "up"),),
        hypothesis_verdict=None,
        challenges=(),
        script_ref=f"script {step}",
        submission_ref="s",
        evaluation=EVALUATION,
        seconds=1.0,
        score=0.5,
        erased=False,
        effect=None,
    )
    state.heard(heard(diagnosis, step))


def refused(state: TraceState) -> list[str]:
    """The names of the ideas that are not to be tried again."""
    return [key[1] for key in state.refused_keys]


def test_what_was_refuted_stays_known_when_the_history_no_longer_shows_it() -> None:
    state = TraceState()
    for step, (name, accepted) in enumerate((("depth", False), ("rate", True), ("loss", False)), 1):
        tried(state, step, name, accepted)
    assert [note.step for note in state.history] == [2, 3], "accepted work, and the failures since"
    assert refused(state) == ["depth", "loss"]


def test_an_idea_that_worked_at_last_is_no_longer_refuted() -> None:
    state = TraceState()
    tried(state, 1, "depth", False)
    tried(state, 2, "depth", True)
    assert refused(state) == []
    tried(state, 3, "depth", False)
    assert refused(state) == ["depth"]
