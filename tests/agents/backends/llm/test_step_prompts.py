"""Prompts of a step: repairs, run times, partial scores, scripts of other traces, and the last printed figures."""

from typing import Any

import pytest

from gome.agents.backends.llm.prompting import render
from gome.agents.method.racing import stop_after
from gome.agents.protocol.requests import Request
from gome.agents.protocol.source_script import SourceScript, Together
from gome.agents.protocol.types import Effect, Left, Repair, Underway
from gome.scenarios.config.method import Method
from gome.scenarios.diagnostics.record import Confusion
from gome.scenarios.evidence import Complement, LeakNote
from tests.agents.helpers import requests_made as made


def shown(request: Request[Any]) -> str:
    return render(request, 96_000).user


def test_the_assessor_is_told_of_repairs_and_of_no_error_message_where_rows_are_hidden() -> None:
    repair = Repair(phase="full", words="status 1: KeyError, line 7: 'Paris'", notes="Nyström, 700 landmarks")
    text = shown(made.assess_trial(repairs=(repair,)))
    assert "The script was repaired 1 time(s), and may differ from what was planned" in text
    assert "line 7: 'Paris' → Nyström, 700 landmarks" in text
    assert "Paris" not in shown(made.assess_trial(repairs=(repair,), rows=0))
    asks = '"untested", if the repairs took out what was to be tested'
    assert asks in text and asks not in shown(made.assess_trial())
    note = made.NOTE.model_copy(update={"untested": True})
    assert "(its idea was not tested: a repair took it out), score" in shown(made.propose_step(history=(note,)))
    assert "was repaired" not in shown(made.assess_trial())


def test_the_assessor_is_told_that_no_prediction_changed_and_not_asked_for_a_verdict_on_it() -> None:
    """By the metric alone a change of scale that keeps the ranks is as good on every row, and has changed something."""
    nothing = Effect(gain=0.0, standard_error=0.0, verdict="near-tie", splits=5, rows=5420)
    alike = made.DIAGNOSTICS.model_copy(update={"compared": made.DIAGNOSTICS.rows, "change": 0.0, "change_error": 0.0})
    words = "Its predictions are identical to those of the trace's best"
    request = made.assess_trial(effect=nothing, diagnostics=alike)
    assert request.same and words in shown(request) and "`hypothesis_verdict`" not in shown(request)
    ranked = request.model_copy(update={"diagnostics": alike.model_copy(update={"change": 0.1})})
    assert not ranked.same and words not in shown(ranked) and "`hypothesis_verdict`" in shown(ranked)
    assert not made.assess_trial(effect=nothing, step_kind="tune").same, "many settings were tested"
    note = made.NOTE.model_copy(update={"untested": True, "gain": 0.0, "standard_error": 0.0})
    assert "(its idea was not tested: no prediction changed)" in shown(made.propose_step(history=(note,)))


def test_the_last_figures_of_the_best_stand_in_the_proposal() -> None:
    request = made.propose_step(base=made.SOLUTION.model_copy(update={"output": "oof rmse 0.8283"}))
    assert "- Figures that it printed last, in its run on one split:\noof rmse 0.8283" in shown(request)
    assert "0.8283" not in shown(request.model_copy(update={"rows": 0}))


def test_the_errors_of_the_best_are_shown_where_a_step_is_to_improve_it() -> None:
    best = made.SOLUTION.model_copy(update={"diagnostics": made.DIAGNOSTICS})
    text = shown(made.propose_step(base=best))
    assert (
        "hr: 0 to 5 | 0.2 | 0.6 | 0.31" in text
        and "Its errors on validation rows" in text
        and "4 | 31.2 | 0.09 | 3 | 2; rain" in text
    )
    refused = made.assess_trial(incumbent=best, stopped="worse", wanted=("feedback",))
    assert "Its errors on validation rows" in shown(refused)
    assert "the trace's best, which stays (its errors stand with it, above)," in shown(refused)
    tie = Effect(gain=0.001, standard_error=0.002, verdict="near-tie")
    kept = made.assess_trial(incumbent=best, effect=tie, near_ties="incumbent", wanted=("feedback",))
    assert "Its errors on validation rows" in shown(kept), "the best stays after a near-tie too"
    assert "Its errors on validation rows" not in shown(made.assess_trial(incumbent=best, wanted=("feedback",)))


