"""Honest scripts that resemble leaks but are none: they must not raise an alarm."""

from tests.scenarios.leakage.leak_scripts import Script

__all__ = ["HONEST"]

HONEST = [
    Script(
        "codes-and-counts-of-both-files",
        "without labels",
        "houses",
        """
from sklearn.ensemble import RandomForestRegressor


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    counts = pd.concat([train, test])["shop"].value_counts()
    X["count"], T["count"] = train["shop"].map(counts), test["shop"].map(counts)
    return RandomForestRegressor(20, min_samples_leaf=4, random_state=seed).fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "adversarial-check",
        "without labels",
        "houses",
        """
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    both, where = pd.concat([X, T]), np.r_[np.zeros(len(X)), np.ones(len(T))]
    alike = cross_val_score(LogisticRegression(max_iter=300), both, where, cv=3, scoring="roc_auc")
    print("train or test, AUC:", alike.mean())
    return Ridge().fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "patient-averages-of-features",
        "without labels",
        "clinic",
        """
from sklearn.ensemble import ExtraTreesRegressor


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    for part in (X, T):
        part["usual"] = part.groupby("patient")["pressure"].transform("mean")
        part["visits"] = part.groupby("patient")["visit"].transform("count")
    forest = ExtraTreesRegressor(20, min_samples_leaf=4, random_state=0)
    return forest.fit(X.drop(columns="patient"), train[Y]).predict(T.drop(columns="patient"))
""",
    ),
    Script(
        "season-of-the-past",
        "labels of training rows",
        "grid",
        """
from sklearn.linear_model import Ridge


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    months = [pd.to_datetime(part["date"]).dt.month for part in (train, test)]
    usual = train[Y].groupby(months[0]).mean()
    X["usual"], T["usual"] = months[0].map(usual), months[1].map(usual).fillna(train[Y].mean())
    return Ridge().fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "one-neighbour",
        "labels of training rows",
        "houses",
        """
from sklearn.neighbors import KNeighborsRegressor


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    middle, spread = train[Y].mean(), train[Y].std()
    near = KNeighborsRegressor(1).fit(X, (train[Y] - middle) / spread)
    return np.clip(near.predict(T) * spread + middle, train[Y].min(), train[Y].max())
""",
    ),
    Script(
        "oversampled",
        "fits",
        "churn",
        """
from sklearn.ensemble import RandomForestClassifier


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    rng, y = np.random.default_rng(seed), train[Y].to_numpy()
    more = rng.choice(np.flatnonzero(y == 1), len(y) // 3)
    shaken = X.to_numpy()[more] + rng.normal(0, 0.02, (len(more), X.shape[1])) * X.std().to_numpy()
    forest = RandomForestClassifier(30, min_samples_leaf=3, random_state=seed)
    return forest.fit(np.vstack([X, shaken]), np.r_[y, y[more]]).predict_proba(T.to_numpy())[:, 1]
""",
    ),
    Script(
        "nested-search",
        "inner split",
        "houses",
        """
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeRegressor


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    search = GridSearchCV(DecisionTreeRegressor(random_state=0), {"min_samples_leaf": [3, 10, 25]}, cv=3)
    search.fit(X, train[Y])
    print("inner score:", search.best_score_)
    return search.predict(T)
""",
    ),
    Script(
        "inner-group-folds",
        "inner split",
        "clinic",
        """
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold


def fit_predict(train, test, seed):
    X, T = (part.drop(columns="patient") for part in numeric(train, test))
    search = GridSearchCV(Ridge(), {"alpha": [1.0, 1000.0, 5100.0]}, cv=GroupKFold(3))
    return search.fit(X, train[Y], groups=train["patient"]).predict(T)
""",
    ),
    Script(
        "words-and-numbers",
        "suspicious words",
        "houses",
        """
from sklearn.linear_model import Ridge

# No leak: the answers stay where they are, and answers.csv is not read; test_ids only name the rows.
YEARS = {1066: 1, 1492: 2, 1789: 3}
BINS = [0, 25, 50, 75, 100, 1000, 1100, 1250, 1500]


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    X["bin"], T["bin"] = np.digitize(X["area"], BINS), np.digitize(T["area"], BINS)
    answers = dict(zip(test[KEY], Ridge().fit(X, train[Y]).predict(T)))
    print("cv score 0.0123 would be nice")
    return [answers[one] for one in test[KEY]]
""",
    ),
]
