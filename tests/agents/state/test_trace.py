"""A trace's memory of itself: what reasoners are shown of it, and what it never forgets."""

from dataclasses import replace
from statistics import fmean

import pytest

from gome.agents.protocol.messages import Diagnosis, SolutionCompleted
from gome.agents.protocol.types import HypothesisVerdict, TraceBest
from gome.agents.state.trace import TraceState
from gome.scenarios.evidence import Evaluation
from tests.agents.helpers.requests_made import EVALUATION, hypothesis
from tests.agents.method.test_optimizers import heard


def tried(state: TraceState, step: int, name: str, accepted: bool, says: HypothesisVerdict | None = None) -> None:
    diagnosis = Diagnosis(
        verdict="accepted" if accepted else "rejected",
        layer="analysis",
        reason="",
        observations="",
        hypotheses=(hypothesis(name, "up"),),
        hypothesis_verdict=says,
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


def test_the_history_keeps_what_was_refused_before_an_accept() -> None:
    state = TraceState()
    for step, (name, accepted) in enumerate((("depth", False), ("rate", True), ("loss", False)), 1):
        tried(state, step, name, accepted)
    assert [note.step for note in state.history] == [1, 2, 3], "findings refer to it"
    assert refused(state) == ["depth", "loss"]


def test_an_idea_that_worked_at_last_is_no_longer_refuted() -> None:
    state = TraceState()
    tried(state, 1, "depth", False)
    tried(state, 2, "depth", True)
    assert refused(state) == []
    tried(state, 3, "depth", False)
    assert refused(state) == ["depth"]


def test_an_idea_that_a_repair_took_out_may_be_tried_again() -> None:
    state = TraceState()
    tried(state, 1, "depth", False, says="untested")
    tried(state, 2, "rate", False, says="refuted")
    assert refused(state) == ["rate"]
    assert [note.untested for note in state.history] == [True, False]


def judged_on(*splits: int, folds: tuple[float, ...]) -> Evaluation:
    """An evaluation of these of five splits."""
    return EVALUATION.model_copy(
        update={
            "splits": splits,
            "folds": folds,
            "score": fmean(folds),
            "fold_rows": ((1084, 4338),) * len(splits),
            "weights": (1 / len(splits),) * len(splits),
            "replicates": tuple((fold, fold + 0.01, fold - 0.01) for fold in folds),
        }
    )


def completed_trace(*, known: bool) -> TraceState:
    """A best judged on all splits, then one accepted on split 0 and completed; `known`: the run's opening is."""
    state = TraceState(direction="minimize" if known else None)
    tried(state, 1, "depth", True)
    state.best = replace(state.best, evaluation=judged_on(0, 1, 2, 3, 4, folds=(0.5,) * 5)) if state.best else None
    tried(state, 2, "rate", True)
    partial = judged_on(0, folds=(0.4,))
    state.best = replace(state.best, evaluation=partial, score=0.4) if state.best else None
    state.notes[-1] = state.notes[-1].model_copy(update={"gain": 0.1, "judged": partial.judged, "score": 0.4})
    whole = judged_on(0, 1, 2, 3, 4, folds=(0.4, 0.5, 0.5, 0.5, 0.5))
    message = SolutionCompleted(script_ref="script 2", evaluation=whole, submission_ref="s", oof_ref=None)
    state.heard(heard(message, 2))
    return state


def test_the_gain_of_a_completed_solution_is_over_the_splits_of_its_score() -> None:
    note = completed_trace(known=True).notes[-1]
    assert note.score == pytest.approx(0.48) and (note.judged, note.gain_judged) == ("", "")
    assert note.gain == pytest.approx(0.02), "over five splits, where split 0 alone gave 0.1"


def test_a_gain_that_cannot_be_computed_again_names_its_splits() -> None:
    note = completed_trace(known=False).notes[-1]
    assert (note.gain, note.gain_judged) == (0.1, "1 of 5")


def test_a_traces_own_standing_is_that_of_its_best() -> None:
    state = completed_trace(known=True)
    stale = TraceBest(trace=0, step=2, score=0.4, judged="1 of 5", idea="rate up", trials=2, script_ref="script 2")
    other = stale.model_copy(update={"trace": 1, "script_ref": "another", "score": 0.45})
    own, kept = state.standings((stale, other), 0, timed=True)
    assert own.score == pytest.approx(0.48) and (own.judged, len(own.folds)) == ("", 5)
    assert kept == other
    older = stale.model_copy(update={"step": 1, "script_ref": "script 1", "score": 0.5})
    kept, own = state.standings((older, other), 0, timed=False)
    assert (own.step, own.script_ref, own.idea, own.seconds) == (2, "script 2", "rate up", 0.0)
    assert kept == other
