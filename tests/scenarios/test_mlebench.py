"""A competition that MLE-bench prepared is a task, graded on its own private files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

import scenarios
from errors import TaskError
from main import main
from scenarios.adapters import ADAPTERS
from scenarios.grading import grade
from scenarios.harness import Harness
from scenarios.loader import task_folder
from scenarios.mlebench import mlebench_task
from scenarios.tasks import Task

AUTHORS = ["EAP", "HPL", "MWS"]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder as `mlebench prepare` leaves it, with two small competitions."""
    draw = np.random.default_rng(0)
    author = draw.choice(AUTHORS, 240)
    text = [f"of {name[0] * 3} night {number}" for number, name in enumerate(author)]
    table = pd.DataFrame({"id": [f"id{number:05}" for number in range(240)], "text": text, "author": author})
    one_hot = pd.DataFrame({name: (author == name).astype(int) for name in AUTHORS})
    public, private = parts(tmp_path / "data" / "spooky-author-identification")
    table[:200].to_csv(public / "train.csv", index=False)
    table[200:].drop(columns="author").to_csv(public / "test.csv", index=False)
    pd.concat([table[["id"]], one_hot], axis=1)[200:].to_csv(private / "test.csv", index=False)
    table[200:][["id"]].assign(EAP=0.4, HPL=0.3, MWS=0.3).to_csv(public / "sample_submission.csv", index=False)
    (public / "description.md").write_text("# Who wrote it\n")

    ship = pd.DataFrame({"PassengerId": range(240), "Age": draw.integers(0, 80, 240)})
    ship["Transported"] = ship["Age"] % 2 == 0
    public, private = parts(tmp_path / "data" / "spaceship-titanic")
    ship[:200].to_csv(public / "train.csv", index=False)
    ship[200:].to_csv(private / "test.csv", index=False)
    ship[200:].drop(columns="Transported").to_csv(public / "test.csv", index=False)
    ship[200:][["PassengerId"]].assign(Transported=False).to_csv(public / "sample_submission.csv", index=False)
    monkeypatch.setenv("MLEBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GOME_CACHE", str(tmp_path / "cache"))
    return tmp_path / "data"


def verb(*words: str) -> None:
    """Run a verb of the command line, which is to end well."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert not ended.value.code


def parts(folder: Path) -> tuple[Path, Path]:
    for name in ("public", "private"):
        (folder / "prepared" / name).mkdir(parents=True)
    return folder / "prepared" / "public", folder / "prepared" / "private"


def test_answers_with_a_column_a_class_are_graded(data: Path, tmp_path: Path) -> None:
    task = Task.load(task_folder("mlebench:spooky-author-identification", tmp_path))
    assert (task.brief.name, task.brief.metric, task.brief.classes) == (
        "spooky-author-identification",
        "log-loss",
        ("EAP", "HPL", "MWS"),
    )
    truth = pd.read_csv(data / "spooky-author-identification" / "prepared" / "private" / "test.csv")
    sure = tmp_path / "sure.csv"
    truth.assign(**{name: truth[name] * 0.7 + 0.1 for name in AUTHORS}).to_csv(sure, index=False)
    graded = grade(task, sure)
    assert graded is not None
    assert graded.score == round(-np.log(0.8), 5)


def test_a_competition_goes_through_the_harness_and_only_is_read(data: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    task = Task.load(task_folder("mlebench:spaceship-titanic", tmp_path))
    assert (task.brief.task_type, task.brief.classes) == ("binary", ("False", "True"))
    harness = Harness(task, tmp_path / "views", seed=1)
    harness.prepare()
    assert (harness.data("full") / "train.csv").read_bytes() == (task.public / "train.csv").read_bytes()
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before


def test_a_leaderboard_that_is_a_pointer_is_named_and_one_that_is_there_is_used(data: Path, tmp_path: Path) -> None:
    board = data / "spaceship-titanic" / "leaderboard.csv"
    board.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    task = Task.load(task_folder("mlebench:spaceship-titanic", tmp_path))
    assert task.leaderboard is None
    assert "git lfs pull" in task.notes[0]
    board.write_text("score\n0.9\n0.8\n")
    assert Task.load(task_folder("mlebench:spaceship-titanic", tmp_path)).leaderboard is not None


@pytest.mark.parametrize(
    ("competition", "words"),
    [
        ("spaceship-titanik", "did you mean spaceship-titanic"),
        ("leaf-classification", "mlebench prepare -c leaf-classification"),
        ("spaceship-titanic:auc", "is scored by accuracy; write mlebench:spaceship-titanic"),
    ],
)
def test_what_cannot_be_had_is_said(data: Path, tmp_path: Path, competition: str, words: str) -> None:
    with pytest.raises(TaskError, match=words):
        mlebench_task(competition, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def unknown(data: Path, train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame) -> None:
    """A competition without an adapter, `sales`, without a private part."""
    public, _ = parts(data / "sales")
    for name, table in (("train", train), ("test", test), ("sampleSubmission", sample)):
        table.to_csv(public / f"{name}.csv", index=False)


def sales() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Sales of days; the test is later."""
    days = pd.date_range("2024-01-01", periods=240).strftime("%Y-%m-%d")
    table = pd.DataFrame({"row": range(240), "day": days, "sold": np.arange(240) * 1.5})
    sample = table[200:][["row"]].assign(sold=1.0)
    return table[:200], table[200:].drop(columns="sold"), sample


