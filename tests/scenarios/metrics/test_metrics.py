"""Each metric compared with scikit-learn, scipy, or an example computed by hand."""

import math

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn import metrics as sk

from gome.errors import TaskError
from gome.scenarios.metrics.registry import METRICS, Metric, metric_named

DRAW = np.random.default_rng(5)
VALUES = DRAW.gamma(2.0, 3.0, (200, 2))
GUESSES = np.clip(VALUES + DRAW.normal(0, 1, VALUES.shape), 0, None).round(1)
LABELS = DRAW.integers(0, 4, 200)
NEAR = np.where(DRAW.random(200) < 0.6, LABELS, DRAW.integers(0, 4, 200))
YES = DRAW.integers(0, 2, 200)
NEAR_YES = np.where(DRAW.random(200) < 0.7, YES, 1 - YES)
CHANCE = np.clip(0.5 * YES + 0.6 * DRAW.random(200), 0.01, 0.99).round(2)
CHANCES = DRAW.dirichlet(np.ones(4), 200)


def column(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, 1)


@pytest.mark.parametrize(
    ("name", "truth", "prediction", "expected"),
    [
        ("rmse", VALUES[:, :1], GUESSES[:, :1], sk.root_mean_squared_error(VALUES[:, 0], GUESSES[:, 0])),
        ("mcrmse", VALUES, GUESSES, sk.root_mean_squared_error(VALUES, GUESSES)),
        ("rmsle", VALUES[:, :1], GUESSES[:, :1], sk.root_mean_squared_log_error(VALUES[:, 0], GUESSES[:, 0])),
        ("mae", VALUES[:, :1], GUESSES[:, :1], sk.mean_absolute_error(VALUES[:, 0], GUESSES[:, 0])),
        ("r2", VALUES, GUESSES, sk.r2_score(VALUES, GUESSES)),
        ("spearman", VALUES[:, :1], GUESSES[:, :1], spearmanr(VALUES[:, 0], GUESSES[:, 0]).statistic),
        ("auc", column(YES), column(CHANCE), sk.roc_auc_score(YES, CHANCE)),
        ("auc", LABELS, CHANCES, sk.roc_auc_score(LABELS, CHANCES, multi_class="ovr")),
        (
            "columnwise-auc",
            np.column_stack([YES, LABELS > 1]),
            np.column_stack([CHANCE, CHANCES[:, 0]]),
            (sk.roc_auc_score(YES, CHANCE) + sk.roc_auc_score(LABELS > 1, CHANCES[:, 0])) / 2,
        ),
        ("log-loss", column(YES), column(CHANCE), sk.log_loss(YES, CHANCE)),
        ("log-loss", LABELS, CHANCES, sk.log_loss(LABELS, CHANCES)),
        ("accuracy", LABELS, NEAR, sk.accuracy_score(LABELS, NEAR)),
        ("micro-f1", LABELS, NEAR, sk.f1_score(LABELS, NEAR, average="micro")),
        ("macro-f1", LABELS, NEAR, sk.f1_score(LABELS, NEAR, average="macro")),
        ("f1", YES, NEAR_YES, sk.f1_score(YES, NEAR_YES)),
        ("balanced-accuracy", LABELS, NEAR, sk.balanced_accuracy_score(LABELS, NEAR)),
        ("qwk", LABELS, NEAR, sk.cohen_kappa_score(LABELS, NEAR, weights="quadratic")),
        ("map@3", LABELS, CHANCES, sk.label_ranking_average_precision_score(np.eye(4)[LABELS], CHANCES)),
    ],
)
def test_against_the_libraries(name: str, truth: np.ndarray, prediction: np.ndarray, expected: float) -> None:
    if name.startswith("map"):  # the library's has no cut: take the one that never cuts
        assert metric_named("map@4").score(truth, prediction) == pytest.approx(expected, abs=1e-12)
        assert metric_named("map@1").score(truth, prediction) == pytest.approx(
            sk.accuracy_score(truth, prediction.argmax(axis=1)), abs=1e-12
        )
        return
    assert metric_named(name).score(truth, prediction) == pytest.approx(expected, abs=1e-9)


def test_a_probability_of_nothing_for_what_is_true_costs_what_the_library_says() -> None:
    chances = np.array([[1.0, 0.0, 0.0], [0.2, 0.3, 0.5]])
    assert metric_named("log-loss").score(np.array([1, 2]), chances) == pytest.approx(
        sk.log_loss([1, 2], chances, labels=[0, 1, 2]), abs=1e-9
    )
    yes, rng = np.array([1, 0, 1]), np.array([0.0, 1.0, 0.5])
    assert metric_named("log-loss").score(column(yes), column(rng)) == pytest.approx(sk.log_loss(yes, rng), abs=1e-9)


