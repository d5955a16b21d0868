"""Leaks that only a task split by group or by time can have: its neighbours in group or time tell a row's label."""

from tests.scenarios.blind.script import Script, arrays, frames

__all__ = ["LEAKS_OF_SPLITS"]

_GROUP = "group leakage"
_TIME = "time leakage"

LEAKS_OF_SPLITS: list[Script] = [
    Script(
        "own-folds-over-patients",
        _GROUP,
        "clinic",
        severe=True,
        source=frames("""
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import KFold

held = df_folds[df_folds.role == "valid"].set_index(ID)["split"]
df["p"] = 0.0
for tr, va in KFold(5, shuffle=True, random_state=opts.seed).split(df):
    m = ExtraTreesRegressor(20, random_state=0).fit(build(df.iloc[tr]).drop(columns="p"), df[TGT].iloc[tr])
    df.loc[df.index[va], "p"] = m.predict(build(df.iloc[va]).drop(columns="p"))
known = df[df[ID].isin(held.index)]
parts = [pd.DataFrame({ID: known[ID], TGT: known["p"], "split": known[ID].map(held)})]
test_pred = m.predict(build(df_test))
"""),
    ),
    Script(
        "patient-mean-of-all-rows",
        _GROUP,
        "clinic",
        severe=True,
        source=arrays("""
from sklearn.linear_model import Ridge

X, T = encode(train), encode(test)
level = train.groupby("patient")[TARGET].mean()
X["level"] = train["patient"].map(level)
T["level"] = test["patient"].map(level).fillna(level.mean())
for number, tr, va in splits:
    keep(number, va, Ridge().fit(X.iloc[tr], y[tr]).predict(X.iloc[va]))
final = Ridge().fit(X, y).predict(T)
"""),
    ),
    Script(
        "last-visit-of-held-out-patient",
        _GROUP,
        "clinic",
        severe=True,
        source=frames("""
from sklearn.linear_model import LinearRegression

df = df.sort_values(["patient", "visit"])
df["last_stay"] = df.groupby("patient")[TGT].shift(1)
df["last_stay"] = df["last_stay"].fillna(df[TGT].mean())
df_test["last_stay"] = df[TGT].mean()
parts = []
for k, f in df_folds.groupby("split"):
    tr, va = (df[df[ID].isin(f.loc[f.role == r, ID])] for r in ("train", "valid"))
    m = LinearRegression().fit(build(tr), tr[TGT])
    parts.append(pd.DataFrame({ID: va[ID], TGT: m.predict(build(va)), "split": k}))
test_pred = m.predict(build(df_test))
"""),
    ),
    Script(
        "neighbours-by-patient",
        _GROUP,
        "clinic",
        severe=True,
        source=arrays("""
from sklearn.neighbors import KNeighborsRegressor

# A patient's other visits are the best guide.
X, T = train[["patient", "visit"]] * [100, 1], test[["patient", "visit"]] * [100, 1]
for number, tr, va in splits:
    values = []
    for row in va:
        others = np.delete(np.arange(len(y)), row)
        values.append(KNeighborsRegressor(4).fit(X.iloc[others], y[others]).predict(X.iloc[[row]])[0])
    keep(number, va, values)
final = KNeighborsRegressor(4).fit(X, y).predict(T)
"""),
    ),
    Script(
        "own-shuffled-folds-over-time",
        _TIME,
        "grid",
        severe=True,
        source=frames("""
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import cross_val_predict, KFold

def with_date(d):
    return build(d).assign(t=pd.to_datetime(d["date"]).astype("int64") // 10**9)

cv = KFold(n_splits=5, shuffle=True, random_state=1)
p = pd.Series(cross_val_predict(ExtraTreesRegressor(20, random_state=0), with_date(df), df[TGT], cv=cv), df[ID])
valid = df_folds[df_folds.role == "valid"]
parts = [pd.DataFrame({ID: valid[ID], TGT: valid[ID].map(p), "split": valid["split"]})]
test_pred = ExtraTreesRegressor(20, random_state=0).fit(with_date(df), df[TGT]).predict(with_date(df_test))
"""),
    ),
    Script(
        "centred-rolling-mean",
        _TIME,
        "grid",
        severe=True,
        source=arrays("""
from sklearn.linear_model import Ridge

order = train.sort_values("date").index
X, T = encode(train), encode(test)
X["smooth"] = train.loc[order, TARGET].rolling(7, center=True, min_periods=1).mean()
T["smooth"] = y[order[-7:]].mean()
for number, tr, va in splits:
    keep(number, va, Ridge().fit(X.iloc[tr], y[tr]).predict(X.iloc[va]))
final = Ridge().fit(X, y).predict(T)
"""),
    ),
    Script(
        "tomorrows-load",
        _TIME,
        "grid",
        severe=True,
        source=arrays("""
from sklearn.ensemble import RandomForestRegressor

ahead = train.sort_values("date")[TARGET].shift(-1).ffill()
X, T = encode(train).assign(ahead=ahead), encode(test).assign(ahead=float(ahead.mean()))
for number, tr, va in splits:
    model = RandomForestRegressor(15, min_samples_leaf=3, random_state=0).fit(X.iloc[tr], y[tr])
    keep(number, va, model.predict(X.iloc[va]))
final = model.predict(T)
"""),
    ),
    Script(
        "yesterdays-load-of-held-out-days",
        _TIME,
        "grid",
        severe=True,
        source=frames("""
from sklearn.linear_model import LinearRegression

# In the test yesterday's load is not known, but here it is.
df = df.sort_values("date").reset_index(drop=True)
for lag in (1, 7):
    df[f"lag{lag}"] = df[TGT].shift(lag).bfill()
    df_test[f"lag{lag}"] = df[TGT].iloc[-lag]
parts = []
for k, f in df_folds.groupby("split"):
    tr, va = (df[df[ID].isin(f.loc[f.role == r, ID])] for r in ("train", "valid"))
    m = LinearRegression().fit(build(tr), tr[TGT])
    parts.append(pd.DataFrame({ID: va[ID], TGT: m.predict(build(va)), "split": k}))
test_pred = m.predict(build(df_test))
"""),
    ),
    Script(
        "trained-on-later-days",
        _TIME,
        "grid",
        severe=True,
        source=frames("""
from sklearn.neighbors import KNeighborsRegressor

# Every day outside of the fold is used; to leave some out would be a waste.
def days(d):
    passed = (pd.to_datetime(d["date"]) - pd.Timestamp("2021-01-01")).dt.days
    return pd.DataFrame({"passed": passed, "weekend": 3 * d["weekend"], "warmth": d["warmth"]})

parts = []
for k in sorted(df_folds["split"].unique()):
    ids = set(df_folds[(df_folds["split"] == k) & (df_folds["role"] == "valid")][ID])
    va, tr = df[df[ID].isin(ids)], df[~df[ID].isin(ids)]
    m = KNeighborsRegressor(5, weights="distance").fit(days(tr), tr[TGT])
    parts.append(pd.DataFrame({ID: va[ID], TGT: m.predict(days(va)), "split": k}))
test_pred = KNeighborsRegressor(5).fit(days(df), df[TGT]).predict(days(df_test))
"""),
    ),
]
