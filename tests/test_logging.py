"""What an operator finds in Python's logging; nothing is printed where nobody asks for it."""

import logging
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from gome.agents.backends.llm.faults import Fault, Patience, persevere
from gome.executors.choose_sandbox import Sandbox, SandboxLevel
from gome.executors.local import LocalExecutor
from tests.executors.place import Place


def test_a_model_call_that_is_made_again_is_logged_without_the_servers_words(caplog: pytest.LogCaptureFixture) -> None:
    faults = [Fault("the key sk-1 is busy", after=0.0, answered=True), Fault("cut off", after=0.0)]

    async def once() -> str:
        if faults:
            raise faults.pop(0)
        return "at last"

    assert anyio.run(persevere, once, Patience(timeout=1.0, retries=3, first_wait=0.0)) == "at last"
    assert caplog.messages == [
        "model call was answered with an error that may pass, try 1; again in 0.0 s",
        "model call was not answered, try 2; again in 0.0 s",
    ]
    assert {each.name for each in caplog.records} == {"gome.agents.backends.llm.faults"}


def test_a_file_that_is_not_taken_is_logged_with_the_reason(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place = Place(tmp_path, LocalExecutor(Sandbox(SandboxLevel.NONE)))
    with caplog.at_level(logging.INFO, "gome"):
        place.script("import os\nos.symlink('/etc/passwd', 'out/oof.csv')", artefacts=("oof.csv",))
    (line,) = [each for each in caplog.messages if "oof.csv" in each]
    assert line.startswith(f"artefact oof.csv in {place.workspace}: ")
    assert "link" in line


def test_nothing_is_printed_where_nobody_asks_for_a_log() -> None:
    code = "import logging, gome; logging.getLogger('gome.somewhere').error('unheard')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
