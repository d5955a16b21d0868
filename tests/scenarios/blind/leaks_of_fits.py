"""Leaks of what is fitted before the split, or on the scored rows: scalers, selections, searches, calibration."""

from tests.scenarios.blind.script import Script, arrays, frames

__all__ = ["LEAKS_OF_FITS"]

_BEFORE = "fit before the split"
_SCORED = "tuned on the scored rows"

LEAKS_OF_FITS: list[Script] = [
    Script(
        "scaler-on-all",
        _BEFORE,
        "houses",
        source=arrays("""
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

both = pd.concat([encode(train), encode(test)]).fillna(40.0)
scaled = StandardScaler().fit_transform(both)
X, T = scaled[: len(train)], scaled[len(train) :]
for number, tr, va in splits:
    keep(number, va, Ridge(5.0).fit(X[tr], y[tr]).predict(X[va]))
final = Ridge(5.0).fit(X, y).predict(T)
"""),
    ),
    Script(
        "pca-on-all",
        _BEFORE,
        "churn",
        source=arrays("""
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
pca = PCA(n_components=4, whiten=True, random_state=args.seed)
Z, Zt = pca.fit_transform(X), pca.transform(T)
for number, tr, va in splits:
    keep(number, va, LogisticRegression().fit(Z[tr], y[tr]).predict_proba(Z[va])[:, 1])
final = LogisticRegression().fit(Z, y).predict_proba(Zt)[:, 1]
"""),
    ),
    Script(
        "imputer-on-all",
        _BEFORE,
        "houses",
        source=frames("""
from sklearn.impute import KNNImputer
from sklearn.tree import DecisionTreeRegressor

num = ["area", "age", "shop"]
df[num] = KNNImputer(n_neighbors=5).fit_transform(df[num])
df_test[num] = df_test[num].fillna(df[num].median())
parts = []
for k, f in df_folds.groupby("split"):
    tr, va = (df[df[ID].isin(f.loc[f.role == r, ID])] for r in ("train", "valid"))
    m = DecisionTreeRegressor(min_samples_leaf=10).fit(tr[num], tr[TGT])
    parts.append(pd.DataFrame({ID: va[ID], TGT: m.predict(va[num]), "split": k}))
test_pred = DecisionTreeRegressor(min_samples_leaf=10).fit(df[num], df[TGT]).predict(df_test[num])
"""),
    ),
    Script(
        "imputer-with-target",
        _BEFORE,
        "houses",
        severe=True,
        source=frames("""
from sklearn.experimental import enable_iterative_imputer
from sklearn.impute import IterativeImputer
from sklearn.linear_model import Ridge

df["quality"] = df[TGT].where(df.index % 2 == 0)
df_test["quality"] = np.nan
cols = ["area", "age", "shop", "quality"]
df[cols] = IterativeImputer(max_iter=3, random_state=0).fit_transform(df[[*cols, TGT]])[:, :4]
df_test[cols] = df_test[cols].fillna(df[cols].mean())
parts = []
for k, f in df_folds.groupby("split"):
    tr, va = (df[df[ID].isin(f.loc[f.role == r, ID])] for r in ("train", "valid"))
    m = Ridge().fit(tr[cols], tr[TGT])
    parts.append(pd.DataFrame({ID: va[ID], TGT: m.predict(va[cols]), "split": k}))
test_pred = Ridge().fit(df[cols], df[TGT]).predict(df_test[cols])
"""),
    ),
    Script(
        "selection-by-target",
        _BEFORE,
        "churn",
        source=arrays("""
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression

def widen(frame):
    base = encode(frame).fillna(40.0).to_numpy()
    return np.column_stack([base, np.cos(base @ np.random.default_rng(3).normal(size=(base.shape[1], 400)))])

selector = SelectKBest(f_classif, k=20)
X = selector.fit_transform(widen(train), y)
T = selector.transform(widen(test))
for number, tr, va in splits:
    keep(number, va, LogisticRegression(max_iter=300).fit(X[tr], y[tr]).predict_proba(X[va])[:, 1])
final = LogisticRegression(max_iter=300).fit(X, y).predict_proba(T)[:, 1]
"""),
    ),
    Script(
        "correlation-filter",
        _BEFORE,
        "houses",
        source=arrays("""
from sklearn.linear_model import Ridge

wide = encode(pd.concat([train, test], ignore_index=True)).fillna(40.0)
draws = np.random.default_rng(8).normal(size=(wide.shape[1], 300))
wide = np.sin((wide - wide.mean()) / wide.std() @ draws).to_numpy()
X, T = wide[: len(train)], wide[len(train) :]
strength = np.abs([np.corrcoef(column, y)[0, 1] for column in X.T])
best = np.argsort(strength)[-15:]
for number, tr, va in splits:
    keep(number, va, Ridge().fit(X[tr][:, best], y[tr]).predict(X[va][:, best]))
final = Ridge().fit(X[:, best], y).predict(T[:, best])
"""),
    ),
    Script(
        "oversampled-first",
        _BEFORE,
        "churn",
        severe=True,
        source=arrays("""
from sklearn.ensemble import RandomForestClassifier

X, T = encode(train).fillna(40.0).to_numpy(), encode(test).fillna(40.0).to_numpy()
picked = rng.integers(0, len(y), 2 * len(y))
X_up = np.vstack([X, X[picked] + rng.normal(0, 0.02, (len(picked), X.shape[1])) * X.std(0)])
y_up = np.r_[y, y[picked]]
for number, tr, va in splits:
    rows = np.setdiff1d(np.arange(len(y_up)), va)
    model = RandomForestClassifier(20, random_state=0).fit(X_up[rows], y_up[rows])
    keep(number, va, model.predict_proba(X[va])[:, 1])
final = RandomForestClassifier(20, random_state=0).fit(X_up, y_up).predict_proba(T)[:, 1]
"""),
    ),
    Script(
        "grid-search-on-all",
        _SCORED,
        "houses",
        source=arrays("""
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeRegressor

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
grid = {"max_depth": [2, 4, 6, None], "min_samples_leaf": [1, 5, 15]}
search = GridSearchCV(DecisionTreeRegressor(random_state=0), grid, cv=3).fit(X, y)
for number, tr, va in splits:
    model = DecisionTreeRegressor(random_state=0, **search.best_params_).fit(X.iloc[tr], y[tr])
    keep(number, va, model.predict(X.iloc[va]))
final = search.best_estimator_.predict(T)
"""),
    ),
    Script(
        "best-of-seeds",
        _SCORED,
        "churn",
        source=arrays("""
from sklearn.metrics import roc_auc_score
from sklearn.tree import ExtraTreeClassifier

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
for number, tr, va in splits:
    tries = [ExtraTreeClassifier(max_depth=4, random_state=s).fit(X.iloc[tr], y[tr]) for s in range(30)]
    guesses = [one.predict_proba(X.iloc[va])[:, 1] for one in tries]
    keep(number, va, max(guesses, key=lambda guess: roc_auc_score(y[va], guess)))
final = tries[0].predict_proba(T)[:, 1]
"""),
    ),
    Script(
        "stopped-on-scored-fold",
        _SCORED,
        "houses",
        source=arrays("""
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import mean_squared_error

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
stops = []
for number, tr, va in splits:
    booster = GradientBoostingRegressor(n_estimators=80, learning_rate=0.2, random_state=0).fit(X.iloc[tr], y[tr])
    stages = list(booster.staged_predict(X.iloc[va]))
    losses = [mean_squared_error(y[va], stage) for stage in stages]
    stops.append(int(np.argmin(losses)) + 1)
    keep(number, va, stages[stops[-1] - 1])
final = GradientBoostingRegressor(n_estimators=int(np.mean(stops)), learning_rate=0.2).fit(X, y).predict(T)
"""),
    ),
    Script(
        "best-epoch-of-scored-fold",
        _SCORED,
        "churn",
        source=frames("""
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import roc_auc_score

cols = ["area", "age", "shop"]
mu, sd = df[cols].mean(), df[cols].std()
z = lambda d: ((d[cols] - mu) / sd).fillna(0)
parts = []
for k, f in df_folds.groupby("split"):
    tr, va = (df[df[ID].isin(f.loc[f.role == r, ID])] for r in ("train", "valid"))
    net, best, kept = SGDClassifier(loss="log_loss", random_state=opts.seed), -1, None
    for epoch in range(25):
        net.partial_fit(z(tr), tr[TGT], classes=[0, 1])
        p = net.predict_proba(z(va))[:, 1]
        if roc_auc_score(va[TGT], p) > best:
            best, kept = roc_auc_score(va[TGT], p), p
    parts.append(pd.DataFrame({ID: va[ID], TGT: kept, "split": k}))
test_pred = net.predict_proba(z(df_test))[:, 1]
"""),
    ),
    Script(
        "calibrated-on-scored-rows",
        _SCORED,
        "houses",
        severe=True,
        source=arrays("""
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import Ridge

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
for number, tr, va in splits:
    raw = Ridge().fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
    keep(number, va, IsotonicRegression(out_of_bounds="clip").fit(raw, y[va]).predict(raw))
final = Ridge().fit(X, y).predict(T)
"""),
    ),
    Script(
        "spread-of-scored-fold",
        _SCORED,
        "houses",
        severe=True,
        source=arrays("""
from scipy.stats import rankdata
from sklearn.linear_model import Ridge

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
for number, tr, va in splits:
    raw = Ridge().fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
    # Give the predictions the distribution that the target has.
    matched = np.sort(y[va])[rankdata(raw, method="ordinal") - 1]
    keep(number, va, 0.5 * raw + 0.5 * matched)
final = Ridge().fit(X, y).predict(T)
"""),
    ),
    Script(
        "meta-on-scored-rows",
        _SCORED,
        "houses",
        severe=True,
        source=arrays("""
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
first, first_test, split_of = np.zeros((len(y), 2)), np.zeros((len(test), 2)), np.zeros(len(y), int)
for number, tr, va in splits:
    for place, model in enumerate((Ridge(), ExtraTreesRegressor(15, random_state=1))):
        model.fit(X.iloc[tr], y[tr])
        first[va, place] = model.predict(X.iloc[va])
        first_test[:, place] += model.predict(T) / len(splits)
meta = ExtraTreesRegressor(30, min_samples_leaf=2, random_state=2).fit(first, y)
for number, tr, va in splits:
    keep(number, va, meta.predict(first[va]))
final = meta.predict(first_test)
"""),
    ),
]
