"""A leaderboard is what its pool scores, its medals mean something, and its submissions raise no alarm."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas import DataFrame

from benchmarks.pools.board import defects_of, fold_scores, score_pool
from benchmarks.pools.pool import kept_at, pool_of, remembered, submissions
from gome.scenarios.evaluation.submission import check_submission
from gome.scenarios.grading.grade import grade, is_crowded, thresholds
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import metric_named
from gome.scenarios.prepare.preparing import TASKS, cache_folder
from gome.scenarios.prepare.recipes import RECIPES
from gome.scenarios.task.manifest import read_manifest
from gome.scenarios.task.tables import canonical
from gome.scenarios.task.task import Task

pytestmark = pytest.mark.xdist_group("pools")  # they share submissions

STRONG = {
    "adult-income": 0.928,
    "ames-prices": 0.128,
    "bike-demand": 0.396,
    "chicago-ridership": 1.34,
    "flavia-leaves": 0.203,
    "flight-delay": 0.779,
    "loan-grade": 0.657,
    "mnist-5k": 0.958,
    "newsgroups": 0.852,
}
"""What a strong model reached on each task before there was a pool, to three digits: gold is no easier."""
QUICK = ("dummy-median", "dummy-mean-of-logs", "linear-on-numbers", "ridge-one-hot", "default-tree", "features-ridge")


def board_of(name: str) -> DataFrame:
    return pd.read_csv(TASKS / name / "leaderboard.csv")


def loaded(name: str) -> Task:
    if not (TASKS / name / "prepared" / "private").is_dir():
        pytest.skip(f"needs `gome task prepare {name}`")
    return Task.load(TASKS / name)


def test_every_task_has_a_pool_of_twenty_with_a_board() -> None:
    assert set(STRONG) == set(RECIPES)
    assert {name for name in RECIPES if (TASKS / name / "leaderboard.csv").is_file()} == set(RECIPES)
    assert {name: len(pool_of(name)) for name in RECIPES} == dict.fromkeys(RECIPES, 20)


@pytest.mark.parametrize("name", STRONG)
def test_a_board_is_its_pool_and_its_medals_mean_something(name: str) -> None:
    table = board_of(name)
    assert set(table["name"]) == set(pool_of(name))
    direction = metric_named(read_manifest(TASKS / name / "task.yaml").metric).direction
    limits = thresholds(table["score"].tolist(), direction)
    sign = 1 if direction == "minimize" else -1
    assert sign * round(limits["gold"], 3) <= sign * STRONG[name]
    assert (table["error"][table["score"] == limits["gold"]] > 0).all()
    assert not is_crowded(table["score"].tolist(), table["error"].tolist(), direction)
    assert sign * limits["gold"] < sign * limits["silver"] < sign * limits["bronze"] < sign * limits["median"]


@pytest.mark.parametrize("name", STRONG)
def test_no_solution_stands_twice_in_a_pool(name: str) -> None:
    table = board_of(name)
    models = table[~table["name"].str.startswith("dummy")]
    assert not models[["score", "error"]].duplicated().any()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "bike-demand" else pytest.mark.slow) for name in STRONG]
)
def test_what_is_prepared_scores_as_its_board_says_and_raises_no_alarm(name: str, tmp_path: Path) -> None:
    task, pool = loaded(name), pool_of(name)
    names = list(pool)
    quick = {names[number]: pool[names[number]] for number in (0, 1, 3)}
    board = board_of(name).set_index("name")["score"]
    again = score_pool(task, quick, tmp_path)
    assert dict(zip(again["name"], again["score"], strict=True)) == pytest.approx(
        {each: board[each] for each in quick}, abs=2e-3
    )
    assert defects_of(task, quick, tmp_path) == dict.fromkeys(quick, ())


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # a member may stop at its last round
@pytest.mark.parametrize("name", STRONG)
def test_scoring_all_again_gives_the_board_and_no_false_alarm(name: str) -> None:
    task, pool = loaded(name), pool_of(name)
    folder = kept_at(task, cache_folder())
    again = score_pool(task, pool, folder)
    board = board_of(name)
    assert dict(zip(again["name"], again["score"], strict=True)) == pytest.approx(
        dict(zip(board["name"], board["score"], strict=True)), abs=5e-3
    )
    assert defects_of(task, pool, folder) == dict.fromkeys(pool, ())


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The quick submissions of bike-demand's pool."""
    pool = pool_of("bike-demand")
    folder = tmp_path_factory.mktemp("kept")
    return submissions(loaded("bike-demand"), {name: pool[name] for name in QUICK}, folder)


@pytest.mark.parametrize("name", QUICK)
def test_a_submission_of_the_pool_is_valid_and_graded_as_on_the_board(kept: dict[str, Path], name: str) -> None:
    task = loaded("bike-demand")
    checked = check_submission(kept[name], task.brief, task.metric, canonical(task.test["id"]))
    assert {note.code for note in checked.defects} == ({"constant"} if name.startswith("dummy") else set())
    graded = grade(task, kept[name])
    assert graded is not None
    assert graded.score == pytest.approx(board_of("bike-demand").set_index("name")["score"][name], abs=2e-5)
    assert graded.medal is None


def test_a_board_is_in_order_and_says_its_errors(kept: dict[str, Path]) -> None:
    pool = pool_of("bike-demand")
    board = score_pool(loaded("bike-demand"), {name: pool[name] for name in QUICK}, kept["default-tree"].parent)
    assert list(board["score"]) == sorted(board["score"])
    assert (board["error"] > 0.005).all() and (board["error"] < 0.03).all()


def test_submissions_that_are_there_are_not_made_again(tmp_path: Path, kept: dict[str, Path]) -> None:
    def fails(train: DataFrame, test: DataFrame) -> Array:
        raise AssertionError("asked again")

    again = submissions(loaded("bike-demand"), dict.fromkeys(QUICK, fails), kept["default-tree"].parent)
    assert again == kept
    with pytest.raises(AssertionError, match="asked again"):
        submissions(loaded("bike-demand"), {"dummy-median": fails}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_tuning_looks_at_training_rows_alone_and_learns_from_the_other_folds() -> None:
    task = loaded("bike-demand")
    seen = []

    def watched(train: DataFrame, test: DataFrame) -> Array:
        seen.append((set(train["id"]), set(test["id"])))
        assert "bikers" not in test
        return np.full(len(test), train["bikers"].median())

    ((_, scores),) = fold_scores(task, {"watched": watched}, folds=2)
    assert len(scores) == 2 and all(1.0 < score < 2.0 for score in scores)
    known = set(map(int, task.train["id"]))
    for learnt, asked in seen:
        assert learnt | asked == known and not learnt & asked


def test_a_shared_model_is_fitted_once_for_the_same_rows() -> None:
    rows, asked = DataFrame({"id": [1, 2]}), DataFrame({"id": [3]})
    calls = []

    def counted(train: DataFrame, test: DataFrame) -> Array:
        calls.append(len(train))
        return np.zeros(len(test))

    solution = remembered(counted)
    assert solution(rows, asked) is solution(rows.copy(), asked)
    solution(asked, rows)
    assert calls == [2, 1]
