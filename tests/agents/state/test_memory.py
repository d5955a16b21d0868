"""The memory of all traces, from messages alone."""

from dataclasses import replace

import pytest

from gome.agents.protocol.messages import Diagnosis, Proposal, SolutionCompleted
from gome.agents.protocol.types import Effect, HypothesisVerdict, StepKind
from gome.agents.state.memory import Memory
from gome.bus.message import Envelope
from gome.scenarios.evidence import Evaluation
from tests.agents.helpers.requests_made import hypothesis
from tests.agents.method.test_optimizers import heard
from tests.agents.state.test_trace import judged_on

WHOLE = judged_on(0, 1, 2, 3, 4, folds=(0.4, 0.52, 0.52, 0.52, 0.52))


def accepted(name: str, evaluation: Evaluation, gain: float | None) -> Diagnosis:
    effect = None if gain is None else Effect(gain=gain, standard_error=0.01, verdict="better", splits=1)
    return Diagnosis(
        verdict="accepted",
        reason="",
        hypotheses=(hypothesis(name, "up"),),
        script_ref=name,
        submission_ref="s",
        evaluation=evaluation,
        score=evaluation.score,
        effect=effect,
    )


def test_gains_are_compared_again_when_a_solution_is_completed() -> None:
    """A gain of one split gives way to that of all, for the change itself and for what was built on it."""
    memory = Memory(direction="minimize")
    memory.heard(heard(accepted("first", judged_on(0, 1, 2, 3, 4, folds=(0.5,) * 5), None), 1))
    memory.heard(heard(accepted("second", judged_on(0, folds=(0.4,)), 0.1), 2))
    memory.heard(heard(accepted("third", judged_on(0, 1, 2, 3, 4, folds=(0.3,) * 5), 0.1), 3))
    assert [entry.gain for entry in memory.successes] == [0.0, 0.1, 0.1]
    memory.heard(heard(SolutionCompleted(script_ref="second", evaluation=WHOLE, submission_ref="s", oof_ref=None), 2))
    assert [entry.gain for entry in memory.successes] == pytest.approx([0.0, 0.004, 0.196])
    (own,) = memory.tryings[memory.successes[1].id]
    assert own.gain == 1.0, "the sign alone, as the same comparison has no error"


def test_another_traces_trial_of_a_change_is_compared_again_too() -> None:
    """It lost against a solution of one easy split; on all splits it gains, and speaks no longer against the change."""
    memory = Memory(direction="minimize")
    memory.heard(heard(accepted("first", judged_on(0, 1, 2, 3, 4, folds=(0.5,) * 5), None), 1))
    memory.heard(of(0, accepted("second", WHOLE, 0.004), 2))
    memory.heard(of(1, accepted("theirs", judged_on(0, folds=(0.3,)), None), 1))
    (entry,) = (each for each in memory.successes if each.script_ref == "second")
    memory.heard(proposed(1, 2, "edit", origin=entry.id))
    tried = accepted("tried", WHOLE, -0.1).model_copy(update={"verdict": "rejected"})
    memory.heard(of(1, tried, 2))
    assert [each.gain for each in memory.tryings[entry.id]] == pytest.approx([0.4, -10.0])
    assert memory.demoted(entry)
    whole = judged_on(0, 1, 2, 3, 4, folds=(0.3, 0.7, 0.7, 0.7, 0.7))
    memory.heard(of(1, SolutionCompleted(script_ref="theirs", evaluation=whole, submission_ref="s", oof_ref=None), 1))
    assert [each.gain for each in memory.tryings[entry.id]] == pytest.approx([0.4, 1.0]), "a sign: it has no error"
    assert not memory.demoted(entry)


def test_a_trial_that_changed_no_prediction_does_not_speak_against_the_change() -> None:
    memory = Memory(direction="minimize")
    memory.heard(heard(accepted("first", judged_on(0, 1, 2, 3, 4, folds=(0.5,) * 5), None), 1))
    memory.heard(of(0, accepted("second", WHOLE, 0.004), 2))
    entry = memory.successes[-1]
    memory.heard(of(1, accepted("theirs", WHOLE, None), 1))
    for step, says in ((2, "untested"), (3, "refuted")):
        memory.heard(proposed(1, step, "edit", origin=entry.id))
        same = {"verdict": "rejected", "hypothesis_verdict": says, "script_ref": f"same-{step}"}
        memory.heard(of(1, accepted("second", WHOLE, -0.1).model_copy(update=same), step))
        assert bool(memory.demoted(entry)) == (says == "refuted")


@pytest.mark.parametrize(("says", "known"), [("untested", True), ("refuted", False)])
def test_another_traces_success_is_recalled_where_the_own_trial_of_it_was_none(
    says: HypothesisVerdict, known: bool
) -> None:
    """Trace 0 has tried the idea that trace 1 then gains from; a repair had taken it out, or it was refuted."""
    memory = Memory(direction="minimize")
    tried = accepted("depth", WHOLE, None).model_copy(update={"verdict": "rejected", "hypothesis_verdict": says})
    memory.heard(heard(tried, 1))
    found = heard(accepted("depth", WHOLE, 0.1), 1)
    memory.heard(replace(found, trace=1))
    assert bool(memory.picture(0).successes) == known


def of(trace: int, diagnosis: Diagnosis | SolutionCompleted, step: int) -> Envelope:
    return replace(heard(diagnosis, step), trace=trace, id=f"{trace}-{step}")


def proposed(trace: int, step: int, kind: StepKind, **refs: str | None) -> Envelope:
    proposal = Proposal(action="improve", stage="improve", reason="", step_kind=kind, hypotheses=(), **refs)
    return replace(heard(proposal, step), trace=trace)


