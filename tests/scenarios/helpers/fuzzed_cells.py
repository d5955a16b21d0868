"""Random cells of tables as people write them: numbers, units, dates in many orders, signs for gaps, categories."""

import re
from datetime import datetime

from hypothesis import strategies as some

from gome.scenarios.task.cells import NO_NUMBERS

__all__ = ["GAPS", "ODD", "TEXTS", "rest", "some_cells"]

GAPS = (
    *("", " ", "NA", "nan", "NaN", "null", "None", "NONE", "n/a", "?", "-", "#N/A", "<NA>", " NA", "inf", "-inf"),
    *sorted({*NO_NUMBERS, *(f" {gap.upper()}" for gap in NO_NUMBERS), *(f"{gap.title()}\u00a0" for gap in NO_NUMBERS)}),
)
ODD = (
    *("0", "-0", "1e400", "-1e999", "1e-320", "007", "0x1f", "1_000", "1,5", "1.234,5", "$3,750", "37.5 %", "3 g"),
    *("٣", "½", "(12)", "−3", "1 234", "12'000.5", "5\u00a0kg", "1e5 m", "€", "%", "++1"),
)
_ISO = (
    *("2024-01-31", "31.12.2023", "2024-02-30", "2024-03-31T02:30:00+01:00", "2024-10-27T02:30:00+02:00", "12:30"),
    *("1700000000", "2024-01", "0001-01-01", "9999-12-31", "2024-01-31 24:00", "2024-W05-2", "20240131"),
)
_NO_DATES = (
    *("31.02.2024", "13/13/2024", "00/00/0000", "1/1/0000", "01.01.0001", "31.12.9999", "29 Feb 2023", "5 Foo 2024"),
    *("12/31/2024 25:61", "12/31/2024 13:00 pm", "0/5/24", "٣١.١٢.٢٠٢٤", "1/2/3", "2024/1/31Z", "May 2024", "Mar 3 24"),
)
_DAYS = (
    *("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d/%m/%y", "%m-%d-%y", "%Y/%m/%d", "%Y.%d.%m", "%Y-%m-%d"),
    *("%d %b %Y", "%d-%B-%Y", "%B %d, %Y", "%b. %d %Y", "%d. %b %Y"),
)
_HOURS = ("", "", " %H:%M", "T%H:%M:%S", " %I:%M %p", ", %I:%M:%S.%f %p", "  %H:%M:%S.%f", " %I.%M%p")
TEXTS = (
    *("é", "e\u0301", "a\u2028b", "x\x0cy", "=1+1", "<b>", '"q"', "a'b", "a\nb", "[x]", "日本", "\ufeff", "True"),
    "a, b; c\td|e",
)
_NAMES = ("red", "Straße", "STRASSE", "İstanbul", "ı", "Ǆ", "none at all", "x y", "ﬁn", "1a", "?", "-", "*", "Yes")
_UNITS = (
    "$ {}",
    "€{}",
    "{} €",
    "{}%",
    "{} kg",
    "{}m²",
    "{} km/h",
    "US$ {}",
    "({})",
    "{} ",
    "-{}",
    "{}",
    "{}e3",
    "{},0",
)
_KINDS = (
    *("numbers", "few", "dates", "texts", "gaps", "mixed", "constant", "counting", "booleans"),
    *("written", "written", "amounts", "names", "names"),
)
rest = some.text(some.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=8)
_FEW = some.sampled_from((1, 1, 1, 2))
_decimals = some.decimals(-1000, 1000, places=2).map(str)
_numbers = some.one_of(
    some.integers(-3, 3).map(str),
    some.integers(-(2**70), 2**70).map(str),
    some.floats(allow_nan=False).map(repr),
    _decimals,
)


def _written_dates(draw: some.DrawFn) -> some.SearchStrategy[str]:
    """Dates of one way to write them, or of two, perhaps with some that no calendar has."""
    ways = [draw(some.sampled_from(_DAYS)) for _ in range(draw(_FEW))]
    hours = [draw(some.sampled_from(_HOURS)) for _ in range(draw(_FEW))]
    plain = draw(some.booleans())
    last = draw(some.sampled_from((datetime(2024, 12, 12), datetime(2099, 12, 31))))

    def write(moment: datetime, way: str, hour: str) -> str:
        text = moment.strftime(way + hour)
        return re.sub(r"\b0(?=\d)", "", text).lower() if plain else text

    dates = some.builds(
        write, some.datetimes(datetime(1969, 1, 1), last), some.sampled_from(ways), some.sampled_from(hours)
    )
    strange = draw(some.integers(0, 3)) == 0
    return some.one_of(dates, dates, dates, some.sampled_from((*_NO_DATES, *_ISO))) if strange else dates


def _amounts(draw: some.DrawFn) -> some.SearchStrategy[str]:
    """Numbers with one unit, or with two, and thousands and decimals marked in one way."""
    units = [draw(some.sampled_from(_UNITS)) for _ in range(draw(_FEW))]
    marks = str.maketrans(",.", draw(some.sampled_from((",.", ".,", " ,", "'.", "\u00a0.", "..", ",,"))))
    numbers = some.floats(-1e6, 1e6).map(lambda number: f"{number:,.2f}".translate(marks))
    return some.builds(lambda unit, number: unit.replace("{}", number), some.sampled_from(units), numbers)


def _spelled(draw: some.DrawFn) -> some.SearchStrategy[str]:
    """A few categories that differ by blanks at their ends and by case."""
    names = draw(some.lists(some.one_of(some.sampled_from(_NAMES), rest), min_size=1, max_size=3))
    cases = (str, str.upper, str.lower, str.title, str.swapcase)
    ends = some.sampled_from(("", "", " ", "  ", "\u00a0", "\t", "\u3000"))
    return some.builds(
        lambda name, case, before, after: before + case(name) + after,
        *(some.sampled_from(names), some.sampled_from(cases), ends, ends),
    )


def _of_kind(draw: some.DrawFn, kind: str) -> some.SearchStrategy[str]:
    match kind:
        case "numbers":
            return _numbers
        case "few":
            return some.sampled_from(draw(some.lists(some.one_of(_numbers, rest), min_size=1, max_size=4)))
        case "dates":
            return some.sampled_from(_ISO)
        case "written":
            return _written_dates(draw)
        case "amounts":
            return _amounts(draw)
        case "names":
            return _spelled(draw)
        case "texts":
            return some.one_of(some.sampled_from(TEXTS), rest)
        case "gaps":
            return some.sampled_from(GAPS)
        case "constant":
            return some.just(draw(rest))
        case "booleans":
            return some.sampled_from(("true", "false", "True", "FALSE", "yes", "no", "0", "1"))
        case _:
            return some.one_of(_numbers, some.sampled_from((*GAPS, *ODD, *_ISO, *_NO_DATES, *TEXTS)))


@some.composite
def some_cells(draw: some.DrawFn, rows: int) -> list[str]:
    """A column of one kind, perhaps with strangers in it."""
    kind = draw(some.sampled_from(_KINDS))
    if kind == "counting":
        start = draw(some.integers(-1, 2))
        return [str(start + row) for row in range(rows)]
    pool = _of_kind(draw, kind)
    # A few values, repeated, so that long columns are drawn quickly.
    values = draw(some.lists(pool, min_size=1, max_size=12))
    step = draw(some.integers(1, 7))
    cells = [values[row * step % len(values)] for row in range(rows)]
    for _ in range(draw(some.sampled_from((0, 0, 1, 3)))):
        cells[draw(some.integers(0, rows - 1))] = draw(some.sampled_from((*GAPS, *ODD)))
    return cells
