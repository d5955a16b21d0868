"""The measured gradient: weaknesses are planted, and each stands in the record's figures or rows."""

from collections.abc import Iterable
from typing import Literal

import numpy as np
import pytest
from pandas import DataFrame, Series
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression

from gome.scenarios.diagnostics.judged_rows import Case
from gome.scenarios.diagnostics.measure import diagnose
from gome.scenarios.diagnostics.record import Part
from gome.scenarios.diagnostics.sliced_table import SlicedTable
from gome.scenarios.evidence import SplitRule
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.metrics.registry import metric_named
from gome.scenarios.profiling.shifts import find_shifts
from tests.scenarios.helpers.planted import brief_of, diagnosed, folds_of, out_of_fold

ROWS = 1500
CLASSES = ("amber", "beryl", "coral")


def draw() -> np.random.Generator:
    return np.random.default_rng(11)


def column(values: Array) -> Array:
    return np.asarray(values, dtype=float)[:, None]


def forest() -> RandomForestRegressor:
    return RandomForestRegressor(15, min_samples_leaf=5, random_state=0)


def one(parts: Iterable[Part], feature: str, value: str) -> Part:
    return next(part for part in parts if (part.feature, part.value) == (feature, value))


def test_a_text_that_holds_a_number_is_seen() -> None:
    rng = draw()
    size, area = rng.integers(10, 200, ROWS), rng.normal(size=ROWS)
    texts = [f"a bright flat with a view over the river, {each} square metres" for each in size]
    truth = 0.1 * size + area
    said = out_of_fold(LinearRegression, column(area), truth, folds_of(ROWS))
    found = diagnosed(DataFrame({"area": area, "advert": texts}), column(truth), column(said))
    pattern = found.patterns[0]
    assert pattern.feature == "number in advert" and pattern.explained > 0.8
    biases = [part.bias for part in pattern.parts]
    assert biases == sorted(biases, reverse=True) and biases[0] > 4 > -4 > biases[-1]
    assert found.slices[0].feature == pattern.feature
    assert found.columns[0] == "advert" and found.dearest[0].cells[0].endswith("square metres")


def test_groups_that_training_lacks_are_seen() -> None:
    rng = draw()
    resources = rng.integers(0, 40, ROWS)
    truth = 3.0 * rng.normal(size=40)[resources] + 0.2 * rng.normal(size=ROWS)
    rare = resources < 8  # these shops are withheld as wholes, the others are known
    folds = folds_of(ROWS)
    folds = [
        (withheld, trained[~np.isin(resources[trained], np.unique(resources[withheld][rare[withheld]]))])
        for withheld, trained in folds
    ]
    table = DataFrame({"shop": [f"shop {each}" for each in resources]})
    said = out_of_fold(forest, np.eye(40)[resources], truth, folds)
    unseen = one(diagnosed(table, column(truth), column(said), folds=folds).rare, "shop", "not in training")
    assert unseen.rows == int(rare.sum())
    assert unseen.share_of_loss > 0.9 > 0.3 > unseen.share_of_rows


def test_a_shifted_test_is_seen() -> None:
    rng = draw()
    names = ("steady", "warmer", "town", "gappy", "day")
    days = np.datetime64("2024-01-01") + rng.integers(0, 300, ROWS)

    def side(warmth: float, towns: list[str], gaps: float, later: int) -> dict[str, Series]:
        gappy = np.where(rng.random(ROWS) < gaps, np.nan, 1.5 * rng.normal(size=ROWS))
        values = (rng.normal(size=ROWS), rng.normal(warmth, 1, ROWS), rng.choice(towns, ROWS), gappy, days + later)
        return {
            name: Series(each if name != "day" else each.astype(str)) for name, each in zip(names, values, strict=True)
        }

    train, test = side(0.0, ["Aa", "Bo"], 0.0, 0), side(1.5, ["Aa", "Bo", "Ce"], 0.3, 200)
    found = {shift.feature: shift for shift in find_shifts([(name, train[name], test[name]) for name in names])}
    assert set(found) == set(names) - {"steady"}
    assert found["warmer"].measure == "ks" and found["warmer"].distance == pytest.approx(0.55, abs=0.05)
    assert found["warmer"].train == pytest.approx(0, abs=0.1) and found["warmer"].test == pytest.approx(1.5, abs=0.1)
    assert (found["town"].measure, found["town"].value, found["town"].train) == ("tv", "Ce", 0.0)
    assert found["gappy"].measure == "missing" and found["gappy"].distance == pytest.approx(0.3, abs=0.05)
    assert found["day"].distance > 0.5
    assert find_shifts([(name, train[name], train[name]) for name in names]) == ()


