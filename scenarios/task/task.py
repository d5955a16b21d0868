"""A task: a folder in MLE-bench's layout with a manifest, loaded and checked.

FOLDER/task.yaml                       the meaning of the files (see `manifest`)
FOLDER/prepared/public/                train.csv, test.csv, sample_submission.csv, description.md, side files
FOLDER/prepared/private/answers.csv    optional: the test's targets, for grading after a run
FOLDER/leaderboard.csv                 optional: a column `score`, for medals
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from pandas import DataFrame

from gome.errors import TaskError
from gome.scenarios.evidence import SplitRule, TaskBrief
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import Metric, TaskType, metric_named
from gome.scenarios.task.checks import (
    check_columns,
    check_ids,
    check_sample,
    check_split,
    check_targets,
    read_task_table,
)
from gome.scenarios.task.encoding import encode_truth
from gome.scenarios.task.manifest import Manifest
from gome.scenarios.task.plain_tables import Layout, check_features, read_tables, without_ignored
from gome.scenarios.task.tables import canonical
from gome.scenarios.task.task_files import (
    answers_of,
    check_side_files,
    description_of,
    digest_of,
    has_side_files,
    leaderboard_of,
    linked_files,
    manifest_of,
    named_file,
    sample_path,
)
from gome.scenarios.task.text_table import TextTable
from gome.scenarios.task.typed_table import TypedTable, typed

__all__ = ["Task"]


@dataclass(frozen=True)
class Task:
    """One task. The tables hold text in plain form (`columns`); `brief.dtypes` are the types of their columns.

    `answers` and `leaderboard` are None if the task has none; `notes` are messages for the user. Nothing under
    `prepared/private` is part of `brief`, `digest` or a table.
    """

    folder: Path
    manifest: Manifest
    brief: TaskBrief
    metric: Metric
    digest: str
    train: TextTable
    test: TextTable
    sample: TextTable
    answers: Path | None
    leaderboard: Path | None
    sample_file: str = "sample_submission.csv"
    notes: tuple[str, ...] = field(default=())

    @property
    def public(self) -> Path:
        """The folder with the files that scripts may see."""
        return self.folder / "prepared" / "public"

    @cached_property
    def typed_train(self) -> DataFrame:
        """The training rows as numbers and text."""
        return typed(self.train, self.brief.dtypes)

    @property
    def typed_test(self) -> TypedTable:
        """The test rows, of the same types as the training rows. Not kept as a frame: only the profile asks."""
        return TypedTable(self.test, self.brief.dtypes)

    @cached_property
    def truth(self) -> Array:
        """The training targets as an array; see `formulas` for the shape."""
        return encode_truth(self.train, self.brief)

    @classmethod
    def load(cls, folder: Path, written: tuple[TextTable, TextTable] | None = None) -> "Task":
        """Read and check a task. Raises TaskError with file, column and row, or TaskProblems for task.yaml.

        `written` are the training and the test rows where they are known, since they were just written.
        """
        folder = Path(folder)
        manifest = manifest_of(folder)
        metric = metric_named(manifest.metric)
        public = folder / "prepared" / "public"
        linked = linked_files(folder, public)
        train_path, test_path = named_file(public, manifest.files.train), named_file(public, manifest.files.test)
        sample_file = sample_path(public, manifest.files.sample_submission)
        check_side_files(public, {train_path, test_path, sample_file})
        train, test = written or (read_task_table(train_path), read_task_table(test_path))
        sample = read_task_table(sample_file)
        layout = manifest.layout(quantities=metric.prediction == "value")
        train, test = without_ignored(train, train_path, test, layout)
        check_columns(train, train_path, test, test_path, manifest.id, manifest.targets)
        check_ids(train, train_path, manifest.id)
        check_ids(test, test_path, manifest.id)
        task_type, classes = _task_type(manifest, metric, train, train_path)
        classes = check_sample(sample, sample_file, test, manifest, metric.prediction, task_type, classes)
        check_targets(train, train_path, manifest.targets, metric, task_type, classes)
        read = read_tables(train, test, layout, (train_path.name, test_path.name))
        brief = TaskBrief(
            name=manifest.name or folder.resolve().name,
            description=description_of(public, manifest.files.description),
            task_type=task_type,
            id_column=manifest.id,
            targets=manifest.targets,
            classes=classes,
            metric=metric.name,
            direction=metric.direction,
            prediction=metric.prediction,
            submission_columns=tuple(sample.columns),
            train_file=train_path.name,
            test_file=test_path.name,
            split=_split(manifest, task_type),
            train_rows=len(train),
            test_rows=len(test),
            unverified=manifest.unverified,
            reading=read.remarks,
            dtypes=read.dtypes,
        )
        known = TypedTable(read.train, read.dtypes)
        check_split(known, train_path, brief)
        answers, unscored = answers_of(folder, manifest, test, brief, metric)
        leaderboard, notes = leaderboard_of(folder / "leaderboard.csv")
        notes = (*read.remarks, *unscored, *notes, *linked)
        digest = digest_of(folder / "task.yaml", public)
        ours, theirs, form = read.train, read.test, sample_file.name
        task = cls(folder, manifest, brief, metric, digest, ours, theirs, sample, answers, leaderboard, form, notes)
        if not has_side_files(public, {train_path, test_path, sample_file}):
            check_features(known, task.test, train_path, (manifest.id, *manifest.targets))
        return task

    @property
    def layout(self) -> Layout:
        """What the manifest says of the columns."""
        return self.manifest.layout(quantities=self.brief.task_type == "regression")

    def written(self, file: str) -> TextTable:
        """The rows of one of the task's tables as they are in its file, without ignored columns."""
        ignored = [name for name, kind in self.manifest.columns.items() if kind == "ignored"]
        return read_task_table(named_file(self.public, file)).without(ignored)

    def only(self, rows: Array) -> "Task":
        """The task with the training rows at these positions alone. Its brief counts them; its digest stays."""
        brief = self.brief.model_copy(update={"train_rows": len(rows)})
        return replace(self, brief=brief, train=self.train.take(rows))

    def with_test(self, test: TextTable, sample: TextTable, name: str) -> "Task":
        """The task with other test rows: text as written, with the columns of the task's test.

        They are read like its own: by what the training rows say as they were written.
        """
        read = read_tables(self.written(self.brief.train_file), test, self.layout, (self.brief.train_file, name))
        changed = {"test_rows": len(test), "reading": read.remarks, "dtypes": read.dtypes}
        brief = self.brief.model_copy(update=changed)
        return replace(self, brief=brief, train=read.train, test=read.test, sample=sample, notes=read.remarks)


