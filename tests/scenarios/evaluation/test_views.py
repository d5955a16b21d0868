"""Views contain no label of a withheld row, do not reveal which rows are withheld, and are reproducible."""

import csv
import re
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.evaluation.views import ids_are_names, make_view
from gome.scenarios.task.splits import run_order
from gome.scenarios.task.tables import write_table
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_task import make_task

pytestmark = pytest.mark.xdist_group("views")  # they share a harness for each kind of split

SEED, SHARE = 5, 0.2
SPLITS = {
    "random": "{kind: random, folds: 4}",
    "stratified": "{kind: stratified, folds: 4}",
    "group": "{kind: group, column: shop, folds: 4, block: 2}",
    "time": "{kind: time, column: date, folds: 3}",
    "holdout": "{kind: holdout}",
}
VIEWS = ("split-0", "holdout", "holdout-0", "full", "debug")
Secret = tuple[str, ...]


@pytest.fixture(scope="module", params=SPLITS)
def harness(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Harness:
    """A task per kind of split; every label is unique and occurs in no other field."""
    folder = tmp_path_factory.mktemp(request.param)
    make_task(folder / "task", rows=700, test_rows=260, split=SPLITS[request.param])
    path = folder / "task" / "prepared" / "public" / "train.csv"
    train = pd.read_csv(path, dtype=str, keep_default_na=False)
    labels = train["y"].astype(float).rank(method="first").astype(int) + 7_000_000
    write_table(path, train.assign(y=[f"{label}.5" for label in labels]))
    return Harness(Task.load(folder / "task"), folder / "views", SEED, SHARE)


def views_of(harness: Harness) -> list[str]:
    return list(dict.fromkeys([*harness.splits, *VIEWS, f"holdout-{len(harness.splits) - 1}"]))


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def features(rows: list[dict[str, str]]) -> list[Secret]:
    return [tuple(value for name, value in row.items() if name not in ("id", "y")) for row in rows]


def test_no_file_of_a_view_has_a_withheld_rows_label(harness: Harness) -> None:
    """Labels are unique texts, so that they are found in any file."""
    labels = harness.task.train["y"].tolist()
    for name in views_of(harness):
        view = make_view(harness.task, name, SEED, SHARE)
        text = b"\n".join(files_of(harness.data(name)).values()).decode()
        present = set(re.findall(r"7\d{6}\.5", text))
        assert present == {labels[row] for row in view.train}
        assert not present & {labels[row] for row in view.withheld}
        assert set(view.train).isdisjoint(view.withheld)


def test_rows_are_where_they_should_be_and_of_the_test_all_are_asked_for(harness: Harness) -> None:
    known, asked = (features(rows_of(harness.task.public / name)) for name in ("train.csv", "test.csv"))
    for name in views_of(harness):
        view, folder = make_view(harness.task, name, SEED, SHARE), harness.data(name)
        train, test = rows_of(folder / "train.csv"), rows_of(folder / "test.csv")
        assert features(train) == [known[row] for row in view.train], "the very text that the task has"
        assert [row["y"] for row in train] == [harness.task.train["y"][row] for row in view.train]
        in_task = [known[row] for row in view.withheld] + [asked[row] for row in view.test]
        assert sorted(view.order) == list(range(len(in_task)))
        assert features(test) == [in_task[place] for place in view.order]
        assert len(view.test) == len(asked) or name == "debug"
        ids = [row["id"] for row in test]
        assert ids == list(view.ids) == [row["id"] for row in rows_of(folder / "sample_submission.csv")]
        assert len({*ids, *view.train_ids}) == len(train) + len(test), "no id twice"


def test_withheld_rows_are_mixed_among_the_test_rows(harness: Harness) -> None:
    for name in views_of(harness):
        view = make_view(harness.task, name, SEED, SHARE)
        hidden = view.order < len(view.withheld)
        if not len(view.withheld):
            assert name == "full" and list(view.order) != sorted(view.order), "shuffled even so"
            continue
        share = hidden.mean()
        for half in np.array_split(hidden, 2):
            assert abs(half.mean() - share) < 0.15
        changes = (hidden[1:] != hidden[:-1]).mean()
        assert abs(changes - 2 * share * (1 - share)) < 0.12, "not in runs"
        first = view.order[hidden]
        assert abs(np.corrcoef(first, np.arange(len(first)))[0, 1]) < 0.3, "and not in the order of the task"


def test_ids_are_dealt_over_training_and_test_rows(harness: Harness) -> None:
    """The task's two files have separate ranges of ids; the views' files do not."""
    task = harness.task
    own = {name: set(table["id"]) for name, table in (("train", task.train), ("test", task.test))}
    assert ids_are_names(task)
    for name in views_of(harness):
        view = make_view(task, name, SEED, SHARE)
        used = [*view.train, *view.withheld]
        pool = {*task.train["id"].iloc[used], *task.test["id"].iloc[view.test]}
        assert {*view.train_ids, *view.ids} == pool
        hidden = view.order < len(view.withheld)
        shares = [view.ids[part].isin(own["train"]).mean() for part in (hidden, ~hidden) if part.any()]
        expected = len(used) / (len(used) + len(view.test))
        assert shares == pytest.approx([expected] * len(shares), abs=0.12)
        assert view.train_ids.isin(own["train"]).mean() == pytest.approx(expected, abs=0.12)
        kept = (view.train_ids.to_numpy() == task.train["id"].to_numpy()[view.train]).mean()
        assert kept < 0.05, "a script that knows the task's ids finds none of them at its row"


def test_nothing_beside_the_rows_tells_one_view_from_another(harness: Harness) -> None:
    told = []
    for name in views_of(harness):
        folder = harness.data(name)
        assert re.fullmatch(r"[0-9a-f]{16}", folder.name)
        tables = {path: pd.read_csv(folder / path) for path in ("train.csv", "test.csv", "sample_submission.csv")}
        told.append(
            (
                sorted(files_of(folder)),
                {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()},
                stat.S_IMODE(folder.stat().st_mode),
                (folder / "task.json").read_bytes(),
                (folder / "description.md").read_bytes(),
                {path: list(table.columns) for path, table in tables.items()},
                {path: [str(kind) for kind in table.dtypes] for path, table in tables.items()},
                set(tables["sample_submission.csv"]["y"]),
            )
        )
    assert all(each == told[0] for each in told)
    assert len({harness.data(name) for name in views_of(harness)}) == len(views_of(harness))


def test_views_are_pure_functions(harness: Harness, tmp_path: Path) -> None:
    again = Harness(Task.load(harness.task.folder), tmp_path / "again", SEED, SHARE)
    other = Harness(harness.task, tmp_path / "other", SEED + 1, SHARE)
    for name in reversed(views_of(harness)):
        assert files_of(again.data(name)) == files_of(harness.data(name))
        mine, theirs = files_of(other.data(name)), files_of(harness.data(name))
        assert mine["test.csv"] != theirs["test.csv"]
        assert mine["task.json"] == theirs["task.json"], "a seed is told by no file"
    orders = {make_view(harness.task, name, SEED, SHARE).order.tobytes() for name in views_of(harness)}
    assert len(orders) == len(views_of(harness))


def test_who_knows_the_seed_and_the_code_cannot_undo_a_view(tmp_path: Path) -> None:
    """A script knows the seed. Tasks that differ only in a withheld label, which it does not know, differ in order."""
    folders = [make_task(tmp_path / name, split=SPLITS["random"]) for name in ("one", "other")]
    row = make_view(Task.load(folders[0]), "split-0", SEED, SHARE).withheld[0]
    path = folders[1] / "prepared" / "public" / "train.csv"
    train = pd.read_csv(path, dtype=str, keep_default_na=False)
    train.loc[row, "y"] = "123.456"
    write_table(path, train)
    one, other = (make_view(Task.load(folder), "split-0", SEED, SHARE) for folder in folders)
    assert list(one.train) == list(other.train) and list(one.withheld) == list(other.withheld)
    assert list(one.order) != list(other.order) and list(one.train_ids) != list(other.train_ids)


@pytest.mark.parametrize("name", ["split-4", "split-99", "holdout-4", "other", "split-", "split--1", "full-1", ""])
def test_a_name_that_is_none_is_an_error(tmp_path: Path, name: str) -> None:
    task = Task.load(make_task(tmp_path / "task", split=SPLITS["random"]))
    with pytest.raises(ValueError, match="unknown view"):
        make_view(task, name, SEED, SHARE)


def test_of_a_split_by_time_the_latest_is_run_first(tmp_path: Path) -> None:
    task = Task.load(make_task(tmp_path / "task", split=SPLITS["time"]))
    assert run_order(task.brief.split, 3) == (2, 1, 0)
    for split in range(3):
        view = make_view(task, f"split-{split}", SEED, SHARE)
        dates = task.train["date"].to_numpy()
        assert max(dates[view.train]) < min(dates[view.withheld])
        assert len(view.train) + len(view.withheld) < len(dates) or split == 2, "later rows are in no file"
