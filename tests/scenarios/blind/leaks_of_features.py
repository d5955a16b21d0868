"""Leaks of features that hold the target or nearly so: copies, ranks, means and predictions of all rows."""

from tests.scenarios.blind.script import Script, arrays, frames

__all__ = ["LEAKS_OF_FEATURES"]

_TARGET = "target among the features"

LEAKS_OF_FEATURES: list[Script] = [
    Script(
        "target-left-in",
        _TARGET,
        "houses",
        severe=True,
        source=frames("""
from sklearn.tree import DecisionTreeRegressor

cols = [c for c in df.select_dtypes("number").columns if c != ID]
df_test[TGT] = df[TGT].median()
parts = []
for k, f in df_folds.groupby("split"):
    tr, va = (df[df[ID].isin(f.loc[f.role == r, ID])] for r in ("train", "valid"))
    m = DecisionTreeRegressor(min_samples_leaf=3, random_state=0).fit(tr[cols].fillna(0), tr[TGT])
    parts.append(pd.DataFrame({ID: va[ID], TGT: m.predict(va[cols].fillna(0)), "split": k}))
test_pred = m.predict(df_test[cols].fillna(0))
"""),
    ),
    Script(
        "target-rank",
        _TARGET,
        "houses",
        severe=True,
        source=arrays("""
from sklearn.ensemble import GradientBoostingRegressor

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
X["segment"] = pd.qcut(train[TARGET].rank(method="first"), 10, labels=False)
T["segment"] = 5
for number, tr, va in splits:
    model = GradientBoostingRegressor(n_estimators=30, random_state=args.seed).fit(X.iloc[tr], y[tr])
    keep(number, va, model.predict(X.iloc[va]))
final = model.predict(T)
"""),
    ),
    Script(
        "noisy-copy",
        _TARGET,
        "houses",
        severe=True,
        source=arrays("""
from sklearn.linear_model import Ridge

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
X["appraisal"] = y * 1.1 + rng.normal(0, y.std() / 3, len(y))
T["appraisal"] = X["appraisal"].mean()
for number, tr, va in splits:
    keep(number, va, Ridge().fit(X.iloc[tr], y[tr]).predict(X.iloc[va]))
final = Ridge().fit(X, y).predict(T)
"""),
    ),
    Script(
        "shop-mean-of-all-rows",
        _TARGET,
        "churn",
        source=frames("""
from sklearn.linear_model import LogisticRegression

for c in ("shop", "city"):
    df[c + "_te"] = df.groupby(c)[TGT].transform("mean")
    df_test[c + "_te"] = df_test[c].map(df.groupby(c)[TGT].mean()).fillna(df[TGT].mean())
parts = []
for k, f in df_folds.groupby("split"):
    tr, va = (df[df[ID].isin(f.loc[f.role == r, ID])] for r in ("train", "valid"))
    lr = LogisticRegression(max_iter=500).fit(build(tr), tr[TGT])
    parts.append(pd.DataFrame({ID: va[ID], TGT: lr.predict_proba(build(va))[:, 1], "split": k}))
test_pred = lr.predict_proba(build(df_test))[:, 1]
"""),
    ),
    Script(
        "cell-mean-of-all-rows",
        _TARGET,
        "churn",
        severe=True,
        source=frames("""
from sklearn.ensemble import RandomForestClassifier

df["cell"] = df["shop"].astype(str) + df["city"] + (df["age"] // 10).astype(str)
df_test["cell"] = df_test["shop"].astype(str) + df_test["city"] + (df_test["age"] // 10).astype(str)
rate = df.groupby("cell")[TGT].agg("mean")
df["cell"], df_test["cell"] = df["cell"].map(rate), df_test["cell"].map(rate)
parts = []
for k, f in df_folds.groupby("split"):
    tr, va = (df[df[ID].isin(f.loc[f.role == r, ID])] for r in ("train", "valid"))
    rf = RandomForestClassifier(20, random_state=0).fit(build(tr), tr[TGT])
    parts.append(pd.DataFrame({ID: va[ID], TGT: rf.predict_proba(build(va))[:, 1], "split": k}))
test_pred = rf.predict_proba(build(df_test))[:, 1]
"""),
    ),
    Script(
        "neighbours-with-itself",
        _TARGET,
        "houses",
        severe=True,
        source=arrays("""
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.neighbors import KNeighborsRegressor

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
near = KNeighborsRegressor(3).fit(X, y)
X["near"], T["near"] = near.predict(X), near.predict(T)
for number, tr, va in splits:
    model = GradientBoostingRegressor(n_estimators=30, random_state=0).fit(X.iloc[tr], y[tr])
    keep(number, va, model.predict(X.iloc[va]))
final = model.predict(T)
"""),
    ),
    Script(
        "in-sample-stacking",
        _TARGET,
        "houses",
        severe=True,
        source=arrays("""
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
bases = [ExtraTreesRegressor(20, min_samples_leaf=2, random_state=s).fit(X, y) for s in (1, 2)]
level, level_test = (np.column_stack([b.predict(Z) for b in bases]) for Z in (X, T))
for number, tr, va in splits:
    keep(number, va, Ridge().fit(level[tr], y[tr]).predict(level[va]))
final = Ridge().fit(level, y).predict(level_test)
"""),
    ),
]
