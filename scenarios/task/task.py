"""A task: a folder in MLE-bench's layout with a manifest, loaded and checked.

FOLDER/task.yaml                       the meaning of the files (see `manifest`)
FOLDER/prepared/public/                train.csv, test.csv, sample_submission.csv, description.md, side files
FOLDER/prepared/private/answers.csv    optional: the test's targets, for grading after a run
FOLDER/leaderboard.csv                 optional: a column `score`, for medals
"""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from pandas import DataFrame

from gome.errors import TaskError
from gome.scenarios.evidence import SplitRule, TaskBrief
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import Metric, TaskType, metric_named
from gome.scenarios.task.checks import (
    check_answers,
    check_columns,
    check_ids,
    check_sample,
    check_split,
    check_targets,
    read_task_table,
)
from gome.scenarios.task.columns import typed
from gome.scenarios.task.encoding import encode_truth
from gome.scenarios.task.manifest import Manifest, read_manifest
from gome.scenarios.task.plain_tables import check_features, read_tables, without_ignored
from gome.scenarios.task.tables import Damaged, canonical, numbers, read_table

__all__ = ["Task"]

_LARGEST_LEADERBOARD = 1 << 26
_IN_EVERY_VIEW = ("task.json", "train.csv", "test.csv")
"""Files that the harness writes into every view (`view_files`), so side files must not have these names.

It writes a sample submission too, but a second one in the task is simply left out (`views.side_files`).
"""


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
    train: DataFrame
    test: DataFrame
    sample: DataFrame
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

    @cached_property
    def typed_test(self) -> DataFrame:
        """The test rows as numbers and text, of the same types as the training rows."""
        return typed(self.test, self.brief.dtypes)

    @cached_property
    def truth(self) -> Array:
        """The training targets as an array; see `formulas` for the shape."""
        return encode_truth(self.train, self.brief)

    @classmethod
    def load(cls, folder: Path) -> "Task":
        """Read and check a task. Raises TaskError with file, column and row, or TaskProblems for task.yaml."""
        folder = Path(folder)
        manifest = _manifest(folder)
        metric = metric_named(manifest.metric)
        public = folder / "prepared" / "public"
        train_path, test_path = _named(public, manifest.files.train), _named(public, manifest.files.test)
        sample_path = _sample_path(public, manifest.files.sample_submission)
        _check_side_files(public, {train_path, test_path, sample_path})
        train, test, sample = (read_task_table(path) for path in (train_path, test_path, sample_path))
        train, test = without_ignored(train, train_path, test, manifest)
        check_columns(train, train_path, test, test_path, manifest.id, manifest.targets)
        check_ids(train, train_path, manifest.id)
        check_ids(test, test_path, manifest.id)
        task_type, classes = _task_type(manifest, metric, train, train_path)
        classes = check_sample(sample, sample_path, test, manifest, metric.prediction, task_type, classes)
        check_targets(train, train_path, manifest.targets, metric, task_type, classes)
        read = read_tables(train, test, manifest, task_type, (train_path.name, test_path.name))
        brief = TaskBrief(
            name=manifest.name or folder.resolve().name,
            description=_description(public / manifest.files.description),
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
        check_split(typed(read.train, read.dtypes), train_path, brief)
        answers, unscored = _answers(folder, manifest, test, brief, metric)
        leaderboard, notes = _leaderboard(folder / "leaderboard.csv")
        notes = (*read.remarks, *unscored, *notes)
        digest = _digest(folder / "task.yaml", public)
        task = cls(
            folder,
            manifest,
            brief,
            metric,
            digest,
            read.train,
            read.test,
            sample,
            answers,
            leaderboard,
            sample_path.name,
            notes,
        )
        if not _has_more(public, {train_path, test_path, sample_path}):
            check_features(task.typed_train, task.test, train_path, (manifest.id, *manifest.targets))
        return task

    def with_test(self, test: DataFrame, sample: DataFrame, name: str) -> "Task":
        """The task with other test rows (text as written, with the columns of the task's test), read like its own."""
        files = (self.brief.train_file, name)
        read = read_tables(self.train, test, self.manifest, self.brief.task_type, files)
        changed = {"test_rows": len(test), "reading": read.remarks, "dtypes": read.dtypes}
        brief = self.brief.model_copy(update=changed)
        return replace(self, brief=brief, train=read.train, test=read.test, sample=sample, notes=read.remarks)


def _manifest(folder: Path) -> Manifest:
    if not folder.is_dir():
        raise TaskError(f"{folder} is not a folder; a task is a folder with task.yaml and prepared/public")
    path = folder / "task.yaml"
    if not path.is_file():
        raise TaskError(f"{path} is missing; it needs at least `targets: [COLUMN]` and `metric: NAME`")
    if not (folder / "prepared" / "public").is_dir():
        known = folder.parent == Path(__file__).parents[1] / "tasks"
        remedy = f"prepare it with `gome task prepare {folder.name}`" if known else "put train.csv and test.csv there"
        raise TaskError(f"{folder / 'prepared' / 'public'} is missing; {remedy}")
    return read_manifest(path)


def _named(public: Path, name: str) -> Path:
    path = public / name
    if path.parent != public:
        raise TaskError(f"{name}: files in task.yaml must be plain names in prepared/public")
    if not path.is_file():
        there = ", ".join(sorted(each.name for each in public.iterdir())[:12]) or "nothing"
        raise TaskError(f"{path} is missing; the folder has {there}. Name the file under `files` in task.yaml")
    return path


def _check_side_files(public: Path, tables: set[Path]) -> None:
    """Check that no side file has the name of a file that the harness writes into every view."""
    for name in _IN_EVERY_VIEW:
        if (public / name).exists() and public / name not in tables:
            raise TaskError(f"{public / name}: this name is reserved for a file that scripts are given; rename it")


def _has_more(public: Path, tables: set[Path]) -> bool:
    """Whether there are files beside the tables that may hold features: any but prose."""
    return any(path.is_file() and path not in tables and path.suffix != ".md" for path in public.rglob("*"))


def _sample_path(public: Path, name: str | None) -> Path:
    """Find the sample submission, whose file name varies among MLE-bench's tasks."""
    if name is not None:
        return _named(public, name)
    found = sorted(path for path in public.glob("*.csv") if path.name.lower().startswith("sample"))
    if len(found) != 1:
        words = "is missing" if not found else f"is ambiguous: {', '.join(path.name for path in found)}"
        raise TaskError(f"{public / 'sample_submission.csv'} {words}; set files.sample_submission in task.yaml")
    return found[0]


def _task_type(manifest: Manifest, metric: Metric, train: DataFrame, path: Path) -> tuple[TaskType, tuple[str, ...]]:
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


def _description(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{path} cannot be read as UTF-8 text: {error}") from error


def _answers(
    folder: Path, manifest: Manifest, test: DataFrame, brief: TaskBrief, metric: Metric
) -> tuple[Path | None, tuple[str, ...]]:
    """The file of answers, and a note if some rows have none."""
    private = folder / "prepared" / "private"
    if manifest.files.answers is not None:
        path = private / manifest.files.answers
        if not path.is_file():
            raise TaskError(f"{path}, set as files.answers in task.yaml, is missing")
    else:
        found = sorted(private.glob("*.csv"))
        if len(found) > 1:
            raise TaskError(f"{private} has {len(found)} CSV files; set files.answers in task.yaml")
        if not found:
            return None, ()
        path = found[0]
    unscored = check_answers(path, test, brief, metric)
    return path, (f"{unscored} of {len(test)} test rows are not scored: they have no answer",) if unscored else ()


def _leaderboard(path: Path) -> tuple[Path | None, tuple[str, ...]]:
    if not path.is_file():
        return None, ()
    with path.open("rb") as file:
        if file.read(40).startswith(b"version https://git-lfs"):
            return None, (
                f"{path.resolve()} is a Git LFS pointer, not the leaderboard; run `git lfs pull` to get medals",
            )
    try:
        table = read_table(path, _LARGEST_LEADERBOARD)
    except Damaged as damaged:
        raise TaskError(f"{path}: {damaged}") from damaged
    if "score" not in table or not len(table):
        raise TaskError(f"{path}: a leaderboard needs a column `score` and at least one row")
    bad = numbers(table["score"]).isna().to_numpy()
    if bad.any():
        raise TaskError(f"{path}: column 'score', row {int(bad.argmax()) + 1} is not a number")
    return path, ()


def _digest(manifest: Path, public: Path) -> str:
    """SHA-256 of the manifest and of the names and contents of all public files."""
    digest = hashlib.sha256()
    for path in (manifest, *sorted(path for path in public.rglob("*") if path.is_file())):
        name = path.name if path == manifest else path.relative_to(public).as_posix()
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()
