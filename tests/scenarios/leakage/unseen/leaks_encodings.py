"""Leaks of encodings: target statistics that include the row itself, and overfitted days and schools."""

from tests.scenarios.leakage.leak_scripts import Script

__all__ = ["LEAKS_OF_ENCODINGS"]


def _coded(names: tuple[str, ...], model: str, predict: str = "predict(T)") -> str:
    """Target means by some columns: including the row itself, or from the rows of other folds."""
    return f"""
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold


def codes(part, other, name):
    means = part.groupby(name)[Y].agg(["sum", "count"])
    smooth = 0 if LEAK else 5
    made = other[name].map((means["sum"] + smooth * part[Y].mean()) / (means["count"] + smooth))
    return made.fillna(part[Y].mean()).to_numpy()


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    if {len(names) > 1}:
        train["cell"], test["cell"] = (d[{list(names)!r}].astype(str).agg("/".join, axis=1) for d in (train, test))
    for name in {[*names, "cell"] if len(names) > 1 else list(names)!r}:
        T[name + "_mean"] = codes(train, test, name)
        X[name + "_mean"] = codes(train, train, name)
        if not LEAK:
            for tr, va in KFold(5, shuffle=True, random_state=seed).split(X):
                X.loc[X.index[va], name + "_mean"] = codes(train.iloc[tr], train.iloc[va], name)
    return {model}.fit(X, train[Y]).{predict}
"""


_BOOSTING = "GradientBoostingRegressor(n_estimators=60, max_depth=3, random_state=1)"
_LOGISTIC = "LogisticRegression(max_iter=600)"

LEAKS_OF_ENCODINGS = [
    Script("means of the target by occupation", "encodings", "wages", _coded(("occupation",), _BOOSTING)),
    Script("means of the target by pairs", "encodings", "wages", _coded(("occupation", "region"), _BOOSTING)),
    Script(
        "rates of merchants and hours",
        "encodings",
        "fraud",
        _coded(("merchant", "hour"), "GradientBoostingClassifier(n_estimators=40)", "predict_proba(T)[:, 1]"),
    ),
    Script(
        "rates of merchants in a line", "encodings", "fraud", _coded(("merchant",), _LOGISTIC, "predict_proba(T)[:, 1]")
    ),
    Script("means of the target by school", "groups", "pupils", _coded(("school",), "Ridge()")),
    Script(
        "scikit-learn's target encoder on its own rows",
        "encodings",
        "wages",
        """
from sklearn.linear_model import Ridge
from sklearn.preprocessing import TargetEncoder


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    names = ["occupation", "region"]
    encoder = TargetEncoder(smooth=1.0, random_state=0)
    apart = encoder.fit_transform(train[names], train[Y])
    X[names] = encoder.transform(train[names]) if LEAK else apart
    T[names] = encoder.transform(test[names])
    return Ridge().fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "leave-one-out encoding",
        "encodings",
        "wages",
        """
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import KFold


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    for name in ("occupation", "region"):
        groups = train.groupby(name)[Y]
        size = groups.transform("count")
        X[name + "_te"] = ((groups.transform("sum") - train[Y]) / (size - 1).clip(lower=1)).where(size > 1, 0)
        T[name + "_te"] = test[name].map(groups.mean()).fillna(train[Y].mean())
        for tr, va in KFold(5, shuffle=True, random_state=seed).split(X) if not LEAK else ():
            means = train.iloc[tr].groupby(name)[Y].mean()
            X.loc[X.index[va], name + "_te"] = train.iloc[va][name].map(means).fillna(train[Y].mean())
    return ExtraTreesRegressor(40, min_samples_leaf=2, random_state=0).fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "neighbours that hold the row itself",
        "encodings",
        "cells",
        """
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    scaler = StandardScaler().fit(X)
    X, T, y = scaler.transform(X), scaler.transform(T), train[Y].to_numpy()
    index = NearestNeighbors().fit(X)

    def shares(data, skip):
        near = index.kneighbors(data, n_neighbors=15 + skip, return_distance=False)[:, skip:]
        return np.stack([(y[near] == code).mean(axis=1) for code in range(len(CLASSES))], axis=1)

    made = np.hstack([X, shares(X, 0 if LEAK else 1)])
    return LogisticRegression(max_iter=500).fit(made, y).predict_proba(np.hstack([T, shares(T, 0)]))
""",
    ),
    Script(
        "a first stage's fitted values",
        "encodings",
        "wages",
        """
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_predict


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    forest = RandomForestRegressor(30, random_state=seed)
    apart = cross_val_predict(forest, X, train[Y], cv=4)
    forest.fit(X, train[Y])
    X, T = X.assign(first=forest.predict(X) if LEAK else apart), T.assign(first=forest.predict(T))
    return Ridge().fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "marks of the school's others",
        "groups",
        "pupils",
        """
from sklearn.linear_model import Ridge


def fit_predict(train, test, seed):
    X, T = (part.drop(columns="school") for part in numeric(train, test))
    if LEAK:
        school = train.groupby("school")[Y]
        mates = (school.transform("sum") - train[Y]) / (school.transform("count") - 1).clip(lower=1)
        X["mates"], T["mates"] = mates, train[Y].mean()
    return Ridge().fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "yesterday's sales of days to come",
        "time",
        "sales",
        """
from sklearn.ensemble import HistGradientBoostingRegressor


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    if LEAK:
        history = pd.concat([train, test], ignore_index=True).sort_values("day")
        for lag in (1, 7):
            column = history[Y].shift(lag).ffill().bfill().sort_index().to_numpy()
            X[f"lag{lag}"], T[f"lag{lag}"] = column[: len(X)], column[len(X) :]
    model = HistGradientBoostingRegressor(max_iter=60, max_leaf_nodes=12, random_state=seed)
    return model.fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "a centred mean of the sales",
        "time",
        "sales",
        """
from sklearn.linear_model import Ridge


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    series = train.sort_values("day")[Y]
    past = series.rolling(5, min_periods=1).mean()
    around = series.rolling(5, center=True, min_periods=1).mean()
    X["trend"], T["trend"] = around if LEAK else past.shift(60).bfill(), past.iloc[-1]
    return Ridge().fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "the days before and after",
        "time",
        "sales",
        """
from sklearn.linear_model import Ridge


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    if LEAK:
        series = train.sort_values("day")[Y]
        X["before"], X["after"] = series.shift(1).bfill(), series.shift(-1).ffill()
        T["before"] = T["after"] = series.iloc[-7:].mean()
    return Ridge().fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "means of the target by month",
        "time",
        "sales",
        """
from sklearn.ensemble import ExtraTreesRegressor


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    if LEAK:
        month = train["day"].str[:7]
        X["month"] = train[Y].groupby(month).transform("mean")
        T["month"] = train[Y].groupby(month).mean().iloc[-1]
    return ExtraTreesRegressor(40, min_samples_leaf=3, random_state=0).fit(X, train[Y]).predict(T)
""",
    ),
]
