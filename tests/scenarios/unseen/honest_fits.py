"""Honest scripts whose fitting looks suspicious: everything is learnt from a split's training rows."""

from tests.scenarios.blind.script import Script
from tests.scenarios.unseen.frames import module, notebook, table

__all__ = ["HONEST_FITS"]

_PIPELINE = table("""
from sklearn.linear_model import Ridge

pipe = make_pipeline(preprocessor(), Ridge(alpha=3.0))
done = []
for s in sorted(folds["split"].unique()):
    tr, va = rows(s, "train"), rows(s, "valid")
    m = clone(pipe).fit(tr[num + cat], tr[Y])
    done.append(va[[ID]].assign(**{Y: m.predict(va[num + cat]), "split": s}))
answer = pipe.fit(df[num + cat], df[Y]).predict(te[num + cat])
""")

_LOG_TARGET = module(
    fit_predict="""
LOWEST, HIGHEST = 1.0, 400.0  # what a wage may be


def fit_predict(fit_part, valid_part, features, target, seed):
    base = HistGradientBoostingRegressor(max_iter=60, max_leaf_nodes=8, random_state=seed)
    model = TransformedTargetRegressor(base, func=np.log1p, inverse_func=np.expm1)
    model.fit(fit_part[features], fit_part[target])
    return np.clip(model.predict(valid_part[features]), LOWEST, HIGHEST)
""",
    imports="from sklearn.compose import TransformedTargetRegressor\n"
    "from sklearn.ensemble import HistGradientBoostingRegressor\n",
)

_SELECT_IN_PIPELINE = table("""
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression

clf = make_pipeline(preprocessor(), SelectKBest(f_classif, k=20), LogisticRegression(C=0.3, max_iter=300))
done = []
for s in folds["split"].unique():
    tr, va = rows(s, "train"), rows(s, "valid")
    clf.fit(tr[num + cat], tr[Y])
    done.append(pd.DataFrame({ID: va[ID], Y: clf.predict_proba(va[num + cat])[:, 1], "split": s}))
clf.fit(df[num + cat], df[Y])
answer = clf.predict_proba(te[num + cat])[:, 1]
""")

_PCA_IN_FOLD = notebook("""
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.preprocessing import StandardScaler

for k, (tr, va) in enumerate(cv):
    scaler = StandardScaler().fit(X.iloc[tr])
    pca = PCA(8, random_state=0).fit(scaler.transform(X.iloc[tr]))
    Z_tr, Z_va = pca.transform(scaler.transform(X.iloc[tr])), pca.transform(scaler.transform(X.iloc[va]))
    oof[k] = LinearDiscriminantAnalysis().fit(Z_tr, y[tr]).predict_proba(Z_va)
# the same again on everything, for the test set
scaler = StandardScaler().fit(X)
pca = PCA(8, random_state=0).fit(scaler.transform(X))
final = LinearDiscriminantAnalysis().fit(pca.transform(scaler.transform(X)), y)
test_pred = final.predict_proba(pca.transform(scaler.transform(X_test)))
""")

_OVERSAMPLE_IN_FOLD = module(
    fit_predict="""
def oversample(part, features, target, rng):
    \"\"\"Adds points between a rare row and another rare row, of the rows that it is given.\"\"\"
    rare = part[part[target] == 1]
    extra = int((part[target] == 0).sum() - len(rare))
    if extra <= 0 or len(rare) < 2:
        return part
    one, two = rng.integers(len(rare), size=extra), rng.integers(len(rare), size=extra)
    share = rng.random((extra, 1))
    made = rare[features].values[one] * share + rare[features].values[two] * (1 - share)
    return pd.concat([part, pd.DataFrame(made, columns=features).assign(**{target: 1})])


def fit_predict(fit_part, valid_part, features, target, seed):
    fit_part[features], valid_part[features] = fit_part[features].fillna(0), valid_part[features].fillna(0)
    balanced = oversample(fit_part, features, target, np.random.default_rng(seed))
    forest = RandomForestClassifier(40, min_samples_leaf=5, random_state=seed)
    return forest.fit(balanced[features], balanced[target]).predict_proba(valid_part[features])[:, 1]
""",
    imports="from sklearn.ensemble import RandomForestClassifier\n",
)

_PSEUDO_IN_FOLD = notebook("""
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def fit_with_pseudo(A, b):
    first = make_pipeline(StandardScaler(), LogisticRegression(C=0.2, max_iter=200)).fit(A, b)
    sure = first.predict_proba(X_test).max(axis=1) > 0.8
    A_more = np.vstack([A.values, X_test.values[sure]])
    b_more = np.concatenate([b, first.predict(X_test)[sure]])
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.2, max_iter=200)).fit(A_more, b_more)


for k, (tr, va) in enumerate(cv):
    oof[k] = fit_with_pseudo(X.iloc[tr], y[tr]).predict_proba(X.values[va])
test_pred = fit_with_pseudo(X, y).predict_proba(X_test.values)
""")

