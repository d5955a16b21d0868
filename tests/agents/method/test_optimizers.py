"""The optimizers: where each goes on from, and that all of them go round the same ring."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.shared.simulation import Simulation, simulate
from gome.agents.backends.expert import ExpertBackend
from gome.agents.optimizers import optimizer_of
from gome.agents.optimizers.solution_tree import Tree
from gome.agents.optimizers.tree_search import TreeSearch, reward, uct
from gome.agents.protocol.messages import Diagnosis, Job, Proposal, Recollection, TraceOpened, Trial
from gome.agents.protocol.replies import Idea, PlannedScript, Step
from gome.agents.protocol.run_messages import RunFinished
from gome.agents.protocol.types import Hypothesis
from gome.agents.state.trace import TraceState
from gome.bus.events import ActivityStarted
from gome.bus.message import Envelope, Message
from gome.scenarios.config.loader import load_scenario
from gome.scenarios.config.method import TreeSettings
from gome.scenarios.config.scenario import Scenario
from gome.scenarios.evidence import Evaluation
from tests.agents.helpers.requests_made import NOTE, STANDINGS, first_step, hypothesis, planned_step, solve_step
from tests.agents.helpers.runs import SCENARIOS

Trials = Sequence[tuple[str, int | None, float | None]]
"""What was done (draft, improve, debug), to which step, with which score (None: it failed), of steps 1, 2, …"""


def heard(message: Message, step: int | None = None) -> Envelope:
    """The message as trace 0 reads it."""
    return Envelope(f"{message.kind} {step}", 1, "run", "x", 0, step, None, "c", 0.0, message)


def grown(trials: Trials) -> tuple[TraceState, Tree]:
    """The folds of a trace after those trials; a smaller score is better."""
    state, tree, best = TraceState(), Tree(), float("inf")
    for step, (action, parent, score) in enumerate(trials, 1):
        leads = score is not None and score < best
        best = score if score is not None and leads else best
        proposal = Proposal.model_validate(
            {
                "action": action,
                "hypotheses": (hypothesis(f"idea-{step}"),),
                "sketch": "",
                "reason": "",
                "base_ref": None if parent is None else f"script {parent}",
                "origin": None,
                "stage": "improve",
                "parent": parent,
            }
        )
        tree.proposed(step, proposal)
        diagnosis = Diagnosis(
            verdict="failed" if score is None else "accepted" if leads else "rejected",
            layer="analysis",
            reason="",
            observations="",
            hypotheses=proposal.hypotheses,
            hypothesis_verdict=None,
            challenges=(),
            script_ref=f"script {step}",
            submission_ref="s",
            evaluation=Evaluation(view="full", score=score),
            seconds=1.0,
            score=score,
            erased=False,
            effect=None,
        )
        tree.diagnosed(step, diagnosis)
        state.heard(heard(diagnosis, step))
    return state, tree


def picked(trials: Trials, seed: int = 0, **settings: Any) -> tuple[str, int | None]:
    state, tree = grown(trials)
    pick = TreeSearch(TreeSettings.model_validate(settings)).pick(state, tree, random.Random(seed))
    return pick.action, pick.parent


def test_greedy_drafts_first_then_improves_the_best() -> None:
    drafts: Trials = [("draft", None, 0.5), ("draft", None, 0.3), ("draft", None, 0.4)]
    assert picked(drafts[:2], drafts=3) == ("draft", None)
    assert picked(drafts, drafts=3) == ("improve", 2)
    assert picked([*drafts, ("improve", 2, 0.35)], drafts=3) == ("improve", 2)
    assert picked([*drafts, ("improve", 2, 0.25)], drafts=3) == ("improve", 4)


def test_greedy_mends_buggy_leaves_with_its_probability_and_to_its_depth() -> None:
    broken: Trials = [("draft", None, 0.5), ("draft", None, None)]
    assert picked(broken, drafts=2, debug_probability=1.0) == ("debug", 2)
    assert picked(broken, drafts=2, debug_probability=0.0) == ("improve", 1)
    shares = [picked(broken, seed, drafts=2)[0] == "debug" for seed in range(200)]
    assert 70 <= sum(shares) <= 130
    mended: Trials = [*broken, ("debug", 2, None), ("debug", 3, None)]
    assert picked(mended, drafts=2, debug_probability=1.0, debug_depth=3) == ("debug", 4)
    assert picked(mended, drafts=2, debug_probability=1.0, debug_depth=2) == ("improve", 1)


def test_greedy_drafts_again_where_nothing_is_good() -> None:
    assert picked([("draft", None, None)], drafts=1, debug_probability=0.0) == ("draft", None)


def test_uct_by_hand() -> None:
    # 3 of 2 visits, 8 at the parent: 1.5 + 1.414·√(ln 8 / 2).
    assert uct(3.0, 2, 8, 1.414) == pytest.approx(1.5 + 1.414 * 1.019668, rel=1e-5)


def test_uct_goes_down_to_where_reward_and_rarity_point() -> None:
    # The drafts' rewards: 2 (led when it came), 1 (did not). Once both are drafted, the first is worth more.
    drafts: Trials = [("draft", None, 0.5), ("draft", None, 0.6)]
    assert picked(drafts, policy="uct", drafts=2) == ("improve", 1)
    # Two children of it were worse: (2+1+1)/3 + C·√(ln 4/3) = 2.29 against 1 + C·√(ln 4) = 2.66.
    tried: Trials = [*drafts, ("improve", 1, 0.55), ("improve", 1, 0.56)]
    assert picked(tried, policy="uct", drafts=2) == ("improve", 2)
    assert picked(tried, policy="uct", drafts=2, exploration=0.0) == ("improve", 1)


def test_uct_mends_a_buggy_node_once_and_leaves_a_full_one_for_its_children() -> None:
    assert picked([("draft", None, None)], policy="uct", drafts=1) == ("debug", 1)
    full: Trials = [("draft", None, 0.5), ("improve", 1, 0.6)]
    assert picked(full, policy="uct", drafts=1, width=1) == ("improve", 2)


def test_rewards() -> None:
    _, tree = grown([("draft", None, None), ("debug", 1, 0.5), ("improve", 2, 0.6)])
    assert [reward(tree.nodes[step]) for step in (1, 2, 3)] == [-1.0, 3.0, 1.0]


@given(st.data())
def test_any_tree_has_a_next_step_that_fits_its_node(data: st.DataObject) -> None:
    settings = {"policy": data.draw(st.sampled_from(["greedy", "uct"])), "drafts": 2, "width": 2, "debug_depth": 2}
    trials: list[tuple[str, int | None, float | None]] = []
    for seed in range(data.draw(st.integers(0, 15))):
        action, parent = picked(trials, seed, **settings)
        if action == "draft":
            assert parent is None
        else:
            assert parent is not None
            assert (trials[parent - 1][2] is None) == (action == "debug")
        trials.append((action, parent, data.draw(st.none() | st.floats(0, 1))))


@dataclass
class Asked(Simulation):
    """A simulation with other settings of the scenario."""

    changed: dict[str, Any] = field(default_factory=dict)

    @property
    def scenario(self) -> Scenario:
        plain = super().scenario.model_dump()
        method = {**plain["method"], **self.changed.get("method", {})}
        return Scenario.model_validate({**plain, **self.changed, "method": method})


def envelopes_of(asked: Simulation, folder: Path) -> list[Envelope]:
    simulated: Any = anyio.run(simulate, asked, folder)
    return list(getattr(simulated, "envelopes", simulated))


def run(folder: Path, trials: int = 8, traces: int = 1, **changed: Any) -> list[Envelope]:
    return envelopes_of(Asked(call=0.0, run=0.0, traces=traces, slots=2, trials=trials, changed=changed), folder)


def asked_of_reasoners(envelopes: list[Envelope]) -> set[str]:
    return {
        each.message.label
        for each in envelopes
        if isinstance(each.message, ActivityStarted) and each.message.activity == "reason"
    }


def said(envelopes: list[Envelope], kind: type) -> list[Any]:
    return [each.message for each in envelopes if isinstance(each.message, kind)]


def test_controls_go_round_the_ring_with_one_call_for_plan_and_script(tmp_path: Path) -> None:
    for name, asked in (("tree-search", {"SolveStep", "ReadOutput"}), ("best-of-n", {"SolveStep"})):
        envelopes = run(tmp_path / name, optimizer=name)
        assert asked_of_reasoners(envelopes) == asked
        assert said(envelopes, Recollection) == [Recollection()] * 8
        proposals = said(envelopes, Proposal)
        assert [each.script_ref for each in proposals] == [each.script_ref for each in said(envelopes, Job)]
        assert {each.sketch for each in proposals} == {each.notes for each in said(envelopes, Job)} == {"simulated"}
        assert said(envelopes, RunFinished)[0].winner is not None
    read = [each.observations for each in said(run(tmp_path / "read", optimizer="tree-search"), Diagnosis)]
    assert read == ["", *["simulated"] * 8], "what a run has shown is read, and nothing more is asked of it"


def test_tree_search_grows_from_its_best_and_best_of_n_from_nothing(tmp_path: Path) -> None:
    tree = said(run(tmp_path / "tree", optimizer="tree-search", method={"tree": {"drafts": 2}}), Proposal)
    # Each simulated script scores better than the one before, so the best node is always the last.
    assert [(each.action, each.parent) for each in tree[:4]] == [
        ("draft", None),
        ("draft", None),
        ("improve", 2),
        ("improve", 3),
    ]
    independent = said(run(tmp_path / "best", optimizer="best-of-n"), Proposal)
    assert {(each.action, each.base_ref) for each in independent} == {("draft", None)}


def test_every_scored_solution_of_a_control_may_be_a_finalist(tmp_path: Path) -> None:
    asked = Asked(0.0, 0.0, 1, 1, 4, score=float, changed={"optimizer": "best-of-n"})  # each script worse than the last
    envelopes = envelopes_of(asked, tmp_path / "run")
    assert [each.verdict for each in said(envelopes, Diagnosis)] == ["surveyed", "accepted", *["rejected"] * 3]
    assert said(envelopes, RunFinished)[0].winner.step == 1


def test_a_buggy_draft_is_mended_by_a_repair_of_its_script(tmp_path: Path) -> None:
    method = {"tree": {"drafts": 1, "debug_probability": 1.0}}
    changed = {"optimizer": "tree-search", "method": method}
    asked = Asked(0.0, 0.0, 1, 1, 3, score=lambda number: None if number == 1 else 1.0 / number, changed=changed)
    envelopes = envelopes_of(asked, tmp_path / "run")
    proposals, trials = said(envelopes, Proposal), said(envelopes, Trial)
    assert [(each.action, each.parent) for each in proposals] == [("draft", None), ("debug", 1), ("improve", 2)]
    assert proposals[1].base_ref == trials[0].script_ref
    assert proposals[1].hypotheses == proposals[0].hypotheses, "it keeps what it set out to do"
    assert "no score" in proposals[1].reason
    labels = [each.message.label for each in envelopes if isinstance(each.message, ActivityStarted) and each.step == 2]
    assert "RepairSolution" in labels
    assert "SolveStep" not in labels
    assert [each.verdict for each in said(envelopes, Diagnosis)] == ["surveyed", "failed", "accepted", "accepted"]


def test_without_structured_reasoning_feedback_leads_straight_to_a_change(tmp_path: Path) -> None:
    envelopes = run(tmp_path / "run", traces=2, method={"structured_reasoning": False})
    assert asked_of_reasoners(envelopes) == {"ProposeStep", "WriteSolution", "AssessTrial"}
    assert {len(each.ideas) for each in said(envelopes, Proposal) if each.action == "improve"} == {1}
    assert not any(each.challenges for each in said(envelopes, Diagnosis))
    assert any(each.recalled for each in said(envelopes, Recollection))


def test_a_task_is_surveyed_once_for_all_traces(tmp_path: Path) -> None:
    envelopes = run(tmp_path / "run", traces=3)
    opened = {each.trace: each.message.challenges for each in envelopes if isinstance(each.message, TraceOpened)}
    surveys = {each.trace: each.message for each in envelopes if isinstance(each.message, Diagnosis) and not each.step}
    found = surveys[0].challenges
    assert found
    assert opened == {0: None, 1: found, 2: found}
    assert {each.challenges for each in surveys.values()} == {found}
    labels = [each.message.label for each in envelopes if isinstance(each.message, ActivityStarted)]
    assert labels.count("SurveyTask") == 1


def test_kinds_of_step_are_those_of_the_scenario_and_take_from_others_where_there_are_any() -> None:
    changed = {"method": {"kinds": ("edit", "merge", "return", "leap")}}
    optimizer = optimizer_of(Asked(0, 0, 1, 1, 1, changed=changed).scenario)
    assert optimizer.kinds(STANDINGS) == ("edit", "merge", "return", "leap")
    assert optimizer.kinds(STANDINGS[:1]) == ("edit", "leap")
    assert optimizer_of(Asked(0, 0, 1, 1, 1, changed={"optimizer": "tree-search"}).scenario).kinds(STANDINGS) == (
        "edit",
    )


def test_without_success_memory_nothing_is_recalled_and_no_accepted_work_shown(tmp_path: Path) -> None:
    envelopes = run(tmp_path / "run", traces=2, method={"success_memory": False})
    assert not any(each.recalled or each.siblings for each in said(envelopes, Recollection))
    assert any(each.base_ref for each in said(envelopes, Proposal)), "the code base stays the trace's best"
    changed = {"method": {"success_memory": False}}
    state = TraceState(notes=[NOTE, NOTE.model_copy(update={"accepted": False})])
    shown = optimizer_of(Asked(0, 0, 1, 1, 1, changed=changed).scenario).history(state)
    assert [note.accepted for note in shown] == [False]


def test_without_multi_trace_there_is_one(tmp_path: Path) -> None:
    envelopes = run(tmp_path / "run", traces=3, method={"multi_trace": False})
    assert {each.trace for each in envelopes if each.trace is not None} == {0}
    assert len(said(envelopes, Proposal)) == 8


def planned(draft: bool = False, **changed: Any) -> tuple[Hypothesis, ...]:
    """What the expert implements in a step without structured reasoning."""
    request = first_step(**({"challenges": (), "siblings": ()} | changed)) if draft else planned_step(**changed)
    step = Step.model_validate(anyio.run(ExpertBackend().answer, request).reply)
    return tuple(as_hypothesis(step.candidates[number - 1]) for number in step.choice)


def solved(**changed: Any) -> tuple[Hypothesis, ...]:
    """The same under a control."""
    reply = PlannedScript.model_validate(anyio.run(ExpertBackend().answer, solve_step(**changed)).reply)
    assert reply.script
    return tuple(as_hypothesis(each) for each in reply.hypotheses)


def as_hypothesis(idea: Idea) -> Hypothesis:
    return Hypothesis.model_validate(dict(idea) | {"challenge": ""})


DRAFT: dict[str, Any] = {"action": "draft", "base": None, "history": ()}
DRAFTS: list[Callable[..., tuple[Hypothesis, ...]]] = [partial(planned, True), partial(solved, **DRAFT)]


@pytest.mark.parametrize("change", [planned, solved])
def test_the_expert_plans_one_change_of_a_solution(change: Callable[[], tuple[Hypothesis, ...]]) -> None:
    (hypothesis,) = change()
    assert hypothesis.expected_gain > 0


@pytest.mark.parametrize("draft", DRAFTS)
def test_the_experts_drafts_differ_from_those_it_is_shown(draft: Callable[..., tuple[Hypothesis, ...]]) -> None:
    first = draft(step=1)
    families = [each.direction for each in first if each.parameter == "family"]
    second = draft(step=2, siblings=first)
    assert families
    assert families != [each.direction for each in second if each.parameter == "family"]


@pytest.mark.parametrize("draft", DRAFTS)
def test_the_experts_independent_drafts_differ_by_their_seed(draft: Callable[..., tuple[Hypothesis, ...]]) -> None:
    drafts = {tuple(each.key for each in draft(step=step, seed=step)) for step in range(2, 12)}
    assert len(drafts) >= 8


SHORT_OF_THE_BASE: dict[str, dict[str, object]] = {
    "tree-search": {"optimizer": "tree-search", "method.tree.drafts": 2},
    "tree-search-uct": {"optimizer": "tree-search", "method.tree.drafts": 2, "method.tree.policy": "uct"},
    "best-of-n": {"optimizer": "best-of-n"},
    "without-reasoning": {"method.structured_reasoning": False},
    "without-memory": {"method.success_memory": False},
    "one-trace": {"method.multi_trace": False},
}


def flat(value: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {path: value}
    return {
        name: leaf for key, inner in value.items() for name, leaf in flat(inner, f"{path}.{key}".strip(".")).items()
    }


@pytest.mark.parametrize("name", SHORT_OF_THE_BASE)
def test_a_control_differs_from_the_base_scenario_in_nothing_else(name: str) -> None:
    base = flat(load_scenario(SCENARIOS / "bike-demand.yaml").model_dump())
    control = flat(load_scenario(SCENARIOS / f"{name}.yaml").model_dump())
    differing = {key: value for key, value in control.items() if base[key] != value}
    assert differing == {"name": name, **SHORT_OF_THE_BASE[name]}
