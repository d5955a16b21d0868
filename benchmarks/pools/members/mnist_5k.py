"""The pool of mnist-5k; `python -m benchmarks.pools mnist-5k` scores it again. Frozen.

Settings were chosen before the test was used. Made for this task: deskewed digits, histograms of stroke directions in
the cells of a grid, and training images shifted by one pixel.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from pandas import DataFrame
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from benchmarks.pools.decisions import most_probable
from benchmarks.pools.pool import Solution, remembered
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.prepare.preparing import TASKS

__all__ = ["POOL"]

_IMAGES = TASKS / "mnist-5k" / "prepared" / "public" / "images"
_SIDE = 28
_DIGITS = np.arange(10)
_SHIFTS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))
_DIRECTIONS = 9

Pictures = Callable[[Array], Array]
"""Converts images (n, 28, 28) with ink from 0 to 1 to features (n, columns)."""


def _read(rows: DataFrame) -> Array:
    """Read the images of the rows: (n, 28, 28), ink from 0 to 1."""
    return (
        np.stack([np.asarray(Image.open(_IMAGES / f"{number}.png"), dtype=np.float32) for number in rows["id"]]) / 255
    )


def _pixels(pictures: Array) -> Array:
    return pictures.reshape(len(pictures), -1)


def _upright(pictures: Array) -> Array:
    """Pixels of deskewed digits: each pixel row is shifted by its height times the slant of the ink."""
    return np.stack([_straightened(picture) for picture in pictures]).reshape(len(pictures), -1)


def _straightened(picture: Array) -> Array:
    height, width = np.mgrid[:_SIDE, :_SIDE]
    ink = picture / picture.sum()
    down, right = (ink * height).sum(), (ink * width).sum()
    slant = (ink * (height - down) * (width - right)).sum() / (ink * (height - down) ** 2).sum()
    columns = np.arange(_SIDE)
    rows = [
        np.interp(columns + slant * (row - down) + right - (_SIDE - 1) / 2, columns, picture[row], left=0, right=0)
        for row in range(_SIDE)
    ]
    return np.stack(rows)


def _strokes(pictures: Array) -> Array:
    """Histograms of nine gradient directions in overlapping cells of 8 × 8 pixels, for deskewed digits."""
    pictures = _upright(pictures).reshape(-1, _SIDE, _SIDE)
    down, right = np.gradient(pictures, axis=1), np.gradient(pictures, axis=2)
    strength, angle = np.hypot(down, right), np.arctan2(down, right) % np.pi
    place = angle / np.pi * _DIRECTIONS
    lower, share = np.floor(place).astype(int) % _DIRECTIONS, place % 1
    cells = []
    for direction in range(_DIRECTIONS):
        weight = np.where(lower == direction, 1 - share, 0) + np.where((lower + 1) % _DIRECTIONS == direction, share, 0)
        summed = np.pad((strength * weight).cumsum(1).cumsum(2), ((0, 0), (1, 0), (1, 0)))
        corner = np.arange(0, _SIDE - 8 + 1, 4)
        for top in corner:
            for left in corner:
                inside = summed[:, top + 8, left + 8] - summed[:, top, left + 8]
                cells.append(inside - summed[:, top + 8, left] + summed[:, top, left])
    matrix = np.column_stack(cells).clip(0)
    return np.asarray(np.sqrt(matrix / np.linalg.norm(matrix, axis=1, keepdims=True).clip(1e-9)))


def _shifted(pictures: Array) -> Array:
    """The images, and copies shifted by one pixel in each of four directions."""
    return np.concatenate([np.roll(pictures, shift, axis=(1, 2)) for shift in _SHIFTS])


def _chances(model: Any, features: Pictures = _pixels, *, shifted: bool = False) -> Solution:
    """A model's probabilities, or the softmax of its decisions; with `shifted` it is fitted on shifted images too."""

    def solve(train: DataFrame, test: DataFrame) -> Array:
        pictures, digits = _read(train), train["digit"].to_numpy()
        if shifted:
            pictures, digits = _shifted(pictures), np.tile(digits, len(_SHIFTS))
        model.fit(features(pictures), digits)
        if hasattr(model, "predict_proba"):
            return np.asarray(model.predict_proba(features(_read(test))))
        votes = np.exp(model.decision_function(features(_read(test))))
        return np.asarray(votes / votes.sum(axis=1, keepdims=True))

    return remembered(solve)


def _fitted(model: Any, features: Pictures = _pixels, *, shifted: bool = False) -> Solution:
    return _blend(_chances(model, features, shifted=shifted))


def _blend(*chances: Solution) -> Solution:
    """The most probable digit by the mean of several solutions' probabilities."""
    return lambda train, test: most_probable(np.mean([one(train, test) for one in chances], axis=0), _DIGITS)


_UPRIGHT = _chances(SVC(C=10.0, gamma=0.02), _upright, shifted=True)
_STROKES = _chances(SVC(C=10.0, gamma=1.0), _strokes)
_NETWORK = _chances(MLPClassifier((200,), alpha=1.0, max_iter=20, random_state=0), _upright, shifted=True)

POOL: dict[str, Solution] = {
    "dummy-zero": lambda _train, test: np.zeros(len(test), dtype=int),
    "dummy-random": lambda _train, test: np.random.default_rng(0).integers(10, size=len(test)),
    "naive-bayes": _fitted(GaussianNB(var_smoothing=0.01)),
    "nearest-neighbours": _fitted(KNeighborsClassifier()),
    "ridge": _fitted(RidgeClassifier()),
    "default-tree": _fitted(DecisionTreeClassifier(random_state=0)),
    "default-forest": _fitted(RandomForestClassifier(random_state=0)),
    "default-logistic": _fitted(LogisticRegression(max_iter=200)),
    "default-network": _fitted(MLPClassifier(max_iter=60, random_state=0)),
    "default-support-vectors": _fitted(SVC()),
    "tuned-extra-trees": _fitted(ExtraTreesClassifier(300, max_features=0.05, random_state=0)),
    "tuned-neighbours": _fitted(make_pipeline(PCA(40, random_state=0), KNeighborsClassifier(4, weights="distance"))),
    "tuned-quadratic": _fitted(make_pipeline(PCA(50, random_state=0), QuadraticDiscriminantAnalysis(reg_param=0.1))),
    "tuned-support-vectors": _fitted(SVC(C=10.0, gamma=0.02)),
    "features-logistic": _fitted(LogisticRegression(C=3.0, max_iter=300), _strokes),
    "features-upright": _fitted(SVC(C=10.0, gamma=0.02), _upright),
    "features-strokes": _blend(_STROKES),
    "shifted-upright": _blend(_UPRIGHT),
    "blend-of-vectors": _blend(_UPRIGHT, _STROKES),
    "blend-of-all": _blend(_UPRIGHT, _STROKES, _NETWORK),
}
