"""Honest scripts that tune, stop, stack and calibrate, each within a split's training rows."""

from tests.scenarios.blind.script import Script
from tests.scenarios.unseen.frames import module, notebook, table

__all__ = ["HONEST_TUNING"]

_NESTED_GRID = table("""
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold

inner = StratifiedKFold(3, shuffle=True, random_state=a.seed)
pipe = make_pipeline(preprocessor(), LogisticRegression(max_iter=300))
search = GridSearchCV(pipe, {"logisticregression__C": [0.02, 0.3]}, scoring="roc_auc", cv=inner)
done = []
for s, part in folds.groupby("split"):
    tr, va = rows(s, "train"), rows(s, "valid")
    best = clone(search).fit(tr[num + cat], tr[Y])  # tuned inside the training part
    print("split", s, "best C", best.best_params_, "inner AUC", round(best.best_score_, 4))
    done.append(va[[ID]].assign(**{Y: best.predict_proba(va[num + cat])[:, 1], "split": s}))
answer = search.fit(df[num + cat], df[Y]).predict_proba(te[num + cat])[:, 1]
""")

_INNER_STOPPING = notebook("""
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import train_test_split

best_rounds = []
for k, (tr, va) in enumerate(cv):
    X_fit, X_stop, y_fit, y_stop = train_test_split(X.iloc[tr], y[tr], test_size=0.2, random_state=cli.seed)
    gb = GradientBoostingRegressor(n_estimators=120, learning_rate=0.08, max_depth=3, random_state=cli.seed)
    gb.fit(X_fit, y_fit)
    val_curve = [np.mean((p - y_stop) ** 2) for p in gb.staged_predict(X_stop)]
    n_best = int(np.argmin(val_curve)) + 1
    best_rounds.append(n_best)
    gb = GradientBoostingRegressor(n_estimators=n_best, learning_rate=0.08, max_depth=3, random_state=cli.seed)
    oof[k] = gb.fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
    print(f"split {k + 1}/{len(cv)} best_iteration={n_best} rmse={np.sqrt(np.mean((oof[k] - y[va]) ** 2)):.4f}")
# the mean of the best rounds, for the model on all rows
gb = GradientBoostingRegressor(n_estimators=int(np.mean(best_rounds)), learning_rate=0.08, random_state=cli.seed)
test_pred = gb.fit(X, y).predict(X_test)
""")

_OWN_STOPPING = module(
    fit_predict="""
def fit_predict(fit_part, valid_part, features, target, seed):
    model = HistGradientBoostingClassifier(
        max_iter=40, max_leaf_nodes=6, early_stopping=True, validation_fraction=0.15, random_state=seed
    )
    model.fit(fit_part[features], fit_part[target])
    return model.predict_proba(valid_part[features])[:, 1]
""",
    imports="from sklearn.ensemble import HistGradientBoostingClassifier\n",
)

_STACK_INSIDE = notebook("""
from sklearn.ensemble import ExtraTreesRegressor, StackingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def make_stack():
    base = [
        ("knn", make_pipeline(StandardScaler(), KNeighborsRegressor(12))),
        ("trees", ExtraTreesRegressor(20, min_samples_leaf=4, random_state=cli.seed)),
    ]
    return StackingRegressor(base, RidgeCV(), cv=3)


for k, (tr, va) in enumerate(cv):
    oof[k] = make_stack().fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
test_pred = make_stack().fit(X, y).predict(X_test)
""")

_CALIBRATED_INSIDE = notebook("""
from sklearn.calibration import CalibratedClassifierCV
from sklearn.naive_bayes import GaussianNB

for k, (tr, va) in enumerate(cv):
    calibrated = CalibratedClassifierCV(GaussianNB(), method="isotonic", cv=3)
    oof[k] = calibrated.fit(X.values[tr], y[tr]).predict_proba(X.values[va])
test_pred = CalibratedClassifierCV(GaussianNB(), method="isotonic", cv=3).fit(X.values, y).predict_proba(X_test.values)
""")

_INNER_THRESHOLDS = notebook("""
from scipy.optimize import minimize
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import cohen_kappa_score
from sklearn.model_selection import KFold, cross_val_predict


def to_label(values, cuts):
    return np.searchsorted(np.sort(cuts), values)


def fit_cuts(values, truth):
    loss = lambda c: -cohen_kappa_score(truth, to_label(values, c), weights="quadratic")
    return minimize(loss, [0.5, 1.5, 2.5, 3.5], method="nelder-mead", options={"maxiter": 60}).x


def predict_labels(A, b, C):
    forest = RandomForestRegressor(12, min_samples_leaf=4, random_state=cli.seed)
    inner = cross_val_predict(forest, A, b, cv=KFold(3, shuffle=True, random_state=cli.seed))
    cuts = fit_cuts(inner, b)  # from rows of this training part, predicted out of its own folds
    return np.array(classes)[to_label(forest.fit(A, b).predict(C), cuts)]


for k, (tr, va) in enumerate(cv):
    oof[k] = predict_labels(X.iloc[tr], y[tr], X.iloc[va])
test_pred = predict_labels(X, y, X_test)
""")

_GROUPED_INNER = table("""
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold

num_only = [c for c in num if c != "school"]
search = GridSearchCV(
    make_pipeline(SimpleImputer(), StandardScaler(), Ridge()),
    {"ridge__alpha": [0.1, 1.0, 10.0, 100.0]}, cv=GroupKFold(4), scoring="neg_mean_absolute_error",
)
done = []
for s in sorted(folds["split"].unique()):
    tr, va = rows(s, "train"), rows(s, "valid")
    search.fit(tr[num_only], tr[Y], groups=tr["school"])
    done.append(va[[ID]].assign(split=s, **{Y: search.predict(va[num_only])}))
answer = search.fit(df[num_only], df[Y], groups=df["school"]).predict(te[num_only])
""")

HONEST_TUNING = [
    Script("a grid search nested in each split", "nested tuning", "fraud", _NESTED_GRID),
    Script("early stopping on an inner split", "nested tuning", "wages", _INNER_STOPPING),
    Script("boosting's own early stopping", "nested tuning", "fraud", _OWN_STOPPING),
    Script("a stack inside each training part", "nested tuning", "wages", _STACK_INSIDE),
    Script("calibration inside each training part", "nested tuning", "cells", _CALIBRATED_INSIDE),
    Script("cut points from inner folds", "nested tuning", "ratings", _INNER_THRESHOLDS),
    Script("a grouped search in each split", "nested tuning", "pupils", _GROUPED_INNER),
]
