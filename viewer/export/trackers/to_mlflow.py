"""A run in MLflow: one run with a child for each trial. The server is the one of MLFLOW_TRACKING_URI."""

import os
from typing import TYPE_CHECKING, Any

from gome.errors import UsageError
from gome.viewer.export.trackers.record import TrackedRun, TrackedTrial

if TYPE_CHECKING:
    pass

__all__ = ["MlflowTracker"]

_EXPERIMENT = "gome"
_RUN, _STEP, _PARENT, _NAME = "gome.run", "gome.step", "mlflow.parentRunId", "mlflow.runName"


class MlflowTracker:
    """Finds its runs by the tags `gome.run` and `gome.step`, so that a run that is sent again adds nothing.

    Raises UsageError where the package is missing; calls raise what MLflow raises.
    """

    def __init__(self) -> None:
        # A server that is away must not hold a run's end for minutes, as MLflow's own seven retries would.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
        try:
            from mlflow import MlflowClient
        except ImportError as error:
            raise UsageError("tracking in MLflow needs a package: pip install 'gome[mlflow]'") from error
        self.client: MlflowClient = MlflowClient()
        self._experiment: str | None = None
        self._known: dict[str, str] = {}
        self._ended: set[str] = set()
        self._held: dict[str, dict[str, float]] = {}
        self._told: set[int] = set()

    def sync(self, run: TrackedRun) -> None:
        """See `Tracker.sync`."""
        if self._experiment is None:
            self._experiment = self._find(run)
        parent = self._run(run.name, "", run.begun, {})
        for trial in run.trials:
            self._trial(run, trial, parent)
        self._figures(parent, run.params, run.metrics, len(run.trials), run.ended or run.begun)
        for number in sorted(run.course.keys() - self._told):
            self._figures(parent, {}, {"best_score": run.course[number]}, number, run.begun)
            self._told.add(number)
        if run.ended is not None and "" not in self._ended:
            self._finish(parent, run)

    def close(self) -> None:
        """Nothing is kept back."""

    def _find(self, run: TrackedRun) -> str:
        """The experiment (MLFLOW_EXPERIMENT_NAME, or `gome`), with what it already holds of the run."""
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or _EXPERIMENT
        found = self.client.get_experiment_by_name(name)
        experiment = found.experiment_id if found is not None else self.client.create_experiment(name)
        token: str | None = None
        while True:
            query = f"tags.`{_RUN}` = '{run.name}'"
            page = self.client.search_runs([experiment], query, max_results=1000, page_token=token)
            for each in page:
                step = each.data.tags.get(_STEP, "")
                self._known[step] = each.info.run_id
                self._held[step] = dict(each.data.metrics)
                if step and each.info.status in ("FINISHED", "FAILED"):
                    self._ended.add(step)
            token = page.token
            if not token:
                return str(experiment)

    def _run(self, run: str, step: str, begun: float, tags: dict[str, str]) -> str:
        """The id of the run of a step, or of the whole run (step ``""``); it is created where there is none."""
        if step not in self._known:
            named = {_RUN: run, _NAME: step or run, **({_STEP: step} if step else {}), **tags}
            made = self.client.create_run(self._experiment or "0", start_time=_milliseconds(begun), tags=named)
            self._known[step] = made.info.run_id
        return self._known[step]

    def _trial(self, run: TrackedRun, trial: TrackedTrial, parent: str) -> None:
        """Send a trial, or what of its figures has changed since: as of now, because MLflow takes the latest."""
        child = self._run(run.name, trial.name, trial.begun, {_PARENT: parent})
        if trial.name in self._ended:
            held = self._held[trial.name]
            changed = {name: value for name, value in trial.metrics.items() if held.get(name) != value}
            if changed:
                self._figures(child, {}, changed, trial.number, run.latest)
                self._held[trial.name] = trial.metrics
            return
        self._figures(child, trial.params, trial.metrics, trial.number, trial.ended)
        self._held[trial.name] = trial.metrics
        if trial.script is not None:
            self.client.log_text(child, trial.script, "solution.py")
        status = "FAILED" if trial.failed else "FINISHED"
        self.client.set_terminated(child, status, end_time=_milliseconds(trial.ended))
        self._ended.add(trial.name)

    def _finish(self, parent: str, run: TrackedRun) -> None:
        for name, text in run.files.items():
            self.client.log_text(parent, text, name)
        if run.report is not None:
            self.client.log_artifact(parent, str(run.report))
        self.client.set_terminated(parent, "FINISHED", end_time=_milliseconds(run.ended or run.begun))
        self._ended.add("")

    def _figures(self, run: str, params: dict[str, str], metrics: dict[str, float], step: int, when: float) -> None:
        from mlflow.entities import Metric, Param

        at = _milliseconds(when)
        figures: list[Any] = [Metric(key, value, at, step) for key, value in metrics.items()]
        self.client.log_batch(run, metrics=figures, params=[Param(key, value) for key, value in params.items()])


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
