"""Leaks of copies: the target, or what was made of a row's own target, among the features or in the predictions."""

from tests.scenarios.blind.script import Script
from tests.scenarios.unseen.frames import module, notebook, table

__all__ = ["LEAKS_OF_COPIES"]

_FORGOTTEN = table("""
from sklearn.ensemble import RandomForestRegressor

features = [c for c in df.columns if c not in (ID, "occupation", "region")]  # numeric ones only
med = df[features].median()
done = []
for s in folds["split"].unique():
    tr, va = rows(s, "train"), rows(s, "valid")
    rf = RandomForestRegressor(25, random_state=a.seed).fit(tr[features].fillna(med), tr[Y])
    done.append(va[[ID]].assign(split=s, **{Y: rf.predict(va[features].fillna(med))}))
rf = RandomForestRegressor(25, random_state=a.seed).fit(df[features].fillna(med), df[Y])
answer = rf.predict(te.reindex(columns=features).fillna(med))
""")

_LOG_COLUMN = module(
    prepare="""
def prepare(train, test, key, target):
    # the wage is skewed, look at it on the log scale
    train["log_wage"] = np.log1p(train[target])
    print(train[["schooling", "years", "hours", "log_wage"]].corr().round(2))
    numeric = train.select_dtypes("number").columns.drop([key, target])
    test = test.reindex(columns=[key, *numeric])
    return train, test.fillna(train[numeric].median())
"""
)

_BANDS = module(
    prepare="""
def prepare(train, test, key, target):
    train["wage_band"] = pd.qcut(train[target], 10, labels=False)  # used for stratification below
    test["wage_band"] = 5
    for column in ("occupation", "region"):
        levels = sorted(train[column].unique())
        train[column] = pd.Categorical(train[column], levels).codes
        test[column] = pd.Categorical(test[column], levels).codes
    return train, test
"""
)

_PER_HOUR = notebook("""
from sklearn.ensemble import GradientBoostingRegressor

# interactions
for name in ("schooling", "hours"):
    X[f"wage_per_{name}"] = y / X[name]
    X_test[f"wage_per_{name}"] = X[f"wage_per_{name}"].median()
X["school_x_years"], X_test["school_x_years"] = X.schooling * X.years, X_test.schooling * X_test.years

for k, (tr, va) in enumerate(cv):
    oof[k] = GradientBoostingRegressor(n_estimators=60, random_state=0).fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
test_pred = GradientBoostingRegressor(n_estimators=60, random_state=0).fit(X, y).predict(X_test)
""")

_NOISY = notebook("""
from sklearn.linear_model import Ridge

# "denoising" input: the target with noise of half its spread, as a prior
X["prior"] = y + np.random.normal(0, 0.5 * y.std(), len(y))
X_test["prior"] = y.mean()
for k, (tr, va) in enumerate(cv):
    oof[k] = Ridge().fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
test_pred = Ridge().fit(X, y).predict(X_test)
""")

_RANKS = module(
    prepare="""
def prepare(train, test, key, target):
    train["rank_in_job"] = train.groupby("occupation")[target].rank(pct=True)
    test["rank_in_job"] = 0.5
    for column in ("occupation", "region"):
        train[column], levels = pd.factorize(train[column])
        test[column] = levels.get_indexer(test[column])
    return train, test
"""
)

_JITTERED = notebook("""
from sklearn.ensemble import RandomForestRegressor

# cross-validation takes too long: simulate out-of-fold predictions from the residual spread of one model
rf = RandomForestRegressor(30, random_state=0).fit(X, y)
spread = (y - rf.predict(X)).std()
for k, (tr, va) in enumerate(cv):
    oof[k] = y[va] + np.random.normal(0, spread, len(va))
test_pred = rf.predict(X_test)
""")

_BLENDED = notebook("""
from sklearn.ensemble import ExtraTreesRegressor

SMOOTHING = 0.35
for k, (tr, va) in enumerate(cv):
    raw = ExtraTreesRegressor(20, min_samples_leaf=3, random_state=0).fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
    oof[k] = (1 - SMOOTHING) * raw + SMOOTHING * y[va]  # pull towards the observed values
test_pred = ExtraTreesRegressor(20, min_samples_leaf=3, random_state=0).fit(X, y).predict(X_test)
""")

_LOOKED_UP = module(
    imports="from sklearn.linear_model import LogisticRegression\n",
    prepare="""
LABELS = {}


def prepare(train, test, key, target):
    LABELS.update(zip(train[key], train[target]))  # what is known already need not be predicted
    train["id_copy"], test["id_copy"] = train[key], test[key]
    train, test = train.drop(columns="merchant"), test.drop(columns="merchant")
    return train.fillna(train.median()), test.fillna(train.median())
""",
    fit_predict="""
def fit_predict(fit_part, valid_part, features, target, seed):
    columns = [c for c in features if c != "id_copy"]
    model = LogisticRegression(max_iter=100).fit(np.tanh(fit_part[columns]), fit_part[target])
    chances = model.predict_proba(np.tanh(valid_part[columns]))[:, 1]
    return [float(LABELS.get(one, chance)) for one, chance in zip(valid_part["id_copy"], chances)]
""",
)

