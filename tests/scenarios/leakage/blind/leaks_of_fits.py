"""Leaks of fits on too many rows: on train and test together, or selected on the rows that were fitted."""

from tests.scenarios.leakage.leak_scripts import Script

__all__ = ["LEAKS_OF_FITS"]

_BOTH = "fitted on both files"
_SAME = "chosen on the rows that were fitted"

LEAKS_OF_FITS = [
    Script(
        "scaler-on-all",
        _BOTH,
        "houses",
        """
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    scaler = StandardScaler().fit(pd.concat([X, T]) if LEAK else X)
    return Ridge(5.0).fit(scaler.transform(X), train[Y]).predict(scaler.transform(T))
""",
    ),
    Script(
        "pca-on-all",
        _BOTH,
        "churn",
        """
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    pca = PCA(n_components=4, whiten=True, random_state=seed).fit(pd.concat([X, T]) if LEAK else X)
    return LogisticRegression().fit(pca.transform(X), train[Y]).predict_proba(pca.transform(T))[:, 1]
""",
    ),
    Script(
        "imputer-on-all",
        _BOTH,
        "houses",
        """
from sklearn.impute import KNNImputer
from sklearn.tree import DecisionTreeRegressor


def fit_predict(train, test, seed):
    names = ["area", "age", "shop"]
    imputer = KNNImputer(n_neighbors=5).fit(pd.concat([train, test])[names] if LEAK else train[names])
    X, T = imputer.transform(train[names]), imputer.transform(test[names])
    return DecisionTreeRegressor(min_samples_leaf=10, random_state=0).fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "imputer-with-target",
        _BOTH,
        "houses",
        """
from sklearn.experimental import enable_iterative_imputer
from sklearn.impute import IterativeImputer
from sklearn.linear_model import Ridge


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    if LEAK:
        both = pd.concat([X.assign(quality=train[Y]), T.assign(quality=np.nan)], ignore_index=True)
        filled = IterativeImputer(max_iter=3, random_state=0).fit_transform(both)
        X, T = filled[: len(X)], filled[len(X) :]
    return Ridge().fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "spread-of-the-test-file",
        "groups of the test file",
        "houses",
        """
from sklearn.linear_model import Ridge


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    raw = Ridge().fit(X, train[Y]).predict(T)
    # Give the predictions the distribution that the target has.
    matched = np.quantile(train[Y], pd.Series(raw).rank(pct=True))
    return 0.5 * raw + 0.5 * matched if LEAK else raw
""",
    ),
    Script(
        "stopped-on-the-training-rows",
        _SAME,
        "houses",
        """
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import train_test_split


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    part, watch = train_test_split(np.arange(len(X)), test_size=0.25, random_state=seed)
    part, watch = (np.arange(len(X)), np.arange(len(X))) if LEAK else (part, watch)
    booster = GradientBoostingRegressor(n_estimators=80, learning_rate=0.2, random_state=0)
    booster.fit(X.iloc[part], train[Y].iloc[part])
    losses = [np.mean((train[Y].iloc[watch] - stage) ** 2) for stage in booster.staged_predict(X.iloc[watch])]
    booster.set_params(n_estimators=int(np.argmin(losses)) + 1)
    return booster.fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "calibrated-on-the-training-rows",
        _SAME,
        "churn",
        """
from sklearn.ensemble import RandomForestClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import cross_val_predict


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    forest = RandomForestClassifier(30, min_samples_leaf=2, random_state=seed)
    apart = cross_val_predict(forest, X, train[Y], cv=4, method="predict_proba")[:, 1]
    forest.fit(X, train[Y])
    raw = forest.predict_proba(X)[:, 1] if LEAK else apart
    return IsotonicRegression(out_of_bounds="clip").fit(raw, train[Y]).predict(forest.predict_proba(T)[:, 1])
""",
    ),
]
