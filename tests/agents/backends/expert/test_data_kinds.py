"""Texts, pictures, side tables and days in a row: found in the data, read by the first solution, bettered by moves."""

from dataclasses import replace
from typing import Any

import pytest

from gome.agents.backends.expert.diagnosis import survey
from gome.agents.backends.expert.judgement import Judgement
from gome.agents.backends.expert.moves.catalogue import apply_hypothesis, plays
from gome.agents.backends.expert.plan import Plan, read_plan
from gome.agents.backends.expert.proposal import hypothesis_of, ideas_of
from gome.agents.backends.expert.selection import choose
from gome.agents.backends.expert.situation import Scene
from gome.agents.backends.expert.writing import write
from gome.agents.protocol.requests import ProposeStep, SurveyTask
from gome.agents.protocol.script_requests import WriteSolution
from gome.scenarios.evidence import Evaluation, SplitRule
from tests.agents.backends.expert.place import WORKPLACE, Place, measured

pytestmark = pytest.mark.xdist_group("expert")  # they share places and a warm interpreter

FULL = Judgement(1.0, 0)
# kind → what a script that does not read that kind of data cannot reach, and what the plan does about it
ROOTS: dict[str, tuple[float, dict[str, Any]]] = {
    "text": (0.85, {"texts": ("post",)}),
    "pictures": (0.8, {"images": "pixels"}),
    "joins": (1.5, {"joins": ("items_", "shop_shops_")}),
    "days": (2.0, {"models": ("boosting",)}),
}


def _good_enough(place: Place, evaluation: Evaluation, bound: float) -> bool:
    assert evaluation.defects == ()
    assert evaluation.leaks == ()
    assert evaluation.score is not None
    lower = place.task.brief.direction == "minimize"
    return evaluation.score < bound if lower else evaluation.score > bound


def _root(place: Place, trace: int = 0) -> str:
    """The first solution as the ring comes to it: survey, ideas, choice, script."""
    common = place.common | {"trace": trace}
    challenges = survey(SurveyTask(**common), FULL).challenges
    asked = ProposeStep(**common, action="draft", stage="draft", base=None, challenges=challenges)
    chosen = choose(asked, ideas_of(asked, challenges, trace, FULL), trace, FULL)
    request = WriteSolution(**common, base=None, hypotheses=chosen.hypotheses, sketch="")
    return write(request, FULL).script


@pytest.mark.parametrize("kind", ROOTS)
def test_the_first_solution_reads_what_the_target_follows_from(kind: str, places: dict[str, Place]) -> None:
    place, (bound, fields) = places[kind], ROOTS[kind]
    plan = place.plan()
    assert {name: getattr(plan, name) for name in fields} == fields
    assert _good_enough(place, place.run("root", _root(place)), bound)


@pytest.mark.parametrize("kind", ["text", "pictures"])
def test_traces_begin_with_different_models(kind: str, places: dict[str, Place]) -> None:
    plans = [read_plan(_root(places[kind], trace)) for trace in range(4)]
    assert len({plan.models for plan in plans if plan is not None}) == 4


@pytest.mark.parametrize(
    ("kind", "changed", "bound"),
    [
        ("text", {"models": ("margin", "bayes", "linear"), "word_pairs": True, "characters": True}, 0.85),
        ("text", {"models": ("extra_trees", "neighbours"), "topics": 30}, 0.6),
        ("pictures", {"models": ("margin",), "images": "gradients"}, 0.8),
        ("pictures", {"models": ("extra_trees", "linear"), "straight": True}, 0.5),
        ("pictures", {"models": ("network", "neighbours"), "shifts": True, "epochs": 4}, 0.7),
        ("joins", {"group_means": (("shop", "shop_shops_rent"),), "counts": ("shop",), "encoding": "onehot"}, 1.5),
        ("days", {"dates": ("date",), "holidays": ("date",), "level": "fortnight_before"}, 1.5),
        ("days", {"dates": ("date",), "holidays": ("date",), "echoes": ("date",), "latest": 0.5}, 2.5),
        ("days", {"dates": ("date",), "trend": "date"}, 2.5),
    ],
)
def test_what_moves_add_runs_and_scores(
    kind: str, changed: dict[str, Any], bound: float, places: dict[str, Place]
) -> None:
    place = places[kind]
    name = "-".join(str(value) for value in (kind, *changed))
    assert _good_enough(place, place.run(name, place.script(place.plan(**changed))), bound)


def test_words_that_the_phrases_of_a_category_share_are_columns(places: dict[str, Place]) -> None:
    place = places["joins"]
    script = place.script(place.plan(words=("shop",)))
    assert "shop_" in script and _good_enough(place, place.run("words", script), 1.5)


@pytest.mark.parametrize("kind", ROOTS)
def test_a_first_solution_passes_the_debug_sample(kind: str, places: dict[str, Place]) -> None:
    place = places[kind]
    evaluation = place.run("debug", place.script(place.plan()), "debug")
    assert evaluation.defects == ()
    assert evaluation.score is not None


def test_a_kind_of_data_has_moves_of_its_own(places: dict[str, Place]) -> None:
    expected = {
        "text": {"word_pairs", "characters"},
        "pictures": {"straighten", "shifts", "epochs"},
        "joins": {"sharers", "mean_by_key"},
        "days": {"same_day", "level", "latest", "echo"},
    }
    for kind, names in expected.items():
        scene = places[kind].scene(places[kind].plan(), measured(places[kind]))
        assert names <= {play.move.name for play in plays(scene)}, kind
    plain = places["regression"].scene(places["regression"].plan(), measured(places["regression"]))
    own = {"word_pairs", "straighten", "join", "same_day", "level"}
    assert not own & {play.move.name for play in plays(plain)}


