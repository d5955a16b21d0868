"""Six models with default settings, as the reference of a table.

They see numbers as they are, categories as ranks or indicators, of a date the month, weekday and day of the year, and
of a text the weights of its words (linear) or its fifty main directions (all others).
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame, Series
from scipy.sparse import csr_matrix, hstack
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.pools.coding import Codes, coded, filled, indicators
from benchmarks.pools.pool import Solution
from gome.scenarios.evidence import Profile
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.task import Task

__all__ = ["default_models"]

_TOPICS = 50


def default_models(task: Task, profile: Profile) -> Mapping[str, Solution]:
    """The six models: name → solution, which predicts values, or the probabilities that the task asks for."""
    pick = 0 if task.brief.task_type == "regression" else 1
    models: dict[str, tuple[Codes, tuple[Any, Any]]] = {
        "boosting": (coded, (HistGradientBoostingRegressor, HistGradientBoostingClassifier)),
        "forest": (filled, (partial(RandomForestRegressor, n_jobs=2), partial(RandomForestClassifier, n_jobs=2))),
        "extra-trees": (filled, (partial(ExtraTreesRegressor, n_jobs=2), partial(ExtraTreesClassifier, n_jobs=2))),
        "linear": (indicators, (Ridge, LogisticRegression)),
        "neighbours": (indicators, (KNeighborsRegressor, KNeighborsClassifier)),
        "network": (indicators, (MLPRegressor, MLPClassifier)),
    }
    kinds = {column.name: column.dtype for column in profile.columns if column.role == "feature"}
    return {name: partial(_solve, task, kinds, name, codes, pair[pick]) for name, (codes, pair) in models.items()}


def _solve(
    task: Task, kinds: Mapping[str, str], name: str, codes: Codes, model: Any, train: DataFrame, test: DataFrame
) -> Array:
    """Fit a model to the training rows, and predict the test rows."""
    target, classes = task.brief.targets[0], task.brief.classes
    both = pd.concat([train, test], ignore_index=True).drop(columns=[task.brief.id_column, target])
    matrix = _with_texts(both, kinds, len(train), codes, words=name == "linear")
    fitted = model() if name in ("linear", "neighbours") else model(random_state=0)
    if name in ("linear", "neighbours", "network"):
        fitted = make_pipeline(StandardScaler(with_mean=not hasattr(matrix, "tocsr")), fitted)
    known, asked = matrix[: len(train)], matrix[len(train) :]
    if not classes:
        return np.asarray(fitted.fit(known, train[target].to_numpy(dtype=float)).predict(asked))
    numbers = train[target].astype(str).map(list(classes).index).to_numpy()
    found = np.zeros((len(test), len(classes)))
    found[:, np.unique(numbers)] = fitted.fit(known, numbers).predict_proba(asked)
    return found[:, 1] if len(classes) == 2 else found


def _with_texts(both: DataFrame, kinds: Mapping[str, str], known: int, codes: Codes, *, words: bool) -> Any:
    """The matrix of all rows; sparse where `words` are wanted and there are texts."""
    texts = [name for name, kind in kinds.items() if kind == "text"]
    dates = [name for name, kind in kinds.items() if kind == "datetime"]
    rest = both.drop(columns=texts)
    for name in dates:
        rest = rest.drop(columns=[name]).join(_calendar(rest[name]))
    parts = [codes(rest, known)] if rest.shape[1] else []
    for name in texts:
        filled_in = both[name].fillna("").astype(str)
        weighed = TfidfVectorizer(min_df=2).fit(filled_in[:known]).transform(filled_in)
        fewer = TruncatedSVD(min(_TOPICS, weighed.shape[1] - 1), random_state=0)
        parts.append(weighed if words else fewer.fit(weighed[:known]).transform(weighed))
    if not sum(part.shape[1] for part in parts):  # nothing but names, each too rare for an indicator: a constant
        return np.ones((len(both), 1))
    if words and texts:
        return hstack([csr_matrix(part) for part in parts]).tocsr()
    return np.nan_to_num(np.hstack(parts)) if codes is indicators else np.hstack(parts)


def _calendar(column: Series) -> DataFrame:
    """Month, weekday and day of the year of a column of dates."""
    moment = pd.to_datetime(column, errors="coerce", utc=True)
    parts = {part: getattr(moment.dt, part) for part in ("month", "day_of_week", "day_of_year")}
    return DataFrame({f"{column.name} {part}": values for part, values in parts.items()})
