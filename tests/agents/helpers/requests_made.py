"""Requests with realistic content, one of each kind, for the tests of prompts and backends."""

from typing import Any

from gome.agents.protocol.replies import Idea
from gome.agents.protocol.requests import AssessTrial, ProposeStep, ReadOutput, Request, SurveyTask, Workplace
from gome.agents.protocol.script_requests import RepairSolution, SolveStep, WriteSolution
from gome.agents.protocol.types import (
    Challenge,
    Effect,
    Failure,
    Finding,
    Hypothesis,
    Left,
    Recalled,
    Scores,
    Solution,
    TraceBest,
    TrialNote,
    Underway,
)
from gome.agents.scripts.difference import difference
from gome.scenarios.diagnostics.record import Concentration, Diagnostics, Part, ShownRow
from gome.scenarios.evidence import (
    ColumnProfile,
    DefectNote,
    Evaluation,
    LeakNote,
    Profile,
    ResidualSlice,
    SplitRule,
    TaskBrief,
)
from tests.agents.helpers.recorded_model import RECORDED

SCRIPT = (RECORDED / "bike_demand" / "root.py").read_text()

TASK = TaskBrief(
    name="bike-demand",
    description="# Bike demand\n\nPredict how many bicycles are hired out in each hour.",
    task_type="regression",
    id_column="id",
    targets=("bikers",),
    metric="rmsle",
    direction="minimize",
    prediction="value",
    submission_columns=("id", "bikers"),
    train_file="train.csv",
    test_file="test.csv",
    split=SplitRule(kind="group", column="day", block=11, folds=5),
    train_rows=5422,
    test_rows=3223,
)
PROFILE = Profile(
    rows=5422,
    columns=(
        ColumnProfile(name="id", role="id", dtype="integer", cardinality=5422, missing=0.0),
        ColumnProfile(
            name="hr", role="feature", dtype="integer", cardinality=24, missing=0.0,
            skew=-0.01, minimum=0, mean=11.6, median=12, maximum=23, examples=("0", "8", "17"), relevance=0.71,
        ),
        ColumnProfile(
            name="weathersit", role="feature", dtype="category", cardinality=4, missing=0.0,
            examples=("clear", "light rain/snow"), levels=(("clear", 3100), ("mist", 1500)),
            unseen_in_test=0.0003, relevance=0.02,
        ),
        ColumnProfile(
            name="bikers", role="target", dtype="integer", cardinality=700, missing=0.0,
            skew=1.3, minimum=1, mean=144.6, median=109, maximum=651, examples=("148", "343"),
        ),
    ),
    target_skew=1.3,
)  # fmt: skip
WORKPLACE = Workplace(
    python="3.11.9",
    packages={"numpy": "2.3.0", "pandas": "3.0.1", "scikit-learn": "1.8.0"},
    threads=1,
    memory_gib=4.0,
    debug_seconds=20.0,
    full_seconds=60.0,
)
EVALUATION = Evaluation(
    view="splits",
    score=0.5234,
    splits=(0, 1, 2, 3, 4),
    planned=5,
    folds=(0.51, 0.53, 0.52, 0.54, 0.517),
    fold_rows=((1084, 4338),) * 5,
    weights=(0.2,) * 5,
    replicates=((0.5, 0.52, 0.51), (0.52, 0.54, 0.53), (0.51, 0.53, 0.52), (0.53, 0.55, 0.54), (0.51, 0.52, 0.53)),
    standard_error=0.0055,
    train_folds=(0.41, 0.42, 0.41, 0.42, 0.41),
    importance={"hour": 0.6, "temp": 0.2},
    residuals=(ResidualSlice(feature="hr", value="3", rows=220, loss=0.9, share_of_loss=0.31, bias=4.2),),
    leaks=(LeakNote(code="copy", message="the target is 1.00 times column hr"),),
)
BROKEN = Evaluation(
    view="split-0", defects=(DefectNote(code="missing-rows", message="12 ids have no prediction", row=3),)
)
CHALLENGE = Challenge(
    source="scenario",
    category="target distribution",
    caption="Errors at small counts dominate RMSLE",
    statement="bikers is skewed and RMSLE measures ratios.",
    reasoning="The target is a count with a long tail.",
    metric_impact="0.1 to 0.2",
)


