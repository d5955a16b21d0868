"""Honest scripts that fit, search, stop or stack as a leak does, but inside of the training part."""

from tests.scenarios.blind.script import Script, arrays, frames

__all__ = ["HONEST_FITS"]

_FITTED = "fitted in the fold"
_INNER = "inner split"

HONEST_FITS: list[Script] = [
    Script(
        "pipeline-in-folds",
        _FITTED,
        "houses",
        arrays("""
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

def model():
    return make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), PCA(4), Ridge(2.0))

X, T = encode(train), encode(test)
for number, tr, va in splits:
    keep(number, va, model().fit(X.iloc[tr], y[tr]).predict(X.iloc[va]))
final = model().fit(X, y).predict(T)
"""),
    ),
    Script(
        "scaler-by-hand-in-folds",
        _FITTED,
        "churn",
        frames("""
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

parts = []
for k, f in df_folds.groupby("split"):
    tr, va = (df[df[ID].isin(f.loc[f.role == r, ID])] for r in ("train", "valid"))
    scaler = StandardScaler()
    a, b = scaler.fit_transform(build(tr)), scaler.transform(build(va))
    p = LogisticRegression().fit(a, tr[TGT]).predict_proba(b)[:, 1]
    parts.append(pd.DataFrame({ID: va[ID], TGT: p, "split": k}))
scaler = StandardScaler().fit(build(df))
lr = LogisticRegression().fit(scaler.transform(build(df)), df[TGT])
test_pred = lr.predict_proba(scaler.transform(build(df_test)))[:, 1]
"""),
    ),
    Script(
        "selection-in-pipeline",
        _FITTED,
        "churn",
        arrays("""
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

def widen(frame):
    base = encode(frame).fillna(40.0).to_numpy()
    return np.column_stack([base, np.cos(base @ np.random.default_rng(3).normal(size=(base.shape[1], 60)))])

X, T = widen(train), widen(test)
pipe = Pipeline([("best", SelectKBest(f_classif, k=10)), ("model", LogisticRegression(max_iter=500))])
for number, tr, va in splits:
    keep(number, va, pipe.fit(X[tr], y[tr]).predict_proba(X[va])[:, 1])
final = pipe.fit(X, y).predict_proba(T)[:, 1]
"""),
    ),
    Script(
        "oversampled-in-fold",
        _FITTED,
        "churn",
        arrays('''
from sklearn.ensemble import RandomForestClassifier

def fit(rows):
    """Copies of the rarer class, a little shaken, of these rows only."""
    ones = rows[y[rows] == 1]
    more = rng.choice(ones, len(ones) // 2)
    X_up = np.vstack([X[rows], X[more] + rng.normal(0, 0.02, X[more].shape) * X[rows].std(0)])
    return RandomForestClassifier(20, min_samples_leaf=3, random_state=0).fit(X_up, np.r_[y[rows], y[more]])

X, T = encode(train).fillna(40.0).to_numpy(), encode(test).fillna(40.0).to_numpy()
for number, tr, va in splits:
    keep(number, va, fit(tr).predict_proba(X[va])[:, 1])
final = fit(np.arange(len(y))).predict_proba(T)[:, 1]
'''),
    ),
    Script(
        "nested-search",
        _INNER,
        "houses",
        arrays("""
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeRegressor

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
search = GridSearchCV(DecisionTreeRegressor(random_state=0), {"min_samples_leaf": [3, 10, 25]}, cv=3)
for number, tr, va in splits:
    search.fit(X.iloc[tr], y[tr])
    print("inner score:", search.best_score_)
    keep(number, va, search.predict(X.iloc[va]))
final = search.fit(X, y).predict(T)
"""),
    ),
    Script(
        "stopped-on-inner-part",
        _INNER,
        "houses",
        arrays("""
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import train_test_split

def fit(rows):
    part, watch = train_test_split(rows, test_size=0.25, random_state=args.seed)
    model = GradientBoostingRegressor(n_estimators=60, learning_rate=0.2, random_state=0).fit(X.iloc[part], y[part])
    losses = [np.mean((y[watch] - stage) ** 2) for stage in model.staged_predict(X.iloc[watch])]
    best = int(np.argmin(losses)) + 1
    return GradientBoostingRegressor(n_estimators=best, learning_rate=0.2, random_state=0).fit(X.iloc[rows], y[rows])

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
for number, tr, va in splits:
    keep(number, va, fit(tr).predict(X.iloc[va]))
final = fit(np.arange(len(y))).predict(T)
"""),
    ),
    Script(
        "boosting-that-stops-itself",
        _INNER,
        "churn",
        frames("""
from sklearn.ensemble import GradientBoostingClassifier

settings = dict(n_estimators=60, validation_fraction=0.2, n_iter_no_change=5, random_state=opts.seed)
parts, train_scores = [], []
for k, f in df_folds.groupby("split"):
    tr, va = (df[df[ID].isin(f.loc[f.role == r, ID])] for r in ("train", "valid"))
    gb = GradientBoostingClassifier(**settings).fit(build(tr), tr[TGT])
    train_scores.append(float(gb.score(build(tr), tr[TGT])))
    parts.append(pd.DataFrame({ID: va[ID], TGT: gb.predict_proba(build(va))[:, 1], "split": k}))
with open(os.path.join(opts.out, "evidence.json"), "w") as f:
    json.dump({"train_scores": train_scores}, f)
test_pred = GradientBoostingClassifier(**settings).fit(build(df), df[TGT]).predict_proba(build(df_test))[:, 1]
"""),
    ),
    Script(
        "stacking-inside",
        _INNER,
        "houses",
        arrays("""
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_predict

def stack(rows, Z):
    bases = (Ridge(), ExtraTreesRegressor(10, min_samples_leaf=3, random_state=1))
    inner = np.column_stack([cross_val_predict(base, X.iloc[rows], y[rows], cv=3) for base in bases])
    outer = np.column_stack([base.fit(X.iloc[rows], y[rows]).predict(Z) for base in bases])
    return Ridge().fit(inner, y[rows]).predict(outer)

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
for number, tr, va in splits:
    keep(number, va, stack(tr, X.iloc[va]))
final = stack(np.arange(len(y)), T)
"""),
    ),
    Script(
        "calibrated-inside",
        _INNER,
        "churn",
        arrays("""
from sklearn.calibration import CalibratedClassifierCV
from sklearn.naive_bayes import GaussianNB

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
for number, tr, va in splits:
    model = CalibratedClassifierCV(GaussianNB(), method="isotonic", cv=3).fit(X.iloc[tr], y[tr])
    keep(number, va, model.predict_proba(X.iloc[va])[:, 1])
final = CalibratedClassifierCV(GaussianNB(), method="isotonic", cv=3).fit(X, y).predict_proba(T)[:, 1]
"""),
    ),
    Script(
        "inner-group-folds",
        _INNER,
        "clinic",
        arrays("""
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold

X, T, who = encode(train).drop(columns="patient"), encode(test).drop(columns="patient"), train["patient"].to_numpy()
search = GridSearchCV(Ridge(), {"alpha": [1.0, 1000.0, 5100.0, 5200.0]}, cv=GroupKFold(3))
for number, tr, va in splits:
    keep(number, va, search.fit(X.iloc[tr], y[tr], groups=who[tr]).predict(X.iloc[va]))
final = search.fit(X, y, groups=who).predict(T)
"""),
    ),
]
