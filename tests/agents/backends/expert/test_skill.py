"""Skill: at 0 every judgement is chance, told as confidently as at 1; between the two it is right in that share."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import pytest

from gome.agents.backends.expert.diagnosis import assess, challenges
from gome.agents.backends.expert.judgement import Judgement, Knowledge
from gome.agents.backends.expert.moves.catalogue import CATALOGUE, playable
from gome.agents.backends.expert.plan import Plan, read_plan
from gome.agents.backends.expert.planning import propose, solve
from gome.agents.backends.expert.writing import write
from gome.agents.protocol.replies import Idea, Step
from gome.agents.protocol.requests import AssessTrial, ProposeStep
from gome.agents.protocol.script_requests import SolveStep, WriteSolution
from gome.agents.protocol.types import Effect, Hypothesis, Key, Recalled, Solution
from tests.agents.backends.expert.place import Place, measured, solution

pytestmark = pytest.mark.xdist_group("expert")  # they share places and a warm interpreter

_DRAWS = 120


_BASES: dict[Path, Solution] = {}


def _base(place: Place) -> Solution:
    """The plain solution there, composed once."""
    if place.folder not in _BASES:
        _BASES[place.folder] = solution(place, place.plan())
    return _BASES[place.folder]


def _asked(place: Place, **changed: object) -> ProposeStep:
    values = place.common | {"action": "improve", "stage": "improve", "base": _base(place)}
    return ProposeStep(**(values | changed))


def _step(place: Place, skill: float, seed: int, **changed: object) -> Step:
    """Challenges, then ideas and the choice of one, as gome's Diagnoser and Proposer ask for them."""
    scene = place.scene(place.plan(), measured(place))
    found = challenges(scene, ("scenario", "feedback"), Judgement(skill, 2 * seed))
    return propose(_asked(place, challenges=found, **changed), Judgement(skill, 2 * seed + 1))


def _round_the_ring(place: Place, skill: float, seed: int) -> Hypothesis:
    """What such a step implements."""
    step = _step(place, skill, seed)
    return _hypothesis(step.candidates[step.choice[0] - 1])


def _without_challenges(place: Place, skill: float, seed: int) -> Hypothesis:
    """The same without structured reasoning."""
    step = propose(_asked(place, seed=seed, wanted=1), Judgement(skill, seed))
    return _hypothesis(step.candidates[step.choice[0] - 1])


def _in_one_call(place: Place, skill: float, seed: int) -> Hypothesis:
    """The same as a control asks for it."""
    request = SolveStep(**place.common, action="improve", base=_base(place))
    return _hypothesis(solve(request, Judgement(skill, seed)).hypotheses[0])


def _hypothesis(idea: Idea) -> Hypothesis:
    return Hypothesis.model_validate(dict(idea) | {"challenge": ""})


def _ranks(place: Place, choose: Callable[[int], Hypothesis]) -> list[float]:
    """Where each choice stands among all that can be played, by the expert's own promise: 0 first, 1 last."""
    order = [play.key for play in playable(place.scene(place.plan(), measured(place)))]
    return [order.index(choose(seed).key) / (len(order) - 1) for seed in range(_DRAWS)]


@pytest.mark.parametrize(
    ("kind", "chosen"),
    [
        ("regression", _round_the_ring),
        ("multiclass", _round_the_ring),
        ("regression", _without_challenges),
        ("multiclass", _in_one_call),
    ],
)
def test_without_skill_any_move_is_chosen_by_every_optimizer(
    kind: str, chosen: Callable[[Place, float, int], Hypothesis], places: dict[str, Place]
) -> None:
    """The rank of what is chosen is uniform: its mean a half, a quarter of it in each quarter."""
    place = places[kind]
    ranks = _ranks(place, lambda seed: chosen(place, 0.0, seed))
    # The standard error of the mean of a uniform draw is 1/√(12·120) = 0.026, of a quarter's share 0.040.
    assert fmean(ranks) == pytest.approx(0.5, abs=0.1)
    quarters = Counter(min(3, int(4 * rank)) for rank in ranks)
    assert all(0.1 < quarters[quarter] / _DRAWS < 0.4 for quarter in range(4)), quarters