def test_a_target_of_two_scales_is_seen() -> None:
    rng = draw()
    unit, size = rng.choice(["metres", "feet"], ROWS, p=[0.8, 0.2]), rng.gamma(4.0, 1.0, ROWS)
    truth = size * np.where(unit == "feet", 20.0, 1.0)
    said = out_of_fold(LinearRegression, column(size), truth, folds_of(ROWS))
    found = diagnosed(DataFrame({"unit": unit, "size": size}), column(truth), column(said))
    pattern = next(each for each in found.patterns if each.feature == "unit")
    assert pattern.explained > 0.5 and (pattern.target_spread or 0) > 8
    biases = {part.value: part.bias for part in pattern.parts}
    assert biases["feet"] < -30 and biases["metres"] > 5
    assert one(found.slices, "unit", "feet").share_of_loss > 0.6


def test_a_few_outliers_that_hold_the_loss_are_seen_and_shown() -> None:
    rng = draw()
    size = rng.normal(size=ROWS)
    truth = size + 0.1 * rng.normal(size=ROWS)
    spoiled = rng.permutation(ROWS)[:6]
    truth[spoiled] += 60.0
    said = out_of_fold(LinearRegression, column(size), truth, folds_of(ROWS))
    found = diagnosed(DataFrame({"size": size}), column(truth), column(said))
    assert found.concentration.ten_rows > 0.95 and found.concentration.percent > 0.95
    assert {row.truth for row in found.dearest[:6]} == {f"{truth[place]:.5g}" for place in spoiled}
    assert found.quantiles[2][1] == pytest.approx(np.quantile(said - truth, 0.5), rel=1e-3)


def test_a_class_that_is_never_decided_for_is_seen() -> None:
    rng = draw()
    truth = rng.choice(3, ROWS, p=[0.5, 0.42, 0.08])
    size = truth + 0.8 * rng.normal(size=ROWS)
    model = RandomForestClassifier(20, max_depth=1, random_state=0)
    shares = out_of_fold(lambda: model, column(size), truth, folds_of(ROWS))
    for metric, prediction in (("macro-f1", shares.argmax(axis=1)), ("log-loss", shares)):
        brief = brief_of(metric, "multiclass", CLASSES)
        found = diagnosed(DataFrame({"size": size}), truth, prediction, brief)
        coral = next(each for each in found.classes if each.name == "coral")
        assert coral.decided == coral.recall == 0.0
        assert coral.share_of_loss > 1.5 * coral.share_of_rows
        assert (coral.probability is None) == (metric == "macro-f1")
        assert sum(each.rows for each in found.confusions if each.truth == "coral") == coral.rows
        assert {row.truth for row in found.dearest} == set(CLASSES), "the rows shown are of all classes"


def test_rare_categories_that_err_are_seen() -> None:
    rng = draw()
    make = np.where(rng.random(ROWS) < 0.85, rng.integers(0, 5, ROWS), 100 + rng.integers(0, 90, ROWS))
    truth = rng.normal(0, 3, 200)[make] + 0.3 * rng.normal(size=ROWS)
    codes = np.unique(make, return_inverse=True)[1]
    said = out_of_fold(forest, np.eye(codes.max() + 1)[codes], truth, folds_of(ROWS))
    found = diagnosed(DataFrame({"make": [f"make {each}" for each in make]}), column(truth), column(said))
    assert {part.value for part in found.rare} >= {"1 to 3 times in training"}
    share = sum(part.share_of_loss for part in found.rare)
    assert share > 0.8 > 0.2 > sum(part.share_of_rows for part in found.rare)


