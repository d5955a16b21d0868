"""What goes on in a run: read off its activities and its telemetry, and nothing that a dead process left behind."""

from dataclasses import replace
from pathlib import Path

import pytest

from gome.agents.protocol.run_messages import PauseRequested, ProposalOffered, ProposalReviewed
from gome.bus.events import ActivityStarted
from gome.bus.message import Envelope
from gome.bus.telemetry import Told
from gome.viewer.model.now import Doing, Present, look, pool_of
from gome.viewer.model.summary import Summary, summarise
from tests.viewer.sample import opened, sample_run


def until_first(kind: str, sender: str) -> list[Envelope]:
    """The sample run up to the first message of that kind from that sender."""
    envelopes = sample_run().envelopes
    last = next(each.seq for each in envelopes if (each.kind, each.sender) == (kind, sender))
    return envelopes[:last]


def told(time: float, actor: str, event: str, **detail: object) -> Told:
    return Told(1, time, actor, event, detail)


def roles(summary: Summary, present: Present, now: float) -> dict[str, str]:
    return {each.role: each.words for each in look(summary, present, now).roles}


def test_a_script_is_shown_with_its_progress_and_its_slot() -> None:
    summary, present = summarise(until_first("activity_started", "runner-0")), Present()
    begun = summary.time
    begin = told(begun, "runner-0", "activity.begin", label="full run")
    present.hear([begin, told(begun + 1, "runner-0", "progress", line="split 2/5", label="full run")])
    now = look(summary, present, begun + 4)
    assert now.scripts == (Doing("0.1", "full run", begun, "split 2/5"),)
    assert now.scripts[0].share == pytest.approx(0.4)
    assert (now.used, now.slots, now.waiting) == (1, 2, 0)
    runner = next(each for each in now.roles if each.role == "runner")
    assert (runner.words, runner.since(now.time)) == ("0.1 full run (split 2/5)", 4)
    assert runner.idle == pytest.approx(begun / (begun + 4))
    present.hear([told(begun + 2, "runner-0", "activity.end", label="full run")])
    assert look(summary, present, begun + 4).scripts[0].progress == ""


def test_one_line_says_who_is_at_work_on_what_and_for_how_long() -> None:
    envelopes = until_first("activity_started", "runner-0")
    summary = summarise(envelopes)
    line = look(summary, Present(), summary.time + 90).words
    assert line.startswith("runner 0.1: full run, for 90.0s"), line
    assert look(Summary(), Present(), 1.0).words == "no role is working"
    summary = summarise(until_first("activity_started", "proposer-0"))
    opened_by = summary.opened
    assert opened_by is not None
    asked = look(summary, Present(), summary.time + 90).words
    assert ("asks its model" in asked) is not summary.by_rules
    summary.opened = opened_by.model_copy(update={"reasoners": {"proposer": "company (a model)"}})
    summary.sessions = []
    assert "proposer 0.1 asks its model" in look(summary, Present(), summary.time + 90).words


def test_what_no_activity_shows_is_told_by_telemetry() -> None:
    summary, present = summarise(sample_run(finish=False).envelopes), Present()
    at = summary.time
    present.hear(
        [
            told(at, "memory-keeper", "handle.begin", kind="candidates", trace=1, step=4),
            told(at, "proposer-0", "handle.begin", kind="step_opened", trace=0, step=4),
            told(at, "proposer-0", "handle.failed", attempt=2, error="ReplyInvalid: \x1b[2Jno JSON"),
        ]
    )
    said = roles(summary, present, at + 1)
    assert said["memory-keeper"] == "1.4 handles candidates"
    assert said["proposer"] == "0.4 handles step_opened, attempt 2 failed: ReplyInvalid: no JSON"
    assert said["writer"] == ""
    present.hear([told(at, "proposer-0", "handle.end"), told(at, "memory-keeper", "handle.end")])
    assert set(roles(summary, present, at + 1).values()) == {""}


def test_the_same_several_times_over_is_counted() -> None:
    sample = sample_run()
    called = next(each for each in sample.envelopes if each.kind == "finish_called")
    for ordinal in range(3):
        common = {"activity": "script", "label": "hold-out run", "ordinal": 90 + ordinal, "attempt": 1}
        sample.say("finisher", ActivityStarted(**common, request_hash="", request_ref=""), None, None, called)
    now = look(summarise(sample.envelopes), Present(), sample.time)
    assert next(each.words for each in now.roles if each.role == "finisher") == "3 × hold-out run"
    assert (now.used, now.waiting) == (2, 1)


