"""The fold: what a run amounts to, from its messages alone."""

import html
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from gome.agents.protocol.messages import Diagnosis, Proposal, SolutionCompleted
from gome.bus.events import ActivityFinished, ActivityStarted
from gome.bus.message import Envelope
from gome.cli.app import main
from gome.viewer import text
from gome.viewer.model.message_lines import headline
from gome.viewer.model.now import Present, look
from gome.viewer.model.script_diff import difference
from gome.viewer.model.summary import OUTLINE, Summary, summarise
from gome.viewer.model.timeline import covered
from gome.viewer.terminal.live import screen
from gome.viewer.web.report import render
from tests.cli.printed import data_of
from tests.viewer.sample import EXPERT, RUN, Sample, opened, sample_run


@pytest.fixture(scope="module")
def summary() -> Summary:
    return summarise(sample_run().envelopes)


def test_trials_stand_with_their_verdicts_and_scores(summary: Summary) -> None:
    assert [(step.name, step.verdict, step.score) for step in summary.trials] == [
        ("0.1", "accepted", 0.47),
        ("1.1", "accepted", 0.49),
        ("0.2", "accepted", 0.43),
        ("0.3", "rejected", 0.445),
        ("1.2", "accepted", 0.41),
        ("1.3", "failed", None),
    ]
    assert [summary.count(verdict) for verdict in ("accepted", "rejected", "failed")] == [4, 1, 1]


def test_a_step_knows_what_it_promised_was_given_and_brought(summary: Summary) -> None:
    step = summary.traces[1].steps[2]
    assert (step.predicted, step.gain) == (0.02, 0.08)
    assert [(each.trace, each.step) for each in step.recalled] == [(0, 2)]
    assert step.proposal is not None
    assert step.proposal.origin == step.recalled[0].id
    assert [each.words for each in summary.traces[1].steps[3].repairs] == ["KeyError: 'hr'"]


def test_the_survey_is_no_trial(summary: Summary) -> None:
    trace = summary.traces[0]
    assert trace.survey is not None
    assert trace.survey.verdict == "surveyed"
    assert [step.step for step in trace.trials] == [1, 2, 3]
    assert trace.best is trace.steps[2]


def test_the_winner_is_the_best_once_there_is_one() -> None:
    finished, stopped = summarise(sample_run().envelopes), summarise(sample_run(finish=False).envelopes)
    assert finished.best is not None
    assert stopped.best is not None
    assert (finished.best.step, finished.best.score, finished.best.final) == ("1.2", 0.41, True)
    assert (stopped.best.step, stopped.best.score, stopped.best.final) == ("1.2", 0.41, False)
    assert (finished.status, stopped.status, Summary().status) == ("finished", "open", "empty")


def test_a_session_says_how_many_gaps_its_sandbox_has_and_where_they_stand() -> None:
    session = next(each for each in sample_run().envelopes if each.kind == "session_opened")
    gappy = session.message.model_copy(update={"sandbox_gaps": ("a long sentence", "another")})
    assert headline(session) == "2 slots, sandbox bubblewrap"
    assert (
        headline(replace(session, message=gappy))
        == "2 slots, sandbox bubblewrap; 2 gaps: gome doctor SCENARIO lists them"
    )


def test_the_line_of_a_plan_is_no_change_of_the_code() -> None:
    sample = Sample()
    old, new = (sample.put(f'# plan: {{"leaves":{leaves}}}\nLEAVES = {leaves}\n') for leaves in (8, 16))
    assert difference(sample, old, new, ("a", "b"))[3:] == [" # plan: …", "-LEAVES = 8", "+LEAVES = 16"]


def test_what_the_expert_was_asked_is_no_call_of_a_model() -> None:
    sample = sample_run()
    free = [
        replace(each, message=each.message.model_copy(update={"meter": {"calls": 1.0, "tokens": 0.0, "usd": 0.0}}))
        if isinstance(each.message, ActivityFinished) and "tokens" in each.message.meter
        else each
        for each in sample.envelopes
    ]
    page, asked = render(free, sample), summarise(free)
    assert asked.by_rules and "18</b><span>questions to the rule-based expert" in page and "model calls," not in page
    start = opened(sample)
    model = start.model_copy(update={"reasoners": {**start.reasoners, "proposer": "gpt-5, else " + EXPERT}})
    assert not summarise([replace(free[0], message=model), *free[1:]]).by_rules


def test_direction_decides_what_is_best() -> None:
    sample = sample_run(finish=False)
    first = sample.envelopes[0]
    start = opened(sample)
    upward = start.model_copy(update={"task": start.task.model_copy(update={"direction": "maximize"})})
    best = summarise([replace(first, message=upward), *sample.envelopes[1:]]).best
    assert best is not None
    assert best.step == "1.1"