def test_of_a_refused_trial_the_errors_that_differ_are_shown_and_a_slice_once() -> None:
    slow = made.DIAGNOSTICS.slices[0].model_copy(update={"change": -0.01, "change_error": 0.002})
    wet = slow.model_copy(update={"feature": "weathersit", "value": "rain"})
    found = made.DIAGNOSTICS.model_copy(
        update={"compared": 100, "best_loss": 0.19, "change": -0.01, "slices": (slow,), "changes": (slow, wet)}
    )
    kept = shown(made.assess_trial(diagnostics=found))
    assert kept.count("hr = 0 to 5 |") == 1 and "More slices that changed otherwise than all rows:\nweathersit" in kept
    left = shown(made.assess_trial(diagnostics=found, stopped="worse"))
    assert "Slices with more loss" not in left and "Slices that changed otherwise than all rows:\nhr = 0 to 5 |" in left


def test_a_recalled_change_that_is_in_the_script_shown_is_named_alone() -> None:
    statement = made.DRAWN.hypotheses[0].statement
    assert f"- {statement} (" in shown(made.knowing_step(recalled=(made.DRAWN,)))
    other = SourceScript(trace=made.DRAWN.trace, step=3, text="model = 1", is_difference=False)
    named = shown(made.knowing_step(recalled=(made.DRAWN,), other=other))
    assert "`hour-encoding` cyclic\n" in named and f"- {statement} (" not in named


def test_what_the_mean_of_two_bests_would_score_stands_beside_the_other_script() -> None:
    behind, ahead = (Effect(gain=each, standard_error=0.01, verdict="better", splits=5) for each in (-0.02, 0.02))
    together = Together(other=behind, mean=ahead, scale="log")
    other = SourceScript(trace=1, step=2, text="model = 1", is_difference=False, together=together)
    text = shown(made.propose_step(base=made.SOLUTION, other=other))
    told = "The mean of both predictions, taken of log(1 + x): gain over this trace's best 0.02 ± 0.01"
    assert f"{told}." in text
    complement = Complement(own=0.0625, other=0.125, differ=0.25)
    told_apart = together.model_copy(update={"complement": complement})
    text = shown(made.propose_step(base=made.SOLUTION, other=other.model_copy(update={"together": told_apart})))
    assert "this trace's best 0.0625, the other 0.125; they decide differently on 0.25." in text
    best = Effect(gain=0.022, standard_error=0.009, verdict="better", splits=2, planned=5)
    weighed = together.model_copy(update={"weights": (0.75, 0.25), "weighted": best})
    text = shown(made.propose_step(base=made.SOLUTION, other=other.model_copy(update={"together": weighed})))
    weights = "with weights 0.75 : 0.25 (the first this trace's; each split's chosen without it) 0.022 ± 0.009"
    assert f"{told}; {weights} on 2 of 5 splits." in text


@pytest.mark.parametrize(
    ("ahead", "gained", "worth"), [(-0.02, "better", True), (0.01, "worse", True), (-0.02, "near-tie", False)]
)
def test_another_traces_script_is_shown_where_it_or_the_mean_is_better(ahead: float, gained: Any, worth: bool) -> None:
    effect = Effect(gain=0.002, standard_error=0.01, verdict=gained, splits=5)
    together = Together(other=effect.model_copy(update={"gain": ahead}), mean=effect, scale="plain")
    other = SourceScript(trace=made.DRAWN.trace, step=3, text="model = 1", is_difference=False, together=together)
    text = shown(made.knowing_step(recalled=(made.DRAWN,), base=made.SOLUTION, other=other))
    assert ("model = 1" in text) == worth
    assert (f"- {made.DRAWN.hypotheses[0].statement} (" in text) != worth, "what its script would show is told"


def test_an_observation_says_on_how_many_splits_it_rests_once_the_score_is_of_all() -> None:
    note = made.NOTE.model_copy(update={"observations": "rain is missed", "observed": "1 of 5"})
    assert "observed on 1 of 5 splits: rain is missed" in shown(made.propose_step(history=(note,)))
    assert "observed: rain" in shown(made.propose_step(history=(note.model_copy(update={"judged": "1 of 5"}),)))


def test_standings_compare_on_common_splits_and_name_run_and_processor_time() -> None:
    other, own = made.STANDINGS
    behind = Effect(gain=-0.021, standard_error=0.004, verdict="worse", splits=2, planned=5)
    part = other.model_copy(update={"judged": "2 of 5", "against": behind, "seconds": 21.2, "cpu_seconds": 18.5})
    text = shown(made.knowing_step(standings=(part, own)))
    line = "run on 2 of 5 splits (gain over this trace's best -0.021 ± 0.004 on 2 of 5 splits) at step 2, after 2"
    assert line in text and "; one run took 21.2 s (18.5 s of a processor); last accepted" in text
    apart = part.model_copy(update={"against": Effect(gain=0.1, standard_error=None, verdict="better")})
    assert "splits (no split in common with this trace's best) at" in shown(made.knowing_step(standings=(apart, own)))
    assert "one run took" not in shown(made.knowing_step())


