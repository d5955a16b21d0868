"""Side files are found: keys by name and by value, summaries, images, ids in a text file."""

import os
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from gome.errors import TaskError
from gome.scenarios.evidence import Profile
from gome.scenarios.profiling.profile import profile_task
from gome.scenarios.task.side_files import find_images, find_tables
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_kinds import KINDS
from tests.scenarios.helpers.make_task import make_task, write_csv


def _made(folder: Path, kind: str) -> tuple[Task, Profile]:
    KINDS[kind](folder / "task")
    task = Task.load(folder / "task")
    return task, profile_task(task)


def test_a_text_is_told_from_a_category(tmp_path: Path) -> None:
    _, profile = _made(tmp_path, "text")
    kinds = {column.name: (column.dtype, column.words) for column in profile.columns}
    assert kinds["post"] == ("text", 24.0)
    assert kinds["group"] == ("category", None)
    post = next(column for column in profile.columns if column.name == "post")
    assert post.unseen_in_test is None and post.relevance is None, "neither was measured"
    assert (profile.tables, profile.images) == ((), None)


def test_tables_are_joined_by_the_values_of_a_column_and_by_id(tmp_path: Path) -> None:
    task, profile = _made(tmp_path, "joins")
    items, shops = profile.tables
    assert (items.file, items.keys, items.unique, items.matched) == ("items.csv", (("id", "id"),), False, 1.0)
    assert [column.name for column in items.columns] == [
        "items_weight_mean",
        "items_weight_min",
        "items_weight_max",
        "items_rows",
    ]
    assert (shops.file, shops.keys, shops.unique) == ("shops.csv", (("shop", "store"),), True)
    known = task.train["shop"].isin([f"s{number}" for number in range(30)]).mean()
    assert shops.matched == round(float(known), 6) < 1.0
    told = {column.name: column for column in shops.columns}
    assert set(told) == {"shop_shops_rent", "shop_shops_town"}
    assert told["shop_shops_rent"].missing == pytest.approx(1 - known, abs=1e-6)
    assert (told["shop_shops_rent"].relevance or 0.0) > 0.1
    assert set(profile.sample_columns) >= {"shop", "shop_shops_rent", "shop_shops_town"}
    assert not any(name.startswith("items_") for name in profile.sample_columns), "a summary is no cell"


def test_a_pipe_among_the_files_of_a_task_is_no_table(tmp_path: Path) -> None:
    """Nobody writes to it: it would be waited for, for ever."""
    folder = make_task(tmp_path)
    os.mkfifo(folder / "prepared" / "public" / "more.csv")
    assert list(find_tables(Task.load(folder))) == []
    (folder / "prepared" / "private" / "answers.csv").unlink()
    os.mkfifo(folder / "prepared" / "private" / "answers.csv")
    with pytest.raises(TaskError, match="a pipe"):
        Task.load(folder)


def test_rows_are_sampled_over_the_target_the_most_telling_columns_first(tmp_path: Path) -> None:
    task = Task.load(make_task(tmp_path / "numbers", rows=200, test_rows=50))
    profile = profile_task(task)
    relevance = {column.name: column.relevance or 0.0 for column in profile.columns}
    first, *features, target = profile.sample_columns
    assert (first, target) == ("id", "y")
    measured = [name for name in features if relevance[name]]
    assert measured == sorted(measured, key=lambda name: -relevance[name]) and set(features) <= set(task.test)
    values = [float(row[-1]) for row in profile.sample]
    assert len(values) == 10 and values == sorted(values)
    told = pd.Series(task.truth[:, 0])
    assert values[0] < told.quantile(0.1) and values[-1] > told.quantile(0.9)
    ids = dict(zip(task.train["id"], task.train["y"], strict=True))
    assert [ids[row[0]] for row in profile.sample] == [row[-1] for row in profile.sample]
    assert profile.sample == profile_task(task).sample
    classes = profile_task(Task.load(make_task(tmp_path / "classes", "multiclass", rows=200, test_rows=50)))
    assert {row[-1] for row in classes.sample[:3]} == {"low", "mid", "high"}


