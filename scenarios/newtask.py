"""Any table is a task: writes description, split, sample submission and manifest round a user's own CSV file.

What is guessed (kind of target, metric, split, id) is said; where a target may be meant either way, the user is asked.
"""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pandas import DataFrame
from ruamel.yaml import YAML

from errors import TaskError
from scenarios.guessing import Columns, guess_split
from scenarios.metrics import Metric, metric_named
from scenarios.problems import closest
from scenarios.tables import Damaged, canonical, infer_types, numbers, read_table, write_table
from scenarios.tasks import Task

__all__ = ["MetricInDoubt", "NewTask", "guess_metric", "new_task"]

_HELD_OUT = 0.2
_FEW_CLASSES = 20
_SEED = 5
_DEFAULTS = {"regression": "rmse", "binary": "auc", "multiclass": "log-loss"}


class MetricInDoubt(TaskError):
    """Numbers of which there are few: quantities or names of classes? `choices` are metrics for either."""

    def __init__(self, words: str, choices: tuple[str, ...]) -> None:
        self.choices = choices
        super().__init__(words)


@dataclass(frozen=True)
class NewTask:
    """A task that was written: its folder, itself, and what was guessed, in words."""

    folder: Path
    task: Task
    guesses: tuple[str, ...]


def new_task(
    folder: Path,
    train: Path,
    targets: Sequence[str],
    metric: str | None = None,
    *,
    test: Path | None = None,
    id_column: str | None = None,
    split: str | None = None,
    extra: Sequence[Path] = (),
) -> NewTask:
    """Write the task of a training table into `folder`, which must not be there.

    `split` is random, stratified, holdout, group:COLUMN or time:COLUMN. Without `test` a fifth of the rows is held out
    as one, with its answers private; of a split by time the latest. `extra` are files and folders that scripts get as
    they are. Raises TaskError where file, column or metric cannot be used, and MetricInDoubt; then nothing is written.
    """
    if folder.exists():
        raise TaskError(f"{folder} is there already; name another folder for the task")
    table = _read(train)
    for name in targets:
        _column(table, name, train)
    guesses: list[str] = []
    if metric is None:
        metric = guess_metric(table, targets[0])
        guesses.append(f"metric {metric}, from the values of {targets[0]!r}; another by --metric")
    chosen = metric_named(metric)
    rule = _rule(split, table, chosen, train)
    key = _key(table, id_column, train, targets, guesses)
    if test is not None:
        rows, asked, answers = table, _read(test), None
        if key not in asked:
            asked = _numbered(asked, key, len(table))
        if split is None:
            rule = _rule_of_test(rule, table, asked, Columns(key, tuple(targets)), guesses)
    else:
        out = _held_out(table, rule, chosen, targets[0])
        rows, asked = table[~out], table[out].drop(columns=list(targets))
        answers = table.loc[out, [key, *targets]]
        guesses.append(f"{int(out.sum())} of {len(table)} rows held out as a test, their answers private")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-task-", dir=folder.parent) as draft:
        made = Path(draft) / "task"
        _write(made, folder.name, rows, asked, answers, key, targets, chosen, rule)
        for path in extra:
            _add(path, made / "prepared" / "public" / path.name)
        Task.load(made)
        shutil.move(made, folder)
    return NewTask(folder, Task.load(folder), tuple(guesses))