def hypothesis(parameter: str = "target-transform", direction: str = "log1p") -> Hypothesis:
    return Hypothesis.model_validate(idea(parameter, direction).model_dump() | {"challenge": CHALLENGE.caption})


def idea(parameter: str = "target-transform", direction: str = "log1p", **changed: Any) -> Idea:
    """The same as its author gives it: it meets the first challenge."""
    values: dict[str, Any] = {
        "statement": f"Set {parameter} to {direction}.",
        "reason": "It is the metric's own scale.",
        "challenge": 1,
        "component": "Model",
        "parameter": parameter,
        "direction": direction,
        "expected_gain": 0.1,
    }
    return Idea(**(values | changed))


SCORES = Scores(impact=8, alignment=8, novelty=8, feasibility=8, risk_reward=8)


NOTE = TrialNote(
    trace=0,
    step=1,
    hypotheses=(hypothesis("model-family", "trees"),),
    score=0.5234,
    gain=None,
    accepted=True,
    reason="The first valid solution is accepted.",
    observations="Night hours carry the error.",
)
DIAGNOSTICS = Diagnostics(
    rows=100,
    looked_at=100,
    loss="squared error of log(1 + x)",
    scale="log1p",
    mean_loss=0.2,
    concentration=Concentration(ten_rows=0.4, percent=0.1, tenth=0.4),
    slices=(Part(feature="hr", value="0 to 5", rows=20, share_of_rows=0.2, share_of_loss=0.6, bias=0.31),),
    columns=("hr", "weathersit"),
    dearest=(ShownRow(truth="4", prediction="31.2", share_of_loss=0.09, split=3, cells=("2", "rain")),),
)

SOLUTION = Solution(script=SCRIPT, evaluation=EVALUATION, seconds=4.2)
RECALLED = Recalled(
    id="a1b2",
    trace=1,
    step=2,
    hypotheses=(hypothesis("hour-encoding", "cyclic"),),
    feedback="It helped at the turn of the day.",
    gain=0.02,
    standard_error=0.005,
    score=0.45,
    weight=None,
    why="global-best",
    script_ref="c0ffee",
    base_ref=None,
    difference=difference("hour = hr\nrush = 0\n", "hour = cyclic(hr)\nrush = 0\n"),
)
DRAWN = RECALLED.model_copy(update={"id": "c3d4", "step": 3, "weight": 0.4, "why": "sampled", "base_ref": "decaf"})
FAILURE = Failure(
    trace=1,
    step=1,
    idea="Set hour-encoding to one-hot.",
    words="KeyError: 'hour'",
    mended="The data call the hour `hr`.",
)
FINDINGS = (
    Finding(trace=1, step=2, text="The hour acts as a cycle."),
    Finding(trace=0, step=1, text="Trees beat lines here.", contradicted=((2, 1),)),
)
STANDINGS = (
    TraceBest(trace=1, step=2, score=0.45, idea="Set hour-encoding to cyclic.", trials=2, script_ref="c0ffee"),
    TraceBest(trace=0, step=1, score=0.5234, idea="Set model-family to trees.", trials=1, script_ref="deed"),
)
LEFT = Left(trials=5, traces=2, minutes=12.5, usd=0.75)
COMMON: dict[str, Any] = {
    "task": TASK,
    "profile": PROFILE,
    "workplace": WORKPLACE,
    "baseline": 1.389,
    "trace": 0,
    "step": 2,
    "seed": 1234,
}


def survey_task(**changed: Any) -> SurveyTask:
    return SurveyTask(**(COMMON | {"step": 0} | changed))


def assess_trial(**changed: Any) -> AssessTrial:
    values = COMMON | {
        "hypotheses": (hypothesis(),),
        "incumbent": SOLUTION,
        "script": SCRIPT,
        "difference": "--- best\n+++ trial\n-    old line\n+    new line",
        "cause": "ok",
        "words": "It ended by itself.",
        "output": "epoch 1/5\nepoch 2/5",
        "seconds": 4.5,
        "evaluation": EVALUATION,
        "effect": Effect(gain=0.01, standard_error=0.008, verdict="near-tie", splits=5, rows=5420),
        "history": (NOTE,),
        "wanted": ("scenario", "feedback"),
    }
    return AssessTrial(**(values | changed))


