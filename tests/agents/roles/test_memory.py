"""What a run knows reaches those whom it helps: tests over whole runs of a small task."""

import csv
import json
import re
import time
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from gome.agents.method.validation import compare
from gome.agents.protocol.messages import Diagnosis, Proposal, Recollection, TraceOpened, Trial
from gome.agents.state.memory import Memory
from gome.scenarios.figures import plain as figure
from gome.viewer.queries.runs import now_words
from tests.agents.helpers.model_server import Ask, ModelServer, Play, say
from tests.agents.helpers.runs import Run, conducted
from tests.agents.helpers.stubs import knobbed, line, small, small_task, writing

pytestmark = pytest.mark.xdist_group("memory")  # they share runs

CRASH = line(0.5, '{}["hour"]')
NOTHING_FAILED = "What scripts of this run have failed of"


def answering(script_of: Any, **changed: Any) -> Any:
    """The model of `stubs` with other fields in some replies: by kind of request, or by a function of the call."""
    plain = writing(script_of)

    def turn(ask: Ask) -> Play:
        play = plain(ask)
        more = changed.get(ask.kind)
        fields = more(ask) if callable(more) else more
        if not fields:
            return play
        said = json.loads(json.loads(play.body)["choices"][0]["message"]["content"])
        return say(json.dumps(said | fields))

    return turn


def run_with(folder: Path, turn: Any, **changed: Any) -> tuple[Run, list[Ask]]:
    with ModelServer(turn) as server:
        run = conducted(small(small_task(folder), server, **changed), folder / "run")
        return run, list(server.asks)


def memory_of(run: Run) -> Memory:
    memory = Memory()
    for envelope in run.envelopes:
        memory.heard(envelope)
    return memory


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[Ask]]:
    """A run with a finding, which a later trial contradicts."""
    said = {(0, 1): {"finding": "steeper lines are better here"}, (0, 3): {"contradicts": [1]}}
    turn = answering(knobbed, assess_trial=lambda ask: said.get((ask.trace, ask.step)))
    return run_with(tmp_path_factory.mktemp("plain"), turn, budget={"trials": 8})


def test_a_trace_is_never_sent_its_own_path(plain: tuple[Run, list[Ask]]) -> None:
    run, _ = plain
    said = [(envelope.trace, each.trace) for envelope, known in run.all(Recollection) for each in known.recalled]
    assert said, "something was recalled"
    assert all(asker != of for asker, of in said)


def test_the_task_is_surveyed_once_for_all_traces(plain: tuple[Run, list[Ask]]) -> None:
    run, asks = plain
    assert [ask.trace for ask in asks if ask.kind == "survey_task"] == [0]
    surveys = [diagnosis.challenges for _, diagnosis in run.all(Diagnosis) if diagnosis.verdict == "surveyed"]
    assert len(surveys) == 2
    assert surveys[0] == surveys[1] != ()
    assert [opened.challenges for _, opened in run.all(TraceOpened)] == [None, surveys[0]]


def test_a_step_costs_three_calls_and_nobody_judges_what_is_refused_at_the_end(plain: tuple[Run, list[Ask]]) -> None:
    run, asks = plain
    assert len([ask for ask in asks if ask.kind in ("propose_step", "write_solution")]) == 2 * 8
    judged = {(ask.trace, ask.step) for ask in asks if ask.kind == "assess_trial"}
    ended = {(each.trace, each.step): diagnosis for each, diagnosis in run.all(Diagnosis) if each.step}
    assert {where for where, each in ended.items() if each.accepted or where[1] < 4} <= judged
    for where in ended.keys() - judged:
        assert where[1] == 4 and ended[where].verdict != "accepted" and not ended[where].observations