def test_smape_by_hand() -> None:
    # 200·|1|/3, 0 where both are zero, 200 where one is: mean (66.67 + 0 + 200) / 3
    score = metric_named("smape").score(column(np.array([1.0, 0.0, 5.0])), column(np.array([2.0, 0.0, 0.0])))
    assert score == pytest.approx((200 / 3 + 0 + 200) / 3)


def test_map_by_hand() -> None:
    # the right class is first, second, third: 1, 1/2, and nothing where only two are looked at
    chances = np.array([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])
    truth = np.array([0, 1, 2])
    assert metric_named("map@2").score(truth, chances) == pytest.approx((1 + 0.5 + 0) / 3)
    assert metric_named("map@3").score(truth, chances) == pytest.approx((1 + 0.5 + 1 / 3) / 3)


def test_qwk_weighs_by_distance() -> None:
    truth = np.array([0, 1, 2, 3])
    near, far = np.array([0, 1, 2, 2]), np.array([0, 1, 2, 0])
    metric = metric_named("qwk")
    assert 1 > metric.score(truth, near) > metric.score(truth, far)


@pytest.mark.parametrize(
    ("name", "truth", "prediction"),
    [
        ("auc", np.ones((5, 1)), np.linspace(0, 1, 5).reshape(-1, 1)),
        ("r2", np.ones((5, 1)), np.zeros((5, 1))),
        ("spearman", np.ones((5, 1)), np.arange(5.0).reshape(-1, 1)),
        ("qwk", np.ones(5, dtype=int), np.ones(5, dtype=int)),
    ],
)
def test_a_score_that_is_not_defined_is_nan(name: str, truth: np.ndarray, prediction: np.ndarray) -> None:
    assert math.isnan(metric_named(name).score(truth, prediction))


def told(metric: Metric) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A truth, its perfect prediction and a poor one, in the metric's shapes."""
    if metric.prediction == "value":
        return VALUES[:, :1], VALUES[:, :1], VALUES[::-1, :1]
    if metric.prediction == "label":
        return YES, YES, 1 - YES
    if metric.task_types == ("multiclass",):
        return LABELS, np.eye(4)[LABELS], np.eye(4)[(LABELS + 1) % 4]
    return column(YES), column(YES).astype(float), column(1.0 - YES)


@pytest.mark.parametrize("name", [*METRICS, "map@5"])
def test_a_perfect_prediction_is_never_worse_than_a_poor_one(name: str) -> None:
    metric = metric_named(name)
    truth, right, wrong = told(metric)
    good, poor = metric.score(truth, right), metric.score(truth, wrong)
    assert good > poor if metric.direction == "maximize" else good < poor
    loss_right, loss_wrong = metric.row_loss(truth, right), metric.row_loss(truth, wrong)
    assert loss_right.shape == (200,)
    assert loss_right.sum() < loss_wrong.sum()


@pytest.mark.parametrize("name", ["rmse", "rmsle", "mae", "log-loss", "accuracy"])
def test_the_row_losses_are_the_metrics_own(name: str) -> None:
    metric = metric_named(name)
    assert metric.own_loss
    truth, prediction = {
        "log-loss": (LABELS, CHANCES),
        "accuracy": (LABELS, NEAR),
    }.get(name, (VALUES[:, :1], GUESSES[:, :1]))
    mean = metric.row_loss(truth, prediction).mean()
    total = {"rmse": math.sqrt(mean), "rmsle": math.sqrt(mean), "accuracy": 1 - mean}.get(name, mean)
    assert metric.score(truth, prediction) == pytest.approx(total)


@pytest.mark.parametrize(
    ("given", "name"), [("RMSE", "rmse"), ("log_loss", "log-loss"), ("ROC_AUC", "auc"), ("MAP@5", "map@5")]
)
def test_names_are_taken_as_people_write_them(given: str, name: str) -> None:
    assert metric_named(given).name == name


@pytest.mark.parametrize(
    ("given", "hint"), [("rmsse", "rmse"), ("acuracy", "accuracy"), ("logloss2", "log-loss"), ("map@0", "map@5")]
)
def test_an_unknown_metric_comes_with_a_suggestion(given: str, hint: str) -> None:
    with pytest.raises(TaskError, match=f"did you mean {hint}"):
        metric_named(given)
