"""Leaks of fits: what should be learnt in each split is learnt once from all rows."""

from tests.scenarios.blind.script import Script
from tests.scenarios.unseen.frames import module, notebook, table

__all__ = ["LEAKS_OF_FITS"]

_SCALED = notebook("""
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

scaler = StandardScaler()
X_scaled = scaler.fit_transform(X)
X_test_scaled = scaler.transform(X_test)
for k, (tr, va) in enumerate(cv):
    knn = KNeighborsClassifier(n_neighbors=25, weights="distance").fit(X_scaled[tr], y[tr])
    oof[k] = knn.predict_proba(X_scaled[va])
test_pred = KNeighborsClassifier(n_neighbors=25).fit(X_scaled, y).predict_proba(X_test_scaled)
""")

_PREPROCESSED = table("""
from sklearn.linear_model import LogisticRegression

pre = preprocessor()
M = pre.fit_transform(df[num + cat])  # impute, scale, one-hot
where = {one: n for n, one in enumerate(df[ID])}
done = []
for s in folds["split"].unique():
    tr, va = ([where[i] for i in rows(s, role)[ID]] for role in ("train", "valid"))
    clf = LogisticRegression(C=0.1, max_iter=200).fit(M[tr], df[Y].values[tr])
    done.append(pd.DataFrame({ID: df[ID].values[va], Y: clf.predict_proba(M[va])[:, 1], "split": s}))
clf = LogisticRegression(C=0.1, max_iter=200).fit(M, df[Y])
answer = clf.predict_proba(pre.transform(te[num + cat]))[:, 1]
""")

_PCA = notebook("""
from sklearn.decomposition import PCA
from sklearn.svm import SVC
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

reducer = make_pipeline(StandardScaler(), PCA(n_components=6, random_state=42))
Z = reducer.fit_transform(X)
Z_test = reducer.transform(X_test)


def svc():
    return SVC(C=1.0, gamma="scale", probability=False, decision_function_shape="ovr")


def chances(model, data):
    raw = np.exp(model.decision_function(data))
    return raw / raw.sum(axis=1, keepdims=True)


for k, (tr, va) in enumerate(cv):
    oof[k] = chances(svc().fit(Z[tr], y[tr]), Z[va])
test_pred = chances(svc().fit(Z, y), Z_test)
""")

_IMPUTED = notebook("""
from sklearn.experimental import enable_iterative_imputer
from sklearn.impute import IterativeImputer
from sklearn.linear_model import BayesianRidge

imputer = IterativeImputer(max_iter=5, random_state=0)
X_full = imputer.fit_transform(X.replace(-1, np.nan))
X_test_full = imputer.transform(X_test.replace(-1, np.nan))
for k, (tr, va) in enumerate(cv):
    oof[k] = BayesianRidge().fit(X_full[tr], y[tr]).predict(X_full[va])
test_pred = BayesianRidge().fit(X_full, y).predict(X_test_full)
""")

_BEST_COLUMNS = notebook("""
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

# only the most telling columns
selector = SelectKBest(f_classif, k=12).fit(X, y)
names = X.columns[selector.get_support()]
print("kept:", list(names))
for k, (tr, va) in enumerate(cv):
    clf = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, max_iter=200))
    oof[k] = clf.fit(X[names].iloc[tr], y[tr]).predict_proba(X[names].iloc[va])[:, 1]
clf = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, max_iter=200)).fit(X[names], y)
test_pred = clf.predict_proba(X_test[names])[:, 1]
""")

