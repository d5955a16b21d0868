"""A made-up run as a real log on disk: two traces, six trials, every verdict, a loan across traces, a finish.

`wrap` is put around every text that an agent could have written, for tests of hostile text.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from gome.agents.protocol.final_selection import Finalist, FinalRanking, Shipped
from gome.agents.protocol.messages import (
    Diagnosis,
    Job,
    Proposal,
    Recollection,
    RepairCalled,
    SolutionProbed,
    StepOpened,
    TraceOpened,
    Trial,
)
from gome.agents.protocol.requests import Workplace
from gome.agents.protocol.run_messages import FinishCalled, RunFinished, RunOpened, SessionOpened
from gome.agents.protocol.types import Challenge, Effect, Hypothesis, Recalled
from gome.bus.events import ActivityFinished, ActivityStarted, DeadLetter
from gome.bus.message import Envelope, Message, message_id
from gome.bus.store.artefacts import Artefacts
from gome.bus.store.tables import COLUMNS, FILE_NAME, create
from gome.executors.launch import Cause
from gome.scenarios.diagnostics.record import Concentration, Diagnostics, Part, Probes, Sensitivity, ShownRow
from gome.scenarios.evidence import Evaluation, Grade, Profile, SplitRule, TaskBrief

RUN = "261122-0530-bike-demand-a1b2"
EXPERT = "expert (rule-based, not a language model)"
EMBEDDER = "a-small-embedder"
Wrap = Callable[[str], str]


@dataclass
class Sample:
    """Builds a run message by message, with a clock of its own."""

    wrap: Wrap = str
    run: str = RUN
    envelopes: list[Envelope] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)
    time: float = 0.0

    def put(self, content: str) -> str:
        ref = hashlib.sha256(content.encode()).hexdigest()
        self.contents[ref] = content.encode()
        return ref

    def read_now(self, ref: str) -> bytes:
        return self.contents[ref]

    def say(
        self,
        sender: str,
        message: Message,
        trace: int | None = None,
        step: int | None = None,
        cause: Envelope | None = None,
        later: float = 0.1,
    ) -> Envelope:
        self.time += later
        seq = len(self.envelopes) + 1
        name = message_id(cause.id if cause else None, sender, seq)
        correlation = cause.correlation if cause else name
        because = cause.id if cause else None
        envelope = Envelope(
            name, seq, self.run, sender, trace, step, because, correlation, round(self.time, 3), message
        )
        self.envelopes.append(envelope)
        return envelope

    def activity(self, sender: str, kind: str, label: str, cause: Envelope, seconds: float, **meter: float) -> None:
        request = hashlib.sha256(label.encode()).hexdigest()
        ordinal = len(self.envelopes)
        common = {"activity": kind, "label": label, "ordinal": ordinal, "attempt": 1, "request_hash": request}
        place = (cause.trace, cause.step, cause)
        asked = {"asks": label} | ({"model": EMBEDDER} if kind == "embed" else {})
        self.say(sender, ActivityStarted(**common, request_ref=self.put(json.dumps(asked))), *place)
        answer: dict[str, object] = {
            "reply": {"said": self.wrap("the reply")},
            "model": EXPERT,
            "prompt": self.wrap("the prompt"),
            "raw": "raw",
        }
        result = self.put(json.dumps({"vectors": []} if kind == "embed" else answer))
        finished = ActivityFinished(**common, result_ref=result, seconds=seconds, meter=meter)
        self.say(sender, finished, *place, later=seconds)

    def hypothesis(self, text: str, gain: float) -> Hypothesis:
        return Hypothesis(
            statement=self.wrap(text),
            reason=self.wrap("residuals say so"),
            challenge=self.wrap("hours differ"),
            component="FeatureEng",
            parameter=self.wrap("hour"),
            direction="add",
            expected_gain=gain,
        )

    def write(self, folder: Path) -> Path:
        """The log as a file with its artefacts, as the bus writes them."""
        folder.mkdir(parents=True)
        connection = sqlite3.connect(folder / FILE_NAME)
        create(connection, self.run)
        marks = ", ".join("?" * len(COLUMNS.split(",")))
        rows = [
            (
                *(each.seq, each.id, each.kind, each.sender, each.trace, each.step, each.cause, each.correlation),
                *(each.time, each.message.model_dump_json()),
            )
            for each in self.envelopes
        ]
        with connection:
            connection.executemany(f"INSERT INTO messages ({COLUMNS}) VALUES ({marks})", rows)  # noqa: S608  our own words
        connection.close()
        artefacts = Artefacts(folder)
        for ref, content in self.contents.items():
            assert artefacts.put_now(content) == ref
        return folder


def evaluation(score: float) -> Evaluation:
    folds = tuple(round(score + offset, 4) for offset in (-0.012, -0.004, 0.0, 0.006, 0.01))
    return Evaluation(
        view="splits",
        score=score,
        splits=tuple(range(5)),
        planned=5,
        folds=folds,
        fold_rows=((20, 80),) * 5,
        weights=(0.2,) * 5,
        replicates=((),) * 5,
        standard_error=0.004,
    )


def opened(sample: Sample) -> RunOpened:
    wrap = sample.wrap
    return RunOpened(
        version="0.2.0",
        splits=tuple(f"split-{split}" for split in range(5)),
        name="bike-demand",
        scenario={
            "name": "bike-demand",
            "task": "bike-demand",
            "seed": 7,
            "traces": 2,
            "budget": {"time": 100.0, "trials": 12},
            "backends": {"offline": {"kind": "expert"}},
            "roles": {"diagnoser": "offline", "proposer": "offline", "executor": "offline"},
        },
        scenario_path="scenarios/bike-demand.yaml",
        task_path="scenarios/tasks/bike-demand",
        task_digest="0" * 64,
        task=TaskBrief(
            name="bike-demand",
            description=wrap("Predict bikers."),
            task_type="regression",
            id_column="id",
            targets=("bikers",),
            metric="rmsle",
            direction="minimize",
            prediction="value",
            submission_columns=("id", "bikers"),
            train_file="train.csv",
            test_file="test.csv",
            split=SplitRule(kind="group", column="day", block=6),
            train_rows=5422,
            test_rows=3223,
        ),
        profile=Profile(rows=5422, columns=()),
        workplace=Workplace(
            python="3.11.2",
            packages={"pandas": "3.0.0", "scikit-learn": "1.9.0"},
            threads=1,
            memory_gib=4.0,
            debug_seconds=20.0,
            full_seconds=60.0,
        ),
        reasoners={"diagnoser": EXPERT, "proposer": EXPERT, "executor": EXPERT},
        baseline=1.416,
    )


def diagnosis(sample: Sample, verdict: str, score: float | None, gain: float | None, **more: object) -> Diagnosis:
    wrap = sample.wrap
    effect = None
    if gain is not None:
        effect = Effect(gain=gain, standard_error=0.002, verdict="better" if gain > 0 else "worse")
    challenge = Challenge(
        source="scenario",
        category="data",
        caption=wrap("hours differ"),
        statement=wrap("Demand depends on the hour."),
        reasoning=wrap("peaks"),
        metric_impact="large",
    )
    values: dict[str, object] = {
        "verdict": verdict,
        "layer": "analysis",
        "reason": wrap(f"{verdict} by its folds"),
        "observations": wrap("night hours err most"),
        "hypotheses": (),
        "hypothesis_verdict": "confirmed" if verdict == "accepted" else "refuted",
        "challenges": (challenge,),
        "script_ref": None,
        "submission_ref": None,
        "evaluation": evaluation(score) if score is not None else None,
        "seconds": 4.0,
        "score": score,
        "erased": False,
        "effect": effect,
    }
    return Diagnosis.model_validate({**values, **more})


def trial(
    sample: Sample,
    trace: int,
    step: int,
    verdict: str,
    score: float | None,
    gain: float | None,
    base: str | None,
    origin: Recalled | None = None,
) -> tuple[str, Envelope]:
    """One step from its opening to its diagnosis; the script's ref and the diagnosis."""
    director, at = "director", (trace, step)
    open_ = sample.say(director, StepOpened(used=step / 8, stage="improve" if step > 1 else "draft"), *at)
    idea = sample.hypothesis(f"Idea {trace}.{step}: a feature of the hour", 0.02)
    recalled = (origin,) if origin else ()
    recollection = sample.say("memory-keeper", Recollection(recalled=recalled), *at, open_)
    sample.activity(f"proposer-{trace}", "reason", "ProposeStep", recollection, 0.4, calls=1.0, tokens=1200.0, usd=0.01)
    proposal = sample.say(
        f"proposer-{trace}",
        Proposal(
            action="draft" if base is None else "improve",
            hypotheses=(idea,),
            ideas=(idea,),
            sketch=sample.wrap("change one line"),
            reason=sample.wrap("most impact"),
            base_ref=base,
            origin=origin.id if origin else None,
            stage="draft" if base is None else "improve",
        ),
        *at,
        recollection,
    )
    sample.activity(f"writer-{trace}", "reason", "WriteSolution", proposal, 0.6, calls=1.0, tokens=900.0, usd=0.02)
    script = sample.put(f"import pandas\n# step {trace}.{step}\nprint({sample.wrap('predicting')!r})\n")
    submission = sample.put(f"id,bikers\n1,{trace}.{step}\n")
    job = sample.say(f"writer-{trace}", Job(script_ref=script, attempt=1, notes=sample.wrap("one line")), *at, proposal)
    if verdict == "failed":
        sample.activity(f"runner-{trace}", "script", "debug run", job, 0.5, scripts=1.0, script_seconds=0.5)
        called = RepairCalled(
            script_ref=script,
            attempt=1,
            phase="debug",
            cause=Cause.EXIT,
            words=sample.wrap("KeyError: 'hr'"),
            output_ref=sample.put(sample.wrap("Traceback")),
            evaluation=None,
        )
        sample.say(f"runner-{trace}", called, *at, job)
    sample.activity(f"runner-{trace}", "script", "full run", job, 3.0, scripts=1.0, script_seconds=2.5)
    ran = Trial(
        script_ref=script,
        attempts=1,
        phase="full",
        cause=Cause.OK if score is not None else Cause.TIMEOUT,
        words=sample.wrap("ended well" if score is not None else "took longer than 60 s"),
        seconds=2.5,
        output_ref=sample.put(sample.wrap("split 1/5")),
        submission_ref=submission,
        evaluation=evaluation(score) if score is not None else None,
    )
    done = sample.say(f"runner-{trace}", ran, *at, job)
    sample.activity(f"diagnoser-{trace}", "reason", "AssessTrial", done, 0.3, calls=1.0, tokens=700.0, usd=0.005)
    verdict_of = diagnosis(
        sample, verdict, score, gain, hypotheses=(idea,), script_ref=script, submission_ref=submission
    )
    return script, sample.say(f"diagnoser-{trace}", verdict_of, *at, done)