def test_roles_are_counted_with_what_they_used(summary: Summary) -> None:
    roles = summary.by_role()
    assert (roles["proposer"].calls, roles["proposer"].tokens, roles["proposer"].errors) == (6, 7200, 1)
    assert roles["proposer"].known_usd == pytest.approx(0.06)
    assert (roles["runner"].calls, roles["runner"].scripts) == (0, 7)
    assert roles["runner"].script_seconds == pytest.approx(6 * 2.5 + 0.5)
    assert summary.total().calls == 18
    assert summary.opened is not None
    assert set(summary.opened.reasoners.values()) == {EXPERT}


def test_what_a_call_does_not_say_is_unknown_and_not_zero() -> None:
    sample = sample_run(finish=False)
    sample.activity("proposer-0", "reason", "ProposeStep", sample.envelopes[5], 0.1, calls=1.0)
    usage = summarise(sample.envelopes).by_role()
    assert (usage["proposer"].known_tokens, usage["proposer"].known_usd) == (None, None)
    assert usage["writer"].known_usd is not None


def test_an_outline_gives_the_same_scores(summary: Summary) -> None:
    outline = summarise(each for each in sample_run().envelopes if each.kind in OUTLINE)
    assert outline.best == summary.best
    assert [(step.name, step.score) for step in outline.trials] == [(step.name, step.score) for step in summary.trials]
    assert (outline.run, outline.status) == (RUN, "finished")


def test_any_prefix_of_a_log_can_be_folded() -> None:
    envelopes = sample_run().envelopes
    whole = Summary()
    for each in envelopes:
        whole.apply(each)
        assert whole.seq == each.seq
        assert 0 <= whole.timeline.shares(whole.time).neither <= 1


def span(seq: int, time: float, sender: str, activity: str, *, end: bool, seconds: float = 0.0) -> Envelope:
    common = {"activity": activity, "label": "", "ordinal": 0, "attempt": 1, "request_hash": ""}
    message = (
        ActivityFinished(**common, result_ref="", seconds=seconds, meter={"script_seconds": seconds})
        if end
        else ActivityStarted(**common, request_ref="")
    )
    return Envelope(str(seq), seq, "run", sender, 0, 1, "cause", "cause", time, message)


def test_shares_of_time_add_up_and_see_the_overlap() -> None:
    summary = summarise(
        [
            span(1, 0.0, "proposer-0", "reason", end=False),
            span(2, 2.0, "runner-0", "script", end=False),
            span(3, 4.0, "proposer-0", "reason", end=True, seconds=4.0),
            span(4, 8.0, "runner-0", "script", end=True, seconds=6.0),
        ]
    )
    shares = summary.timeline.shares(10.0)
    assert (shares.reasoning, shares.executing, shares.both, shares.neither) == pytest.approx((0.2, 0.4, 0.2, 0.2))
    assert (shares.slots, shares.sequential) == pytest.approx((0.6, 10.0))


def test_the_wait_for_a_slot_is_no_time_of_the_script() -> None:
    first, second = (
        [span(seq, 0.0, name, "script", end=False), span(seq + 1, end, name, "script", end=True, seconds=4.0)]
        for seq, name, end in ((1, "runner-0", 4.0), (3, "runner-1", 8.0))
    )
    timeline = summarise([first[0], second[0], first[1], second[1]]).timeline
    assert [(each.start, each.end, each.slot) for each in timeline.spans] == [(0.0, 4.0, 0), (4.0, 8.0, 0)]


def test_a_slot_is_shown_as_it_was_held() -> None:
    """Two scripts in turn on one slot; what the harness did with the first afterwards overlaps the second."""
    held = {"slot": 1.0, "held_seconds": 3.0, "script_seconds": 2.9}
    envelopes = []
    for seq, name, waited, end in ((1, "runner-0", 0.0, 5.0), (3, "runner-1", 3.0, 6.5)):
        begun, ended = span(seq, 0.0, name, "script", end=False), span(seq + 1, end, name, "script", end=True)
        meter = held | {"waited_seconds": waited}
        message = ended.message.model_copy(update={"meter": meter, "seconds": end})
        envelopes += [begun, replace(ended, message=message)]
    spans = summarise(sorted(envelopes, key=lambda each: each.time)).timeline.spans
    assert [(each.start, each.end, each.slot) for each in spans] == [(0.0, 3.0, 1), (3.0, 6.0, 1)]


def test_a_call_asked_again_after_a_crash_counts_once() -> None:
    again = [
        span(1, 0.0, "proposer-0", "reason", end=False),
        span(2, 5.0, "proposer-0", "reason", end=False),
        span(3, 6.0, "proposer-0", "reason", end=True, seconds=1.0),
    ]
    timeline = summarise(again).timeline
    assert [(each.start, each.end) for each in timeline.spans] == [(5.0, 6.0)]
    assert timeline.under_way() == []


