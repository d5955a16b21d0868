"""An exported package: it predicts what the run submitted, with the pinned packages alone, without gome."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.executors.resources.packages import distributions
from gome.viewer.export.package.solution import Solution, read_rows
from tests.cli.own_script import OWN_SCENARIO
from tests.cli.reading.test_commands import gome
from tests.scenarios.helpers.make_task import make_task

pytestmark = pytest.mark.xdist_group("package")  # its tests share two runs

SCRIPT = """
import argparse
import csv
import os

parser = argparse.ArgumentParser()
parser.add_argument("--data")
parser.add_argument("--out")
parser.add_argument("--seed", type=int)
args = parser.parse_args()
train, test = (list(csv.DictReader(open(os.path.join(args.data, f"{name}.csv")))) for name in ("train", "test"))
assert os.path.isfile(os.path.join(args.data, "deep", "notes.md"))
assert os.path.isfile(os.path.join(args.data, "sample_submission.csv"))
MORE
ages = [float(row["age"]) for row in test]
mean = sum(float(row["y"].replace("no", "0").replace("yes", "1")) for row in train) / len(train)
with open(os.path.join(args.out, "submission.csv"), "w") as file:
    file.write("id,y\\n")
    for row in test:
        value = (mean + 0.1 * float(row["age"])) / 20 BATCH
        file.write(f"{row['id']},{value}\\n")
"""
LINEAR = """
import argparse
from pathlib import Path

import pandas as pd
from sklearn.linear_model import Ridge

options = argparse.ArgumentParser()
for name in ("--data", "--out", "--seed"):
    options.add_argument(name)
given = options.parse_args()
train, test = (pd.read_csv(Path(given.data) / f"{name}.csv") for name in ("train", "test"))
columns = pd.get_dummies(pd.concat([train.drop(columns="price"), test]).drop(columns="id")).astype(float)
model = Ridge().fit(columns[: len(train)], train["price"])
found = pd.DataFrame({"id": test["id"], "price": model.predict(columns[len(train) :])})
found.to_csv(Path(given.out) / "submission.csv", index=False)
"""
LIBRARIES = str(Path(pytest.__file__).parents[1])
KINDS = {"mean": ("regression", "rmsle"), "refit": ("binary", "auc")}


def houses(rows: int) -> pd.DataFrame:
    """Houses whose price is no sum of their columns, so that a linear model and trees err differently."""
    draw = np.random.default_rng(0)
    area, count, town = draw.uniform(30, 200, rows), draw.integers(1, 7, rows), draw.choice(["Aa", "Bo", "Ce"], rows)
    price = (1000 * area * (1 + 0.3 * (town == "Bo")) + 5000 * count) * np.exp(draw.normal(0, 0.1, rows))
    return pd.DataFrame({"area": area.round(1), "count": count, "town": town, "price": price.round()})


def finished(
    folder: Path,
    ship: str,
    kind: str,
    metric: str,
    *,
    batch: str = "",
    trials: int = 1,
    more: str = "",
    settings: str = "",
) -> Path:
    """The folder of a run that ended with that script, which does `more` first."""
    make_task(folder / "task", kind, metric=metric, rows=200, split="{kind: random, folds: 2}")
    (folder / "task" / "prepared" / "public" / "deep").mkdir()
    (folder / "task" / "prepared" / "public" / "deep" / "notes.md").write_text("# Beside the tables\n")
    (folder / "mine.py").write_text(SCRIPT.replace("BATCH", batch).replace("MORE", more), encoding="utf-8")
    scenario = OWN_SCENARIO.replace("SHIP", ship).replace("TRIALS", str(trials))
    (folder / "own.yaml").write_text(scenario, encoding="utf-8")
    where = ("--runs", str(folder / "runs"), "--display", "plain", *settings.split())
    assert gome("run", str(folder / "own.yaml"), *where) == 0
    return next((folder / "runs").iterdir())


@pytest.fixture(scope="module", params=["mean", "refit"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a finished run; its submission is a mean of models, or one model's."""
    ship = str(request.param)
    yield finished(tmp_path_factory.mktemp(ship), ship, *KINDS[ship])


@pytest.fixture(scope="module")
def package(run: Path) -> Path:
    target = run.parents[1] / "package"
    assert gome("export", run.name, "--to", "package", str(target), "--runs", str(run.parent)) == 0
    return target


