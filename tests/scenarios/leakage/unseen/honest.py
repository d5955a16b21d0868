"""Honest scripts that use the whole target, the test rows or their own scores in legitimate ways."""

from tests.scenarios.leakage.leak_scripts import Script

__all__ = ["HONEST"]

HONEST = [
    Script(
        "the logarithm of the target, clipped",
        "constants",
        "wages",
        """
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    base = HistGradientBoostingRegressor(max_iter=60, max_leaf_nodes=8, random_state=seed)
    model = TransformedTargetRegressor(base, func=np.log1p, inverse_func=np.expm1).fit(X, train[Y])
    return np.clip(model.predict(T), train[Y].min(), train[Y].max())
""",
    ),
    Script(
        "the target looked at and printed",
        "reports",
        "wages",
        """
from sklearn.linear_model import Ridge


def fit_predict(train, test, seed):
    print(train[Y].describe())
    print(train.select_dtypes("number").corr()[Y].sort_values())
    copies = [name for name in train if name != Y and train[name].equals(train[Y])]
    assert not copies, f"copies of the target: {copies}"
    print("ids in both", len(set(train[KEY]) & set(test[KEY])))
    X, T = numeric(train, test)
    return Ridge().fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "scores and importance reported",
        "reports",
        "wages",
        """
from sklearn.ensemble import GradientBoostingRegressor


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    model = GradientBoostingRegressor(n_estimators=60, subsample=0.8, random_state=seed).fit(X, train[Y])
    fitted = float(np.sqrt(np.mean((model.predict(X) - train[Y]) ** 2)))
    weights = dict(zip(X.columns, model.feature_importances_.round(4).tolist()))
    (options.out / "evidence.json").write_text(json.dumps({"train_score": fitted, "importance": weights}))
    return model.predict(T)
""",
    ),
    Script(
        "means of the region as a baseline",
        "encodings",
        "wages",
        """
def fit_predict(train, test, seed):
    return test["region"].map(train.groupby("region")[Y].mean()).fillna(train[Y].mean())
""",
    ),
    Script(
        "counts over train and test",
        "without labels",
        "fraud",
        """
from sklearn.ensemble import RandomForestClassifier


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    both = pd.concat([train, test])
    counts, usual = both["merchant"].value_counts(), both.groupby("merchant")["amount"].median()
    for made, part in ((X, train), (T, test)):
        made["count"] = part["merchant"].map(counts).to_numpy()
        made["over_usual"] = (made["amount"] / part["merchant"].map(usual).to_numpy()).fillna(1.0)
        made["night"] = part["hour"].between(0, 7).astype(int).to_numpy()
    forest = RandomForestClassifier(60, min_samples_leaf=6, class_weight="balanced_subsample", random_state=seed)
    return forest.fit(X, train[Y]).predict_proba(T)[:, 1]
""",
    ),
    Script(
        "schools by their columns",
        "without labels",
        "pupils",
        """
from sklearn.linear_model import Ridge


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    for part in (X, T):
        for name in ("income", "study", "age"):
            part["school_" + name] = part.groupby("school")[name].transform("mean")
    return Ridge(5.0).fit(X.drop(columns="school"), train[Y]).predict(T.drop(columns="school"))
""",
    ),
    Script(
        "the weather of the days around",
        "without labels",
        "sales",
        """
from sklearn.ensemble import HistGradientBoostingRegressor


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    days = pd.concat([X, T], keys=["train", "test"]).sort_values("day")
    days["heat_around"] = days["heat"].rolling(5, center=True, min_periods=1).mean()
    days["promo_after"] = days["promo"].shift(-1, fill_value=0)
    days = days.sort_index()
    model = HistGradientBoostingRegressor(max_iter=60, max_leaf_nodes=10, random_state=seed)
    return model.fit(days.loc["train"], train[Y]).predict(days.loc["test"])
""",
    ),
    Script(
        "the last level of the training days",
        "past only",
        "sales",
        """
from sklearn.linear_model import LinearRegression


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    level = train.sort_values("day")[Y].tail(28).mean() - train[Y].mean()
    columns = ["promo", "heat", "weekday"]
    return LinearRegression().fit(X[columns], train[Y]).predict(T[columns]) + level
""",
    ),
    Script(
        "classes and weights as constants",
        "constants",
        "cells",
        """
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    print("priors", np.bincount(train[Y]) / len(train))
    model = make_pipeline(QuantileTransformer(n_quantiles=50), LogisticRegression(class_weight="balanced"))
    return 0.97 * model.fit(X, train[Y]).predict_proba(T) + 0.03 / len(CLASSES)
""",
    ),
    Script(
        "a forest without a seed",
        "randomness",
        "wages",
        """
from sklearn.ensemble import RandomForestRegressor


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    return RandomForestRegressor(20, min_samples_leaf=5, max_features=0.6).fit(X, train[Y]).predict(T)
""",
    ),
]