def test_a_recalled_solution_says_how_it_stands_against_the_askers() -> None:
    behind = Effect(gain=-0.021, standard_error=0.004, verdict="worse", splits=5)
    drawn = made.DRAWN.model_copy(update={"against": behind})
    told = "there score 0.45, gain 0.02 ± 0.005"
    assert f"{told}\n" in shown(made.knowing_step(recalled=(drawn,))), "its solution is among the standings"
    older = drawn.model_copy(update={"script_ref": "older"})
    assert f"{told} (gain over this trace's best -0.021 ± 0.004)" in shown(made.knowing_step(recalled=(older,)))


def test_proposer_and_writer_are_told_the_processor_time_of_a_run() -> None:
    both = "One run of it took 4.2 s (3.9 s of a processor)."
    assert both in shown(made.propose_step(base=made.SOLUTION.model_copy(update={"cpu_seconds": 3.9})))
    assert both in shown(made.write_solution(seconds=4.2, cpu_seconds=3.9))


def test_an_alarm_gives_its_cause_once_a_trace() -> None:
    """The incumbent and the trial both have the sign that a first solution's assessment explains."""
    first = shown(made.assess_trial(incumbent=None, effect=None, difference="", history=()))
    cause, asks = "copy: the target is 1.00 times column hr", "`reason`: answers each sign"
    assert cause in first and asks in first
    later = shown(made.assess_trial())
    assert later.count("as before: copy") == 2 and cause not in later and asks not in later
    assert "as before: copy" in shown(made.propose_step()) and cause not in shown(made.propose_step())
    new = LeakNote(code="perfect", message="all predictions are right")
    more = made.EVALUATION.model_copy(update={"leaks": (*made.EVALUATION.leaks, new)})
    again = shown(made.assess_trial(evaluation=more))
    assert "perfect: all predictions are right" in again and cause not in again and asks in again


def test_a_gain_over_fewer_splits_than_the_score_says_so() -> None:
    note = made.NOTE.model_copy(update={"gain": 0.013, "standard_error": 0.006, "gain_judged": "1 of 5"})
    assert "score 0.5234, gain 0.013 ± 0.006 on 1 of 5 splits:" in shown(made.propose_step(history=(note,)))


def test_the_best_of_another_trace_is_shown_uncut() -> None:
    script = "\n".join(f"line_{number} = {number}" for number in range(800))
    other = SourceScript(trace=1, step=2, text=script, is_difference=False)
    text = shown(made.knowing_step(other=other))
    assert script in text and "# The best of trace 1 (step 2)\n" in text
    diff = shown(made.knowing_step(other=other.model_copy(update={"is_difference": True})))
    assert "# The best of trace 1 (step 2), as a diff from the script above" in diff


def test_ideas_under_way_are_not_listed_again_as_those_of_other_first_solutions() -> None:
    sibling, own = made.hypothesis("model-family", "linear"), made.hypothesis("loss", "huber")
    underway = (Underway(trace=1, step=1, hypotheses=(sibling,)),)
    text = shown(made.first_step(siblings=(sibling, own), underway=underway))
    assert text.count(sibling.statement) == 1 and own.statement in text
    assert "# What other first solutions are made of" not in shown(
        made.first_step(siblings=(sibling,), underway=underway)
    )


def test_a_writer_reads_a_hypothesis_once() -> None:
    statement = made.hypothesis().statement
    assert shown(made.write_solution(sketch=f"- {statement}")).count(statement) == 1
    assert shown(made.write_solution()).count(statement) == 1


def test_a_repair_knows_the_run_time_before_and_that_a_debug_run_went_well() -> None:
    text = shown(made.repair_solution(seconds=41.7, sampled=True))
    assert "A debug run on a small sample of the rows had ended well before." in text
    assert "one run of the script that it was made from took 41.7 s, of 60 s" in text
    late = shown(made.repair_solution(ran_seconds=60.2, ran_cpu_seconds=21.4))
    assert "it ran for 60.2 s, in which it used 21.4 s of a processor" in late
    assert "took" not in shown(made.repair_solution()).partition("# How it failed")[2].partition("# Request: ")[0]


def test_no_challenges_are_asked_for_where_no_step_of_the_trace_can_follow() -> None:
    request = made.assess_trial(left=Left(trials=1, traces=2, over=True), wanted=())
    assert {"challenges", "finding", "contradicts"} <= request.unasked
    assert "None is left for this trace" in shown(request)


