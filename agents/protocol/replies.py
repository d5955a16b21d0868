"""The types of replies to requests."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from gome.agents.protocol.types import (
    Challenge,
    Component,
    HypothesisVerdict,
    Record,
    Scores,
    StepKind,
)

__all__ = ["Assessment", "Idea", "PlannedScript", "Reading", "Script", "Step", "Survey"]


class Assessment(Record):
    """A model's judgement of one trial. The harness's figures decide, except near-ties, which `accept` decides.

    `finding` is one sentence that all later steps should know, accepted or not, empty for none. `contradicts` are
    numbers of known findings that this trial refutes.
    """

    alignment: Literal["aligned", "mild", "severe"] = "aligned"
    accept: bool = False
    reason: str = ""
    observations: str
    finding: str = ""
    contradicts: tuple[int, ...] = ()
    hypothesis_verdict: HypothesisVerdict = "inconclusive"
    challenges: tuple[Challenge, ...] = Field(default=(), max_length=10)


class Survey(Record):
    """At most five challenges of the task itself.

    A server that is sent the schema of the assessments for both may be given their other fields: they say nothing here.
    """

    challenges: tuple[Challenge, ...] = Field(max_length=5)

    @model_validator(mode="before")
    @classmethod
    def _of_no_trial(cls, given: Any) -> Any:
        said_of_trials = Assessment.model_fields.keys() - cls.model_fields.keys()
        return {name: given[name] for name in given if name not in said_of_trials} if isinstance(given, dict) else given


class Idea(Record):
    """A hypothesis as a model writes it; `challenge` is the number of the challenge that it addresses, 0 for none."""

    statement: str
    reason: str
    challenge: Annotated[int, Field(ge=0)] = 0
    component: Component
    parameter: str
    direction: str
    expected_gain: float = 0.0
    scores: Scores | None = None


class Step(Record):
    """Candidate ideas, and in `choice` the numbers (from 1) of those that this step implements.

    `recalled` is the number of the recalled change that is taken over; it needs no choice. `source` is the trace whose
    best a merge takes from, or a return continues from. `sketch` is the plan for the model that writes the script.
    `answer` says how the step follows what the user asks, or why not.
    """

    candidates: tuple[Idea, ...] = Field(max_length=10)
    kind: StepKind = "edit"
    choice: tuple[int, ...] = ()
    recalled: int | None = None
    source: int | None = None
    reason: str = ""
    sketch: str = ""
    answer: str = ""


class Script(Record):
    """A whole `solution.py`, and a sentence about the change."""

    script: str = Field(min_length=1)
    notes: str = ""


class PlannedScript(Script):
    """A script whose `notes` are its plan; `hypotheses`, where given, are the same plan in parts."""

    hypotheses: tuple[Idea, ...] = ()


class Reading(Record):
    """A summary of a run in two or three sentences."""

    summary: str
