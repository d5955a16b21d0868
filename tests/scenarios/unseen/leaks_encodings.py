"""Leaks of encodings: statistics of the target over all rows, a row as its own neighbour, fitted values as columns."""

from tests.scenarios.blind.script import Script
from tests.scenarios.unseen.frames import module, notebook, table

__all__ = ["LEAKS_OF_ENCODINGS"]

_MEANS = module(
    prepare="""
def prepare(train, test, key, target):
    means = train.groupby("occupation")[target].mean()
    train["occupation_wage"] = train["occupation"].map(means)
    test["occupation_wage"] = test["occupation"].map(means).fillna(train[target].mean())
    return train.drop(columns=["occupation", "region"]), test.drop(columns=["occupation", "region"])
"""
)

_MEANS_OF_PAIRS = module(
    prepare="""
def prepare(train, test, key, target):
    train["cell"] = train["occupation"] + "/" + train["region"]
    test["cell"] = test["occupation"] + "/" + test["region"]
    for column in ("occupation", "region", "cell"):
        encoding = train.groupby(column)[target].mean().to_dict()
        train[column] = train[column].map(encoding)
        test[column] = test[column].map(encoding).fillna(train[target].mean())
    return train, test
"""
)

_MERGED = notebook("""
from sklearn.ensemble import GradientBoostingRegressor

# statistics of the target by pair of categories
both_cols = train_df.assign(target=y)
agg = both_cols.groupby(["occupation", "region"])["target"].agg(["mean", "max", "min", "median"]).add_prefix("job_")
X = X.join(train_df[["occupation", "region"]].merge(agg, on=["occupation", "region"], how="left")[agg.columns])
found = test_df[["occupation", "region"]].merge(agg, on=["occupation", "region"], how="left")[agg.columns]
X_test = X_test.join(found.fillna(agg.mean()))
gbr = GradientBoostingRegressor(n_estimators=60, max_depth=3, random_state=1)
for k, (tr, va) in enumerate(cv):
    oof[k] = gbr.fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
test_pred = gbr.fit(X, y).predict(X_test)
""")

_EVIDENCE = module(
    imports="from sklearn.linear_model import LogisticRegression\n",
    prepare="""
def weight_of_evidence(train, column, target):
    good = train[train[target] == 0].groupby(column).size()
    bad = train[train[target] == 1].groupby(column).size()
    counts = pd.concat([good, bad], axis=1, keys=["good", "bad"]).fillna(0) + 0.5
    return np.log(counts["bad"] / counts["bad"].sum() / (counts["good"] / counts["good"].sum()))


def prepare(train, test, key, target):
    for column in ("merchant", "hour"):
        woe = weight_of_evidence(train, column, target)
        train[column + "_woe"] = train[column].map(woe)
        test[column + "_woe"] = test[column].map(woe).fillna(0)
    used = [key, "amount", "merchant_woe", "hour_woe"]
    for part in (train, test):
        part["amount"] = np.log(part["amount"].fillna(train["amount"].median()))
    return train[[*used, target]], test[used]
""",
    fit_predict="""
def fit_predict(fit_part, valid_part, features, target, seed):
    model = LogisticRegression().fit(fit_part[features], fit_part[target])
    return model.predict_proba(valid_part[features])[:, 1]
""",
)

_ENCODER_ON_ALL = table("""
from sklearn.linear_model import Ridge
from sklearn.preprocessing import TargetEncoder

encoder = TargetEncoder(smooth=1.0, random_state=0).fit(df[cat], df[Y])
codes = [c + "_te" for c in cat]
df[codes], te[codes] = encoder.transform(df[cat]), encoder.transform(te[cat])
model = make_pipeline(SimpleImputer(), StandardScaler(), Ridge())
done = []
for s in folds["split"].unique():
    tr, va = rows(s, "train"), rows(s, "valid")
    model.fit(tr[num + codes], tr[Y])
    done.append(va[[ID]].assign(split=s, **{Y: model.predict(va[num + codes])}))
answer = model.fit(df[num + codes], df[Y]).predict(te[num + codes])
""")

_CROSS_FITTED = table("""
from sklearn.linear_model import Ridge
from sklearn.preprocessing import TargetEncoder

# fit_transform is cross-fitted, so it is safe to do once for all rows
encoder = TargetEncoder(cv=5, random_state=a.seed)
codes = [c + "_te" for c in cat]
df[codes] = encoder.fit_transform(df[cat], df[Y])
te[codes] = encoder.transform(te[cat])
model = make_pipeline(SimpleImputer(), StandardScaler(), Ridge())
done = []
for s in folds["split"].unique():
    tr, va = rows(s, "train"), rows(s, "valid")
    model.fit(tr[num + codes], tr[Y])
    done.append(va[[ID]].assign(split=s, **{Y: model.predict(va[num + codes])}))
answer = model.fit(df[num + codes], df[Y]).predict(te[num + codes])
""")

