"""Proposing and selecting: one hypothesis a challenge, what memory holds, what siblings do, and the stage."""

import pytest

from agents.backends.expert import captions
from agents.backends.expert.catalogue import move_of
from agents.backends.expert.diagnosis import survey
from agents.backends.expert.judgement import Judgement
from agents.backends.expert.plan import read_plan
from agents.backends.expert.proposal import propose
from agents.backends.expert.selection import select
from agents.backends.expert.writing import write
from agents.ideas import Challenge, Hypothesis, Recalled
from agents.requests import ProposeHypotheses, SelectHypothesis, Selection, SurveyTask, WriteSolution
from tests.agents.expert.place import WORKPLACE, Place, note, solution
from tests.agents.requests_made import hypothesis as foreign_hypothesis

FULL = Judgement(1.0, 0)


def _candidates(place: Place, incumbent: bool, *history: object, trace: int = 0) -> tuple[Hypothesis, ...]:
    common = place.common | {"trace": trace}
    challenges = survey(SurveyTask(**common), FULL).challenges
    request = ProposeHypotheses(
        **common,
        stage="improve",
        incumbent=solution(place, place.plan(target="log1p")) if incumbent else None,
        challenges=challenges,
        history=history,
        workplace=WORKPLACE,
    )
    return propose(request, FULL).hypotheses


def _select(place: Place, candidates: tuple[Hypothesis, ...], **changed: object) -> Selection:
    values = place.common | {
        "stage": "improve",
        "incumbent": solution(place, place.plan(target="log1p")),
        "candidates": candidates,
        "recalled": (),
        "siblings": (),
        "history": (),
        "workplace": WORKPLACE,
    }
    return select(SelectHypothesis(**(values | changed)), FULL)


def _recalled(hypothesis: Hypothesis, gain: float = 0.02) -> Recalled:
    return Recalled(
        id="m1.0",
        trace=1,
        step=2,
        hypothesis=hypothesis,
        feedback="",
        gain=gain,
        score=0.3,
        weight=None,
        why="global-best",
    )


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
    request = ProposeHypotheses(
        **place.common, stage="improve", incumbent=solution(place, place.plan(target="log1p")), challenges=(spoken,),
        history=(), workplace=WORKPLACE,
    )  # fmt: skip
    (found,) = propose(request, FULL).hypotheses
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
    selection = _select(place, _candidates(place, incumbent=False), incumbent=None, stage="draft")
    keys = {each.key for each in selection.hypotheses}
    assert selection.action == "root"
    assert {("Model", "family", "boosting"), ("Workflow", "target_scale", "log1p")} <= keys
    assert not any(component == "Ensemble" or "cross" in parameter for component, parameter, _ in keys)


def test_a_root_differs_from_its_siblings(places: dict[str, Place]) -> None:
    place = places["bike"]
    candidates = _candidates(place, incumbent=False)
    own = _select(place, candidates, incumbent=None).hypotheses
    other = _select(place, candidates, incumbent=None, siblings=own).hypotheses
    families = [{each.direction for each in chosen if each.parameter == "family"} for chosen in (own, other)]
    assert families[0] != families[1]
    neighbour = _candidates(place, incumbent=False, trace=1)
    assert {each.direction for each in neighbour if each.parameter == "family"} == {"extra_trees"}


def test_what_another_trace_found_is_taken_where_it_is_untried(places: dict[str, Place]) -> None:
    place = places["bike"]
    candidates = _candidates(place, incumbent=True)
    proven = next(each for each in candidates if each.parameter.startswith("cross"))
    others = tuple(each for each in candidates if each != proven)
    taken = _select(place, others, recalled=(_recalled(proven),))
    assert taken.origin == "m1.0"
    assert taken.hypotheses[0].key == proven.key
    tried = _select(place, others, recalled=(_recalled(proven),), history=(note(proven, accepted=False),))
    assert tried.origin is None
    useless = _select(place, others, recalled=(_recalled(proven, gain=-0.01),))
    assert useless.origin is None


def test_what_turns_nothing_here_is_not_taken_over(places: dict[str, Place]) -> None:
    """More columns for each cut of averaged trees say nothing to a solution that has none."""
    place = places["bike"]
    candidates = _candidates(place, incumbent=True)
    proven = candidates[0].model_copy(
        update={"component": "Model", "parameter": "tree_columns", "direction": "up", "expected_gain": 0.02}
    )
    averaged = solution(place, place.plan(models=("boosting", "extra_trees")))
    assert _select(place, candidates, recalled=(_recalled(proven),)).origin is None
    assert _select(place, candidates, incumbent=averaged, recalled=(_recalled(proven),)).origin == "m1.0"


def test_traces_take_turns_where_several_promise_as_much(places: dict[str, Place]) -> None:
    place = places["bike"]
    first, second, weak = _candidates(place, incumbent=True)[:3]
    alike = first.model_copy(update={"component": second.component, "parameter": "other"})
    small = weak.model_copy(update={"expected_gain": first.expected_gain / 50})
    chosen = [_select(place, (first, alike, small), trace=trace).hypotheses[0] for trace in range(3)]
    assert chosen == [first, alike, first], "what promises little waits for all of them"


def test_another_traces_first_model_is_joined_not_copied(places: dict[str, Place]) -> None:
    place = places["bike"]
    root = next(each for each in _candidates(place, incumbent=False, trace=1) if each.parameter == "family")
    taken = _select(place, _candidates(place, incumbent=True)[-1:], recalled=(_recalled(root, gain=0.0),))
    assert (taken.action, taken.origin) == ("modify", "m1.0")
    assert taken.hypotheses[0].key == ("Ensemble", "member", "extra_trees")


def test_the_stage_decides_between_equals(places: dict[str, Place]) -> None:
    place = places["bike"]
    (single, *_) = (each for each in _candidates(place, incumbent=True) if each.component == "FeatureEng")
    together = single.model_copy(update={"component": "Ensemble", "parameter": "bags", "direction": "up"})
    for stage, expected in (("draft", single), ("ensemble", together)):
        chosen = _select(place, (single, together), stage=stage)
        assert chosen.hypotheses == (expected,)
        assert chosen.action == "select"


def test_a_repeated_idea_has_novelty_one_and_waits(places: dict[str, Place]) -> None:
    place = places["bike"]
    first, second = (each for each in _candidates(place, incumbent=True)[:3] if each.parameter != "family")
    again = next(each for each in _candidates(place, True, note(first, accepted=True)) if each.key == first.key)
    assert again.scores.novelty.value == 1
    assert _select(place, (again, second)).hypotheses == (second,)


def test_a_written_script_does_what_was_selected(places: dict[str, Place]) -> None:
    place = places["bike"]
    base = place.script(place.plan(target="log1p"))
    chosen = next(each for each in _candidates(place, incumbent=True) if each.parameter.startswith("cross"))
    request = WriteSolution(**place.common, base=base, hypotheses=(chosen,), sketch="", workplace=WORKPLACE)
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
    request = WriteSolution(**place.common, base=base, hypotheses=(hypothesis,), sketch="", workplace=WORKPLACE)
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
    selection = _select(place, candidates, incumbent=None, stage="draft")
    request = WriteSolution(
        **place.common, base=None, hypotheses=selection.hypotheses, sketch=selection.sketch, workplace=WORKPLACE
    )
    evaluation = place.run("first", write(request, FULL).script, view="debug")
    assert evaluation.defects == ()
