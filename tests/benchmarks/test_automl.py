"""The expert beside AutoGluon: what AutoGluon is told, how both are graded, what is said where something is missing.

A real AutoGluon fits a table where `make build/automl/.installed` has installed it (`make slow`).
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.crossover.tasks import write_task
from benchmarks.pools.pool import submission_of
from benchmarks.unseen import automl
from benchmarks.unseen.automl import EVAL_METRICS, PYTHON, Told, asked_of, beside, page, predict, run
from benchmarks.unseen.grading import Grader
from benchmarks.unseen.report import Compared
from benchmarks.unseen.tables import TABLES, Table
from gome.errors import TaskError
from gome.scenarios.metrics.formulas import Array
from gome.scenarios.task.tables import write_table
from gome.scenarios.task.task import Task
from tests.benchmarks.conftest import FEW

TABLE = TABLES[0]
TOLD = Told(
    version="1.6.3", limit=60, taken=41.5, processor=70.0, models=9, best="WeightedEnsemble_L2", validation=-0.3
)


def oracle(task: Task) -> Array:
    """What the true rule says of the test's rows."""
    return np.asarray(pd.read_csv(task.folder / "oracle_test.csv").drop(columns=["id"]))


def ran(table: Table, folder: Path, score: float) -> Compared:
    """A run of the expert with that score, kept as `benchmarks.unseen` does."""
    found = Compared(
        table=table.name, kind=table.kind, half="development", rows=120, split="random", metric="log-loss", score=score,
        validation=0.5, first="0.5", defaults={"forest": 0.9, "linear": 0.7}, best="linear", gain=0.1, error=0.1,
        trials=12, repeated=0, seconds=59.2, commit="abc",
    )  # fmt: skip
    (folder / "results").mkdir(parents=True, exist_ok=True)
    (folder / "results" / f"{table.folder}-12.json").write_text(found.model_dump_json(), encoding="utf-8")
    return found


def finished(folder: Path, theirs: Array | None = None) -> Task:
    """A folder in which the expert, which knows the true rule, and AutoGluon have both predicted the test."""
    task = Task.load(write_task("soils", folder / "tasks" / TABLE.folder, FEW))
    (folder / "submissions").mkdir()
    write_table(folder / "submissions" / f"{TABLE.folder}.csv", submission_of(task, oracle(task)))
    ran(TABLE, folder, Grader.of(task).score(oracle(task)))
    place = folder / "automl" / f"{TABLE.folder}-60"
    place.mkdir(parents=True)
    write_table(place / "submission.csv", submission_of(task, theirs if theirs is not None else oracle(task)))
    (place / "told.json").write_text(TOLD.model_dump_json(), encoding="utf-8")
    return task


def test_every_metric_that_a_table_names_or_gome_guesses_has_a_name_in_autogluon() -> None:
    named = {table.metric for table in TABLES} - {None}
    assert named | {"rmse", "auc", "log-loss"} == set(EVAL_METRICS)


def test_autogluon_is_told_the_task_and_nothing_of_its_answers(tmp_path: Path) -> None:
    asked = asked_of(Task.load(write_task("soils", tmp_path / "soils", FEW)), 60, tmp_path)
    assert (asked["id"], asked["target"], asked["problem_type"]) == ("id", "y", "multiclass")
    assert (asked["eval_metric"], asked["preset"], asked["cores"]) == ("log_loss", "medium_quality", 2)
    assert asked["classes"] == asked["columns"] == ["clay", "loam", "sand"]
    assert not any("private" in str(value) for value in asked.values())


def test_a_metric_without_a_name_in_autogluon_is_refused(tmp_path: Path) -> None:
    task = Task.load(write_task("rentals", tmp_path / "rentals", FEW))
    with pytest.raises(TaskError, match="rmsle is not known: add it to"):
        asked_of(task, 60, tmp_path)


