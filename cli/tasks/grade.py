"""`grade`: grade submissions against private answers, with medals, in MLE-bench's report format."""

import json as json_text
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gome.cli.options import Json, Output
from gome.errors import UsageError
from gome.scenarios.authoring.mlebench import data_folder
from gome.scenarios.config.loader import task_folder
from gome.scenarios.evaluation.submission import check_submission
from gome.scenarios.grading.grade import crowded
from gome.scenarios.grading.mlebench_report import aggregate, read_submissions, report_of
from gome.scenarios.task.tables import canonical
from gome.scenarios.task.task import Task
from gome.viewer import text
from gome.viewer.output import emit, say

__all__ = ["grade"]


def grade(submission: Path, *, task: str | None = None, output: Output = None, json: Json = False) -> int:
    """Grade a submission, or all submissions in a JSONL file, as MLE-bench does.

    Parameters
    ----------
    submission
        A CSV file, or a JSONL file with competition_id and submission_path on each line.
    task
        The task of the CSV file: a name, a folder, or mlebench:COMPETITION.
    output
        The folder for the summary report of a JSONL file, as `mlebench grade` writes it.
    """
    now = datetime.now()
    if submission.suffix == ".jsonl":
        pairs = read_submissions(submission)
        summary = aggregate([report_of(_load(_as_listed(name)), path, now) for name, path in pairs])
        return _show_summary(summary, output, now, as_json=json)
    if task is None:
        raise UsageError("name the task: gome grade submission.csv --task NAME")
    file = _file(submission)
    loaded = _load(task)
    report = report_of(loaded, file, now) | {"submission_path": str(submission)}
    if json:
        emit("grade", report)
    else:
        _show(report)
        for note in (*loaded.notes, *(f"unverified: {each}" for each in loaded.brief.unverified)):
            say(f"note          {note}")
        if crowded(loaded):
            say(
                "warning       gold and bronze differ by less than one standard error; "
                "medals are mostly noise on this task"
            )
        _show_defects(loaded, file, submission.name)
    return 0 if report["valid_submission"] else 1


def _file(submission: Path) -> Path:
    """The file to grade, with symbolic links resolved (the harness refuses links).

    Raises UsageError where it is not a CSV file at all; an invalid submission is reported, not raised.
    """
    file = submission.resolve()
    if not file.exists():
        raise UsageError(f"there is no file {submission}")
    if not file.is_file() or file.suffix.lower() != ".csv":
        raise UsageError(f"{submission} is not a file named *.csv (one submission) or *.jsonl (a list of submissions)")
    return file


def _load(name: str) -> Task:
    return Task.load(task_folder(name, Path.cwd()))


def _as_listed(name: str) -> str:
    """Resolve a bare competition name of an MLE-bench list: a prepared competition takes precedence over a folder."""
    bare = Path(name).name == name and ":" not in name
    return f"mlebench:{name}" if bare and (data_folder() / name / "prepared").is_dir() else name


def _show(report: dict[str, Any]) -> None:
    # Without a leaderboard, medal and median are unknown. MLE-bench's report, and so the JSON, has false there.
    ranked = report["valid_submission"] and report["median_threshold"] is not None
    medal = next((name for name in ("gold", "silver", "bronze") if report[f"{name}_medal"]), "none")
    above = "yes" if report["above_median"] else "no"
    say(f"task          {report['competition_id']}")
    say(f"score         {text.score(report['score'])}")
    say(f"medal         {medal if ranked else text.UNKNOWN}")
    say(f"above median  {above if ranked else text.UNKNOWN}")
    for name in ("gold", "silver", "bronze", "median"):
        say(f"{name:<12}  {text.score(report[f'{name}_threshold'])}")


def _show_defects(task: Task, file: Path, name: str) -> None:
    ids = canonical(task.test[task.brief.id_column])
    checked = check_submission(file, task.brief, task.metric, ids, constant_is_defect=False, name=name)
    for defect in checked.defects:
        say(f"not valid     {defect.message}")


def _show_summary(summary: dict[str, Any], output: Path | None, now: datetime, *, as_json: bool) -> int:
    if output is not None:
        path = output / f"{now.astimezone(UTC):%Y-%m-%dT%H-%M-%S}-GMT_grading_report.json"
        try:
            output.mkdir(parents=True, exist_ok=True)
            path.write_text(json_text.dumps(summary, indent=2), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    if as_json:
        emit("grade-all", summary)
        return 0
    for name, value in summary.items():
        if name != "competition_reports":
            say(f"{name:<28} {value}")
    if output is not None:
        say(f"{'report':<28} {path}")
    return 0
