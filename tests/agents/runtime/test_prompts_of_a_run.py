"""All prompts of one whole run, in which trials are judged on some of the splits: what they say must not disagree."""

import re

import pytest

from gome.agents.backends.llm.prompting import render
from gome.agents.protocol.activities import QUESTION
from gome.agents.protocol.messages import VOCABULARY, Diagnosis, Proposal, Recollection, Trial
from gome.agents.protocol.requests import AssessTrial, ProposeStep
from gome.bus.events import ActivityStarted
from gome.bus.store.reader import LogReader
from gome.scenarios.evidence import Evaluation
from gome.scenarios.figures import plain
from tests.agents.helpers.model_server import ModelServer
from tests.agents.helpers.runs import Run, conducted
from tests.agents.helpers.stubs import line, small, small_task
from tests.agents.roles.test_memory import answering

KNOBS = {(0, 1): 0.2, (0, 2): 0.5, (0, 3): 0.9, (1, 1): 0.3, (1, 2): 0.4, (1, 3): 0.6, (1, 4): 0.7}
Asked = tuple[AssessTrial | ProposeStep, str]


def idea(direction: str) -> dict[str, object]:
    """The same parameter in another direction, where a step says so."""
    return {
        "candidates": [
            {
                "statement": f"steepness {direction}",
                "reason": "it may help",
                "challenge": 0,
                "component": "Model",
                "parameter": "steepness",
                "direction": direction,
                "expected_gain": 0.1,
            }
        ]
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two traces of scripts that are decided after two of four splits; the third step of trace 1 is a merge."""
    proposed = {(0, 1): idea("low"), (0, 2): idea("high"), (1, 3): {"kind": "merge", "source": 0}}
    said = {(0, 1): {"finding": "a low steepness is right"}}
    turn = answering(
        lambda trace, step: line(KNOBS.get((trace, step), 0.1)),
        propose_step=lambda ask: proposed.get((ask.trace, ask.step)),
        assess_trial=lambda ask: said.get((ask.trace, ask.step)),
    )
    folder = tmp_path_factory.mktemp("prompts")
    racing = {"heavy": 0.001, "decisive": 0.3, "margin": 99.0, "futility": 99.0}
    method = {"racing": racing, "near_ties": "gain", "finish": {"candidates": 1, "seeds": 1}}
    with ModelServer(turn) as server:
        task = small_task(folder, rows=240, split="{kind: group, column: shop, folds: 4}")
        return conducted(small(task, server, budget={"trials": 10}, memory={}, method=method), folder / "run")


@pytest.fixture(scope="module")
def asked(run: Run) -> list[Asked]:
    """Each request of the run with its prompt."""
    kinds: dict[str, type[AssessTrial] | type[ProposeStep]] = {"AssessTrial": AssessTrial, "ProposeStep": ProposeStep}
    with LogReader(run.folder, VOCABULARY) as reader:
        starts = [each for _, each in run.all(ActivityStarted) if each.activity == QUESTION and each.label in kinds]
        found = [kinds[each.label].model_validate_json(reader.artefacts.read_now(each.request_ref)) for each in starts]
    return [(each, render(each, 96_000).user) for each in found]


def evaluations(request: AssessTrial | ProposeStep) -> list[Evaluation | None]:
    """Those of which a request tells."""
    if isinstance(request, AssessTrial):
        return [request.evaluation, request.incumbent.evaluation if request.incumbent else None]
    return [request.base.evaluation if request.base else None]


def test_no_prompt_shows_the_level_of_a_solution_that_was_run_on_some_of_the_splits(
    run: Run, asked: list[Asked]
) -> None:
    partial = [each.evaluation for _, each in run.all(Trial) if each.evaluation is not None and each.evaluation.partial]
    assert len(partial) > 2, "the run has what this test is of"
    levels = {plain(each.score, 5) for each in partial if each.score is not None}
    seen = 0
    for request, prompt in asked:
        assert not re.search(r"(?i)score [-\d.]+[^\n,;:(]* on \d of \d splits", prompt)
        for each in evaluations(request):
            seen += bool(each and each.partial)
            if each and each.partial and each.score is not None:
                assert f"core {plain(each.score, 5)}" not in prompt
                assert f"Run **on {each.judged} splits**, by split: " in prompt
        for shown in re.findall(r"core (-?[\d.]+)", prompt):
            assert shown not in levels
    assert seen > 2


def test_gains_on_some_of_the_splits_say_so(asked: list[Asked]) -> None:
    for request, prompt in asked:
        together = request.other.together if isinstance(request, ProposeStep) and request.other else None
        effects = [request.effect, request.against] if isinstance(request, AssessTrial) else []
        effects += [together.mean, together.weighted] if together else []
        for effect in effects:
            if effect is not None and effect.splits:
                told = f"{plain(effect.gain, 3)} ± {plain(effect.standard_error or 0.0, 2)}"
                assert (f"{told} on {effect.splits} of 4 splits" in prompt) == (effect.splits < 4), told


def test_a_merge_is_told_its_gain_over_both_parents_and_history_keeps_both(run: Run, asked: list[Asked]) -> None:
    merge = next(each for envelope, each in run.all(Diagnosis) if (envelope.trace, envelope.step) == (1, 3))
    assert merge.effect is not None and merge.against is not None
    judged = next(prompt for each, prompt in asked if isinstance(each, AssessTrial) and each.step_kind == "merge")
    assert f"Gain over the trace's best: {plain(merge.effect.gain, 3)}" in judged
    assert f"Gain over the other parent: {plain(merge.against.gain, 3)}" in judged
    later = [prompt for each, prompt in asked if isinstance(each, ProposeStep) and each.trace == 1 and each.step > 3]
    assert later and all(f"over the other parent {plain(merge.against.gain, 3)}" in each for each in later)


def test_what_was_merged_is_not_offered_for_a_merge_again(run: Run, asked: list[Asked]) -> None:
    merged = {each.other_ref for envelope, each in run.all(Proposal) if (envelope.trace, envelope.step) == (1, 3)}
    later = [each for each, _ in asked if isinstance(each, ProposeStep) and each.trace == 1 and each.step > 3]
    assert later
    for each in later:
        source = next(one.script_ref for one in each.standings if one.trace == 0)
        assert ("merge" in each.kinds) == (source not in merged)
        assert "return" in each.kinds


def test_a_first_solutions_finding_is_demoted_by_what_was_gained_otherwise(run: Run, asked: list[Asked]) -> None:
    """Trace 0 begins with a low steepness, says that it is right, and gains with a high one."""
    gained = next(envelope.seq for envelope, _ in run.all(Diagnosis) if (envelope.trace, envelope.step) == (0, 2))
    since = {(envelope.trace, envelope.step) for envelope, _ in run.all(Recollection) if envelope.seq > gained}
    after = [(request, prompt) for request, prompt in asked if (request.trace, request.step) in since]
    finding = "a low steepness is right (step 1 of trace 0"
    told = [prompt for _, prompt in after if finding in prompt]
    assert told and all("**bettered** by step 2 of trace 0, which does otherwise" in prompt for prompt in told)
    later = [request for request, _ in after if isinstance(request, ProposeStep)]
    assert later
    assert not [each for request in later for each in request.recalled if each.hypotheses[0].direction == "low"]


def test_a_field_is_explained_where_it_is_asked_and_nowhere_else(asked: list[Asked]) -> None:
    for request, prompt in asked:
        if isinstance(request, AssessTrial):
            explained, _, form = prompt.partition("# Fields of an assessment")[2].rpartition("# Request: ")
            for field in ("contradicts", "hypothesis_verdict", "finding", "alignment", "challenges"):
                assert (f"- `{field}`" in explained) == (field not in request.unasked), field
                assert (f'"{field}"' in form) == (field not in request.unasked), field


def test_the_worst_groups_of_a_task_that_is_split_by_group_are_told(asked: list[Asked]) -> None:
    told = [prompt for each, prompt in asked if isinstance(each, AssessTrial) and each.diagnostics is not None]
    assert told and all("\nWorst single values of the split's column:\nshop = " in prompt for prompt in told)