def test_what_is_kept_of_both_is_graded_alike_and_reported(tmp_path: Path) -> None:
    finished(tmp_path, theirs=np.full((FEW[1], 3), 1 / 3))
    found, failed = run([TABLE], 12, 600, tmp_path, Path("never run: its predictions are kept"))
    assert not failed
    assert found[0].theirs == pytest.approx(np.log(3))
    assert found[0].gain == pytest.approx(found[0].theirs - found[0].score)
    assert found[0].verdict == "better"
    told = (tmp_path / "automl.md").read_text(encoding="utf-8")
    assert "| better | 0.7 | 42 of 60 | 70 | 9 | WeightedEnsemble_L2 |" in told
    assert "beside AutoGluon 1.6.3 (medium_quality, 2 cores). 1 tables: 1 better." in told


def test_a_score_of_an_autogluon_that_other_work_starved_is_called_unfair(tmp_path: Path) -> None:
    finished(tmp_path)
    found, _ = run([TABLE], 12, 600, tmp_path, PYTHON)
    assert "no fair one" not in page(found, {})
    starved = found[0].model_copy(update={"told": TOLD.model_copy(update={"processor": 20.75})})
    assert f"- {TABLE.name}: AutoGluon had 0.5 of 2 cores, as other work took the machine" in page([starved], {})


def test_the_same_predictions_are_equal_without_noise(tmp_path: Path) -> None:
    finished(tmp_path)
    found, _ = run([TABLE], 12, 600, tmp_path, PYTHON)
    assert (found[0].gain, found[0].error, found[0].verdict) == (0.0, 0.0, "equal")


def test_a_submission_of_another_run_is_not_taken_for_the_kept_one(tmp_path: Path) -> None:
    task = finished(tmp_path)
    own = tmp_path / "submissions" / f"{TABLE.folder}.csv"
    with pytest.raises(TaskError, match="it is of another run"):
        beside(TABLE, task, ran(TABLE, tmp_path, 0.1), (own, own), TOLD)


def test_a_table_that_the_expert_was_not_run_on_is_named_and_the_others_are_compared(tmp_path: Path) -> None:
    finished(tmp_path)
    found, failed = run([TABLES[1], TABLE], 12, 600, tmp_path, PYTHON)
    assert [each.table for each in found] == [TABLE.name]
    assert "the expert's run with 12 trials is not in the folder" in failed[TABLES[1].name]
    told = (tmp_path / "automl.md").read_text(encoding="utf-8")
    assert f"- {TABLES[1].name} has no result: " in told


@pytest.mark.parametrize(
    ("python", "words"), [("nowhere/python", "there is no environment"), (sys.executable, "has no AutoGluon")]
)
def test_without_autogluon_it_says_how_to_get_it(
    python: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        automl.main(["--out", str(tmp_path / "out"), "--python", python])
    told = capsys.readouterr().err
    assert words in told
    assert "make compare-automl" in told
    assert not (tmp_path / "out").exists()


def test_why_the_other_side_failed_is_told_with_its_log(tmp_path: Path) -> None:
    task = Task.load(write_task("loans", tmp_path / "loans", FEW))
    with pytest.raises(TaskError, match=r"ModuleNotFoundError: No module named 'autogluon'.*log\.txt"):
        predict(task, 60, tmp_path / "made", Path(sys.executable))


@pytest.mark.slow
@pytest.mark.skipif(not PYTHON.exists(), reason="AutoGluon is not installed; `make build/automl/.installed` does so")
@pytest.mark.parametrize("kind", ["loans", "soils"])
def test_a_real_autogluon_predicts_better_than_chance(kind: str, tmp_path: Path) -> None:
    task = Task.load(write_task(kind, tmp_path / kind, (500, 200)))
    told = predict(task, 30, tmp_path / "made", PYTHON)
    grader = Grader.of(task)
    classes = len(task.brief.classes)
    chance = np.full((200, 1 if classes == 2 else classes), 1 / classes)
    assert grader.gain(grader.read(tmp_path / "made" / "submission.csv"), chance) > 0
    assert told.version == automl.version_of(PYTHON)
    assert told.models > 1
