"""`hint`, `pause` and `stop`: from another process to the one that runs, and words where nothing runs."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gome.agents.protocol.messages import VOCABULARY, Proposal
from gome.agents.protocol.run_messages import ProposalReviewed
from gome.bus.message import Envelope
from gome.bus.store.reader import LogReader
from gome.cli.reading.view import left
from gome.cli.running.confirm import answer_at_terminal
from gome.viewer.model.summary import summarise
from tests.agents.helpers.model_server import Ask, ModelServer, Play
from tests.agents.helpers.stubs import line, quick_task, small, writing
from tests.agents.helpers.waiting import recorded
from tests.cli.printed import data_of
from tests.cli.reading.test_commands import document, gome
from tests.conftest import UNFINISHED
from tests.viewer.sample import RUN

MAIN = Path(__file__).parents[3] / "main.py"


def envelopes(folder: Path) -> list[Envelope]:
    with LogReader(folder, VOCABULARY) as reader:
        return list(reader.envelopes())


def test_a_detached_run_is_steered_and_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario, runs = tmp_path / "small.yaml", tmp_path / "runs"
    with ModelServer(writing(lambda _, step: line(0.5, f"import time\ntime.sleep(0.2)  # {step}"))) as server:
        made = small(quick_task(tmp_path), server, traces=1, memory={}, budget={"trials": 500})
        scenario.write_text(json.dumps(made.model_dump(mode="json", exclude_defaults=True)), encoding="utf-8")
        command = [sys.executable, str(MAIN), "run", str(scenario), "--detach", "--runs", str(runs), "--json"]
        begun = data_of(subprocess.run(command, capture_output=True, text=True, check=True).stdout, "run-detached")
        folder, run = Path(begun["folder"]), str(begun["run"])
        assert gome("hint", run, "Mind the area.", "--avoid", "lightgbm", "--runs", str(runs), "--json") == 0
        said = document(capsys, "hint")
        assert (said["running"], said["trace"], said["warning"]) == (True, None, "")
        recorded(folder, "hint_given")
        asked = sum(each.kind == "proposal" for each in envelopes(folder))
        recorded(folder, "proposal", asked + 2)  # the next one may have been asked for before
        (given,) = (each for each in envelopes(folder) if each.kind == "hint_given")
        assert gome("hint", run, "--runs", str(runs)) == 0
        assert f"{given.id[:8]}  Mind the area.; avoid lightgbm" in capsys.readouterr().out
        assert gome("hint", run, "--withdraw", "nothing", "--runs", str(runs)) == 2
        assert f"no hint in force begins with 'nothing'; in force: {given.id[:8]}" in capsys.readouterr().err
        assert gome("hint", run, "--withdraw", given.id[:8], "--runs", str(runs)) == 0
        recorded(folder, "hint_given", 2)
        assert gome("hint", run, "--runs", str(runs)) == 0
        assert "no hint is in force" in capsys.readouterr().out
        assert gome("hint", run, "--start", "nowhere.py", "--runs", str(runs)) == 2
        assert "nowhere.py cannot be read" in capsys.readouterr().err
        assert gome("pause", run, "--runs", str(runs)) == 0
        recorded(folder, "pause_requested")
        assert gome("pause", run, "--end", "--runs", str(runs)) == 0
        recorded(folder, "pause_requested", 2)
        assert gome("stop", run, "--runs", str(runs)) == 0
        told = capsys.readouterr()
        assert f"{run} is stopped" in told.out and "gome stop again leaves at once" in told.err
    assert summarise(envelopes(folder)).why_stopped == "stopped with `gome stop`"
    assert gome("report", run, "--runs", str(runs), "-o", str(tmp_path / "report.html")) == 0
    assert "Not finished: stopped with `gome stop`" in (tmp_path / "report.html").read_text(encoding="utf-8")
    hinted = [each for each in envelopes(folder) if isinstance(each.message, Proposal) and each.message.hints]
    assert gome("log", "why", hinted[-1].id, "--run", run, "--runs", str(runs)) == 0
    assert "Mind the area.; avoid lightgbm" in capsys.readouterr().out


def test_a_stop_says_for_how_many_answers_it_waits_and_takes_them_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario, runs, asked = tmp_path / "small.yaml", tmp_path / "runs", threading.Event()

    def slow(ask: Ask) -> Play:
        if ask.kind == "write_solution":  # answered once the run knows that it is to stop
            asked.set()
            note = awaited_path(runs, "*/inbox/*.json")
            while note.exists():
                time.sleep(0.05)
        return writing(lambda *_: line(0.5))(ask)

    with ModelServer(slow) as server:
        made = small(quick_task(tmp_path), server, traces=1, memory={}, budget={"trials": 1})
        scenario.write_text(json.dumps(made.model_dump(mode="json", exclude_defaults=True)), encoding="utf-8")
        command = [sys.executable, str(MAIN), "run", str(scenario), "--detach", "--runs", str(runs), "--json"]
        begun = data_of(subprocess.run(command, capture_output=True, text=True, check=True).stdout, "run-detached")
        assert asked.wait(60)
        assert gome("stop", begun["run"], "--runs", str(runs)) == 0
    assert "waiting for 1 answer in flight, 10 min at most" in capsys.readouterr().err
    assert [each.kind for each in envelopes(Path(begun["folder"]))][-2:] == ["job", "session_closed"]


def awaited_path(folder: Path, pattern: str) -> Path:
    """The first path of that pattern, once there is one."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if found := next(iter(folder.glob(pattern)), None):
            return found
        time.sleep(0.02)
    raise AssertionError(f"no {pattern} in {folder}")