def sample_run(wrap: Wrap = str, run: str = RUN, *, finish: bool = True) -> Sample:
    """A whole run."""
    sample = Sample(wrap, run)
    start = sample.say("user", opened(sample))
    session = SessionOpened(wall=1795325400.0, pid=2**22 + 1, sandbox="bubblewrap", sandbox_gaps=(), slots=2)
    sample.say("session", session)
    surveyed = diagnosis(sample, "surveyed", None, None, evaluation=None, seconds=0.0, hypothesis_verdict=None)
    for trace, known in ((0, None), (1, surveyed.challenges)):
        survey = sample.say("director", TraceOpened(challenges=known), trace, 0, start)
        sample.say(f"diagnoser-{trace}", surveyed, trace, 0, survey)
    root0, _ = trial(sample, 0, 1, "accepted", 0.47, None, None)
    root1, _ = trial(sample, 1, 1, "accepted", 0.49, None, None)
    better, gave = trial(sample, 0, 2, "accepted", 0.43, 0.04, root0)
    trial(sample, 0, 3, "rejected", 0.445, -0.015, better)
    recalled = Recalled(
        id=gave.id,
        trace=0,
        step=2,
        hypotheses=(sample.hypothesis("Idea 0.2: a feature of the hour", 0.02),),
        feedback=wrap("helps at night"),
        gain=0.04,
        standard_error=0.002,
        score=0.43,
        weight=0.7,
        why="sampled",
        script_ref=better,
        base_ref=root0,
    )
    trial(sample, 1, 2, "accepted", 0.41, 0.08, root1, recalled)
    last = trial(sample, 1, 3, "failed", None, None, root1)[1]
    dead = DeadLetter(
        actor="proposer-1",
        message=last.id,
        message_kind="diagnosis",
        attempts=3,
        error=wrap("ReplyInvalid: no JSON"),
        traceback="",
    )
    sample.say("proposer-1", dead, 1, 3, last)
    if finish:
        close(sample, root1)
    return sample


