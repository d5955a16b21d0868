"""Text from agents reaches a terminal without power over it; figures are written in one way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.viewer import text

ATTACKS = [
    "\x1b[2J\x1b[Hgone",
    "\x1b]0;title\x07gone",
    "\x1b]8;;http://elsewhere\x1b\\gone",
    "\x1b]52;c;c2VjcmV0\x07gone",
    "\x1bP1;2q###\x1b\\gone",
    "\x9b31mgone",
    "\x9d0;title\x9cgone",
    "\x1bcgone",
    "\x1b(0gone",
    "\rgone",
    "\x08\x08gone",
    "\u202egone\u202c",
    "\ud83dgone",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_escape_is_taken_out_and_the_words_stay(attack: str) -> None:
    assert text.clean(attack) == "gone"


@given(st.text())
def test_nothing_that_steers_a_terminal_survives(words: str) -> None:
    cleaned = text.clean(words)
    assert not any(ord(each) < 32 and each not in "\n\t" for each in cleaned)
    assert not any(0x7F <= ord(each) < 0xA0 for each in cleaned)
    assert text.clean(cleaned) == cleaned


def test_tabs_newlines_and_other_scripts_stay() -> None:
    assert text.clean("a\tb\r\nc é 木 🙂") == "a\tb\nc é 木 🙂"


def test_an_unended_title_hides_nothing_but_itself() -> None:
    assert text.clean("before \x1b]0;never ended\nafter") == "before \nafter"


def test_a_line_is_one_line_and_no_longer_than_asked() -> None:
    assert text.line("one\n  two\tthree", 9) == "one two…"
    assert text.line("short", 9) == "short"


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.41234, "0.4123"), (0.41, "0.4100"), (1.416, "1.416"), (0, "0.000"), (3.2e-7, "3.2e-07"), (123456.0, "123456.0"),
     (None, "–"), (float("nan"), "–"), (float("inf"), "–")],
)  # fmt: skip
def test_scores(value: float | None, words: str) -> None:
    assert text.score(value) == words


def test_other_figures() -> None:
    assert (text.gain(0.0123), text.gain(-0.5), text.gain(None)) == ("+0.0123", "−0.5", "–")
    assert (text.gain(999.7), text.gain(-163850.2), text.spread(99.9), text.spread(390.2)) == (
        "+1000",
        "−163850",
        "100",
        "390",
    )
    assert [text.short(each) for each in (-2000, 16250, 999999.9, 2.5e9, 5e-5)] == [
        "−2000",
        "16.2k",
        "1M",
        "2.5G",
        "5e−5",
    ]
    assert text.short(16250, 4) == "16.25k"
    assert [text.duration(each) for each in (0.31, 12.44, 187.0, 7505.0)] == ["0.31s", "12.4s", "3m07s", "2h05m"]
    assert [text.count(each) for each in (812, 14230, 3.1e6, None)] == ["812", "14.2k", "3.1M", "–"]
    assert [text.money(each) for each in (0.0, 0.0123, 12.5, None)] == ["$0.00", "$0.0123", "$12.50", "unknown"]


def test_a_sparkline_rises_with_its_values() -> None:
    assert text.sparkline([1.0, 2.0, 3.0]) == "▁▅█"
    assert text.sparkline([2.0, 2.0]) == "▁▁"
    assert text.sparkline([]) == ""
