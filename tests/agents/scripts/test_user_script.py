"""A user's own script as the first trial: run and diagnosed as it is, once for all traces, and refused with words."""

import json
import sys
from collections import Counter
from pathlib import Path

import anyio
import pytest

from gome.agents.protocol.messages import Diagnosis, Job, Proposal, StepOpened, Trial
from gome.agents.protocol.run_messages import RunOpened
from gome.agents.runtime.lifecycle import resume, start_run
from gome.agents.runtime.replay import replay_run
from gome.agents.scripts.user_script import START, read_start, start_of
from gome.bus.events import ActivityStarted
from gome.bus.store.artefacts import Artefacts
from gome.errors import UsageError
from gome.scenarios.config.loader import load_scenario
from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.runs import Run, conducted
from tests.agents.helpers.stubs import knobbed, line, small, small_task, writing

pytestmark = pytest.mark.xdist_group("start")  # they share one run

IMPORTABLE = frozenset({"pandas", "sklearn", *sys.stdlib_module_names})
MINE = "# My own.\n" + line(0.5)
ARGUMENTS = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--data')\np.add_argument('--out')\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two traces in lockstep that begin from a script; the scenario names it."""
    folder = tmp_path_factory.mktemp("start")
    (folder / "mine.py").write_text(MINE)
    with ModelServer(writing(knobbed)) as server:
        scenario = small(small_task(folder), server, start="mine.py", budget={"trials": 4})
        path = folder / "small.yaml"
        path.write_text(json.dumps(scenario.model_dump(mode="json", exclude_defaults=True)))
        return conducted(load_scenario(path), folder / "run", path)


def test_it_is_the_first_trial_of_each_trace_as_it_is(run: Run) -> None:
    (opened,) = [message for _, message in run.all(RunOpened)]
    assert opened.start_ref is not None
    assert Artefacts(run.folder).read_now(opened.start_ref).decode() == MINE
    proposals = {(each.trace, each.step): message for each, message in run.all(Proposal)}
    for trace in (0, 1):
        first = proposals[trace, 1]
        assert (first.action, first.hypotheses, first.base_ref) == ("start", (START,), opened.start_ref)
        assert proposals[trace, 2].base_ref == opened.start_ref, "it is what the trace goes on from"
    assert {message.script_ref for each, message in run.all(Job) if each.step == 1} == {opened.start_ref}
    asked = {(each.sender, each.step) for each, _ in run.all(ActivityStarted)}
    assert ("proposer-0", 2) in asked
    assert not {("proposer-0", 1), ("proposer-1", 1)} & asked, "nobody needs to think of it"


def test_it_is_run_once_for_all_traces_and_diagnosed_in_each(run: Run) -> None:
    made = Counter(
        finished.label for each, finished, ran in run.scripts if each.step == 1 and not ran.reused and ran.cause == "ok"
    )
    assert made == {f"run {turn}/3, split-{turn - 1}": 1 for turn in (1, 2, 3)}
    said = {each.trace: message for each, message in run.all(Diagnosis) if each.step == 1}
    assert [said[trace].verdict for trace in (0, 1)] == ["accepted", "accepted"]
    assert said[0].score == said[1].score is not None
    trials = [message for each, message in run.all(Trial) if each.step == 1]
    assert trials[0].evaluation == trials[1].evaluation


def test_the_run_goes_on_from_it_and_replays(run: Run) -> None:
    assert len(run.all(StepOpened)) == 4
    assert run.finished.winner is not None
    assert (run.finished.trials, run.finished.dead_letters) == (4, 0)
    assert anyio.run(replay_run, run.folder).buried == 0
    assert anyio.run(lambda: resume(run.folder)) == run.finished


def test_one_that_is_given_goes_before_the_scenarios_and_its_repair_is_a_step_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    given = tmp_path / "elsewhere" / "given.py"
    given.parent.mkdir()
    given.write_text(line(0.5, "raise ValueError('not today')"))
    with ModelServer(writing(knobbed)) as server:
        scenario = small(small_task(tmp_path), server, start="mine.py", traces=1, budget={"trials": 1})
        run = conducted(scenario, tmp_path / "run", tmp_path / "small.yaml", start=given)
    jobs = [Artefacts(run.folder).read_now(job.script_ref).decode() for _, job in run.all(Job)]
    assert jobs[0] == given.read_text()
    assert "# asked by repair_solution" in jobs[1]
    assert run.finished.winner is not None


def bad(folder: Path, content: bytes) -> Path:
    path = folder / "start.py"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"def unfinished(:\n", r"start\.py, line 1: does not parse"),
        (b"\xff\xfe\x00", "not UTF-8 text"),
        (f"import lightning_of_mine\n{ARGUMENTS}".encode(), r"start\.py, line 1: .*lightning_of_mine"),
        (f"{ARGUMENTS}open('/kaggle/input/train.csv')\n".encode(), r"line 5: '/kaggle/input/train.csv' is "),
        (f"{ARGUMENTS}x = 1\nopen(f'../input/{{x}}.csv')\n".encode(), r"line 6: '\.\./input/' is "),
        (f"{ARGUMENTS}read = 'https://example.org/train.csv'\n".encode(), "'https://example.org/train.csv' is "),
        (b"import pandas\npandas.read_csv('train.csv')\n", "does not take the arguments --data and --out"),
        (b"x = 1\n" * 200_000, "larger than 1 MiB"),
    ],
)
def test_what_cannot_run_is_said_with_its_line_and_leaves_no_run(content: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        read_start(bad(tmp_path, content), IMPORTABLE)


@pytest.mark.parametrize("name", ["start.py", "missing.py", "../outside.py"])
def test_a_bad_start_is_an_error_of_the_user_and_no_run_folder_is_left(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "scenario"
    folder.mkdir()
    bad(folder, b"import pandas\nimport lightning_of_mine\n")
    (tmp_path / "outside.py").write_text(MINE)
    with ModelServer(writing(knobbed)) as server:
        scenario = small(small_task(tmp_path), server, start=name)
        with pytest.raises(UsageError, match=name.replace(".", r"\.")):
            anyio.run(lambda: start_run(scenario, folder / "small.yaml", tmp_path / "run", run_id="run"))
        assert server.calls == 0
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "reading",
    [
        'open(f"{p}/train.csv")',
        'open(p.prog + "/train.csv")',
        'print("/ of all rows", "a/b", "~ 3", "//")',
        'open("/tmp/cache")',
        'import os\nos.path.join(p.prog, "train.csv")',
    ],
)
def test_paths_below_the_arguments_are_no_places_outside(reading: str, tmp_path: Path) -> None:
    source = f"{ARGUMENTS}'''Reads /kaggle/input no more.'''\n{reading}\n"
    assert read_start(bad(tmp_path, source.encode()), IMPORTABLE) == source


def test_arguments_may_be_read_by_hand(tmp_path: Path) -> None:
    source = "import sys\nfolder = sys.argv[2]\n"
    assert read_start(bad(tmp_path, source.encode()), IMPORTABLE) == source


def test_a_scenario_without_one_has_none(tmp_path: Path) -> None:
    with ModelServer(writing(knobbed)) as server:
        assert start_of(small(tmp_path, server), tmp_path / "small.yaml") is None
