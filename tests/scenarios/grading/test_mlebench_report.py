"""Reports of graded submissions have MLE-bench's fields and values, from the library and the command line."""

import json
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from gome.cli.app import main
from gome.errors import TaskError
from gome.scenarios.grading.mlebench_report import aggregate, read_submissions, report_of
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_task import make_task

NOW = datetime(2026, 11, 22, 6, 0)
FIELDS = [
    "competition_id",
    "score",
    "gold_threshold",
    "silver_threshold",
    "bronze_threshold",
    "median_threshold",
    "any_medal",
    "gold_medal",
    "silver_medal",
    "bronze_medal",
    "above_median",
    "submission_exists",
    "valid_submission",
    "is_lower_better",
    "created_at",
    "submission_path",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A task with a leaderboard: 0.1, 0.2, … 1.0; lower is better."""
    folder = make_task(tmp_path / "own-task")
    (folder / "leaderboard.csv").write_text("name,score\n" + "".join(f"t{n},{n / 10}\n" for n in range(1, 11)))
    return folder


def submission(folder: Path, path: Path, error: float) -> Path:
    answers = pd.read_csv(folder / "prepared" / "private" / "answers.csv")
    answers.assign(y=answers["y"] + error).to_csv(path, index=False)
    return path


def test_a_report_has_every_field_in_order(folder: Path, tmp_path: Path) -> None:
    path = submission(folder, tmp_path / "s.csv", 0.2)
    report = report_of(Task.load(folder), path, NOW)
    assert list(report) == FIELDS
    assert report == {
        "competition_id": "own-task",
        "score": 0.2,
        "gold_threshold": 0.1,
        "silver_threshold": 0.2,
        "bronze_threshold": 0.4,
        "median_threshold": 0.55,
        "any_medal": True,
        "gold_medal": False,
        "silver_medal": True,
        "bronze_medal": False,
        "above_median": True,
        "submission_exists": True,
        "valid_submission": True,
        "is_lower_better": True,
        "created_at": "2026-11-22T06:00:00",
        "submission_path": str(path),
    }


def test_what_is_missing_or_no_csv_does_not_exist_and_rubbish_is_not_valid(folder: Path, tmp_path: Path) -> None:
    task = Task.load(folder)
    rubbish, text = tmp_path / "rubbish.csv", tmp_path / "s.txt"
    rubbish.write_text("id,y\n1,2\n")
    submission(folder, text, 0.0)
    said = [report_of(task, path, NOW) for path in (tmp_path / "nowhere.csv", text, rubbish)]
    assert [report["submission_exists"] for report in said] == [False, False, True]
    assert [(report["valid_submission"], report["score"], report["any_medal"]) for report in said] == [
        (False, None, False)
    ] * 3
    assert all(report["gold_threshold"] == 0.1 for report in said)


def test_a_summary_counts(folder: Path, tmp_path: Path) -> None:
    task = Task.load(folder)
    reports = [report_of(task, submission(folder, tmp_path / f"{n}.csv", n / 10), NOW) for n in (1, 3, 5, 9)]
    reports.append(report_of(task, tmp_path / "nowhere.csv", NOW))
    summary = aggregate(reports)
    assert summary.pop("competition_reports") == reports
    assert summary == {
        "total_runs": 5,
        "total_runs_with_submissions": 4,
        "total_valid_submissions": 4,
        "total_medals": 2,
        "total_gold_medals": 1,
        "total_silver_medals": 0,
        "total_bronze_medals": 1,
        "total_above_median": 3,
    }


def test_without_answers_nothing_is_graded(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="no private answers"):
        report_of(Task.load(make_task(tmp_path / "open", answers=False)), tmp_path / "s.csv", NOW)


def test_a_line_out_of_form_is_named(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text('# a comment\n{"competition_id": "a", "submission_path": "b.csv"}\n\n{"competition_id": "a"}\n')
    with pytest.raises(TaskError, match=r"s\.jsonl:4"):
        read_submissions(path)


def test_the_verb_grades_one_and_many(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = submission(folder, tmp_path / "s.csv", 0.1)
    assert exit_of("grade", str(path), "--task", str(folder), "--json") == 0
    assert json.loads(capsys.readouterr().out)["data"]["gold_medal"] is True
    (tmp_path / "bad.csv").write_text("id,y\n1,2\n")
    assert exit_of("grade", str(tmp_path / "bad.csv"), "--task", str(folder)) == 1
    assert "not valid" in capsys.readouterr().out
    lines = tmp_path / "all.jsonl"
    lines.write_text(json.dumps({"competition_id": str(folder), "submission_path": str(path)}) + "\n")
    assert exit_of("grade", str(lines), "-o", str(tmp_path / "out")) == 0
    (written,) = (tmp_path / "out").glob("*_grading_report.json")
    assert json.loads(written.read_text())["total_gold_medals"] == 1


def test_the_verb_says_where_medals_are_crowded(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, board = submission(folder, tmp_path / "s.csv", 0.1), folder / "leaderboard.csv"
    scores = pd.read_csv(board)
    for error, expected in ((0.0, False), (99.0, True)):
        scores.assign(error=error).to_csv(board, index=False)
        assert exit_of("grade", str(path), "--task", str(folder)) == 0
        assert ("mostly noise" in capsys.readouterr().out) is expected


def test_a_path_that_leads_to_no_submission_is_an_error_with_its_name(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "words.txt").write_text("id,y\n")
    (tmp_path / "link.csv").symlink_to(tmp_path / "gone.csv")
    for name, words in (("nosuch.csv", "there is no file"), ("words.txt", "not a file named"), ("link.csv", "no file")):
        for more in ((), ("--json",)):
            assert exit_of("grade", str(tmp_path / name), "--task", str(folder), *more) == 2
            printed = capsys.readouterr()
            assert printed.out == ""
            assert str(tmp_path / name) in printed.err
            assert words in printed.err


def test_what_is_wrong_is_said_of_the_file_that_was_given(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = submission(folder, tmp_path / "mine.csv", 0.1)
    linked = tmp_path / "linked.csv"
    linked.symlink_to(path)
    assert exit_of("grade", str(linked), "--task", str(folder), "--json") == 0
    assert json.loads(capsys.readouterr().out)["data"]["submission_path"] == str(linked)
    path.write_text("id,y\n1,2\n")
    assert exit_of("grade", str(path), "--task", str(folder)) == 1
    assert "not valid     mine.csv: 1 rows, expected 120" in capsys.readouterr().out


def test_where_nothing_was_compared_there_is_neither_medal_nor_median(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def shown(path: Path) -> tuple[str, str]:
        exit_of("grade", str(path), "--task", str(folder))
        lines = dict(line.rsplit(maxsplit=1) for line in capsys.readouterr().out.splitlines()[:4])
        return lines["medal"], lines["above median"]

    good, bad = submission(folder, tmp_path / "s.csv", 0.1), tmp_path / "bad.csv"
    poor = submission(folder, tmp_path / "poor.csv", 9)
    bad.write_text("id,y\n1,2\n")
    assert (shown(good), shown(poor), shown(bad)) == (("gold", "yes"), ("none", "no"), ("–", "–"))
    (folder / "leaderboard.csv").unlink()
    assert shown(good) == ("–", "–")
    assert exit_of("grade", str(good), "--task", str(folder), "--json") == 0
    report = json.loads(capsys.readouterr().out)["data"]
    assert (report["any_medal"], report["above_median"]) == (False, False), "as MLE-bench's report has it"


def exit_of(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(str(ended.value.code))
