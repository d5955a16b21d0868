"""The simulated clock: schedules by hand, properties of all schedules, and the work of a real run."""

from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.crossover.by_time import by_time, score_at
from benchmarks.crossover.clock import Race, Work, timed
from benchmarks.crossover.grid import Grid, run
from benchmarks.crossover.runs import ARMS, Cell, Result, scenario_of
from benchmarks.crossover.tasks import DEV, MADE, write_task
from benchmarks.crossover.work import CALL
from gome.scenarios.task.task import Task


def race(name: str, decided: tuple[float, ...], dropped: tuple[float, ...] = ()) -> Race:
    runs = [(f"{name} {place}", seconds) for place, seconds in enumerate((*decided, *dropped))]
    return Race(tuple(runs[: len(decided)]), tuple(runs[len(decided) :]))


def test_one_trace_calls_then_runs_two_at_a_time() -> None:
    found = timed([Work(0, 1, (20.0, (race("a", (10.0, 10.0, 4.0)),), 5.0))], 2)
    assert found.ends == {(0, 1): 20 + 10 + 4 + 5}
    assert found.occupied == 24


def test_runs_that_were_given_up_leave_their_slot_when_the_race_is_decided() -> None:
    found = timed([Work(0, 1, ((race("a", (10.0,), (30.0, 30.0)),), 1.0))], 2)
    assert found.ends == {(0, 1): 11.0}
    assert found.occupied == 20.0, "the second run beside the first; the third never began"


def test_first_splits_of_all_traces_come_before_second_ones() -> None:
    works = [Work(trace, 1, ((race(f"t{trace}", (10.0, 10.0)),),)) for trace in (0, 1)]
    assert timed(works, 1).ends == {(0, 1): 30.0, (1, 1): 40.0}


def test_what_was_run_takes_no_time_again_but_what_was_given_up_does() -> None:
    again = [Work(0, 1, ((race("a", (10.0,), (9.0,)),),)), Work(0, 2, ((race("a", (10.0, 9.0)),),))]
    assert timed(again, 1).ends == {(0, 1): 10.0, (0, 2): 19.0}
    both = [Work(trace, 1, ((race("a", (10.0,)),),)) for trace in (0, 1)]
    assert timed(both, 2).ends == {(0, 1): 10.0, (1, 1): 10.0}


def test_a_search_races_side_by_side_round_by_round() -> None:
    rounds = ((race("base", (5.0,)),), (race("p", (5.0,), (5.0,)), race("q", (5.0, 5.0))), (race("r", (5.0,)),))
    found = timed([Work(0, 1, (*rounds, 20.0))], 2)
    assert found.ends == {(0, 1): 5 + 10 + 5 + 20}


RACES = st.builds(
    race, st.sampled_from("abcdef"), st.lists(st.floats(0, 50), min_size=1, max_size=4).map(tuple), st.just((7.0,))
)
STAGES = st.lists(st.one_of(st.floats(0, 30), st.lists(RACES, max_size=3).map(tuple)), max_size=4).map(tuple)


@given(st.lists(st.tuples(st.integers(0, 2), STAGES), max_size=8), st.integers(1, 4))
def test_every_step_ends_slots_hold_and_the_same_work_takes_the_same_time(
    steps: list[tuple[int, tuple[object, ...]]], slots: int
) -> None:
    works = [Work(trace, number, stages) for number, (trace, stages) in enumerate(steps)]  # type: ignore[arg-type]
    found = timed(works, slots)
    assert set(found.ends) == {(work.trace, work.step) for work in works}
    assert found == timed(list(reversed(works)), slots)
    assert found.occupied <= slots * max(found.ends.values(), default=0.0) + 1e-6
    for trace in range(3):
        own = [found.ends[trace, work.step] for work in works if work.trace == trace]
        assert own == sorted(own)


TINY = Grid((1.0,), ("visits",), (0,), 2, ("gome", "tree-search"), knowledge=0.6)


def test_the_work_of_real_runs_is_timed_and_the_same_when_scripts_come_from_the_cache(
    few_rows: None, tmp_path: Path
) -> None:
    first = anyio.run(run, TINY, tmp_path)
    for each in (tmp_path / "results").iterdir():
        each.unlink()
    again = anyio.run(run, TINY, tmp_path)
    assert [each.timeline for each in again] == [each.timeline for each in first]
    assert [each.counted.found for each in again] == [each.counted.scripts for each in again]
    gome, tree = first
    assert gome.knowledge == 0.6
    assert gome.minutes > (2 * 3 + 1) * CALL / 60, "a survey, and three calls a trial"
    assert tree.minutes > 2 * 2 * CALL / 60, "two calls a trial"
    assert all(0 < each.slot_minutes <= 2 * each.minutes for each in first)
    assert "## By simulated time" in (tmp_path / "crossover.md").read_text()


def result(arm: str, seed: int, timeline: tuple[tuple[float, float, float], ...]) -> Result:
    made = {"arm": arm, "skill": 1.0, "task": "t", "seed": seed, "trials": 4, "curve": (0.5,), "test": 0.5}
    return Result(**made, accepted=0.5, timeline=timeline, minutes=10.0)


def test_arms_are_compared_at_the_same_minute() -> None:
    ours = [result("gome", seed, ((2.0, 0.3, 0.4), (6.0, 0.5, 0.6))) for seed in range(3)]
    theirs = [result("auto", seed, ((4.0, 0.3, 0.5),)) for seed in range(3)]
    assert [score_at(ours[0], at) for at in (1, 2, 5, 6, 99)] == [0.0, 0.4, 0.4, 0.6, 0.6]
    page = by_time([*ours, *theirs], (5.0, 12.0))
    assert "After 5 minutes (0.17 slot-hours):" in page
    assert "| 1 | auto | 3 | 0.500 [0.500, 0.500] | 0% | -0.100 [-0.100, -0.100] |" in page
    assert "| 1 | auto | 3 | 0.500 [0.500, 0.500] | 100% | +0.100 [+0.100, +0.100] |" in page
    assert by_time([result("gome", 0, ())], (5.0,)) == ""


@pytest.mark.parametrize("name", DEV)
def test_constants_are_chosen_on_tasks_that_are_in_no_table(name: str, tmp_path: Path) -> None:
    assert name not in MADE
    assert Task.load(write_task(name, tmp_path / name)).brief.train_rows == 500


def test_new_arms_differ_in_what_they_are_named_for() -> None:
    settings = {arm: scenario_of(Cell(arm, 1.0, "t", 3, 8, 0.6)) for arm in ARMS}
    assert settings["auto"].optimizer == "auto"
    assert "tune" not in settings["without-tuning"].method.kinds
    assert not settings["without-suggestion"].method.next_kind.suggest
    assert settings["with-growing-margin"].method.near_tie_growth > 0
    backend = settings["gome"].backends["expert"]
    assert backend.kind == "expert"
    assert (backend.knowledge, backend.knowledge_seed) == (0.6, 3)  # type: ignore[union-attr]
