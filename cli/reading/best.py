"""`best`: show a run's best solution, or write its files to a folder."""

import hashlib
from typing import Any

from gome.api.best_files import best_of, write_best
from gome.bus.store.reader import LogReader
from gome.cli.options import Json, Output, Run, Runs, folder_of
from gome.viewer import text
from gome.viewer.model.doubts import doubts
from gome.viewer.model.summary import Summary, summarise
from gome.viewer.output import emit, hint, say
from gome.viewer.run_folders import as_opened, open_reader

__all__ = ["best", "best_data"]


def best(run: Run = "@last", *, output: Output = None, runs: Runs = None, json: Json = False) -> int:
    """Show a run's best solution; with -o also write its script, submission and a README to a folder.

    Parameters
    ----------
    output
        The folder to write to.
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
    say(f"  score       {text.on_splits(data['score'], data['judged'])}  {data['metric']}, {data['direction']}")
    say(f"  baseline    {text.score(data['baseline'])}  a constant prediction")
    if summary.submitted is not None:
        say(f"  submitted   {summary.submitted.at_the_finish}")
        if summary.submitted.because:
            say(f"  because     {summary.submitted.because}")
        if summary.submitted.grade is not None:
            say(f"  test score  {summary.submitted.on_the_test}")
    for doubt in data["doubts"]:
        say(f"  beware      {doubt}")
    for name, path in files.items():
        say(f"  {name:<10}  {path}")
    if output is None:
        hint(f"gome best {as_opened(folder)} -o DIR", f"gome report {as_opened(folder)}")
    else:
        hint(f"gome report {as_opened(folder)}")
    return 0


def best_data(reader: LogReader, summary: Summary) -> dict[str, Any]:
    """The best solution of a run as data of `best --json`. Raises UsageError where no trial was accepted."""
    best, opened = best_of(summary)
    submitted = summary.submitted
    grade = submitted.grade if submitted else None
    return {
        "run": summary.run,
        "step": best.step,
        "final": best.final,
        "score": best.score,
        "judged": best.judged,
        "metric": opened.task.metric,
        "direction": opened.task.direction,
        "baseline": opened.baseline,
        "submission_of": list(submitted.steps) if submitted else [best.step],
        "holdout_score": submitted.holdout if submitted else None,
        "test_score": grade.score if grade else None,
        "medal": grade.medal if grade else None,
        "doubts": list(doubts(summary)),
        "reasoners": summary.reasoners,
        "script_sha256": hashlib.sha256(reader.artefacts.read_now(best.script_ref)).hexdigest(),
        "submission_sha256": hashlib.sha256(reader.artefacts.read_now(best.submission_ref)).hexdigest(),
    }