@pytest.mark.parametrize("spelled", ["date", "number"])
def test_a_bias_that_drifts_with_time_is_seen(spelled: str) -> None:
    rng = draw()
    day, size = rng.integers(0, 700, ROWS), rng.normal(size=ROWS)
    truth = size + 0.01 * day + 0.3 * rng.normal(size=ROWS)
    said = out_of_fold(LinearRegression, column(size), truth, folds_of(ROWS))
    when = (np.datetime64("2022-01-01") + day).astype(str) if spelled == "date" else day
    found = diagnosed(DataFrame({"size": size, "when": when}), column(truth), column(said))
    pattern = found.patterns[0]
    biases = [part.bias for part in pattern.parts]
    assert pattern.feature == "when" and pattern.ordered and len(biases) == 5
    assert biases == sorted(biases, reverse=True) and biases[0] > 2 > -2 > biases[-1]
    if spelled == "date":
        assert pattern.parts[0].value.startswith("2022-01-01 to 2022-0")


def test_hours_weekdays_and_months_of_dates_are_seen() -> None:
    rng = draw()
    when = np.datetime64("2022-01-01T00:00") + rng.integers(0, 24 * 700, ROWS) * np.timedelta64(1, "h")
    hour = (when - when.astype("datetime64[D]")).astype(int) // 60
    truth = 5.0 * (hour == 8) + 0.3 * rng.normal(size=ROWS)
    found = diagnosed(DataFrame({"when": when.astype(str)}), column(truth), column(np.zeros(ROWS)))
    assert (found.slices[0].feature, found.slices[0].value) == ("when (hour)", "8")
    assert found.slices[0].share_of_loss > 0.8
    weekday = (when.astype("datetime64[D]").astype(int) + 3) % 7
    found = diagnosed(DataFrame({"when": when.astype(str)}), column(3.0 * (weekday == 6)), column(np.zeros(ROWS)))
    assert (found.slices[0].feature, found.slices[0].value) == ("when (weekday)", "Sunday")


def test_a_range_of_a_number_that_errs_is_seen_with_its_change() -> None:
    rng = draw()
    heat, size = rng.uniform(0, 50, ROWS), rng.normal(size=ROWS)
    truth = size * np.where(heat > 40, -2.0, 1.0) + 0.1 * rng.normal(size=ROWS)
    table = DataFrame({"heat": heat, "size": size})
    said = out_of_fold(LinearRegression, column(size), truth, folds_of(ROWS))
    better = out_of_fold(forest, table.to_numpy(), truth, folds_of(ROWS))
    found = diagnosed(table, column(truth), column(said), best=column(better))
    hot = next(part for part in found.slices if part.feature == "heat")
    assert hot.value.endswith(f"to {heat.max():.6g}") and hot.share_of_rows == pytest.approx(0.2, abs=0.01)
    assert hot.share_of_loss > 0.7
    assert (hot.change or 0) > 10 * (hot.change_error or 1) > 0, "the best understands it"
    assert hot in found.changes
    losses = (said - truth) ** 2 - (better - truth) ** 2
    assert found.change == pytest.approx(losses.mean(), rel=1e-3) and found.compared == ROWS
    dearest = {each.truth for each in found.dearest}
    worst = next(place for place in np.argsort(-losses) if f"{truth[place]:.5g}" not in dearest)
    assert found.worse[0].change == pytest.approx(losses[worst], rel=1e-2), "the dearest are not shown twice"
    assert found.worse[0].best == f"{better[worst]:.5g}"
    assert len(found.better) == len(found.worse) == 2