def beside(package: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the package's folder, with the libraries of this environment but without gome."""
    environment = {"PYTHONPATH": LIBRARIES, "PATH": os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, "-S", *command], cwd=package, capture_output=True, text=True, env=environment
    )


def test_it_reproduces_the_submission_without_gome(run: Path, package: Path) -> None:
    assert "No module named 'gome'" in beside(package, "-c", "import gome").stderr
    tested = beside(package, "-m", "unittest")
    assert tested.returncode == 0, tested.stderr
    assert "Ran 1 test" in tested.stderr
    made = beside(package, "predict.py", "expected/test.csv", "-o", "again.csv")
    assert made.returncode == 0, made.stderr
    assert (package / "again.csv").read_bytes() == (run / "best" / "submission.csv").read_bytes()


@pytest.mark.parametrize(
    ("more", "views"),
    [("", ["whole-0", "whole-1"]), ("assert len(train) != 100", ["split-0", "split-1"])],
    ids=["all rows", "those of the search, as the script fails on half of all"],
)
def test_so_does_one_of_a_run_that_set_its_hold_out_apart(more: str, views: list[str], tmp_path: Path) -> None:
    run = finished(tmp_path, "mean", *KINDS["mean"], more=more, settings="--set method.finish.apart=true")
    package = tmp_path / "package"
    assert gome("export", run.name, "--to", "package", str(package), "--runs", str(run.parent)) == 0
    (plan,) = package.glob("*/plan.json")
    assert json.loads(plan.read_text())["members"][0]["views"] == views
    tested = beside(package, "-m", "unittest")
    assert tested.returncode == 0, tested.stderr
    predicted, test = tmp_path / "again.csv", str(tmp_path / "task" / "prepared" / "public" / "test.csv")
    assert gome("predict", run.name, test, "-o", str(predicted), "--runs", str(run.parent)) == 0
    assert predicted.read_bytes() == (run / "best" / "submission.csv").read_bytes()


def test_predict_and_package_agree_on_new_rows(run: Path, package: Path, tmp_path: Path) -> None:
    rows = read_rows(package / "expected" / "test.csv").iloc[:7].drop(columns="id")
    rows.to_csv(tmp_path / "new.csv", index=False)
    assert (
        gome("predict", run.name, str(tmp_path / "new.csv"), "-o", str(tmp_path / "a.csv"), "--runs", str(run.parent))
        == 0
    )
    made = beside(package, "predict.py", str(tmp_path / "new.csv"), "-o", str(tmp_path / "b.csv"))
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_a_frame_may_have_types(package: Path) -> None:
    module = next(package.glob("*/plan.json")).parent
    typed = pd.read_csv(package / "expected" / "test.csv")
    made = Solution(folder=module).predict(typed)
    expected = pd.read_csv(package / "expected" / "submission.csv", dtype={"id": str})
    pd.testing.assert_frame_equal(made, expected)


def test_pins_are_what_the_scripts_import(package: Path) -> None:
    pinned = (package / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [line.split("==")[0] for line in pinned]
    assert names == ["numpy", "pandas"]
    assert f"pandas=={pd.__version__}" in pinned
    assert list(distributions(Path(sys.executable), ["sklearn"])) == ["scikit-learn"]


def test_the_readme_says_how_it_trains(run: Path, package: Path) -> None:
    readme = (package / "README.md").read_text(encoding="utf-8")
    assert "There is no stored model" in readme
    mode = "once per split" if run.parents[1].name.startswith("mean") else "on all rows of the run's training table"
    assert mode in readme
    assert "labelled rows that the run kept as its test are not among them" in readme.replace("\n", " ")
    assert run.name in readme
    assert "0.0 % of the submission's\npredictions change if the test set is predicted in two halves." in readme
    assert "So a prediction depends" not in readme


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.drop(columns="age"), "no column 'age', which the solution was trained on"),
        (lambda rows: rows.iloc[:0], "there are no rows to predict"),
        (lambda rows: pd.concat([rows, rows.iloc[:1]]), "is a duplicate"),
        (lambda rows: rows.assign(age="old"), "could not convert string to float"),
    ],
)
def test_rows_that_do_not_fit_are_refused_in_words(package: Path, change: object, words: str) -> None:
    assert callable(change)
    change(read_rows(package / "expected" / "test.csv")).to_csv(package / "wrong.csv", index=False)
    made = beside(package, "predict.py", "wrong.csv")
    assert made.returncode == 1
    assert words in made.stderr
    assert "Traceback" not in made.stderr.splitlines()[0]