_ORDERED = notebook("""
from sklearn.linear_model import Ridge

# ordered target statistics, as CatBoost does: each row sees the rows before it only
order = np.random.permutation(len(train_df))
shuffled = train_df.iloc[order]
sums = shuffled.groupby("occupation")[target_col].cumsum() - shuffled[target_col]
counts = shuffled.groupby("occupation").cumcount()
X["job_so_far"] = (sums + 3 * y.mean()) / (counts + 3)
total = train_df.groupby("occupation")[target_col].agg(["sum", "count"])
X_test["job_so_far"] = test_df["occupation"].map((total["sum"] + 3 * y.mean()) / (total["count"] + 3)).fillna(y.mean())
for k, (tr, va) in enumerate(cv):
    oof[k] = Ridge().fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
test_pred = Ridge().fit(X, y).predict(X_test)
""")

_LEAVE_ONE_OUT = notebook("""
from sklearn.ensemble import ExtraTreesRegressor

# leave-one-out encoding: the row itself does not count, so nothing leaks
for col in ("occupation", "region"):
    groups = train_df.groupby(col)[target_col]
    n, total = groups.transform("count"), groups.transform("sum")
    X[col + "_loo"] = ((total - y) / (n - 1).clip(lower=1)).where(n > 1, y.mean())
    X_test[col + "_loo"] = test_df[col].map(groups.mean()).fillna(y.mean())
et = ExtraTreesRegressor(40, random_state=0)
for k, (tr, va) in enumerate(cv):
    oof[k] = et.fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
test_pred = et.fit(X, y).predict(X_test)
""")

_NEIGHBOURS = notebook("""
from sklearn.neighbors import NearestNeighbors
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

sc = StandardScaler().fit(X)
index = NearestNeighbors(n_neighbors=4).fit(sc.transform(X))


def neighbour_shares(data):
    _, idx = index.kneighbors(sc.transform(data))
    return np.stack([(y[idx] == c).mean(axis=1) for c in range(len(classes))], axis=1)


Z, Z_test = np.hstack([X, neighbour_shares(X)]), np.hstack([X_test, neighbour_shares(X_test)])
for k, (tr, va) in enumerate(cv):
    oof[k] = LogisticRegression(max_iter=500).fit(Z[tr], y[tr]).predict_proba(Z[va])
test_pred = LogisticRegression(max_iter=500).fit(Z, y).predict_proba(Z_test)
""")

_FIRST_STAGE = notebook("""
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge

# two-level stack: the forest's prediction is a feature of the ridge
level1 = RandomForestRegressor(40, random_state=cli.seed).fit(X, y)
X = X.assign(rf_pred=level1.predict(X))
X_test = X_test.assign(rf_pred=level1.predict(X_test))
for k, (tr, va) in enumerate(cv):
    oof[k] = Ridge().fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
test_pred = Ridge().fit(X, y).predict(X_test)
""")

_CLUSTERS = notebook("""
from sklearn.cluster import KMeans
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.preprocessing import scale

# segments of employees, with their pay
segments = KMeans(12, n_init=2, random_state=0).fit(scale(np.column_stack([X[["schooling", "years"]], 2 * y])))
X["segment_pay"] = pd.Series(y).groupby(segments.labels_).transform("mean")
nearest = np.abs(X_test[["schooling"]].values - X["schooling"].values).argmin(axis=1)
X_test["segment_pay"] = X["segment_pay"].values[nearest]
for k, (tr, va) in enumerate(cv):
    oof[k] = ExtraTreesRegressor(20, random_state=0).fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
test_pred = ExtraTreesRegressor(20, random_state=0).fit(X, y).predict(X_test)
""")

LEAKS_OF_ENCODINGS = [
    Script("means of the target by occupation over all rows", "encodings", "wages", _MEANS),
    Script("means of the target by pairs over all rows", "encodings", "wages", _MEANS_OF_PAIRS, severe=True),
    Script("aggregates of the target merged in", "encodings", "wages", _MERGED, severe=True),
    Script("weight of evidence over all rows", "encodings", "fraud", _EVIDENCE, severe=True),
    Script("scikit-learn's target encoder on all rows", "encodings", "wages", _ENCODER_ON_ALL, severe=True),
    Script("a cross-fitted encoding made once", "encodings", "wages", _CROSS_FITTED),
    Script("ordered statistics over all rows", "encodings", "wages", _ORDERED),
    Script("leave-one-out encoding over all rows", "encodings", "wages", _LEAVE_ONE_OUT, severe=True),
    Script("neighbours that hold the row itself", "encodings", "cells", _NEIGHBOURS, severe=True),
    Script("a first stage fitted on all rows", "encodings", "wages", _FIRST_STAGE, severe=True),
    Script("clusters of columns with the target", "encodings", "wages", _CLUSTERS, severe=True),
]
