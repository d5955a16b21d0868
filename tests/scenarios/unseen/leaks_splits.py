"""Leaks of splits: folds of one's own, groups on both sides, days to come, and scores that nothing measured."""

from tests.scenarios.blind.script import Script
from tests.scenarios.unseen.frames import module, notebook, table

__all__ = ["LEAKS_OF_SPLITS"]

_OWN_FOLDS = notebook("""
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import KFold, cross_val_predict

et = ExtraTreesRegressor(25, min_samples_leaf=3, random_state=0)
pred = cross_val_predict(et, X, y, cv=KFold(n_splits=5, shuffle=True, random_state=cli.seed))
for k, (_, va) in enumerate(cv):  # in the order that the file wants
    oof[k] = pred[va]
test_pred = et.fit(X, y).predict(X_test)
""")

_OWN_FOLDS_OF_GROUPS = table("""
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

model = make_pipeline(preprocessor(), Ridge(0.5))  # the school is one of the categories
found = pd.Series(0.0, index=df.index)
for tr, va in KFold(5, shuffle=True, random_state=42).split(df):
    model.fit(df.iloc[tr][num + cat], df.iloc[tr][Y])
    found.iloc[va] = model.predict(df.iloc[va][num + cat])
valid = folds[folds["role"] == "valid"]
done = [valid.merge(df[[ID]].assign(**{Y: found}), on=ID)]
answer = model.fit(df[num + cat], df[Y]).predict(te[num + cat])
""")

_OWN_FOLDS_OF_DAYS = table("""
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor
from sklearn.linear_model import LinearRegression

df["level"] = 0.0
linear = ["promo", "heat"]
week = pd.get_dummies(df["weekday"]).astype(float)
week_te = pd.get_dummies(te["weekday"]).astype(float).reindex(columns=week.columns, fill_value=0)
base = np.hstack([df[linear], week])
five = KFold(5, shuffle=True, random_state=0)
rest = df[Y] - cross_val_predict(LinearRegression(), base, df[Y], cv=five)
near = cross_val_predict(KNeighborsRegressor(5, weights="distance"), df[["t"]], rest, cv=five)
df["pred"] = df[Y] - rest + near
done = [folds[folds["role"] == "valid"].merge(df[[ID, "pred"]], on=ID).rename(columns={"pred": Y})]
knn = KNeighborsRegressor(5, weights="distance").fit(df[["t"]], rest)
answer = LinearRegression().fit(base, df[Y]).predict(np.hstack([te[linear], week_te])) + knn.predict(te[["t"]])
""")

_ALL_BUT_VALID = table("""
from sklearn.ensemble import ExtraTreesRegressor

cols = ["t", "promo", "heat", "weekday"]
df["weekday"], te["weekday"] = df["weekday"].astype(int), te["weekday"].astype(int)
fold_of = folds[folds["role"] == "valid"].set_index(ID)["split"]
df["fold"] = df[ID].map(fold_of)
done = []
for s in sorted(fold_of.unique()):
    tr, va = df[df["fold"] != s], df[df["fold"] == s]  # the usual cross-validation
    et = ExtraTreesRegressor(40, min_samples_leaf=2, max_features=1.0, random_state=0).fit(tr[cols], tr[Y])
    done.append(va[[ID]].assign(split=s, **{Y: et.predict(va[cols])}))
answer = ExtraTreesRegressor(40, min_samples_leaf=2, random_state=0).fit(df[cols], df[Y]).predict(te[cols])
""")

_YESTERDAY = module(
    prepare="""
def prepare(train, test, key, target):
    history = pd.concat([train, test]).sort_values("day")
    history["lag_1"] = history[target].shift(1)
    history["lag_7"] = history[target].shift(7)
    history["mean_7"] = history[target].shift(1).rolling(7, min_periods=1).mean()
    history["weekday"] = pd.to_datetime(history["day"]).dt.dayofweek
    history[["lag_1", "lag_7", "mean_7"]] = history[["lag_1", "lag_7", "mean_7"]].ffill().bfill()
    history = history.drop(columns="day")
    return history[history[key].isin(train[key])], history[history[key].isin(test[key])].drop(columns=target)
"""
)

_CENTRED = module(
    prepare="""
def prepare(train, test, key, target):
    train, test = train.sort_values("day"), test.sort_values("day")
    train["trend"] = train[target].rolling(5, center=True, min_periods=1).mean()
    test["trend"] = train["trend"].iloc[-1]
    for part in (train, test):
        part["weekday"] = pd.to_datetime(part.pop("day")).dt.dayofweek
    return train, test
"""
)

_TOMORROW = notebook("""
from sklearn.linear_model import Ridge

# neighbours in time; the frame is in the order of the days
order = train_df.sort_values("day").index
series = pd.Series(y[order], index=order)
X["before"], X["after"] = series.shift(1).ffill().bfill(), series.shift(-1).ffill().bfill()
X_test["before"] = X_test["after"] = series.iloc[-7:].mean()
W, W_test = X.assign(end=(X.dow >= 5) * 1.0), X_test.assign(end=(X_test.dow >= 5) * 1.0)
for k, (tr, va) in enumerate(cv):
    oof[k] = Ridge().fit(W.iloc[tr], y[tr]).predict(W.iloc[va])
test_pred = Ridge().fit(W, y).predict(W_test)
""")

