"""What a tracker is given of a run: parameters, figures, scripts and times, computed from the log alone."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from gome.bus.events import ActivityFinished
from gome.bus.message import Envelope
from gome.viewer.model.script_diff import Artefacts
from gome.viewer.model.steps import Step
from gome.viewer.model.summary import Summary
from gome.viewer.model.timeline import WallClock
from gome.viewer.model.usage import Usage

__all__ = ["Recorder", "TrackedRun", "TrackedTrial", "Tracker"]

_LONGEST = 500
"""Maximum length of a parameter, which every tracker takes."""


@dataclass(frozen=True)
class TrackedTrial:
    """A trial that has its verdict. `name` is `trace.step`, `number` counts trials from 1; times are UTC seconds."""

    name: str
    number: int
    begun: float
    ended: float
    failed: bool
    params: dict[str, str]
    metrics: dict[str, float]
    script: str | None


@dataclass(frozen=True)
class TrackedRun:
    """A run as far as it is known up to `latest`; `ended` is None while it may go on. `files` are texts by file name.

    Figures of a trial may change after its verdict, when it is completed on more splits or probed.
    `course` is the best score after each trial, by the trial's number.
    """

    name: str
    begun: float
    latest: float
    ended: float | None
    params: dict[str, str]
    metrics: dict[str, float]
    course: dict[int, float]
    trials: tuple[TrackedTrial, ...]
    files: dict[str, str] = field(default_factory=dict)
    report: Path | None = None


class Tracker(Protocol):
    """Where a run is tracked. Calls are blocking; any exception ends the tracking, never the run."""

    def sync(self, run: TrackedRun) -> None:
        """Send what is not there yet. The same run may be sent again, also by another process."""

    def close(self) -> None:
        """Send what is still kept back, and disconnect."""


class Recorder:
    """Follows a log, and says what a tracker is to hold. `artefacts` are the run's."""

    def __init__(self, artefacts: Artefacts) -> None:
        self.artefacts = artefacts
        self.summary = Summary()
        self._clock = WallClock()
        self._used: dict[tuple[int, int], Usage] = {}

    def apply(self, envelope: Envelope) -> None:
        """Take the next message of the log."""
        self.summary.apply(envelope)
        self._clock.apply(envelope)
        if isinstance(envelope.message, ActivityFinished) and envelope.trace is not None and envelope.step is not None:
            self._used.setdefault((envelope.trace, envelope.step), Usage()).add(envelope.message)

    def run(self, report: Path | None = None, *, over: bool) -> TrackedRun:
        """The run as it stands, with its report where there is one; `over`: nothing more will be recorded."""
        summary, latest = self.summary, self._clock.at(self.summary.time)
        finished, best = summary.finished is not None, summary.best
        return TrackedRun(
            name=summary.run,
            begun=self._clock.at(0.0),
            latest=latest,
            ended=latest if finished and over else None,
            params=self._params(),
            metrics=self._metrics(),
            course=self._course(),
            trials=tuple(self._trial(step, place) for place, step in enumerate(summary.trials, 1) if step.diagnosis),
            files={
                **({"best/solution.py": self._text(best.script_ref)} if best is not None else {}),
                **({"scenario.json": json.dumps(summary.opened.scenario, indent=1)} if summary.opened else {}),
            },
            report=report if report is not None and report.is_file() else None,
        )

    def _params(self) -> dict[str, str]:
        opened = self.summary.opened
        if opened is None:
            return {}
        chosen = {key: opened.scenario.get(key) for key in ("optimizer", "traces", "lookahead", "seed")}
        backends = {f"backend.{role}": label for role, label in opened.reasoners.items()}
        budget = {f"budget.{unit}": limit for unit, limit in (opened.scenario.get("budget") or {}).items()}
        task = {"task": opened.task.name, "metric": opened.task.metric, "direction": opened.task.direction}
        return _params({"scenario": opened.name, **task, **chosen, **backends, **budget, "version": opened.version})

    def _metrics(self) -> dict[str, float]:
        summary, best, submitted = self.summary, self.summary.best, self.summary.submitted
        grade = submitted.grade if submitted is not None else None
        return _figures(
            {
                "baseline": summary.opened.baseline if summary.opened else None,
                "score": best.score if best else None,
                "standard_error": best.standard_error if best else None,
                "holdout_score": submitted.holdout if submitted else None,
                "test_score": grade.score if grade else None,
                "trials": sum(step.diagnosis is not None for step in summary.trials),
                "accepted": summary.count("accepted"),
                **_used(summary.total()),
            }
        )

    def _course(self) -> dict[int, float]:
        course: dict[int, float] = {}
        best: float | None = None
        for place, step in enumerate(self.summary.trials, 1):
            if step.verdict == "accepted" and step.score is not None:
                best = step.score if best is None or self.summary.better(step.score, best) else best
            if best is not None and step.diagnosis is not None:
                course[place] = best
        return course

    def _trial(self, step: Step, number: int) -> TrackedTrial:
        evaluation, ideas, proposal = step.evaluation, step.hypotheses, step.proposal
        first = ideas[0] if ideas else None
        scores = zip(evaluation.splits, evaluation.folds, strict=False) if evaluation else ()
        used = self._used.get((step.trace, step.step), Usage())
        ref = step.diagnosis.script_ref if step.diagnosis else None
        return TrackedTrial(
            name=step.name,
            number=number,
            begun=self._clock.at(step.opened or 0.0),
            ended=self._clock.at(step.closed or step.opened or 0.0),
            failed=step.verdict in ("failed", "dead"),
            params=_params(
                {
                    "trace": step.trace,
                    "step": step.step,
                    "stage": step.stage,
                    "kind": proposal.step_kind if proposal else None,
                    "change": "; ".join(each.statement for each in ideas),
                    "component": first.component if first else None,
                    "parameter": first.parameter if first else None,
                    "direction": first.direction if first else None,
                    "verdict": step.verdict,
                    "reason": step.diagnosis.reason if step.diagnosis else None,
                    "hints": ", ".join(proposal.hints) if proposal else None,
                }
            ),
            metrics=_figures(
                {
                    "score": step.score,
                    "standard_error": evaluation.standard_error if evaluation else None,
                    "gain": step.gain,
                    **{f"score.split_{split}": score for split, score in scores},
                    "seconds": step.trial.seconds if step.trial else None,
                    "attempts": step.trial.attempts if step.trial else None,
                    **_used(used),
                }
            ),
            script=self._text(ref) if ref else None,
        )

    def _text(self, ref: str) -> str:
        return self.artefacts.read_now(ref).decode("utf-8", "replace")


def _used(usage: Usage) -> dict[str, float | None]:
    """Calls, tokens, USD and scripts; a total that is not known is left out."""
    return {
        "calls": usage.calls,
        "tokens": usage.known_tokens,
        "usd": usage.known_usd,
        "scripts": usage.scripts,
        "script_seconds": usage.script_seconds,
    }


def _params(values: Mapping[str, Any]) -> dict[str, str]:
    """Values as short texts; what is empty is left out."""
    return {key: str(value)[:_LONGEST] for key, value in values.items() if value not in (None, "")}


def _figures(values: Mapping[str, float | None]) -> dict[str, float]:
    """The values that are finite numbers: trackers take no others."""
    return {key: float(value) for key, value in values.items() if value is not None and math.isfinite(value)}