def test_without_skill_gains_are_stated_as_before_and_tell_nothing(places: dict[str, Place]) -> None:
    place = places["multiclass"]
    skilled = _round_the_ring(place, 1.0, 0)
    unskilled = [_round_the_ring(place, 0.0, seed) for seed in range(_DRAWS)]
    promised = {play.key: play.choice.gain for play in playable(place.scene(place.plan(), measured(place)))}
    stated = fmean(each.expected_gain for each in unskilled)
    assert stated > 0.5 * skilled.expected_gain, "as confident"
    best = max(promised.values())
    assert fmean(promised[each.key] for each in unskilled) < 0.3 * best, "and with nothing to show for it"
    upper = [each for each in unskilled if each.expected_gain >= stated]
    lower = [each for each in unskilled if each.expected_gain < stated]
    if lower:
        gap = fmean(promised[each.key] for each in upper) - fmean(promised[each.key] for each in lower)
        assert abs(gap) < 0.15 * best, "what is promised more is no better"


def _near_tie(place: Place) -> AssessTrial:
    """One that a good judge keeps: nine tenths of its error better."""
    return AssessTrial(
        **place.common,
        hypotheses=(),
        incumbent=solution(place, place.plan()),
        script=place.script(place.plan(bags=3, column_share=0.5)),
        difference="",
        cause="ok",
        words="it ended by itself",
        output="",
        seconds=3.0,
        evaluation=measured(place),
        effect=Effect(gain=0.009, standard_error=0.01, verdict="near-tie"),
        history=(),
        wanted=(),
    )


def test_without_skill_a_near_tie_is_decided_by_a_coin(places: dict[str, Place]) -> None:
    trial = _near_tie(places["regression"])
    kept = {
        skill: fmean(assess(trial, Judgement(skill, seed)).accept for seed in range(_DRAWS))
        for skill in (0.0, 0.5, 1.0)
    }
    assert kept[1.0] == 1.0
    assert kept[0.0] == pytest.approx(0.5, abs=0.18)
    assert kept[0.5] == pytest.approx(0.75, abs=0.16)


def test_a_verdict_against_the_figures_has_a_reason_too(places: dict[str, Place]) -> None:
    trial = _near_tie(places["regression"])
    told = {(reply.accept, reply.reason) for seed in range(40) for reply in [assess(trial, Judgement(0.0, seed))]}
    assert {accept for accept, _ in told} == {True, False}
    assert len({reason for _, reason in told}) == 2, "each verdict has words of its own"


def test_skill_between_is_right_in_between(places: dict[str, Place]) -> None:
    place = places["multiclass"]
    for chosen in (_round_the_ring, _without_challenges, _in_one_call):
        best = chosen(place, 1.0, 0).key
        shares = [
            fmean(chosen(place, skill, seed).key == best for seed in range(draws))
            for skill, draws in ((0.0, 40), (0.5, 40), (1.0, 10))
        ]
        assert shares[0] < 0.15
        assert shares[0] < shares[1] < shares[2] == 1.0


def test_what_was_refuted_is_avoided_by_skill_alone(places: dict[str, Place]) -> None:
    """Also where it is long ago and the history no longer shows it."""
    place = places["bike"]
    base = solution(place, place.plan())
    scene = place.scene(place.plan(), base.evaluation)
    refused: tuple[Key, ...] = tuple(play.key for play in playable(scene)[::2])
    found = challenges(scene, ("scenario", "feedback"), Judgement(1.0, 0))

    def repeated(skill: float) -> float:
        request = _asked(place, base=base, challenges=found, refused=refused, wanted=10)
        ideas = [each for seed in range(40) for each in propose(request, Judgement(skill, seed)).candidates]
        told = [_hypothesis(each).key for each in ideas]
        return fmean(key in refused for key in told)

    assert repeated(1.0) == 0.0
    assert repeated(0.0) == pytest.approx(0.5, abs=0.12)


def _proven(place: Place) -> Recalled:
    """What full skill does first, accepted in another trace."""
    return Recalled(
        id="m1.0", trace=1, step=2, hypotheses=(_round_the_ring(place, 1.0, 0),), feedback="", gain=0.1,
        standard_error=0.01, score=0.3, weight=None, why="global-best", script_ref="theirs", base_ref=None,
    )  # fmt: skip