_CROSS_VAL_PREDICT = table("""
from sklearn.linear_model import ElasticNet
from sklearn.model_selection import PredefinedSplit, cross_val_predict

df = df.merge(folds.loc[folds["role"] == "valid", [ID, "split"]], on=ID)
model = make_pipeline(preprocessor(), ElasticNet(alpha=0.01))
by_harness = PredefinedSplit(df["split"])
preds = cross_val_predict(model, df[num + cat], df[Y], cv=by_harness)
done = [df[[ID, "split"]].assign(**{Y: preds})]
answer = model.fit(df[num + cat], df[Y]).predict(te[num + cat])
""")

_OUTLIERS_IN_FOLD = module(
    fit_predict="""
def fit_predict(fit_part, valid_part, features, target, seed):
    low, high = fit_part[target].quantile([0.01, 0.98])
    kept = fit_part[fit_part[target].between(low, high)]
    medians = kept[features].median()
    model = HuberRegressor(max_iter=300).fit(kept[features].fillna(medians), kept[target])
    return model.predict(valid_part[features].fillna(medians))
""",
    imports="from sklearn.linear_model import HuberRegressor\n",
)

_UNSEEDED = module(
    fit_predict="""
def fit_predict(fit_part, valid_part, features, target, seed):
    # no seed on purpose: we want to see how much the score moves
    forest = RandomForestRegressor(n_estimators=15, min_samples_leaf=5, max_features=0.6)
    return forest.fit(fit_part[features], fit_part[target]).predict(valid_part[features])
""",
    imports="from sklearn.ensemble import RandomForestRegressor\n",
)

_SHARED_GENERATOR = notebook("""
from sklearn.ensemble import ExtraTreesRegressor

shared = np.random.RandomState(cli.seed)  # one stream of numbers for all splits, so their order matters


def bag(A, b, C, n=4):
    preds = []
    for _ in range(n):
        take = shared.choice(len(A), size=len(A))
        trees = ExtraTreesRegressor(12, min_samples_leaf=3, random_state=shared)
        preds.append(trees.fit(A.iloc[take], b[take]).predict(C))
    return np.mean(preds, axis=0)


for k, (tr, va) in enumerate(cv):
    oof[k] = bag(X.iloc[tr], y[tr], X.iloc[va])
test_pred = bag(X, y, X_test)
""")

_THREADS = notebook("""
from joblib import Parallel, delayed
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def one_fold(k, tr, va):
    mlp = MLPRegressor(hidden_layer_sizes=(16,), max_iter=40, early_stopping=True, random_state=k)
    net = make_pipeline(StandardScaler(), mlp)
    spread, centre = y[tr].std(), y[tr].mean()
    net.fit(X.iloc[tr], (y[tr] - centre) / spread)
    return k, net.predict(X.iloc[va]) * spread + centre, net


made = Parallel(n_jobs=2, prefer="threads")(delayed(one_fold)(k, tr, va) for k, (tr, va) in enumerate(cv))
for k, pred, net in made:
    oof[k] = pred
# the test gets the average of the fold models, as is the custom
test_pred = np.mean([net.predict(X_test) for _, _, net in made], axis=0) * y.std() + y.mean()
""")

HONEST_FITS = [
    Script("a pipeline cloned for each split", "pipeline", "wages", _PIPELINE),
    Script("the logarithm of the target, clipped", "global constants", "wages", _LOG_TARGET),
    Script("columns chosen inside the pipeline", "pipeline", "fraud", _SELECT_IN_PIPELINE),
    Script("components of each training part", "pipeline", "cells", _PCA_IN_FOLD),
    Script("oversampling of each training part", "pipeline", "fraud", _OVERSAMPLE_IN_FOLD),
    Script("pseudo-labels from each training part", "pipeline", "cells", _PSEUDO_IN_FOLD),
    Script("cross_val_predict on the harness's folds", "pipeline", "wages", _CROSS_VAL_PREDICT),
    Script("outliers dropped from each training part", "pipeline", "wages", _OUTLIERS_IN_FOLD),
    Script("a forest without a seed", "randomness", "wages", _UNSEEDED),
    Script("one random stream for all splits", "randomness", "pupils", _SHARED_GENERATOR),
    Script("splits in threads, fold models averaged for the test", "pipeline", "wages", _THREADS),
]
