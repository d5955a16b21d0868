"""The harness: gives scripts their data, and computes from their predictions what they are worth.

    view ──► a run of the script ──► judge ──► one split's score and predictions
                                                   │ of all splits that were run
                                                   ▼
                                               assemble ──► evaluation, out-of-fold predictions, submission

Nothing that a script writes is believed and nothing of it raises: a missing or wrong file is a defect with words.
"""

import hashlib
import json
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gome.scenarios.diagnostics.record import Diagnostics, Probes
from gome.scenarios.diagnostics.sliced_table import SlicedTable
from gome.scenarios.evaluation.baseline import dummy_score
from gome.scenarios.evaluation.blending import blend, predictions_table
from gome.scenarios.evaluation.diagnosing import diagnose_trial, sliced_features
from gome.scenarios.evaluation.leaks import find_leaks
from gome.scenarios.evaluation.probe_names import HALF, PROBE
from gome.scenarios.evaluation.probes import make_probe, read_probe
from gome.scenarios.evaluation.residuals import residual_slices
from gome.scenarios.evaluation.scoring import bundles, merge, overflow, read_claims, score_rows
from gome.scenarios.evaluation.submission import check_submission
from gome.scenarios.evaluation.view_files import ScriptLimits, copy_side_files, write_view
from gome.scenarios.evaluation.views import (
    View,
    ViewName,
    make_view,
    run_order,
    split_of,
    task_splits,
    units_of,
    view_of_split,
)
from gome.scenarios.evidence import DefectNote, Evaluation, Profile
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.profiling.profile import profile_task
from gome.scenarios.task.encoding import encode_predictions
from gome.scenarios.task.side_files import Joined, find_tables
from gome.scenarios.task.tables import canonical
from gome.scenarios.task.task import Task

__all__ = ["FILES", "Assembled", "Harness", "Judged"]

FILES = ("submission.csv", "evidence.json")
"""What a script writes, by docs/contract.md."""


@dataclass(frozen=True)
class Judged:
    """One run, judged. `predictions` has the withheld rows and then the test rows of its view, in the task's order.

    They are None where the file has defects; shapes are those of `formulas`.
    """

    evaluation: Evaluation
    predictions: Array | None


@dataclass(frozen=True)
class Assembled:
    """The runs of a trial together: out-of-fold predictions and the mean submission are tables as text.

    A task that cannot be split has no out-of-fold predictions and no diagnostics.
    """

    evaluation: Evaluation
    oof: str
    submission: str
    diagnostics: Diagnostics | None = None