def test_memory_is_of_no_use_without_skill(places: dict[str, Place]) -> None:
    place = places["bike"]
    recalled = _proven(place)
    assert _step(place, 1.0, 0, recalled=(recalled,)).recalled == 1
    assert {_step(place, 0.0, seed, recalled=(recalled,)).recalled for seed in range(60)} == {None}


def _written(place: Place, skill: float, seed: int, base: Plan | None, *hypotheses: Hypothesis) -> Plan:
    request = WriteSolution(
        **place.common,
        base=place.script(base) if base else None,
        hypotheses=hypotheses,
        sketch="",
    )
    plan = read_plan(write(request, Judgement(skill, seed)).script)
    assert plan is not None
    return plan


def test_without_skill_the_details_of_a_first_solution_are_any(places: dict[str, Place]) -> None:
    place = places["multiclass"]
    plans = [_written(place, 0.0, seed, None) for seed in range(100)]
    rates, leaves = (Counter(getattr(plan, name) for plan in plans) for name in ("learning_rate", "leaves"))
    assert len(rates) == 5
    assert len(leaves) == 4
    assert max(rates.values()) < 40
    assert max(leaves.values()) < 45
    careful = _written(place, 1.0, 0, None)
    assert all(_written(place, 1.0, seed, None) == careful for seed in range(5))


def test_without_skill_a_change_turns_its_detail_to_any_value(places: dict[str, Place]) -> None:
    place = places["bike"]
    base = place.plan(leaves=16)
    halve = next(
        hypothesis
        for seed in range(200)
        for hypothesis in (_round_the_ring(place, 0.0, seed),)
        if hypothesis.key == ("Model", "learning_rate", "down")
    )
    assert _written(place, 1.0, 0, base, halve).learning_rate == base.learning_rate / 2
    assert len({_written(place, 0.0, seed, base, halve).learning_rate for seed in range(40)}) > 3


def _keys(place: Place, trace: int, knowledge: Knowledge) -> set[Key]:
    """What the expert of a trace proposes, over many seeds at skill 0, where any move that it knows may be played."""
    scene = place.scene(place.plan(), measured(place))
    found: set[Key] = set()
    for seed in range(30):
        asked = challenges(scene, ("scenario", "feedback"), Judgement(0.0, seed))
        request = _asked(place, challenges=asked, trace=trace)
        step = propose(request, Judgement(0.0, seed, knowledge))
        found |= {_hypothesis(each).key for each in step.candidates}
    return found


def test_each_trace_knows_its_own_share_of_the_catalogue(places: dict[str, Place]) -> None:
    knowledge = Knowledge(0.6, seed=3)
    names = [(move.component, move.name, move.direction) for move in CATALOGUE]
    shares = [fmean(knowledge.holds(trace, *name) for name in names) for trace in range(8)]
    assert 0.5 < fmean(shares) < 0.7
    assert len({tuple(knowledge.holds(trace, *name) for name in names) for trace in range(8)}) == 8
    assert all(Knowledge().holds(trace, *name) for trace in range(2) for name in names)
    place = places["regression"]
    everything, one, other = (_keys(place, *each) for each in ((0, Knowledge()), (0, knowledge), (1, knowledge)))
    assert one < everything
    assert other < everything
    assert one != other


def test_what_a_trace_does_not_know_reaches_it_through_the_memory(places: dict[str, Place]) -> None:
    """The global best of another trace is taken over, though this trace's expert knows next to nothing."""
    place = places["bike"]
    recalled = _proven(place)
    (proven,) = recalled.hypotheses
    names = [(move.component, move.name, move.direction) for move in CATALOGUE]
    without = [proven.component, proven.parameter.partition("(")[0].strip(), proven.direction]
    assert tuple(without) in names
    knowledge = next(
        made for made in (Knowledge(0.6, seed) for seed in range(99)) if not made.holds(place.common["trace"], *without)
    )
    alone = propose(_asked(place), Judgement(1.0, 0, knowledge))
    assert proven.key not in {_hypothesis(each).key for each in alone.candidates}
    step = propose(_asked(place, recalled=(recalled,)), Judgement(1.0, 0, knowledge))
    assert step.recalled == 1
    assert _hypothesis(step.candidates[step.choice[0] - 1]).key == proven.key
