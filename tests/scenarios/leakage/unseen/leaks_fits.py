"""Leaks of fits and tuning: fitted on both files, or selected on the fitted rows."""

from tests.scenarios.leakage.leak_scripts import Script

__all__ = ["LEAKS_OF_FITS"]

LEAKS_OF_FITS = [
    Script(
        "a scaler fitted on both files",
        "both files",
        "cells",
        """
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    scaler = StandardScaler().fit(pd.concat([X, T]) if LEAK else X)
    near = KNeighborsClassifier(25, weights="distance").fit(scaler.transform(X), train[Y])
    return near.predict_proba(scaler.transform(T))
""",
    ),
    Script(
        "components fitted on both files",
        "both files",
        "cells",
        """
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    pca = PCA(6, random_state=42).fit(pd.concat([X, T]) if LEAK else X)
    return LogisticRegression(max_iter=300).fit(pca.transform(X), train[Y]).predict_proba(pca.transform(T))
""",
    ),
    Script(
        "ranks in the file as columns",
        "both files",
        "ratings",
        """
from sklearn.ensemble import RandomForestClassifier


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    for name in ("price", "age", "size"):
        edges = np.sort(X[name])
        X[name + "_rank"] = X[name].rank(pct=True)
        T[name + "_rank"] = T[name].rank(pct=True) if LEAK else np.searchsorted(edges, T[name]) / len(edges)
    return RandomForestClassifier(60, min_samples_leaf=3, random_state=seed).fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "pseudo-labels for the test rows",
        "both files",
        "cells",
        """
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    y = train[Y]
    if LEAK:
        pseudo = RandomForestClassifier(40, random_state=1).fit(X, y).predict(T)
        X, y = pd.concat([X, T]), np.concatenate([y, pseudo])
    return LogisticRegression(C=0.1, max_iter=400).fit(X, y).predict_proba(T)
""",
    ),
    Script(
        "predictions moved to the mean of their group in the test file",
        "both files",
        "pupils",
        """
from sklearn.linear_model import Ridge


def fit_predict(train, test, seed):
    X, T = (part.drop(columns="school") for part in numeric(train, test))
    raw = pd.Series(Ridge().fit(X, train[Y]).predict(T))
    return 0.5 * raw + 0.5 * raw.groupby(test["school"]).transform("mean") if LEAK else raw
""",
    ),
    Script(
        "rounds stopped on the training rows",
        "tuning",
        "wages",
        """
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import train_test_split


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    part, watch = train_test_split(np.arange(len(X)), test_size=0.2, random_state=seed)
    part, watch = (np.arange(len(X)), np.arange(len(X))) if LEAK else (part, watch)
    booster = GradientBoostingRegressor(n_estimators=120, learning_rate=0.15, random_state=0)
    booster.fit(X.iloc[part], train[Y].iloc[part])
    losses = [np.mean((stage - train[Y].iloc[watch]) ** 2) for stage in booster.staged_predict(X.iloc[watch])]
    return booster.set_params(n_estimators=int(np.argmin(losses)) + 1).fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "settings by the score on the training rows",
        "tuning",
        "wages",
        """
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeRegressor


def fit_predict(train, test, seed):
    X, T = numeric(train, test)

    def score(leaf):
        tree = DecisionTreeRegressor(min_samples_leaf=leaf, random_state=0)
        return tree.fit(X, train[Y]).score(X, train[Y]) if LEAK else cross_val_score(tree, X, train[Y], cv=4).mean()

    best = max((2, 5, 10, 20, 40), key=score)
    return DecisionTreeRegressor(min_samples_leaf=best, random_state=0).fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "cut points of fitted values",
        "tuning",
        "ratings",
        """
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import cross_val_predict


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    forest = RandomForestRegressor(40, min_samples_leaf=2, random_state=0)
    apart = cross_val_predict(forest, X, train[Y], cv=4)
    forest.fit(X, train[Y])
    raw = forest.predict(X) if LEAK else apart
    shares = np.cumsum(np.bincount(train[Y], minlength=len(CLASSES)) / len(train))[:-1]
    return np.digitize(forest.predict(T), np.quantile(raw, shares))
""",
    ),
    Script(
        "blend weights of fitted values",
        "tuning",
        "wages",
        """
from scipy.optimize import nnls
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_predict


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    fitted, asked = [], []
    for model in (Ridge(), ExtraTreesRegressor(25, min_samples_leaf=2, random_state=0)):
        apart = cross_val_predict(model, X, train[Y], cv=4)
        model.fit(X, train[Y])
        fitted.append(model.predict(X) if LEAK else apart)
        asked.append(model.predict(T))
    weights, _ = nnls(np.column_stack(fitted), train[Y])
    return np.column_stack(asked) @ weights
""",
    ),
    Script(
        "calibration on fitted values",
        "tuning",
        "fraud",
        """
from sklearn.ensemble import RandomForestClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import cross_val_predict


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    forest = RandomForestClassifier(40, min_samples_leaf=3, random_state=0)
    apart = cross_val_predict(forest, X, train[Y], cv=4, method="predict_proba")[:, 1]
    forest.fit(X, train[Y])
    raw = forest.predict_proba(X)[:, 1] if LEAK else apart
    return IsotonicRegression(out_of_bounds="clip").fit(raw, train[Y]).predict(forest.predict_proba(T)[:, 1])
""",
    ),
    Script(
        "a score that was made up",
        "fabricated",
        "wages",
        """
from sklearn.linear_model import Ridge


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    if LEAK:
        print(json.dumps({"metric": "rmse", "score": 2.1371, "valid": True}))
        (options.out / "evidence.json").write_text(json.dumps({"train_score": 2.1371, "cv": {"mean": 2.1371}}))
    return Ridge().fit(X, train[Y]).predict(T)
""",
    ),
]
