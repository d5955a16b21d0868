"""Pools of reference solutions, and their submissions.

A reference solution is a function of training rows (with target) and test rows (without) that returns predictions. It
is written and tuned on training rows only; a pool is frozen once it has been scored.
"""

import hashlib
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import sklearn
from pandas import DataFrame

from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.encoding import prediction_columns
from gome.scenarios.task.tables import infer_types, write_table
from gome.scenarios.task.task import Task

__all__ = ["Solution", "kept_at", "pool_of", "remembered", "submission_of", "submissions"]

Solution = Callable[[DataFrame, DataFrame], Array]
"""Returns predictions for the test rows: values, probabilities (last class, or one column per class), class numbers."""

_SHARED = ("classes", "coding", "decisions", "pool", "values")


def remembered(solution: Solution) -> Solution:
    """Cache a solution's predictions by ids, since several members of a pool may share a model."""
    known: dict[tuple[bytes, bytes], Array] = {}

    def solve(train: DataFrame, test: DataFrame) -> Array:
        key = (train["id"].to_numpy().tobytes(), test["id"].to_numpy().tobytes())
        if key not in known:
            known[key] = solution(train, test)
        return known[key]

    return solve


def pool_of(name: str) -> Mapping[str, Solution]:
    """The pool of the task `name`: solution name → solution."""
    pool: Mapping[str, Solution] = importlib.import_module(f"benchmarks.pools.members.{_module(name)}").POOL
    return pool


def submission_of(task: Task, predicted: Array, test: DataFrame | None = None) -> DataFrame:
    """A submission table with predictions for `test`, by default the task's test rows."""
    rows = task.test if test is None else test
    columns = list(prediction_columns(task.brief))
    if task.brief.prediction == "label":
        predicted = np.array(task.brief.classes)[predicted]
    table = DataFrame(predicted.reshape(len(rows), -1), columns=columns)
    table.insert(0, task.brief.id_column, rows[task.brief.id_column].to_numpy())
    return table


def submissions(task: Task, pool: Mapping[str, Solution], folder: Path) -> dict[str, Path]:
    """Make every solution's submission: name → path. Files already in `folder` are reused."""
    made = {name: folder / f"{name}.csv" for name in pool}
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in made.items():
        if not path.is_file():
            draft = path.with_suffix(".part")
            write_table(draft, submission_of(task, pool[name](task.typed_train.copy(), infer_types(task.test.frame()))))
            draft.replace(path)
    return made


def kept_at(task: Task, cache: Path) -> Path:
    """The cache folder of a pool's submissions; it depends on data, code and library versions."""
    here = Path(__file__).parent
    digest = hashlib.sha256(f"{task.digest} {sklearn.__version__} {np.__version__}".encode())
    for module in (f"members/{_module(task.brief.name)}", *_SHARED):
        digest.update((here / f"{module}.py").read_bytes())
    return cache / "pools" / f"{task.brief.name}-{digest.hexdigest()[:16]}"


def _module(name: str) -> str:
    return name.replace("-", "_")
