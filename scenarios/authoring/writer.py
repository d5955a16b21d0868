"""Write a task's folder from its tables, atomically."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ruamel.yaml import YAML

from gome.errors import TaskError
from gome.scenarios.metrics.registry import Metric
from gome.scenarios.task.tables import canonical, numbers_of, write_table
from gome.scenarios.task.task import Task
from gome.scenarios.task.text_table import TextTable

__all__ = ["Meaning", "TaskTables", "write_task"]


@dataclass(frozen=True)
class TaskTables:
    """Training rows, test rows, and the test's answers if known."""

    rows: TextTable
    asked: TextTable
    answers: TextTable | None


@dataclass(frozen=True)
class Meaning:
    """The contents of task.yaml."""

    key: str
    targets: tuple[str, ...]
    metric: Metric
    rule: Mapping[str, str | int]
    ignored: tuple[str, ...] = ()


def write_task(
    folder: Path, tables: TaskTables, meaning: Meaning, extra: Sequence[Path], own: Mapping[str, Path]
) -> Task:
    """Write a task to a temporary folder, check it, and rename it to `folder`. Raises TaskError."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-task-", dir=folder.parent) as draft:
            made = Path(draft) / folder.name
            _write(made, folder.name, tables, meaning, bool(extra))
            for path in extra:
                if Path(draft).resolve().is_relative_to(path.resolve()):
                    raise TaskError(f"{path}: the new task is inside this folder, so it cannot be part of the task")
                _add(path, made / "prepared" / "public" / path.resolve().name)
            task = _checked(made, folder, tables, own)
            made.rename(folder)
    except OSError as error:
        if folder.is_dir():  # there was none when `new_task` began
            raise TaskError(f"{folder} was made by another process meanwhile: use it, or name another") from error
        raise TaskError(
            f"{folder} cannot be written: {error.strerror or error}. A task is written beside its table: free some "
            "space there, or copy the table to a folder that you can write to"
        ) from error
    answers = None if task.answers is None else folder / task.answers.relative_to(made)
    return replace(task, folder=folder, answers=answers)


def _checked(made: Path, folder: Path, tables: TaskTables, own: Mapping[str, Path]) -> Task:
    """Load the draft; error messages name the user's files, since the draft is removed."""
    try:
        return Task.load(made, (tables.rows, tables.asked))
    except TaskError as error:
        words = str(error)
        for name, path in own.items():
            words = words.replace(str(made / "prepared" / name), str(path))
        raise TaskError(words.replace(str(made), str(folder))) from error


def _write(made: Path, name: str, tables: TaskTables, meaning: Meaning, name_sample: bool) -> None:
    """Write the task's files. `name_sample`: name the sample submission, as extra files may look like one."""
    public, private = made / "prepared" / "public", made / "prepared" / "private"
    public.mkdir(parents=True)
    write_table(public / "train.csv", tables.rows)
    write_table(public / "test.csv", tables.asked)
    sample = _sample(tables, meaning)
    write_table(public / "sample_submission.csv", sample)
    (public / "description.md").write_text(_description(name, tables.rows, sample, meaning), encoding="utf-8")
    if tables.answers is not None:
        private.mkdir()
        write_table(private / "answers.csv", tables.answers)
    manifest: dict[str, object] = {"id": meaning.key, "targets": list(meaning.targets)}
    manifest |= {"metric": meaning.metric.name, "split": dict(meaning.rule)}
    if meaning.ignored:
        manifest["columns"] = dict.fromkeys(meaning.ignored, "ignored")
    if name_sample:
        manifest["files"] = {"sample_submission": "sample_submission.csv"}
    with (made / "task.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(manifest, file)


def _add(source: Path, target: Path) -> None:
    """Copy a file or a folder of the user's into the task."""
    if target.exists():
        raise TaskError(f"{source}: the task already has a file of that name; rename it")
    try:
        if source.is_dir():
            shutil.copytree(source, target, copy_function=shutil.copyfile)  # without times, which may tell classes
        elif source.is_file():
            shutil.copyfile(source, target)
        else:
            raise TaskError(f"{source} is neither a file nor a folder")
    except shutil.Error as error:
        which, _, why = error.args[0][0]
        raise TaskError(f"{which} cannot be copied: {why}") from error


def _sample(tables: TaskTables, meaning: Meaning) -> TextTable:
    """A sample submission with the same prediction for every row: median, most frequent class, or class shares."""
    filled: dict[str, str] = {}
    for target in meaning.targets:
        if meaning.metric.prediction == "value":
            filled[target] = repr(float(numbers_of(tables.rows, target).median()))
            continue
        shares = canonical(tables.rows[target]).value_counts(normalize=True).sort_index()
        if meaning.metric.prediction == "label":
            filled[target] = str(shares.idxmax())
        elif len(shares) == 2:
            filled[target] = f"{shares.iloc[-1]:.4f}"
        else:
            filled |= {str(name): repr(1 / len(shares)) for name in shares.index}
    return tables.asked[[meaning.key]].replaced({name: [value] * len(tables.asked) for name, value in filled.items()})


def _description(name: str, rows: TextTable, sample: TextTable, meaning: Meaning) -> str:
    metric = meaning.metric
    better = "Lower" if metric.direction == "minimize" else "Higher"
    columns = "\n".join(f"- `{column}`" for column in rows.columns)
    asked = ", ".join(f"`{column}`" for column in sample.columns)
    return (
        f"# {name}\n\nPredict {', '.join(f'`{target}`' for target in meaning.targets)} for the rows of `test.csv`.\n\n"
        f"## Evaluation\n\nSubmissions are scored by {metric.title} ({metric.name}). {better} is better. They have the "
        f"columns {asked}, as `sample_submission.csv` has.\n\n"
        f"## Columns\n\nWrite here what they mean; whoever solves the task reads it.\n\n{columns}\n"
    )
