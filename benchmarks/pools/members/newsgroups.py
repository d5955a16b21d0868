"""The pool of newsgroups; `python -m benchmarks.pools newsgroups` scores it again. Frozen.

Settings were chosen before the test was used. Made for this task: character n-grams and pairs of words in addition to
words, and words weighted by their log count ratio between a group and the others.
"""

from typing import Any

import numpy as np
from pandas import DataFrame
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

from benchmarks.pools.classes import Classes, dummies
from benchmarks.pools.decisions import most_probable
from benchmarks.pools.pool import Solution, remembered
from gome.scenarios.metrics.formulas import Array

__all__ = ["POOL"]

_TASK = Classes("group", most_probable, most_probable)
_SHARPNESS = 3.0


class _WeighedWords(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """One linear model per class on words weighted by the class's log count ratio, as in naive Bayes."""

    def __init__(self, strength: float = 1.0, smoothing: float = 0.3) -> None:
        self.strength = strength
        self.smoothing = smoothing

    def fit(self, words: Any, classes: Array) -> "_WeighedWords":
        """Fit one model per class."""
        self.classes_ = np.unique(classes)
        self.parts_ = []
        for number in self.classes_:
            own = classes == number
            inside = np.asarray(words[own].sum(axis=0)).ravel() + self.smoothing
            outside = np.asarray(words[~own].sum(axis=0)).ravel() + self.smoothing
            ratio = np.log(inside / inside.sum() / (outside / outside.sum()))
            model = LinearSVC(C=self.strength, random_state=0).fit(words.multiply(ratio).tocsr(), own)
            self.parts_.append((ratio, model))
        return self

    def decision_function(self, words: Any) -> Array:
        """The decision values, one column per class."""
        votes = [model.decision_function(words.multiply(ratio).tocsr()) for ratio, model in self.parts_]
        return np.column_stack(votes)


def _chances(model: Any, words: Any) -> Solution:
    """A model's probabilities on vectorised words, or the sharpened softmax of its decision values."""
    pipeline = make_pipeline(words, model)

    def solve(train: DataFrame, test: DataFrame) -> Array:
        pipeline.fit(_texts(train), _TASK.numbered(train))
        if hasattr(pipeline, "predict_proba"):
            return np.asarray(pipeline.predict_proba(_texts(test)))
        votes = np.exp(_SHARPNESS * pipeline.decision_function(_texts(test)))
        return np.asarray(votes / votes.sum(axis=1, keepdims=True))

    return remembered(solve)


def _texts(rows: DataFrame) -> list[str]:
    return rows["text"].fillna("").astype(str).to_list()


def _fitted(model: Any, words: Any) -> Solution:
    return _TASK.decided(_chances(model, words))


def _plain() -> Any:
    return TfidfVectorizer()


def _words() -> Any:
    return TfidfVectorizer(sublinear_tf=True, min_df=2, max_df=0.5, stop_words="english")


def _pairs() -> Any:
    return TfidfVectorizer(sublinear_tf=True, min_df=2, max_df=0.5, ngram_range=(1, 2))


def _pieces() -> Any:
    return TfidfVectorizer(sublinear_tf=True, min_df=4, max_df=0.5, analyzer="char_wb", ngram_range=(4, 4))


def _seen() -> Any:
    return TfidfVectorizer(min_df=2, binary=True, use_idf=False, ngram_range=(1, 2))


_ON_WORDS = _chances(LinearSVC(C=0.5, random_state=0), _words())
_ON_PAIRS = _chances(LinearSVC(C=0.5, random_state=0), _pairs())
_ON_PIECES = _chances(LinearSVC(C=0.5, random_state=0), make_union(_words(), _pieces()))
_WEIGHED = _chances(_WeighedWords(), _seen())
_COUNTS = _chances(ComplementNB(alpha=0.1), _pairs())

POOL: dict[str, Solution] = dummies(_TASK) | {
    "naive-bayes-of-counts": _fitted(MultinomialNB(), CountVectorizer()),
    "ridge-on-common-words": _fitted(RidgeClassifier(), TfidfVectorizer(max_features=1000)),
    "nearest-neighbours": _fitted(KNeighborsClassifier(10, metric="cosine"), _plain()),
    "default-gradient-descent": _fitted(SGDClassifier(random_state=0), _plain()),
    "default-naive-bayes": _fitted(MultinomialNB(), _plain()),
    "default-logistic": _fitted(LogisticRegression(), _plain()),
    "default-ridge": _fitted(RidgeClassifier(), _plain()),
    "default-vectors": _fitted(LinearSVC(random_state=0), _plain()),
    "tuned-complement-naive-bayes": _fitted(ComplementNB(alpha=0.1), _words()),
    "tuned-gradient-descent": _fitted(SGDClassifier(loss="modified_huber", alpha=5e-5, random_state=0), _words()),
    "tuned-ridge": _fitted(RidgeClassifier(alpha=0.5), _words()),
    "tuned-vectors": _TASK.decided(_ON_WORDS),
    "features-pairs": _TASK.decided(_ON_PAIRS),
    "features-pieces": _TASK.decided(_ON_PIECES),
    "features-weighed": _TASK.decided(_WEIGHED),
    "blend-of-lines": _TASK.blend(_ON_PAIRS, _WEIGHED),
    "blend-of-lines-and-counts": _TASK.blend(_ON_PAIRS, _COUNTS),
    "blend-of-all": _TASK.blend(_ON_PIECES, _WEIGHED, _COUNTS),
}
