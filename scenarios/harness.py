"""The harness: gives scripts their data, and computes from their predictions what they are worth.

Nothing that a script writes is believed and nothing of it raises: a missing or wrong file is a defect with words.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from scenarios.baseline import dummy_score
from scenarios.blending import blended_table
from scenarios.evidence import Evaluation, LeakNote, Profile
from scenarios.examination import Told, Twins
from scenarios.profile import profile_task
from scenarios.scoring import read_claims, score_folds, score_holdout
from scenarios.source_claims import claimed_scores
from scenarios.source_leaks import read_source
from scenarios.submission import check_oof, check_submission
from scenarios.tables import canonical
from scenarios.tasks import Task
from scenarios.views import VIEWS, ScriptLimits, View, ViewName, make_view, valid_rows, write_view

__all__ = ["FILES", "Harness"]

FILES = ("oof.csv", "submission.csv", "evidence.json")
"""What a script writes, by docs/contract.md."""


_CLAIM_TOLERANCE = 0.02


class Harness:
    """One task's harness in one folder, which belongs to it alone. All methods are synchronous and thread-safe."""

    def __init__(
        self, task: Task, folder: Path, seed: int, holdout_share: float = 0.2, limits: ScriptLimits | None = None
    ) -> None:
        self.task = task
        self.folder = Path(folder)
        self._seed = seed
        self._share = holdout_share
        self._limits = limits or ScriptLimits()
        self._views: dict[ViewName, View] = {}

    def prepare(self) -> None:
        """Write all views; those that are there from an earlier call for the same task, seed and limits stay.

        Raises TaskError where the task cannot be split or the disk does not take it; then nothing half-made is left.
        """
        key = json.dumps([self.task.digest, self._seed, self._share, vars(self._limits), VIEWS])
        stamp = self.folder / "views.json"
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == key:
            return
        stamp.unlink(missing_ok=True)
        for name in VIEWS:
            shutil.rmtree(self.data(name), ignore_errors=True)
            write_view(self.task, self._view(name), self.data(name), self._limits)
        draft = stamp.with_suffix(".part")
        draft.write_text(key, encoding="utf-8")
        draft.replace(stamp)

    def data(self, view: ViewName) -> Path:
        """The folder that a script is given as `--data`."""
        return self.folder / view

    @cached_property
    def profile(self) -> Profile:
        """What the training data look like."""
        return profile_task(self.task)

    def evaluate(self, view: ViewName, files: Mapping[str, Path], source: str = "") -> Evaluation:
        """Judge what a script wrote: name in `FILES` → where it was collected; any may be missing.

        `source` is the script's own text; on the full view it is searched for leaks too.

        For full and debug, `score` is the mean over folds of `oof.csv`, and the standard error that of this mean. For
        holdout, `score` is that of `submission.csv` against the hold-out's labels, `folds` has this one figure, the
        standard error is by bootstrap (of groups where the task is split by group), and `oof.csv` is not read.
        """
        made = self._view(view)
        brief, metric = self.task.brief, self.task.metric
        path = files.get("submission.csv")
        ids = canonical(made.test[brief.id_column])
        submission = check_submission(path, brief, metric, ids, constant_is_defect=view in ("full", "holdout"))
        figures: dict[str, Any] = {"submission_sha256": _sha256(path)}
        defects = submission.defects
        if made.held is not None:
            if submission.table is not None:
                figures |= score_holdout(self.task, made.held, submission.table, self._seed)
        else:
            valid = valid_rows(made, brief.id_column)
            oof = check_oof(files.get("oof.csv"), brief, metric, valid)
            defects += oof.defects
            if oof.table is not None:
                figures |= score_folds(self.task, made, valid, oof.table)
            figures |= read_claims(files.get("evidence.json"), len(figures.get("folds", ())))
            if view == "full":
                figures["leaks"] = figures.get("leaks", ()) + self._leaks_in(source, figures)
        return Evaluation(view=view, defects=defects + figures.pop("defects", ()), **figures)

    def examine(
        self, probe: Mapping[str, Path], twin: Mapping[str, Path], again: Mapping[str, Path] | None = None
    ) -> tuple[tuple[LeakNote, ...], bool]:
        """The cross-examination of what a script wrote for the two views (`examination`), as `evaluate` is given it.

        Returns what it shows, and whether a run on the probe once `again` is needed to tell. Raises ValueError where
        one of the files is not as asked.
        """
        twins = Twins(self._view("probe"), self._view("twin"), self.task.brief)
        told = self._told("probe", again) if again is not None else None
        return twins.examine(self._told("probe", probe), self._told("twin", twin), told)

    def _told(self, view: ViewName, files: Mapping[str, Path]) -> Told:
        made, brief, metric = self._view(view), self.task.brief, self.task.metric
        oof = check_oof(files.get("oof.csv"), brief, metric, valid_rows(made, brief.id_column)).table
        ids = canonical(made.test[brief.id_column])
        submission = check_submission(files.get("submission.csv"), brief, metric, ids, constant_is_defect=False).table
        if oof is None or submission is None:
            raise ValueError(f"what a script wrote for the {view} view is not as asked, and cannot be examined")
        return Told(oof, submission)

    def blend(self, view: ViewName, submissions: Sequence[Path]) -> str:
        """The mean of submissions for a view, as the text of one. Raises ValueError where one is not as asked."""
        made, brief, metric = self._view(view), self.task.brief, self.task.metric
        ids = canonical(made.test[brief.id_column])
        checked = [check_submission(path, brief, metric, ids, constant_is_defect=False) for path in submissions]
        good = [each.table for each in checked if each.table is not None]
        if len(good) < len(checked) or not good:
            raise ValueError(f"{len(checked) - len(good)} of {len(checked)} submissions are not as asked: no mean")
        return str(blended_table(good, brief, metric).to_csv(index=False, lineterminator="\n"))

    def dummy_score(self) -> float:
        """The score on the same folds of a constant prediction (see `baseline`)."""
        return dummy_score(self.task, self._view("full").folds)

    def _leaks_in(self, source: str, figures: Mapping[str, Any]) -> tuple[LeakNote, ...]:
        """What the script's text gives away, and whether it prints a better score than its predictions have."""
        task = self.task
        notes = read_source(source, task.brief, set(canonical(task.test[task.brief.id_column])))
        score = figures.get("score")
        if score is None:
            return notes
        doubt = max(3 * (figures.get("standard_error") or 0.0), _CLAIM_TOLERANCE * abs(score))
        for line, claim in claimed_scores(source, task.brief.metric):
            better = score - claim if task.brief.direction == "minimize" else claim - score
            if better > doubt:
                words = (
                    f"line {line}: prints a score of {claim:g} that is written there; its predictions score {score:.5g}"
                )
                return (*notes, LeakNote(code="score-made-up", severity="severe", message=words))
        return notes

    def _view(self, name: ViewName) -> View:
        """Views are kept; two threads that make one at once make the same."""
        if name not in self._views:
            self._views[name] = make_view(self.task, name, self._seed, self._share)
        return self._views[name]


def _sha256(path: Path | None) -> str | None:
    if path is None or path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
