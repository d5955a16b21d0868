"""A run is steered while it goes on: what another process asks for is logged first, and changes what happens."""

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from gome.agents.protocol.hint import Hint
from gome.agents.protocol.messages import VOCABULARY, Diagnosis, Proposal, RepairCalled, StepOpened, Trial
from gome.agents.protocol.run_messages import (
    HintGiven,
    PauseRequested,
    ProposalOffered,
    ProposalReviewed,
    SessionClosed,
)
from gome.agents.runtime.inbox import Note, admit, leave_note
from gome.agents.runtime.lifecycle import resume, start_run
from gome.agents.runtime.opening import scenario_of
from gome.agents.runtime.replay import replay_run
from gome.agents.scripts.script_run import ScriptRun
from gome.api.confirming import accept, offers_of, reject
from gome.bus.events import ActivityStarted
from gome.bus.message import Envelope
from gome.bus.store.artefacts import Artefacts
from gome.bus.store.reader import LogReader
from gome.bus.store.sqlite import open_log
from gome.executors.launch import Cause
from gome.scenarios.config.scenario import Budget, Scenario
from gome.viewer.model.summary import summarise
from gome.viewer.queries.message import causes_of
from tests.agents.helpers.model_server import Ask, ModelServer, Play
from tests.agents.helpers.runs import Run, conducted, read_run
from tests.agents.helpers.stubs import line, quick_task, small, small_task, writing
from tests.agents.helpers.waiting import recorded

ONE_TRACE: dict[str, Any] = {"traces": 1, "memory": {}, "method": {"finish": {"candidates": 1, "seeds": 1}}}
WRITE = writing(lambda _, step: line(0.3 + 0.1 * step))


def noting(folder: Path, note: Note, kind: str) -> Callable[[Ask], Play]:
    """A model that leaves a note when the first script is asked for, and answers when its message is in the log."""

    def turn(ask: Ask) -> Play:
        if ask.kind == "write_solution" and ask.step == 1:
            leave_note(folder, note)
            recorded(folder, kind)
        return WRITE(ask)

    return turn


def hinted(
    tmp_path: Path, note: Note, made: Callable[[Path], Path] = quick_task, **changed: Any
) -> tuple[Run, list[Ask]]:
    """A whole run that gets a hint during its first step, and what its model was asked. `made` makes its task."""
    folder = tmp_path / "run"
    asked: list[Ask] = []
    turn = noting(folder, note, "hint_given")

    def listening(ask: Ask) -> Play:
        asked.append(ask)
        return turn(ask)

    with ModelServer(listening) as server:
        scenario = small(made(tmp_path), server, **{**ONE_TRACE, "budget": {"trials": 2}, **changed})
        run = conducted(scenario, folder)
    return run, asked


def test_a_hint_is_read_by_the_next_proposal_and_stands_in_why(tmp_path: Path) -> None:
    hint = Hint(words="Use the area.", avoid=("lightgbm",))
    run, asked = hinted(tmp_path, Note(kind="hint", hint=hint))
    first, second = (ask for ask in asked if ask.kind == "propose_step")
    assert "What the user of this run asks" not in first.prompt
    assert "- Use the area.; avoid lightgbm" in second.prompt
    assert "`answer`" in second.prompt
    ((given, message),) = run.all(HintGiven)
    assert message.hint == hint
    (_, before), (envelope, after) = run.all(Proposal)
    assert before.hints == ()
    assert after.hints == (given.id,)
    (writer,) = (ask for ask in asked if ask.kind == "write_solution" and ask.step == 2)
    assert "asks to avoid lightgbm" in writer.prompt
    assert "Use the area." not in writer.prompt, "whether this step follows it is the proposer's answer"
    with LogReader(run.folder, VOCABULARY) as reader:
        chain = causes_of(reader, envelope.id)
    assert given.id in {each.id for each in chain}
    assert anyio.run(replay_run, run.folder).handled > 0


