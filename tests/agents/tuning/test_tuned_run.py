"""A whole run in which a script's constants are searched: it pays, is replayed, and goes on where it was ended."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from gome.agents.protocol.messages import Diagnosis, Job, Proposal, Trial
from gome.agents.protocol.run_messages import RunFinished
from gome.agents.runtime.lifecycle import fork_run
from gome.agents.runtime.replay import replay_run
from gome.agents.tuning.parameters import declared
from gome.bus.events import ActivityFinished, ActivityStarted
from gome.bus.store.artefacts import Artefacts
from gome.cli.app import main
from gome.executors.launch import Cause
from gome.viewer.web.report import write_report
from tests.agents.helpers.model_server import Ask, ModelServer, Play, say
from tests.agents.helpers.runs import Run, read_run, run_scenario
from tests.agents.helpers.stubs import line, small, small_task, writing
from tests.agents.runtime.test_chaos import survive

pytestmark = pytest.mark.xdist_group("tuned")  # they share one run

SCRIPT = (
    line(0)
    .replace("KNOB = 0", 'PARAMS = {"knob": (0.2, 0.0, 2.0), "other": (3, 1, 9), "no": (5, 1, 4)}')
    .replace("KNOB", 'PARAMS["knob"][0]')
)
TUNE = {"candidates": [], "kind": "tune", "choice": [], "reason": "the knob was guessed", "sketch": ""}


def _turn(ask: Ask) -> Play:
    """A model that writes the script at step 1, and has its constants searched at every later one."""
    if ask.kind == "propose_step" and ask.step == 2:
        return say(json.dumps(TUNE))
    return writing(lambda trace, step: SCRIPT)(ask)


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("tuned")
    with ModelServer(_turn) as server:
        method = {
            "tuning": {"points": 6, "together": 3},
            "next_kind": {"suggest": False},  # the model decides
            "finish": {"candidates": 1, "seeds": 1},
        }
        made = small(small_task(folder), server, traces=1, budget={"trials": 2}, method=method)
        path = folder / "tuned.yaml"
        path.write_text(json.dumps(made.model_dump(mode="json", exclude_defaults=True)))
        yield path


@pytest.fixture(scope="module")
def tuned(scenario: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_scenario(scenario, tmp_path_factory.mktemp("runs") / "tuned")


def test_a_search_is_one_trial_without_proposer_of_values_or_writer_and_pays(tuned: Run) -> None:
    proposals = [each for _, each in tuned.all(Proposal)]
    assert [each.step_kind for each in proposals] == ["edit", "tune"]
    assert [job.searches for _, job in tuned.all(Job)] == [False, True]
    trial, (_, diagnosis) = tuned.all(Trial)[1][1], tuned.all(Diagnosis)[-1]
    assert trial.searched is not None
    assert trial.searched.points == 6
    assert diagnosis.accepted
    assert diagnosis.effect is not None
    assert diagnosis.effect.gain > 0
    assert diagnosis.hypotheses[0].statement.endswith(trial.searched.words)
    asked = Counter(each.label for _, each in tuned.all(ActivityStarted) if each.activity == "reason")
    assert asked["WriteSolution"] == 1
    assert asked["ProposeStep"] == 2
    assert [each.activity for _, each in tuned.all(ActivityStarted)].count("suggest") == 2


def test_where_a_search_is_what_pays_no_model_is_asked_for_the_step(scenario: Path, tmp_path: Path) -> None:
    run = run_scenario(scenario, tmp_path / "run", "method.next_kind={suggest: true, costs: {tune: 1}}")
    assert [each.step_kind for _, each in run.all(Proposal)] == ["edit", "tune"]
    assert run.all(Proposal)[1][1].reason == "by the record of this run, a search of the constants pays most"
    asked = Counter(each.label for _, each in run.all(ActivityStarted) if each.activity == "reason")
    assert (asked["ProposeStep"], asked["WriteSolution"], asked["AssessTrial"]) == (1, 1, 2)
    assert run.all(Diagnosis)[-1][1].accepted
    assert anyio.run(replay_run, run.folder).buried == 0


def test_the_more_was_compared_the_more_a_gain_must_be(tuned: Run, scenario: Path, tmp_path: Path) -> None:
    run = run_scenario(scenario, tmp_path / "run", "method.near_tie_growth=20")
    (_, before), (_, after) = (each.all(Diagnosis)[-1] for each in (tuned, run))
    assert before.effect == after.effect.model_copy(update={"verdict": "better"}) if after.effect else False
    assert (before.verdict, after.verdict) == ("accepted", "rejected")
    assert after.reason.startswith("a near-tie, so the incumbent stays")


def test_what_ships_is_a_plain_script_that_differs_in_the_values_alone(tuned: Run) -> None:
    assert tuned.finished.winner is not None
    best = Artefacts(tuned.folder).read_now(tuned.finished.winner.script_ref).decode()
    changed = [(old, new) for old, new in zip(SCRIPT.splitlines(), best.splitlines(), strict=False) if old != new]
    assert len(changed) == 1
    assert changed[0][1].startswith('PARAMS = {"knob": (')
    assert abs(declared(best).parameters[0].value - 1.0) < 0.8  # type: ignore[operator]


def test_most_settings_are_stopped_early_and_most_splits_saved(tuned: Run) -> None:
    """Six settings on three splits each would be 18 runs."""
    searched = tuned.all(Trial)[1][1].searched
    assert searched is not None
    assert 6 <= searched.runs < 18


def test_tree_diff_and_report_show_it(tuned: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "6 settings tried; the best has knob 0.2 → "
    for command in ("tree", "diff"):
        with pytest.raises(SystemExit, match=r"^0$"):
            main([command, str(tuned.folder)])
        assert words in " ".join(capsys.readouterr().out.split())
    assert words in write_report(tuned.folder, tmp_path / "report.html").read_text()


def test_the_model_is_told_which_declarations_are_wrong(tuned: Run) -> None:
    asked = [each for _, each in tuned.all(ActivityStarted) if each.label == "ProposeStep"][-1]
    request = json.loads(Artefacts(tuned.folder).read_now(asked.request_ref))
    assert request["untunable"] == [f"line {_declared_at()}: no of PARAMS is not tuned: its value 5 is outside 1 to 4"]


def _declared_at() -> int:
    return next(at for at, text in enumerate(SCRIPT.splitlines(), 1) if text.startswith("PARAMS"))


def test_a_replay_asks_for_the_same_and_needs_nothing(tuned: Run) -> None:
    replayed = anyio.run(replay_run, tuned.folder)
    assert replayed.buried == 0
    assert replayed.said == sum(1 for each in tuned.envelopes if each.cause and "activity" not in each.kind)


@pytest.mark.parametrize("after", [1, 4, 7])
def test_a_search_that_was_ended_goes_on_where_it_was(tuned: Run, tmp_path: Path, after: int) -> None:
    ends = [each for each, finished in tuned.all(ActivityFinished) if each.step == 2 and finished.activity != "reason"]
    at = ends[after]
    finished = anyio.run(lambda: fork_run(tuned.folder, at.id, tmp_path / "fork", run_id="fork"))
    assert finished is not None
    fork = read_run(tmp_path / "fork", finished)
    assert (fork.path, fork.end) == (tuned.path, tuned.end)
    made = Counter(each.request_hash for _, each, ran in fork.scripts if ran.cause is Cause.OK and not ran.reused)
    assert set(made.values()) == {1}
    assert anyio.run(replay_run, fork.folder).buried == 0


@pytest.mark.chaos
def test_a_run_that_is_killed_within_a_search_ends_as_if_it_had_not(tuned: Run, scenario: Path, tmp_path: Path) -> None:
    within = [each.seq for each in tuned.envelopes if each.step == 2]
    survive(tmp_path / tuned.folder.name, scenario, [within[len(within) // 3], within[2 * len(within) // 3]])
    run = read_run(tmp_path / tuned.folder.name, tuned.finished)
    assert run.path == tuned.path
    assert len(run.all(RunFinished)) == 1
    made = Counter(each.request_hash for _, each, ran in run.scripts if ran.cause is Cause.OK and not ran.reused)
    assert set(made.values()) == {1}
    assert sum(each.attempt > 1 for _, each in run.all(ActivityStarted)) > 0, "it was killed within the search"
    assert anyio.run(replay_run, run.folder).buried == 0