def test_a_finding_outlives_accepts_and_reaches_all_traces(plain: tuple[Run, list[Ask]]) -> None:
    run, asks = plain
    accepted = {(envelope.trace, envelope.step) for envelope, each in run.all(Diagnosis) if each.accepted}
    assert {(0, 1), (0, 2)} <= accepted
    later = [ask for ask in asks if ask.kind == "propose_step" and ask.step > 1]
    assert {ask.trace for ask in later} == {0, 1}
    assert all("steeper lines are better here" in ask.prompt for ask in later)
    assert not any("steeper lines" in ask.prompt for ask in asks if ask.step == 1 and ask.kind == "propose_step")


def test_a_finding_that_a_trial_contradicts_is_marked(plain: tuple[Run, list[Ask]]) -> None:
    run, asks = plain
    (finding,) = memory_of(run).findings.known
    assert finding.contradicted == ((0, 3),)
    last = [ask for ask in asks if ask.kind == "propose_step" and ask.step == 4]
    assert all("**contradicted** by step 3 of trace 0" in ask.prompt for ask in last)


def test_what_a_sibling_tries_in_this_round_is_shown_to_the_next(plain: tuple[Run, list[Ask]]) -> None:
    _, asks = plain
    steps = [ask for ask in asks if ask.kind == "propose_step" and ask.trace == 1 and ask.step > 1]
    assert steps
    for ask in steps:
        under_way = ask.prompt.partition("what other steps try at this moment")[2]
        assert f"do the thing of step {ask.step} in trace 0" in under_way


def test_one_traces_crash_is_not_repeated_by_another(tmp_path: Path) -> None:
    """The model errs as often as nobody tells it of that error."""
    prompts: list[str] = []

    def turn(ask: Ask) -> Play:
        if ask.kind == "write_solution":
            prompts.append(ask.prompt)
        knows = "KeyError, line" in ask.prompt.partition(NOTHING_FAILED)[2]
        blind = (ask.trace, ask.step) == (0, 1) or (ask.step > 1 and not knows)
        return writing(lambda *_: CRASH if blind else line(0.3 + ask.step / 10))(ask)

    run, _ = run_with(tmp_path, turn, budget={"trials": 6}, executors=_once())
    failed = [(envelope.trace, envelope.step) for envelope, each in run.all(Diagnosis) if each.verdict == "failed"]
    assert failed == [(0, 1)]
    assert any(NOTHING_FAILED in prompt for prompt in prompts)
    (failure,) = memory_of(run).failures.values()
    assert failure.words.startswith("ended with status 1: KeyError, line ")
    assert failure.words.endswith("'hour'")


def test_what_mended_a_script_is_told_with_its_failure(tmp_path: Path) -> None:
    def turn(ask: Ask) -> Play:
        if ask.kind == "repair_solution":
            return say(f"The column is called area.\n\n```python\n{line(0.3)}\n```\n")
        return writing(lambda trace, step: CRASH if (trace, step) == (0, 1) else line(0.4))(ask)

    run, asks = run_with(tmp_path, turn, budget={"trials": 4})
    (failure,) = memory_of(run).failures.values()
    assert failure.mended == "The column is called area."
    later = [ask for ask in asks if ask.kind == "write_solution" and ask.step == 2]
    assert all("It was mended: The column is called area." in ask.prompt for ask in later)


def _once() -> dict[str, Any]:
    """Executors without repairs."""
    times = {"debug": "20s", "full": "20s"}
    return {"slots": 2, "threads": 1, "standby": False, "repairs": 0, "timeout": times}


def asked_in_turn(tmp_path: Path, **changed: Any) -> tuple[list[int], list[str]]:
    """The traces whose first proposals were being asked for together, and what `gome runs` said at the first one."""
    folder, together, said, lock = tmp_path / "run", [0], list[str](), Lock()
    most = [0]

    def turn(ask: Ask) -> Play:
        if ask.kind != "propose_step" or ask.step != 1:
            return writing(knobbed)(ask)
        with lock:
            together[0] += 1
            most[0] = max(most[0], together[0])
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and most[0] < 2 and not (said and "waits for" in said[-1]):
            said.append(now_words(folder))
            time.sleep(0.1)
        with lock:
            together[0] -= 1
        return writing(knobbed)(ask)

    run_with(tmp_path, turn, budget={"trials": 2}, memory={}, **changed)
    return most, said


