"""Honest scripts whose features or words look like a leak: labels of the training part alone, or no labels at all."""

from tests.scenarios.blind.script import Script, arrays, frames

__all__ = ["HONEST_FEATURES"]

_LABELS = "labels of the training part"
_UNSUPERVISED = "without labels"
_WORDS = "suspicious words"

HONEST_FEATURES: list[Script] = [
    Script(
        "target-mean-of-training-part",
        _LABELS,
        "churn",
        frames('''
from sklearn.linear_model import LogisticRegression

def encoded(part, rows):
    """Smoothed means of the target over `part`'s cities and shops, for `rows`."""
    new, prior = build(rows), part[TGT].mean()
    for c in ("city", "shop"):
        g = part.groupby(c)[TGT].agg(["sum", "count"])
        new[c + "_te"] = rows[c].map((g["sum"] + 20 * prior) / (g["count"] + 20)).fillna(prior)
    return new

parts = []
for k, f in df_folds.groupby("split"):
    tr, va = (df[df[ID].isin(f.loc[f.role == r, ID])] for r in ("train", "valid"))
    lr = LogisticRegression(max_iter=800).fit(encoded(tr, tr), tr[TGT])
    parts.append(pd.DataFrame({ID: va[ID], TGT: lr.predict_proba(encoded(tr, va))[:, 1], "split": k}))
test_pred = LogisticRegression(max_iter=800).fit(encoded(df, df), df[TGT]).predict_proba(encoded(df, df_test))[:, 1]
'''),
    ),
    Script(
        "sklearn-target-encoder",
        _LABELS,
        "churn",
        arrays("""
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder

def model():
    coder = make_column_transformer((TargetEncoder(cv=3, random_state=0), ["city", "shop"]), remainder="passthrough")
    return make_pipeline(coder, LogisticRegression(max_iter=800))

X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
for number, tr, va in splits:
    keep(number, va, model().fit(X.iloc[tr], y[tr]).predict_proba(X.iloc[va])[:, 1])
final = model().fit(X, y).predict_proba(T)[:, 1]
"""),
    ),
    Script(
        "season-of-the-past",
        _LABELS,
        "grid",
        frames('''
from sklearn.linear_model import Ridge

def features(past, rows):
    """The weekday's and the month's mean load over `past`, and its last four weeks."""
    when, then = pd.to_datetime(rows["date"]), pd.to_datetime(past["date"])
    new = rows[["warmth", "weekend"]].copy()
    new["weekday"] = when.dt.weekday.map(past[TGT].groupby(then.dt.weekday).mean()).fillna(past[TGT].mean())
    new["month"] = when.dt.month.map(past[TGT].groupby(then.dt.month).mean()).fillna(past[TGT].mean())
    new["recent"] = past.sort_values("date")[TGT].tail(28).mean()
    return new

parts = []
for k, f in df_folds.groupby("split"):
    tr, va = (df[df[ID].isin(f.loc[f.role == r, ID])] for r in ("train", "valid"))
    m = Ridge().fit(features(tr, tr), tr[TGT])
    parts.append(pd.DataFrame({ID: va[ID], TGT: m.predict(features(tr, va)), "split": k}))
test_pred = Ridge().fit(features(df, df), df[TGT]).predict(features(df, df_test))
'''),
    ),
    Script(
        "lags-of-training-days",
        _LABELS,
        "grid",
        frames('''
from sklearn.linear_model import LinearRegression

def lagged(past, rows):
    """The load a year before, where it is known from `past`, and warmth of the day before (a feature, not a label)."""
    load, when = past.set_index(pd.to_datetime(past["date"]))[TGT], pd.to_datetime(rows["date"])
    new = rows[["warmth", "weekend"]].copy()
    new["year_ago"] = (when - pd.Timedelta(days=364)).map(load).fillna(load.mean())
    new["warmth_before"] = rows.sort_values("date")["warmth"].shift(1).bfill()
    return new

parts = []
for k, f in df_folds.groupby("split"):
    tr, va = (df[df[ID].isin(f.loc[f.role == r, ID])] for r in ("train", "valid"))
    m = LinearRegression().fit(lagged(tr, tr), tr[TGT])
    parts.append(pd.DataFrame({ID: va[ID], TGT: m.predict(lagged(tr, va)), "split": k}))
test_pred = LinearRegression().fit(lagged(df, df), df[TGT]).predict(lagged(df, df_test))
'''),
    ),
    Script(
        "neighbours-in-fold",
        _LABELS,
        "houses",
        arrays("""
from sklearn.neighbors import KNeighborsRegressor

# One neighbour learns its rows by heart; none of them is scored.
X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
for number, tr, va in splits:
    mu, sd = y[tr].mean(), y[tr].std()
    near = KNeighborsRegressor(1).fit(X.iloc[tr], (y[tr] - mu) / sd)
    keep(number, va, np.clip(near.predict(X.iloc[va]) * sd + mu, y[tr].min(), y[tr].max()))
final = KNeighborsRegressor(1).fit(X, y).predict(T)
"""),
    ),
    Script(
        "codes-and-counts-of-both-files",
        _UNSUPERVISED,
        "houses",
        frames("""
from sklearn.ensemble import RandomForestRegressor

both = pd.concat([df.drop(columns=TGT), df_test], ignore_index=True)
both["city_code"] = pd.factorize(both["city"])[0]
both["shop_count"] = both["shop"].map(both["shop"].value_counts())
both["month"] = both["date"].str[5:7].astype(int)
wide = build(both)
a, b = wide.iloc[: len(df)], wide.iloc[len(df) :]
parts = []
for k, f in df_folds.groupby("split"):
    tr, va = (df[ID].isin(f.loc[f.role == r, ID]).to_numpy() for r in ("train", "valid"))
    rf = RandomForestRegressor(15, min_samples_leaf=4, random_state=opts.seed).fit(a[tr], df[TGT][tr])
    parts.append(pd.DataFrame({ID: df[ID][va], TGT: rf.predict(a[va]), "split": k}))
test_pred = RandomForestRegressor(15, min_samples_leaf=4, random_state=0).fit(a, df[TGT]).predict(b)
"""),
    ),
    Script(
        "adversarial-check",
        _UNSUPERVISED,
        "houses",
        arrays("""
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import cross_val_score

# Do train and test look alike? Only printed: it changes nothing.
X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
both, where = pd.concat([X, T]), np.r_[np.zeros(len(X)), np.ones(len(T))]
alike = cross_val_score(LogisticRegression(max_iter=300), both, where, cv=3, scoring="roc_auc")
print("train or test, AUC:", alike.mean())
for number, tr, va in splits:
    keep(number, va, Ridge().fit(X.iloc[tr], y[tr]).predict(X.iloc[va]))
final = Ridge().fit(X, y).predict(T)
"""),
    ),
    Script(
        "patient-averages-of-features",
        _UNSUPERVISED,
        "clinic",
        frames("""
from sklearn.ensemble import ExtraTreesRegressor

for d in (df, df_test):
    d["usual_pressure"] = d.groupby("patient")["pressure"].transform("mean")
    d["visits"] = d.groupby("patient")[ID].transform("count")
cols = ["age", "height", "pressure", "dose", "usual_pressure", "visits"]
parts = []
for k, f in df_folds.groupby("split"):
    tr, va = (df[df[ID].isin(f.loc[f.role == r, ID])] for r in ("train", "valid"))
    m = ExtraTreesRegressor(20, min_samples_leaf=4, random_state=0).fit(tr[cols], tr[TGT])
    parts.append(pd.DataFrame({ID: va[ID], TGT: m.predict(va[cols]), "split": k}))
test_pred = ExtraTreesRegressor(20, min_samples_leaf=4, random_state=0).fit(df[cols], df[TGT]).predict(df_test[cols])
"""),
    ),
    Script(
        "words-and-numbers",
        _WORDS,
        "houses",
        arrays("""
from sklearn.linear_model import Ridge

# No leak: the answers stay where they are, and answers.csv is not read; test_ids only name the rows of the submission.
test_ids = test[KEY].tolist()
YEARS = {1066: 1, 1492: 2, 1789: 3}
BINS = [0, 25, 50, 75, 100, 1000, 1100, 1250, 1500]
answers = {}
X, T = encode(train).fillna(40.0), encode(test).fillna(40.0)
X["bin"], T["bin"] = np.digitize(X["area"], BINS), np.digitize(T["area"], BINS)
for number, tr, va in splits:
    model = Ridge().fit(X.iloc[tr], y[tr])
    answers.update(zip(train[KEY].iloc[va], model.predict(X.iloc[va])))
    keep(number, va, [answers[one] for one in train[KEY].iloc[va]])
    print("train score", model.score(X.iloc[tr], y[tr]), "valid score", model.score(X.iloc[va], y[va]))
final = Ridge().fit(X, y).predict(T)
assert len(final) == len(test_ids)
"""),
    ),
    Script(
        "all-rows-for-the-test-alone",
        _WORDS,
        "churn",
        frames("""
from sklearn.ensemble import RandomForestClassifier

full = RandomForestClassifier(20, min_samples_leaf=3, random_state=1).fit(build(df), df[TGT])
test_pred = full.predict_proba(build(df_test))[:, 1]
print("fit on all rows, in-sample accuracy (not a score):", full.score(build(df), df[TGT]))
parts = []
for k, f in df_folds.groupby("split"):
    tr, va = (df[df[ID].isin(f.loc[f.role == r, ID])] for r in ("train", "valid"))
    rf = RandomForestClassifier(20, min_samples_leaf=3, random_state=1).fit(build(tr), tr[TGT])
    parts.append(pd.DataFrame({ID: va[ID], TGT: rf.predict_proba(build(va))[:, 1], "split": k}))
"""),
    ),
]
