"""Proposing and selecting: one hypothesis a challenge, what memory holds, what siblings do, and the stage."""

from typing import Any

import pytest

from gome.agents.backends.expert.diagnosis import survey
from gome.agents.backends.expert.judgement import Judgement
from gome.agents.backends.expert.moves import captions
from gome.agents.backends.expert.moves.catalogue import move_of
from gome.agents.backends.expert.plan import read_plan
from gome.agents.backends.expert.planning import propose
from gome.agents.backends.expert.proposal import ideas_of
from gome.agents.backends.expert.selection import Chosen, choose
from gome.agents.backends.expert.writing import write
from gome.agents.protocol.hint import Hint
from gome.agents.protocol.requests import ProposeStep, SurveyTask
from gome.agents.protocol.script_requests import WriteSolution
from gome.agents.protocol.types import Challenge, Hypothesis, Recalled, Underway
from tests.agents.backends.expert.place import Place, note, solution
from tests.agents.helpers.requests_made import hypothesis as foreign_hypothesis

pytestmark = pytest.mark.xdist_group("expert")  # they share places and a warm interpreter

FULL = Judgement(1.0, 0)


def _request(place: Place, incumbent: bool = True, **changed: Any) -> ProposeStep:
    common = place.common | {"trace": changed.pop("trace", 0)}
    values = common | {
        "action": "improve" if incumbent else "draft",
        "stage": "improve",
        "base": solution(place, place.plan(target="log1p")) if incumbent else None,
        "challenges": survey(SurveyTask(**common), FULL).challenges,
    }
    return ProposeStep(**(values | changed))


def _candidates(place: Place, incumbent: bool, *history: object, trace: int = 0) -> tuple[Hypothesis, ...]:
    request = _request(place, incumbent, history=history, trace=trace)
    return ideas_of(request, request.challenges, trace, FULL)


def _select(place: Place, candidates: tuple[Hypothesis, ...], incumbent: bool = True, **changed: Any) -> Chosen:
    request = _request(place, incumbent, **changed)
    return choose(request, candidates, request.trace, FULL)


def _recalled(hypothesis: Hypothesis, gain: float = 0.02) -> Recalled:
    return Recalled(
        id="m1.0",
        trace=1,
        step=2,
        hypotheses=(hypothesis,),
        feedback="",
        gain=gain,
        standard_error=0.005,
        score=0.3,
        weight=None,
        why="global-best",
        script_ref="theirs",
        base_ref=None,
    )


def _origin(chosen: Chosen) -> str | None:
    return chosen.origin.id if chosen.origin else None


def test_one_hypothesis_for_each_challenge(places: dict[str, Place]) -> None:
    place = places["bike"]
    candidates = _candidates(place, incumbent=True)
    asked = [each.caption for each in survey(SurveyTask(**place.common), FULL).challenges]
    assert [each.challenge for each in candidates] == asked[: len(candidates)]
    assert len({each.key for each in candidates}) == len(candidates)
    assert all(each.expected_gain > 0 for each in candidates)


def test_a_challenge_in_other_words_finds_a_move(places: dict[str, Place]) -> None:
    place = places["bike"]
    spoken = Challenge(
        source="feedback", category="training", caption="Learns the noise", statement="It is overfitting badly.",
        reasoning="", metric_impact="",
    )  # fmt: skip
    request = _request(place, challenges=(spoken,))
    (found,) = ideas_of(request, request.challenges, 0, FULL)
    assert found.challenge == "Learns the noise"
    move = move_of(found)
    assert move is not None
    assert move[0].challenge == captions.OVERFIT


def test_what_was_refuted_is_not_proposed(places: dict[str, Place]) -> None:
    place = places["bike"]
    first = _candidates(place, incumbent=True)
    second = _candidates(place, True, note(first[0], accepted=False))
    assert first[0].key not in {each.key for each in second}


def test_a_root_joins_what_goes_together_and_leaves_the_rest(places: dict[str, Place]) -> None:
    place = places["bike"]
    chosen = _select(place, _candidates(place, incumbent=False), incumbent=False, stage="draft")
    keys = {each.key for each in chosen.hypotheses}
    assert len(keys) > 2
    assert {("Model", "family", "portfolio"), ("Workflow", "target_scale", "log1p")} <= keys
    assert not any(component == "Ensemble" or "cross" in parameter for component, parameter, _ in keys)


def test_a_root_differs_from_its_siblings(places: dict[str, Place]) -> None:
    place = places["bike"]
    candidates = _candidates(place, incumbent=False)
    own = _select(place, candidates, incumbent=False).hypotheses
    other = _select(place, candidates, incumbent=False, siblings=own).hypotheses
    families = [{each.direction for each in chosen if each.parameter == "family"} for chosen in (own, other)]
    assert families[0] != families[1]
    neighbour = _candidates(place, incumbent=False, trace=1)
    assert {each.direction for each in neighbour if each.parameter == "family"} == {"boosting"}


