"""One reading of a column: profile, harness and scripts see the same cells as the same things."""

import json
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.scenarios.evaluation.harness import Harness
from gome.scenarios.task.cells import find_style
from gome.scenarios.task.columns import Reading, read_columns
from gome.scenarios.task.task import Task
from gome.scenarios.task.text_table import TextTable
from gome.scenarios.task.typed_table import typed
from tests.scenarios.helpers.make_task import make_task

NUMBERS = ["1.5", "2", "-3e2", "0.25"] * 10


def read(train: list[str], test: list[str] | None = None, told: dict[str, str] | None = None) -> Reading:
    ours, theirs = ({"a": each} for each in (train, test or train[:3]))
    tables = (TextTable.of(pd.DataFrame(cells, dtype=object)) for cells in (ours, theirs))
    return read_columns(next(tables), next(tables), {}, told or {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "gap", ["none", "NONE", " ", "\t", " NA", "?", "-", "n.a.", "Missing", "#N/A", "#DIV/0!", "-nan", "\u2013"]
)
def test_a_gap_is_a_gap_however_it_is_written(gap: str) -> None:
    found = read([*NUMBERS, gap], [gap, "7"])
    assert found.dtypes["a"] == "float64"
    assert (found.train["a"].iloc[-1], found.test["a"].iloc[0]) == ("", "")
    words = " ".join(found.remarks)
    assert repr(gap) in words and "train.csv, row 41" in words and "test.csv, row 1" in words, words


@pytest.mark.parametrize("usual", ["", "NA", "NaN", "null", "None", "N/A"])
def test_usual_gaps_need_no_mention(usual: str) -> None:
    found = read([*NUMBERS, usual])
    assert (found.train["a"].iloc[-1], found.remarks) == ("", ())


@pytest.mark.parametrize("stray", ["?", "abc", " ", "12 apples", "1.2.3", "5;6"])
def test_a_stray_cell_of_the_test_is_missing_and_named(stray: str) -> None:
    found = read(NUMBERS, ["1", stray, "3"])
    assert list(found.test["a"])[::2] == ["1", "3"]
    if stray == "12 apples":  # a number with a unit
        assert found.test["a"].iloc[1] == "12"
    else:
        assert found.test["a"].iloc[1] == ""
        assert "test.csv, row 2" in found.remarks[0]


@pytest.mark.parametrize("infinite", ["inf", "-inf", "Infinity", "1e400", "-1e39"])
def test_what_models_cannot_hold_is_missing_and_named(infinite: str) -> None:
    found = read([infinite, *NUMBERS])
    assert found.train["a"].iloc[0] == ""
    assert "infinite or beyond" in found.remarks[0] and "row 1" in found.remarks[0]
    assert np.isfinite(typed(found.train, found.dtypes)["a"].dropna()).all()


def test_a_column_of_words_or_codes_stays_text() -> None:
    for cells in (["36", "38", "XL"] * 20, ["a", "none", "?"] * 9, ["1a", "2b", "3"] * 9, ["?"] * 5, ["10.0.0.1"] * 9):
        found = read(cells)
        assert found.dtypes["a"] == "str", cells
        assert set(found.train["a"]) == {"" if cell == "none" else cell for cell in cells}


def test_a_few_stray_words_among_many_numbers_are_gaps() -> None:
    cells = [*map(str, range(200)), "error"]
    found = read(cells)
    assert (found.dtypes["a"], found.train["a"].iloc[-1]) == ("float64", "")
    assert "'error' is not a number, read as missing (train.csv, row 201)" in found.remarks[0]
    kept = read(cells, told={"a": "text"})
    assert (kept.dtypes["a"], kept.train["a"].iloc[-1], kept.remarks) == ("str", "error", ())
    forced = read(["36", "38", "XL"] * 20, told={"a": "number"})
    assert (forced.dtypes["a"], forced.train["a"].iloc[2]) == ("float64", "")


@pytest.mark.parametrize(
    ("texts", "plain"),
    [
        (["$3,750", "$1,200.50"], ["3750", "1200.50"]),
        (["37.5 %", "12"], ["37.5", "12"]),
        (["3.750,00 €", "12,5 €"], ["3750.00", "12.5"]),
        (["3,750 g", "900 g"], ["3750", "900"]),
        (["0,125", "3,750"], ["0.125", "3.750"]),
        (["1 234,5", "2 000,0"], ["1234.5", "2000.0"]),
        (["1'234.5", "7"], ["1234.5", "7"]),
        (["(1,234.50)", "-$5", "$-6"], ["-1234.50", "-5", "-6"]),
        (["US$ 12", "US$ 13"], ["12", "13"]),
        (["12 km/h", "13 km/h"], ["12", "13"]),
        (["20 °C", "-3 °C"], ["20", "-3"]),
        (["\u22125", "6"], ["-5", "6"]),
        (["€110.5M", "€560K", "€0"], ["110500000", "560000", "0"]),
        (["45 tkm", "1,200 km"], ["45000", "1200"]),
        (["2,5 Mio €", "3 Tsd €"], None),
        (["45k", "1.5k"], ["45", "1.5"]),
        (["1.5", "2,75"], None),
        (["3 kg", "500 g"], None),
        (["12.03.2000", "13.03.2000"], None),
        (["7:30", "8:00"], None),
        (["A12", "B13"], None),
    ],
)
def test_numbers_with_units(texts: list[str], plain: list[str] | None) -> None:
    style = find_style(texts)
    assert (style and [style.plain(text) for text in texts]) == plain


def test_a_unit_that_multiplies_some_numbers_is_taken_as_its_factor() -> None:
    found = read(["45000", "51200.5", "45 tkm"], ["1.2 tkm", "7"])
    assert list(found.train["a"]) == ["45000", "51200.5", "45000"]
    assert list(found.test["a"]) == ["1200", "7"]
    assert found.remarks == ("column 'a': numbers; 'tkm' taken as 1,000",)
    in_test_alone = read(["45000", "51200"], ["45 tkm", "7"])
    assert list(in_test_alone.test["a"]) == ["45000", "7"]
    assert "in test.csv 'tkm' taken as 1,000" in in_test_alone.remarks[0]
    kept = read(["45k", "1.5k"], ["3k", "2k"])
    assert (list(kept.train["a"]), list(kept.test["a"])) == (["45", "1.5"], ["3", "2"])
    later = read(["45k", "1.5k"], ["3k", "900"])
    assert (list(later.train["a"]), list(later.test["a"])) == (["45000", "1500"], ["3000", "900"])


def test_dates_whose_offset_changes_are_in_utc() -> None:
    found = read(["2023-01-01T00:00:00+01:00", "2023-07-01T00:00:00+02:00", ""], ["2023-01-01T12:00:00Z", "soon"])
    assert list(found.train["a"]) == ["2022-12-31T23:00:00", "2023-06-30T22:00:00", ""]
    assert list(found.test["a"]) == ["2023-01-01T12:00:00", ""]
    assert "dates with 3 offsets, all in UTC" in found.remarks[0] and "'soon' is not a date" in found.remarks[0]
    only = read(["2023-01-01 00:00-0500", "2023-07-01 00:00-0500"], ["2023-08-01 00:00-0400"])
    assert list(only.train["a"]) == ["2023-01-01T05:00:00", "2023-07-01T05:00:00"]
    mixed = read(["2024-01-31", "2024-02-01T06:30:00"])
    assert list(mixed.train["a"]) == ["2024-01-31T00:00:00", "2024-02-01T06:30:00"]
    same = ["2024-01-31", "2024-02-01"]
    assert (list(read(same).train["a"]), read(same).remarks) == (same, ())


@pytest.mark.parametrize("strange", ["-2", "-0001-05-05", "0000-01-01", "9999-12-31T23:59:59-05:00", "0000-00-00"])
def test_a_date_before_year_1_or_after_9999_is_none(strange: str) -> None:
    found = read(["2024-01-31", "2024-02-01"] * 20, ["2024-03-01", strange])
    assert list(found.test["a"]) == ["2024-03-01", ""]
    assert f"{strange!r} is not a date" in found.remarks[0]


def test_years_have_four_digits() -> None:
    found = read(["0001-01-01", "0999-12-31T12:00:00", "9999-12-31"])
    assert list(found.train["a"]) == ["0001-01-01T00:00:00", "0999-12-31T12:00:00", "9999-12-31T00:00:00"]


def test_profile_and_scripts_see_the_same_cells(tmp_path: Path) -> None:
    folder = make_task(tmp_path / "task", "multiclass", extra="columns: {shop: text}")
    public = folder / "prepared" / "public"
    words = {"low": "#N/A", "mid": "-nan", "high": "A & b"}
    for name in ("train.csv", "test.csv"):
        table = pd.read_csv(public / name, dtype=str, keep_default_na=False)
        if name == "train.csv":
            table.loc[1, "id"] = "null"
        table.loc[:3, "age"] = ["none", "?", " ", "NA"]
        if "y" in table:
            table["y"] = table["y"].map(words)
        table.to_csv(public / name, index=False)
    sample = pd.read_csv(public / "sample_submission.csv", dtype=str).rename(columns=words)
    sample.to_csv(public / "sample_submission.csv", index=False)
    manifest = (folder / "task.yaml").read_text().replace("[low, mid, high]", "['#N/A', '-nan', 'A & b']")
    (folder / "task.yaml").write_text(manifest)
    (folder / "prepared" / "private" / "answers.csv").unlink()
    task = Task.load(folder)
    harness = Harness(task, tmp_path / "views", seed=1)
    (age,) = (column for column in harness.profile.columns if column.name == "age")
    assert (age.dtype, age.missing > 0) == ("integer", True)
    assert any("column 'age'" in remark for remark in task.brief.reading)
    data = harness.data("full")
    fields = json.loads((data / "task.json").read_text())
    seen = pd.read_csv(data / "train.csv", dtype=fields["dtypes"], keep_default_na=False, na_values=[""])
    assert seen["id"].notna().all() and not seen["id"].astype(str).eq("null").any()
    assert seen["age"].isna().mean() == pytest.approx(age.missing, abs=1e-6)
    assert fields["dtypes"]["shop"] == "str"
    assert set(seen["y"]) == set(fields["classes"]) == set(words.values())


def test_one_cell_with_a_comma_does_not_turn_the_points_of_its_table() -> None:
    """Once `1,2` in a test made commas the decimal sign, and every other number of that test a gap."""
    found = read(["0.5", "1.5", "2.25"] * 10, ["0.75", "1,2", "-3.5"])
    assert list(found.test["a"]) == ["0.75", "", "-3.5"]
    assert found.remarks == ("column 'a': '1,2' is not a number, read as missing (test.csv, row 2)",)


def test_a_test_that_writes_its_numbers_in_another_way_is_read_and_said() -> None:
    found = read(["0.5", "1.5", "2.25"] * 10, ["0,75", "1,2", "-3,5"])
    assert list(found.test["a"]) == ["0.75", "1.2", "-3.5"]
    assert found.remarks == ("column 'a': in test.csv comma as decimal sign",)


def test_a_column_of_numbers_that_words_make_text_is_named() -> None:
    train = [f"{number / 7:.3f}" for number in range(36)] + ["under ten", "many", "many", "few"]
    found = read(train, ["1"])
    assert found.dtypes["a"] == "str"
    assert found.remarks == (
        "column 'a': text, though 36 of 40 cells are numbers, because of 'under ten', 'many', 'few' "
        "(train.csv, row 37, and 3 more)",
    )


@pytest.mark.parametrize("gap", ["n.d.", "(blank)", "NaT", "none given", "No data", "not applicable"])
def test_more_words_for_a_gap(gap: str) -> None:
    found = read([*["0.5", "1.5", "2.25"] * 10, gap], [gap])
    assert (found.dtypes["a"], list(found.test["a"])) == ("float64", [""])


def test_plain_numbers_are_decided_as_any_others() -> None:
    """They have a way of their own, which must give what the general one gives."""
    draw = random.Random(1)
    few = ["", "1", "-3", "0.5", "2.0", "007", "-0", "1.50", "9" * 16, "1e3", " 4", "NA"]
    for _ in range(300):
        pool = draw.sample(few[:8] if draw.random() < 0.6 else few, 3)
        train, test = ([draw.choice(pool) for _ in range(number)] for number in (20, 5))
        plain = read(train, test)
        general = read([*train, "1e0"], [*test, "1e0"])
        assert list(general.train["a"][:-1]) == list(plain.train["a"]), (train, test)
        assert list(general.test["a"][:-1]) == list(plain.test["a"]), (train, test)
        assert general.dtypes == plain.dtypes, (train, test)


def test_a_cell_that_ends_with_nul_is_a_gap_with_a_place() -> None:
    found = read(["0.5", "1.5", "none\0", "2.25"] * 10, ["1\0", "none\0"])
    assert found.dtypes["a"] in ("str", "float64")
    assert "row 3" in found.remarks[0]


@pytest.mark.parametrize(("texts", "plain"), [(["3e3 €", "1.5e2 €"], ["3e3", "1.5e2"]), (["3½", "4"], None)])
def test_powers_have_units_and_fractions_are_no_units(texts: list[str], plain: list[str] | None) -> None:
    style = find_style(texts)
    assert (style and [style.plain(text) for text in texts]) == plain


def test_blanks_at_the_ends_of_a_category_are_removed_and_cases_are_named() -> None:
    found = read(["Gold", "gold", "GOLD", "Gold ", "Basic", "?"] * 5, [" Basic", "Gold"])
    assert list(found.train["a"][:6]) == ["Gold", "gold", "GOLD", "Gold", "Basic", "?"]
    assert list(found.test["a"]) == ["Basic", "Gold"]
    words = found.remarks[0]
    assert "blanks at the ends of values removed, as of ' Basic', 'Gold '" in words
    assert "'GOLD', 'Gold', 'gold' differ by case alone and are left as they are: 5 values, 3 without regard" in words
    assert "'?' left as a value" in words
    told = read(["Gold", "Gold "] * 9, told={"a": "text"})
    assert (list(told.train["a"][:2]), told.remarks) == (["Gold", "Gold "], ())
    texts = [f" {number} bolts" + " and nuts" * number for number in range(20)]
    assert list(read(texts).train["a"]) == texts, "texts that do not come again are no categories"
