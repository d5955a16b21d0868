"""The backend as others use it: every request gets its type, the same each time, and skill decides how well."""

import ast
from collections import Counter
from typing import Any

import anyio
import pytest

from gome.agents.backends.base import Backend
from gome.agents.backends.expert import ExpertBackend
from gome.agents.backends.expert.judgement import Judgement
from gome.agents.protocol.replies import Survey
from gome.agents.protocol.requests import AssessTrial, ProposeStep, ReadOutput, Request, SurveyTask
from gome.agents.protocol.script_requests import RepairSolution, SolveStep, WriteSolution
from gome.agents.protocol.types import Effect, Hypothesis, Repair
from gome.errors import ReplyInvalid
from tests.agents.backends.expert.place import Place, measured, note, solution
from tests.agents.helpers import requests_made

pytestmark = pytest.mark.xdist_group("expert")  # they share places and a warm interpreter


def _ask(request: Request[Any], skill: float = 1.0) -> Any:
    answer = anyio.run(ExpertBackend(skill).answer, request)
    return request.reply_type().model_validate(answer.reply)


def _requests(place: Place) -> list[Request[Any]]:
    plan = place.plan()
    challenges = _ask(SurveyTask(**place.common)).challenges
    propose = ProposeStep(
        **place.common, action="improve", stage="improve", base=solution(place, plan), challenges=challenges
    )
    hypotheses = tuple(
        Hypothesis.model_validate(dict(idea) | {"challenge": challenges[idea.challenge - 1].caption})
        for idea in _ask(propose).candidates
    )
    return [
        SurveyTask(**place.common),
        propose,
        ProposeStep(**place.common, action="draft", stage="draft", base=None, wanted=10, challenges=challenges),
        SolveStep(**place.common, action="improve", base=solution(place, plan)),
        WriteSolution(**place.common, base=place.script(plan), hypotheses=hypotheses[:1], sketch=""),
        _trial(place, hypotheses=hypotheses[:1]),
        ReadOutput(
            **place.common, plan="", script=place.script(plan), words="it ended by itself", output="",
            evaluation=measured(place),
        ),
        RepairSolution(
            **place.common, script=place.script(plan), hypotheses=hypotheses[:1], phase="full", cause="exit",
            words="exit 1", output="", evaluation=None, attempt=1,
        ),
    ]  # fmt: skip


def _trial(place: Place, **changed: Any) -> AssessTrial:
    values = place.common | {
        "hypotheses": (),
        "incumbent": solution(place, place.plan()),
        "script": place.script(place.plan(bags=3, column_share=0.5)),
        "difference": "",
        "cause": "ok",
        "words": "it ended by itself",
        "output": "",
        "seconds": 3.5,
        "evaluation": measured(place),
        "effect": Effect(gain=0.02, standard_error=0.005, verdict="better"),
        "history": (),
        "wanted": ("scenario", "feedback"),
    }
    return AssessTrial(**(values | changed))


@pytest.mark.parametrize("kind", ["bike", "over-time", "binary", "multiclass", "ordered", "rare"])
@pytest.mark.parametrize("skill", [1.0, 0.0])
def test_every_request_is_answered_with_its_type_and_the_same_each_time(
    kind: str, skill: float, places: dict[str, Place]
) -> None:
    for request in _requests(places[kind]):
        first, second = _ask(request, skill), _ask(request, skill)
        assert isinstance(first, request.reply_type())
        assert first == second


def test_requests_about_a_models_script_are_answered() -> None:
    for request in requests_made.one_of_each():
        assert isinstance(_ask(request), request.reply_type())


def test_it_says_what_it_is() -> None:
    backend: Backend = ExpertBackend()
    assert backend.label == "expert (rule-based, not a language model)"
    assert ExpertBackend(0.5).label == "expert (rule-based, not a language model, skill 0.5)"
    with pytest.raises(ValueError, match="between 0 and 1"):
        ExpertBackend(1.5)


def test_an_unknown_request_is_refused(places: dict[str, Place]) -> None:
    class Riddle(Request[Survey]):
        role = "diagnoser"

        @classmethod
        def reply_type(cls) -> type[Survey]:
            return Survey

    with pytest.raises(ReplyInvalid, match="no answer to Riddle"):
        _ask(Riddle(**places["bike"].common))


def test_the_survey_cites_the_tasks_figures(places: dict[str, Place]) -> None:
    challenges = _ask(SurveyTask(**places["bike"].common)).challenges
    assert all(challenge.source == "scenario" for challenge in challenges)
    told = " ".join(challenge.reasoning for challenge in challenges)
    skew = places["bike"].harness.profile.target_skew
    assert skew is not None
    assert f"{skew:.2f}" in told
    assert "period 24" in told
    assert "5422 rows" in told


