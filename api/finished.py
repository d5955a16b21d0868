"""A run as an object: its solutions, its predictions, and why it went as it did."""

import math
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
from pandas import DataFrame

from gome.agents.runtime.opening import opening_of
from gome.agents.runtime.predict import predict as predict_rows
from gome.api.best_files import best_of
from gome.api.frames import Table, as_file, numeric
from gome.api.step_explanation import why
from gome.api.waiting import wait_for
from gome.errors import UsageError
from gome.scenarios.diagnostics.record import Diagnostics
from gome.scenarios.evidence import TaskBrief
from gome.viewer.model.evidence import evidence_of
from gome.viewer.model.steps import Step
from gome.viewer.model.summary import Summary, find_step, summarise
from gome.viewer.queries.levels import levels_of
from gome.viewer.queries.runs import state
from gome.viewer.run_folders import find_run, open_reader, runs_root
from gome.viewer.web.report import write_report

__all__ = ["Best", "Run", "open_run"]

_PARTS = ("by_truth", "by_prediction", "classes", "slices", "rare")


@dataclass(frozen=True)
class Best:
    """The best solution of a run. Scores are None where there is none; `submitted` are the steps that were submitted.

    `score` is out of fold, on `splits` of the task's `of` splits: of fewer than all, it cannot be compared with one of
    all. `holdout_score` is that of the finish, `test_score` on the private answers; `standard_error` is that of `score`
    over the splits. `script` is the source of the solution.
    """

    step: str
    score: float
    standard_error: float | None
    submitted: tuple[str, ...]
    holdout_score: float | None
    test_score: float | None
    medal: str | None
    script: str
    splits: int
    of: int


