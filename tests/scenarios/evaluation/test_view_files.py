"""Ids and side files of views: which ids are kept, which files are linked, and how much disk they use."""

import hashlib
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.errors import TaskError
from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.evaluation.views import View, ids_are_names, make_view, side_files
from gome.scenarios.task.tables import write_table
from gome.scenarios.task.task import Task
from tests.scenarios.evaluation.test_views import SEED, SHARE, SPLITS, VIEWS, rows_of, views_of
from tests.scenarios.helpers.make_kinds import KINDS
from tests.scenarios.helpers.make_task import make_task


def with_ids(folder: Path, old: int, new: str) -> Path:
    """The synthetic task with other ids: `new` formats the position of a row in its file."""
    make_task(folder)
    for name in ("train.csv", "test.csv", "sample_submission.csv"):
        path = folder / "prepared" / "public" / name
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        offset = 0 if name == "train.csv" else old
        numbers = range(offset, offset + len(table))
        write_table(path, table.assign(id=[new.format(n=number, g=number // 10) for number in numbers]))
    for path in (folder / "prepared" / "private").iterdir():
        path.unlink()
    return folder


def same_rows(task: Task, view: View) -> bool:
    """Whether every row of a view has its id of the task."""
    known, asked = task.train["id"].to_numpy(), task.test["id"].to_numpy()
    in_order = np.concatenate([known[view.withheld], asked[view.test]])[view.order]
    return list(view.train_ids) == list(known[view.train]) and list(view.ids) == list(in_order)


@pytest.mark.parametrize("ids", ["{g:04}_{n:02}", "store {g} day {n}", "2024-{g:02}-{n:03}"])
def test_ids_whose_parts_group_rows_stay_with_their_rows(tmp_path: Path, ids: str) -> None:
    task = Task.load(with_ids(tmp_path / "task", 300, ids))
    assert not ids_are_names(task)
    for name in VIEWS:
        assert same_rows(task, make_view(task, name, SEED, SHARE))


@pytest.mark.parametrize("ids", ["{n}", "row_{n}", "a{n:05}", "x-{n}-y"])
def test_ids_that_only_name_are_dealt(tmp_path: Path, ids: str) -> None:
    task = Task.load(with_ids(tmp_path / "task", 300, ids))
    assert ids_are_names(task)
    assert not same_rows(task, make_view(task, "split-0", SEED, SHARE))


@pytest.mark.parametrize("kind", ["joins", "pictures"])
def test_ids_that_files_may_name_rows_by_stay_with_their_rows(tmp_path: Path, kind: str) -> None:
    KINDS[kind](tmp_path / "task")
    task = Task.load(tmp_path / "task")
    for name in VIEWS:
        assert same_rows(task, make_view(task, name, SEED, SHARE))


def test_a_split_by_the_id_keeps_it(tmp_path: Path) -> None:
    task = Task.load(make_task(tmp_path / "task", split="{kind: time, column: id, folds: 3}"))
    assert same_rows(task, make_view(task, "split-2", SEED, SHARE))


@pytest.mark.parametrize(
    ("name", "content", "names"),
    [
        ("notes.md", "{ids}", True),
        ("data_description.txt", "area: 20, 40, 1001 and more", True),
        ("files.txt", "{ids}", False),
        ("boxes/files.TXT", "{ids}", False),
        ("more/train.csv", "id,z\n{ids}", False),
        ("sound.bin", "", False),
    ],
)
def test_a_file_beside_the_tables_keeps_the_ids_unless_it_is_prose(
    tmp_path: Path, name: str, content: str, names: bool
) -> None:
    """In some contests file names by id are in a .txt file, and a side folder may contain a train.csv."""
    folder = make_task(tmp_path / "task")
    beside = folder / "prepared" / "public" / name
    beside.parent.mkdir(exist_ok=True)
    ids = pd.read_csv(folder / "prepared" / "public" / "train.csv", dtype=str)["id"]
    beside.write_text(content.format(ids="\n".join(f"{one},rec{one}.wav" for one in ids)))
    task = Task.load(folder)
    assert ids_are_names(task) is names
    assert beside in side_files(task)


@pytest.mark.parametrize("split", [None, SPLITS["time"]])
def test_ids_that_train_and_test_share_are_dealt_anew(tmp_path: Path, split: str | None) -> None:
    """All views agree, although in a time split some have none of the rows with duplicate ids."""
    folder = with_ids(tmp_path / "task", 0, "{n}")
    if split:
        (folder / "task.yaml").write_text(f"targets: [y]\nmetric: rmse\nsplit: {split}\n")
    harness = Harness(Task.load(folder), tmp_path / "views", SEED, SHARE)
    for name in views_of(harness):
        data = harness.data(name)
        ids = [int(row["id"]) for part in ("train.csv", "test.csv") for row in rows_of(data / part)]
        assert sorted(ids) == list(range(len(ids))), "each once"
        assert ids != sorted(ids)


def test_ids_that_train_and_test_share_are_an_error_where_files_may_name_rows(tmp_path: Path) -> None:
    folder = with_ids(tmp_path / "task", 0, "{n}")
    (folder / "prepared" / "public" / "items.csv").write_text("id,weight\n1,2\n")
    harness = Harness(Task.load(folder), tmp_path / "views", SEED, SHARE)
    with pytest.raises(TaskError, match=r"test\.csv and train\.csv share ids.*give the test rows different ids"):
        harness.data("full")
    assert not list(harness.folder.glob("*")), "nothing half-made"


def test_files_beside_the_tables_are_linked_and_never_changed(tmp_path: Path) -> None:
    folder = tmp_path / "task"
    KINDS["pictures"](folder)
    pictures = sorted((folder / "prepared" / "public" / "images").iterdir())
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) for path in pictures}
    harness = Harness(Task.load(folder), tmp_path / "views", SEED, SHARE)
    names = views_of(harness)
    for name in names:
        for path in pictures:
            assert (harness.data(name) / "images" / path.name).samefile(path)
    assert {path.stat().st_nlink for path in pictures} == {1 + len(names)}
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) for path in pictures} == before
    for name in names:
        for made in ("train.csv", "test.csv", "sample_submission.csv", "task.json"):
            assert (harness.data(name) / made).stat().st_nlink == 1, "what differs by view is no link"


