"""The crossover benchmark: what its tables say of given results, its tasks, and that it goes on where it was."""

from pathlib import Path

import anyio
import pandas as pd
import pytest

from benchmarks.crossover.grid import FULL, QUICK, Grid, finished, main, run
from benchmarks.crossover.report import figure, interval, table
from benchmarks.crossover.runs import ARMS, Cell, Result, scenario_of
from benchmarks.crossover.tasks import MADE, write_task
from gome.scenarios.task.task import Task


def result(arm: str, seed: int, curve: tuple[float, ...], test: float, skill: float = 1.0) -> Result:
    return Result(arm=arm, skill=skill, task="t", seed=seed, trials=4, curve=curve, test=test, accepted=0.5)


RESULTS = [
    *(result("gome", seed, (0.2, 0.5, 0.7, 0.8), 0.7 + 0.01 * seed) for seed in range(5)),
    *(result("tree-search", seed, (0.2, 0.3, 0.4, 0.6), 0.5 + 0.01 * seed) for seed in range(5)),
    *(result("best-of-n", seed, (0.2, 0.3, 0.4, 0.5), 0.3) for seed in range(5)),
    *(result("without-memory", seed, (0.2, 0.3, 0.4, 0.5), 0.7 + 0.01 * seed - 0.1 * (seed % 2)) for seed in range(5)),
]


def test_the_table_answers_who_leads_by_how_much_and_how_soon() -> None:
    page = table(RESULTS)
    assert "no evidence about language models" in page
    assert "**gome** leads with 0.720" in page
    assert "gome − tree-search: +0.200 [+0.200, +0.200]." in page
    assert "| 1 | gome | 5 | 0.800 [0.800, 0.800] | 0.720 [" in page
    assert "] | 4 (5/5 runs) | 50% |" in page, "nine tenths of .8 are reached by the fourth trial"
    assert "| 1 | best-of-n | 5 | 0.500 [0.500, 0.500] | 0.300 [0.300, 0.300] | never (0/5 runs) | 50% |" in page
    assert "gome reaches best-of-n's final validation score in 50% of its trials (median); never in 0 of 5 runs" in page
    assert "- skill 1, gome − without-memory: +0.040 [+0.000, +0.080]" in page
    assert "What was done to make the controls strong" in page
    assert "Who leads: best validation" in page


def test_intervals_hold_their_mean() -> None:
    middle, low, high = interval([1.0, 2.0, 3.0, 4.0])
    assert low < middle == 2.5 < high


def test_the_figure_has_two_panels_and_says_what_it_is() -> None:
    drawn = figure(RESULTS)
    assert drawn.count("<svg") == drawn.count("</svg>") == 1
    assert drawn.count("<circle") == 2 * 3, "a point an optimizer in each panel"
    assert "a simulation, no evidence" in drawn


def test_the_full_grid_is_what_was_asked_for() -> None:
    assert FULL.skills == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert len(FULL.tasks) >= 3
    assert len(FULL.seeds) >= 5
    assert {cell.arm for cell in FULL.cells("t", 0)} == set(ARMS)
    assert {scenario_of(Cell(arm, 1.0, "t", 0, 8)).budget.trials for arm in ARMS} == {8}, "an equal budget"
    assert set(QUICK.arms) >= {"gome", "tree-search", "best-of-n"}


@pytest.mark.parametrize("name", MADE)
def test_made_up_tasks_are_the_same_each_time_and_sound(name: str, tmp_path: Path) -> None:
    folder = write_task(name, tmp_path / "one")
    again = write_task(name, tmp_path / "two")
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        assert path.read_bytes() == (again / path.relative_to(folder)).read_bytes()
    assert Task.load(folder).brief.train_rows == 500
    train, oracle = (pd.read_csv(folder / part) for part in ("prepared/public/train.csv", "oracle_train.csv"))
    assert list(oracle["id"]) == list(train["id"])


def test_a_part_of_the_grid_is_reported_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "results").mkdir()
    for task, seed, skill in (("loans", 0, 1.0), ("loans", 1, 1.0), ("soils", 0, 1.0), ("loans", 0, 0.5)):
        made = result("gome", seed, (0.5,) * 4, 0.7, skill).model_copy(update={"task": task})
        name = f"{Cell('gome', skill, task, seed, 4).name}.json"
        (tmp_path / "results" / name).write_text(made.model_dump_json(), encoding="utf-8")
    part = ["--skills", "1", "--tasks", "loans", "soils", "--seeds", "0", "--arms", "gome"]
    main(["--tell", "--out", str(tmp_path), "--trials", "4", *part])
    assert "2 runs of 4 trials, tasks loans, soils, seeds 0;" in capsys.readouterr().out


TINY = Grid((1.0,), ("loans",), (0,), 1, ("gome", "best-of-n"))


def test_a_benchmark_goes_on_where_it_was_and_runs_no_script_twice(few_rows: None, tmp_path: Path) -> None:
    first = anyio.run(run, TINY, tmp_path)
    assert [(each.arm, len(each.curve)) for each in first] == [("gome", 1), ("best-of-n", 1)]
    page = (tmp_path / "crossover.md").read_text()
    assert "no evidence about language models" in page
    assert "2 runs of 1 trials, tasks loans, seeds 0" in page
    scripts = sorted((tmp_path / "scripts").iterdir())
    stamps = [path.stat().st_mtime_ns for path in scripts]
    assert finished(TINY, tmp_path) == first
    gone, left = (tmp_path / "results" / f"loans-0-{arm}-1-1.json" for arm in ("gome", "best-of-n"))
    gone.unlink()
    assert finished(TINY, tmp_path) == first[1:]
    again = anyio.run(run, TINY, tmp_path)
    assert again[0].counted.found == again[0].counted.scripts > 0, "all its scripts had been run"
    assert again[0].model_copy(update={"counted": first[0].counted}) == first[0]
    assert again[1] == first[1]
    assert left.is_file()
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == [
        *("loans-0-best-of-n-1-1.0", "loans-0-gome-1-1.0", "loans-0-gome-1-1.1"),
    ], "a finished run is read, the other was run again"
    assert [path.stat().st_mtime_ns for path in scripts] == stamps