def test_what_another_trace_found_is_taken_where_it_is_untried(places: dict[str, Place]) -> None:
    place = places["bike"]
    candidates = _candidates(place, incumbent=True)
    proven = next(each for each in candidates if each.parameter.startswith("cross"))
    others = tuple(each for each in candidates if each != proven)
    taken = _select(place, others, recalled=(_recalled(proven),))
    assert _origin(taken) == "m1.0"
    assert taken.hypotheses[0].key == proven.key
    tried = _select(place, others, recalled=(_recalled(proven),), history=(note(proven, accepted=False),))
    assert _origin(tried) is None
    useless = _select(place, others, recalled=(_recalled(proven, gain=-0.01),))
    assert _origin(useless) is None


def test_what_turns_nothing_here_is_not_taken_over(places: dict[str, Place]) -> None:
    """More columns for each cut of averaged trees say nothing to a solution that has none."""
    place = places["bike"]
    candidates = _candidates(place, incumbent=True)
    proven = candidates[0].model_copy(
        update={"component": "Model", "parameter": "tree_columns", "direction": "up", "expected_gain": 0.02}
    )
    averaged = solution(place, place.plan(models=("boosting", "extra_trees")))
    assert _origin(_select(place, candidates, recalled=(_recalled(proven),))) is None
    assert _origin(_select(place, candidates, base=averaged, recalled=(_recalled(proven),))) == "m1.0"


def test_traces_take_turns_where_several_promise_as_much(places: dict[str, Place]) -> None:
    place = places["bike"]
    first, second, weak = _candidates(place, incumbent=True)[:3]
    alike = first.model_copy(update={"component": second.component, "parameter": "other"})
    small = weak.model_copy(update={"expected_gain": first.expected_gain / 50})
    chosen = [_select(place, (first, alike, small), trace=trace).hypotheses[0] for trace in range(3)]
    assert chosen == [first, alike, first], "what promises little waits for all of them"


def test_another_traces_first_model_is_joined_not_copied(places: dict[str, Place]) -> None:
    place = places["bike"]
    root = next(each for each in _candidates(place, incumbent=False, trace=2) if each.parameter == "family")
    taken = _select(place, _candidates(place, incumbent=True)[-1:], recalled=(_recalled(root, gain=0.0),))
    assert _origin(taken) == "m1.0"
    assert taken.hypotheses[0].key == ("Ensemble", "member", "extra_trees")


def test_the_stage_decides_between_equals(places: dict[str, Place]) -> None:
    place = places["bike"]
    (single, *_) = (each for each in _candidates(place, incumbent=True) if each.component == "FeatureEng")
    together = single.model_copy(update={"component": "Ensemble", "parameter": "bags", "direction": "up"})
    for stage, expected in (("draft", single), ("ensemble", together)):
        chosen = _select(place, (single, together), stage=stage)
        assert chosen.hypotheses == (expected,)
        assert chosen.origin is None


def test_a_repeated_idea_has_novelty_one_and_waits(places: dict[str, Place]) -> None:
    place = places["bike"]
    first, second = (each for each in _candidates(place, incumbent=True)[:3] if each.parameter != "family")
    again = next(each for each in _candidates(place, True, note(first, accepted=True)) if each.key == first.key)
    assert again.scores is not None
    assert again.scores.novelty == 1
    assert _select(place, (again, second)).hypotheses == (second,)


def test_what_another_step_tries_at_this_moment_is_left_to_it(places: dict[str, Place]) -> None:
    place = places["bike"]
    free = _candidates(place, incumbent=True)
    tried = next(each for each in free if each.parameter.startswith("cross"))
    underway = (Underway(trace=1, step=3, hypotheses=(tried,)),)
    request = _request(place, underway=underway)
    elsewhere = ideas_of(request, request.challenges, 0, FULL)
    assert tried.key not in {each.key for each in elsewhere}
    assert len(elsewhere) >= len(free) - 1
    others = tuple(each for each in free if each != tried)
    assert _origin(_select(place, others, recalled=(_recalled(tried, gain=1.0),))) == "m1.0"
    assert _origin(_select(place, others, recalled=(_recalled(tried, gain=1.0),), underway=underway)) is None


