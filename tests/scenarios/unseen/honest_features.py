"""Honest scripts whose columns look suspicious: no statistic of the target reaches the rows that it is made of."""

from tests.scenarios.blind.script import Script
from tests.scenarios.unseen.frames import module, notebook, table

__all__ = ["HONEST_FEATURES"]

_MEANS_OF_TRAINING = module(
    fit_predict="""
def encode(fit_part, other, column, target, weight=5):
    \"\"\"Smoothed means of the target, learnt on the first part only.\"\"\"
    overall = fit_part[target].mean()
    stats = fit_part.groupby(column)[target].agg(["sum", "count"])
    means = (stats["sum"] + weight * overall) / (stats["count"] + weight)
    return other[column].map(means).fillna(overall)


def fit_predict(fit_part, valid_part, features, target, seed):
    A, B = fit_part[features].copy(), valid_part[features].copy()
    B["job_mean"] = encode(fit_part, valid_part, "occupation", target)
    # the training rows get theirs out of inner folds
    fold = np.random.default_rng(seed).integers(0, 5, len(fit_part))
    A["job_mean"] = 0.0
    for k in range(5):
        A.loc[fold == k, "job_mean"] = encode(fit_part[fold != k], fit_part[fold == k], "occupation", target)
    model = HistGradientBoostingRegressor(max_iter=60, max_leaf_nodes=8, random_state=seed)
    return model.fit(A, fit_part[target]).predict(B)
"""
)

_PLAIN_MEANS = notebook("""
from sklearn.ensemble import ExtraTreesRegressor

test_rows = X_test.copy()
for k, (tr, va) in enumerate(cv):
    tr_df, va_df = train_df.iloc[tr], train_df.iloc[va]
    means = tr_df.groupby("occupation")[target_col].mean()
    A = X.iloc[tr].assign(job_mean=tr_df["occupation"].map(means).values)
    B = X.iloc[va].assign(job_mean=va_df["occupation"].map(means).fillna(y[tr].mean()).values)
    oof[k] = ExtraTreesRegressor(25, min_samples_leaf=3, random_state=0).fit(A, y[tr]).predict(B)
# for the test, from all of the training data
means = train_df.groupby("occupation")[target_col].mean()
X["job_mean"] = train_df["occupation"].map(means)
X_test["job_mean"] = test_df["occupation"].map(means).fillna(y.mean())
test_pred = ExtraTreesRegressor(25, min_samples_leaf=3, random_state=0).fit(X, y).predict(X_test)
""")

_ENCODER_IN_PIPELINE = table("""
from sklearn.linear_model import Ridge
from sklearn.preprocessing import TargetEncoder

pre = make_column_transformer((TargetEncoder(random_state=0), cat), (SimpleImputer(add_indicator=True), num))
pipe = make_pipeline(pre, StandardScaler(), Ridge())
done = []
for s in folds["split"].unique():
    tr, va = rows(s, "train"), rows(s, "valid")
    pipe.fit(tr[num + cat], tr[Y])
    done.append(va[[ID]].assign(split=s, **{Y: pipe.predict(va[num + cat])}))
answer = pipe.fit(df[num + cat], df[Y]).predict(te[num + cat])
""")

_COUNTS = module(
    imports="from sklearn.ensemble import RandomForestClassifier\n",
    prepare="""
def prepare(train, test, key, target):
    everything = pd.concat([train.drop(columns=target), test])
    counts = everything["merchant"].value_counts()
    typical = everything.groupby("merchant")["amount"].transform("median")
    everything["merchant_median"] = typical
    for part in (train, test):
        part["merchant_count"] = part["merchant"].map(counts)
        part["amount"] = part["amount"].fillna(everything["amount"].median())
        part["amount_rank"] = part["amount"].rank(pct=True)
        part["is_night"] = part["hour"].between(0, 7).astype(int)
    per_merchant = everything.groupby("merchant")["merchant_median"].first()
    keep = ["amount", "hour", "merchant_count", "amount_rank", "is_night"]
    for part in (train, test):
        part["over_usual"] = (part["amount"] / part["merchant"].map(per_merchant)).fillna(1.0)
    return train[[key, target, *keep, "over_usual"]], test[[key, *keep, "over_usual"]]
""",
    fit_predict="""
def fit_predict(fit_part, valid_part, features, target, seed):
    forest = RandomForestClassifier(60, min_samples_leaf=6, class_weight="balanced_subsample", random_state=seed)
    return forest.fit(fit_part[features], fit_part[target]).predict_proba(valid_part[features])[:, 1]
""",
)

_MEDIANS_OF_BOTH = notebook("""
from sklearn.linear_model import Ridge

# gaps and scale from train and test together; no label has part in it
pool = pd.concat([X, X_test]).replace(-1, np.nan)
pool = pool.fillna(pool.median())
pool = (pool - pool.mean()) / pool.std()
jobs = pd.get_dummies(pd.concat([train_df, test_df])["occupation"]).astype(float)
pool = np.hstack([pool.values, jobs.values])
A, A_test = pool[:len(X)], pool[len(X):]
for k, (tr, va) in enumerate(cv):
    oof[k] = Ridge(3.0).fit(A[tr], y[tr]).predict(A[va])
test_pred = Ridge(3.0).fit(A, y).predict(A_test)
""")