def test_a_table_is_left_and_taken_again(places: dict[str, Place]) -> None:
    """Leaving a table takes what was made of its columns with it."""
    place = places["joins"]
    full = place.plan(crosses=(("hour", "shop_shops_town"),), logs=("items_weight_max",))
    silent = dict.fromkeys(("shop_shops_rent", "shop_shops_town"), 0.0) | {"hour": 1.0}
    scene = place.scene(full, measured(place, importance=silent))
    drop = next(play for play in plays(scene) if (play.move.name, play.move.direction) == ("join", "drop"))
    left, _ = apply_hypothesis(full, hypothesis_of(scene, drop, drop.move.challenge, drop), scene)
    assert (left.joins, left.crosses, left.logs) == (("items_",), (), ("items_weight_max",))
    assert "shops" not in place.script(left).split('"""', 2)[2].split("# plan", 1)[1].split("\n", 1)[1]
    again = place.scene(left, measured(place))
    added = next(play for play in plays(again) if (play.move.name, play.move.direction) == ("join", "add"))
    assert set(added.plan.joins) == {"items_", "shop_shops_"}


def test_an_echo_is_no_younger_than_the_test_could_know(places: dict[str, Place]) -> None:
    """Days beyond the training rows learn nothing of the target from nearer than the test reaches.

    Where rows lie further ahead, as the true test does in the view of an early split, they look back further.
    """
    script = places["days"].script(places["days"].plan(echoes=("date",)))
    assert 'Echo("date", 196)' in script, "the test is 196 days long"
    scope: dict[str, Any] = {"__name__": "solution"}
    exec(compile(script, "solution.py", "exec"), scope)  # noqa: S102 - the script under test
    pd = scope["pd"]
    days = pd.DataFrame({"date": [float(day) for day in range(100)]})
    echo = scope["Echo"]("date", 28).fit(days, days["date"].to_numpy())
    rows = pd.DataFrame({"date": [100.0, 127.0, 128.0, 150.0, 190.0]})
    later = echo.transform(rows)["date_echo"]
    assert later.iloc[0] == 72.0 - 7 * 1.5
    assert later.iloc[1] == 99.0 - 7 * 1.5, "the last of the rows for which 28 days are enough"
    assert later.iloc[2] == 93.0 - 7 * 1.5
    assert later.iloc[4] == 99.0 - 7 * 1.5
    assert (later <= rows["date"] - 28).all()
    inside = echo.transform(days)["date_echo"]
    assert inside.iloc[80] == 52.0 - 7 * 1.5


def test_a_course_is_what_the_other_columns_leave_unexplained(places: dict[str, Place]) -> None:
    """A rise that another column explains does not go on by the date; one that none explains does.

    Where nothing of both foretells the newest rows, but their level does, the models see the date itself.
    """
    scope: dict[str, Any] = {"__name__": "solution"}
    script = places["days"].script(places["days"].plan(dates=("date",), trend="date"))
    exec(compile(script, "solution.py", "exec"), scope)  # noqa: S102 - the script under test
    pd, np = scope["pd"], scope["np"]
    noise = np.random.default_rng(0).normal(size=(2, 600))
    days = np.arange(600.0)
    rows = pd.DataFrame({"date": days, "demand": days / 60 + 3 * noise[0]})
    later = pd.DataFrame({"date": [900.0], "demand": [5.0]})

    def course(target: Any, days: int = 600) -> tuple[float, bool]:
        args = scope["argparse"].Namespace(seed=0)
        found = scope["fit_course"](rows[-days:], target[-days:], args)(later)
        return float(found[0]), args.trend_seen

    explained, _ = course(10 * rows["demand"].to_numpy() + noise[1])
    assert explained < 70, "a line would foretell 150"
    grown, seen = course(days / 10 + noise[1])
    assert grown == pytest.approx(90, abs=2) and not seen
    assert course(days / 10 + noise[1], 500)[0] < 60, "in 500 days, what grows may be the season"
    assert course(np.where(days < 300, 0.0, 20.0) + noise[1])[1], "a jump, after which the level stays"


def test_words_that_name_groups_are_left_out_at_once_and_numbers_only_tried_without(places: dict[str, Place]) -> None:
    place = places["regression"]
    profile = place.harness.profile
    dropped: dict[str, bool] = {}
    for name in ("city", "shop"):
        task = place.task.brief.model_copy(update={"split": SplitRule(kind="group", column=name)})
        columns = [
            replace(each, dtype="integer" if name == "shop" else "category", unseen_in_test=1.0)
            if each.name == name
            else each
            for each in profile.columns
        ]
        known = profile.model_copy(update={"columns": tuple(columns)})
        root = Scene(task, known, place.plan(), None, 0.0, WORKPLACE, ())
        later = Scene(task, known, place.plan(), measured(place), 0.0, WORKPLACE, ())
        dropped[name] = _strangers_dropped(root, name)
        assert _strangers_dropped(later, name)
    assert dropped == {"city": True, "shop": False}


def _strangers_dropped(scene: Scene, column: str) -> bool:
    """Whether there is a move that leaves the column out as one whose values in the test are new."""
    return any(play.move.name == "unseen_values" and column in play.choice.subject for play in plays(scene))


def test_bayes_without_words_is_a_linear_model(places: dict[str, Place]) -> None:
    place = places["multiclass"]
    script = place.script(Plan(models=("bayes", "linear")))
    assert "ComplementNB" not in script
    assert "def linear" in script