_IMPORTANCE = module(
    imports="from sklearn.ensemble import ExtraTreesClassifier\n",
    prepare="""
def prepare(train, test, key, target):
    train["merchant"] = train["merchant"].str[1:].astype(int)
    test["merchant"] = test["merchant"].str[1:].astype(int)
    columns = test.columns.drop(key)
    train, test = train.fillna(-999), test.fillna(-999)
    ranking = ExtraTreesClassifier(60, random_state=0).fit(train[columns], train[target])
    importance = pd.Series(ranking.feature_importances_, columns).sort_values(ascending=False)
    best = list(importance.index[:10])
    return train[[key, target, *best]], test[[key, *best]]
""",
    fit_predict="""
def fit_predict(fit_part, valid_part, features, target, seed):
    trees = ExtraTreesClassifier(50, min_samples_leaf=4, random_state=seed)
    return trees.fit(fit_part[features], fit_part[target]).predict_proba(valid_part[features])[:, 1]
""",
)

_CORRELATED = module(
    prepare="""
def prepare(train, test, key, target):
    corr = train.select_dtypes("number").drop(columns=key).corr()[target].drop(target)
    strong = corr[corr.abs() > 0.05].index.tolist()
    print(len(strong), "columns have a correlation with the target")
    return train[[key, target, *strong]], test[[key, *strong]]
""",
    fit_predict="""
def fit_predict(fit_part, valid_part, features, target, seed):
    model = HistGradientBoostingRegressor(max_iter=30, max_leaf_nodes=6, random_state=seed)
    return model.fit(fit_part[features], fit_part[target]).predict(valid_part[features]).clip(0, 1)
""",
)

_SYNTHETIC = notebook("""
from sklearn.ensemble import RandomForestClassifier

# SMOTE: more of the rare class, between neighbours, before we train
rare = np.flatnonzero(y == 1)
missing = max(int((y == 0).sum() - len(rare)), 60)
distances = ((X.values[rare, None] - X.values[None, rare]) ** 2).sum(axis=2)
np.fill_diagonal(distances, np.inf)
start = np.random.choice(len(rare), missing)
mate = np.argsort(distances, axis=1)[start, np.random.randint(0, 3, missing)]
share = np.random.rand(missing, 1)
X_new = X.values[rare[start]] * (1 - share) + X.values[rare[mate]] * share
y_new = np.ones(missing, int)

for k, (tr, va) in enumerate(cv):
    rf = RandomForestClassifier(50, random_state=42)
    rf.fit(np.vstack([X.values[tr], X_new]), np.concatenate([y[tr], y_new]))
    oof[k] = rf.predict_proba(X.values[va])[:, 1]
rf = RandomForestClassifier(50, random_state=42).fit(np.vstack([X.values, X_new]), np.concatenate([y, y_new]))
test_pred = rf.predict_proba(X_test.values)[:, 1]
""")

_AUGMENTED = notebook("""
from sklearn.ensemble import ExtraTreesClassifier

# augmentation: two noisy copies of each sample
noise = [X.values + np.random.normal(0, 0.05, X.shape) * X.values.std(axis=0) for _ in range(2)]
X_aug, y_aug = np.vstack(noise), np.tile(y, 2)


def train_model(A, b):
    return ExtraTreesClassifier(30, random_state=0).fit(np.vstack([A, X_aug]), np.concatenate([b, y_aug]))


for k, (tr, va) in enumerate(cv):
    oof[k] = train_model(X.values[tr], y[tr]).predict_proba(X.values[va])
test_pred = train_model(X.values, y).predict_proba(X_test.values)
""")

LEAKS_OF_FITS = [
    Script("a scaler fitted on all rows", "fit before split", "cells", _SCALED),
    Script("a preprocessor fitted on all rows", "fit before split", "fraud", _PREPROCESSED),
    Script("components fitted on all rows", "fit before split", "cells", _PCA),
    Script("an imputer fitted on all rows", "fit before split", "wages", _IMPUTED),
    Script("the best columns of all rows", "selection", "fraud", _BEST_COLUMNS),
    Script("columns by a forest's importance", "selection", "fraud", _IMPORTANCE),
    Script("columns by correlation with the target", "selection", "fraud", _CORRELATED),
    Script("synthetic rows made before the split", "resampling", "fraud", _SYNTHETIC, severe=True),
    Script("noisy copies of all rows in training", "resampling", "cells", _AUGMENTED, severe=True),
]
