"""Detection of leaks in the data, and of leaks that a script could still use.

Honest solutions must raise no alarm: the benchmark's pools are run to check this.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas import DataFrame

from benchmarks.pools.members.bike_demand import POOL
from benchmarks.pools.pool import Solution, pool_of, submission_of
from gome import scenarios
from gome.scenarios.evaluation.harness import Assembled, Harness
from gome.scenarios.evaluation.leaks import find_leaks
from gome.scenarios.evidence import SplitRule
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.prepare.preparing import TASKS
from gome.scenarios.prepare.recipes import RECIPES
from gome.scenarios.task.tables import infer_types
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_kinds import KINDS
from tests.scenarios.helpers.make_task import CLASSES, make_task
from tests.scenarios.helpers.solve import solve
from tests.scenarios.helpers.solved import trial

QUICK = ("linear-on-numbers", "ridge-one-hot", "default-tree")


def codes(task: Task, truth: Array, prediction: Array, score: float | None = None) -> list[str]:
    return [note.code for note in find_leaks(task, truth, prediction, score)]


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Task:
    return Task.load(make_task(tmp_path_factory.mktemp("values") / "task"))


@pytest.mark.parametrize(
    ("noise", "found"),
    [(0.0, ["target-copied"]), (1e-9, ["target-copied"]), (1e-3, ["near-copy"]), (0.05, []), (1.0, [])],
)
def test_a_copy_of_values_is_named(values: Task, noise: float, found: list[str]) -> None:
    draw = np.random.default_rng(0)
    assert codes(values, values.truth, values.truth + noise * draw.normal(0, 1, values.truth.shape)) == found


def test_a_few_values_that_are_met_or_missed_are_no_copy(values: Task) -> None:
    """If most rows share few values, predicting them exactly is no leak."""
    stars = np.random.default_rng(0).choice([3.0, 4.0, 5.0], (300, 1), p=[0.01, 0.01, 0.98])
    assert codes(values, stars, np.full((300, 1), 5.0)) == []
    assert codes(values, values.truth, values.truth * 1e80) == []


@pytest.mark.parametrize("metric", ["auc", "f1"])
def test_classes_that_are_all_right_are_named(tmp_path: Path, metric: str) -> None:
    task = Task.load(make_task(tmp_path / "task", "binary", metric=metric))
    truth = task.truth
    right = 0.2 + 0.6 * truth if metric == "auc" else truth
    assert codes(task, truth, right) == ["perfect"]
    wrong = right.copy()
    wrong[0] = 1 - wrong[0]
    assert codes(task, truth, wrong) == []


def test_a_score_that_leaves_much_less_than_the_best_known_is_too_good(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task")
    (folder / "leaderboard.csv").write_text("score\n2.0\n0.5\n")
    task = Task.load(folder)
    noise = np.random.default_rng(0).normal(0, 1, task.truth.shape)
    assert codes(task, task.truth, task.truth + noise, 0.29) == ["too-good"]
    assert codes(task, task.truth, task.truth + noise, 0.31) == []
    assert codes(task, task.truth, task.truth + noise) == []
    later = replace(task, brief=task.brief.model_copy(update={"split": SplitRule(kind="time", column="day")}))
    assert codes(later, task.truth, task.truth + noise, 0.29) == [], "the best known is of a later, harder time"
    assert codes(later, task.truth, task.truth + noise, 0.14) == ["too-good"]


def looked_up(harness: Harness, known: DataFrame, folder: Path, keys: list[str], share: float = 1.0) -> Assembled:
    """The plain solution, except for rows whose `keys` are in a table stored in its text."""
    table = known.drop_duplicates(keys).sample(frac=share, random_state=0)

    def run(data: Path, out: Path, seed: int) -> Mapping[str, Path]:
        files = solve(data, out, seed)
        asked = pd.read_csv(data / "test.csv", dtype=str, keep_default_na=False)
        answers = asked[keys].merge(table[[*keys, "y"]], on=keys, how="left")["y"].astype(float)
        said = pd.read_csv(files["submission.csv"])
        said.assign(y=answers.fillna(said["y"])).to_csv(files["submission.csv"], index=False)
        return files

    return trial(harness, folder, run)


FEATURES = ["area", "age", "city", "shop", "date"]


def test_labels_in_the_text_do_not_pay_by_id_and_are_named_by_features(tmp_path: Path) -> None:
    """Ids are reassigned, but labels stored by a row's features are found.

    Only exact copies are detected: a script that stores half of them looks like a good script.
    """
    harness = Harness(Task.load(make_task(tmp_path / "task")), tmp_path / "views", seed=3)
    known, honest = harness.task.train.frame(), trial(harness, tmp_path / "honest").evaluation
    by_id = looked_up(harness, known, tmp_path / "id", ["id"]).evaluation
    assert by_id.score is not None and honest.score is not None and by_id.score > honest.score
    by_features = looked_up(harness, known, tmp_path / "all", FEATURES).evaluation
    assert [note.code for note in by_features.leaks] == ["target-copied"]
    half = looked_up(harness, known, tmp_path / "half", FEATURES, share=0.5).evaluation
    assert half.score is not None and half.score < 0.85 * honest.score and half.leaks == ()


def test_where_files_name_rows_labels_kept_by_id_pay_and_a_copy_is_named(tmp_path: Path) -> None:
    """Ids are kept because of the side files, so a script can use labels stored in its text."""
    folder = make_task(tmp_path / "task")
    (folder / "prepared" / "public" / "items.csv").write_text("id,weight\n1,2\n")
    harness = Harness(Task.load(folder), tmp_path / "views", seed=3)
    found = looked_up(harness, harness.task.train.frame(), tmp_path / "all", ["id"]).evaluation
    assert [note.code for note in found.leaks] == ["target-copied"]


@pytest.mark.parametrize("kind", ["regression", "binary"])
def test_a_file_beside_the_tables_that_holds_the_target_is_named_by_what_it_does(tmp_path: Path, kind: str) -> None:
    """The leak is in the task; the harness does not inspect files but detects the copy."""
    folder = make_task(tmp_path / "task", kind)
    public = folder / "prepared" / "public"
    pd.read_csv(public / "train.csv", dtype=str)[["id", "y"]].to_csv(public / "sold.csv", index=False)
    harness = Harness(Task.load(folder), tmp_path / "views", seed=3)
    views = harness.data("split-0")
    given = pd.read_csv(views / "sold.csv", dtype=str)
    if kind in CLASSES:
        given["y"] = given["y"].map({name: str(number) for number, name in enumerate(CLASSES[kind])})
    found = looked_up(harness, given, tmp_path / "out", ["id"]).evaluation
    assert [note.code for note in found.leaks] == ["target-copied" if kind == "regression" else "perfect"]


@pytest.mark.parametrize("kind", ["days", "joins"])
def test_the_plain_solution_is_clean_on_other_kinds_of_data(tmp_path: Path, kind: str) -> None:
    KINDS[kind](tmp_path / "task")
    harness = Harness(Task.load(tmp_path / "task"), tmp_path / "views", seed=3)
    found = trial(harness, tmp_path / "out").evaluation
    assert found.leaks == () and found.score is not None


def leaks_of(task: Task, pool: Mapping[str, Solution], folder: Path, views: int = 2) -> dict[str, tuple[str, ...]]:
    """The leaks found for each member of a pool on the task's first splits."""
    harness = Harness(task, folder / "views", seed=7)
    found = {}
    for name, solution in pool.items():

        def run(data: Path, out: Path, seed: int, solution: Solution = solution) -> dict[str, Path]:
            read = [pd.read_csv(data / file, dtype=str, keep_default_na=False) for file in ("train.csv", "test.csv")]
            out.mkdir(parents=True)
            predicted = solution(*(infer_types(table) for table in read))
            submission_of(task, predicted, read[1]).to_csv(out / "submission.csv", index=False)
            return {"submission.csv": out / "submission.csv"}

        made = trial(harness, folder / name, run, harness.splits[:views])
        found[name] = tuple(note.code for note in made.evaluation.leaks)
    return found


def test_the_pool_raises_no_alarm(tmp_path: Path) -> None:
    task = Task.load(Path(scenarios.__file__).parent / "tasks" / "bike-demand")
    members = {name: POOL[name] for name in QUICK}
    assert leaks_of(task, members, tmp_path) == dict.fromkeys(members, ())


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_what_simple_members_of_every_pool_predict_raises_no_alarm(name: str, tmp_path: Path) -> None:
    if not (TASKS / name / "prepared").is_dir():
        pytest.skip(f"needs `gome task prepare {name}`")
    pool = pool_of(name)
    simple = {member: pool[member] for member in list(pool)[:5] if not member.startswith("dummy")}
    assert leaks_of(Task.load(TASKS / name), simple, tmp_path) == dict.fromkeys(simple, ())
