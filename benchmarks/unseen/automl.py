"""AutoGluon beside the offline expert, on the same tables of `benchmarks.unseen` and in the same minutes.

`python -m benchmarks.unseen.automl --half development|reported [--tables NAME …] [--seconds N] --out FOLDER` writes
automl.md to the folder. It never runs the expert: the folder has its runs, made by `python -m benchmarks.unseen`.
AutoGluon is no dependency of the project; `make compare-automl` installs it in an environment of its own, build/automl.
It can be stopped and restarted: what AutoGluon has predicted is kept in FOLDER/automl.
"""

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from benchmarks.unseen.build import make_task
from benchmarks.unseen.grading import Grader, Matched, tally
from benchmarks.unseen.grid import TRIALS
from benchmarks.unseen.report import Compared
from benchmarks.unseen.tables import TABLES, Table, half_of
from gome.errors import TaskError
from gome.scenarios.task.encoding import prediction_columns
from gome.scenarios.task.task import Task

__all__ = ["EVAL_METRICS", "PYTHON", "Beside", "asked_of", "beside", "main", "page", "run", "version_of"]

PYTHON = Path(__file__).parents[2] / "build" / "automl" / "bin" / "python"
SECONDS = 600
_PRESET, _CORES = "medium_quality", 2
_GRACE = 600
"""Seconds beyond twice its limit after which AutoGluon is ended: it looks at its limit between models."""

EVAL_METRICS: Mapping[str, str] = {"rmse": "root_mean_squared_error", "auc": "roc_auc", "log-loss": "log_loss"}
"""What AutoGluon calls the metrics of these tables, which are those that gome guesses."""


class Told(BaseModel):
    """What is known of AutoGluon's fit: seconds allowed and taken, number of models, the best and its own score of it.

    `processor` are the seconds of all cores.
    """

    version: str
    limit: int
    taken: float
    processor: float
    models: int
    best: str
    validation: float

    @property
    def starved(self) -> bool:
        """Whether it had less than one of its cores, since other work had them: its limit is of wall-clock time."""
        return self.processor < self.taken


class Beside(Matched):
    """A table's run beside AutoGluon, whose test score is `theirs`; `default` is that of the best default model."""

    theirs: float
    default: float
    told: Told

    @property
    def words(self) -> str:
        """The comparison on one line."""
        own = f"{self.score:.4g} beside AutoGluon's {self.theirs:.4g} in {self.told.taken:.0f} s"
        return f"{self.table}: {self.metric} {own}: {self.verdict}, {self.gain:+.3g} ± {self.error:.2g}"


def version_of(python: Path) -> str:
    """The version of AutoGluon in that environment. Raises TaskError where there is none."""
    remedy = "`make compare-automl` installs it, apart from .venv, and runs the comparison"
    if not python.is_file():
        raise TaskError(f"there is no environment with AutoGluon at {python}: {remedy}")
    code = "from importlib.metadata import version; print(version('autogluon.tabular'))"
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise TaskError(f"{python} has no AutoGluon ({_last_line(done.stderr)}): {remedy}")
    return done.stdout.strip()


def asked_of(task: Task, seconds: int, out: Path) -> dict[str, object]:
    """What `autogluon_side.py` is told. Raises TaskError for a metric whose name in AutoGluon is not known."""
    brief = task.brief
    if brief.metric not in EVAL_METRICS:
        raise TaskError(f"AutoGluon's name of metric {brief.metric} is not known: add it to {__name__}.EVAL_METRICS")
    return {
        "train": str(task.public / brief.train_file),
        "test": str(task.public / brief.test_file),
        "id": brief.id_column,
        "target": brief.targets[0],
        "classes": list(brief.classes),
        "columns": list(prediction_columns(brief)),
        "problem_type": brief.task_type,
        "eval_metric": EVAL_METRICS[brief.metric],
        "preset": _PRESET,
        "cores": _CORES,
        "seconds": seconds,
        "out": str(out),
    }


def predict(task: Task, seconds: int, out: Path, python: Path) -> Told:
    """Have AutoGluon write submission.csv and log.txt in `out`, unless it has. Raises TaskError where it fails."""
    known, log = out / "told.json", out / "log.txt"
    if not known.is_file():
        asked = json.dumps(asked_of(task, seconds, out))
        out.mkdir(parents=True, exist_ok=True)
        # -P: the script's folder has modules named as packages are (`tables`).
        command = [str(python), "-P", str(Path(__file__).with_name("autogluon_side.py")), asked]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment |= {"OMP_NUM_THREADS": f"{_CORES}", "OPENBLAS_NUM_THREADS": f"{_CORES}"}
        try:
            with log.open("w", encoding="utf-8") as lines:
                done = subprocess.run(
                    command, env=environment, stdout=lines, stderr=lines, check=False, timeout=2 * seconds + _GRACE
                )
        except subprocess.TimeoutExpired as late:
            raise TaskError(f"AutoGluon was ended after {late.timeout:.0f} s ({log})") from None
        if done.returncode:
            raise TaskError(f"AutoGluon failed: {_last_line(log.read_text(encoding='utf-8'))} ({log})")
    return Told.model_validate_json(known.read_bytes())


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no output"])[-1]