def test_a_proposer_is_told_that_the_script_to_change_has_what_is_to_be_avoided(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    told: list[str] = []

    def turn(ask: Ask) -> Play:
        if ask.kind == "assess_trial" and ask.step == 1:  # its script has run
            leave_note(folder, Note(kind="hint", hint=Hint(avoid=("colorsys",))))
            recorded(folder, "hint_given")
        if ask.kind == "propose_step" and ask.step == 2:
            told.append(ask.prompt)
        return writing(lambda _, step: line(0.5, "import colorsys") if step == 1 else line(0.1))(ask)

    with ModelServer(turn) as server:
        run = conducted(small(quick_task(tmp_path), server, **ONE_TRACE, budget={"trials": 2}), folder)
    assert "That of this trace's best imports colorsys: a step that goes on from it has to replace that" in told[0]
    assert [each.verdict for _, each in run.all(Diagnosis) if each.score is not None] == ["accepted"] * 2


def avoiding(tmp_path: Path, *, obeys: bool) -> Run:
    """A run with one repair whose user asks to avoid a module; its model imports it, and stops doing so if it obeys."""
    folder = tmp_path / "run"
    imports = line(0.5, "import colorsys")

    def turn(ask: Ask) -> Play:
        if ask.kind == "write_solution" and ask.step == 1:
            leave_note(folder, Note(kind="hint", hint=Hint(avoid=("colorsys",))))
            recorded(folder, "hint_given")
        if ask.kind == "repair_solution":
            assert "imports colorsys, which the user of this run asks to avoid; use something else for it" in ask.prompt
        return writing(lambda _, step: line(0.5) if obeys and ask.kind == "repair_solution" else imports)(ask)

    with ModelServer(turn) as server:
        return conducted(small(quick_task(tmp_path), server, **ONE_TRACE, budget={"trials": 1}), folder)


def ran_scripts(run: Run) -> set[str]:
    """The scripts that were run."""
    refs = [started.request_ref for _, started in run.all(ActivityStarted) if started.activity == "script"]
    artefacts = Artefacts(run.folder)
    return {ScriptRun.model_validate_json(artefacts.read_now(ref)).script_ref for ref in refs}


def test_what_is_to_be_avoided_is_refused_unrun_and_repaired(tmp_path: Path) -> None:
    run = avoiding(tmp_path, obeys=True)
    ((given, _),) = run.all(HintGiven)
    ((_, refused),) = run.all(RepairCalled)
    assert (refused.phase, refused.hints) == ("check", (given.id,))
    assert refused.script_ref not in ran_scripts(run)
    (envelope, diagnosis) = run.all(Diagnosis)[-1]
    assert diagnosis.verdict == "accepted"
    with LogReader(run.folder, VOCABULARY) as reader:
        chain = [each.id for each in causes_of(reader, envelope.id)]
        script = reader.artefacts.read_now(diagnosis.script_ref or "").decode()
    assert "colorsys" not in script
    assert given.id in chain
    anyio.run(replay_run, run.folder)


def test_a_model_that_does_not_avoid_it_has_no_trial(tmp_path: Path) -> None:
    run = avoiding(tmp_path, obeys=False)
    assert run.scripts == []
    ((_, trial),) = run.all(Trial)
    assert (trial.phase, trial.cause, trial.attempts) == ("check", Cause.REFUSED, 2)
    assert "which the user of this run asks to avoid" in trial.words
    assert run.finished.winner is None
    anyio.run(replay_run, run.folder)


def test_a_hint_for_another_trace_is_not_read(tmp_path: Path) -> None:
    _, asked = hinted(tmp_path, Note(kind="hint", trace=1, hint=Hint(words="Use the area.")))
    assert not any("Use the area." in ask.prompt for ask in asked)


def test_a_tree_search_reads_hints_too(tmp_path: Path) -> None:
    note = Note(kind="hint", hint=Hint(prefer=("trees",)))
    folder, asked = tmp_path / "run", list[Ask]()

    def turn(ask: Ask) -> Play:
        asked.append(ask)
        if ask.kind == "solve_step" and ask.step == 1:
            leave_note(folder, note)
            recorded(folder, "hint_given")
        return WRITE(ask)

    with ModelServer(turn) as server:
        changed = {**ONE_TRACE, "budget": {"trials": 2}, "optimizer": "best-of-n"}
        run = conducted(small(quick_task(tmp_path), server, **changed), folder)
    assert "- prefer trees" in [ask for ask in asked if ask.kind == "solve_step"][1].prompt
    assert [len(proposal.hints) for _, proposal in run.all(Proposal)] == [0, 1]


def test_a_script_is_the_next_step_once(tmp_path: Path) -> None:
    note = Note(kind="hint", trace=0, script=line(1.0, "# mine"))
    run, _ = hinted(tmp_path, note, small_task, budget={"trials": 3})
    actions = [proposal.action for _, proposal in run.all(Proposal)]
    assert actions == ["draft", "start", "improve"]
    ((_, message),) = run.all(HintGiven)
    assert [trial.script_ref for _, trial in run.all(Trial)][1] == message.script_ref
    assert run.finished.winner is not None
    assert run.finished.winner.script_ref == message.script_ref, "it is the best one"
    anyio.run(replay_run, run.folder)


def test_a_pause_opens_no_step_until_it_ends(tmp_path: Path) -> None:
    folder = tmp_path / "run"

    def end_it() -> None:
        begun(folder)
        recorded(folder, "diagnosis", 2)  # the survey's, and that of step 1
        leave_note(folder, Note(kind="continue"))

    with ModelServer(noting(folder, Note(kind="pause"), "pause_requested")) as server:
        scenario = small(quick_task(tmp_path), server, **ONE_TRACE, budget={"trials": 2})
        waiting = threading.Thread(target=end_it)
        waiting.start()
        run = conducted(scenario, folder)
        waiting.join()
    paused, ended = (each for each, _ in run.all(PauseRequested))
    _, second = (each for each, _ in run.all(StepOpened))
    last = next(each for each, diagnosis in run.all(Diagnosis) if diagnosis.verdict != "surveyed")
    assert paused.seq < last.seq < ended.seq < second.seq
    anyio.run(replay_run, folder)


def begun(folder: Path) -> None:
    """Wait until the run has a log."""
    deadline = time.monotonic() + 60
    while not (folder / "log.sqlite").is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)


