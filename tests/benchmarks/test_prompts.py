"""The benchmark of prompts: what its page says of given prompts, and of a run of two trials."""

from pathlib import Path

import pytest

from benchmarks import prompts
from benchmarks.prompts import Asked, Line, lines, page

GIVEN = Asked(
    (
        ("SurveyTask", "abcd"),
        ("ProposeStep", "abcdefgh"),
        ("AssessTrial", "abxx"),
        ("ProposeStep", "abcdefxx"),
    ),
    trials=2,
)


def test_a_question_has_its_calls_and_what_a_cache_could_serve() -> None:
    assert lines(GIVEN) == [
        Line("SurveyTask", 1, 4, 2 / 4, 0.0),
        Line("ProposeStep", 2, 16, 4 / 16, (4 + 6) / 16),
        Line("AssessTrial", 1, 4, 2 / 4, 2 / 4),
        Line("all", 4, 24, 8 / 24, (4 + 2 + 6) / 24),
    ]
    assert (lines(Asked((), 0)), page(Asked((), 0))) == ([], "the run has made no request yet")


def test_the_page_has_the_run_beside_the_figures_of_before() -> None:
    told = page(GIVEN).splitlines()
    assert told[2].split() == ["ProposeStep", "2", "8", "25%", "62%"]
    assert told[-3:] == [
        "now: 2.0 calls and 12 characters a trial, 33% of the characters the same in all; 2 trials",
        "before: 4 calls and 112,000 characters a trial, measured with a language model on another task",
        "aim: at most 3 calls and 60,000 characters a trial, at least 60 % of the characters the same in all",
    ]


@pytest.mark.xdist_group("prompts")
def test_a_run_of_two_trials_is_rendered(two_trials: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prompts.main(["--of", str(two_trials)])
    told = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines() if line}
    assert [told[name][0] for name in ("SurveyTask", "ProposeStep", "WriteSolution", "AssessTrial")] == [
        "1",
        "2",
        "2",
        "2",
    ]
    assert told["all"][0] == "7"
    assert int(told["all"][2].rstrip("%")) > 30, "the task, its profile and the workplace stand first in every prompt"
    assert told["now:"][-2:] == ["2", "trials"]


def test_the_scenario_is_the_quick_start_without_a_clock() -> None:
    scenario = prompts.scenario_of(10)
    assert (scenario.task, scenario.traces, scenario.budget.trials, scenario.budget.time) == (
        "bike-demand",
        2,
        10,
        None,
    )
    assert scenario.memory.consistency == "lockstep"