def close(sample: Sample, script: str) -> None:
    submission = sample.put("id,bikers\n1,1.2\n")
    winner = Finalist(
        trace=1,
        step=2,
        script_ref=script,
        submission_ref=submission,
        score=0.41,
        standard_error=0.004,
        seconds=2.5,
        splits=tuple(range(5)),
        oof_ref=sample.put("id,bikers\n2,1.1\n"),
    )
    called = sample.say("director", FinishCalled(finalists=(winner,), seeds=2, reason="the budget of trials is used"))
    sample.activity("finisher", "script", "hold-out run", called, 3.0, scripts=1.0, script_seconds=2.5)
    ranking = FinalRanking(
        finalist=winner, scores=(0.412, 0.416), mean=0.414, spread=0.003, gap=0.004, misaligned=False
    )
    finished = RunFinished(
        winner=winner,
        ranking=(ranking,),
        shipped=Shipped(mode="mean", reason="better on the hold-out"),
        submission_ref=submission,
        why=sample.wrap("best mean hold-out score 0.414 of one finalist"),
        grade=Grade(score=0.418, medal="silver", above_median=True),
        trials=6,
        accepted=4,
        dead_letters=1,
    )
    sample.say("finisher", finished, None, None, called)


def with_evidence(sample: Sample, scale: str = "log1p") -> Sample:
    """The same run with an analysis of the errors of its best step, 1.2, and with probes of it."""
    parts = [
        Part(feature="prediction", value=value, rows=40, share_of_rows=0.5, share_of_loss=0.5, bias=bias)
        for value, bias in (("0 to 0.5", 0.1), ("0.5 to 1", -0.2))
    ]
    found = Diagnostics.model_validate(
        {
            "rows": 80,
            "looked_at": 80,
            "loss": "squared error",
            "scale": scale,
            "mean_loss": 0.2,
            "concentration": Concentration(ten_rows=0.4, percent=0.1, tenth=0.4),
            "quantiles": ((0.01, -2.0), (0.1, -1.0), (0.5, 0.0), (0.9, 1.0), (0.99, 2.0)),
            "by_prediction": parts,
            "by_truth": parts if scale != "probability" else (),
            "slices": (parts[0].model_copy(update={"feature": sample.wrap("hour"), "value": sample.wrap("0 to 4")}),),
            "columns": (sample.wrap("hour"),),
            "dearest": (ShownRow(truth="1", prediction="9", share_of_loss=0.2, cells=(sample.wrap("3"),)),),
        }
    )
    for place, each in enumerate(sample.envelopes):
        if isinstance(each.message, Diagnosis) and (each.trace, each.step) == (1, 2):
            ref = sample.put(found.model_dump_json())
            sample.envelopes[place] = replace(each, message=each.message.model_copy(update={"diagnostics_ref": ref}))
            probes = Probes(
                sensitivities=(
                    Sensitivity(feature=sample.wrap("hour"), loss=0.8, error=0.1),
                    Sensitivity(feature=sample.wrap("temp"), loss=0.2, error=0.05),
                ),
                whole=0.41,
                half=0.45,
                reseeded=0.412,
            )
            assert each.message.script_ref is not None
            sample.say("prober-1", SolutionProbed(script_ref=each.message.script_ref, probes=probes), 1, 2, each)
            break
    return sample
