"""A plain screen on which nothing is said for long: it tells who is at work, ever more rarely."""

import io
import re
import sys
from dataclasses import replace

import pytest
from rich.console import Console

from gome.bus.events import ActivityStarted
from gome.bus.message import Envelope
from gome.bus.telemetry import Told
from gome.viewer.model.now import Present
from gome.viewer.terminal.watch import PlainDisplay, RichDisplay, choose_display
from tests.viewer.sample import Sample, sample_run

MANY = {"activity": "reason", "label": "WriteSolution", "attempt": 1, "request_hash": "", "request_ref": ""}


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self, time: float) -> None:
        self.time = time

    def __call__(self) -> float:
        return self.time


def until_asked(sender: str) -> Sample:
    """The sample run up to the first question or script of that sender, which is under way."""
    sample = sample_run()
    asked = next(each for each in sample.envelopes if (each.kind, each.sender) == ("activity_started", sender))
    sample.envelopes = sample.envelopes[: asked.seq]
    sample.time = asked.time
    return sample


def watched(sample: Sample) -> tuple[PlainDisplay, Clock]:
    """A plain display that has shown all of the sample, at the time of its last message."""
    session = next(each for each in sample.envelopes if each.kind == "session_opened")
    clock = Clock(session.message.model_dump()["wall"])
    display = PlainDisplay(clock)
    clock.time += sample.time - session.time
    display.show(sample.envelopes, Present())
    return display, clock


def lines_after(display: PlainDisplay, clock: Clock, seconds: int, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What it prints in so many seconds in which nothing new comes."""
    capsys.readouterr()
    for _ in range(seconds):
        clock.time += 1
        display.show([], Present())
    return capsys.readouterr().out.splitlines()


def test_who_thinks_is_told_with_trace_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    display, clock = watched(until_asked("proposer-0"))
    message = capsys.readouterr().out.splitlines()[-1]
    assert lines_after(display, clock, 9, capsys) == []
    (line,) = lines_after(display, clock, 1, capsys)
    assert line.split()[2:] == ["proposer", "0.1", "waiting", "ProposeStep", "for", "10.0s"]
    assert line.index("proposer") == message.index("memory-keeper"), "its columns are those of a message"


def test_a_long_silence_is_told_ever_more_rarely(capsys: pytest.CaptureFixture[str]) -> None:
    display, clock = watched(until_asked("proposer-0"))
    told = [line.split(" for ")[1] for line in lines_after(display, clock, 1400, capsys)]
    assert told == ["10.0s", "30.0s", "70.0s", "2m30s", "5m10s", "10m10s", "15m10s", "20m10s"]


def test_a_message_ends_the_silence(capsys: pytest.CaptureFixture[str]) -> None:
    sample = until_asked("proposer-0")
    display, clock = watched(sample)
    assert len(lines_after(display, clock, 30, capsys)) == 2
    fresh = next(
        each for each in sample_run().envelopes if each.seq > len(sample.envelopes) and each.kind == "proposal"
    )
    display.show([fresh], Present())
    assert len(lines_after(display, clock, 9, capsys)) == 0
    assert len(lines_after(display, clock, 1, capsys)) == 1


def test_a_script_is_told_with_its_progress_and_others_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    sample = until_asked("runner-0")
    cause = sample.envelopes[-1]
    for trace in range(1, 7):
        asked = ActivityStarted(ordinal=0, **MANY)
        sample.say(f"writer-{trace}", asked, trace, 1, replace(cause, id=f"cause of {trace}"))
    display, clock = watched(sample)
    capsys.readouterr()
    present = Present()
    present.hear([Told(1, sample.time, "runner-0", "progress", {"line": "split 2/5\x1b[2J", "label": "full run"})])
    clock.time += 10
    display.show([], present)
    line = capsys.readouterr().out.rstrip()
    assert "full run (split 2/5) for 10." in line
    assert line.endswith("; also writer 1.1, writer 2.1, writer 3.1, 3 more")


def test_the_same_several_times_over_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    sample = sample_run()
    sample.envelopes = [each for each in sample.envelopes if each.kind != "run_finished"]
    called = next(each for each in sample.envelopes if each.kind == "finish_called")
    for seed in range(4):
        asked = {"activity": "script", "label": f"hold-out run of 0.2, seed {seed}", "ordinal": 90 + seed, "attempt": 1}
        sample.say("finisher", ActivityStarted(**asked, request_hash="", request_ref=""), None, None, called)
    display, clock = watched(sample)
    (line,) = lines_after(display, clock, 10, capsys)
    assert line.endswith("hold-out run of 0.2, seed 0 for 10.3s; also 3 × finisher")


def test_a_try_that_failed_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    display, clock = watched(until_asked("proposer-0"))
    capsys.readouterr()
    present = Present()
    present.hear([Told(1, 1e3, "proposer-0", "handle.failed", {"attempt": 1, "error": "RateLimit: slow\ndown"})])
    clock.time += 10
    display.show([], present)
    assert "; attempt 1 failed: RateLimit: slow down" in capsys.readouterr().out


def test_after_the_end_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    display, clock = watched(sample_run())
    assert lines_after(display, clock, 1000, capsys) == []


@pytest.mark.parametrize("before", [[], until_asked("proposer-0").envelopes, sample_run().envelopes])
def test_that_a_session_is_made_ready_is_told(before: list[Envelope], capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock(2e9)
    display = PlainDisplay(clock)
    display.show(before, Present())
    lines = lines_after(display, clock, 30, capsys)
    assert [line.split("sandbox and backends for ")[1] for line in lines] == ["10.0s", "30.0s"]
    assert not any("proposer" in line for line in lines), "what another process had begun, nobody does"


@pytest.mark.parametrize(("term", "kind"), [("xterm", RichDisplay), ("dumb", PlainDisplay), ("unknown", PlainDisplay)])
def test_a_terminal_that_cannot_be_drawn_on_gets_lines(
    term: str, kind: type[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    chosen = choose_display(None)
    chosen.close()
    assert isinstance(chosen, kind)


def test_a_screen_says_at_once_that_the_run_is_prepared() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, legacy_windows=False)
    display = RichDisplay(console)
    assert isinstance(console.file, io.StringIO)
    assert "preparing task, sandbox and backends" in console.file.getvalue()
    display.show([], Present())
    display.close()
    left = re.sub("\x1b\\[[?0-9;]*[a-zA-Z]", "", console.file.getvalue()).rsplit("…", 1)[1]
    assert not left.strip(), "and takes the line away where no run began"
