"""The frames of the suite's scripts: a notebook made a script, a module of functions, a table of rows and folds."""

__all__ = ["module", "notebook", "table"]

_NOTEBOOK = """\
import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
cli = argparse.ArgumentParser()
cli.add_argument("--data", type=Path, required=True)
cli.add_argument("--out", type=Path, required=True)
cli.add_argument("--seed", type=int, default=0)
cli.add_argument("--debug", action="store_true")
cli = cli.parse_args()

info = json.load(open(cli.data / "task.json"))
train_df = pd.read_csv(cli.data / info["train_file"])
test_df = pd.read_csv(cli.data / info["test_file"])
fold_df = pd.read_csv(cli.data / "folds.csv")
id_col, target_col = info["id_column"], info["targets"][0]
classes = info["classes"]
np.random.seed(cli.seed)

# target as numbers
if classes:
    y = train_df[target_col].map({c: i for i, c in enumerate(classes)}).values
else:
    y = train_df[target_col].values.astype(float)

# categories as codes, the day as numbers
both = pd.concat([train_df.drop(columns=target_col), test_df], ignore_index=True)
for col in both.columns:
    if col == "day":
        both["dow"] = pd.to_datetime(both[col]).dt.dayofweek
        both["doy"] = pd.to_datetime(both[col]).dt.dayofyear
        both = both.drop(columns=col)
    elif not pd.api.types.is_numeric_dtype(both[col]):
        both[col] = pd.factorize(both[col])[0]
both = both.drop(columns=id_col).fillna(-1)
X = both.iloc[:len(train_df)].reset_index(drop=True)
X_test = both.iloc[len(train_df):].reset_index(drop=True)

# the harness's folds, as positions
position = dict(zip(train_df[id_col], range(len(train_df))))
cv = []
for k in sorted(fold_df["split"].unique()):
    f = fold_df[fold_df["split"] == k]
    cv.append((
        [position[i] for i in f.loc[f["role"] == "train", id_col]],
        [position[i] for i in f.loc[f["role"] == "valid", id_col]],
    ))
oof = {}  # split -> predictions of its valid rows

"""

_NOTEBOOK_END = """
frames = []
for k, (_, va) in enumerate(cv):
    frame = pd.DataFrame({id_col: train_df[id_col].values[va]})
    if info["prediction"] == "probability" and len(classes) > 2:
        frame[classes] = np.clip(oof[k], 1e-6, 1) / np.clip(oof[k], 1e-6, 1).sum(axis=1, keepdims=True)
    else:
        frame[target_col] = oof[k]
    frame["split"] = k
    frames.append(frame)
pd.concat(frames).to_csv(cli.out / "oof.csv", index=False)
submission = pd.read_csv(cli.data / "sample_submission.csv")[[id_col]]
if info["prediction"] == "probability" and len(classes) > 2:
    guess = pd.DataFrame(test_pred, columns=classes).assign(**{id_col: test_df[id_col].values})
else:
    guess = pd.DataFrame({id_col: test_df[id_col].values, target_col: test_pred})
submission.merge(guess, on=id_col).to_csv(cli.out / "submission.csv", index=False)
"""


def notebook(body: str) -> str:
    """A flat script: `body` has `X`, `X_test`, `y` and `cv` (positions), fills `oof[k]` and leaves `test_pred`."""
    return _NOTEBOOK + body.strip("\n") + "\n" + _NOTEBOOK_END


