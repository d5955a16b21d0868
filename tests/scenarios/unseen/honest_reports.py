"""Honest scripts that look at the whole target for constants and for what they print, and learn nothing from it."""

from tests.scenarios.blind.script import Script
from tests.scenarios.unseen.frames import module, notebook, table

__all__ = ["HONEST_REPORTS"]

_CONSTANTS = notebook("""
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

n_classes = len(np.unique(y))
priors = np.bincount(y, minlength=n_classes) / len(y)  # for the report only
print("classes", n_classes, "priors", priors.round(3))
clf = LogisticRegression(class_weight="balanced", max_iter=300)
for k, (tr, va) in enumerate(cv):
    pipe = make_pipeline(QuantileTransformer(n_quantiles=50), clf)
    pipe.fit(X.iloc[tr], y[tr])
    proba = np.zeros((len(va), n_classes))
    proba[:, pipe[-1].classes_] = pipe.predict_proba(X.iloc[va])
    oof[k] = 0.97 * proba + 0.03 / n_classes
pipe = make_pipeline(QuantileTransformer(n_quantiles=50), clf).fit(X, y)
test_pred = 0.97 * pipe.predict_proba(X_test) + 0.03 / n_classes
""")

_CLIPPED = notebook("""
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import OneHotEncoder

y_min, y_max = y.min(), y.max()  # no prediction may leave the range of the target
onehot = OneHotEncoder(handle_unknown="ignore").fit(pd.concat([train_df, test_df])[["occupation", "region"]])
A = np.hstack([X[["schooling", "years", "hours"]], onehot.transform(train_df[["occupation", "region"]]).toarray()])
B = np.hstack([X_test[["schooling", "years", "hours"]], onehot.transform(test_df[["occupation", "region"]]).toarray()])
for k, (tr, va) in enumerate(cv):
    lr = LinearRegression().fit(A[tr], np.log(y[tr]))
    oof[k] = np.clip(np.exp(lr.predict(A[va])), y_min, y_max)
test_pred = np.clip(np.exp(LinearRegression().fit(A, np.log(y)).predict(B)), y_min, y_max)
""")

_LOOKED_AT = module(
    prepare="""
def look_at(train, target):
    \"\"\"For the log: what goes with the target.\"\"\"
    print(train[target].describe())
    print(train.select_dtypes("number").corr()[target].sort_values())
    print(train.groupby("region")[target].agg(["mean", "count"]))
    leak = [c for c in train if c != target and train[c].nunique() > 1 and train[c].equals(train[target])]
    assert not leak, f"copies of the target: {leak}"


def prepare(train, test, key, target):
    look_at(train, target)
    overlap = set(train[key]) & set(test[key])
    print("ids in both", len(overlap))
    for column in ("occupation", "region"):
        levels = sorted(train[column].unique())
        train[column] = pd.Categorical(train[column], levels).codes
        test[column] = pd.Categorical(test[column], levels).codes
    return train, test
"""
)

_REPORTED = notebook("""
from sklearn.ensemble import GradientBoostingRegressor

train_scores, gains = [], np.zeros(X.shape[1])
for k, (tr, va) in enumerate(cv):
    gb = GradientBoostingRegressor(n_estimators=60, subsample=0.8, random_state=cli.seed).fit(X.iloc[tr], y[tr])
    oof[k] = gb.predict(X.iloc[va])
    fitted = gb.predict(X.iloc[tr])  # on the rows it was fitted on, to see how far it overfits
    train_scores.append(float(np.sqrt(np.mean((fitted - y[tr]) ** 2))))
    gains += gb.feature_importances_ / len(cv)
    print(f"split {k + 1}/{len(cv)} train {train_scores[-1]:.3f} valid {np.sqrt(np.mean((oof[k] - y[va]) ** 2)):.3f}")
evidence = {"train_scores": train_scores, "importance": dict(zip(X.columns, gains.round(4).tolist()))}
(cli.out / "evidence.json").write_text(json.dumps(evidence))
test_pred = GradientBoostingRegressor(n_estimators=60, subsample=0.8, random_state=cli.seed).fit(X, y).predict(X_test)
""")

_BASELINE = table("""
from sklearn.dummy import DummyRegressor

done = []
for s in sorted(folds["split"].unique()):
    tr, va = rows(s, "train"), rows(s, "valid")
    by_region = tr.groupby("region")[Y].mean()
    guess = va["region"].map(by_region).fillna(tr[Y].mean())
    done.append(va[[ID]].assign(split=s, **{Y: guess}))
answer = te["region"].map(df.groupby("region")[Y].mean()).fillna(df[Y].mean()).values
""")

HONEST_REPORTS = [
    Script("classes and weights as constants", "global constants", "cells", _CONSTANTS),
    Script("predictions clipped to the target's range", "global constants", "wages", _CLIPPED),
    Script("the target looked at and printed", "reports", "wages", _LOOKED_AT),
    Script("scores of training and validation printed", "reports", "wages", _REPORTED),
    Script("means of the region as a baseline", "encodings in folds", "wages", _BASELINE),
]
