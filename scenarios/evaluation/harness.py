"""The harness: gives scripts their data, and computes scores from their predictions.

    view ──► a run of the script ──► judge ──► one split's score and predictions
                                                   │ for all splits that were run
                                                   ▼
                                               assemble ──► evaluation, out-of-fold predictions, submission

Nothing that a script writes is trusted, and none of it raises: a missing or invalid file is reported as a defect.
"""

import hashlib
import json
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from gome.scenarios.diagnostics.record import Diagnostics, Probes
from gome.scenarios.diagnostics.sliced_table import SlicedTable
from gome.scenarios.evaluation.baseline import dummy_score
from gome.scenarios.evaluation.blending import blend, predictions_table
from gome.scenarios.evaluation.claims import claimed, read_claims
from gome.scenarios.evaluation.ensembling import Ensembled, ensemble_trials
from gome.scenarios.evaluation.leaks import find_leaks
from gome.scenarios.evaluation.out_of_fold import Pair, pair_scores, read_oof
from gome.scenarios.evaluation.probe_names import HALF, PROBE
from gome.scenarios.evaluation.probes import make_probe, read_probe
from gome.scenarios.evaluation.residuals import residual_slices
from gome.scenarios.evaluation.scoring import merge, overflow, score_view
from gome.scenarios.evaluation.submission import check_submission
from gome.scenarios.evaluation.trial_errors import diagnose_trial, sliced_features
from gome.scenarios.evaluation.view_files import ScriptLimits, copy_side_files, write_view
from gome.scenarios.evaluation.views import Searched, View, ViewName, make_view, set_apart, task_splits, view_of_split
from gome.scenarios.evidence import Evaluation, Profile
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.profiling.profile import profile_task
from gome.scenarios.task.encoding import encode_predictions
from gome.scenarios.task.side_files import Joined, find_tables
from gome.scenarios.task.splits import Split, run_order
from gome.scenarios.task.tables import canonical
from gome.scenarios.task.task import Task

__all__ = ["FILES", "Assembled", "Harness", "Judged"]

FILES = ("submission.csv", "evidence.json")
"""The files that a script writes (docs/contract.md)."""


@dataclass(frozen=True)
class Judged:
    """The evaluation of one run. `predictions` are for the view's withheld rows, then its test rows, in task order.

    They are None if the file has defects; shapes are those of `formulas`.
    """

    evaluation: Evaluation
    predictions: Array | None


@dataclass(frozen=True)
class Assembled:
    """All runs of a trial combined. `oof` (out-of-fold predictions) and `submission` (the mean) are CSV text.

    A task that cannot be split has no out-of-fold predictions.
    """

    evaluation: Evaluation
    oof: str
    submission: str


