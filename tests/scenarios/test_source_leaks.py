"""What the text of a script gives away, and what looks like it and is none."""

import pytest

from scenarios.evidence import SplitRule, TaskBrief
from scenarios.source_leaks import read_source

IDS = [str(number) for number in range(1000, 1200)] + [str(number) for number in range(1, 100)]
BRIEF = TaskBrief(
    name="made-up", description="", task_type="regression", id_column="id", targets=("price",), metric="rmse",
    direction="minimize", prediction="value", submission_columns=("id", "price"), train_file="train.csv",
    test_file="test.csv", split=SplitRule(), train_rows=500, test_rows=len(IDS),
)  # fmt: skip
LOOP = "for number, tr, va in splits:\n    m = Ridge().fit(X[tr], y[tr])\n    keep(m.predict(X[va]))\n"
SPLITS = 'splits = []\nfor split, part in folds.groupby("split"):\n    splits.append(rows_of(part))\n'


def found(source: str) -> list[str]:
    """`severity code` of each sign, without repeats."""
    return sorted({f"{note.severity} {note.code}" for note in read_source(source, BRIEF, IDS)})


@pytest.mark.parametrize(
    ("source", "sign"),
    [
        (SPLITS + "X = StandardScaler().fit_transform(X)\n" + LOOP, "mild fit-before-split"),
        (SPLITS + "both = PCA(3).fit_transform(pd.concat([a, b]))\nX = both[:9]\n" + LOOP, "mild fit-before-split"),
        ("with timer():\n    X[cols] = KNNImputer().fit_transform(X[cols])\n" + LOOP, "mild fit-before-split"),
        (SPLITS + "X = SelectKBest(k=9).fit_transform(X, y)\n" + LOOP, "mild fit-before-split"),
        ("search = GridSearchCV(m, {}).fit(X, y)\n" + LOOP + "    search.best_params_\n", "mild fit-before-split"),
        ("near = KNeighborsRegressor().fit(X, y)\nX['near'] = near.predict(X)\n" + LOOP, "severe fit-before-split"),
        (LOOP + "meta = Ridge().fit(p, y)\n" + LOOP.replace("m.predict", "meta.predict"), "severe fit-before-split"),
        ("X['m'] = df.groupby('shop')['price'].transform('mean')\n" + LOOP, "mild target-statistics"),
        (f"known = {dict.fromkeys(map(int, IDS[:12]), 1.5)}\n", "severe answers-embedded"),
        (f"low = {IDS[:15]}\n", "severe answers-embedded"),
        (f'table = """{" ".join(f"{one}:3.5" for one in IDS[:50])}"""\n', "severe answers-embedded"),
        (f"low = {list(map(int, IDS[200:270]))}\n", "severe answers-embedded"),
        ("import importlib\nfor name in ('mg' + 'learn',):\n    importlib.import_module(name)\n", "severe carrier"),
        ("import importlib\nimportlib.import_module('PLSI'[::-1])\n", "severe carrier"),
        ("name = base64.b64decode(text).decode()\n__import__(name)\n", "severe disguised-import"),
        ("places = site.getsitepackages()\n", "severe packages-searched"),
        ("here = Path(seaborn.__file__).parent\n", "severe packages-searched"),
        ("found = glob('/usr/lib/python3/dist-packages/*.csv')\n", "severe packages-searched"),
        ("text = pkgutil.get_data('orangecontrib', 'x.tab')\n", "severe packages-searched"),
        ("for path in root.rglob('answers*.csv'):\n    pass\n", "severe answers-sought"),
        ("near = data / '..' / 'full'\n", "mild outside-data"),
        ("cache = Path.home() / 'data'\n", "mild outside-data"),
    ],
)  # fmt: skip
def test_a_leak_is_named(source: str, sign: str) -> None:
    assert sign in found(source)


@pytest.mark.parametrize(
    "source",
    [
        SPLITS + LOOP,
        "X['city'] = LabelEncoder().fit_transform(X['city'])\n" + LOOP,
        "final = Ridge().fit(X, y)\n" + LOOP,
        "m = Ridge().fit(X, y)\nanswer = m.predict(T)\n" + LOOP,
        "model = Ridge()\nmodel.fit(X, y)\n" + LOOP.replace("Ridge()", "clone(model)"),
        "models = [Ridge().fit(X[tr], y[tr]) for split, tr, va in splits]\n" + LOOP + "    models[number].predict(X)\n",
        "def fit(rows):\n    return Ridge().fit(X[rows], y[rows])\n" + LOOP,
        "print(df.groupby('shop')['price'].mean())\n" + LOOP,
        "hours = list(range(24))\ndays = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]\n",
        "months = {1: 'a', 2: 'b', 3: 'c', 4: 'd', 5: 'e', 6: 'f', 7: 'g', 8: 'h', 9: 'i', 10: 'j', 11: 'k'}\n",
        "import importlib\nfor name in ('lightgbm', 'xgboost'):\n    importlib.import_module(name)\n",
        "here = Path(__file__).parent\nprint('...', 'Private/none')\nrows = loader.get_data()\n",
        '"""Keeps away from answers.csv and from ../private/."""\nanswers = {}\n',
    ],
)  # fmt: skip
def test_what_only_looks_like_a_leak_is_left_alone(source: str) -> None:
    assert found(source) == []