_NEIGHBOURS_OF_TRAINING = notebook("""
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler


def shares(index, labels, data, same):
    \"\"\"Classes of the neighbours; a row that is in the index itself is left out of its own.\"\"\"
    idx = index.kneighbors(data, n_neighbors=16, return_distance=False)
    idx = idx[:, 1:] if same else idx[:, :15]
    return np.stack([(labels[idx] == c).mean(axis=1) for c in range(len(classes))], axis=1)


def fit_predict(A, b, C):
    sc = StandardScaler().fit(A)
    A, C = sc.transform(A), sc.transform(C)
    index = NearestNeighbors().fit(A)
    clf = LogisticRegression(C=0.3, max_iter=300).fit(np.hstack([A, shares(index, b, A, True)]), b)
    return clf.predict_proba(np.hstack([C, shares(index, b, C, False)]))


for k, (tr, va) in enumerate(cv):
    oof[k] = fit_predict(X.iloc[tr], y[tr], X.iloc[va])
test_pred = fit_predict(X, y, X_test)
""")

_PAST_ONLY = table("""
from sklearn.linear_model import LinearRegression


def with_history(past, part):
    \"\"\"Adds what the days before `part` tell: their last level, and their usual weekday.\"\"\"
    past = past.sort_values("t")
    level = past[Y].tail(14).mean()
    weekday = past.tail(56).groupby("weekday")[Y].mean() - past.tail(56)[Y].mean()
    return part.assign(level=level, usual=part["weekday"].map(weekday).fillna(0.0))


def forecast(past, part):
    past = past.sort_values("t")
    blocks = [with_history(past.iloc[:n], past.iloc[n:n + 28]) for n in range(60, len(past), 28)]
    fit_part = pd.concat(blocks) if blocks else with_history(past, past)
    cols = ["promo", "heat", "level", "usual"]
    return LinearRegression().fit(fit_part[cols], fit_part[Y]).predict(with_history(past, part)[cols])


done = []
for s in sorted(folds["split"].unique()):
    tr, va = rows(s, "train"), rows(s, "valid")
    done.append(va[[ID]].assign(split=s, **{Y: forecast(tr, va)}))
answer = forecast(df, te)
""")

_YEAR_AGO = notebook("""
from sklearn.ensemble import ExtraTreesRegressor

when, when_test = pd.to_datetime(train_df["day"]), pd.to_datetime(test_df["day"])


def year_ago(known_days, known_sales, days):
    \"\"\"Sales around the same week a year before, where the training part has them.\"\"\"
    series = pd.Series(known_sales, index=known_days).sort_index().rolling(7, min_periods=1).mean()
    return days.sub(pd.Timedelta(days=364)).map(series).fillna(series.mean()).values


for k, (tr, va) in enumerate(cv):
    A = X.iloc[tr].assign(ago=year_ago(when[tr].values, y[tr], when[tr]))
    B = X.iloc[va].assign(ago=year_ago(when[tr].values, y[tr], when[va]))
    oof[k] = ExtraTreesRegressor(30, min_samples_leaf=3, random_state=0).fit(A, y[tr]).predict(B)
A = X.assign(ago=year_ago(when.values, y, when))
B = X_test.assign(ago=year_ago(when.values, y, when_test))
test_pred = ExtraTreesRegressor(30, min_samples_leaf=3, random_state=0).fit(A, y).predict(B)
""")

_WEATHER_AROUND = module(
    prepare="""
def prepare(train, test, key, target):
    days = pd.concat([train.drop(columns=target), test]).sort_values("day")
    # the weather and the offers of the days around are known beforehand
    days["heat_mean"] = days["heat"].rolling(5, center=True, min_periods=1).mean()
    days["promo_before"] = days["promo"].shift(1, fill_value=0)
    days["promo_after"] = days["promo"].shift(-1, fill_value=0)
    days["weekday"] = pd.to_datetime(days["day"]).dt.dayofweek
    days = days.drop(columns="day")
    return train[[key, target]].merge(days, on=key), test[[key]].merge(days, on=key)
"""
)

_SCHOOLS_WITHOUT_MARKS = notebook("""
from sklearn.linear_model import Ridge

# what a school is like, from columns alone, of train and test
school = pd.concat([train_df["school"], test_df["school"]], ignore_index=True)
pool = pd.concat([X, X_test], ignore_index=True).drop(columns="school")
for col in ("income", "study", "age"):
    pool["school_" + col] = pool.groupby(school)[col].transform("mean")
    pool["rank_" + col] = pool.groupby(school)[col].rank(pct=True)
pool["school_size"] = school.map(school.value_counts()).values
A, A_test = pool.iloc[:len(X)], pool.iloc[len(X):]
for k, (tr, va) in enumerate(cv):
    assert not set(school.iloc[tr]) & set(school.iloc[va]), "a school on both sides"
    oof[k] = Ridge(5.0).fit(A.iloc[tr], y[tr]).predict(A.iloc[va])
test_pred = Ridge(5.0).fit(A, y).predict(A_test)
""")

HONEST_FEATURES = [
    Script("means of inner folds of each training part", "encodings in folds", "wages", _MEANS_OF_TRAINING),
    Script("plain means of each training part", "encodings in folds", "wages", _PLAIN_MEANS),
    Script("scikit-learn's target encoder in a pipeline", "encodings in folds", "wages", _ENCODER_IN_PIPELINE),
    Script("counts over train and test", "statistics without labels", "fraud", _COUNTS),
    Script("medians and scale of train and test", "statistics without labels", "wages", _MEDIANS_OF_BOTH),
    Script("neighbours of each training part", "encodings in folds", "cells", _NEIGHBOURS_OF_TRAINING),
    Script("the last level of each training part", "past only", "sales", _PAST_ONLY),
    Script("the training part's sales a year ago", "past only", "sales", _YEAR_AGO),
    Script("the weather of the days around", "statistics without labels", "sales", _WEATHER_AROUND),
    Script("schools by their columns", "statistics without labels", "pupils", _SCHOOLS_WITHOUT_MARKS),
]
