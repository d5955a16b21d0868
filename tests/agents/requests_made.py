"""Requests with realistic content, one of each kind, for the tests of prompts and backends."""

from typing import Any

from agents.ideas import Challenge, Effect, Hypothesis, Recalled, Score, Scores, Solution, TrialNote
from agents.requests import (
    AssessTrial,
    PlanStep,
    ProposeHypotheses,
    RepairSolution,
    Request,
    SelectHypothesis,
    SurveyTask,
    TuneSolution,
    Workplace,
    WriteSolution,
)
from scenarios.evidence import (
    ColumnProfile,
    DefectNote,
    Evaluation,
    LeakNote,
    Profile,
    ResidualSlice,
    SplitRule,
    TaskBrief,
)
from tests.agents.recorded_model import RECORDED

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
            skew=-0.01, minimum=0, mean=11.6, maximum=23, examples=("0", "8", "17"), relevance=0.71,
        ),
        ColumnProfile(
            name="weathersit", role="feature", dtype="category", cardinality=4, missing=0.0,
            examples=("clear", "light rain/snow"), unseen_in_test=0.0003, relevance=0.02,
        ),
        ColumnProfile(
            name="bikers", role="target", dtype="integer", cardinality=700, missing=0.0,
            skew=1.3, minimum=1, mean=144.6, maximum=651, examples=("148", "343"),
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
    score = Score(value=8, reason="because")
    return Hypothesis(
        statement=f"Set {parameter} to {direction}.",
        reason="It is the metric's own scale.",
        challenge=CHALLENGE.caption,
        component="Model",
        parameter=parameter,
        direction=direction,
        scores=Scores(impact=score, alignment=score, novelty=score, feasibility=score, risk_reward=score),
        expected_gain=0.1,
    )


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
SOLUTION = Solution(script=SCRIPT, evaluation=EVALUATION, seconds=4.2)
RECALLED = Recalled(
    id="a1b2",
    trace=1,
    step=2,
    hypothesis=hypothesis("hour-encoding", "cyclic"),
    feedback="It helped at the turn of the day.",
    gain=0.02,
    score=0.45,
    weight=None,
    why="global-best",
)
COMMON: dict[str, Any] = {"task": TASK, "profile": PROFILE, "trace": 0, "step": 2, "seed": 1234}


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


def propose_hypotheses(**changed: Any) -> ProposeHypotheses:
    values = COMMON | {
        "stage": "improve",
        "incumbent": SOLUTION,
        "challenges": (CHALLENGE,),
        "history": (NOTE,),
        "workplace": WORKPLACE,
    }
    return ProposeHypotheses(**(values | changed))


def select_hypothesis(**changed: Any) -> SelectHypothesis:
    values = COMMON | {
        "stage": "improve",
        "incumbent": SOLUTION,
        "candidates": (hypothesis(), hypothesis("loss", "poisson")),
        "recalled": (RECALLED,),
        "siblings": (),
        "history": (NOTE,),
        "workplace": WORKPLACE,
    }
    return SelectHypothesis(**(values | changed))


def plan_step(**changed: Any) -> PlanStep:
    values = COMMON | {
        "action": "improve",
        "stage": "improve",
        "base": SOLUTION,
        "recalled": (),
        "siblings": (),
        "history": (NOTE,),
        "workplace": WORKPLACE,
    }
    return PlanStep(**(values | changed))


def write_solution(**changed: Any) -> WriteSolution:
    values = COMMON | {
        "base": SCRIPT,
        "hypotheses": (hypothesis(),),
        "sketch": "## Current state\n…\n\n## Modifications\nOnly `fit` and `predict`.",
        "workplace": WORKPLACE,
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
        "workplace": WORKPLACE,
    }
    return RepairSolution(**(values | changed))


def tune_solution(**changed: Any) -> TuneSolution:
    values = COMMON | {
        "script": SCRIPT,
        "evaluation": EVALUATION,
        "seconds": 4.2,
        "output": "epoch 1/5",
        "workplace": WORKPLACE,
    }
    return TuneSolution(**(values | changed))


def one_of_each() -> list[Request[Any]]:
    """One request of every kind, and the root's variants."""
    return [
        survey_task(),
        assess_trial(),
        assess_trial(incumbent=None, effect=None, history=(), wanted=("scenario",), difference=""),
        assess_trial(evaluation=None, cause="exit", words="status 1", output="", wanted=()),
        propose_hypotheses(),
        propose_hypotheses(stage="draft", incumbent=None, history=()),
        select_hypothesis(),
        select_hypothesis(stage="draft", incumbent=None, recalled=(), siblings=(hypothesis("model-family", "linear"),)),
        plan_step(),
        plan_step(recalled=(RECALLED,)),
        plan_step(
            action="draft", stage="draft", base=None, history=(), siblings=(hypothesis("model-family", "linear"),)
        ),
        write_solution(),
        write_solution(base=None),
        repair_solution(),
        repair_solution(evaluation=None, output=""),
        tune_solution(),
    ]
