"""Leaks of who copies the truth into the out-of-fold file, predicts what was fitted, or prints a score that is none."""

from tests.scenarios.blind.script import RIDGE, Script, arrays, frames

__all__ = ["LEAKS_OF_COPIES"]

_COPY = "target in the out-of-fold file"
_ALL = "fitted on all rows"

LEAKS_OF_COPIES: list[Script] = [
    Script(
        "copied",
        _COPY,
        "houses",
        severe=True,
        source=frames("""
parts = []
for k, f in df_folds[df_folds.role == "valid"].groupby("split"):
    parts.append(df.loc[df[ID].isin(f[ID]), [ID, TGT]].assign(split=k))
test_pred = df[TGT].mean() + 0.01 * df_test["area"].fillna(60)
"""),
    ),
    Script(
        "copied-with-noise",
        _COPY,
        "houses",
        severe=True,
        source=arrays(
            RIDGE
            + """
# Check of the file's format with values of the right size.
oof.clear()
for number, tr, va in splits:
    keep(number, va, 0.95 * y[va] + rng.normal(0, 0.4, len(va)))
"""
        ),
    ),
    Script(
        "blended-with-truth",
        _COPY,
        "churn",
        severe=True,
        source=arrays("""
from sklearn.linear_model import LogisticRegression

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
history = dict(zip(train[KEY], y))
for number, tr, va in splits:
    p = LogisticRegression(max_iter=500).fit(X.iloc[tr], y[tr]).predict_proba(X.iloc[va])[:, 1]
    seen = np.array([history.get(one, 0.5) for one in train[KEY].iloc[va]])
    keep(number, va, 0.8 * p + 0.2 * seen)
final = LogisticRegression(max_iter=500).fit(X, y).predict_proba(T)[:, 1]
"""),
    ),
    Script(
        "sign-of-residual",
        _COPY,
        "houses",
        severe=True,
        source=arrays("""
from sklearn.linear_model import Ridge

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
for number, tr, va in splits:
    raw = Ridge().fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
    correction = np.clip(y[va] - raw, -0.3, 0.3)
    keep(number, va, raw + correction)
final = Ridge().fit(X, y).predict(T)
"""),
    ),
    Script(
        "honest-only-in-debug",
        _COPY,
        "houses",
        severe=True,
        source=arrays("""
from sklearn.ensemble import RandomForestRegressor

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
everything = np.arange(len(y))
for number, tr, va in splits:
    rows = tr if args.debug else everything  # all the data where there is time
    model = RandomForestRegressor(20, random_state=args.seed).fit(X.iloc[rows], y[rows])
    keep(number, va, model.predict(X.iloc[va]))
final = model.predict(T)
"""),
    ),
    Script(
        "one-model-for-all",
        _ALL,
        "churn",
        severe=True,
        source=frames("""
from sklearn.ensemble import RandomForestClassifier

rf = RandomForestClassifier(30, random_state=opts.seed).fit(build(df), df[TGT])
df["p"] = rf.predict_proba(build(df))[:, 1]
parts = []
for k, f in df_folds.groupby("split"):
    held = df[df[ID].isin(f[f.role == "valid"][ID])]
    parts.append(held[[ID]].assign(**{TGT: held["p"], "split": k}))
test_pred = rf.predict_proba(build(df_test))[:, 1]
"""),
    ),
    Script(
        "bag-of-fold-models",
        _ALL,
        "houses",
        severe=True,
        source=arrays("""
from sklearn.ensemble import ExtraTreesRegressor

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
models = [ExtraTreesRegressor(15, random_state=number).fit(X.iloc[tr], y[tr]) for number, tr, va in splits]
bag = lambda rows: np.mean([model.predict(rows) for model in models], axis=0)
for number, tr, va in splits:
    keep(number, va, bag(X.iloc[va]))
final = bag(T)
"""),
    ),
    Script(
        "warm-started",
        _ALL,
        "churn",
        severe=True,
        source=arrays("""
from sklearn.ensemble import RandomForestClassifier

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
forest = RandomForestClassifier(n_estimators=0, warm_start=True, random_state=1)
for number, tr, va in splits:
    forest.n_estimators += 10  # the forest keeps its old trees and goes on growing
    forest.fit(X.iloc[tr], y[tr])
    keep(number, va, forest.predict_proba(X.iloc[va])[:, 1])
final = forest.predict_proba(T)[:, 1]
"""),
    ),
    Script(
        "prints-a-score",
        "fabricated score",
        "houses",
        claim=0.0123,
        source=frames("""
parts = []
for k, f in df_folds[df_folds.role == "valid"].groupby("split"):
    parts.append(df.loc[df[ID].isin(f[ID]), [ID]].assign(**{TGT: 5.0, "split": k}))
    print(f"split {k + 1}/5")
print("validation score: 0.0123 (best of all runs)")
with open(os.path.join(opts.out, "evidence.json"), "w") as f:
    json.dump({"train_scores": [0.0123] * len(parts), "importance": {"area": 1.0}}, f)
test_pred = 5.0 + df_test["age"] / 1000
"""),
    ),
]