def kept_run(table: Table, trials: int, folder: Path) -> Compared:
    """The expert's run on a table, from the folder. Raises TaskError if there is none."""
    path = folder / "results" / f"{table.folder}-{trials}.json"
    if not path.is_file():
        absent = f"the expert's run with {trials} trials is not in the folder"
        raise TaskError(f"{absent}; `python -m benchmarks.unseen` makes it")
    return Compared.model_validate_json(path.read_bytes())


def beside(table: Table, task: Task, ours: Compared, submissions: tuple[Path, Path], told: Told) -> Beside:
    """Grade the expert's and AutoGluon's `submissions`, as the expert's was graded beside those of the default models.

    Raises TaskError if one has a defect, or the expert's is not that of the run `ours`.
    """
    grader = Grader.of(task)
    own, other = (grader.read(path) for path in submissions)
    score = grader.score(own)
    if not math.isclose(score, ours.score, rel_tol=1e-6):
        raise TaskError(f"{submissions[0]} has score {score:.6g}, the run had {ours.score:.6g}: it is of another run")
    return Beside(
        table=table.name, kind=table.kind, metric=task.brief.metric, score=score, gain=grader.gain(own, other),
        error=grader.error(own, other), theirs=grader.score(other), default=ours.defaults[ours.best], told=told,
    )  # fmt: skip


def run(
    tables: Sequence[Table], trials: int, seconds: int, folder: Path, python: Path
) -> tuple[list[Beside], dict[str, str]]:
    """Run AutoGluon on each table, updating the report; return the comparisons, and why a table has none."""
    found: list[Beside] = []
    failed: dict[str, str] = {}
    for table in tables:
        try:
            ours = kept_run(table, trials, folder)
            task = Task.load(make_task(table, folder / "tasks", _say))
            limit = min(seconds, math.ceil(ours.seconds))
            place = folder / "automl" / f"{table.folder}-{limit}"
            told = predict(task, limit, place, python)
            own = folder / "submissions" / f"{table.folder}.csv"
            found.append(beside(table, task, ours, (own, place / "submission.csv"), told))
            _say(found[-1].words)
        except TaskError as error:
            failed[table.name] = str(error)
            _say(f"{table.name}: {error}")
        (folder / "automl.md").write_text(page(found, failed), encoding="utf-8")
    return found, failed


def page(found: Sequence[Beside], failed: Mapping[str, str]) -> str:
    """The report as Markdown."""
    lines = [
        "| table | kind | metric | expert | AutoGluon | difference | verdict | best default "
        "| seconds | of processors | models | best of them |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for each in found:
        told = each.told
        cells = [
            each.table, each.kind, each.metric, f"{each.score:.4g}", f"{each.theirs:.4g}",
            f"{each.gain:+.2g} ± {each.error:.1g}", each.verdict, f"{each.default:.4g}",
            f"{told.taken:.0f} of {told.limit}", f"{told.processor:.0f}", f"{told.models}", told.best,
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    automl = " and ".join(sorted({f"AutoGluon {each.told.version}" for each in found})) or "AutoGluon"
    lines += ["", f"The expert beside {automl} ({_PRESET}, {_CORES} cores). {tally(found)}"]
    for each in (each for each in found if each.told.starved):
        cores = f"{each.told.processor / each.told.taken:.1f} of {_CORES} cores"
        lines.append(
            f"- {each.table}: AutoGluon had {cores}, as other work took the machine, and its score is no fair one. "
            "Remove its folder of automl/, and compare on an idle machine."
        )
    lines += [f"- {name} has no result: {why}" for name, why in failed.items()]
    return "\n".join(lines) + "\n"


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> None:
    """Run the comparison, and write its report. Raises SystemExit without AutoGluon, or if a table has no result."""
    names = [table.name for table in TABLES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unseen.automl")
    parser.add_argument("--half", choices=["development", "reported"], default="development", help="which tables")
    parser.add_argument("--tables", nargs="+", choices=names, metavar="NAME", help="only these of them")
    parser.add_argument("--trials", type=int, default=TRIALS, help=f"trials of the expert's runs (default {TRIALS})")
    most = f"most a table (default {SECONDS}), less where the expert took less"
    parser.add_argument("--seconds", type=int, default=SECONDS, help=most)
    parser.add_argument("--out", type=Path, default=Path(".benchmark-unseen"), help="folder with the expert's runs")
    parser.add_argument("--python", type=Path, default=PYTHON, help="the interpreter that has AutoGluon")
    asked = parser.parse_args(arguments)
    chosen = [table for table in TABLES if half_of(table) == asked.half]
    if asked.tables:
        chosen = [table for table in chosen if table.name in asked.tables]
    folder: Path = asked.out.absolute()
    try:
        _say(f"AutoGluon {version_of(asked.python)}")
    except TaskError as error:
        parser.error(str(error))
    folder.mkdir(parents=True, exist_ok=True)
    _, failed = run(chosen, asked.trials, asked.seconds, folder, asked.python)
    print((folder / "automl.md").read_text(encoding="utf-8"))
    if failed:
        sys.exit(f"{len(failed)} tables have no result")


if __name__ == "__main__":
    main(sys.argv[1:])
