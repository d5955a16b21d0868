"""How prompts shorten scripts and their output: diffs for a reader of the base, and the last figures printed."""

from gome.agents.scripts.difference import additions, beside, difference
from gome.agents.scripts.printed import last_figures, without_clock

OWN = "\n".join(["start", *(f"old {number}" for number in range(6)), "shared", "end"])
THEIRS = "\n".join(["start", "shared", "new", "end"])


def test_removed_lines_are_counted_for_a_reader_who_has_them() -> None:
    assert additions(OWN, THEIRS).splitlines() == [
        "@@ -1,9 +1,4 @@",
        " start",
        "-old 0",
        "-[and 5 more lines]",
        " shared",
        "+new",
        " end",
    ]
    assert additions("", THEIRS) == additions(OWN, OWN) == difference(OWN, OWN) == ""


def test_a_script_stands_beside_another_as_a_diff_where_that_is_much_shorter() -> None:
    long = "\n".join(f"line {number}" for number in range(50))
    changes, is_difference = beside(long, long + "\nmore")
    assert is_difference and "+more" in changes and len(changes) < len(long) / 2
    assert beside(OWN, THEIRS) == (THEIRS, False), "the diff is as long as the script"
    assert beside(long, long) == (long, False)


def test_of_another_script_what_both_define_alike_is_only_named() -> None:
    shared = "@cache\ndef read(data):\n    return data\n"
    own = f"A = 1\n\n{shared}\ndef fit(rows):\n    return rows\n"
    other = f"B = 2\nC = 3\nD = 4\n\n{shared}\ndef fit(rows):\n    return rows[::2]\n"
    text, is_difference = beside(own, other)
    assert not is_difference and "# read: as in the script above\n" in text and "@cache" not in text
    assert text.startswith("B = 2\nC = 3") and "return rows[::2]" in text
    assert beside("not python (", other) == (other.removesuffix("\n"), False)


def test_the_clock_before_a_line_is_left_out_and_times_that_are_data_are_kept() -> None:
    printed = (
        "[22:11:03] WARNING: /src/learner.cc:740: unused\n2026-11-30 22:11:03,123 - INFO - rows 10\n"
        "2026-11-30 22:11:04 INFO fitted\n2012-01-01 05:00:00  0.31\n10:15:00 12\ndone at 22:11:05\n"
    )
    assert without_clock(printed) == (
        "WARNING: /src/learner.cc:740: unused\nINFO - rows 10\nINFO fitted\n"
        "2012-01-01 05:00:00  0.31\n10:15:00 12\ndone at 22:11:05\n"
    )


def test_the_last_figures_are_lines_with_a_number_without_progress_and_stderr() -> None:
    printed = "rows 10\nepoch 3/20\ninner fold 2/3\nloss 0.3\nno figure here\noof 0.82\n--- stderr\nwarning 7"
    assert last_figures(printed) == "rows 10\noof 0.82"
    assert last_figures("") == last_figures("--- stderr\n") == ""
    names = [f"figure {chr(97 + place // 26)}{chr(97 + place % 26)} is {place}" for place in range(400)]
    long = last_figures("\n".join(names))
    assert len(long) <= 1500 and long.endswith(names[-1])


def test_of_lines_that_a_loop_prints_the_last_two_are_kept() -> None:
    printed = [f"alpha {value} gives {value * 1e-3:.3g}" for value in range(13)]
    assert last_figures("\n".join(["best alpha 7", *printed, "oof 0.82"])) == "\n".join(
        ["best alpha 7", "[… cut: 11 lines alike …]", *printed[-2:], "oof 0.82"]
    )
