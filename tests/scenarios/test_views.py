"""Views hold no label of a withheld row, tell nothing of which rows are withheld, and are the same wherever made."""

import csv
import hashlib
import re
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from errors import TaskError
from scenarios.harness import Harness
from scenarios.tables import write_table
from scenarios.tasks import Task
from scenarios.views import View, ids_are_names, make_view, run_order, side_files
from tests.scenarios.make_kinds import KINDS
from tests.scenarios.make_task import make_task

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
    """A task of each kind of split, whose every label occurs once and stands in no other field."""
    folder = tmp_path_factory.mktemp(request.param)
    make_task(folder / "task", rows=700, test_rows=260, split=SPLITS[request.param])
    path = folder / "task" / "prepared" / "public" / "train.csv"
    train = pd.read_csv(path, dtype=str, keep_default_na=False)
    labels = train["y"].astype(float).rank(method="first").astype(int) + 7_000_000
    write_table(path, train.assign(y=[f"{label}.5" for label in labels]))
    return Harness(Task.load(folder / "task"), folder / "views", SEED, SHARE)


def views_of(harness: Harness) -> list[str]:
    return [
        *harness.splits,
        *(name for name in VIEWS if name not in harness.splits),
        f"holdout-{len(harness.splits) - 1}",
    ]


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def features(rows: list[dict[str, str]]) -> list[Secret]:
    return [tuple(value for name, value in row.items() if name not in ("id", "y")) for row in rows]


def test_no_file_of_a_view_has_a_withheld_rows_label(harness: Harness) -> None:
    """Labels are unique texts, so that one is found wherever and in whatever file it stands."""
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
        assert sorted(features(test)) == sorted(
            [known[row] for row in view.withheld] + [asked[row] for row in view.test]
        )
        assert len(view.test) == len(asked) or name == "debug"
        ids = [row["id"] for row in test]
        assert ids == list(view.ids) == [row["id"] for row in rows_of(folder / "sample_submission.csv")]
        assert len({*ids, *view.train_ids}) == len(train) + len(test), "no id twice"
        in_place = [
            ([known[row] for row in view.withheld] + [asked[row] for row in view.test])[at] for at in view.order
        ]
        assert features(test) == in_place


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
    """In the task the ids of its two files are apart; in a view nothing of that is left."""
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
    assert len({harness.data(name) for name in views_of(harness)}) == len(set(views_of(harness)))


def test_views_are_pure_functions(harness: Harness, tmp_path: Path) -> None:
    again = Harness(Task.load(harness.task.folder), tmp_path / "again", SEED, SHARE)
    other = Harness(harness.task, tmp_path / "other", SEED + 1, SHARE)
    for name in reversed(views_of(harness)):
        assert files_of(again.data(name)) == files_of(harness.data(name))
        mine, theirs = files_of(other.data(name)), files_of(harness.data(name))
        assert mine["test.csv"] != theirs["test.csv"]
        assert mine["task.json"] == theirs["task.json"], "a seed is told by no file"
    orders = {make_view(harness.task, name, SEED, SHARE).order.tobytes() for name in set(views_of(harness))}
    assert len(orders) == len(set(views_of(harness)))


@pytest.mark.parametrize("name", ["split-4", "split-99", "holdout-4", "other", "split-", "split--1", "full-1", ""])
def test_a_name_that_is_none_is_an_error(tmp_path: Path, name: str) -> None:
    task = Task.load(make_task(tmp_path / "task", split=SPLITS["random"]))
    with pytest.raises(ValueError, match="there is no view"):
        make_view(task, name, SEED, SHARE)


def test_of_a_split_by_time_the_latest_is_run_first() -> None:
    task = cached("days")
    assert run_order(task.brief.split, 3) == (2, 1, 0)
    for split in range(3):
        view = make_view(task, f"split-{split}", SEED, SHARE)
        dates = task.train["date"].to_numpy()
        assert max(dates[view.train]) < min(dates[view.withheld])
        assert len(view.train) + len(view.withheld) < len(dates) or split == 2, "later rows are in no file"


@cache
def cached(kind: str) -> Task:
    return Task.load(_FOLDERS[kind])


_FOLDERS: dict[str, Path] = {}


@pytest.fixture(scope="module", autouse=True)
def _folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    for kind in ("days", "joins", "pictures"):
        _FOLDERS[kind] = tmp_path_factory.mktemp(kind) / "task"
        KINDS[kind](_FOLDERS[kind])
    yield
    cached.cache_clear()


def with_ids(folder: Path, old: int, new: str) -> Path:
    """The made-up task with the ids written anew: `new` is a format of the old id's number in its file."""
    make_task(folder)
    for name in ("train.csv", "test.csv", "sample_submission.csv"):
        path = folder / "prepared" / "public" / name
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        offset = 0 if name == "train.csv" else old
        write_table(
            path, table.assign(id=[new.format(n=row + offset, g=(row + offset) // 10) for row in range(len(table))])
        )
    for path in (folder / "prepared" / "private").iterdir():
        path.unlink()
    return folder


def same_rows(task: Task, view: View) -> bool:
    """Whether every row of a view has the id that it has in the task."""
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
def test_ids_that_files_may_name_rows_by_stay_with_their_rows(kind: str) -> None:
    task = cached(kind)
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
    """A list of file names by id is a plain text in some contests, and a folder may have a train.csv of its own."""
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
    """The same in all views, though of a split by time some have none of the rows that are meant twice."""
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
    with pytest.raises(TaskError, match=r"ids of test\.csv stand in train\.csv too.*give the test rows ids"):
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
    assert {path.stat().st_nlink for path in pictures} == {1 + len(set(names))}
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) for path in pictures} == before
    for name in names:
        for made in ("train.csv", "test.csv", "sample_submission.csv", "task.json"):
            assert (harness.data(name) / made).stat().st_nlink == 1, "what differs by view is no link"


def test_a_file_closed_to_others_is_copied_and_stays_closed(tmp_path: Path) -> None:
    """Scripts run as other users; opening the user's own file to all is not ours to do."""
    folder = make_task(tmp_path / "task")
    closed = folder / "prepared" / "public" / "shops.csv"
    closed.write_text("shop,size\n1,2\n")
    closed.chmod(0o600)
    copy = Harness(Task.load(folder), tmp_path / "views", SEED, SHARE).data("split-0") / "shops.csv"
    assert copy.read_bytes() == closed.read_bytes() and not copy.samefile(closed)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o644 and stat.S_IMODE(closed.stat().st_mode) == 0o600


def test_a_large_table_takes_its_own_size_on_the_disk_and_no_more(tmp_path: Path) -> None:
    rows, tested = 200_000, 50_000
    draw = np.random.default_rng(0)
    values = draw.normal(0, 1, (rows + tested, 10)).round(4).astype(str)
    table = pd.DataFrame(values, columns=[f"x{number}" for number in range(10)]).assign(
        y=draw.integers(0, 2, rows + tested)
    )
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
