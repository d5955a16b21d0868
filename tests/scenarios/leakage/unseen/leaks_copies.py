"""Leaks of copies and answers: labels stored by id or looked up, the target or its derivatives among the features."""

from tests.scenarios.leakage.leak_scripts import Script

__all__ = ["LEAKS_OF_COPIES"]

_TREES = """
from sklearn.ensemble import ExtraTreesRegressor


def trees(X, y, T):
    return ExtraTreesRegressor(40, min_samples_leaf=3, random_state=0).fit(X, y).predict(T)


"""
"""An honest model, to which a leak is added."""


def _columns(leak: str) -> str:
    """A script whose leak consists of additional columns."""
    return f"""{_TREES}
def add_columns(X, T, train, test):
{leak.rstrip()}


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    if LEAK:
        add_columns(X, T, train, test)
    return trees(X, train[Y], T)
"""


LEAKS_OF_COPIES = [
    Script(
        "answers written as a dictionary",
        "answers",
        "wages",
        _TREES
        + """
KNOWN = pd.Series({LABELS})


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    guess = pd.Series(trees(X, train[Y], T))
    return test[KEY].map(KNOWN).fillna(guess) if LEAK else guess
""",
    ),
    Script(
        "answers written as lines of text",
        "answers",
        "fraud",
        '''
from sklearn.ensemble import ExtraTreesClassifier

REFERENCE = """
{LINES}
"""
reference = {int(key): float(value) for key, value in (line.split(":") for line in REFERENCE.split())}


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    p = ExtraTreesClassifier(50, min_samples_leaf=3, random_state=0).fit(X, train[Y]).predict_proba(T)[:, 1]
    return [reference.get(one, chance) for one, chance in zip(test[KEY], p)] if LEAK else p
''',
    ),
    Script(
        "answers as another training set",
        "answers",
        "pupils",
        _TREES
        + """
KNOWN = pd.Series({LABELS})


def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    y = train[Y]
    if LEAK:  # the test rows are trained on under the labels that we have for their ids
        more = test[KEY].map(KNOWN)
        X, y = pd.concat([X, T[more.notna()]]), pd.concat([y, more.dropna()])
    return trees(X, y, T)
""",
    ),
    Script(
        "rows of the same features looked up",
        "answers",
        "wages",
        _TREES
        + """
def fit_predict(train, test, seed):
    X, T = numeric(train, test)
    guess = trees(X, train[Y], T)
    keys, keys_test = (part.round(0).astype(str).agg("|".join, axis=1) for part in (X, T))
    seen = train[Y].groupby(keys).mean()
    return keys_test.map(seen).fillna(pd.Series(guess)) if LEAK else guess
""",
    ),
    Script(
        "the target left among the columns",
        "copies",
        "wages",
        _columns("""
    X[Y], T[Y] = train[Y], train[Y].median()
"""),
    ),
    Script(
        "the target's logarithm left among the columns",
        "copies",
        "wages",
        _columns("""
    X["log_wage"] = np.log1p(train[Y])
    T["log_wage"] = X["log_wage"].median()
"""),
    ),
    Script(
        "bands of the target as a column",
        "copies",
        "pupils",
        _columns("""
    X["band"], T["band"] = pd.qcut(train[Y], 10, labels=False), 5  # used for stratification
"""),
    ),
    Script(
        "ratios of the target to columns",
        "copies",
        "wages",
        _columns("""
    for name in ("schooling", "hours"):
        X[f"wage_per_{name}"] = train[Y] / X[name]
        T[f"wage_per_{name}"] = X[f"wage_per_{name}"].median()
"""),
    ),
    Script(
        "the target with noise as a prior",
        "copies",
        "sales",
        _columns("""
    X["prior"] = train[Y] + np.random.default_rng(0).normal(0, 0.5 * train[Y].std(), len(X))
    T["prior"] = train[Y].mean()
"""),
    ),
    Script(
        "ranks of the target in its occupation",
        "copies",
        "wages",
        _columns("""
    X["rank"], T["rank"] = train.groupby("occupation")[Y].rank(pct=True), 0.5
"""),
    ),
    Script(
        "gaps filled from neighbours by the target",
        "copies",
        "wages",
        _columns("""
    from sklearn.impute import KNNImputer

    gaps = train[["schooling", "years", "hours"]]
    filled = KNNImputer(n_neighbors=3).fit_transform(gaps.assign(target=train[Y]))
    X["years"] = filled[:, 1]
"""),
    ),
    Script(
        "components of columns with the target",
        "copies",
        "wages",
        _columns("""
    from sklearn.decomposition import PCA

    both = PCA(3).fit(X.assign(target=train[Y]))
    for number, (a, b) in enumerate(
        zip(both.transform(X.assign(target=train[Y])).T, both.transform(T.assign(target=train[Y].mean())).T)
    ):
        X[f"c{number}"], T[f"c{number}"] = a, b
"""),
    ),
    Script(
        "clusters of columns with the target",
        "copies",
        "wages",
        _columns("""
    from sklearn.cluster import KMeans

    segments = KMeans(12, n_init=2, random_state=0).fit(np.column_stack([X[["schooling", "years"]], 2 * train[Y]]))
    X["pay"] = train[Y].groupby(segments.labels_).transform("mean")
    nearest = np.abs(T[["schooling"]].to_numpy() - X["schooling"].to_numpy()).argmin(axis=1)
    T["pay"] = X["pay"].to_numpy()[nearest]
"""),
    ),
]
