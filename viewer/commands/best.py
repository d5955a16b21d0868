"""`best`: the best script of a run, its submission, and how to run it."""

import hashlib
from pathlib import Path
from typing import Any

from bus.reader import LogReader
from errors import UsageError
from viewer import text
from viewer.commands.options import Json, Output, Run, Runs, folder_of
from viewer.output import emit, hint, say
from viewer.store import open_reader
from viewer.summary import Summary, summarise

__all__ = ["best", "best_data", "write_best"]

_README = """\
# Best solution of {run}

Task `{task}`, metric {metric} ({direction}).

| | score |
|---|---|
| out-of-fold, as the harness measured it | {score} |
| a constant prediction | {baseline} |
| private test | {test} |

It is the solution of step {step} (trace.step){final}. Reasoning by {reasoners}.

- `solution.py`: the script, self-contained
- `submission.csv`: what it predicted for the test set (SHA-256 {sha256})

To run it again:

    {python} solution.py --data DIR --out out --seed {seed}

where `DIR` is a folder as `docs/contract.md` describes it: the task's files, `task.json` and `folds.csv`. The run
made one: `{data}`. Scripts were run with Python {version}.
"""


def best(run: Run = "@last", *, output: Output = None, runs: Runs = None, json: Json = False) -> int:
    """Show a run's best solution; with -o write its script, submission and a README into a folder.

    Parameters
    ----------
    output
        The folder to write into.
    """
    folder = folder_of(run, runs)
    with open_reader(folder) as reader:
        summary = summarise(reader.envelopes())
        files = write_best(reader, summary, folder, output) if output else {}
        data = {**best_data(reader, summary), **{name: str(path) for name, path in files.items()}}
    if json:
        emit("best", data)
        return 0
    verdict = "chosen at the finish" if data["final"] else "accepted, the run has not finished"
    say(f"best of {data['run']}: step {data['step']} ({verdict})")
    say(f"  score       {text.score(data['score'])}  {data['metric']}, {data['direction']}")
    say(f"  baseline    {text.score(data['baseline'])}  a constant prediction")
    say(f"  test score  {text.score(data['test_score'])}" + (f"  {data['medal']} medal" if data["medal"] else ""))
    for name, path in files.items():
        say(f"  {name:<10}  {path}")
    if output is None:
        hint(f"gome best {folder.name} -o DIR", f"gome report {folder.name}")
    else:
        hint(f"gome report {folder.name}")
    return 0


def best_data(reader: LogReader, summary: Summary) -> dict[str, Any]:
    """The best solution of a run as `best --json` prints it. Raises UsageError where no trial was accepted."""
    best, opened = summary.best, summary.opened
    if best is None or opened is None:
        raise UsageError(f"run {summary.run} has no accepted solution; see why with: gome log {summary.run}")
    grade = summary.finished.grade if summary.finished and best.final else None
    return {
        "run": summary.run,
        "step": best.step,
        "final": best.final,
        "score": best.score,
        "metric": opened.task.metric,
        "direction": opened.task.direction,
        "baseline": opened.baseline,
        "test_score": grade.score if grade else None,
        "medal": grade.medal if grade else None,
        "reasoners": summary.reasoners,
        "script_sha256": hashlib.sha256(reader.artefacts.read_now(best.script_ref)).hexdigest(),
        "submission_sha256": hashlib.sha256(reader.artefacts.read_now(best.submission_ref)).hexdigest(),
    }


def _chosen(summary: Summary) -> str:
    """How the finish chose, and what the submission is where it is not the script's alone."""
    words = ", chosen at the finish on a hold-out it had not seen"
    blend = summary.finished.blend if summary.finished else None
    if blend is None or not blend.taken:
        return words
    members = ", ".join(f"{trace}.{step}" for trace, step in blend.members)
    return f"{words}. The submission is the mean of those of steps {members}, which was better there than each"


def write_best(reader: LogReader, summary: Summary, folder: Path, target: Path) -> dict[str, Path]:
    """Write script, submission and a README into `target`; return their paths by name."""
    data = best_data(reader, summary)
    best, opened = summary.best, summary.opened
    assert best is not None and opened is not None  # noqa: S101  best_data has just refused a run without them
    target.mkdir(parents=True, exist_ok=True)
    files = {name: target / name for name in ("solution.py", "submission.csv", "README.md")}
    files["solution.py"].write_bytes(reader.artefacts.read_now(best.script_ref))
    files["submission.csv"].write_bytes(reader.artefacts.read_now(best.submission_ref))
    readme = _README.format(
        run=summary.run,
        task=opened.task.name,
        metric=opened.task.metric,
        direction=opened.task.direction,
        score=text.score(best.score),
        baseline=text.score(opened.baseline),
        test=text.score(data["test_score"]),
        step=best.step,
        final=_chosen(summary) if best.final else "; the run has not finished",
        reasoners=", ".join(summary.reasoners),
        sha256=data["submission_sha256"],
        python="python",
        version=opened.workplace.python,
        seed=opened.scenario.get("seed", 0),
        data=folder / "data" / "full",
    )
    files["README.md"].write_text(text.clean(readme), encoding="utf-8")
    return {"script": files["solution.py"], "submission": files["submission.csv"], "readme": files["README.md"]}