def test_saturation_is_seen() -> None:
    rng = draw()
    size = rng.gamma(2.0, 2.0, ROWS)
    truth = np.exp(0.4 * size)
    said = out_of_fold(DummyRegressor, column(size), truth, folds_of(ROWS))
    said = np.minimum(truth, np.quantile(truth, 0.9)) + 0.1 * rng.normal(size=ROWS) + 0 * said
    found = diagnosed(DataFrame({"size": size}), column(truth), column(said))
    *rest, large = found.by_truth
    assert large.bias is not None and large.bias < -1 and large.share_of_loss > 0.95
    assert all(abs(part.bias or 0) < 0.1 for part in rest)
    assert sum(part.rows for part in found.by_truth) == ROWS


def test_errors_of_a_logarithmic_metric_are_on_its_own_scale() -> None:
    truth = draw().gamma(2.0, 50.0, 400)
    found = diagnosed(DataFrame({"x": truth}), column(truth), column(2 * (truth + 1) - 1), brief_of("rmsle"))
    assert found.scale == "log1p" and found.loss == "squared error of log(1 + x)"
    assert [value for _, value in found.quantiles] == pytest.approx([np.log(2)] * 5, abs=1e-4)


def test_a_bias_of_probabilities_is_of_the_last_class() -> None:
    rng = draw()
    group, truth = rng.choice(["a", "b"], ROWS), (rng.random(ROWS) < 0.5).astype(float)
    said = np.where(group == "a", 0.8, 0.5)
    brief = brief_of("log-loss", "binary", ("no", "yes"))
    found = diagnosed(DataFrame({"group": group}), column(truth), column(said), brief)
    biases = {part.value: part.bias for part in found.patterns[0].parts}
    assert biases["a"] == pytest.approx(0.3, abs=0.05) and biases["b"] == pytest.approx(0.0, abs=0.05)
    assert {each.name for each in found.classes} == {"no", "yes"} and found.by_prediction


def test_several_targets_are_told_apart() -> None:
    rng = draw()
    truth = rng.normal(size=(300, 3))
    said = truth + rng.normal(size=(300, 3)) * np.array([0.1, 0.1, 2.0])
    found = diagnosed(DataFrame({"x": truth[:, 0]}), truth, said, brief_of("mcrmse", targets=("p", "q", "r")))
    assert [part.feature for part in found.by_target] == ["p", "q", "r"]
    assert found.by_target[2].share_of_loss > 0.9
    shown = found.dearest[0]
    assert shown.truth.count(",") == 2
    several = brief_of("columnwise-auc", "binary", ("0", "1"), targets=("p", "q", "r"))
    told = diagnosed(DataFrame({"x": truth[:, 0]}), (truth > 0).astype(float), np.clip(said, 0, 1), several)
    assert told.classes == () and len(told.by_target) == 3


def test_rows_of_which_the_best_is_not_known_are_not_compared() -> None:
    rng = draw()
    truth, said = rng.normal(size=200), rng.normal(size=200)
    case = Case(
        features=SlicedTable(DataFrame({"x": truth})),
        at=np.arange(200),
        trained=dict(enumerate(folds_of(200))),
        truth=column(truth),
        prediction=column(said),
        brief=brief_of("rmse"),
        metric=metric_named("rmse"),
        best=column(np.where(np.arange(200) < 50, truth, 0.0)),
        known=np.arange(200) < 50,
    )
    found = diagnose(case)
    assert found is not None and found.compared == 50 and found.best_loss == 0.0
    assert found.change == pytest.approx(np.square(said - truth)[:50].mean(), rel=1e-3)
    assert all((row.best is None) == (row.change is None) for row in found.dearest)


GRADES = ("A", "B", "C", "D", "E", "F")


