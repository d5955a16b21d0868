"""Leaks of tuning: rounds, settings, thresholds, weights and seeds chosen on the rows that are then scored."""

from tests.scenarios.blind.script import Script
from tests.scenarios.unseen.frames import module, notebook, table

__all__ = ["LEAKS_OF_TUNING"]

_STAGES = notebook("""
from sklearn.ensemble import GradientBoostingRegressor

rounds = []
for k, (tr, va) in enumerate(cv):
    gb = GradientBoostingRegressor(n_estimators=120, learning_rate=0.15, random_state=0).fit(X.iloc[tr], y[tr])
    stages = list(gb.staged_predict(X.iloc[va]))
    scores = [np.sqrt(np.mean((p - y[va]) ** 2)) for p in stages]
    best = int(np.argmin(scores))  # early stopping
    rounds.append(best + 1)
    oof[k] = stages[best]
    print(f"split {k + 1}/{len(cv)} best round {best + 1} rmse {scores[best]:.4f}")
gb = GradientBoostingRegressor(n_estimators=int(np.mean(rounds)), learning_rate=0.15, random_state=0)
test_pred = gb.fit(X, y).predict(X_test)
""")

_EPOCHS = module(
    imports="from sklearn.linear_model import SGDClassifier\n"
    "from sklearn.metrics import roc_auc_score\n"
    "from sklearn.preprocessing import StandardScaler\n",
    fit_predict="""
def fit_predict(fit_part, valid_part, features, target, seed):
    scaler = StandardScaler().fit(fit_part[features].fillna(0))
    A, B = scaler.transform(fit_part[features].fillna(0)), scaler.transform(valid_part[features].fillna(0))
    net, best_score, best_pred = SGDClassifier(loss="log_loss", alpha=1e-3, random_state=seed), -1.0, None
    for epoch in range(25):
        net.partial_fit(A, fit_part[target], classes=[0, 1])
        pred = net.predict_proba(B)[:, 1]
        if target not in valid_part:  # the test set has no labels: take the last epoch
            best_pred = pred
            continue
        score = roc_auc_score(valid_part[target], pred)
        if score > best_score:
            best_score, best_pred = score, pred
    return best_pred
""",
)

_GRID_BEFORE = table("""
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

search = GridSearchCV(
    make_pipeline(preprocessor(), Ridge()), {"ridge__alpha": [0.3, 1, 3, 10, 30]}, cv=5,
    scoring="neg_root_mean_squared_error",
)
search.fit(df[num + cat], df[Y])
print("best", search.best_params_)
done = []
for s in folds["split"].unique():
    tr, va = rows(s, "train"), rows(s, "valid")
    model = clone(search.best_estimator_).fit(tr[num + cat], tr[Y])
    done.append(va[[ID]].assign(split=s, **{Y: model.predict(va[num + cat])}))
answer = search.best_estimator_.predict(te[num + cat])
""")

_BY_OOF = notebook("""
from itertools import product

from sklearn.tree import DecisionTreeRegressor

best = (np.inf, None, None)
for depth, leaf in product((2, 3, 4, 6, 8), (2, 5, 10, 20)):
    trial = {}
    for k, (tr, va) in enumerate(cv):
        tree = DecisionTreeRegressor(max_depth=depth, min_samples_leaf=leaf, random_state=0)
        trial[k] = tree.fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
    score = np.mean([np.sqrt(np.mean((trial[k] - y[va]) ** 2)) for k, (_, va) in enumerate(cv)])
    if score < best[0]:
        best = (score, (depth, leaf), trial)
oof = best[2]
depth, leaf = best[1]
print("best setting", best[1], "cv rmse", round(best[0], 4))
test_pred = DecisionTreeRegressor(max_depth=depth, min_samples_leaf=leaf, random_state=0).fit(X, y).predict(X_test)
""")

_CUTS = notebook("""
from scipy.optimize import minimize
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import cohen_kappa_score

raw = np.zeros(len(y))
for k, (tr, va) in enumerate(cv):
    raw[va] = RandomForestRegressor(30, min_samples_leaf=4, random_state=0).fit(X.iloc[tr], y[tr]).predict(X.iloc[va])


def kappa(cuts):
    return -cohen_kappa_score(y, np.digitize(raw, np.sort(cuts)), weights="quadratic")


found = minimize(kappa, [0.5, 1.5, 2.5, 3.5], method="Nelder-Mead", options={"maxiter": 120})
cuts = np.sort(found.x)
names = np.array(classes)
for k, (_, va) in enumerate(cv):
    oof[k] = names[np.digitize(raw[va], cuts)]
rf = RandomForestRegressor(30, min_samples_leaf=4, random_state=0).fit(X, y)
test_pred = names[np.digitize(rf.predict(X_test), cuts)]
""")

_WEIGHTS = notebook("""
from scipy.optimize import nnls
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor

zoo = [Ridge(), KNeighborsRegressor(15), ExtraTreesRegressor(25, min_samples_leaf=3, random_state=0)]
P, P_test = np.zeros((len(y), len(zoo))), np.zeros((len(X_test), len(zoo)))
for j, model in enumerate(zoo):
    for tr, va in cv:
        P[va, j] = model.fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
    P_test[:, j] = model.fit(X, y).predict(X_test)
weights, _ = nnls(P, y)
print("weights", weights.round(3))
for k, (_, va) in enumerate(cv):
    oof[k] = P[va] @ weights
test_pred = P_test @ weights
""")

