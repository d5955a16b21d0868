"""`gome run --confirm` in a real pseudo-terminal: what a user types there is what the run does."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest

from gome.agents.protocol.messages import VOCABULARY, Diagnosis, Proposal
from gome.agents.protocol.run_messages import ProposalOffered, ProposalReviewed
from gome.agents.runtime.replay import replay_run
from gome.bus.store.reader import LogReader
from tests.agents.helpers.model_server import Ask, ModelServer, Play
from tests.agents.helpers.stubs import line, small, small_task, writing
from tests.cli.reading.test_commands import gome

MAIN = Path(__file__).parents[3] / "main.py"
EDITED = "Do it with a median."
CHOICES = "[a]ccept, [e]dit the sketch, [r]eject: "
PATIENCE = 120.0


class Terminal:
    """A command in a terminal of its own; `screen` is all that it has shown."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, **environment}, start_new_session=True
        )
        os.close(slave)
        self.screen, self._read = "", 0

    def shown(self, words: str) -> None:
        """Wait until these words are shown, after those that were waited for before."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.screen.find(words, self._read)) < 0:
            assert self._more(deadline), f"{words!r} was not shown in:\n{self.screen}"
        self._read = found + len(words)

    def type(self, words: str) -> None:
        os.write(self._master, f"{words}\n".encode())

    def ended(self) -> int:
        """The exit status, once nothing more is shown."""
        deadline = time.monotonic() + PATIENCE
        while self._more(deadline):
            pass
        os.close(self._master)
        return self._process.wait(PATIENCE)

    def _more(self, deadline: float) -> bool:
        """Read what is shown next; False when the terminal is closed."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"nothing more is shown after:\n{self.screen}"
        try:
            chunk = os.read(self._master, 1 << 16)
        except OSError:  # Linux says so when the last process has closed its side
            return False
        self.screen += chunk.decode().replace("\r\n", "\n")
        return bool(chunk)


def test_proposals_are_edited_rejected_and_accepted_at_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario, runs, editor = tmp_path / "small.yaml", tmp_path / "runs", tmp_path / "editor.py"
    editor.write_text(f"import pathlib, sys\npathlib.Path(sys.argv[1]).write_text({EDITED!r})\n", encoding="utf-8")
    written, asked = writing(lambda _, step: line(0.3 + 0.1 * step)), list[Ask]()

    def listening(ask: Ask) -> Play:
        asked.append(ask)
        return written(ask)

    with ModelServer(listening) as server:
        finish = {"finish": {"candidates": 1, "seeds": 1}}
        made = small(small_task(tmp_path), server, traces=1, memory={}, budget={"trials": 2}, method=finish)
        scenario.write_text(json.dumps(made.model_dump(mode="json", exclude_defaults=True)), encoding="utf-8")
        command = [sys.executable, str(MAIN), "run", str(scenario), "--confirm", "--runs", str(runs)]
        terminal = Terminal(command, {"VISUAL": f"{sys.executable} {editor}"})
        for question, answer in (
            ("do the thing of step 1 in trace 0", None),
            ("just so", None),
            (CHOICES, "what?"),
            (CHOICES, "e"),
            ("do the thing of step 2 in trace 0", None),
            (CHOICES, "r"),
            ("why (empty: no reason): ", "too slow"),
            ("do the thing of step 2 in trace 0", None),
            (CHOICES, "a"),
        ):
            terminal.shown(question)
            if answer is not None:
                terminal.type(answer)
        assert terminal.ended() == 0, terminal.screen
    assert "submission" in terminal.screen.rpartition(CHOICES)[2], "the run ends with its results"
    (folder,) = (each for each in runs.iterdir() if (each / "log.sqlite").is_file())
    with LogReader(folder, VOCABULARY) as reader:
        envelopes = list(reader.envelopes())
    reviews = [each.message for each in envelopes if isinstance(each.message, ProposalReviewed)]
    assert [(each.accepted, each.sketch) for each in reviews] == [(True, EDITED), (False, None), (True, None)]
    assert sum(isinstance(each.message, ProposalOffered) for each in envelopes) == 3
    edited, renewed = (each.message.sketch for each in envelopes if isinstance(each.message, Proposal))
    assert edited == EDITED
    assert "just so" in renewed
    *_, again = (ask.prompt for ask in asked if ask.kind == "propose_step")
    assert "too slow" in again
    first, second = (ask.prompt for ask in asked if ask.kind == "write_solution")
    assert EDITED in first
    assert "just so" in second
    *_, last = (each for each in envelopes if isinstance(each.message, Diagnosis))
    assert gome("log", "why", last.id, "--run", folder.name, "--runs", str(runs)) == 0
    told = capsys.readouterr().out
    assert 'rejected was "do the thing of step 2 in trace 0": too slow' in told
    assert anyio.run(replay_run, folder).handled > 0
