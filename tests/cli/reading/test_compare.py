"""Two runs side by side: their figures, and where they part."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gome.agents.protocol.run_messages import RunOpened
from gome.viewer.model.divergence import first_divergence
from tests.cli.reading.test_commands import document, gome
from tests.conftest import UNFINISHED
from tests.viewer.sample import RUN, opened, sample_run


def test_a_run_parts_from_nothing_but_another() -> None:
    one, same = sample_run(), sample_run(run="another")
    assert first_divergence(one.envelopes, same.envelopes) is None
    shorter = sample_run(finish=False)
    found = first_divergence(one.envelopes, shorter.envelopes)
    assert found is not None
    assert (found.kind, found.ids[1]) == ("finish_called", None)
    turned = first_divergence(shorter.envelopes, one.envelopes)
    assert turned is not None
    assert (turned.kind, turned.ids[0]) == ("finish_called", None)


def test_the_message_that_differs_is_named_with_its_fields() -> None:
    one, other = sample_run(), sample_run()
    place = next(number for number, each in enumerate(other.envelopes) if each.kind == "trial")
    trial = other.envelopes[place]
    slower = trial.message.model_copy(update={"seconds": 99.0})
    other.envelopes[place] = replace(trial, message=slower)
    assert first_divergence(one.envelopes, other.envelopes) is None  # a clock's figure decides nothing
    other.envelopes[place] = replace(trial, message=slower.model_copy(update={"words": "otherwise"}))
    found = first_divergence(one.envelopes, other.envelopes)
    assert found is not None
    assert (found.sender, found.place, found.kind, found.fields) == ("runner-0", "0.1", "trial", ("words",))


def test_compare_counts_to_a_target(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("compare", RUN, UNFINISHED, "--target", "0.45", "--json") == 0
    found = document(capsys, "compare")
    assert [each["trials_to_target"] for each in found["figures"]] == [3, 3]
    assert found["divergence"]["kind"] == "finish_called"
    assert gome("compare", RUN, UNFINISHED) == 0
    printed = capsys.readouterr()
    assert "first difference: director finish_called" in " ".join(printed.out.split())


def with_task(first: RunOpened, changed: dict[str, Any]) -> dict[str, Any]:
    """The changes to an opening, those to its task put into a whole one."""
    return {name: value if name != "task" else first.task.model_copy(update=value) for name, value in changed.items()}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"task": {"name": "houses"}}, "the runs have different tasks (bike-demand | houses)"),
        ({"task": {"metric": "mae"}}, "the runs have different metrics (rmsle | mae)"),
        ({"task_digest": "1" * 64}, "the files of task bike-demand changed between the runs"),
    ],
)
def test_scores_of_runs_that_are_not_comparable_are_not_set_against_each_other(
    changed: dict[str, Any], words: str, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = sample_run(run="other")
    first = opened(other)
    changed = with_task(first, changed)
    other.envelopes[0] = replace(other.envelopes[0], message=first.model_copy(update=changed))
    other.write(runs / "other")
    assert gome("compare", RUN, "other") == 0
    printed = capsys.readouterr()
    assert f"warning: {words}: their scores are not comparable" in printed.err
    assert "target score" not in printed.out
    assert gome("compare", RUN, "other", "--json") == 0
    found = document(capsys, "compare")
    assert (found["comparable"], found["target"]) == (False, None)
    assert [each["trials_to_target"] for each in found["figures"]] == [None, None]
    assert gome("compare", RUN, UNFINISHED, "--json") == 0
    assert document(capsys, "compare")["comparable"]
    assert gome("compare", RUN, UNFINISHED) == 0
    assert "warning" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        ({}, None),
        ({"task": {"name": "houses"}}, ["bike-demand", "houses"]),
        ({"task_path": "elsewhere/bike-demand"}, None),
        (
            {"task_path": "elsewhere/bike-demand", "task_digest": "1" * 64},
            ["scenarios/tasks/bike-demand", "elsewhere/bike-demand"],
        ),
    ],
)
def test_a_task_is_shown_by_what_it_is_and_not_by_how_its_scenario_finds_it(
    changed: dict[str, Any], shown: list[str] | None, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = sample_run(run="other")
    first = opened(other)
    changed = with_task(first, changed)
    update = {**changed, "scenario": {**first.scenario, "task": "."}}
    other.envelopes[0] = replace(other.envelopes[0], message=first.model_copy(update=update))
    other.write(runs / "other")
    assert gome("compare", RUN, "other", "--json") == 0
    assert document(capsys, "compare")["settings"] == ({} if shown is None else {"task": shown})
