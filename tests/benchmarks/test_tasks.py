"""The tasks benchmark: what its page says of given results, and a small one from end to end."""

from pathlib import Path

import anyio
import pytest

from benchmarks.crossover.tasks import write_task
from benchmarks.tasks.grid import FULL, QUICK, Cell, Extent, run
from benchmarks.tasks.report import Result, figure, marks, page

BOARD = "name,score\ngold,0.5\nbest,0.55\ndefault-boosting,0.6\ndefault-tree,0.9\ndummy-shares,1.0\ndummy-even,1.5\n"


def result(task: str, seed: int, score: float | None, arm: str = "gome") -> Result:
    numbers = {"dummy": 1.0, "validation": 0.6, "accepted": 0.5, "seconds": 60.0}
    return Result(arm=arm, task=task, seed=seed, trials=4, score=score, **numbers, commit="abc")


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    for name in ("one", "two", "bare"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "task.yaml").write_text("targets: [y]\nmetric: log-loss\n")
        if name != "bare":
            (folder / "leaderboard.csv").write_text(BOARD)
    return tmp_path


def test_a_score_is_read_against_the_pool(tasks: Path) -> None:
    mark = marks(tasks / "one")
    assert (mark.dummy, mark.default, mark.gold, mark.direction) == (1.0, 0.6, 0.5, "minimize")
    assert mark.share(0.75) == pytest.approx(0.5)
    assert mark.share(None) == 0.0, "a run without a score is worth the dummy"
    grade = mark.grade(0.5)
    assert grade is not None
    assert (grade.medal, grade.above_median) == ("gold", True)


def test_the_page_gives_medals_and_their_error_over_seeds(tasks: Path) -> None:
    scores = {("one", 0): 0.5, ("one", 1): 0.5, ("two", 0): 0.7, ("two", 1): 0.5, ("bare", 0): 0.4}
    told = page([result(task, seed, score) for (task, seed), score in scores.items()], tasks)
    # A medal on one of two tasks for seed 0, on both for seed 1: 75 % ± 25 %.
    assert "| gome | 4 | 75% ± 25% | 75% ± 25% | 100% ± 0% | 1 of 2 | 0.900 ± 0.100 |" in told
    assert "| one | log-loss | 1 | 0.6 | 0.5 | 0.5 ± 0 | 1.000 ± 0.000 | 0.800 | gold, gold | 2 of 2 |" in told
    assert "| bare | log-loss | – | – | – | 0.4 | – | – | no leaderboard | – |" in told
    assert "not a language model" in told
    assert "commit abc" in told


def test_the_figure_shows_each_run_of_a_task_with_a_leaderboard(tasks: Path) -> None:
    drawn = figure([result("one", 0, 0.5), result("one", 1, 3.0), result("bare", 0, 0.4)], tasks)
    assert drawn.count("<circle") == 2
    assert drawn.count("<svg") == drawn.count("</svg>") == 1
    assert 'cx="150.0"' in drawn, "worse than the dummy stands at the edge"


def test_all_nine_tasks_have_four_traces_and_three_seeds() -> None:
    assert len(FULL.seeds) == 3
    scenario = Cell("gome", "bike-demand", 1, FULL).scenario
    assert (scenario.traces, scenario.seed, scenario.memory.consistency) == (4, 1, "lockstep")
    assert QUICK.trials < FULL.trials
    assert scenario.executors.timeout.full > 0


@pytest.mark.slow
def test_a_run_is_graded_and_goes_on_where_it_was(tmp_path: Path) -> None:
    """Slow: the product has no part in it, and that a stage goes on is seen at the crossover's grid at every commit."""
    task = write_task("loans", tmp_path / "tasks" / "loans")
    (task / "leaderboard.csv").write_text(BOARD)
    extent = Extent((0,), 2, (1, 1), 20.0)

    async def made() -> list[Result]:
        return await run(["gome"], ["loans"], extent, tmp_path / "out", tmp_path / "tasks")

    (first,) = anyio.run(made)
    assert first.score is not None
    assert first.validation is not None
    assert 5 <= first.counted.scripts <= 10, "two trials on three splits at most, the hold-out with and without folds"
    assert "| loans | log-loss |" in (tmp_path / "out" / "tasks.md").read_text()
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out" / "scripts").iterdir()}
    assert anyio.run(made) == [first], "read"
    (tmp_path / "out" / "results" / f"{Cell('gome', 'loans', 0, extent).name}.json").unlink()
    (again,) = anyio.run(made)
    assert (again.score, again.validation, again.accepted) == (first.score, first.validation, first.accepted)
    assert again.counted.found == again.counted.scripts
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out" / "scripts").iterdir()} == kept