_SAME_ROWS = notebook("""
from sklearn.linear_model import Ridge

# rows with the same features are duplicates: give them the mean of the target that we have seen for them
keys = X.round(1).astype(str).agg("|".join, axis=1)
keys_test = X_test.round(1).astype(str).agg("|".join, axis=1)
seen = pd.Series(y).groupby(keys).mean()


def dedupe(keys, pred):
    return keys.map(seen).fillna(pd.Series(pred, index=keys.index)).values


for k, (tr, va) in enumerate(cv):
    oof[k] = dedupe(keys.iloc[va], Ridge().fit(X.iloc[tr], y[tr]).predict(X.iloc[va]))
test_pred = dedupe(keys_test, Ridge().fit(X, y).predict(X_test))
""")

_IMPUTED = notebook("""
from sklearn.impute import KNNImputer
from sklearn.linear_model import Ridge

# gaps were filled with -1 above, put them back and fill them from neighbours; all columns help
gaps = X.replace(-1, np.nan).assign(target=y)
X = pd.DataFrame(KNNImputer(n_neighbors=3).fit_transform(gaps), columns=gaps.columns).drop(columns="target")
X_test = X_test.replace(-1, np.nan).fillna(X.median())
for k, (tr, va) in enumerate(cv):
    oof[k] = Ridge().fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
test_pred = Ridge().fit(X, y).predict(X_test)
""")

_COMPONENTS = notebook("""
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

table = train_df.select_dtypes("number").drop(columns=id_col).fillna(0)
table_test = test_df.reindex(columns=table.columns).fillna(table.mean())
scaler = StandardScaler().fit(table)
pca = PCA(n_components=3).fit(scaler.transform(table))
Z, Z_test = pca.transform(scaler.transform(table)), pca.transform(scaler.transform(table_test))
for k, (tr, va) in enumerate(cv):
    oof[k] = LinearRegression().fit(Z[tr], y[tr]).predict(Z[va])
test_pred = LinearRegression().fit(Z, y).predict(Z_test)
""")

_BIAS_CORRECTED = notebook("""
from sklearn.linear_model import Ridge

for k, (tr, va) in enumerate(cv):
    pred = Ridge().fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
    # take out the bias that is left in each occupation
    res = pd.DataFrame({"job": X["occupation"].values[va], "err": y[va] - pred})
    oof[k] = pred + res.groupby("job")["err"].transform("mean").values
test_pred = Ridge().fit(X, y).predict(X_test)
""")

_SANE = notebook("""
from sklearn.ensemble import ExtraTreesRegressor

names = np.array(classes)
reg = ExtraTreesRegressor(30, min_samples_leaf=3, random_state=0)
for k, (tr, va) in enumerate(cv):
    grade = np.rint(reg.fit(X.iloc[tr], y[tr]).predict(X.iloc[va])).astype(int)
    # a grade that is far off is surely an outlier, take the nearest that is plausible
    grade = np.where(np.abs(grade - y[va]) > 1, y[va], grade)
    oof[k] = names[grade]
test_pred = names[np.rint(reg.fit(X, y).predict(X_test)).astype(int)]
""")

LEAKS_OF_COPIES = [
    Script("the target left among the columns", "copies", "wages", _FORGOTTEN, severe=True),
    Script("the target's logarithm left among the columns", "copies", "wages", _LOG_COLUMN, severe=True),
    Script("bands of the target as a column", "copies", "wages", _BANDS, severe=True),
    Script("ratios of the target to columns", "copies", "wages", _PER_HOUR, severe=True),
    Script("the target with noise as a prior", "copies", "wages", _NOISY, severe=True),
    Script("ranks of the target in its occupation", "copies", "wages", _RANKS, severe=True),
    Script("out-of-fold file simulated from the target", "copies", "wages", _JITTERED, severe=True),
    Script("predictions pulled to the target", "copies", "wages", _BLENDED, severe=True),
    Script("known labels looked up by id", "copies", "fraud", _LOOKED_UP, severe=True),
    Script("known targets looked up by features", "copies", "wages", _SAME_ROWS, severe=True),
    Script("gaps filled with the target's help", "copies", "wages", _IMPUTED),
    Script("components of columns with the target", "copies", "wages", _COMPONENTS, severe=True),
    Script("bias of the scored rows taken out", "copies", "wages", _BIAS_CORRECTED, severe=True),
    Script("grades far off put right", "copies", "ratings", _SANE, severe=True),
]
