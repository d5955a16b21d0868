"""`grade`: submissions against private answers, with medals, in the reports of MLE-bench."""

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
    """Grade a submission, or all that a JSONL file lists, as MLE-bench does.

    Parameters
    ----------
    submission
        A CSV file; or a JSONL file with a competition_id and a submission_path in each line.
    task
        The task that the CSV file answers: a name, a folder, or mlebench:COMPETITION.
    output
        Write the summary report of a JSONL file into this folder, as `mlebench grade` does.
    """
    now = datetime.now()
    if submission.suffix == ".jsonl":
        pairs = read_submissions(submission)
        summary = aggregate([report_of(_load(_as_listed(name)), path, now) for name, path in pairs])
        return _show_summary(summary, output, now, as_json=json)
    if task is None:
        raise UsageError("say which task it answers: gome grade submission.csv --task NAME")
    file = _file(submission)
    loaded = _load(task)
    report = report_of(loaded, file, now) | {"submission_path": str(submission)}
    if json:
        emit("grade", report)
    else:
        _show(report)
        for note in (*loaded.notes, *(f"unverified: {words}" for words in loaded.brief.unverified)):
            say(f"note          {note}")
        if crowded(loaded):
            say("crowded       gold and bronze lie within a standard error: a medal here is much a matter of chance")
        _show_defects(loaded, file, submission.name)
    return 0 if report["valid_submission"] else 1


def _file(submission: Path) -> Path:
    """The file that is graded: of a link the one that it leads to, as links of a script are not taken.

    Raises UsageError for what cannot be a submission, which is another thing than one that is wrong.
    """
    file = submission.resolve()
    if not file.exists():
        raise UsageError(f"there is no file {submission}")
    if not file.is_file() or file.suffix.lower() != ".csv":
        raise UsageError(f"{submission} is no CSV file; a submission's name ends in .csv, a list's of them in .jsonl")
    return file


def _load(name: str) -> Task:
    return Task.load(task_folder(name, Path.cwd()))


def _as_listed(name: str) -> str:
    """MLE-bench's lists have bare names of competitions; a prepared one goes before a folder of that name."""
    bare = Path(name).name == name and ":" not in name
    return f"mlebench:{name}" if bare and (data_folder() / name / "prepared").is_dir() else name


def _show(report: dict[str, Any]) -> None:
    # Where nothing was compared there is no "no": MLE-bench's report says false there, and so does its JSON.
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