def test_the_union_of_intervals() -> None:
    assert covered([(0, 2), (1, 3), (5, 6), (5.5, 5.6)]) == 4
    assert covered([]) == 0


def test_a_completed_solution_has_the_score_of_all_of_its_splits() -> None:
    """Its trial was judged on one of five; the message stands in the step of a later trial."""
    envelopes = sample_run(finish=False).envelopes
    at, judged = next(
        (at, each) for at, each in enumerate(envelopes) if isinstance(each.message, Diagnosis) and each.step
    )
    assert isinstance(judged.message, Diagnosis) and judged.message.evaluation is not None
    whole = judged.message.evaluation
    part = whole.model_copy(update={"splits": whole.splits[:1], "folds": whole.folds[:1], "planned": 5, "score": 0.1})
    first = replace(judged, message=judged.message.model_copy(update={"evaluation": part, "score": 0.1}))
    message = SolutionCompleted(
        script_ref=judged.message.script_ref or "", evaluation=whole, submission_ref="whole", oof_ref=None
    )
    completed = replace(envelopes[-1], trace=judged.trace, step=3, message=message)
    before = summarise([*envelopes[:at], first, *envelopes[at + 1 :]])
    after = summarise([*envelopes[:at], first, *envelopes[at + 1 :], completed])
    steps = [
        next(step for step in each.trials if step.trace == judged.trace and step.step == judged.step)
        for each in (before, after)
    ]
    assert [step.score for step in steps] == [0.1, whole.score]
    assert "on 1 of 5 splits" in steps[0].score_words and "splits" not in steps[1].score_words
    assert headline(completed) == f"score {steps[1].score_words}"


