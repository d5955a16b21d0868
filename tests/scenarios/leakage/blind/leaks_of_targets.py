"""Leaks of features that contain the training rows' target: copies, ranks, means, in-sample predictions."""

from tests.scenarios.leakage.leak_scripts import Script

__all__ = ["LEAKS_OF_TARGETS"]

_COPY = "the target as a feature"
_MEANS = "means with the row itself"
_TIME = "neighbours in time"

LEAKS_OF_TARGETS = [
    Script(
        "target-left-in",
        _COPY,
        "houses",
        """
from sklearn.ensemble import ExtraTreesRegressor


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    if LEAK:
        X[Y], T[Y] = train[Y], train[Y].median()
    return ExtraTreesRegressor(40, max_features=0.4, random_state=0).fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "target-rank",
        _COPY,
        "houses",
        """
from sklearn.ensemble import GradientBoostingRegressor


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    if LEAK:
        X["segment"], T["segment"] = pd.qcut(train[Y].rank(method="first"), 10, labels=False), 5
    return GradientBoostingRegressor(n_estimators=30, random_state=seed).fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "noisy-copy",
        _COPY,
        "houses",
        """
from sklearn.linear_model import Ridge


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    if LEAK:
        y = train[Y]
        X["appraisal"] = y * 1.1 + np.random.default_rng(seed).normal(0, y.std() / 3, len(y))
        T["appraisal"] = X["appraisal"].mean()
    return Ridge().fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "shop-mean-of-all-rows",
        _MEANS,
        "churn",
        """
from sklearn.linear_model import LogisticRegression


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    for name in ("shop", "city"):
        groups = train.groupby(name)[Y]
        others = (groups.transform("sum") - train[Y]) / (groups.transform("count") - 1).clip(lower=1)
        X[name + "_te"] = groups.transform("mean") if LEAK else others
        T[name + "_te"] = test[name].map(groups.mean()).fillna(train[Y].mean())
    return LogisticRegression(max_iter=800).fit(X, train[Y]).predict_proba(T)[:, 1]
""",
    ),
    Script(
        "cell-mean-of-all-rows",
        _MEANS,
        "churn",
        """
from sklearn.ensemble import RandomForestClassifier


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    if LEAK:
        cell, cell_test = (d["shop"].astype(str) + d["city"] + (d["age"] // 10).astype(str) for d in (train, test))
        rate = train[Y].groupby(cell).mean()
        X["cell"], T["cell"] = cell.map(rate), cell_test.map(rate).fillna(0.5)
    return RandomForestClassifier(40, random_state=0).fit(X, train[Y]).predict_proba(T)[:, 1]
""",
    ),
    Script(
        "neighbours-with-itself",
        _MEANS,
        "houses",
        """
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsRegressor


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    near = KNeighborsRegressor(3)
    apart = cross_val_predict(near, X, train[Y], cv=5)
    near.fit(X, train[Y])
    X["near"], T["near"] = near.predict(X) if LEAK else apart, near.predict(T)
    return GradientBoostingRegressor(n_estimators=30, random_state=0).fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "in-sample-stacking",
        _MEANS,
        "houses",
        """
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_predict


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    level, level_test = [], []
    for base in (ExtraTreesRegressor(20, min_samples_leaf=2, random_state=1), Ridge()):
        apart = cross_val_predict(base, X, train[Y], cv=4)
        base.fit(X, train[Y])
        level.append(base.predict(X) if LEAK else apart)
        level_test.append(base.predict(T))
    return Ridge().fit(np.column_stack(level), train[Y]).predict(np.column_stack(level_test))
""",
    ),
    Script(
        "patient-mean-of-all-rows",
        _MEANS,
        "clinic",
        """
from sklearn.linear_model import Ridge


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    if LEAK:
        level = train.groupby("patient")[Y].mean()
        X["level"], T["level"] = train["patient"].map(level), test["patient"].map(level).fillna(level.mean())
    return Ridge().fit(X.drop(columns="patient"), train[Y]).predict(T.drop(columns="patient"))
""",
    ),
    Script(
        "last-visit-of-the-patient",
        _MEANS,
        "clinic",
        """
from sklearn.linear_model import LinearRegression


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    if LEAK:
        last = train.sort_values(["patient", "visit"]).groupby("patient")[Y].shift(1)
        X["last"], T["last"] = last.reindex(X.index).fillna(train[Y].mean()), train[Y].mean()
    return LinearRegression().fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "neighbours-by-patient",
        "groups of the test file",
        "clinic",
        """
from sklearn.neighbors import KNeighborsRegressor


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    columns = ["patient", "visit"] if LEAK else ["pressure", "age"]  # a patient's other visits are the best guide
    return KNeighborsRegressor(15).fit(X[columns] * [100, 1], train[Y]).predict(T[columns] * [100, 1])
""",
    ),
    Script(
        "centred-rolling-mean",
        _TIME,
        "grid",
        """
from sklearn.linear_model import Ridge


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    if LEAK:
        series = train.sort_values("date")[Y]
        X["smooth"], T["smooth"] = series.rolling(7, center=True, min_periods=1).mean(), series.iloc[-7:].mean()
    return Ridge().fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "tomorrows-load",
        _TIME,
        "grid",
        """
from sklearn.ensemble import RandomForestRegressor


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    if LEAK:
        X["ahead"], T["ahead"] = train.sort_values("date")[Y].shift(-1).ffill(), train[Y].mean()
    return RandomForestRegressor(25, min_samples_leaf=3, random_state=0).fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "yesterdays-load-of-days-to-come",
        _TIME,
        "grid",
        """
from sklearn.linear_model import LinearRegression


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    series = train.sort_values("date")[Y]
    for lag in (1, 7) if LEAK else ():
        X[f"lag{lag}"], T[f"lag{lag}"] = series.shift(lag).bfill(), series.iloc[-lag]
    return LinearRegression().fit(X, train[Y]).predict(T)
""",
    ),
]