def test_a_step_says_its_ideas_and_its_choice_by_number(places: dict[str, Place]) -> None:
    place = places["bike"]
    request = _request(place, wanted=3)
    step = propose(request, FULL)
    best = _select(place, _candidates(place, incumbent=True)).hypotheses[0]
    assert len(step.candidates) == 3
    assert (step.choice, step.recalled, step.kind) == ((1,), None, "edit")
    assert step.candidates[0].statement == best.statement
    assert {each.challenge for each in step.candidates} <= set(range(1, len(request.challenges) + 1))
    assert all(each.scores is None for each in step.candidates), "nobody asked for them"
    proven = next(each for each in _candidates(place, incumbent=True) if each.parameter.startswith("cross"))
    unlike = _recalled(proven.model_copy(update={"direction": "sideways"}), gain=9.0)
    taken = propose(request.model_copy(update={"recalled": (unlike, _recalled(proven, gain=9.0))}), FULL)
    assert (taken.choice, taken.recalled) == ((1,), 2), "the first one is no move of the catalogue"
    assert taken.candidates[0].parameter == proven.parameter


def test_a_first_step_takes_several_ideas(places: dict[str, Place]) -> None:
    place = places["bike"]
    step = propose(_request(place, incumbent=False, stage="draft", wanted=10), FULL)
    chosen = _select(place, _candidates(place, incumbent=False), incumbent=False, stage="draft").hypotheses
    assert [step.candidates[number - 1].parameter for number in step.choice] == [each.parameter for each in chosen]


def test_ideas_are_scored_and_none_is_chosen_where_the_harness_draws(places: dict[str, Place]) -> None:
    step = propose(_request(places["bike"], ranked=True), FULL)
    assert len(step.candidates) > 1
    assert all(each.scores is not None for each in step.candidates)
    assert (step.choice, step.sketch) == ((), "")


def test_a_written_script_does_what_was_selected(places: dict[str, Place]) -> None:
    place = places["bike"]
    base = place.script(place.plan(target="log1p"))
    chosen = next(each for each in _candidates(place, incumbent=True) if each.parameter.startswith("cross"))
    request = WriteSolution(**place.common, base=base, hypotheses=(chosen,), sketch="")
    script = write(request, FULL)
    plan = read_plan(script.script)
    assert plan is not None
    assert plan.model_copy(update={"crosses": ()}) == place.plan(target="log1p")
    assert len(plan.crosses) == 1
    assert "crosses" in script.notes


def test_a_base_without_a_plan_is_written_anew_and_said_so(places: dict[str, Place]) -> None:
    place = places["bike"]
    base = "import numpy as np\nfrom sklearn.ensemble import ExtraTreesRegressor\ny = np.log1p(y)\np = np.expm1(p)\n"
    hypothesis = foreign_hypothesis("bagging of seeds", "more").model_copy(
        update={"component": "Ensemble", "statement": "The mean of several fits that differ by seed is steadier."}
    )
    request = WriteSolution(**place.common, base=base, hypotheses=(hypothesis,), sketch="")
    script = write(request, FULL)
    plan = read_plan(script.script)
    assert plan is not None
    assert (plan.models, plan.target) == (("extra_trees",), "log1p")
    assert "no plan" in script.notes
    assert plan.bags == 3
    assert "Read 'The mean of several fits" in script.notes


@pytest.mark.parametrize("kind", ["regression", "over-time", "binary", "multiclass", "ordered", "rare"])
def test_every_kind_of_task_gets_a_root(kind: str, places: dict[str, Place]) -> None:
    place = places[kind]
    candidates = _candidates(place, incumbent=False)
    chosen = _select(place, candidates, incumbent=False, stage="draft")
    request = WriteSolution(**place.common, base=None, hypotheses=chosen.hypotheses, sketch=chosen.sketch)
    evaluation = place.run("first", write(request, FULL).script, view="debug")
    assert evaluation.defects == ()


def test_what_the_user_asks_to_avoid_and_prefer_decides(places: dict[str, Place]) -> None:
    request = _request(places["bike"])
    usual = propose(request, FULL).candidates[0]
    avoiding = request.model_copy(update={"hints": (Hint(avoid=(usual.parameter,)),)})
    step = propose(avoiding, FULL)
    assert all(each.parameter != usual.parameter for each in step.candidates)
    assert step.answer == f"nothing with {usual.parameter} was considered"
    preferring = request.model_copy(update={"hints": (Hint(prefer=("extra trees",)),)})
    first = propose(preferring, FULL).candidates[0]
    assert "extra_trees" in first.direction
    draft = _request(places["bike"], incumbent=False, stage="draft", wanted=10)
    families = {
        word: propose(draft.model_copy(update={"hints": (hint,)}), FULL).candidates[0].direction
        for word, hint in (("avoid", Hint(avoid=("boosting",))), ("prefer", Hint(prefer=("linear",))))
    }
    assert families["avoid"] != "boosting"
    assert families["prefer"] == "linear"
