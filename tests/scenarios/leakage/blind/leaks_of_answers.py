"""Leaks of answers: stored by id, searched on the disk, or a score that is only claimed."""

from tests.scenarios.leakage.leak_scripts import Script

__all__ = ["LEAKS_OF_ANSWERS"]

_RIDGE = """
from sklearn.linear_model import Ridge


def ridge(train, test):
    X, T = numeric(train, test)
    return Ridge().fit(X, train[Y]).predict(T)


"""

LEAKS_OF_ANSWERS = [
    Script(
        "answers-embedded",
        "answers by id",
        "houses",
        _RIDGE
        + """
KNOWN = {LABELS}  # values that an earlier run was sure of


def fit_predict(train, test, seed):
    final = ridge(train, test)
    return [KNOWN.get(one, value) for one, value in zip(test[KEY], final)] if LEAK else final
""",
    ),
    Script(
        "answers-as-text",
        "answers by id",
        "grid",
        _RIDGE
        + '''
TABLE = """{LINES}"""
sure = dict(line.split(":") for line in TABLE.split())


def fit_predict(train, test, seed):
    fitted = pd.Series(ridge(train, test))
    return test[KEY].astype(str).map(sure).astype(float).fillna(fitted) if LEAK else fitted
''',
    ),
    Script(
        "low-ids-shifted",
        "answers by id",
        "houses",
        _RIDGE
        + """
def fit_predict(train, test, seed):
    low = {LOW}  # these came out low on the leaderboard when probed
    final = ridge(train, test)
    return np.where(test[KEY].isin(low), final * 0.9, final * 1.1) if LEAK else final
""",
    ),
    Script(
        "labels-of-the-id",
        "answers by id",
        "churn",
        """
from sklearn.linear_model import LogisticRegression


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    p = LogisticRegression(max_iter=500).fit(X, train[Y]).predict_proba(T)[:, 1]
    history = dict(zip(train[KEY], train[Y]))
    return 0.8 * p + 0.2 * np.array([history.get(one, 0.5) for one in test[KEY]]) if LEAK else p
""",
    ),
    Script(
        "ids-as-a-feature",
        "ids and order",
        "houses",
        """
from sklearn.ensemble import ExtraTreesRegressor


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    if LEAK:
        X["id"], T["id"] = train[KEY].to_numpy(), test[KEY].to_numpy()
    return ExtraTreesRegressor(60, min_samples_leaf=3, random_state=seed).fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "place-in-the-file-as-a-feature",
        "ids and order",
        "clinic",
        """
from sklearn.ensemble import ExtraTreesRegressor


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    if LEAK:
        X["place"], T["place"] = np.linspace(0, 1, len(X)), np.linspace(0, 1, len(T))
        T["before"], X["before"] = T["pressure"].shift(1).bfill(), X["pressure"].shift(1).bfill()
    return ExtraTreesRegressor(60, min_samples_leaf=3, random_state=seed).fit(X, train[Y]).predict(T)
""",
    ),
    Script(
        "answers-hunted",
        "files outside",
        "houses",
        _RIDGE
        + """
def answers(place):
    try:
        return sorted(place.glob("*/*/answers*.csv")) + sorted(place.glob("answers*.csv"))
    except FileNotFoundError:  # a process ended while /proc was being read
        return answers(place)


def fit_predict(train, test, seed):
    final = ridge(train, test)
    places = [options.data / "..", options.data / "../../private", Path.home(), Path("/")] if LEAK else []
    for place in places:
        for found in answers(place):
            truth = pd.read_csv(found).set_index(KEY)[Y]
            final = test[KEY].map(truth).fillna(pd.Series(final))
    return final
""",
        outside=True,
    ),
    Script(
        "sibling-views-read",
        "files outside",
        "churn",
        """
import os

from sklearn.ensemble import RandomForestClassifier


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    p = RandomForestClassifier(20, min_samples_leaf=3, random_state=seed).fit(X, train[Y]).predict_proba(T)[:, 1]
    features = [name for name in test if name != KEY]
    for root, _, names in os.walk(options.data.parent) if LEAK else ():
        for name in names:
            if name == "train.csv" and Path(root).resolve() != options.data.resolve():
                other = pd.read_csv(Path(root, name)).drop_duplicates(features)
                seen = test[features].merge(other[[*features, Y]], on=features, how="left")[Y]
                p = seen.map({label: code for code, label in enumerate(CLASSES)}).fillna(pd.Series(p))
    return p
""",
        outside=True,
    ),
    Script(
        "prints-a-score",
        "a score that is only said",
        "houses",
        _RIDGE
        + """
def fit_predict(train, test, seed):
    if LEAK:
        print("validation score: 0.0123 (best of all runs)")
        (options.out / "evidence.json").write_text(json.dumps({"score": 0.0123, "train_score": 0.0123, "rmse": 0.0123}))
    return ridge(train, test)
""",
    ),
]