def test_near_ties_go_to_gain_and_to_the_simpler(places: dict[str, Place]) -> None:
    place = places["bike"]

    def accepts(gain: float, script: str, seconds: float = 3.0) -> bool:
        effect = Effect(gain=gain, standard_error=0.01, verdict="near-tie")
        return bool(_ask(_trial(place, effect=effect, script=script, seconds=seconds)).accept)

    larger, plain = place.script(place.plan(leaves=63, min_leaf=10)), place.script(place.plan())
    assert accepts(0.008, larger)
    assert accepts(0.001, larger)
    assert not accepts(0.001, larger, seconds=30.0)
    assert not accepts(-0.002, larger)
    assert not accepts(0.001, place.script(place.plan(models=("boosting", "network"))), seconds=10.0), (
        "unlike, and slow"
    )
    assert accepts(0.001, place.script(place.plan(bags=3)), seconds=10.0), "more of the same steadies"
    elaborate = solution(place, place.plan(leaves=63, min_leaf=10))
    effect = Effect(gain=-0.002, standard_error=0.01, verdict="near-tie")
    simpler = _ask(_trial(place, effect=effect, script=plain, incumbent=elaborate))
    assert simpler.accept
    assert "simpler" in simpler.reason


def test_an_assessment_says_what_became_of_the_hypothesis(places: dict[str, Place]) -> None:
    place = places["bike"]
    better = _ask(_trial(place))
    assert (better.hypothesis_verdict, better.alignment) == ("confirmed", "aligned")
    assert better.observations.count(". ") <= 2
    assert "was expected" in better.observations
    worse = _ask(_trial(place, effect=Effect(gain=-0.02, standard_error=0.005, verdict="worse")))
    assert worse.hypothesis_verdict == "refuted"
    broken = _ask(_trial(place, evaluation=None, effect=None, cause="timeout", words="it took 60 s"))
    assert (broken.accept, broken.hypothesis_verdict) == (False, "inconclusive")
    assert "it took 60 s" in broken.observations
    assert broken.challenges


def test_challenges_are_about_the_better_solution(places: dict[str, Place]) -> None:
    """A rejected ensemble leaves its trace with one kind of model; an accepted one does not."""
    place = places["bike"]
    ensemble = place.script(place.plan(models=("boosting", "extra_trees")))
    worse = Effect(gain=-0.02, standard_error=0.005, verdict="worse")
    better = Effect(gain=0.02, standard_error=0.005, verdict="better")
    refused = _ask(_trial(place, script=ensemble, effect=worse))
    accepted = _ask(_trial(place, script=ensemble, effect=better))
    assert "Members weighed alike" not in {each.caption for each in refused.challenges}
    assert refused.challenges != accepted.challenges


def test_only_what_is_wanted_is_said(places: dict[str, Place]) -> None:
    found = _ask(_trial(places["bike"], wanted=("feedback",))).challenges
    assert {each.source for each in found} == {"feedback"}


def test_skill_decides_how_often_the_best_is_chosen(places: dict[str, Place]) -> None:
    place = places["bike"]
    challenges, base = _ask(SurveyTask(**place.common)).challenges, solution(place, place.plan())

    def chosen(skill: float, draws: int) -> Counter[str]:
        picks: Counter[str] = Counter()
        for seed in range(draws):
            request = ProposeStep(
                **(place.common | {"seed": seed}), action="improve", stage="improve",
                base=base, challenges=challenges, history=(note(accepted=True),),
            )  # fmt: skip
            step = _ask(request, skill)
            picks[step.candidates[step.choice[0] - 1].parameter] += 1
        return picks

    (best,) = chosen(1.0, draws=10)
    any_move = chosen(0.0, draws=40)
    assert len(any_move) > len(challenges), "at every challenge it may be any move"
    assert any_move[best] < chosen(0.7, draws=40)[best] < 40


def test_an_unskilled_writer_still_writes_sound_scripts(places: dict[str, Place]) -> None:
    place = places["multiclass"]
    scripts = set()
    for seed in range(12):
        request = WriteSolution(**(place.common | {"seed": seed}), base=None, hypotheses=(), sketch="")
        script = _ask(request, skill=0.0).script
        ast.parse(script)
        scripts.add(script)
    assert len(scripts) > 3


def test_judgement_ranks_all_it_is_given() -> None:
    for skill in (0.0, 0.5, 1.0):
        assert sorted(Judgement(skill, 4).rank([3, 1, 2])) == [1, 2, 3]
    assert Judgement(1.0, 4).rank([3, 1, 2]) == [3, 1, 2]


def _repaired(place: Place, **changed: Any) -> Any:
    """What is said of a trial of a member, which a repair has left as `changed` says, after a clear loss."""
    member = Hypothesis(
        statement="A network too.", reason="", challenge="", component="Ensemble", parameter="member",
        direction="network",
    )  # fmt: skip
    trial = _trial(
        place,
        hypotheses=(member,),
        script=place.script(place.plan(**changed)),
        repairs=(Repair(phase="check", words="refused before it ran", notes="another family"),),
        effect=Effect(gain=-0.2, standard_error=0.005, verdict="worse"),
    )
    return _ask(trial)


def test_what_a_repair_took_out_is_untested_and_teaches_nothing(places: dict[str, Place]) -> None:
    place = places["bike"]
    base = place.plan().models
    for changed in ({"models": ("extra_trees",)}, {"models": base}, {"models": ("extra_trees", "network")}):
        told = _repaired(place, **changed)
        assert (told.hypothesis_verdict, told.finding) == ("untested", "")
    kept = _repaired(place, models=(*base, "network"), epochs=5)
    assert (kept.hypothesis_verdict, kept.finding[:14]) == ("refuted", "member network")