class Run:
    """One run, read from its folder. It may still be running: each call reads the log anew."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def __repr__(self) -> str:
        return f"<gome run {self.id}, {self.status}>"

    def _repr_html_(self) -> str:
        """The first lines of the leaderboard, for notebooks."""
        table: str = self.leaderboard().head(10).to_html(index=False, escape=True)
        return f"<p>run {self.id}, {self.status}</p>{table}"

    @property
    def id(self) -> str:
        """The run's id, by which commands find it."""
        return self.folder.name

    @property
    def status(self) -> str:
        """`running`, `finished`, or `stopped`: then `gome resume` continues it."""
        return state(self.folder, self._summary())

    @property
    def task(self) -> TaskBrief:
        """The task: its targets, metric, classes and kind of predictions."""
        return opening_of(self.folder).task

    @property
    def best(self) -> Best:
        """The best solution: the winner of a finished run, else the best accepted trial.

        Raises:
            NoSolution: No trial was accepted.
        """
        summary = self._summary()
        best, _ = best_of(summary)
        submitted = summary.submitted
        grade = submitted.grade if submitted else None
        evaluation = find_step(summary, best.step).evaluation
        planned = evaluation.planned if evaluation else 0
        return Best(
            step=best.step,
            score=best.score,
            standard_error=best.standard_error,
            submitted=submitted.steps if submitted else (best.step,),
            holdout_score=submitted.holdout if submitted else None,
            test_score=grade.score if grade else None,
            medal=grade.medal if grade else None,
            script=self._text(best.script_ref),
            splits=int(best.judged.split()[0]) if best.judged else planned,
            of=planned,
        )

    def leaderboard(self) -> DataFrame:
        """All trials, best first; those without a score last.

        A score over some of the splits (`splits`, such as `2/5`) can be compared only on these. Such a trial stands
        where its level is: the score on all splits of the solution that it changed, and its gain over that. Without
        either it stands behind those that have a level.
        """
        summary = self._summary()
        levels = levels_of(summary)
        rows = [_row(step) | {"_level": levels.get(step.name, -math.inf)} for step in summary.trials]
        table = DataFrame(rows, columns=[*_row(Step(0, 0)), "_level"])
        sign = -1 if summary.maximizes else 1
        table = table.assign(_score=sign * table["score"].astype(float))
        ranked = table.sort_values(["_level", "_score"], ascending=[False, True], kind="stable", ignore_index=True)
        return ranked.drop(columns=["_level", "_score"])

    def predict(self, rows: Table, *, sandbox: bool = True) -> DataFrame:
        """Predict new rows with the submitted solution: its scripts train and predict again, in the sandbox.

        Args:
            rows: The columns of the training table without the target, as a DataFrame or the path of a file of any
                kind that `gome run` reads.
            sandbox: False runs the scripts unconfined.

        Returns:
            One column per column of predictions, one row per row of `rows`, with its index if it is a DataFrame.

        Raises:
            UsageError: The run is not finished, or has no solution, or a script fails on these rows.
            TaskError: The rows do not fit the task.
        """
        return wait_for(partial(self.predict_async, rows, sandbox=sandbox))

    async def predict_async(self, rows: Table, *, sandbox: bool = True) -> DataFrame:
        """As `predict`, on the running event loop."""
        with tempfile.TemporaryDirectory(prefix="gome-rows-") as place:
            path = await anyio.to_thread.run_sync(partial(as_file, rows, Path(place) / "rows.csv", new=True))
            made = await predict_rows(self.folder, path, unsandboxed=not sandbox)
        predictions = numeric(made.table).iloc[:, 1:]
        return predictions.set_index(rows.index) if isinstance(rows, DataFrame) else predictions

    def oof(self) -> DataFrame:
        """The out-of-fold predictions of the best step for the training rows, with their ids.

        Raises:
            UsageError: No trial was accepted (NoSolution), or the task cannot be split.
        """
        best, _ = best_of(self._summary())
        if best.oof_ref is None:
            raise UsageError(f"step {best.step} of {self.id} has no out-of-fold predictions")
        return numeric(self._text(best.oof_ref))

    def errors(self, step: str | None = None) -> DataFrame:
        """Where a step errs: parts of the rows, with their share of the rows and of the loss.

        `bias` is the mean of prediction − truth in the part, on the scale on which the metric compares (logarithms for
        rmsle); NaN for classes without an order. `change` is the part's mean loss minus that of the trace's best on the
        same rows when the step was judged (below 0: better), `change_error` its standard error; NaN where there was no
        best to compare with. Classes have more columns (docs/python.md).

        Args:
            step: `trace.step`; by default the best.

        Raises:
            UsageError: There is no such step, or it has no error analysis.
        """
        found = self._diagnostics(step)
        parts = [{"kind": kind, **part.model_dump()} for kind in _PARTS for part in getattr(found, kind)]
        table = DataFrame(parts)
        if "name" in table:  # classes have a name instead of a value
            table["value"] = table["value"].fillna(table.pop("name")) if "value" in table else table.pop("name")
        return table

    def worst_rows(self, step: str | None = None) -> DataFrame:
        """The rows with the largest losses, with truth and prediction. Empty where rows may not be shown.

        Args, Raises: as `errors`.
        """
        found = self._diagnostics(step)
        shown = [(row.truth, row.prediction, row.share_of_loss, *row.cells) for row in found.dearest]
        return DataFrame(shown, columns=["truth", "prediction", "share_of_loss", *found.columns])

    def importance(self) -> DataFrame:
        """How much the best solution needs each column: growth of the loss when it is shuffled, as a share of the loss.

        The harness measures it while slots are idle, in a run with more slots than traces in which a language model
        diagnoses, or where `method.probes` asks for it. Where it did not, or the run ended before, the figures are
        those that the script reports of itself, with `measured` False and without `error`; empty where it reports none.
        """
        summary = self._summary()
        best, _ = best_of(summary)
        with open_reader(self.folder) as reader:
            found = evidence_of(find_step(summary, best.step), summary, reader.artefacts)
        rows = [(*each, found.measured) for each in found.importance]
        table = DataFrame(rows, columns=["feature", "importance", "error", "measured"])
        return table.sort_values("importance", ascending=False, kind="stable", ignore_index=True)

    def why(self, step: str | None = None) -> str:
        """What a step tried, for which reason, what came of it, and which messages led to it.

        Args:
            step: `trace.step`; by default the best.

        Raises:
            UsageError: There is no such step.
        """
        summary = self._summary()
        with open_reader(self.folder) as reader:
            return why(reader, find_step(summary, step or best_of(summary)[0].step))

    def report(self) -> Path:
        """Write the report, one HTML file that needs no server, and return its path."""
        return write_report(self.folder, self.folder / "report.html")

    def _summary(self) -> Summary:
        with open_reader(self.folder) as reader:
            return summarise(reader.envelopes())

    def _text(self, ref: str) -> str:
        with open_reader(self.folder) as reader:
            return reader.artefacts.read_now(ref).decode()

    def _diagnostics(self, name: str | None) -> Diagnostics:
        summary = self._summary()
        step = find_step(summary, name or best_of(summary)[0].step)
        if step.diagnostics_ref is None:
            raise UsageError(f"step {step.name} of {self.id} has no error analysis: no split of it was scored")
        return Diagnostics.model_validate_json(self._text(step.diagnostics_ref))


def open_run(run: Path | str = "@last", runs: Path | str | None = None) -> Run:
    """Open a run, finished or not.

    Args:
        run: Its folder, its id or a unique prefix of it, `@last` or `@best`.
        runs: The folder of all runs. By default $GOME_RUNS, or `runs` in the working directory.

    Raises:
        RunNotFound: No run matches, or more than one.
    """
    return Run(find_run(runs_root(Path(runs) if runs is not None else None), str(run)))


def _row(step: Step) -> dict[str, Any]:
    """A trial as a row of the leaderboard."""
    evaluation, ideas = step.evaluation, step.hypotheses
    return {
        "step": step.name,
        "verdict": step.verdict,
        "score": step.score,
        "standard_error": evaluation.standard_error if evaluation else None,
        "gain": step.gain,
        "splits": f"{len(evaluation.splits)}/{evaluation.planned}" if evaluation else "",
        "kind": step.proposal.step_kind if step.proposal else "",
        "change": "; ".join(each.statement for each in ideas),
        "component": ideas[0].component if ideas else "",
        "seconds": step.trial.seconds if step.trial else None,
        "reason": step.diagnosis.reason if step.diagnosis else "",
    }
