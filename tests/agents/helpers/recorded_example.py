"""Make the recorded run of examples/ again, with the answers that it has.

    .venv/bin/python -m tests.agents.helpers.recorded_example

As root, for a gome that asks otherwise than the one that made it: its replay then finds other requests. The same
answers are given to the same questions (by kind, trace and step) in a new run, whose log takes the place of the old
one. The model's answers then belong to prompts that it has not seen in this form: examples/bike-demand/README.md must
say so.

The checkout is mounted at /gome for the run, in a namespace of its own, so that the log names no folder of a machine.
"""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import anyio

from gome.agents.protocol.messages import VOCABULARY
from gome.agents.runtime.lifecycle import start_run
from gome.bus.events import ActivityFinished
from gome.bus.store.reader import LogReader
from gome.scenarios.config.loader import load_scenario
from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.recorded_model import RecordedModel

__all__ = ["EXAMPLE", "answers_of", "make_again", "store"]

EXAMPLE = Path(__file__).parents[3] / "examples" / "bike-demand"
MOUNTED = Path("/gome")
PORT = 8125


def answers_of(folder: Path) -> RecordedModel:
    """A model that gives the answers of the run in `folder`, word for word."""
    found: dict[tuple[str, int, int | None], list[str]] = defaultdict(list)
    with LogReader(folder, VOCABULARY) as reader:
        for each in reader.envelopes(kinds=["activity_finished"]):
            message = each.message
            if isinstance(message, ActivityFinished) and message.activity == "reason":
                kind = re.sub(r"(?<!^)(?=[A-Z])", "_", message.label).lower()
                # not as a record: requests and answers may have another form now
                answer = json.loads(reader.artefacts.read_now(message.result_ref))
                found[kind, each.step or 0, each.trace].append(answer["raw"])
    return RecordedModel(dict(found), "language-model")


def make_again(example: Path, target: Path, port: int = PORT) -> None:
    """Run the scenario of the example in `target`, with its recorded answers."""
    path = example / "scenario.yaml"
    with ModelServer(answers_of(example).turn, port=port):
        finished = anyio.run(lambda: start_run(load_scenario(path), path, target, run_id=example.name))
    assert finished is not None
    assert finished.dead_letters == 0


def store(run: Path, example: Path) -> None:
    """Put log and artefacts of a finished run into the example, the log as one file without a write-ahead log."""
    (example / "log.sqlite").unlink(missing_ok=True)
    source = sqlite3.connect(run / "log.sqlite")
    source.execute("VACUUM INTO ?", (str(example / "log.sqlite"),))
    source.close()
    shutil.rmtree(example / "artefacts", ignore_errors=True)
    shutil.copytree(run / "artefacts", example / "artefacts")


def main() -> None:
    """Mount the checkout in a namespace of its own, and make the run there."""
    inside = ["--inside"]
    if sys.argv[1:] != inside:
        MOUNTED.mkdir(exist_ok=True)
        command = ["unshare", "--mount", sys.executable, "-m", "tests.agents.helpers.recorded_example", *inside]
        subprocess.run(command, check=True, cwd=EXAMPLE.parents[1])
        return
    subprocess.run(["mount", "--bind", str(EXAMPLE.parents[1]), str(MOUNTED)], check=True)
    os.chdir(MOUNTED)
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) / EXAMPLE.name
        make_again(MOUNTED / "examples" / EXAMPLE.name, target)
        store(target, EXAMPLE)


if __name__ == "__main__":
    main()