def test_samples_of_wide_and_wordy_tables_are_clipped(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task", rows=60, test_rows=20)
    public = folder / "prepared" / "public"
    for name in ("train.csv", "test.csv"):
        table = pd.read_csv(public / name, dtype=str, keep_default_na=False)
        added = {f"c{number:02d}": [str(number * row % 7) for row in range(len(table))] for number in range(40)}
        texts = [f"{row} " + "many words " * 60 for row in range(len(table))]
        wide = pd.DataFrame({"id": table["id"], "story": texts, **added, **table.drop(columns="id")})
        wide.to_csv(public / name, index=False)
    profile = profile_task(Task.load(folder))
    assert len(profile.sample_columns) == 30 and profile.sample_columns[:2] == ("id", "story")
    assert profile.sample_columns[-1] == "y"
    assert {len(row[1]) for row in profile.sample} == {200} and all(row[1].endswith("…") for row in profile.sample)


def test_what_is_joined_stands_in_the_order_of_the_rows(tmp_path: Path) -> None:
    task, _ = _made(tmp_path, "joins")
    items = next(joined for joined in find_tables(task) if joined.file == "items.csv")
    first = (task.public / "items.csv").read_text(encoding="utf-8").splitlines()[1:]
    count = sum(line.startswith(f"{task.test['id'].iloc[5]},") for line in first)
    assert items.test["items_rows"].iloc[5] == count
    assert list(items.train.index) == list(task.train.index)


def test_a_shared_name_that_means_something_else_is_no_key(tmp_path: Path) -> None:
    """Planes have a year column too; the key of weather is place and day together."""
    folder = make_task(tmp_path / "task", rows=60, test_rows=20)
    task = Task.load(folder)
    cities, days = sorted(set(task.train["city"])), sorted(set(task.train["date"]) | set(task.test["date"]))
    weather = [[city, day, len(city) + number % 7] for city in cities for number, day in enumerate(days)]
    write_csv(task.public / "weather.csv", ["city", "date", "rain"], weather)
    shops = [[number, 1 + number % 5, "old" if number % 2 else "new"] for number in range(1, 25)]
    write_csv(task.public / "shops.csv", ["shop", "age", "state"], shops)
    found = {joined.file: joined for joined in find_tables(Task.load(folder))}
    assert found["weather.csv"].keys == (("city", "city"), ("date", "date"))
    assert found["shops.csv"].keys == (("shop", "shop"),)
    assert list(found["shops.csv"].train) == ["shops_age", "shops_state"]
    assert found["weather.csv"].matched == 1.0


def test_pictures_are_found_by_id_and_by_a_column(tmp_path: Path) -> None:
    task, profile = _made(tmp_path, "pictures")
    images = profile.images
    assert images is not None
    assert (images.pattern, images.column, images.width, images.channels, images.found) == (
        "images/{}.png",
        "id",
        16,
        1,
        1.0,
    )
    (task.public / "images" / f"{task.train['id'].iloc[0]}.png").unlink()
    again = find_images(Task.load(tmp_path / "task"))
    assert again is not None
    assert 0.99 < again.found < 1.0


def test_colour_pictures_named_by_a_column(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task", rows=60, test_rows=20)
    public = folder / "prepared" / "public"
    for name in ("train.csv", "test.csv"):
        header, *lines = (public / name).read_text(encoding="utf-8").splitlines()
        lines = [f"leaf-{line.split(',')[0]}.jpg,{line}" for line in lines]
        (public / name).write_text("\n".join([f"file,{header}", *lines]) + "\n", encoding="utf-8")
        for line in lines:
            Image.new("RGB", (40, 20), (9, 200, 30)).save(public / line.split(",")[0])
    images = find_images(Task.load(folder))
    assert images is not None
    assert (images.pattern, images.column, images.width, images.height, images.channels) == ("{}", "file", 40, 20, 3)


def test_a_small_table_without_repeated_values_has_a_profile(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task", rows=40, test_rows=20)
    path = folder / "prepared" / "public" / "train.csv"
    table = pd.read_csv(path, dtype=str)
    table["city"], table["area"], table["shop"] = [f"c{n}" for n in range(40)], range(40), range(3, 43)
    table.to_csv(path, index=False)
    columns = {each.name: each.relevance for each in profile_task(Task.load(folder)).columns}
    assert columns["city"] is None
    assert columns["area"] is not None