_MODULE = '''\
"""Trains and validates on the given folds, then predicts the test set."""
import argparse
import json
import os

import numpy as np
import pandas as pd
{imports}

def read_inputs(data_dir):
    with open(os.path.join(data_dir, "task.json")) as fh:
        meta = json.load(fh)
    train = pd.read_csv(os.path.join(data_dir, meta["train_file"]))
    test = pd.read_csv(os.path.join(data_dir, meta["test_file"]))
    folds = pd.read_csv(os.path.join(data_dir, "folds.csv"))
    if meta["task_type"] == "binary":
        target = meta["targets"][0]
        train[target] = (train[target] == meta["classes"][1]).astype(int)
    return meta, train, test, folds


{functions}

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--debug", action="store_true")
    args = parser.parse_args()
    meta, train, test, folds = read_inputs(args.data)
    key, target = meta["id_column"], meta["targets"][0]
    train, test = prepare(train, test, key, target)
    features = [c for c in test.columns if c not in (key, target)]
    results = []
    for split, fold in folds.groupby("split"):
        role = train[key].map(fold.set_index(key)["role"])
        fit_part, valid_part = train[role == "train"].copy(), train[role == "valid"].copy()
        pred = fit_predict(fit_part, valid_part, features, target, args.seed)
        results.append(pd.DataFrame({{key: valid_part[key], target: pred, "split": split}}))
        print(f"split {{split + 1}}/{{folds['split'].nunique()}}")
    oof = pd.concat(results)
    oof.to_csv(os.path.join(args.out, "oof.csv"), index=False)
    test_pred = fit_predict(train.copy(), test.copy(), features, target, args.seed)
    pd.DataFrame({{key: test[key], target: test_pred}}).to_csv(os.path.join(args.out, "submission.csv"), index=False)


if __name__ == "__main__":
    main()
'''

_PREPARE = """
def prepare(train, test, key, target):
    for column in test.columns.drop(key):
        if not pd.api.types.is_numeric_dtype(train[column]):
            levels = sorted(set(train[column]) | set(test[column]))
            train[column] = pd.Categorical(train[column], levels).codes
            test[column] = pd.Categorical(test[column], levels).codes
    return train, test
"""

_FIT_PREDICT = """
def fit_predict(fit_part, valid_part, features, target, seed):
    model = HistGradientBoostingRegressor(max_iter=60, learning_rate=0.08, max_leaf_nodes=12, random_state=seed)
    model.fit(fit_part[features], fit_part[target])
    return model.predict(valid_part[features])
"""

_BOOSTING = "from sklearn.ensemble import HistGradientBoostingRegressor\n"


def module(*, prepare: str = _PREPARE, fit_predict: str = _FIT_PREDICT, imports: str = _BOOSTING) -> str:
    """A script of functions.

    `prepare(train, test, key, target)` gives both tables with their columns made, `fit_predict(fit_part, valid_part,
    features, target, seed)` predicts the second part; each may be given as text, with the imports that it needs.
    """
    functions = prepare.strip("\n") + "\n\n\n" + fit_predict.strip("\n") + "\n"
    return _MODULE.format(imports=imports, functions=functions)


_TABLE = """\
from argparse import ArgumentParser
from json import loads
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

ap = ArgumentParser()
for flag in ("--data", "--out"):
    ap.add_argument(flag, type=Path)
ap.add_argument("--seed", type=int)
ap.add_argument("--debug", action="store_true")
a = ap.parse_args()
spec = loads((a.data / "task.json").read_text())
ID, Y = spec["id_column"], spec["targets"][0]
df = pd.read_csv(a.data / spec["train_file"])
te = pd.read_csv(a.data / spec["test_file"])
folds = pd.read_csv(a.data / "folds.csv")
if spec["task_type"] == "binary":
    df[Y] = df[Y].eq(spec["classes"][-1]).astype(float)
if "day" in te:
    for part in (df, te):
        part["t"] = (pd.to_datetime(part["day"]) - pd.Timestamp("2022-01-01")).dt.days
        part["weekday"] = (part["t"] % 7).astype(str)
num = [c for c in te.columns if c != ID and pd.api.types.is_numeric_dtype(te[c])]
cat = [c for c in te.columns if c not in num and c not in (ID, "day")]


def preprocessor():
    return make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), num),
        (OneHotEncoder(handle_unknown="ignore", min_frequency=2), cat),
    )


def rows(split, role):
    chosen = folds.loc[(folds["split"] == split) & (folds["role"] == role), ID]
    return df[df[ID].isin(chosen)]


"""

_TABLE_END = """
pd.concat(done)[[ID, Y, "split"]].to_csv(a.out / "oof.csv", index=False)
te[[ID]].assign(**{Y: answer}).to_csv(a.out / "submission.csv", index=False)
"""


def table(body: str) -> str:
    """A script over `df` and `te`, with `preprocessor()` and `rows(split, role)`; `body` leaves `done` and `answer`."""
    return _TABLE + body.strip("\n") + "\n" + _TABLE_END