def test_first_proposals_are_made_in_turn_and_the_screen_says_who_waits(tmp_path: Path) -> None:
    most, said = asked_in_turn(tmp_path)
    assert most == [1]
    assert any("1.1 waits for the proposal of 0.1, as traces propose in turn" in words for words in said)


def test_first_proposals_are_made_side_by_side_where_traces_share_nothing(tmp_path: Path) -> None:
    finish = {"finish": {"candidates": 1, "seeds": 1}}
    most, _ = asked_in_turn(tmp_path, method={"success_memory": False, **finish})
    assert most == [2]


def test_an_idea_that_others_tried_in_vain_is_demoted_with_its_reason(tmp_path: Path) -> None:
    """Trace 1 takes the best of trace 0 at step 3, and gets worse by more than that had gained."""

    def propose(ask: Ask) -> dict[str, Any] | None:
        return {"candidates": [], "choice": [], "recalled": 1} if (ask.trace, ask.step) == (1, 3) else None

    knobs = {(0, 1): 0.2, (0, 2): 0.3, (1, 1): 0.28, (1, 2): 0.1, (1, 3): -0.5}
    turn = answering(lambda trace, step: line(knobs.get((trace, step), 0.05)), propose_step=propose)
    run, _ = run_with(tmp_path, turn, budget={"trials": 10}, method={"finish": {"candidates": 1, "seeds": 1}})
    taken = next(each for envelope, each in run.all(Proposal) if (envelope.trace, envelope.step) == (1, 3))
    memory = memory_of(run)
    entry = next(each for each in memory.successes if each.id == taken.origin)
    assert (entry.trace, entry.step) == (0, 2)
    assert taken.hypotheses == entry.hypotheses
    assert [(each.trace, each.step) for each in memory.tryings[entry.id]] == [(0, 2), (1, 3)]
    assert memory.demoted(entry).startswith("step 3 of trace 1 tried it and lost ")
    given = memory.given[entry.id, 1, 3]
    assert (given.used, given.verdict) == (True, "rejected")
    assert given.gain is not None
    assert given.gain < 0
    later = [known for envelope, known in run.all(Recollection) if (envelope.step or 0) > 3]
    assert entry.id not in {each.id for known in later for each in known.recalled}


def test_the_best_of_all_comes_with_its_difference_from_the_askers_script(plain: tuple[Run, list[Ask]]) -> None:
    _, asks = plain
    third = next(ask for ask in asks if ask.kind == "propose_step" and (ask.trace, ask.step) == (1, 3))
    assert "The best of all traces: trace 0, step 2" in third.prompt
    assert "-KNOB = 0.45\n+KNOB = 0.6" in third.prompt
    heading = "standing of the traces when this step began"
    assert "Trace 0: score" in third.prompt.partition(heading)[2]
    assert "# The best of trace 0 (step 2), as a diff from the script above" in third.prompt


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[Ask]]:
    """A run whose steps do not all go on from the best of their own trace."""
    proposed = {
        (1, 3): {"kind": "merge", "source": 0},
        (0, 3): {"kind": "return", "source": 1},
        (1, 4): {"kind": "return", "source": 0},
        (0, 4): {"kind": "leap", "source": None},
    }
    turn = answering(knobbed, propose_step=lambda ask: proposed.get((ask.trace, ask.step)))
    return run_with(tmp_path_factory.mktemp("elsewhere"), turn, budget={"trials": 12})