def guess_metric(table: DataFrame, target: str) -> str:
    """The metric that goes with a target's values. Raises MetricInDoubt for a few whole numbers."""
    texts = canonical(table[target])
    texts = texts[texts != ""]
    classes = texts.nunique()
    if not numbers(texts).notna().all():
        if classes > max(_FEW_CLASSES * 5, len(texts) // 10):
            raise TaskError(f"column {target!r} has {classes} different words in {len(texts)} rows: nothing to predict")
        return _DEFAULTS["binary" if classes == 2 else "multiclass"]
    if classes == 2:
        return _DEFAULTS["binary"]
    whole = bool((numbers(texts) == np.floor(numbers(texts))).all())
    if whole and classes <= _FEW_CLASSES:
        words = (
            f"column {target!r} has {classes} whole numbers ({', '.join(sorted(set(texts))[:8])}): quantities or "
            "classes? Say --metric rmse for quantities, --metric log-loss or accuracy for classes"
        )
        raise MetricInDoubt(words, ("rmse", "mae", "log-loss", "accuracy", "qwk"))
    return _DEFAULTS["regression"]


def _read(path: Path) -> DataFrame:
    if not path.is_file():
        raise TaskError(f"{path} is not a file; give the table of training rows as CSV")
    try:
        table = read_table(path)
    except Damaged as damaged:
        raise TaskError(f"{path}: {damaged}") from damaged
    if len(table) < 20:
        raise TaskError(f"{path} has {len(table)} rows; a task needs at least 20")
    return table


def _column(table: DataFrame, name: str, path: Path) -> None:
    if name not in table:
        hint = closest(name, map(str, table.columns))
        words = f"did you mean {hint!r}?" if hint else f"there are {', '.join(map(str, table.columns[:12]))}"
        raise TaskError(f"{path}: no column {name!r}; {words}")


def _rule(split: str | None, table: DataFrame, metric: Metric, path: Path) -> dict[str, str]:
    """The split as task.yaml has it."""
    if split is None:
        return {"kind": "random" if metric.prediction == "value" else "stratified"}
    kind, _, column = split.partition(":")
    if kind not in ("random", "stratified", "holdout", "group", "time") or (kind in ("group", "time")) != bool(column):
        raise TaskError(f"split {split!r}: write random, stratified, holdout, group:COLUMN or time:COLUMN")
    if column:
        _column(table, column, path)
    return {"kind": kind} | ({"column": column} if column else {})


def _rule_of_test(
    rule: dict[str, str], table: DataFrame, asked: DataFrame, columns: Columns, guesses: list[str]
) -> dict[str, str]:
    """The rule as it is; another where the test is plainly of later times or of other groups."""
    found, why = guess_split(table, asked, columns)
    if "column" not in found:
        return rule
    guesses.append(f"validation {why}; another by --split")
    return {"kind": str(found["kind"]), "column": str(found["column"])}


def _key(table: DataFrame, given: str | None, path: Path, targets: Sequence[str], guesses: list[str]) -> str:
    """The id column: the one named, one called id whose values are all different, or a new one."""
    if given is not None:
        _column(table, given, path)
        return given
    for name in map(str, table.columns):
        if name.lower() in ("id", "row_id", "rowid") and name not in targets and canonical(table[name]).is_unique:
            return name
    name = "id" if "id" not in table else "row_number"
    table.insert(0, name, [str(number) for number in range(1, len(table) + 1)])
    guesses.append(f"no column of ids: rows are numbered in a new column {name!r}")
    return name


def _numbered(asked: DataFrame, key: str, after: int) -> DataFrame:
    asked = asked.copy()
    asked.insert(0, key, [str(number) for number in range(after + 1, after + len(asked) + 1)])
    return asked


def _held_out(
    table: DataFrame, rule: dict[str, str], metric: Metric, target: str
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """True for the rows of the test: whole groups, the latest times, or the same share of each class."""
    draw = np.random.default_rng(_SEED)
    column = rule.get("column")
    if rule["kind"] == "time" and column:
        order = infer_types(table[[column]])[column].argsort(kind="stable").to_numpy()
        out = np.zeros(len(table), dtype=bool)
        out[order[-max(1, round(_HELD_OUT * len(table))) :]] = True
        return np.asarray(out | table[column].isin(set(table.loc[out, column])).to_numpy())
    if column:
        groups = draw.permutation(table[column].unique())
        return np.asarray(table[column].isin(set(groups[: max(1, round(_HELD_OUT * len(groups)))])).to_numpy())
    order = draw.permutation(len(table))
    if metric.prediction != "value":
        codes = pd.factorize(canonical(table[target]))[0]
        order = order[np.argsort(codes[order], kind="stable")]
    out = np.zeros(len(table), dtype=bool)
    out[order[:: round(1 / _HELD_OUT)]] = True
    return out


def _write(
    made: Path,
    name: str,
    rows: DataFrame,
    asked: DataFrame,
    answers: DataFrame | None,
    key: str,
    targets: Sequence[str],
    metric: Metric,
    rule: dict[str, str],
) -> None:
    public, private = made / "prepared" / "public", made / "prepared" / "private"
    public.mkdir(parents=True)
    write_table(public / "train.csv", rows)
    write_table(public / "test.csv", asked)
    write_table(public / "sample_submission.csv", _sample(rows, asked, key, targets, metric))
    (public / "description.md").write_text(_description(name, rows, targets, metric), encoding="utf-8")
    if answers is not None:
        private.mkdir()
        write_table(private / "answers.csv", answers)
    with (made / "task.yaml").open("w", encoding="utf-8") as file:
        YAML().dump({"id": key, "targets": list(targets), "metric": metric.name, "split": rule}, file)


def _add(source: Path, target: Path) -> None:
    """Copy a file or a folder of the user's into the task."""
    if target.exists():
        raise TaskError(f"{source}: the task has a file of that name already; rename it")
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.is_file():
        shutil.copyfile(source, target)
    else:
        raise TaskError(f"{source} is neither a file nor a folder")


def _sample(rows: DataFrame, asked: DataFrame, key: str, targets: Sequence[str], metric: Metric) -> DataFrame:
    """The same prediction for every row: the median, the commonest class, or the share of each."""
    sample = asked[[key]].copy()
    for target in targets:
        texts = canonical(rows[target])
        shares = texts.value_counts(normalize=True).sort_index()
        if metric.prediction == "value":
            sample[target] = f"{numbers(texts).median():g}"
        elif metric.prediction == "label":
            sample[target] = str(shares.idxmax())
        elif len(shares) == 2:
            sample[target] = f"{shares.iloc[-1]:.4f}"
        else:
            sample = sample.assign(**{str(name): f"{1 / len(shares):.6f}" for name in shares.index})
    return sample


def _description(name: str, rows: DataFrame, targets: Sequence[str], metric: Metric) -> str:
    better = "Lower" if metric.direction == "minimize" else "Higher"
    columns = "\n".join(f"- `{column}`" for column in rows.columns)
    return (
        f"# {name}\n\nPredict {', '.join(f'`{target}`' for target in targets)} for the rows of `test.csv`.\n\n"
        f"## Evaluation\n\nSubmissions are scored by {metric.title} ({metric.name}). {better} is better.\n\n"
        f"## Columns\n\nWrite here what they mean; whoever solves the task reads it.\n\n{columns}\n"
    )