class Harness:
    """One task's harness in one folder, which belongs to it alone. All methods are synchronous and thread-safe.

    With `own_copy` views link to a copy of the task's side files, made once, and not to the files themselves.
    """

    def __init__(
        self,
        task: Task,
        folder: Path,
        seed: int,
        holdout_share: float = 0.2,
        limits: ScriptLimits | None = None,
        *,
        own_copy: bool = False,
    ) -> None:
        self._own_copy = own_copy
        self.task = task
        self.folder = Path(folder)
        self._seed = seed
        self._share = holdout_share
        self._limits = limits or ScriptLimits()
        self._views: dict[ViewName, View] = {}
        self._writing = threading.Lock()

    @cached_property
    def splits(self) -> tuple[ViewName, ...]:
        """The views that a trial is run on, in the order in which they are run. Raises TaskError for too few rows.

        A task that cannot be split has one, with nothing withheld: a script validates itself there.
        """
        rule = self.task.brief.split
        if rule.kind == "own":
            return ("full",)
        return tuple(view_of_split(split) for split in run_order(rule, len(task_splits(self.task, self._seed))))

    def data(self, view: ViewName) -> Path:
        """The folder that a script is given as `--data`, written when it is first asked for.

        It is named by a hash, so that a path tells a script nothing. Raises TaskError where the disk does not take it;
        then nothing half-made is left.
        """
        key = json.dumps([self.task.digest, self._seed, self._share, vars(self._limits), view])
        folder = self.folder / hashlib.sha256(key.encode()).hexdigest()[:16]
        with self._writing:
            if not folder.exists():
                draft = folder.with_suffix(".part")
                shutil.rmtree(draft, ignore_errors=True)
                write_view(self.task, self._view(view), draft, self._limits, self._beside())
                draft.replace(folder)
        return folder

    @cached_property
    def profile(self) -> Profile:
        """What the training data look like."""
        return profile_task(self.task, self._tables)

    @cached_property
    def _tables(self) -> list[Joined]:
        return list(find_tables(self.task))

    @cached_property
    def _features(self) -> SlicedTable:
        return sliced_features(self.task, self._tables, self.profile.sample_columns)

    def evaluate(self, view: ViewName, files: Mapping[str, Path]) -> Evaluation:
        """What a script wrote is worth; see `judge`."""
        return self.judge(view, files).evaluation

    def judge(self, view: ViewName, files: Mapping[str, Path]) -> Judged:
        """Judge what a script wrote on a view: name in `FILES` → where it was collected; any may be missing."""
        made, brief, metric = self._view(view), self.task.brief, self.task.metric
        path = files.get("submission.csv")
        checked = check_submission(path, brief, metric, canonical(made.ids), constant_is_defect=view != "debug")
        figures: dict[str, Any] = {"submission_sha256": _sha256(path)} | read_claims(files.get("evidence.json"))
        if checked.table is None:
            return Judged(Evaluation(view=view, defects=checked.defects, **figures), None)
        in_file = encode_predictions(checked.table, brief)
        predictions = np.empty_like(in_file)
        predictions[made.order] = in_file
        if defects := overflow(predictions):
            return Judged(Evaluation(view=view, defects=defects, **figures), None)
        figures |= self._scored(made, predictions) if len(made.withheld) else self._claimed(figures)
        evaluation = Evaluation(view=view, **figures)
        return Judged(evaluation, predictions if evaluation.valid else None)

    def assemble(
        self,
        runs: Sequence[Evaluation],
        predictions: Sequence[Array],
        planned: int | None = None,
        best: str | None = None,
        rows: int | None = None,
    ) -> Assembled:
        """The runs of a trial on some of `planned` splits (all of the task's), and where it errs.

        `predictions` are those of `runs`, which have no defects. `best` is the out-of-fold table of the solution that
        it is compared with. Diagnostics are made where `rows` says how many rows they may show, 0 being none.
        """
        brief, metric = self.task.brief, self.task.metric
        views = [self._view(run.view) for run in runs]
        at = np.concatenate([view.withheld for view in views])
        held = np.concatenate([each[: len(view.withheld)] for each, view in zip(predictions, views, strict=True)])
        order = np.argsort(at, kind="stable")
        at, held = at[order], held[order]
        truth = self.task.truth[at]
        evaluation = merge(runs, brief.split, planned or len(self.splits))
        diagnostics = None
        if len(at):
            features = self.task.typed_train.drop(columns=[brief.id_column, *brief.targets]).iloc[at]
            found = {
                "residuals": residual_slices(features, truth, held, brief, metric),
                "leaks": find_leaks(self.task, truth, held, evaluation.score),
            }
            evaluation = evaluation.model_copy(update=found)
            if rows is not None:
                diagnostics = diagnose_trial(self.task, self._features, views, at, held, best, rows)
        ids = self.task.train[brief.id_column].iloc[at]
        oof = predictions_table(ids, held, brief) if len(at) else ""
        return Assembled(evaluation, oof, self.mean(predictions), diagnostics)

    def submission(self, predictions: Array) -> str:
        """The test rows of one run's predictions as a submission."""
        return predictions_table(self.task.test[self.task.brief.id_column], self._of_test(predictions), self.task.brief)

    def mean(self, predictions: Sequence[Array]) -> str:
        """The mean of several runs' predictions for the test rows, as a submission."""
        return self.submission(blend([self._of_test(each) for each in predictions], self.task.brief, self.task.metric))

    def probes(self, predictions: Array) -> Probes:
        """What predictions for the probe view say of a solution (`probes`)."""
        return read_probe(self.task, self._view(PROBE), predictions)

    def score_mean(self, view: ViewName, predictions: Sequence[Array]) -> Evaluation:
        """What the mean of several runs on that view, or on others with the same withheld rows, is worth."""
        made = self._view(view)
        return Evaluation(view=view, **self._scored(made, blend(predictions, self.task.brief, self.task.metric)))

    def blend(self, submissions: Sequence[Path]) -> str:
        """The mean of submissions, as the text of one. Raises ValueError where one is not as asked."""
        brief, metric = self.task.brief, self.task.metric
        ids = canonical(self.task.test[brief.id_column])
        checked = [check_submission(path, brief, metric, ids, constant_is_defect=False) for path in submissions]
        good = [encode_predictions(each.table, brief) for each in checked if each.table is not None]
        if len(good) < len(checked) or not good:
            raise ValueError(f"{len(checked) - len(good)} of {len(checked)} submissions are not as asked: no mean")
        return self.mean(good)

    def dummy_score(self) -> float | None:
        """The score over the same splits of a constant prediction (`baseline`); None where there are no splits."""
        rule = self.task.brief.split
        return None if rule.kind == "own" else dummy_score(self.task, task_splits(self.task, self._seed))

    def _scored(self, made: View, predictions: Array) -> dict[str, Any]:
        """The fields of an evaluation that come from the withheld rows."""
        task, rows = self.task, len(made.withheld)
        units = bundles(units_of(task)[made.withheld], task.brief.split)
        figures = score_rows(task.metric, task.truth[made.withheld], predictions[:rows], units, self._seed)
        if "score" not in figures:
            return figures
        split = split_of(made.name) or 0
        return figures | {"splits": (split,), "planned": 1, "fold_rows": ((rows, len(made.train)),), "weights": (1.0,)}

    def _claimed(self, figures: Mapping[str, Any]) -> dict[str, Any]:
        """On a task that cannot be split: the score that the script says it has, marked as not verified."""
        if self.task.brief.split.kind != "own":
            return {}
        score = figures.get("claims", {}).get("score")
        if score is None:
            words = "evidence.json has no number `score`: this task is not split, so a script says its own"
            return {"defects": (DefectNote(code="no-score", message=words),)}
        rows = ((len(self.task.train), len(self.task.train)),)
        scored = {"score": score, "folds": (score,), "splits": (0,), "planned": 1, "weights": (1.0,)}
        return scored | {"fold_rows": rows, "replicates": ((),), "verified": False}

    def _of_test(self, predictions: Array) -> Array:
        return predictions[len(predictions) - len(self.task.test) :]

    def _beside(self) -> Path | None:
        """Where the side files are linked from; None for the task's own folder."""
        if not self._own_copy:
            return None
        folder = self.folder / "beside"
        if not folder.exists():
            draft = folder.with_suffix(".part")
            shutil.rmtree(draft, ignore_errors=True)
            copy_side_files(self.task, draft)
            draft.replace(folder)
        return folder

    def _view(self, name: ViewName) -> View:
        """Views are kept as positions; two threads that make one at once make the same."""
        if name not in self._views:
            if name in (PROBE, HALF):
                self._views[name] = make_probe(self.task, name, self._seed, self.profile)
            else:
                self._views[name] = make_view(self.task, name, self._seed, self._share)
        return self._views[name]


def _sha256(path: Path | None) -> str | None:
    if path is None or path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
