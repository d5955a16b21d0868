"""Tasks from competitions prepared by MLE-bench, graded on their private files."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML
from sklearn.metrics import roc_auc_score

from gome import scenarios
from gome.cli.app import main
from gome.errors import TaskError
from gome.scenarios.authoring.mlebench import mlebench_task
from gome.scenarios.authoring.mlebench_adapters import ADAPTERS
from gome.scenarios.config.loader import task_folder
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.grading.grade import grade
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.solve import solve

AUTHORS = ["EAP", "HPL", "MWS"]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder as made by `mlebench prepare`, with two small competitions."""
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
    """Run a command that must succeed."""
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
    assert graded.score == round(-np.log(0.8), 6), "six digits, where no leaderboard says how many"


def test_a_competition_goes_through_the_harness_and_only_is_read(data: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    task = Task.load(task_folder("mlebench:spaceship-titanic", tmp_path))
    assert (task.brief.task_type, task.brief.classes) == ("binary", ("False", "True"))
    harness = Harness(task, tmp_path / "views", seed=1)
    for view in ("full", harness.splits[0]):
        judged = harness.judge(view, solve(harness.data(view), tmp_path / view)).evaluation
        assert judged.defects == ()
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
        ("../spaceship-titanic", "letters, digits and dashes"),
    ],
)
def test_what_cannot_be_had_is_said(data: Path, tmp_path: Path, competition: str, words: str) -> None:
    with pytest.raises(TaskError, match=words):
        mlebench_task(competition, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def unknown(data: Path, train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame) -> None:
    """A competition without an adapter, `sales`, without private files."""
    public, _ = parts(data / "sales")
    for name, table in (("train", train), ("test", test), ("sampleSubmission", sample)):
        table.to_csv(public / f"{name}.csv", index=False)


def sales() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Daily sales; the test has later days."""
    days = pd.date_range("2024-01-01", periods=240).strftime("%Y-%m-%d")
    table = pd.DataFrame({"row": range(240), "day": days, "sold": np.arange(240) * 1.5})
    sample = table[200:][["row"]].assign(sold=1.0)
    return table[:200], table[200:].drop(columns="sold"), sample


def test_a_competition_without_an_adapter_is_guessed_and_marked_once_its_metric_is_given(
    data: Path, tmp_path: Path
) -> None:
    unknown(data, *sales())
    with pytest.raises(TaskError, match="Find the metric in") as asked:
        task_folder("mlebench:sales", tmp_path)
    assert "sold is to be predicted for each row" in str(asked.value)
    assert "mlebench:sales:METRIC, for example rmse or" in str(asked.value)
    with pytest.raises(TaskError, match="accuracy is for classes"):
        task_folder("mlebench:sales:accuracy", tmp_path)
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
    harness = Harness(task, tmp_path / "views", seed=1)
    assert harness.splits == ("split-4", "split-3", "split-2", "split-1", "split-0"), "the latest first"
    days = [pd.read_csv(harness.data("split-4") / name)["day"] for name in ("train.csv", "test.csv")]
    assert max(days[0]) < min(days[1])


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
    with pytest.raises(TaskError, match=r"is missing: .* has sampleSubmission\.csv, test_images\.csv"):
        task_folder("mlebench:sales:mae", tmp_path)
    assert not (tmp_path / "cache").exists()


def test_two_columns_for_two_classes_are_refused_in_words(data: Path, tmp_path: Path) -> None:
    table = pd.DataFrame({"id": range(100), "x": range(100), "kind": ["cat", "dog"] * 50})
    unknown(data, table[:80], table[80:].drop(columns="kind"), table[80:][["id"]].assign(cat=0.5, dog=0.5))
    with pytest.raises(TaskError, match=r"two classes \(cat, dog\) is not supported"):
        task_folder("mlebench:sales:log-loss", tmp_path)


def test_rows_that_the_contest_does_not_score_do_not_count(data: Path, tmp_path: Path) -> None:
    """In this competition, MLE-bench's answers have −1 in test rows that are not scored."""
    draw, kinds = np.random.default_rng(1), ADAPTERS["jigsaw-toxic-comment-classification-challenge"].targets
    table = pd.DataFrame(
        {
            "id": [f"{number:016x}" for number in range(300)],
            "comment_text": [f"words {number % 7}" for number in range(300)],
        }
    )
    table[list(kinds)] = draw.integers(0, 2, (300, len(kinds)))
    public, private = parts(data / "jigsaw-toxic-comment-classification-challenge")
    table[:200].to_csv(public / "train.csv", index=False)
    table[200:][["id", "comment_text"]].to_csv(public / "test.csv", index=False)
    answers = table[200:].drop(columns="comment_text").reset_index(drop=True)
    submission = answers.assign(**{kind: draw.random(100).round(3) for kind in kinds})
    submission.to_csv(public / "sample_submission.csv", index=False)
    answers.loc[::2, list(kinds)] = -1
    answers.to_csv(private / "test.csv", index=False)
    task = Task.load(task_folder("mlebench:jigsaw-toxic-comment-classification-challenge", tmp_path))
    assert task.notes == ("50 of 100 test rows are not scored: they have no answer",)
    submission.iloc[::-1].to_csv(tmp_path / "s.csv", index=False)
    graded = grade(task, tmp_path / "s.csv")
    expected = roc_auc_score(answers[1::2][list(kinds)], submission[1::2][list(kinds)], average="macro")
    assert graded is not None and graded.score == pytest.approx(expected, abs=5e-6)
    submission[1::2].to_csv(tmp_path / "s.csv", index=False)
    assert grade(task, tmp_path / "s.csv") is None, "predictions are asked for all rows"


@pytest.mark.parametrize("name", ["sampleSubmission.csv", "sample_submission_null.csv", "random_submission.csv"])
def test_sample_submissions_are_found_under_their_many_names(data: Path, tmp_path: Path, name: str) -> None:
    unknown(data, *sales())
    public = data / "sales" / "prepared" / "public"
    (public / "sampleSubmission.csv").rename(public / name)
    assert Task.load(task_folder("mlebench:sales:mae", tmp_path)).sample_file == name
    (public / "sample_submission.csv").write_bytes((public / name).read_bytes())
    assert Task.load(task_folder("mlebench:sales:mae", tmp_path)).sample_file in ("sample_submission.csv", name)


def test_a_metric_makes_a_task_of_its_own_and_what_is_there_stays_whole(data: Path, tmp_path: Path) -> None:
    unknown(data, *sales())
    private = data / "sales" / "prepared" / "private"
    (private / "answers.csv").write_text("row,sold\n" + "".join(f"{row},{row * 1.5}\n" for row in range(200, 240)))
    one, other = (task_folder(f"mlebench:sales:{metric}", tmp_path) for metric in ("mae", "rmse"))
    assert [Task.load(folder).brief.metric for folder in (one, other)] == ["mae", "rmse"]
    assert Task.load(one).answers is not None, "answers are found under this name too"
    assert task_folder("mlebench:sales:mae", tmp_path) == one
    (private / "answers.csv").unlink()
    assert Task.load(task_folder("mlebench:sales:mae", tmp_path)).answers is None
    assert sorted(each.name for each in (tmp_path / "cache").iterdir()) == ["mlebench"]


def test_mle_benchs_own_list_of_submissions_is_graded(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "spaceship-titanic" / "leaderboard.csv").write_text(
        "score\n" + "".join(f"0.{n}\n" for n in range(9, 1, -1))
    )
    sample = data / "spaceship-titanic" / "prepared" / "public" / "sample_submission.csv"
    lines = tmp_path / "submissions.jsonl"
    line = json.dumps({"competition_id": "spaceship-titanic", "submission_path": str(sample)})
    lines.write_text(f"// one of MLE-bench's\n{line}\n")
    verb("grade", str(lines), "-o", str(tmp_path / "reports"), "--json")
    (report,) = json.loads(capsys.readouterr().out)["data"]["competition_reports"]
    assert (report["competition_id"], report["valid_submission"], report["is_lower_better"]) == (
        "spaceship-titanic",
        True,
        False,
    )
    (written,) = (tmp_path / "reports").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-GMT_grading_report\.json", written.name)


def test_answers_in_an_unknown_form_are_said(data: Path, tmp_path: Path) -> None:
    private = data / "spaceship-titanic" / "prepared" / "private" / "test.csv"
    private.write_text("PassengerId,Answer\n200,True\n")
    with pytest.raises(TaskError, match=r"no column Transported; columns: PassengerId, Answer"):
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
    from gome.scenarios.task.manifest import read_manifest

    for name, adapter in ADAPTERS.items():
        path = tmp_path / f"{name}.yaml"
        with path.open("w") as file:
            YAML().dump(adapter.manifest, file)
        assert read_manifest(path).targets == adapter.targets


@pytest.mark.parametrize("competition", sorted(ADAPTERS))
def test_files_in_the_form_of_every_adapter_load_and_their_answers_are_perfect(
    data: Path, tmp_path: Path, competition: str
) -> None:
    adapter = ADAPTERS[competition]
    classes = list(adapter.classes) or (["0", "1"] if adapter.metric == "auc" else ["1", "2", "3"])
    values = adapter.metric == "rmsle"
    table = pd.DataFrame({adapter.id: [f"n{number}" for number in range(60)], "x": range(60)})
    for place, target in enumerate(adapter.targets):
        table[target] = [0.5 * row if values else classes[(row + place) % len(classes)] for row in range(60)]
    asked = table[40:][[adapter.id, *adapter.targets]]
    if adapter.one_hot:
        (target,) = adapter.targets
        asked = asked.assign(**{name: (asked[target] == name).astype(int) for name in classes}).drop(columns=target)
    root = tmp_path / "others"
    public, private = parts(root / competition)
    table[:40].to_csv(public / "train.csv", index=False)
    table[40:].drop(columns=list(adapter.targets)).to_csv(public / "test.csv", index=False)
    asked.to_csv(private / "test.csv", index=False)
    asked.to_csv(public / "sample_submission.csv", index=False)
    task = Task.load(mlebench_task(competition, tmp_path / "cache", root))
    graded = grade(task, public / "sample_submission.csv")
    assert graded is not None
    assert graded.score == pytest.approx(1.0 if task.brief.direction == "maximize" else 0.0, abs=1e-5)