def propose_step(**changed: Any) -> ProposeStep:
    """A change of a solution, with what others found to work."""
    values = COMMON | {
        "action": "improve",
        "stage": "improve",
        "base": SOLUTION,
        "challenges": (CHALLENGE,),
        "history": (NOTE,),
        "recalled": (RECALLED,),
    }
    return ProposeStep(**(values | changed))


def first_step(**changed: Any) -> ProposeStep:
    """A first solution, unlike one that another trace begins with."""
    values: dict[str, Any] = {
        "step": 1,
        "action": "draft",
        "stage": "draft",
        "base": None,
        "wanted": 10,
        "history": (),
        "recalled": (),
        "siblings": (hypothesis("model-family", "linear"),),
    }
    return propose_step(**(values | changed))


def knowing_step(**changed: Any) -> ProposeStep:
    """A change with all that memory can give, and every kind of step to choose from."""
    values: dict[str, Any] = {
        "left": LEFT,
        "refused": (hypothesis("loss", "poisson").key,),
        "recalled": (RECALLED, DRAWN),
        "failures": (FAILURE,),
        "findings": FINDINGS,
        "standings": STANDINGS,
        "underway": (Underway(trace=1, step=3, hypotheses=(hypothesis("rounds", "more"),)),),
        "kinds": ("edit", "bundle", "merge", "leap", "return"),
    }
    return propose_step(**(values | changed))


def planned_step(**changed: Any) -> ProposeStep:
    """A change without structured reasoning."""
    return propose_step(**({"challenges": (), "recalled": (), "wanted": 1} | changed))


def solve_step(**changed: Any) -> SolveStep:
    """A step of a tree search."""
    values = COMMON | {
        "action": "improve",
        "base": SOLUTION,
        "history": (NOTE,),
        "underway": (Underway(trace=0, step=3, hypotheses=(hypothesis("rounds", "more"),)),),
    }
    return SolveStep(**(values | changed))


def read_output(**changed: Any) -> ReadOutput:
    values = COMMON | {
        "plan": "Fit the model to log1p of the target.",
        "script": SCRIPT,
        "words": "It ended by itself.",
        "output": "epoch 1/5\nepoch 2/5",
        "evaluation": EVALUATION,
    }
    return ReadOutput(**(values | changed))


def write_solution(**changed: Any) -> WriteSolution:
    values = COMMON | {
        "base": SCRIPT,
        "hypotheses": (hypothesis(),),
        "sketch": "## Current state\n…\n\n## Modifications\nOnly `fit` and `predict`.",
    }
    return WriteSolution(**(values | changed))


def repair_solution(**changed: Any) -> RepairSolution:
    values = COMMON | {
        "script": SCRIPT,
        "hypotheses": (hypothesis(),),
        "phase": "full",
        "cause": "exit",
        "words": "The script ended with status 1.",
        "output": "Traceback (most recent call last):\nKeyError: 'hour'",
        "evaluation": BROKEN,
        "attempt": 1,
    }
    return RepairSolution(**(values | changed))


def one_of_each() -> list[Request[Any]]:
    """One request of every kind, and the root's variants."""
    return [
        survey_task(),
        assess_trial(),
        assess_trial(incumbent=None, effect=None, history=(), wanted=("scenario",), difference=""),
        assess_trial(evaluation=None, cause="exit", words="status 1", output="", wanted=()),
        assess_trial(findings=FINDINGS, left=LEFT),
        propose_step(),
        first_step(),
        propose_step(ranked=True),
        first_step(ranked=True),
        knowing_step(),
        planned_step(),
        planned_step(recalled=(RECALLED,)),
        first_step(challenges=(), wanted=10),
        solve_step(),
        solve_step(
            action="draft", base=None, history=(), underway=(), siblings=(hypothesis("model-family", "linear"),)
        ),
        read_output(),
        read_output(evaluation=None, output=""),
        write_solution(),
        write_solution(base=None),
        write_solution(other=SCRIPT, seconds=4.2, failures=(FAILURE,)),
        repair_solution(),
        repair_solution(evaluation=None, output=""),
    ]
