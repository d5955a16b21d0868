"""Seeded leaks are caught and honest work is not: recall and false alarms are counted and printed."""

from pathlib import Path

import pandas as pd
import pytest

import scenarios
from scenarios.harness import Harness
from scenarios.pools.bike_demand import POOL
from scenarios.pools.board import leaks_of
from scenarios.pools.pool import pool_of
from scenarios.prepare.preparing import TASKS
from scenarios.prepare.recipes import RECIPES
from scenarios.source_leaks import read_source
from scenarios.tables import canonical, infer_types
from scenarios.tasks import Task
from scenarios.views import ViewName
from tests.scenarios.leaky import HONEST_CHANGES, LEAKS, evaluate, source_with
from tests.scenarios.make_task import make_task


@pytest.fixture(scope="module")
def harnesses(tmp_path_factory: pytest.TempPathFactory) -> dict[str | None, Harness]:
    """A small task for every kind of split that is used."""
    made = {}
    for split in {split for split, _ in (*LEAKS.values(), *HONEST_CHANGES.values())}:
        folder = tmp_path_factory.mktemp("task")
        harness = Harness(Task.load(make_task(folder / "task", split=split)), folder / "views", seed=3)
        harness.prepare()
        made[split] = harness
    return made


def test_seeded_leaks_are_caught(
    harnesses: dict[str | None, Harness], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    caught = {}
    for number, (name, (split, change)) in enumerate(LEAKS.items()):
        harness = harnesses[split]
        source = source_with(change, list(harness.task.test["id"]))
        leaks = evaluate(harness, source, tmp_path / str(number)).leaks
        caught[name] = [leak.code for leak in leaks if leak.severity == "severe"]
    missed = [name for name, codes in caught.items() if not codes]
    with capsys.disabled():
        print(
            f"\nseeded leaks: {len(LEAKS) - len(missed)} of {len(LEAKS)} caught as severe; missed: {missed or 'none'}"
        )
    assert len(LEAKS) >= 20
    assert len(missed) <= len(LEAKS) // 10


def test_honest_work_raises_no_alarm(
    harnesses: dict[str | None, Harness], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alarms = {}
    for number, (name, (split, change)) in enumerate(HONEST_CHANGES.items()):
        leaks = evaluate(harnesses[split], source_with(change, []), tmp_path / str(number)).leaks
        if leaks:
            alarms[name] = leaks
    with capsys.disabled():
        print(f"\nhonest scripts: {len(alarms)} false alarms in {len(HONEST_CHANGES)}")
    assert alarms == {}


QUICK = ("dummy-median", "linear-on-numbers", "ridge-one-hot", "nearest-neighbours", "default-tree", "features-ridge")


@pytest.mark.parametrize("view", ["debug", "full"])
def test_the_pool_raises_no_alarm(tmp_path: Path, view: ViewName) -> None:
    harness = Harness(Task.load(Path(scenarios.__file__).parent / "tasks" / "bike-demand"), tmp_path / "views", seed=7)
    harness.prepare()
    train = infer_types(pd.read_csv(harness.data(view) / "train.csv", dtype=str)).set_index("id", drop=False)
    test = infer_types(pd.read_csv(harness.data(view) / "test.csv", dtype=str))
    folds = pd.read_csv(harness.data(view) / "folds.csv")
    files = {name: tmp_path / name for name in ("oof.csv", "submission.csv")}
    for name in QUICK:
        parts = []
        for split, part in folds.groupby("split"):
            fit, held = (train.loc[part.loc[part["role"] == role, "id"]] for role in ("train", "valid"))
            predicted = POOL[name](fit.reset_index(drop=True), held.drop(columns="bikers").reset_index(drop=True))
            parts.append(pd.DataFrame({"id": held["id"].to_numpy(), "bikers": predicted, "split": split}))
        pd.concat(parts).to_csv(files["oof.csv"], index=False)
        bikers = POOL[name](train.reset_index(drop=True), test)
        test[["id"]].assign(bikers=bikers).to_csv(files["submission.csv"], index=False)
        evaluation = harness.evaluate(view, files)
        assert evaluation.score is not None
        assert evaluation.leaks == (), name


@pytest.mark.parametrize("name", RECIPES)
def test_the_pools_code_raises_no_alarm(name: str) -> None:
    if not (TASKS / name / "prepared").is_dir():
        pytest.skip(f"needs `gome task prepare {name}`")
    task = Task.load(TASKS / name)
    ids = set(canonical(task.test[task.brief.id_column]))
    for module in (name.replace("-", "_"), "classes", "values", "coding", "decisions"):
        source = (Path(scenarios.__file__).parent / "pools" / f"{module}.py").read_text()
        assert read_source(source, task.brief, ids) == (), module


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_what_simple_members_of_every_pool_predict_raises_no_alarm(name: str, tmp_path: Path) -> None:
    if not (TASKS / name / "prepared").is_dir():
        pytest.skip(f"needs `gome task prepare {name}`")
    pool = pool_of(name)
    simple = {member: pool[member] for member in list(pool)[:5]}
    assert dict(leaks_of(Task.load(TASKS / name), simple, tmp_path)) == dict.fromkeys(simple, ())