def test_a_stop_is_in_the_log_and_the_run_goes_on_later(tmp_path: Path) -> None:
    folder = tmp_path / "run"

    def turn(ask: Ask) -> Play:
        if ask.kind == "write_solution" and ask.step == 1:
            leave_note(folder, Note(kind="stop"))
        return WRITE(ask)

    with ModelServer(turn) as server:
        scenario = small(quick_task(tmp_path), server, **ONE_TRACE, budget={"trials": 30})
        path = folder.with_suffix(".yaml")
        assert anyio.run(lambda: start_run(scenario, path, folder, run_id="run")) is None
        with LogReader(folder, VOCABULARY) as reader:
            *_, last = reader.envelopes()
            assert summarise(reader.envelopes()).why_stopped == "stopped with `gome stop`"
        assert last.message == SessionClosed(reason="stopped with `gome stop`")
        leave_note(folder, Note(kind="stop"))  # too late: nothing runs, so nothing is stopped
        leave_note(folder, Note(kind="hint", hint=Hint(words="Finish well.")))
        (folder / "inbox" / "00-not-a-note.json").write_text("{}", encoding="utf-8")
        os.mkfifo(folder / "inbox" / "01-a-pipe.json")  # nobody writes to it: it would be waited for
        budget = Budget(trials=2)
        finished = anyio.run(lambda: resume(folder, budget=budget))
    assert finished is not None
    run = read_run(folder, finished)
    assert len(run.all(HintGiven)) == 1
    assert len(run.all(SessionClosed)) == 1
    assert list((folder / "inbox").iterdir()) == []
    anyio.run(replay_run, folder)


