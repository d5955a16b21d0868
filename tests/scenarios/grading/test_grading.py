"""Medals by MLE-bench's rule, in both directions and at every leaderboard size where the rule changes."""

from pathlib import Path

import pandas as pd
import pytest

from gome.scenarios.grading.grade import _places, crowded, grade, is_crowded, rank, thresholds
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_task import make_task


@pytest.mark.parametrize(
    ("teams", "places"),
    [
        (1, (1, 1, 1)),
        (9, (1, 1, 3)),
        (10, (1, 2, 4)),
        (20, (2, 4, 8)),
        (99, (9, 19, 39)),
        (100, (10, 20, 40)),
        (249, (10, 49, 99)),
        (250, (10, 50, 100)),
        (500, (11, 50, 100)),
        (999, (11, 50, 100)),
        (1000, (12, 50, 100)),
        (2000, (14, 100, 200)),
    ],
)
def test_the_places_of_the_medals(teams: int, places: tuple[int, int, int]) -> None:
    best_first = [float(place) for place in range(1, teams + 1)]
    limits = thresholds(best_first[::-1], "minimize")
    assert tuple(limits[medal] for medal in ("gold", "silver", "bronze")) == places
    upside_down = thresholds([-score for score in best_first], "maximize")
    assert upside_down == {name: -limit for name, limit in limits.items()}


@pytest.mark.parametrize(
    ("score", "medal", "above"),
    [
        (0.5, "gold", True),
        (2.0, "gold", True),
        (2.0001, "silver", True),
        (4.0, "silver", True),
        (8.0, "bronze", True),
        (8.1, None, True),
        (10.5, None, False),
        (99.0, None, False),
    ],
)
def test_a_tie_has_the_medal_and_the_median_is_strict(score: float, medal: str | None, above: bool) -> None:
    board = [float(place) for place in range(1, 21)]
    graded = rank(score, board, "minimize")
    assert (graded.medal, graded.above_median) == (medal, above)
    mirrored = rank(-score, [-each for each in board], "maximize")
    assert (mirrored.medal, mirrored.above_median) == (medal, above)


def test_the_places_are_those_of_the_rule_as_mle_bench_computes_it() -> None:
    for teams in range(1, 3001):
        if teams < 100:
            places = (max(1, int(teams * 0.1)), max(1, int(teams * 0.2)), max(1, int(teams * 0.4)))
        elif teams < 250:
            places = (10, int(teams * 0.2), int(teams * 0.4))
        elif teams < 1000:
            places = (10 + int(teams * 0.002), 50, 100)
        else:
            places = (10 + int(teams * 0.002), int(teams * 0.05), int(teams * 0.1))
        assert _places(teams) == places, teams


def test_a_board_where_all_are_the_same_gives_everybody_gold_and_nobody_the_median() -> None:
    graded = rank(1.0, [1.0] * 30, "minimize")
    assert (graded.medal, graded.above_median) == ("gold", False)


def test_a_submission_is_graded_against_the_answers_and_the_leaderboard(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task")
    answers = pd.read_csv(folder / "prepared" / "private" / "answers.csv")
    submission = tmp_path / "submission.csv"
    answers.assign(y=answers["y"] + 0.5).iloc[::-1].to_csv(submission, index=False)
    graded = grade(Task.load(folder), submission)
    assert graded is not None
    assert (graded.score, graded.medal, graded.above_median) == (0.5, None, None)
    (folder / "leaderboard.csv").write_text("name,score\n" + "".join(f"t{n},{n / 10}\n" for n in range(1, 11)))
    graded = grade(Task.load(folder), submission)
    assert graded is not None
    assert (graded.medal, graded.above_median) == (None, True)
    assert graded.thresholds == pytest.approx({"gold": 0.1, "silver": 0.2, "bronze": 0.4, "median": 0.55})


def test_a_constant_is_graded_and_rubbish_is_not(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task")
    task = Task.load(folder)
    submission = tmp_path / "submission.csv"
    sample = pd.read_csv(folder / "prepared" / "public" / "sample_submission.csv")
    sample.to_csv(submission, index=False)
    assert grade(task, submission) is not None
    sample.iloc[1:].to_csv(submission, index=False)
    assert grade(task, submission) is None
    assert grade(task, tmp_path / "nowhere.csv") is None
    assert grade(Task.load(make_task(tmp_path / "open", answers=False)), submission) is None


@pytest.mark.parametrize(("error", "expected"), [(5.9, False), (6.0, False), (6.1, True)])
def test_medals_within_the_error_of_gold_are_crowded_in_both_directions(error: float, expected: bool) -> None:
    board = [float(place) for place in range(1, 21)]
    errors = [99.0, error, *[0.0] * 18]
    assert is_crowded(board, errors, "minimize") is expected
    assert is_crowded([-score for score in board], errors, "maximize") is expected


def test_a_task_is_crowded_by_its_leaderboard_where_that_tells_errors(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task")
    board = pd.DataFrame({"name": list("abcdefghij"), "score": range(10)})
    assert not crowded(Task.load(folder))
    board.to_csv(folder / "leaderboard.csv", index=False)
    assert not crowded(Task.load(folder))
    board.assign(error=4.0).to_csv(folder / "leaderboard.csv", index=False)
    assert crowded(Task.load(folder))
    board.assign(error=0.5).to_csv(folder / "leaderboard.csv", index=False)
    assert not crowded(Task.load(folder))