def test_a_competition_without_an_adapter_is_guessed_and_marked_once_its_metric_is_given(
    data: Path, tmp_path: Path
) -> None:
    unknown(data, *sales())
    with pytest.raises(TaskError, match="By what are submissions scored") as asked:
        task_folder("mlebench:sales", tmp_path)
    assert "sold is to be predicted for each row" in str(asked.value)
    assert "mlebench:sales:METRIC, for example rmse or" in str(asked.value)
    assert not (tmp_path / "cache").exists()
    task = Task.load(task_folder("mlebench:sales:mae", tmp_path))
    assert (task.brief.name, task.brief.metric, task.brief.id_column, task.brief.targets) == (
        "sales",
        "mae",
        "row",
        ("sold",),
    )
    assert (task.brief.split.kind, task.brief.split.column, task.answers) == ("time", "day", None)
    assert [words.split()[0] for words in task.brief.unverified] == ["id", "validation", "metric"]
    Harness(task, tmp_path / "views", seed=1).prepare()


def test_a_competition_with_an_adapter_is_not_marked(data: Path, tmp_path: Path) -> None:
    assert Task.load(task_folder("mlebench:spaceship-titanic", tmp_path)).brief.unverified == ()


def test_a_competition_with_a_column_a_class_is_guessed_and_graded(data: Path, tmp_path: Path) -> None:
    known = data / "spooky-author-identification"
    known.rename(data / "who-wrote-it")
    task = Task.load(task_folder("mlebench:who-wrote-it:log-loss", tmp_path))
    assert (task.brief.targets, task.brief.classes, task.brief.split.kind) == (
        ("author",),
        tuple(AUTHORS),
        "stratified",
    )
    assert grade(task, task.public / "sample_submission.csv") is not None


def test_groups_that_the_test_has_alone_are_kept_apart(data: Path, tmp_path: Path) -> None:
    table = pd.DataFrame({"id": range(300), "farm": np.arange(300) // 10, "x": np.arange(300) % 7 / 3})
    table["ill"] = np.arange(300) % 2
    unknown(data, table[:200], table[200:].drop(columns="ill"), table[200:][["id"]].assign(ill=0.5))
    task = Task.load(task_folder("mlebench:sales:auc", tmp_path))
    assert (task.brief.split.kind, task.brief.split.column) == ("group", "farm")


def test_files_that_nobody_can_guess_are_refused_with_what_is_there(data: Path, tmp_path: Path) -> None:
    train, test, sample = sales()
    unknown(data, train, test, sample.rename(columns={"sold": "answer"}))
    with pytest.raises(TaskError, match="asks for answer, which train has neither as columns nor as classes"):
        task_folder("mlebench:sales:mae", tmp_path)
    (data / "sales" / "prepared" / "public" / "test.csv").rename(
        data / "sales" / "prepared" / "public" / "test_images.csv"
    )
    with pytest.raises(TaskError, match=r"are not all there: .* has sampleSubmission\.csv, test_images\.csv"):
        task_folder("mlebench:sales:mae", tmp_path)
    assert not (tmp_path / "cache").exists()


def test_answers_in_an_unknown_form_are_said(data: Path, tmp_path: Path) -> None:
    private = data / "spaceship-titanic" / "prepared" / "private" / "test.csv"
    private.write_text("PassengerId,Answer\n200,True\n")
    with pytest.raises(TaskError, match=r"no column Transported; there are PassengerId, Answer"):
        task_folder("mlebench:spaceship-titanic", tmp_path)


def test_the_mark_is_shown_by_validate_and_in_grades(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown(data, *sales())
    (data / "sales" / "prepared" / "private" / "test.csv").write_text(
        "row,sold\n" + "".join(f"{row},{row * 1.5}\n" for row in range(200, 240))
    )
    (data / "sales" / "leaderboard.csv").write_text("version https://git-lfs.github.com/spec/v1\n")
    sample = data / "sales" / "prepared" / "public" / "sampleSubmission.csv"
    verb("grade", str(sample), "--task", "mlebench:sales:mae")
    said = capsys.readouterr().out
    assert "unverified: validation by time" in said
    assert "git lfs pull" in said
    scenario = tmp_path / "sales.yaml"
    bikes = (Path(scenarios.__file__).parent / "bike-demand.yaml").read_text()
    scenario.write_text(bikes.replace("task: bike-demand", "task: mlebench:sales:mae"))
    verb("validate", str(scenario))
    said = capsys.readouterr().out
    assert "warning: unverified: validation by time" in said
    assert "git lfs pull" in said


def test_the_adapters_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    verb("task", "adapters")
    said = capsys.readouterr().out
    assert all(name in said for name in ADAPTERS)
    assert "mlebench:COMPETITION:METRIC" in said


def test_every_adapter_is_a_manifest(tmp_path: Path) -> None:
    from scenarios.manifest import read_manifest

    for name, adapter in ADAPTERS.items():
        path = tmp_path / f"{name}.yaml"
        with path.open("w") as file:
            YAML().dump(adapter.manifest, file)
        assert read_manifest(path).targets == adapter.targets
