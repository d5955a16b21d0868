"""`task.yaml`: the meaning of a task's files. Unknown keys are errors; problems are reported as for a scenario."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gome.errors import TaskError
from gome.scenarios.metrics.registry import TaskType, metric_named
from gome.scenarios.reading.checking import check_document
from gome.scenarios.reading.document import read_document
from gome.scenarios.reading.problems import TaskProblems
from gome.scenarios.task.plain_tables import Layout

__all__ = ["FileNames", "Manifest", "Split", "read_manifest"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Split(_Model):
    """How rows are split for validation (`evidence.SplitRule`).

    `own`: no split; a script validates itself and reports an unverified score in `evidence.json`.
    """

    kind: Literal["random", "stratified", "group", "time", "holdout", "own"] = "random"
    column: str | None = None
    folds: Annotated[int, Field(ge=2, le=50)] = 5
    block: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.kind in ("group", "time") and self.column is None:
            raise ValueError(f"split {self.kind} needs a column")
        if self.kind in ("random", "stratified", "own") and self.column is not None:
            raise ValueError(f"split {self.kind} takes no column")
        if self.block > 1 and self.kind != "group":
            raise ValueError(f"split {self.kind} takes no block, only group takes one")
        return self


class FileNames(_Model):
    """File names under `prepared/public`; `answers` is under `prepared/private`. None: found by the usual names."""

    train: str = "train.csv"
    test: str = "test.csv"
    sample_submission: str | None = None
    description: str = "description.md"
    answers: str | None = None


class Manifest(_Model):
    """The contents of task.yaml. `classes` are in the order of the submission's columns; None: sorted training labels.

    `columns` overrules how columns are read (`columns`); an ignored column is shown to nobody.

    `split` None: stratified for classes, random for values. `unverified` describes what was guessed from the data; it
    is shown wherever the task's scores are.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")] | None = None
    id: str = "id"
    targets: Annotated[tuple[str, ...], Field(min_length=1)]
    metric: str
    task_type: TaskType | None = None
    classes: Annotated[tuple[str | int, ...], Field(min_length=2)] | None = None
    split: Split | None = None
    columns: dict[str, Literal["number", "text", "date", "ignored"]] = {}
    files: FileNames = FileNames()
    unverified: tuple[str, ...] = ()

    def layout(self, *, quantities: bool) -> Layout:
        """What is said of the columns; `quantities`: the targets are numbers."""
        return Layout(self.id, self.targets, quantities, self.columns)


def read_manifest(path: Path) -> Manifest:
    """Read and validate a manifest. Raises TaskProblems with all its problems."""
    document = read_document(path)
    manifest = check_document(document, Manifest)
    metric = document.value.get("metric") if isinstance(document.value, dict) else None
    if isinstance(metric, str):
        try:
            metric_named(metric)
        except TaskError as error:
            document.report("unknown-metric", ("metric",), str(error))
    if document.problems or manifest is None:
        raise TaskProblems(sorted(document.problems, key=lambda problem: (problem.line or 0, problem.column or 0)))
    return manifest