def test_standings_are_in_the_order_of_scores_on_common_splits() -> None:
    """Trace 1 has the better score, of one split, on which trace 0 is better still."""
    memory = Memory(direction="minimize")
    memory.heard(of(0, accepted("whole", judged_on(0, 1, 2, 3, 4, folds=(0.2, 0.5, 0.5, 0.5, 0.5)), None), 1))
    memory.heard(of(1, accepted("part", judged_on(0, folds=(0.25,)), None), 1))
    best, other = memory.picture(0).standings
    assert (best.trace, best.against, other.trace) == (0, None, 1)
    assert other.score < best.score and other.against is not None
    assert other.against.splits == 1 and other.against.gain == pytest.approx(-0.05)
    better, own = memory.picture(1).standings
    assert better.trace == 0 and better.against is not None and own.against is None
    assert better.against.splits == 1 and better.against.gain == pytest.approx(0.05)


def test_a_trace_that_was_ahead_and_gained_is_ahead_whatever_its_one_split_says() -> None:
    """Trace 0 is ahead on all splits, and its newest best was run on the split that suits trace 1."""
    memory = Memory(direction="minimize")
    memory.heard(of(0, accepted("whole", judged_on(0, 1, 2, 3, 4, folds=(0.5, 0.2, 0.2, 0.2, 0.2)), None), 1))
    memory.heard(of(1, accepted("other", judged_on(0, 1, 2, 3, 4, folds=(0.4, 0.4, 0.4, 0.4, 0.4)), None), 1))
    memory.heard(of(0, accepted("newest", judged_on(0, folds=(0.45,)), 0.1), 2))
    first, second = memory.picture(1).standings
    assert (first.trace, second.trace) == (0, 1)
    assert first.against is not None and first.against.gain < 0, "on the common split it is behind"


def test_what_a_trace_has_left_for_a_better_solution_is_no_longer_recalled() -> None:
    """Trace 0 leaps away from two changes; a leap that is refused leaves nothing."""
    memory = Memory(direction="minimize")
    for step, name in enumerate(("first", "second"), 1):
        memory.heard(of(0, accepted(name, WHOLE, None if step == 1 else 0.1), step))
    memory.heard(proposed(0, 3, "leap"))
    memory.heard(of(0, accepted("third", WHOLE, 0.1).model_copy(update={"verdict": "rejected"}), 3))
    assert [each.script_ref for each in memory.picture(1).successes] == ["first", "second"]
    memory.heard(proposed(0, 4, "leap"))
    memory.heard(of(0, accepted("fourth", WHOLE, 0.1), 4))
    assert [each.script_ref for each in memory.picture(1).successes] == ["fourth"]
    assert memory.demoted(memory.successes[0]) == "its trace went on from a better solution without it"


@pytest.mark.parametrize(("kind", "known"), [("merge", []), ("return", []), ("edit", ["first", "second"])])
def test_the_changes_in_a_script_that_a_trace_has_merged_or_returned_to_are_not_recalled(
    kind: StepKind, known: list[str]
) -> None:
    memory = Memory(direction="minimize")
    for step, name in enumerate(("first", "second"), 1):
        memory.heard(of(0, accepted(name, WHOLE, None if step == 1 else 0.1), step))
    memory.heard(of(1, accepted("own", WHOLE, None), 1))
    taken = {"merge": {"other_ref": "second"}, "return": {"base_ref": "second"}}.get(kind, {"base_ref": "own"})
    memory.heard(proposed(1, 2, kind, **taken))
    memory.heard(of(1, accepted("taken", WHOLE, 0.1), 2))
    assert [each.script_ref for each in memory.picture(1).successes] == known


def test_a_completion_with_fewer_splits_than_are_known_changes_nothing() -> None:
    memory = Memory(direction="minimize")
    memory.heard(heard(accepted("first", WHOLE, None), 1))
    part = judged_on(0, folds=(0.4,))
    memory.heard(heard(SolutionCompleted(script_ref="first", evaluation=part, submission_ref="s", oof_ref=None), 1))
    (entry,) = memory.successes
    assert entry.evaluation == WHOLE and memory.traces[0].best is not None
    assert memory.traces[0].best.score == WHOLE.score


def test_a_finding_has_its_gain_anew_where_other_splits_changed_it() -> None:
    """A return's gain is over the script that it changed; what is run on more splits is compared on all of them."""
    memory = Memory(direction="minimize")
    memory.heard(of(0, accepted("own", judged_on(0, 1, 2, 3, 4, folds=(0.5,) * 5), None), 1))
    memory.heard(of(1, accepted("theirs", WHOLE, None), 1))
    memory.heard(proposed(0, 2, "return", base_ref="theirs"))
    part = accepted("part", judged_on(0, folds=(0.3,)), 0.1)
    memory.heard(of(0, part.model_copy(update={"finding": "it gained 0.1"}), 2))
    memory.heard(of(1, accepted("more", WHOLE, 0.0).model_copy(update={"finding": "nothing"}), 2))
    assert [each.now for each in memory.picture(1).findings] == [None, None]
    whole = judged_on(0, 1, 2, 3, 4, folds=(0.3, 0.53, 0.53, 0.53, 0.53))
    memory.heard(of(0, SolutionCompleted(script_ref="part", evaluation=whole, submission_ref="s", oof_ref=None), 2))
    first, second = (each.now for each in memory.picture(1).findings)
    assert second is None and first is not None
    assert first.splits == 5
    assert first.gain == pytest.approx(0.012), "over `theirs`, not over `own`"