_META = notebook("""
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Lasso, LinearRegression

base = {
    "rf": RandomForestRegressor(25, min_samples_leaf=3, random_state=0),
    "gb": GradientBoostingRegressor(n_estimators=40, random_state=0),
    "lasso": Lasso(0.01),
}
level_one = pd.DataFrame(0.0, index=X.index, columns=list(base))
level_one_test = pd.DataFrame(0.0, index=X_test.index, columns=list(base))
for name, model in base.items():
    for tr, va in cv:
        level_one.loc[va, name] = model.fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
    level_one_test[name] = model.fit(X, y).predict(X_test)
meta = LinearRegression().fit(level_one, y)
stacked = meta.predict(level_one)
for k, (_, va) in enumerate(cv):
    oof[k] = stacked[va]
test_pred = meta.predict(level_one_test)
""")

_ISOTONIC = notebook("""
from sklearn.ensemble import RandomForestClassifier
from sklearn.isotonic import IsotonicRegression

raw = np.zeros(len(y))
for k, (tr, va) in enumerate(cv):
    rf = RandomForestClassifier(40, min_samples_leaf=3, random_state=0).fit(X.iloc[tr], y[tr])
    raw[va] = rf.predict_proba(X.iloc[va])[:, 1]
rf = RandomForestClassifier(40, min_samples_leaf=3, random_state=0).fit(X, y)
# calibrate the out-of-fold probabilities
iso = IsotonicRegression(out_of_bounds="clip").fit(raw, y)
for k, (_, va) in enumerate(cv):
    oof[k] = iso.predict(raw[va])
test_pred = iso.predict(rf.predict_proba(X_test)[:, 1])
""")

_SEEDS = notebook("""
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import log_loss


def run(seed):
    made = {}
    for k, (tr, va) in enumerate(cv):
        et = ExtraTreesClassifier(6, min_samples_leaf=5, random_state=seed).fit(X.iloc[tr], y[tr])
        made[k] = et.predict_proba(X.iloc[va])
    return made, np.mean([log_loss(y[va], made[k], labels=range(len(classes))) for k, (_, va) in enumerate(cv)])


trials = {seed: run(seed) for seed in range(10)}
lucky = min(trials, key=lambda seed: trials[seed][1])
print("best seed", lucky, trials[lucky][1])
oof = trials[lucky][0]
test_pred = ExtraTreesClassifier(6, min_samples_leaf=5, random_state=lucky).fit(X, y).predict_proba(X_test)
""")

_BEST_OF_FOLD = notebook("""
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.neighbors import KNeighborsRegressor

candidates = [
    Ridge(), KNeighborsRegressor(8), KNeighborsRegressor(20),
    ExtraTreesRegressor(20, min_samples_leaf=3, random_state=0),
    GradientBoostingRegressor(n_estimators=40, random_state=0),
]
winners = []
for k, (tr, va) in enumerate(cv):
    preds = [m.fit(X.iloc[tr], y[tr]).predict(X.iloc[va]) for m in candidates]
    errors = [mean_squared_error(y[va], p) for p in preds]
    winners.append(int(np.argmin(errors)))
    oof[k] = preds[winners[-1]]
test_pred = np.mean([candidates[w].fit(X, y).predict(X_test) for w in set(winners)], axis=0)
""")

_HILL = notebook("""
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error

# greedy ensemble selection over random subspaces (Caruana)
library, library_test = [], []
for n in range(40):
    cols = np.random.choice(X.columns, 3, replace=False)
    one = np.zeros(len(y))
    for tr, va in cv:
        one[va] = Ridge().fit(X[cols].iloc[tr], y[tr]).predict(X[cols].iloc[va])
    library.append(one)
    library_test.append(Ridge().fit(X[cols], y).predict(X_test[cols]))
chosen = []
for _ in range(12):
    gains = [mean_absolute_error(y, np.mean([library[i] for i in chosen + [j]], axis=0)) for j in range(len(library))]
    chosen.append(int(np.argmin(gains)))
blend = np.mean([library[i] for i in chosen], axis=0)
for k, (_, va) in enumerate(cv):
    oof[k] = blend[va]
test_pred = np.mean([library_test[i] for i in chosen], axis=0)
""")

_FORWARD = notebook("""
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

clf = make_pipeline(StandardScaler(), LogisticRegression(max_iter=50))


def evaluate(columns):
    made = {}
    for k, (tr, va) in enumerate(cv):
        made[k] = clf.fit(X[columns].iloc[tr], y[tr]).predict_proba(X[columns].iloc[va])[:, 1]
    return np.mean([roc_auc_score(y[va], made[k]) for k, (_, va) in enumerate(cv)]), made


chosen, best = [], 0.0
for column in X.columns:
    score, made = evaluate(chosen + [column])
    if score > best + 0.001:
        chosen, best, oof = chosen + [column], score, made
print("selected", chosen, "auc", round(best, 4))
test_pred = clf.fit(X[chosen], y).predict_proba(X_test[chosen])[:, 1]
""")

LEAKS_OF_TUNING = [
    Script("rounds stopped on the scored rows", "tuning", "wages", _STAGES),
    Script("the best epoch of the scored rows", "tuning", "fraud", _EPOCHS),
    Script("a grid search before the splits", "tuning", "wages", _GRID_BEFORE),
    Script("settings by the out-of-fold score", "tuning", "wages", _BY_OOF),
    Script("cut points of the scored rows", "tuning", "ratings", _CUTS),
    Script("blend weights of the scored rows", "tuning", "wages", _WEIGHTS),
    Script("a second level on the scored rows", "tuning", "wages", _META),
    Script("calibration on the scored rows", "tuning", "fraud", _ISOTONIC),
    Script("the luckiest of ten seeds", "tuning", "cells", _SEEDS),
    Script("the best model of each split", "tuning", "wages", _BEST_OF_FOLD),
    Script("a greedy ensemble on the scored rows", "tuning", "pupils", _HILL),
    Script("forward selection by the score", "tuning", "fraud", _FORWARD),
]