class Harness:
    """The harness of one task. It owns `folder`. All methods are synchronous and thread-safe.

    With `own_copy`, views link to a copy of the task's side files instead of the originals. With `apart`, the search
    has no label of the hold-out's rows (`set_apart`).
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
        apart: bool = False,
    ) -> None:
        self._own_copy = own_copy
        self._apart = apart
        self.task = task
        self.folder = Path(folder)
        self._seed = seed
        self._share = holdout_share
        self._limits = limits or ScriptLimits()
        self._views: dict[ViewName, View] = {}
        self._writing = threading.Lock()

    @cached_property
    def _set_apart(self) -> Searched | None:
        return set_apart(self.task, self._seed, self._share) if self._apart else None

    @property
    def searched(self) -> Task:
        """The task as the search sees it: without the rows of a hold-out that is set apart. Raises TaskError."""
        return self._set_apart.task if self._set_apart else self.task

    @property
    def _parts(self) -> tuple[Split, ...]:
        """The splits of the rows that the search sees; none of a task that cannot be split."""
        return () if self.searched.brief.split.kind == "own" else task_splits(self.searched, self._seed)

    @cached_property
    def splits(self) -> tuple[ViewName, ...]:
        """The views that a trial runs on, in this order. Raises TaskError for too few rows.

        A task that cannot be split has one view with no withheld rows: a script validates itself.
        """
        return tuple(map(view_of_split, run_order(self.task.brief.split, len(self._parts)))) or ("full",)

    def data(self, view: ViewName) -> Path:
        """The folder that a script is given as `--data`, written on first use.

        Its name is a hash, so that the path reveals nothing. Raises TaskError if it cannot be written; no partial
        folder is left.
        """
        key = json.dumps([self.task.digest, self._seed, self._share, self._apart, vars(self._limits), view])
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
        """The profile of the training data. Raises TaskError for too few rows."""
        return profile_task(self.searched, None if self._apart else self._tables, self._parts)

    @cached_property
    def _tables(self) -> list[Joined]:
        return list(find_tables(self.task))

    @cached_property
    def _features(self) -> SlicedTable:
        return sliced_features(self.task, self._tables, self.profile.sample_columns)

    def judge(self, view: ViewName, files: Mapping[str, Path]) -> Judged:
        """Evaluate what a script wrote for a view. `files`: name in `FILES` → collected path; any may be missing."""
        made, brief, metric = self._view(view), self.task.brief, self.task.metric
        path, claims = files.get("submission.csv"), read_claims(files.get("evidence.json"))
        checked = check_submission(path, brief, metric, canonical(made.ids), constant_is_defect=view != "debug")
        evaluation = Evaluation(
            view=view,
            defects=checked.defects,
            submission_sha256=_sha256(path),
            train_folds=() if claims.train_score is None else (claims.train_score,),
            importance=claims.importance,
            claims=claims.figures,
        )
        if checked.table is None:
            return Judged(evaluation, None)
        in_file = encode_predictions(checked.table, brief)
        predictions = np.empty_like(in_file)
        predictions[made.order] = in_file
        if defects := overflow(predictions):
            return Judged(evaluation.model_copy(update={"defects": defects}), None)
        if len(made.withheld):
            evaluation = score_view(evaluation, self.task, made, predictions, self._seed)
        elif brief.split.kind == "own":
            evaluation = claimed(evaluation, len(self.task.train))
        return Judged(evaluation, predictions if evaluation.valid else None)

    def assemble(
        self, runs: Sequence[Evaluation], predictions: Sequence[Array], planned: int | None = None
    ) -> Assembled:
        """Combine runs without defects on some of `planned` splits (default: all of the task's)."""
        brief, metric = self.task.brief, self.task.metric
        views = [self._view(run.view) for run in runs]
        at = np.concatenate([view.withheld for view in views])
        held = np.concatenate([each[: len(view.withheld)] for each, view in zip(predictions, views, strict=True)])
        order = np.argsort(at, kind="stable")
        at, held = at[order], held[order]
        truth = self.task.truth[at]
        evaluation = merge(runs, brief.split, planned or len(self.splits))
        if len(at):
            features = self.task.typed_train.drop(columns=[brief.id_column, *brief.targets]).iloc[at]
            found = {
                "residuals": residual_slices(features, truth, held, brief, metric),
                "leaks": find_leaks(self.task, truth, held, evaluation.score),
            }
            evaluation = evaluation.model_copy(update=found)
        ids = self.task.train[brief.id_column].iloc[at]
        oof = predictions_table(ids, held, brief) if len(at) else ""
        return Assembled(evaluation, oof, self.mean(predictions))

    def analyse(self, oof: str, best: str | None, rows: int) -> Diagnostics | None:
        """Where and how a solution errs, from its out-of-fold table; see `diagnose_trial`."""
        read = read_oof(self.task, self._split_views, oof)
        return diagnose_trial(self.task, self._features, read, best, rows)

    def pair(self, own: str, other: str) -> Pair | None:
        """Compare two solutions with means of both, from their out-of-fold tables; see `pair_scores`."""
        views = self._split_views
        first, second = read_oof(self.task, views, own), read_oof(self.task, views, other)
        found = pair_scores(self.task, first, second, len(views), self._evaluated)
        if found is None:
            return None
        theirs = {view.name for view in second.views}
        both = [view for view in first.views if view.name in theirs]
        best = ensemble_trials(self.task, both, (own, other), 2, self._evaluated)
        return replace(found, weights=best.weights, weighted=best.evaluation) if best else found

    def submission(self, predictions: Array) -> str:
        """The test rows of one run's predictions, as the text of a submission."""
        return predictions_table(self.task.test[self.task.brief.id_column], self._of_test(predictions), self.task.brief)

    def mean(self, predictions: Sequence[Array], weights: Sequence[float] | None = None) -> str:
        """The blend of several runs' predictions for the test rows, as the text of a submission."""
        of_test = [self._of_test(each) for each in predictions]
        return self.submission(blend(of_test, self.task.brief, self.task.metric, weights))

    def probes(self, predictions: Array) -> Probes:
        """The figures computed from predictions for the probe view (`probes`)."""
        return read_probe(self.task, self._view(PROBE), predictions)

    def score_mean(self, view: ViewName, predictions: Sequence[Array]) -> Evaluation:
        """The evaluation of the blend of several runs on a view, or on views with the same withheld rows."""
        return self._evaluated(self._view(view), blend(predictions, self.task.brief, self.task.metric))

    def ensemble(self, tables: Sequence[str], most: int) -> Ensembled | None:
        """Select an ensemble of at most `most` trials from their out-of-fold tables; see `ensemble_trials`."""
        if self.task.brief.split.kind == "own":
            return None
        return ensemble_trials(self.task, self._split_views, tables, most, self._evaluated)

    def blend(self, submissions: Sequence[Path], weights: Sequence[float] | None = None) -> str:
        """The blend of several submissions, as the text of one. Raises ValueError if one is invalid."""
        brief, metric = self.task.brief, self.task.metric
        ids = canonical(self.task.test[brief.id_column])
        checked = [check_submission(path, brief, metric, ids, constant_is_defect=False) for path in submissions]
        good = [encode_predictions(each.table, brief) for each in checked if each.table is not None]
        if len(good) < len(checked) or not good:
            raise ValueError(f"{len(checked) - len(good)} of {len(checked)} submissions are invalid")
        return self.mean(good, weights)

    def dummy_score(self) -> float | None:
        """The score of a constant prediction over the same splits (`baseline`); None if there are no splits."""
        parts = self._parts
        return dummy_score(self.searched, parts) if parts else None

    @property
    def _split_views(self) -> list[View]:
        return [self._view(split) for split in self.splits]

    def _evaluated(self, view: View, predictions: Array) -> Evaluation:
        return score_view(Evaluation(view=view.name), self.task, view, predictions, self._seed)

    def _of_test(self, predictions: Array) -> Array:
        return predictions[len(predictions) - len(self.task.test) :]

    def _beside(self) -> Path | None:
        """The folder that side files are linked from; None for the task's own folder."""
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
        """The view, cached. Needs no lock: two threads that make a view at the same time get equal results."""
        if name not in self._views:
            if name in (PROBE, HALF):
                first = self._view(self.splits[0])
                self._views[name] = make_probe(self.task, name, self._seed, self.profile, first)
            else:
                self._views[name] = make_view(self.task, name, self._seed, self._share, self._set_apart)
        return self._views[name]


def _sha256(path: Path | None) -> str | None:
    if path is None or path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
