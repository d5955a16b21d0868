"""The live view, the lines and the lists: what a terminal gets to see."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from rich.console import Console

from gome.bus.telemetry import Told
from gome.viewer.model.message_lines import event_line, headline
from gome.viewer.model.now import Present, look
from gome.viewer.model.summary import summarise
from gome.viewer.output import table, tree
from gome.viewer.terminal.live import screen
from gome.viewer.terminal.watch import JsonDisplay, PlainDisplay, QuietDisplay, RichDisplay, watch
from tests.cli.reading.test_commands import gome
from tests.conftest import UNFINISHED
from tests.viewer.sample import EXPERT, RUN, sample_run
from tests.viewer.test_text import ATTACKS


def drawn(width: int, wrap: Callable[[str], str] = str, upto: int | None = None) -> str:
    envelopes = sample_run(wrap).envelopes[:upto]
    summary = summarise(envelopes)
    console = Console(file=io.StringIO(), width=width, force_terminal=False, legacy_windows=False)
    present = Present()
    present.hear([Told(1, summary.time, "runner-0", "progress", {"line": wrap("split 2/5"), "label": "full run"})])
    now = look(summary, present, summary.time + 1.0)
    console.print(screen(summary, now, {"gold": 0.38, "median": 0.5}, envelopes[-8:]))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_the_live_view_fits_eighty_columns_and_says_who_reasons() -> None:
    lines = drawn(80).splitlines()
    assert max(map(len, lines)) <= 80
    whole = "\n".join(lines)
    for words in (EXPERT, "bike-demand", "rmsle", "baseline 1.416", "6 of 12 trials", "of 1m40s", "✓✓✗", "✓✓!"):
        assert words in whole


def test_the_live_view_can_be_drawn_at_every_moment() -> None:
    for upto in range(0, len(sample_run().envelopes), 4):
        assert drawn(80, upto=upto)


def test_the_live_view_says_what_runs_now() -> None:
    envelopes = sample_run().envelopes
    began = next(each for each in envelopes if each.kind == "activity_started" and each.sender == "runner-0")
    shown = drawn(100, upto=began.seq)
    runner = next(line for line in shown.splitlines() if line.strip().startswith("runner"))
    assert "0.1 full run (split 2/5)" in runner
    assert "1.0s" in runner


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_text_does_nothing_on_a_screen(attack: str) -> None:
    def wrap(words: str) -> str:
        return f"{attack} [bold]{words}[/bold] {attack}"

    if "\ud83d" in attack:
        pytest.skip("half a pair cannot be in a log: it is no UTF-8")
    shown = drawn(200, wrap)
    assert not set(shown) & set("\x1b\x9b\x9d\x07\r\x08\u202e")
    assert "[bold]" in shown  # rich's own marks are text, too
    for each in sample_run(wrap).envelopes:
        assert "\n" not in event_line(each)
        assert not set(headline(each)) & set("\x1b\x9b\x9d\x07\r\x08\u202e")


def test_every_kind_of_message_has_a_line() -> None:
    for each in sample_run().envelopes:
        shown = event_line(each, 100)
        assert len(shown) <= 100
        assert each.kind in shown
        assert each.id[:8] in shown


@pytest.mark.parametrize("display", [PlainDisplay(), JsonDisplay(), QuietDisplay()])
def test_watching_shows_what_is_in_the_log(
    display: PlainDisplay | JsonDisplay | QuietDisplay, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    over = Event()
    over.set()
    watch(runs / RUN, display, over)
    lines = capsys.readouterr().out.splitlines()
    envelopes = sample_run().envelopes
    if isinstance(display, QuietDisplay):
        assert lines == []
    elif isinstance(display, JsonDisplay):
        shown = [json.loads(line) for line in lines]
        assert [each["data"]["seq"] for each in shown] == [each.seq for each in envelopes]
        assert {each["schema"] for each in shown} == {"gome.message/1"}
    else:
        told = [each for each in envelopes if not each.kind.startswith("activity_")]
        assert len(lines) == len(told)
        assert "run_finished" in lines[-1]


def test_the_live_screen_is_drawn_from_the_log(runs: Path) -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, legacy_windows=False)
    over = Event()
    over.set()
    watch(runs / UNFINISHED, RichDisplay(console), over)
    file = console.file
    assert isinstance(file, io.StringIO)
    assert UNFINISHED in file.getvalue()


def test_watching_a_run_that_never_began_ends(tmp_path: Path) -> None:
    over = Event()
    over.set()
    watch(tmp_path, QuietDisplay(), over)


def test_a_table_lines_up_words_left_and_figures_right() -> None:
    shown = table(("name", "score"), [("a", "0.5"), ("bcd", "–"), ("e", "12.25")])
    assert shown.splitlines() == ["name  score", "a       0.5", "bcd       –", "e     12.25"]
    assert table(("name", "score"), []) == "name  score"


def test_a_table_that_is_too_wide_loses_what_it_can_spare_and_then_words() -> None:
    rows = [("one", "a long sentence that nobody needs whole", "0.5", "yes"), ("two", "short", "–", "no")]
    heads = ("name", "idea", "score", "spare")
    assert max(map(len, table(heads, rows, words="idea", spare=("spare",)).splitlines())) == 59
    assert "spare" not in table(heads, rows, words="idea", spare=("spare",), width=55)
    narrow = table(heads, rows, words="idea", spare=("spare",), width=30).splitlines()
    assert narrow == [
        "name  idea               score",
        "one   a long sentence…     0.5",
        "two   short                  –",
    ]
    assert max(map(len, table(heads, rows, width=20).splitlines())) <= 20


@pytest.mark.parametrize(
    "verb",
    ["runs", "cost RUN --by hypothesis", "cost RUN", "memory RUN", "log RUN", "log stats RUN", "tree RUN", "gantt RUN",
     "compare RUN OTHER", "best RUN"],
)  # fmt: skip
@pytest.mark.parametrize("columns", [80, 140])
def test_a_screen_fits_its_terminal(
    verb: str, columns: int, runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert gome(*verb.replace("RUN", RUN).replace("OTHER", UNFINISHED).split()) == 0
    printed = capsys.readouterr().out
    assert printed
    assert max(map(len, printed.splitlines())) <= columns


def test_an_outline_keeps_the_lines_of_longer_texts() -> None:
    shown = tree({"a": 1, "b": {"c": None, "d": True}, "e": ["x", "y"], "f": "one\ntwo", "g": []})
    assert shown.splitlines() == [
        "a: 1", "b:", "  c: –", "  d: yes", "e:", "  - x", "  - y", "f:", "  one", "  two", "g: none",
    ]  # fmt: skip
