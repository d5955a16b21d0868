"""A run in Weights & Biases: a group of one run for the whole and one for each trial.

Address, key, project and mode are those of its own environment variables (WANDB_…); with WANDB_MODE=offline files are
written, which `wandb sync` sends later.
"""

import os
import tempfile
from hashlib import blake2b
from pathlib import Path
from typing import Any

from gome.errors import UsageError
from gome.viewer.export.trackers.record import TrackedRun, TrackedTrial

__all__ = ["WandbTracker"]

_PROJECT = "gome"


class WandbTracker:
    """Runs have ids made of the run's name and the step, so that a run that is sent again adds nothing.

    Raises UsageError where the package is missing; calls raise what wandb raises.
    """

    def __init__(self) -> None:
        try:
            import wandb
        except ImportError as error:
            raise UsageError("tracking in Weights & Biases needs a package: pip install 'gome[wandb]'") from error
        self._wandb: Any = wandb
        self._held: dict[str, dict[str, float]] = {}
        self._whole: Any = None
        self._told = 0
        self._finished = False

    def sync(self, run: TrackedRun) -> None:
        """See `Tracker.sync`."""
        for trial in run.trials:
            held = self._held.get(trial.name)
            if held is None or (run.ended is not None and held != trial.metrics):
                self._trial(run, trial, again=held is not None)
                self._held[trial.name] = trial.metrics
        if self._whole is None:
            self._whole = self._begin(run.name, "", "run", run.params)
        for number in sorted(each for each in run.course if each > self._told):
            self._whole.log({"best_score": run.course[number]}, step=number)
            self._told = number
        self._whole.summary.update(run.metrics)
        if run.ended is not None and not self._finished:
            self._keep(self._whole, run.files | ({"report.html": _text(run.report)} if run.report else {}))
            self._finished = True

    def close(self) -> None:
        """Send what is still kept back, and disconnect."""
        if self._whole is not None:
            self._whole.finish()
            self._whole = None

    def _trial(self, run: TrackedRun, trial: TrackedTrial, *, again: bool) -> None:
        """Send a trial; again, with the figures alone, at the run's end where they have changed."""
        begun = self._begin(run.name, trial.name, "trial", trial.params)
        begun.summary.update(trial.metrics)
        self._keep(begun, {"solution.py": trial.script} if trial.script is not None and not again else {})
        begun.finish(exit_code=int(trial.failed))

    def _begin(self, run: str, step: str, kind: str, params: dict[str, str]) -> Any:
        return self._wandb.init(
            project=os.environ.get("WANDB_PROJECT") or _PROJECT,
            id=blake2b(f"{run}\x1f{step}".encode(), digest_size=8).hexdigest(),
            name=step or run,
            group=run,
            job_type=kind,
            config={"gome.run": run, **params},
            resume="allow",
            reinit="create_new",
            settings=self._wandb.Settings(silent=True, console="off", disable_git=True, disable_code=True),
        )

    def _keep(self, begun: Any, files: dict[str, str]) -> None:
        """Keep texts as an artifact of the run."""
        if not files:
            return
        with tempfile.TemporaryDirectory(prefix="gome-wandb-") as place:
            kept = self._wandb.Artifact(f"files-{begun.id}", type="gome")
            for name, text in files.items():
                path = Path(place) / name.replace("/", "-")
                path.write_text(text, encoding="utf-8")
                kept.add_file(str(path), name=name)
            begun.log_artifact(kept)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
