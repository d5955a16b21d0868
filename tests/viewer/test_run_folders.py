"""Runs are found by id, prefix and name; new ids sort by time."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gome.errors import RunNotFound
from gome.viewer.run_folders import find_run, has_log, new_run_id, run_folders, runs_root
from tests.conftest import UNFINISHED
from tests.viewer.sample import RUN, sample_run


def test_a_new_id_says_when_and_what() -> None:
    made = new_run_id("bike-demand", datetime(2026, 11, 22, 5, 30, tzinfo=UTC))
    assert re.fullmatch(r"261122-0530-bike-demand-[0-9a-f]{4}", made)
    assert new_run_id("x") != new_run_id("x")


def test_runs_answer_to_ids_prefixes_and_names(runs: Path) -> None:
    assert [folder.name for folder in run_folders(runs)] == [RUN, UNFINISHED]
    assert find_run(runs, RUN).name == RUN
    assert find_run(runs, "261122").name == RUN
    assert find_run(runs, "@last").name == UNFINISHED
    assert find_run(Path("nowhere"), str(runs / RUN)).name == RUN


def test_best_is_of_the_last_runs_task(runs: Path) -> None:
    better = sample_run(run="261101-0000-bike-demand-0001")
    better.envelopes = [each for each in better.envelopes if each.kind != "run_finished"]
    better.write(runs / better.run)
    assert find_run(runs, "@best").name in {RUN, UNFINISHED, better.run}


@pytest.mark.parametrize(("name", "words"), [("2611", "matches 2 runs"), ("nope", "no run"), ("", "matches 2 runs")])
def test_what_names_no_run_is_said(runs: Path, name: str, words: str) -> None:
    with pytest.raises(RunNotFound, match=words):
        find_run(runs, name)


def test_without_runs_the_next_step_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound, match="gome run"):
        find_run(tmp_path, "@last")


def test_a_log_that_is_not_written_yet_is_none(tmp_path: Path) -> None:
    assert not has_log(tmp_path)
    (tmp_path / "log.sqlite").touch()
    assert not has_log(tmp_path)


def test_the_folder_of_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOME_RUNS", raising=False)
    assert runs_root(None) == Path("runs")
    monkeypatch.setenv("GOME_RUNS", "elsewhere")
    assert runs_root(None) == Path("elsewhere")
    assert runs_root(Path("given")) == Path("given")
