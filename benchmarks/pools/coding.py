"""Convert rows to matrices: encode text, fill missing values, scale numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler

from gome.scenarios.metrics.formulas import Array

__all__ = ["Codes", "Features", "as_is", "coded", "filled", "indicators", "normal", "numbers", "parts"]

Features = Callable[[DataFrame], DataFrame]
"""Makes the models' features from training and test rows together, without the target."""

Codes = Callable[[DataFrame, int], Array]
"""Makes the matrix of training and test rows together; the second argument is the number of training rows."""

_FEW, _MANY = 15, 400


def as_is(rows: DataFrame) -> DataFrame:
    """The columns unchanged."""
    return rows


def parts(train: DataFrame, test: DataFrame, target: str, features: Features, codes: Codes) -> tuple[Array, Array]:
    """Training and test matrices: features made of all rows together, encoded, without id and target."""
    both = features(pd.concat([train, test], ignore_index=True).drop(columns=["id", target], errors="ignore"))
    matrix = codes(both, len(train))
    return matrix[: len(train)], matrix[len(train) :]


def coded(both: DataFrame, _known: int) -> Array:
    """Text as its frequency rank; missing numbers stay missing."""
    worded = _words(both)
    return np.column_stack([_rank(both[name]) if name in worded else both[name] for name in both]).astype(float)


def filled(both: DataFrame, known: int) -> Array:
    """As `coded`, with missing values filled by the training rows' median."""
    matrix = coded(both, known)
    return np.asarray(SimpleImputer(strategy="median", keep_empty_features=True).fit(matrix[:known]).transform(matrix))


def numbers(both: DataFrame, known: int) -> Array:
    """Only the numeric columns, with missing values filled."""
    return filled(both.drop(columns=_words(both)), known)


def indicators(both: DataFrame, known: int) -> Array:
    """One-hot columns for frequent categories, standardised numbers."""
    return _transformed(both, known, StandardScaler())


def normal(both: DataFrame, known: int) -> Array:
    """One-hot columns for frequent categories, numbers transformed to a normal distribution."""
    return _transformed(both, known, QuantileTransformer(output_distribution="normal", n_quantiles=200))


def _words(both: DataFrame) -> list[str]:
    return [str(name) for name in both if not pd.api.types.is_numeric_dtype(both[name])]


def _rank(column: Any) -> Any:
    return column.fillna("none").map(column.fillna("none").value_counts().rank(method="first"))


def _transformed(both: DataFrame, known: int, scaler: Any) -> Array:
    worded = [name for name in _words(both) if both[name].nunique() <= _MANY]
    numeric = [name for name in both if name not in _words(both)]
    transformer = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", min_frequency=_FEW, sparse_output=False), worded),
        (make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), scaler), numeric),
    )
    return np.asarray(transformer.fit(both.iloc[:known]).transform(both))