def test_a_merge_shows_both_scripts_and_says_where_it_is_from(elsewhere: tuple[Run, list[Ask]]) -> None:
    run, asks = elsewhere
    merged = next(each for envelope, each in run.all(Proposal) if (envelope.trace, envelope.step) == (1, 3))
    source = next(each for envelope, each in run.all(Diagnosis) if (envelope.trace, envelope.step) == (0, 2))
    assert (merged.step_kind, merged.other_ref) == ("merge", source.script_ref)
    taken = next(each for each in memory_of(run).successes if each.script_ref == source.script_ref)
    assert merged.origin in (taken.id, None), "memory counts a merge as a trial of what it takes, if it recalled that"
    given = [
        each.id
        for envelope, known in run.all(Recollection)
        for each in known.recalled
        if (envelope.trace, envelope.step) == (1, 3)
    ]
    assert (merged.origin == taken.id) == (taken.id in given)
    asked = next(ask for ask in asks if ask.kind == "write_solution" and (ask.trace, ask.step) == (1, 3))
    assert "KNOB = 0.45" in asked.prompt
    assert "KNOB = 0.6" in asked.prompt.partition("# The script of the other parent, the best of trace 0")[2]
    judged = next(ask for ask in asks if ask.kind == "assess_trial" and (ask.trace, ask.step) == (1, 3))
    assert "It is a **merge** with the best of trace 0, its other parent." in judged.prompt
    gains = re.findall(r"Gain over the (trace's best|other parent): (\S+)", judged.prompt)
    diagnosis = next(each for envelope, each in run.all(Diagnosis) if (envelope.trace, envelope.step) == (1, 3))
    assert diagnosis.effect is not None and diagnosis.against is not None
    assert [each for _, each in gains] == [figure(diagnosis.effect.gain, 3), figure(diagnosis.against.gain, 3)]
    assert f"The other parent: Score {source.score:.5g}, by split: " in judged.prompt, "so that they can be compared"


@pytest.mark.parametrize(("at", "kind", "base"), [((1, 4), "return", (0, 2)), ((0, 4), "leap", None)])
def test_a_step_may_go_on_from_another_solution_or_from_none(
    elsewhere: tuple[Run, list[Ask]], at: tuple[int, int], kind: str, base: tuple[int, int] | None
) -> None:
    run, asks = elsewhere
    step = next(each for envelope, each in run.all(Proposal) if (envelope.trace, envelope.step) == at)
    scripts = {(envelope.trace, envelope.step): each.script_ref for envelope, each in run.all(Diagnosis)}
    assert step.base_ref == (scripts[base] if base else None)
    told = {ask.kind: ask.prompt for ask in asks if (ask.trace, ask.step) == at}
    assert step.step_kind == kind
    if kind == "leap":
        left = told["write_solution"].partition("# The script of this trace's best, which this step leaves")[2]
        assert "KNOB = " in left and "This step is a **leap**" in left, "its sketch may name parts of it"
    if kind == "return":
        assert "# The script of the best of trace 0, which this step changes" in told["write_solution"]
        assert "This step is a **return**" in told["write_solution"]
        assert (
            "KNOB = 0.8"
            in told["write_solution"].partition("# The script of this trace's best, which this step leaves")[2]
        )
        assert "its change of the reference's script" in told["assess_trial"]
        assert "-KNOB = 0.6" in told["assess_trial"], "the diff is from the source's script, not from this trace's"


