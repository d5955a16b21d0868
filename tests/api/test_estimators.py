"""The estimators keep scikit-learn's manners: input refused at once; whole fits in the slow suite."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pandas import DataFrame
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import check_estimator

from gome import GomeClassifier, GomeRegressor
from gome.errors import NoSolution
from tests.api.small import LEAST_SQUARES, QUICK, houses

WHOLE = {**QUICK, "executors": {**QUICK["executors"], "standby": True}}


@pytest.mark.parametrize(
    ("estimator", "x", "y", "words"),
    [
        (GomeRegressor(), np.ones((5, 2)), np.ones(5), "minimum of 20 is required"),
        (GomeRegressor(), np.ones((30, 2)), np.ones(29), "inconsistent numbers of samples"),
        (GomeRegressor(), np.ones((30, 2)), np.full(30, np.nan), "y contains NaN"),
        (GomeRegressor(), np.full((30, 2), np.inf), np.ones(30), "infinity"),
        (GomeRegressor(), DataFrame({"target": np.ones(30)}), np.ones(30), "a feature is called 'target'"),
        (GomeClassifier(), np.ones((30, 2)), np.full(30, np.inf), "y contains infinity"),
        (GomeClassifier(), np.ones((30, 2)), np.ones(30, int), "y has only one class: "),
        (GomeClassifier(), np.ones((30, 2)), np.linspace(0, 1, 30), "Unknown label type"),
    ],
)
def test_what_cannot_be_fitted_is_refused_before_a_run(
    tmp_path: Path, estimator: Any, x: Any, y: Any, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        clone(estimator).set_params(runs=tmp_path).fit(x, y)
    assert list(tmp_path.iterdir()) == []


def test_parameters_are_those_of_the_constructor() -> None:
    made = GomeRegressor(metric="mae", budget="5min", random_state=3)
    assert clone(made).get_params() == made.get_params()
    with pytest.raises(NotFittedError):
        made.predict(np.ones((3, 2)))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_regressor_and_a_classifier_learn(tmp_path: Path) -> None:
    rows = houses(200)
    x, y = rows[["size", "colour"]], rows["price"]
    regressor = GomeRegressor(budget=1, settings=WHOLE, runs=tmp_path, random_state=1).fit(x, y)
    assert list(regressor.feature_names_in_) == ["size", "colour"]
    assert regressor.score(x, y) > 0.9
    again = pickle.loads(pickle.dumps(regressor))  # noqa: S301 - our own
    assert np.allclose(again.predict(x), regressor.predict(x))
    classes = np.select([y < 8, y < 11], ["9", "10"], "2")  # as text, gome and numpy put these in another order
    classifier = GomeClassifier(budget=1, settings=WHOLE, runs=tmp_path).fit(x, classes)
    assert classifier.score(x, classes) > 0.8
    likely = classifier.predict_proba(x)
    assert likely.shape == (200, 3)
    assert np.allclose(likely.sum(axis=1), 1)
    binary = GomeClassifier(budget=1, settings=WHOLE, runs=tmp_path).fit(x, np.where(y < 10, "9", "10"))
    assert binary.score(x, np.where(y < 10, "9", "10")) > 0.8
    labels = GomeClassifier(metric="accuracy", budget=1, settings=WHOLE, runs=tmp_path).fit(x, classes)
    assert labels.score(x, classes) > 0.8


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_is_one_estimator_among_others(tmp_path: Path) -> None:
    rows = houses(90)
    made = GomeRegressor(budget=1, settings=WHOLE, runs=tmp_path)
    assert cross_val_score(made, rows[["size"]], rows["price"], cv=2).min() > 0.5


FEW_ROWS = "it fits 10 to 15 rows, and a run needs 20"
EXPECTED = {
    "check_n_features_in_after_fitting": FEW_ROWS,
    "check_regressors_no_decision_function": FEW_ROWS,
    "check_classifier_data_not_an_array": FEW_ROWS,
    "check_fit2d_1feature": FEW_ROWS,
}
"""Checks of scikit-learn that do not hold, and why."""


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", [GomeRegressor, GomeClassifier])
def test_the_checks_of_scikit_learn(kind: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(LEAST_SQUARES, encoding="utf-8")
    made = kind(budget=1, start=tmp_path / "mine.py", settings=QUICK, runs=tmp_path / "runs", random_state=0)
    results = check_estimator(made, expected_failed_checks=EXPECTED, on_skip=None, on_fail=None)
    assert {each["check_name"]: str(each["exception"]) for each in results if each["status"] == "failed"} == {}


def test_a_fit_without_a_solution_says_why(tmp_path: Path) -> None:
    rows, slow = houses(60), tmp_path / "slow.py"
    slow.write_text("import sys, time\n\nprint(sys.argv)\ntime.sleep(100)\n", encoding="utf-8")
    estimator = GomeRegressor(budget="3s", start=slow, settings=QUICK, runs=tmp_path)
    with pytest.raises(NoSolution, match=r"has no accepted solution .*budget of time is used.*budget\.time"):
        estimator.fit(rows[["size", "colour"]], rows["price"])
