"""`predict`: predict new rows with the solution that a run submitted."""

from functools import partial
from pathlib import Path
from typing import Annotated

import anyio
from cyclopts import Parameter

from gome.agents.runtime.predict import predict as predict_rows
from gome.cli.options import Json, Runs, Sandbox, folder_of
from gome.errors import UsageError
from gome.viewer import text
from gome.viewer.output import emit, say, say_aside
from gome.viewer.run_folders import outline

__all__ = ["predict"]


def predict(
    run: str,
    table: Path,
    *,
    output: Annotated[Path | None, Parameter(name=["-o", "--output"])] = None,
    sandbox: Sandbox = "auto",
    runs: Runs = None,
    json: Json = False,
) -> int:
    """Predict new rows with a run's solution: its script or scripts, trained on the run's training table.

    Parameters
    ----------
    run
        A run's id or a unique prefix of it, @last, or @best: the best score on the same data as the latest run.
    table
        A file of any kind that `gome run` reads, with the columns of the training table, without the targets.
    output
        The file to write. Default: print the table.
    """
    if output is not None and not output.absolute().parent.is_dir():
        raise UsageError(f"{output.absolute().parent} is not a folder")
    if json and output is None:
        raise UsageError("--json needs -o FILE for the predictions")
    folder = folder_of(run, runs)
    if expected := _expected(folder):
        say_aside(expected)
    made = anyio.run(partial(predict_rows, folder, table, unsandboxed=sandbox == "none"))
    for note in made.notes:
        say_aside(f"{table}: {note}")
    if output is None:
        say(made.table.rstrip("\n"))
        return 0
    try:
        output.write_text(made.table, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from error
    if json:
        emit("predict", {"run": folder.name, "rows": made.rows, "steps": made.whose, "output": str(output)})
        return 0
    say(f"{made.rows} rows predicted by step {made.whose} of {folder.name}: {output}")
    return 0


def _expected(folder: Path) -> str:
    """What is to be done, and how long it may take by the run's record; empty where the run has no submission."""
    finished = outline(folder).finished
    members = finished.members if finished else ()
    if not members:
        return ""
    trained = text.several(len(members), "solution")
    seconds = sum(each.seconds for each in members)
    return f"training {trained} again: about {text.duration(seconds)} by the run's record, beside the time to start"
