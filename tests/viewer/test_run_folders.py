"""Runs are found by id, prefix and name; new ids sort by time."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gome.cli.app import main
from gome.errors import RunNotFound
from gome.viewer.queries.runs import rows_below
from gome.viewer.run_folders import as_opened, find_run, has_log, new_run_id, run_folders, runs_root
from gome.viewer.web.live_pages import runs_page
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


def test_a_folder_beside_the_reader_answers_to_its_name(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs)
    assert find_run(Path("nowhere"), RUN) == Path(RUN)
    with pytest.raises(RunNotFound, match=f"{RUN}/artefacts is not the folder of a run"):
        find_run(runs, f"{RUN}/artefacts")


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


_DAMAGES = {"text": b"something else", "empty": b"", "header alone": b"SQLite format 3\0" + bytes(4096)}


@pytest.mark.parametrize("damage", _DAMAGES.values(), ids=_DAMAGES)
def test_a_damaged_run_hides_no_other(runs: Path, capsys: pytest.CaptureFixture[str], damage: bytes) -> None:
    """Each run is listed, the damaged one with its reason; @best leaves it out; the page of runs shows the others."""
    bad = runs / "261129-0000-bike-demand-bad0"
    bad.mkdir()
    (bad / "log.sqlite").write_bytes(damage)
    rows, damaged = rows_below(runs)
    found = [(row["run"], row["state"] == "damaged") for row in rows]
    assert found == [(bad.name, True), (UNFINISHED, False), (RUN, False)]
    assert "damaged" in damaged[bad.name] or "not a log" in damaged[bad.name]
    with pytest.raises(SystemExit) as ended:
        main(["runs", "--runs", str(runs)])
    assert ended.value.code == 0
    assert damaged[bad.name][:40] in capsys.readouterr().out
    assert find_run(runs, "@best").name in {RUN, UNFINISHED}
    assert bad.name in runs_page(runs)


def test_a_run_elsewhere_is_named_by_its_path(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOME_RUNS", str(runs))
    assert as_opened(runs / RUN) == RUN
    monkeypatch.setenv("GOME_RUNS", str(tmp_path / "others"))
    assert find_run(Path("nowhere"), as_opened(runs / RUN)) == runs / RUN
    assert as_opened(Path("my runs") / RUN) == f"'my runs/{RUN}'"
