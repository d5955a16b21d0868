"""`import gome`: from a table in memory to predictions, within a running event loop too; finished runs are opened."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gome
from gome.errors import RunNotFound, TaskError, UsageError
from tests.api.small import QUICK, houses, script

pytestmark = pytest.mark.xdist_group("api")  # its tests share a run


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="module")
def run(root: Path) -> gome.Run:
    """A run that was started as a notebook does it: synchronously, within a running loop."""

    async def cell() -> gome.Run:
        return gome.improve(
            *(houses(), "price"),
            metric="rmse",
            budget=1,
            start=script(root),
            settings=QUICK,
            runs=root / "runs",
            progress="none",
        )

    return asyncio.run(cell())


def test_the_run_is_finished_and_has_its_files(run: gome.Run) -> None:
    assert run.status == "finished"
    assert "-price-" in run.id and run.task.name == "price-task"  # a table in memory has no name of its own
    assert "regression of price, rmse (minimize)" in repr(run.task) and len(repr(run.task)) < 200
    assert (run.task.metric, run.task.targets) == ("rmse", ("price",))
    assert (run.folder / "best" / "submission.csv").is_file()
    assert run.report().read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert repr(run) == f"<gome run {run.id}, finished>"


def test_the_best_solution_and_the_leaderboard_agree(run: gome.Run) -> None:
    best = run.best
    assert best.script.startswith("\nimport argparse")
    assert best.test_score is not None
    assert (best.splits, best.of) == (5, 5)
    table = run.leaderboard()
    (row,) = table.to_dict("records")
    assert (row["step"], row["verdict"], row["splits"], row["score"]) == ("0.1", "accepted", "5/5", best.score)
    assert "<table" in run._repr_html_()


def test_new_rows_are_predicted_under_their_own_index(run: gome.Run) -> None:
    rows = houses().iloc[40:43].drop(columns="price")
    found = run.predict(rows)
    assert list(found.columns) == ["price"]
    assert list(found.index) == ["house 40", "house 41", "house 42"]
    steps = found["price"].to_numpy() - 3 * rows["size"].to_numpy()
    assert np.allclose(steps, steps[0])
    assert asyncio.run(run.predict_async(rows)).equals(found)


def test_out_of_fold_predictions_and_errors(run: gome.Run) -> None:
    table = run.oof()
    assert list(table.columns) == ["id", "price"]
    assert len(table) == run.task.train_rows == 96
    errors = run.errors()
    assert {"by_truth", "by_prediction"} <= set(errors["kind"])
    assert errors.query("kind == 'by_truth'")["share_of_rows"].sum() == pytest.approx(1, abs=0.01)
    worst = run.worst_rows()
    assert list(worst.columns)[:3] == ["truth", "prediction", "share_of_loss"]
    assert 0 < len(worst) <= 10
    assert worst["share_of_loss"].is_monotonic_decreasing


def test_importance_says_who_measured_it(run: gome.Run) -> None:
    table = run.importance()
    assert table["feature"].tolist() == ["size", "colour"]
    assert table["measured"].tolist() == [False, False]


def test_why_ends_with_the_verdict_and_its_causes(run: gome.Run) -> None:
    words = run.why()
    assert words.startswith("step 0.1: accepted, score ")
    assert "verdict  the first valid submission of this trace" in words
    assert "run_opened" in words
    assert "  diagnosis " in words.splitlines()[-1]
    with pytest.raises(UsageError, match=r"no step '0\.7'; its steps are 0\.1"):
        run.why("0.7")


def test_a_run_is_opened_by_id_prefix_and_path(run: gome.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOME_RUNS", str(run.folder.parent))
    for name in (run.id, run.id[:14], "@last", "@best", str(run.folder), run.folder):
        assert gome.open(name).best == run.best
    with pytest.raises(RunNotFound, match="gome runs"):
        gome.open("nothing")


def test_a_table_on_disk_and_an_async_caller(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = root / "My Houses.csv"
    houses().to_csv(path, index=False)
    start = script(root)

    async def cell() -> gome.Run:
        return await gome.improve_async(path, "price", budget=1, start=start, settings=QUICK, runs=root / "others")

    run = asyncio.run(cell())
    assert run.status == "finished"
    assert "my-houses" in run.id
    shown = capsys.readouterr().out
    assert "guessed: metric rmse" in shown
    assert "run_finished" in shown
    assert path.with_name("my-houses.yaml").exists() is False, "only the runs' folder is written to"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": "prize"}, "prize"),
        ({"metric": "rsme"}, "rsme"),
        ({"train": 3}, "a table is a DataFrame or the path of a file, not int"),
        ({"train": houses().set_axis(["a", "a", "price"], axis=1)}, "two columns of the table are called 'a'"),
        ({"train": "nowhere.csv"}, "nowhere.csv"),
        ({"budget": "soon"}, "soon"),
        ({"settings": {"trases": 2}}, "trases"),
        ({"progress": "loud"}, "progress is one of plain, rich, none, not 'loud'"),
        ({"start": "nowhere.py"}, "nowhere.py"),
    ],
)
def test_what_cannot_be_used_leaves_nothing(tmp_path: Path, change: dict[str, object], words: str) -> None:
    given: dict[str, object] = {"train": houses(), "target": "price", "runs": tmp_path / "runs", "progress": "none"}
    with pytest.raises((UsageError, TaskError), match=words):
        gome.improve(**{**given, **change})  # type: ignore[arg-type]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_interrupt_stops_the_run_in_order(tmp_path: Path) -> None:
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it\n"
        "import gome; from tests.api.small import *; from pathlib import Path\n"
        f"place = Path({str(tmp_path)!r})\n"
        "run = gome.improve(houses(), 'price', metric='rmse', budget=3, start=script(place, 1.0), settings=QUICK,"
        " runs=place / 'runs')\n"
        "print('came back:', run.status)\n"
    )
    command = [sys.executable, "-u", "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if " job " in line:
                os.kill(process.pid, signal.SIGINT)
                break
        rest = process.stdout.read()
    assert process.returncode == 0
    assert rest.splitlines()[-1] == "came back: stopped"


def test_the_public_names_cost_nothing_until_they_are_used() -> None:
    code = "import gome, sys; print(sorted({'pandas', 'sklearn', 'anyio', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
    assert set(gome.__all__) <= set(dir(gome))
    for name in gome.__all__:
        assert getattr(gome, name).__doc__
    assert not hasattr(gome, "nothing")


def test_predictions_of_classes_stay_text() -> None:
    from gome.api.frames import numeric

    found = numeric("id,y\n1,yes\n2,no\n")
    assert found["y"].tolist() == ["yes", "no"]
    assert pd.api.types.is_float_dtype(numeric("id,y\n1,0.5\n2,1\n")["y"])