def test_a_gain_is_one_figure_on_all_screens_once_its_solution_was_run_on_more_splits(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Judged on two splits, and run on all since: tree, pages and memory tell the gain on all, the tree both."""
    sample = sample_run(run="261125-0000-part-0000")
    last = next(each for each in sample.envelopes if each.kind == "diagnosis" and (each.trace, each.step) == (0, 2))
    judged = last.message
    assert isinstance(judged, Diagnosis) and judged.effect and judged.evaluation and judged.script_ref
    whole, effect = judged.evaluation, judged.effect.model_copy(update={"splits": 2, "gain": 0.09})
    part = whole.model_copy(
        update={"score": 0.38, **{each: getattr(whole, each)[:2] for each in ("splits", "folds", "weights")}}
    )
    update = {"effect": effect, "evaluation": part, "score": 0.38}
    told = replace(last, message=judged.model_copy(update=update))
    sample.envelopes[sample.envelopes.index(last)] = told
    before = summarise(sample.envelopes).traces[0].steps[2]
    assert (before.gain_words, before.gain_on) == ("+0.09", "")
    completed = SolutionCompleted(script_ref=judged.script_ref, evaluation=whole, submission_ref="s", oof_ref=None)
    sample.say("completer-0", completed, 0, 2)
    step = summarise(sample.envelopes).traces[0].steps[2]
    assert (step.gain_words, step.gain_on) == ("+0.04, judged by +0.09 on 2 of 5 splits", "2 of 5")
    assert step.gain_notes == "judged by +0.09 on 2 of 5 splits"
    sample.write(runs / sample.run)
    with pytest.raises(SystemExit):
        main(["tree", sample.run])
    assert "0.4300 (+0.04, judged by +0.09 on 2 of 5 splits)" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["memory", sample.run, "--kind", "success", "--json"])
    (entry,) = (each for each in data_of(capsys.readouterr().out, "memory")["successes"] if each["step"] == "0.2")
    assert (entry["gain"], entry["gain_on"]) == (step.gain, "")
    assert "(+0.09)" in headline(told), "a message says what it said"


def test_a_return_tells_both_of_its_gains_on_every_screen(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is measured against the solution that it changed, and judged by its gain over the trace's best."""
    sample = sample_run(run="261125-0000-back-0000")
    for at, each in enumerate(sample.envelopes):
        if (each.trace, each.step) != (0, 2):
            continue
        if isinstance(each.message, Proposal):
            sample.envelopes[at] = replace(each, message=each.message.model_copy(update={"step_kind": "return"}))
        if isinstance(each.message, Diagnosis) and each.message.effect:
            best = each.message.effect.model_copy(update={"gain": -0.2})
            sample.envelopes[at] = replace(each, message=each.message.model_copy(update={"over_best": best}))
            told = sample.envelopes[at]
    words = "+0.04 over what it changed, −0.2 over the trace's best"
    step = summarise(sample.envelopes).traces[0].steps[2]
    assert step.gain_words == step.gain_told == words
    assert f"({words})" in headline(told)
    assert words in html.unescape(render(sample.envelopes, sample))
    sample.write(runs / sample.run)
    with pytest.raises(SystemExit):
        main(["tree", sample.run])
    assert f"0.4300 ({words})" in capsys.readouterr().out


def test_a_gain_says_its_splits_where_its_score_is_of_others(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = sample_run(run="261125-0000-part-0000")
    last = next(each for each in sample.envelopes if each.kind == "diagnosis" and (each.trace, each.step) == (0, 2))
    assert isinstance(last.message, Diagnosis) and last.message.effect is not None
    effect = last.message.effect.model_copy(update={"splits": 2})
    told = replace(last, message=last.message.model_copy(update={"effect": effect}))
    sample.envelopes[sample.envelopes.index(last)] = told
    step = summarise(sample.envelopes).traces[0].steps[2]
    assert (step.gain_words, step.gain_on) == ("+0.04 on 2 of 5 splits", "2 of 5")
    assert "(+0.04 on 2 of 5 splits)" in headline(told)
    page = render(sample.envelopes, sample)
    assert "+0.04 on 2 of 5 splits" in page
    sample.write(runs / sample.run)
    with pytest.raises(SystemExit):
        main(["tree", sample.run])
    assert "0.4300 (+0.04 on 2 of 5 splits)" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["diff", sample.run, "0.2"])
    shown = capsys.readouterr().out
    assert "against 0.1: +0.04 on 2 of 5 splits; 0.4700 → 0.4300 on all splits of both" in shown
    with pytest.raises(SystemExit):
        main(["diff", sample.run, "0.1", "0.2"])
    shown = capsys.readouterr().out
    assert "against 0.2: 0.4300 → 0.4700 on all splits of both" in shown
    assert "(worse)" in shown


def _name(envelope: Envelope) -> str:
    return f"{envelope.trace}.{envelope.step}"


def test_the_best_says_its_splits_where_it_was_accepted_early(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On the screen, in lists, in `best` and on the page: it stands beside scores on all splits."""
    sample = sample_run(run="261125-0000-early-0000", finish=False)
    best = summarise(sample.envelopes).best
    assert best is not None
    accepted = [at for at, each in enumerate(sample.envelopes) if isinstance(each.message, Diagnosis)]
    for at in sorted(accepted, key=lambda at: _name(sample.envelopes[at]) != best.step):
        each, message = sample.envelopes[at], sample.envelopes[at].message
        assert isinstance(message, Diagnosis)
        if message.evaluation is None:
            continue
        part = {"splits": message.evaluation.splits[:2], "folds": message.evaluation.folds[:2], "planned": 5}
        evaluation = message.evaluation.model_copy(update=part)
        sample.envelopes[at] = replace(each, message=message.model_copy(update={"evaluation": evaluation}))
        if _name(each) == best.step:
            other = summarise(sample.envelopes).best
            assert other is not None and not other.judged, "one that was run on all splits goes before it"
    summary = summarise(sample.envelopes)
    words = f"{text.score(best.score)} on 2 of 5 splits"
    assert summary.best is not None
    assert summary.best.score_words == words
    assert "best score on 2 of 5 splits" in render(sample.envelopes, sample)
    screen_of = Console(width=140, record=True)
    screen_of.print(screen(summary, look(summary, Present(), summary.time), {}, []))
    assert f"best {words}" in screen_of.export_text()
    sample.write(runs / sample.run)
    for verb in (["best", sample.run], ["runs"]):
        with pytest.raises(SystemExit):
            main(verb)
        assert words in capsys.readouterr().out


def test_unfinished_steps_are_no_failures_on_any_screen(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = sample_run(run="261125-0000-left-0000")
    before = summarise(sample.envelopes).count("failed")
    sample.say("writer-0", Diagnosis.without_trial("unfinished", "not written: the run was asked to finish"), 0, 9)
    summary = summarise(sample.envelopes)
    assert (summary.count("unfinished"), summary.count("failed")) == (1, before)
    assert summary.trial_words.endswith("failed, 1 unfinished")
    assert "failed, 1 unfinished</span>" in render(sample.envelopes, sample)
    sample.write(runs / sample.run)
    with pytest.raises(SystemExit):
        main(["runs", "--json"])
    (row,) = (each for each in data_of(capsys.readouterr().out, "runs") if each["run"] == sample.run)
    assert row["unfinished"] == 1
    with pytest.raises(SystemExit):
        main(["tree", sample.run])
    assert "0.9 – " in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["compare", sample.run, sample.run])
    assert "unfinished" in capsys.readouterr().out