def test_an_inbox_that_is_a_link_is_left_alone(tmp_path: Path) -> None:
    """A run from elsewhere may have one, to any folder: what is in there is no note, and is not removed."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "2024.json").write_text('{"kind": "stop"}', encoding="utf-8")

    async def go_on(folder: Path) -> None:
        async with open_log(folder, run="run", vocabulary=VOCABULARY) as log:
            (folder / "inbox").symlink_to(elsewhere)
            await admit(folder, log, Artefacts(folder))

    anyio.run(go_on, tmp_path / "run")
    assert [each.name for each in elsewhere.iterdir()] == ["2024.json"]


@pytest.fixture(scope="module")
def expert_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the rule-based expert after its first trial."""
    tmp_path = tmp_path_factory.mktemp("expert")
    task = quick_task(tmp_path)
    with ModelServer(WRITE) as server:
        values = small(task, server, **ONE_TRACE, budget={"trials": 1}).model_dump(mode="json")
    values |= {
        "backends": {"offline": {"kind": "expert"}},
        "roles": dict.fromkeys(("diagnoser", "proposer", "executor"), "offline"),
    }
    return conducted(Scenario.model_validate(values), tmp_path / "run").folder


def continued(before: Path, folder: Path, *notes: Note) -> Run:
    """The same run with one more trial, after these notes."""
    shutil.copytree(before, folder)
    for note in notes:
        leave_note(folder, note)
    budget = scenario_of(folder).budget.model_copy(update={"trials": 2})
    finished = anyio.run(lambda: resume(folder, budget=budget))
    assert finished is not None
    return read_run(folder, finished)


@pytest.mark.slow
def test_what_the_expert_is_to_avoid_or_prefer_changes_its_choice(expert_run: Path, tmp_path: Path) -> None:
    plain = continued(expert_run, tmp_path / "plain")
    (_, usual) = plain.all(Proposal)[-1]
    name = usual.hypotheses[0].parameter
    note = Note(kind="hint", hint=Hint(words="Please.", avoid=(name,), prefer=("linear",)))
    steered = continued(expert_run, tmp_path / "steered", note)
    (_, proposal) = steered.all(Proposal)[-1]
    assert "linear" in " ".join((*proposal.hypotheses[0].key, proposal.hypotheses[0].statement)).lower()
    assert all(each.parameter != name for each in proposal.ideas)
    assert f"nothing with {name} was considered" in proposal.answer
    assert "reads no free text" in proposal.answer
    anyio.run(replay_run, steered.folder)