@pytest.mark.parametrize("verb", ["pause", "step", "stop"])
def test_what_does_not_run_cannot_be_stopped(runs: Path, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome(verb, UNFINISHED) == 2
    assert f"run {UNFINISHED} is not running; continue it with: gome resume" in capsys.readouterr().err
    assert not (runs / UNFINISHED / "inbox").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--json",), "say something"),
        (("x" * 4001,), "too long for a prompt"),
        (("hello", "--trace", "7"), "has no trace 7; its traces are 0, 1"),
    ],
)
def test_a_hint_that_says_nothing_useful_is_refused(
    runs: Path, words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gome("hint", RUN, *words) == 2
    assert told in capsys.readouterr().err
    assert not (runs / RUN / "inbox").exists()


def test_a_hint_waits_for_a_run_that_is_resumed(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("hint", UNFINISHED, "--prefer", "linear", "--trace", "1") == 0
    assert "it is recorded when the run is resumed" in capsys.readouterr().out
    (note,) = (runs / UNFINISHED / "inbox").iterdir()
    assert json.loads(note.read_text(encoding="utf-8"))["hint"]["prefer"] == ["linear"]


def test_words_for_the_expert_are_said_to_be_unread(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gome("hint", UNFINISHED, "The hour matters.") == 0
    assert "warning: this run's proposals come from the rule-based expert: it reads no free text" in (
        capsys.readouterr().err
    )
    assert gome("hint", UNFINISHED, "--avoid", "linear", "--avoid", "HistGradientBoostingRegressor") == 0
    assert "warning" not in capsys.readouterr().err
    assert gome("hint", UNFINISHED, "--avoid", "lightgbm", "--avoid", "sklearn", "--prefer", "blue") == 0
    told = capsys.readouterr().err
    assert "it makes nothing that is called lightgbm or imports it: avoiding it changes nothing" in told
    assert "no script of it does without sklearn: with it avoided, each of its scripts will be refused" in told
    assert "it has no move that is called blue: preferring it changes nothing" in told
    assert "reads no free text" in left(runs / UNFINISHED, "The hour matters.", None)


def test_a_detached_run_is_confirmed_and_stepped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario, runs, sketch = tmp_path / "small.yaml", tmp_path / "runs", tmp_path / "sketch.md"
    sketch.write_text("Do it with a median.\n", encoding="utf-8")
    with ModelServer(writing(lambda *_: line(0.5))) as server:
        made = small(quick_task(tmp_path), server, traces=1, memory={}, budget={"trials": 3})
        scenario.write_text(json.dumps(made.model_dump(mode="json", exclude_defaults=True)), encoding="utf-8")
        command = [
            sys.executable,
            str(MAIN),
            "run",
            str(scenario),
            "--confirm",
            "--detach",
            "--runs",
            str(runs),
            "--json",
        ]
        begun = data_of(subprocess.run(command, capture_output=True, text=True, check=True).stdout, "run-detached")
        folder, at = Path(begun["folder"]), (str(begun["run"]), "--runs", str(runs))
        recorded(folder, "proposal_offered")
        assert gome("confirm", *at) == 0
        assert "do the thing of step 1 in trace 0" in capsys.readouterr().out
        assert gome("confirm", *at, "--accept", "--reject", "no") == 2
        assert gome("confirm", *at, "--accept", "--step", "4.1") == 2
        assert "no proposal of step 4.1 waits; 0.1 does" in capsys.readouterr().err
        assert gome("pause", *at) == 0
        recorded(folder, "pause_requested")
        capsys.readouterr()
        assert gome("confirm", *at, "--sketch", str(sketch), "--json") == 0
        assert document(capsys, "confirm")["step"] == "0.1"
        recorded(folder, "diagnosis", 2)
        assert gome("confirm", *at) == 0
        assert "no proposal of run" in capsys.readouterr().out
        answering = threading.Thread(target=answer_at_terminal, args=(folder, (over := threading.Event()), answers()))
        answering.start()
        assert gome("step", *at) == 0
        shown = capsys.readouterr().out
        over.set()
        answering.join()
        assert gome("stop", *at) == 0
    assert "one more step is opened, then none" in shown
    assert "0.2  diagnosis" in shown
    reviews = [each.message for each in envelopes(folder) if isinstance(each.message, ProposalReviewed)]
    assert [each.accepted for each in reviews] == [True, False, True]
    assert reviews[0].sketch == "Do it with a median.\n"
    assert "no such thing" in reviews[1].hint.words
    assert sum(each.kind == "step_opened" for each in envelopes(folder)) == 2


def answers() -> Callable[[str], str | None]:
    """A user who mistypes, rejects the first proposal with a reason, and accepts the next."""
    typed = iter(["what?", "r", "no such thing", "a"])
    return lambda _: next(typed, None)