def _task_type(manifest: Manifest, metric: Metric, train: TextTable, path: Path) -> tuple[TaskType, tuple[str, ...]]:
    """The type of task, from the metric and the number of classes, and the classes."""
    if metric.prediction == "value":
        if manifest.classes is not None:
            raise TaskError(f"{path}: task.yaml lists classes, but metric {metric.name} is for numbers")
        found: TaskType = "regression"
        classes: tuple[str, ...] = ()
    else:
        names = canonical(train[manifest.targets[0]])
        seen = sorted(set(names) - {""}, key=_class_order)
        classes = tuple(map(str, manifest.classes)) if manifest.classes else tuple(seen)
        if len(classes) < 2:
            raise TaskError(
                f"{path}: column {manifest.targets[0]!r} has only one class ({', '.join(classes) or 'none'})"
            )
        found = "binary" if len(classes) == 2 else "multiclass"
    if manifest.task_type not in (None, found):
        raise TaskError(
            f"{path}: task.yaml sets {manifest.task_type}, but metric {metric.name} with these targets means {found}"
        )
    if found not in metric.task_types:
        kinds = " or ".join(metric.task_types)
        raise TaskError(f"{path}: metric {metric.name} is for {kinds}; {len(classes)} classes make this {found}")
    if len(manifest.targets) > 1 and (metric.prediction == "label" or found == "multiclass"):
        raise TaskError(f"{path}: several targets need values or binary probabilities, {metric.name} scores neither")
    return found, classes


def _class_order(name: str) -> tuple[bool, float, str]:
    """Sort key: numbers by value, then text alphabetically."""
    try:
        return False, float(name), name
    except ValueError:
        return True, 0.0, name


def _split(manifest: Manifest, task_type: TaskType) -> SplitRule:
    if manifest.split is not None:
        return SplitRule(**manifest.split.model_dump())
    return SplitRule(kind="random" if task_type == "regression" else "stratified")