def test_a_merge_is_compared_part_by_part_with_its_other_parent_too() -> None:
    better = made.DIAGNOSTICS.slices[0].model_copy(update={"change": -0.01, "change_error": 0.002})
    found = made.DIAGNOSTICS.model_copy(update={"compared": 100, "changes": (better,)})
    effect = Effect(gain=0.01, standard_error=0.002, verdict="better", splits=5)
    text = shown(made.assess_trial(step_kind="merge", source=1, against=effect, errors_against=found))
    assert 'what="the trial against its other parent: which | less">\nhr = 0 to 5 | 0.01 ± 0.002' in text


def test_a_reader_of_a_run_sees_what_was_changed_and_what_a_repair_changed() -> None:
    repair = Repair(phase="full", words="timeout", notes="no stacking")
    text = shown(made.read_output(parent=made.NOTE, repairs=(repair,)))
    assert "It was made from the script of step 1: score 0.5234." in text and "timeout → no stacking" in text
    assert "what a repair has taken out of the plan" in text
    assert "repair" not in shown(made.read_output()).partition("# A run")[2]


@pytest.mark.parametrize(("kind", "few", "splits"), [("group", "two splits", 2), ("random", "one split", 1)])
def test_the_price_of_run_time_is_that_of_the_rule(kind: str, few: str, splits: int) -> None:
    """The sentence names six times `heavy` and a number of splits; the rule for a first solution agrees."""
    workplace = made.WORKPLACE.model_copy(update={"heavy_seconds": 5.0, "decisive": 2.0})
    rule = made.TASK.split.model_copy(update={"kind": kind})
    task = made.TASK.model_copy(update={"split": rule})
    text = " ".join(shown(made.survey_task(workplace=workplace, task=task)).split())
    assert f"From 5 s on, a trial is accepted as soon as it is better by 2 standard errors after {few}" in text
    assert f"from 30 s on a first solution is judged on {few} alone" in text
    runs = [
        made.EVALUATION.model_copy(
            update={
                name: getattr(made.EVALUATION, name)[at : at + 1]
                for name in ("splits", "folds", "fold_rows", "weights", "replicates")
            }
        )
        for at in range(splits)
    ]

    def stops(count: int, seconds: float) -> bool:
        return stop_after(runs[:count], 5, None, rule, "minimize", Method(), seconds) is not None

    assert stops(splits, 30.0) and not stops(splits, 29.0)
    assert splits == 1 or not stops(1, 30.0)
    assert "standard errors after" not in shown(made.survey_task())


def test_the_ideas_of_one_trial_under_way_stand_together() -> None:
    ideas = made.DRAWN.hypotheses[0], made.DRAWN.hypotheses[0].model_copy(update={"statement": "Weigh the days."})
    text = shown(made.knowing_step(underway=(Underway(trace=4, step=2, hypotheses=ideas),)))
    assert text.count("- trace 4, together in one trial:\n  - ") == 1 and "\n  - Weigh the days. (" in text
    assert "- trace 4: Weigh the days. (" in shown(
        made.knowing_step(underway=(Underway(trace=4, step=2, hypotheses=ideas[1:]),))
    )


def test_what_another_tries_against_the_user_s_wish_is_marked() -> None:
    ideas = (made.DRAWN.hypotheses[0].model_copy(update={"statement": "Weigh the days."}),)
    marked = Underway(trace=4, step=2, hypotheses=ideas, unwanted=("lightgbm",))
    text = shown(made.knowing_step(underway=(marked,)))
    line = next(each for each in text.splitlines() if "Weigh the days." in each)
    assert line.endswith("(against what the user asks: avoid lightgbm)")


def test_beside_the_errors_of_an_accepted_trial_stand_those_of_its_reference() -> None:
    pair = Confusion(truth="a", decided="b", rows=12, share=0.1)
    now = made.DIAGNOSTICS.model_copy(update={"confusions": (pair,)})
    old = now.model_copy(update={"confusions": (pair.model_copy(update={"rows": 20}),)})
    best = made.SOLUTION.model_copy(update={"diagnostics": old})
    better = Effect(gain=0.1, standard_error=0.008, verdict="better", splits=5, rows=5420)
    request = made.assess_trial(effect=better, diagnostics=now, incumbent=best)
    without = request.model_copy(update={"incumbent": made.SOLUTION})
    told, plain = shown(request), shown(without)
    assert "a → b 12 ← 20 (" in told and "The reference's shares: 10 rows" in told
    assert "a → b 12 (" in plain and 0 < len(told) - len(plain) < 300
    other = old.model_copy(update={"rows": now.rows - 1})
    assert "←" not in shown(request.model_copy(update={"incumbent": best.model_copy(update={"diagnostics": other})}))


def test_a_first_solution_without_a_reference_is_told_so() -> None:
    alone = "there is no reference, and no gain"
    assert alone in shown(made.assess_trial(incumbent=None)) and alone not in shown(made.assess_trial())