def test_a_hint_left_for_a_resumed_run_is_read_by_its_first_proposal(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with ModelServer(WRITE) as server:
        conducted(small(quick_task(tmp_path), server, **ONE_TRACE, budget={"trials": 1}), folder)
        leave_note(folder, Note(kind="hint", hint=Hint(words="Use the area.")))
        finished = anyio.run(lambda: resume(folder, budget=Budget(trials=2)))
    assert finished is not None
    run = read_run(folder, finished)
    ((given, _),) = run.all(HintGiven)
    _, (opened, _) = run.all(StepOpened)
    assert given.seq < opened.seq
    assert [proposal.hints for _, proposal in run.all(Proposal)] == [(), (given.id,)]
    anyio.run(replay_run, folder)


def begun_steps(folder: Path, count: int) -> None:
    """Wait until so many steps were diagnosed, beside the survey, and a moment longer."""
    recorded(folder, "diagnosis", 1 + count)
    time.sleep(0.8)


def test_a_step_opens_one_more_and_pauses_again(tmp_path: Path) -> None:
    folder, opened = tmp_path / "run", list[int]()

    def one_by_one() -> None:
        begun(folder)
        for count in (1, 2, 3):
            begun_steps(folder, count)
            with LogReader(folder, VOCABULARY) as reader:
                opened.append(sum(1 for _ in reader.envelopes(kinds=["step_opened"])))
            leave_note(folder, Note(kind="step" if count < 3 else "continue"))

    with ModelServer(noting(folder, Note(kind="pause"), "pause_requested")) as server:
        scenario = small(quick_task(tmp_path), server, **ONE_TRACE, budget={"trials": 4})
        stepping = threading.Thread(target=one_by_one)
        stepping.start()
        run = conducted(scenario, folder)
        stepping.join()
    assert opened == [1, 2, 3], "one more with each request, and none beside"
    assert [(pause.on, pause.after) for _, pause in run.all(PauseRequested)] == [
        (True, 0),
        (True, 1),
        (True, 1),
        (False, 0),
    ]
    assert run.finished.trials == 4
    anyio.run(replay_run, folder)


def reviewed(tmp_path: Path, *answers: Callable[[Path, Envelope], str], **changed: Any) -> tuple[Run, list[Ask]]:
    """A run whose user answers each proposal with the next of `answers`, and what its model was asked."""
    folder, asked = tmp_path / "run", list[Ask]()

    def answering() -> None:
        begun(folder)
        for count, answer in enumerate(answers, 1):
            recorded(folder, "proposal_offered", count)
            (offer,) = offers_of(folder)
            assert not any(ask.kind == "write_solution" and ask.step == offer.step for ask in asked), "it waits"
            answer(folder, offer)
            recorded(folder, "proposal_reviewed", count)

    def listening(ask: Ask) -> Play:
        asked.append(ask)
        return WRITE(ask)

    with ModelServer(listening) as server:
        values = {**ONE_TRACE, "budget": {"trials": 1}, "confirm": True, **changed}
        user = threading.Thread(target=answering)
        user.start()
        run = conducted(small(quick_task(tmp_path), server, **values), folder)
        user.join()
    return run, asked


def test_a_proposal_is_edited_before_it_is_written_and_why_shows_it(tmp_path: Path) -> None:
    run, asked = reviewed(tmp_path, lambda folder, offer: accept(folder, offer, "Do it with a median."))
    ((_, proposal),) = run.all(Proposal)
    assert proposal.sketch == "Do it with a median."
    (writing_ask,) = (ask for ask in asked if ask.kind == "write_solution")
    assert "Do it with a median." in writing_ask.prompt
    assert "just so" not in writing_ask.prompt
    (envelope, _) = run.all(Diagnosis)[-1]
    with LogReader(run.folder, VOCABULARY) as reader:
        kinds = [each.kind for each in causes_of(reader, envelope.id)]
    assert kinds[-6:] == ["proposal_offered", "proposal_reviewed", "proposal", "job", "trial", "diagnosis"]
    anyio.run(replay_run, run.folder)


def test_a_rejected_proposal_is_made_anew_with_the_reason(tmp_path: Path) -> None:
    run, asked = reviewed(tmp_path, lambda folder, offer: reject(folder, offer, "too slow"), accept)
    first, second = (ask for ask in asked if ask.kind == "propose_step")
    assert "What the user of this run asks" not in first.prompt
    assert 'rejected was "do the thing of step 1 in trace 0": too slow; avoid thing-0-1 on' in second.prompt
    (review, _), _ = run.all(ProposalReviewed)
    ((envelope, proposal),) = run.all(Proposal)
    assert proposal.hints == (review.id,)
    assert len(run.all(ProposalOffered)) == 2
    with LogReader(run.folder, VOCABULARY) as reader:
        assert review.id in {each.id for each in causes_of(reader, envelope.id)}
    anyio.run(replay_run, run.folder)


def test_what_waits_goes_on_when_the_time_for_trials_is_over(tmp_path: Path) -> None:
    run, _ = reviewed(tmp_path, budget={"time": 12.0, "trials": 3})
    ((offer, _),) = run.all(ProposalOffered)
    ((sent, _),) = run.all(Proposal)
    assert offer.seq < sent.seq
    assert run.all(ProposalReviewed) == []
    anyio.run(replay_run, run.folder)