def test_without_data_it_is_pointed_to_them(run: Path, package: Path, tmp_path: Path) -> None:
    target = tmp_path / "bare"
    assert gome("export", run.name, str(target), "--to", "package", "--no-data", "--runs", str(run.parent)) == 0
    assert "- `deep/notes.md`" in (target / "README.md").read_text(encoding="utf-8")
    made = beside(target, "predict.py", "expected/test.csv")
    assert made.returncode == 1
    assert "was exported without data" in made.stderr
    public = run.parents[1] / "task" / "prepared" / "public"
    made = beside(target, "predict.py", "expected/test.csv", "--data", str(public))
    assert made.stdout.encode() == (run / "best" / "submission.csv").read_bytes()


def test_other_rows_to_train_on_are_for_a_refit(run: Path, package: Path, tmp_path: Path) -> None:
    module = next(package.glob("*/plan.json")).parent
    read_rows(module / "data" / "train.csv").iloc[:150].to_csv(tmp_path / "train.csv", index=False)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "notes.md").write_text("# Beside the tables\n")
    made = beside(package, "predict.py", "expected/test.csv", "--data", str(tmp_path))
    if json.loads((module / "plan.json").read_text(encoding="utf-8"))["mode"] == "mean":
        assert "is not the table of the run" in made.stderr
    else:
        assert len(list(csv.reader(made.stdout.splitlines()))) == 121


def test_a_folder_with_files_is_left_alone(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert gome("export", run.name, str(tmp_path), "--to", "package", "--runs", str(run.parent)) == 2
    assert "is not an empty folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert gome("export", run.name, "--to", "package", "--runs", str(run.parent)) == 2
    assert "--to package DIR" in capsys.readouterr().err


def test_a_batch_that_matters_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = finished(tmp_path, "refit", "regression", "rmse", batch="+ sum(ages) / len(ages)")
    assert gome("export", folder.name, str(tmp_path / "p"), "--to", "package", "--runs", str(folder.parent)) == 0
    assert "beware: 100.0% of its predictions depend on which other rows" in capsys.readouterr().err
    readme = (tmp_path / "p" / "README.md").read_text(encoding="utf-8")
    assert "100.0 % of the submission's\npredictions change" in readme
    assert "So a prediction depends on the rows that are predicted with it" in readme
    made = beside(tmp_path / "p", "predict.py", "expected/test.csv", "--halves")
    assert made.stdout == "100.0% of the predictions change if the rows are predicted in two halves\n", made.stderr


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_an_ensemble_runs_in_a_plain_environment(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(LINEAR, encoding="utf-8")
    houses(300).to_csv(tmp_path / "houses.csv", index=False)
    settings = ("traces=1", "budget.trials=2", "memory.consistency=lockstep", "method.near_ties=incumbent")
    options = [*(f"--set={each}" for each in settings), f"--start={tmp_path / 'mine.py'}", "--display", "plain"]
    table = (str(tmp_path / "houses.csv"), "--target", "price", "--runs", str(tmp_path / "runs"))
    assert gome("run", *table, *options) == 0
    package, python = tmp_path / "package", tmp_path / "venv" / "bin" / "python"
    assert gome("export", "@last", str(package), "--to", "package", "--runs", str(tmp_path / "runs")) == 0

    def run(*command: str | Path) -> str:
        done = subprocess.run(command, capture_output=True, text=True, cwd=package, env={"PATH": os.environ["PATH"]})
        assert done.returncode == 0, done.stderr
        return done.stderr

    run(sys.executable, "-m", "venv", tmp_path / "venv")
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", ".")
    members = json.loads((package / "houses_task" / "plan.json").read_text(encoding="utf-8"))["members"]
    assert len(members) == 2, "the user's linear model, and the expert's with trees: they err elsewhere"
    assert "OK" in run(python, "-m", "unittest")
    run(
        python,
        "-P",
        "-c",
        "import houses_task; assert 'site-packages' in houses_task.__file__; houses_task.Solution().plan",
    )
