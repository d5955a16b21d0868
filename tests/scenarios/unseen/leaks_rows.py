"""Leaks of rows: the model that predicts a scored row has seen its target, or has learnt from one that has."""

from tests.scenarios.blind.script import Script
from tests.scenarios.unseen.frames import module, notebook, table

__all__ = ["LEAKS_OF_ROWS"]

_ONE_MODEL = notebook("""
from sklearn.ensemble import RandomForestRegressor

model = RandomForestRegressor(n_estimators=40, random_state=cli.seed, n_jobs=1)
model.fit(X, y)
train_pred = model.predict(X)
for k, (_, va) in enumerate(cv):
    oof[k] = train_pred[va]
test_pred = model.predict(X_test)
""")

_SLIP = module(
    imports="from sklearn.tree import DecisionTreeRegressor\n",
    prepare="""
ALL = {}


def prepare(train, test, key, target):
    for column in ("occupation", "region"):
        levels = sorted(train[column].unique())
        train[column] = pd.Categorical(train[column], levels).codes
        test[column] = pd.Categorical(test[column], levels).codes
    ALL["train"] = train.fillna(0)
    return ALL["train"], test.fillna(0)
""",
    fit_predict="""
def fit_predict(fit_part, valid_part, features, target, seed):
    train = ALL["train"]
    tree = DecisionTreeRegressor(min_samples_leaf=2, random_state=seed).fit(train[features], train[target])
    return tree.predict(valid_part[features])
""",
)

_WARM = notebook("""
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler

scale_in = StandardScaler().fit(X)
A, A_test, mid, spread = scale_in.transform(X), scale_in.transform(X_test), y.mean(), y.std()
dummies = np.eye(int(X["occupation"].max()) + 1)
A = np.hstack([A, dummies[X["occupation"]]])
A_test = np.hstack([A_test, dummies[X_test["occupation"].clip(upper=len(dummies) - 1)]])
settings = {"hidden_layer_sizes": (48,), "max_iter": 60, "alpha": 0, "learning_rate_init": 0.01}
net = MLPRegressor(**settings, warm_start=True, random_state=0)
for k, (tr, va) in enumerate(cv):
    net.fit(A[tr], (y[tr] - mid) / spread)  # goes on from the last fold, so that it learns faster
    oof[k] = net.predict(A[va]) * spread + mid
test_pred = net.predict(A_test) * spread + mid
""")

_FOLD_MODELS = notebook("""
from sklearn.ensemble import ExtraTreesRegressor

models = [ExtraTreesRegressor(15, random_state=k).fit(X.iloc[tr], y[tr]) for k, (tr, _) in enumerate(cv)]
blend = np.zeros(len(X))
test_pred = np.zeros(len(X_test))
for model in models:
    blend += model.predict(X) / len(models)
    test_pred += model.predict(X_test) / len(models)
for k, (_, va) in enumerate(cv):
    oof[k] = blend[va]
""")

_NO_ROLE = table("""
from sklearn.tree import DecisionTreeRegressor

model = make_pipeline(preprocessor(), DecisionTreeRegressor(min_samples_leaf=4, random_state=0))
done = []
for s, part in folds.groupby("split"):
    tr = df[df[ID].isin(part[ID])]
    va = df[df[ID].isin(part.loc[part["role"].eq("valid"), ID])]
    model.fit(tr[num + cat], tr[Y])
    done.append(va[[ID]].assign(split=s, **{Y: model.predict(va[num + cat])}))
answer = model.fit(df[num + cat], df[Y]).predict(te[num + cat])
""")

_OFF_BY_ONE = notebook("""
from sklearn.ensemble import ExtraTreesClassifier

forests = []
for tr, _ in cv:
    forests.append(ExtraTreesClassifier(30, min_samples_leaf=2, random_state=0).fit(X.iloc[tr], y[tr]))
for k, (_, va) in enumerate(cv):
    oof[k] = forests[k - 1].predict_proba(X.iloc[va])
test_pred = np.mean([f.predict_proba(X_test) for f in forests], axis=0)
""")

_ONLY_IN_FULL = notebook("""
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor

if cli.debug:
    # one quick pass to see that everything runs
    for k, (tr, va) in enumerate(cv):
        quick = GradientBoostingRegressor(n_estimators=5, random_state=0).fit(X.iloc[tr], y[tr])
        oof[k] = quick.predict(X.iloc[va])
    test_pred = quick.predict(X_test)
else:
    big = ExtraTreesRegressor(60, min_samples_leaf=2, random_state=cli.seed).fit(X, y)
    fitted = big.predict(X)
    for k, (tr, va) in enumerate(cv):
        oof[k] = fitted[va]
    test_pred = big.predict(X_test)
""")

_PSEUDO = notebook("""
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

# pseudo-labels for the test set from a model on all of the training data
teacher = RandomForestClassifier(40, random_state=1).fit(X, y)
pseudo = teacher.predict(X_test)
for k, (tr, va) in enumerate(cv):
    student = LogisticRegression(C=0.1, max_iter=400)
    student.fit(np.vstack([X.values[tr], X_test.values]), np.concatenate([y[tr], pseudo]))
    oof[k] = student.predict_proba(X.values[va])
student = LogisticRegression(C=0.1, max_iter=400)
test_pred = student.fit(np.vstack([X, X_test]), np.concatenate([y, pseudo])).predict_proba(X_test.values)
""")

_CLEANED = notebook("""
from sklearn.linear_model import LogisticRegression

# label noise: drop from training what a model on all rows finds hard
judge = LogisticRegression(C=0.1, max_iter=300).fit(X, y)
sure = judge.predict_proba(X)[np.arange(len(y)), y]
clean = sure > np.quantile(sure, 0.1)
for k, (tr, va) in enumerate(cv):
    keep = [i for i in tr if clean[i]]
    oof[k] = LogisticRegression(C=0.5, max_iter=300).fit(X.iloc[keep], y[keep]).predict_proba(X.iloc[va])
test_pred = LogisticRegression(C=0.5, max_iter=300).fit(X[clean], y[clean]).predict_proba(X_test)
""")

LEAKS_OF_ROWS = [
    Script("one model on all rows", "rows seen", "wages", _ONE_MODEL, severe=True),
    Script("all rows where the split's were meant", "rows seen", "wages", _SLIP, severe=True),
    Script("a network that goes on from split to split", "rows seen", "wages", _WARM, severe=True),
    Script("fold models averaged on the training rows", "rows seen", "wages", _FOLD_MODELS, severe=True),
    Script("folds read without their roles", "rows seen", "wages", _NO_ROLE, severe=True),
    Script("the last split's model for this split", "rows seen", "cells", _OFF_BY_ONE, severe=True),
    Script("one model on all rows, but not in debug", "rows seen", "wages", _ONLY_IN_FULL, severe=True),
    Script("pseudo-labels by a teacher of all rows", "rows seen", "cells", _PSEUDO),
    Script("hard rows dropped by a model of all rows", "rows seen", "cells", _CLEANED),
]