def test_the_effect_of_a_return_is_measured_against_the_script_that_it_changed(
    elsewhere: tuple[Run, list[Ask]],
) -> None:
    run, asks = elsewhere
    told = next(ask.prompt for ask in asks if ask.kind == "assess_trial" and (ask.trace, ask.step) == (0, 3))
    source = next(each for envelope, each in run.all(Diagnosis) if (envelope.trace, envelope.step) == (1, 2))
    trial = next(each for envelope, each in run.all(Trial) if (envelope.trace, envelope.step) == (0, 3))
    assert trial.evaluation is not None and source.evaluation is not None
    effect = compare(trial.evaluation, source.evaluation, "minimize")
    assert effect is not None and effect.standard_error is not None
    said = f"Gain over the reference: {effect.gain:.3g} ± {effect.standard_error:.2g}"
    assert said in told, "and not only against the best of its own trace"
    judged = next(each for envelope, each in run.all(Diagnosis) if (envelope.trace, envelope.step) == (0, 3))
    best = next(each for envelope, each in run.all(Diagnosis) if (envelope.trace, envelope.step) == (0, 2))
    assert best.evaluation is not None
    over = compare(trial.evaluation, best.evaluation, "minimize")
    assert over is not None and judged.effect == effect and judged.over_best is not None
    assert judged.over_best.gain == pytest.approx(over.gain), "that by which it was judged is kept too"
    verdict = next(each for envelope, each in run.all(Diagnosis) if (envelope.trace, envelope.step) == (0, 3))
    assert verdict.effect is not None and verdict.effect.gain == effect.gain, "history and memory have the idea's gain"


def test_with_no_rows_no_cell_of_a_table_stands_in_a_prompt(tmp_path: Path) -> None:
    """Scripts print rows and fail of them; a run of which nothing but figures and columns may be shown."""
    prints = "print(train[0], test[0])"
    dies = 'raise KeyError(train[3]["city"] + train[3]["area"])'
    turn = writing(lambda trace, step: line(0.3 + step / 10, dies if (trace, step) == (0, 2) else prints))
    task = small_task(tmp_path)
    cells = _cells(task)
    for rows, found in ((0, False), (10, True)):
        with ModelServer(turn) as server:
            asked = small(task, server, prompts={"rows": rows}, budget={"trials": 4}, executors=_once())
            run = conducted(asked, tmp_path / f"run-{rows}")
            prompts = [ask.prompt for ask in server.asks]
        assert any(each.verdict == "failed" for _, each in run.all(Diagnosis))
        shown = sorted({cell for prompt in prompts for cell in cells if cell in prompt})
        assert bool(shown) == found, shown[:5]


def _cells(task: Path) -> set[str]:
    """The cells of the tables that can be told from other words and figures."""
    found: set[str] = set()
    for path in (task / "prepared" / "public").glob("t*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            found |= {cell for row in csv.reader(file) for cell in row if len(cell) >= 6}
    return found


def test_left_is_told_in_numbers_and_the_last_trial_is_said(plain: tuple[Run, list[Ask]]) -> None:
    _, asks = plain
    first = next(ask for ask in asks if ask.kind == "propose_step")
    assert "Left after this trial: 7 trials of the run, for its 2 traces together." in first.prompt
    assessed = [ask for ask in asks if ask.kind == "assess_trial"]
    last = [ask for ask in assessed if "This is the **last trial** of the run." in ask.prompt]
    assert {(ask.trace, ask.step) for ask in last} <= {(1, 4)}
    beside = [ask for ask in assessed if "None is left for this trace" in ask.prompt]
    assert {(ask.trace, ask.step) for ask in beside} <= {(0, 4)}, "the other trace takes the last trial"
    assert last or beside
    for ask in assessed:
        assert ("`challenges`: what now holds" in ask.prompt) == (ask not in (*last, *beside)), (
            "asked for where a step can follow"
        )


def test_all_prompts_of_a_run_begin_with_the_same_text(plain: tuple[Run, list[Ask]]) -> None:
    """System, task, profile, rows and workplace: a provider's cache can serve them to every question and trace."""
    _, asks = plain
    assert {ask.kind for ask in asks} >= {"survey_task", "propose_step", "write_solution", "assess_trial"}
    first = asks[0].prompt
    shared = first[: first.index("These packages can be imported")]
    assert all(ask.prompt.startswith(shared) for ask in asks)
    for part in ("The contract of a solution", "profile of the training data", "sample rows", "# Where scripts run"):
        assert part in shared