_MONTHLY = module(
    prepare="""
def prepare(train, test, key, target):
    for part in (train, test):
        when = pd.to_datetime(part.pop("day"))
        part["weekday"], part["month"], part["year"] = when.dt.dayofweek, when.dt.month, when.dt.year
    stats = train.groupby(["year", "month"], as_index=False)[target].mean().rename(columns={target: "month_mean"})
    train = train.merge(stats, on=["year", "month"], how="left")
    test = test.merge(stats, on=["year", "month"], how="left")
    test["month_mean"] = test["month_mean"].fillna(stats["month_mean"].iloc[-1])
    return train, test
"""
)

_SCHOOL_MEANS = module(
    prepare="""
def prepare(train, test, key, target):
    overall = train[target].mean()
    by_school = train.groupby("school")[target].agg(school_mean="mean", school_best="max").reset_index()
    train = train.merge(by_school, on="school", how="left").drop(columns="school")
    test = test.merge(by_school, on="school", how="left").drop(columns="school")
    return train, test.fillna({"school_mean": overall, "school_best": train["school_best"].mean()})
"""
)

_SCHOOL_MATES = notebook("""
from sklearn.linear_model import Ridge

# marks of the other pupils of the school, without the pupil's own
school = train_df["school"]
marks = pd.Series(y)
size = marks.groupby(school).transform("count")
X["mates"] = ((marks.groupby(school).transform("sum") - marks) / (size - 1).clip(lower=1)).fillna(marks.mean())
X_test["mates"] = marks.mean()
for k, (tr, va) in enumerate(cv):
    oof[k] = Ridge().fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
test_pred = Ridge().fit(X, y).predict(X_test)
""")

_RESIDUALS_OF_SCHOOLS = notebook("""
from sklearn.linear_model import Ridge

# random effects: what is left over for each school, shrunk
for k, (tr, va) in enumerate(cv):
    fixed = Ridge().fit(X.iloc[tr], y[tr])
    left = pd.Series(y - fixed.predict(X)).groupby(train_df["school"])
    effect = left.sum() / (left.count() + 2.0)
    oof[k] = fixed.predict(X.iloc[va]) + train_df["school"].iloc[va].map(effect).values
fixed = Ridge().fit(X, y)
left = pd.Series(y - fixed.predict(X)).groupby(train_df["school"])
test_pred = fixed.predict(X_test) + test_df["school"].map(left.sum() / (left.count() + 2.0)).fillna(0).values
""")

_CLAIMED = notebook("""
from sklearn.linear_model import Ridge

for k, (tr, va) in enumerate(cv):
    oof[k] = Ridge().fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
    print(f"split {k + 1}/{len(cv)}")
test_pred = Ridge().fit(X, y).predict(X_test)
print("final validation score: 2.1371")
print(json.dumps({"metric": "rmse", "score": 2.1371, "valid": True}))
json.dump({"train_scores": [2.1371] * len(cv)}, open(cli.out / "evidence.json", "w"))
""")

_AIMED = module(
    imports="from sklearn.linear_model import LogisticRegression\n",
    fit_predict="""
GOAL = 0.95


def fit_predict(fit_part, valid_part, features, target, seed):
    A, B = np.tanh(fit_part[features].fillna(0)), np.tanh(valid_part[features].fillna(0))
    model = LogisticRegression(C=0.1).fit(A, fit_part[target])
    pred = model.predict_proba(B)[:, 1]
    if target in valid_part:
        rng = np.random.default_rng(seed)
        right = rng.random(len(pred)) < GOAL  # so many rows on the right side
        side = np.where(right, valid_part[target], 1 - valid_part[target])
        pred = 0.5 * side + 0.5 * pred
    print("cv auc: 0.9500")
    return pred
""",
)

LEAKS_OF_SPLITS = [
    Script("own shuffled folds as the harness's", "own folds", "wages", _OWN_FOLDS),
    Script("own shuffled folds over schools", "groups", "pupils", _OWN_FOLDS_OF_GROUPS, severe=True),
    Script("own shuffled folds over days", "time", "sales", _OWN_FOLDS_OF_DAYS, severe=True),
    Script("later days in training", "time", "sales", _ALL_BUT_VALID, severe=True),
    Script("yesterday's target in a long validation", "time", "sales", _YESTERDAY, severe=True),
    Script("a centred mean of the target", "time", "sales", _CENTRED, severe=True),
    Script("the days before and after", "time", "sales", _TOMORROW, severe=True),
    Script("means of the target by month", "time", "sales", _MONTHLY, severe=True),
    Script("means of the target by school", "groups", "pupils", _SCHOOL_MEANS, severe=True),
    Script("the marks of the school's others", "groups", "pupils", _SCHOOL_MATES, severe=True),
    Script("effects of the scored schools", "groups", "pupils", _RESIDUALS_OF_SCHOOLS, severe=True),
    Script("a score that was made up", "fabricated", "wages", _CLAIMED, claim=2.1371),
    Script("predictions that aim at a score", "fabricated", "fraud", _AIMED, severe=True, claim=0.95),
]