def test_of_several_scripts_of_one_actor_each_has_its_own_progress() -> None:
    sample, present = sample_run(), Present()
    called = next(each for each in sample.envelopes if each.kind == "finish_called")
    labels = [f"hold-out run of 0.{step}, seed 8" for step in (2, 3)]
    for ordinal, label in enumerate(labels):
        common = {"activity": "script", "label": label, "ordinal": 90 + ordinal, "attempt": 1}
        sample.say("finisher", ActivityStarted(**common, request_hash="", request_ref=""), None, None, called)
    summary = summarise(sample.envelopes)
    for label, line in zip(labels, ("split 2/5", "split 4/5"), strict=True):
        present.hear([told(sample.time, "finisher", "progress", line=line, label=label)])
    assert [each.progress for each in look(summary, present, sample.time).scripts] == ["split 2/5", "split 4/5"]
    present.hear([told(sample.time, "finisher", "activity.end", kind="script", label=labels[0])])
    assert [each.progress for each in look(summary, present, sample.time).scripts] == ["", "split 4/5"]
    present.hear([told(sample.time, "finisher", "handle.end")])
    assert [each.progress for each in look(summary, present, sample.time).scripts] == ["", ""]


def test_the_work_of_a_process_that_died_is_nobodys() -> None:
    envelopes, present = until_first("activity_started", "runner-0"), Present()
    present.hear([told(envelopes[-1].time, "runner-0", "handle.begin", kind="job", trace=0, step=1)])
    session = next(each for each in envelopes if each.kind == "session_opened")
    again = replace(session, id="again", seq=len(envelopes) + 1, time=envelopes[-1].time + 1)
    summary = summarise([*envelopes, again])
    assert summary.timeline.under_way() == []
    assert roles(summary, present, again.time + 1)["runner"] == ""


def test_a_runs_time_goes_on_from_its_last_session() -> None:
    summary = summarise(sample_run(finish=False).envelopes)
    wall = summary.sessions[-1].wall
    assert summary.now(wall) == summary.time, "a clock that was set back does not take time away"
    assert summary.now(wall + 1000) == pytest.approx(summary.begun + 1000)
    assert Summary().now(1e9) == 0


def test_the_budget_is_shown_beside_what_is_used() -> None:
    now = look(summarise(sample_run(finish=False).envelopes), Present(), 60.0)
    assert [each.words for each in now.allowances] == ["60.0s of 1m40s", "6 of 12 trials", "16.8k tokens", "0.2100 USD"]


def test_the_pool_is_the_tasks_leaderboard_and_then_the_grades(tmp_path: Path) -> None:
    sample = sample_run(finish=False)
    first = sample.envelopes[0]
    (tmp_path / "leaderboard.csv").write_text("name,score\na,0.4\nb,0.5\nc,0.6\n", encoding="utf-8")
    here = opened(sample).model_copy(update={"task_path": str(tmp_path)})
    with_board = summarise([replace(first, message=here), *sample.envelopes[1:]])
    assert pool_of(with_board) == {"gold": 0.4, "silver": 0.4, "bronze": 0.4, "median": 0.5}
    elsewhere = opened(sample).model_copy(update={"task_path": str(tmp_path / "gone")})
    assert pool_of(summarise([replace(first, message=elsewhere)])) == {}
    assert pool_of(Summary()) == {}


def test_progress_in_numbers_without_end_is_no_share() -> None:
    assert Doing("0.1", "a script", 0.0, f"epoch {'9' * 400}/3").share is None
    assert Doing("0.1", "a script", 0.0, "epoch 1/4").share == pytest.approx(0.25)


def test_what_waits_for_the_user_is_told_until_it_is_answered() -> None:
    """A proposal that was offered, and steps in a pause: nothing is at work then, and only the user can say why."""
    place = next(
        each for each in sample_run().envelopes if each.kind == "proposal" and (each.trace, each.step) == (0, 1)
    )
    offer = ProposalOffered(hypotheses=(), reason="", sketch="", proposal_ref="p")
    message = replace(place, message=offer)
    before = until_first("proposal", "proposer-0")[:-1]
    present, idle = Present(), "no role is working"
    words = look(summarise([*before, message]), present, 100.0).queued
    assert words == "1 proposal waiting for you: gome confirm (0.1)"
    (step,) = (each for each in summarise([*before, message]).trials if each.name == "0.1")
    assert step.verdict_words == "its proposal waits for you: gome confirm"
    answer = replace(place, message=ProposalReviewed(note="n", offer="o", accepted=True))
    assert "confirm" not in look(summarise([*before, message, answer]), present, 100.0).words
    pause = PauseRequested(note="n", on=True)
    asked = [replace(place, trace=None, step=None, message=pause.model_copy(update={"on": on})) for on in (True, False)]
    assert "paused, no step is opened until: gome pause --end" in look(summarise(asked[:1]), present, 1.0).words
    assert look(summarise(asked), present, 1.0).words == idle