def test_where_scripts_could_change_what_they_see_it_is_a_copy_of_the_runs_own(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task")
    own = folder / "prepared" / "public" / "notes" / "beside.csv"
    own.parent.mkdir()
    own.write_text("id,more\n1,2\n", encoding="utf-8")
    harness = Harness(Task.load(folder), tmp_path / "run", SEED, own_copy=True)
    seen = [harness.data(view) / "notes" / "beside.csv" for view in ("split-0", "split-1")]
    assert own.stat().st_nlink == 1
    assert len({each.stat().st_ino for each in seen}) == 1, "one copy for all views"
    assert seen[0].read_bytes() == own.read_bytes()


def test_a_second_sample_submission_is_left_out_and_left_alone(tmp_path: Path) -> None:
    """Every view has the harness's file of that name, which must not overwrite the user's."""
    folder = make_task(tmp_path / "task")
    public = folder / "prepared" / "public"
    (public / "sample_null.csv").write_bytes((public / "sample_submission.csv").read_bytes())
    (folder / "task.yaml").write_text("targets: [y]\nmetric: rmse\nfiles: {sample_submission: sample_null.csv}\n")
    (public / "sample_submission.csv").write_text("something else\n")
    task = Task.load(folder)
    data = Harness(task, tmp_path / "views", SEED, SHARE).data("split-0")
    assert (public / "sample_submission.csv").read_text() == "something else\n"
    assert len(pd.read_csv(data / "sample_submission.csv")) == len(pd.read_csv(data / "test.csv"))
    assert not (data / "sample_null.csv").exists() and ids_are_names(task)


def test_a_file_closed_to_others_is_copied_and_stays_closed(tmp_path: Path) -> None:
    """Scripts run as other users; the permissions of the user's file are not changed."""
    folder = make_task(tmp_path / "task")
    closed = folder / "prepared" / "public" / "shops.csv"
    closed.write_text("shop,size\n1,2\n")
    closed.chmod(0o600)
    copy = Harness(Task.load(folder), tmp_path / "views", SEED, SHARE).data("split-0") / "shops.csv"
    assert copy.read_bytes() == closed.read_bytes() and not copy.samefile(closed)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o644 and stat.S_IMODE(closed.stat().st_mode) == 0o600


def test_a_large_table_takes_its_own_size_on_the_disk_and_no_more(tmp_path: Path) -> None:
    rows, tested = 20_000, 5_000
    draw = np.random.default_rng(0)
    values = draw.normal(0, 1, (rows + tested, 8)).round(4).astype(str)
    table = pd.DataFrame(values, columns=[f"x{number}" for number in range(8)])
    table["y"] = draw.integers(0, 2, rows + tested)
    table.insert(0, "id", np.arange(rows + tested))
    public = tmp_path / "task" / "prepared" / "public"
    public.mkdir(parents=True)
    table[:rows].to_csv(public / "train.csv", index=False)
    table[rows:].drop(columns="y").to_csv(public / "test.csv", index=False)
    table[rows:][["id"]].assign(y=0.5).to_csv(public / "sample_submission.csv", index=False)
    (tmp_path / "task" / "task.yaml").write_text("targets: [y]\nmetric: auc\n")
    harness = Harness(Task.load(tmp_path / "task"), tmp_path / "views", SEED, SHARE)
    size = sum((public / name).stat().st_size for name in ("train.csv", "test.csv"))
    for name in ("split-0", "full"):
        data = harness.data(name)
        used = sum(path.stat().st_size for path in data.rglob("*"))
        assert used <= 1.1 * size, name
        digest = hashlib.sha256((data / "test.csv").read_bytes()).hexdigest()
        assert digest not in {hashlib.sha256(path.read_bytes()).hexdigest() for path in public.iterdir()}