def graded(rng: np.random.Generator) -> tuple[DataFrame, Array, Array, Array]:
    """A table, true grades, predictions that put high grades of one branch far too low, and better ones."""
    truth, branch = rng.integers(0, 6, ROWS), rng.choice(["north", "south"], ROWS)
    missed = rng.random(ROWS) < 0.4
    near = np.where(truth == 5, 4, truth + 1)
    fair = np.where(missed, near, truth)
    far = (branch == "south") & (truth >= 4)
    return DataFrame({"branch": branch}), truth, np.where(missed, np.where(far, truth - 3, near), truth), fair


def test_high_grades_that_are_predicted_far_too_low_are_seen() -> None:
    table, truth, said, fair = graded(draw())
    found = diagnosed(table, truth, said, brief_of("qwk", "multiclass", GRADES), best=fair)
    assert found.scale == "grade" and found.loss.startswith("squared distance of predicted and true grade")
    assert [each.name for each in found.classes] == list(GRADES), "grades stand in their order"
    bias = {each.name: each.bias or 0.0 for each in found.classes}
    assert bias["F"] < -0.6 and bias["E"] < -0.3 and bias["A"] == pytest.approx(0.4, abs=0.1)
    loss = {each.name: each.share_of_loss for each in found.classes}
    assert loss["E"] + loss["F"] > 0.65
    costly = {(each.truth, each.decided) for each in found.confusions[:2]}
    assert costly == {("E", "B"), ("F", "C")}, "pairs are sorted by their cost, not by their number"
    assert all((each.share_of_loss or 0) > 0.25 for each in found.confusions[:2])
    south = one(found.slices, "branch", "south")
    assert (south.bias or 0) < -0.1 and south.share_of_loss > 0.75
    assert {(row.truth, row.prediction) for row in found.dearest} == costly
    assert found.quantiles[0][1] == -3.0 and found.change is not None and found.change > 0.5
    assert found.patterns[0].feature == "branch"


def test_classes_without_an_order_have_no_distance() -> None:
    table, truth, said, fair = graded(draw())
    found = diagnosed(table, truth, said, brief_of("macro-f1", "multiclass", GRADES), best=fair)
    assert found.scale == "loss" and found.change == 0.0, "both are wrong equally often"
    assert all(each.share_of_loss is None for each in found.confusions)
    assert all(each.bias is None for each in found.classes)


@pytest.mark.parametrize(("kind", "spelled", "worst"), [("group", "number", "7"), ("time", "date", "2024-01-08")])
def test_the_worst_days_of_a_task_that_is_split_by_them_are_named(
    kind: Literal["group", "time"], spelled: str, worst: str
) -> None:
    days = np.repeat(np.arange(50), 24)
    stamps = np.datetime64("2024-01-01T00:00:00") + days.astype("timedelta64[D]") + np.arange(1200) % 24
    table = DataFrame({"day": days if spelled == "number" else stamps.astype(str), "x": draw().normal(size=1200)})
    truth = column(draw().normal(size=1200))
    brief = brief_of("rmse").model_copy(update={"split": SplitRule(kind=kind, column="day")})
    found = diagnosed(table, truth, truth + np.where(days == 7, 1.0, 0.1)[:, None], brief)
    assert [(each.feature, each.value, each.rows) for each in found.units] == [("day", worst, 24)]
    assert found.units[0].share_of_loss > 0.6 and found.units[0].bias == pytest.approx(1.0)
    hidden = diagnosed(table, truth, truth + np.where(days == 7, 1.0, 0.1)[:, None], brief, rows=0)
    assert [each.value for each in hidden.units] == ["unit no. 8"]
    assert not diagnosed(table, truth, truth + 0.1).units, "no split by a column"


def test_a_column_says_how_many_of_its_parts_were_judged() -> None:
    part = np.arange(1200) % 12
    truth = column(draw().normal(size=1200))
    found = diagnosed(DataFrame({"part": part}), truth, truth + part[:, None] / 10)
    (pattern,) = found.patterns
    assert (len(pattern.parts), pattern.judged) == (6, 12)
