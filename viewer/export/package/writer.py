"""Write the solution of a finished run as a Python package that predicts new rows without gome.

PACKAGE/README.md, requirements.txt, pyproject.toml, predict.py, test_package.py, expected/
PACKAGE/MODULE/solution.py     runs the scripts and averages their predictions; with the modules it needs
PACKAGE/MODULE/plan.json       what is run; views.npz: on which rows
PACKAGE/MODULE/steps/          the scripts
PACKAGE/MODULE/data/           the labelled rows and the task's other files
"""

import hashlib
import importlib
import json
import keyword
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from gome.agents.runtime.opening import scenario_of
from gome.agents.runtime.placement import python_of
from gome.agents.runtime.shipment import Shipment, shipment_of
from gome.bus.store.artefacts import Artefacts
from gome.errors import Outage, UsageError
from gome.executors.command import reproducible
from gome.executors.precheck import imported_modules
from gome.executors.resources.packages import distributions
from gome.scenarios.evaluation.blending import scale_name
from gome.scenarios.evaluation.view_files import TRAIN, ScriptLimits, task_json
from gome.scenarios.evaluation.views import ids_are_names, make_view, sample_values, set_apart, side_files
from gome.scenarios.metrics.formulas import Array
from gome.viewer import text
from gome.viewer.export.package import solution
from gome.viewer.model.submitted import submitted_by

__all__ = ["Packaged", "check_target", "copied_modules", "pinned", "write_package"]

_IMPORT = re.compile(r"^from (gome\.(?:\w+\.)*(\w+)) import", re.MULTILINE)
_NEEDED = frozenset({"numpy", "pandas"})
_KINDS = {"value": "a number per row", "label": "a class per row", "probability": "probabilities per row"}


@dataclass(frozen=True)
class Packaged:
    """What was written: the folder, the name of its module, the steps, and the number of pinned packages."""

    folder: Path
    module: str
    steps: tuple[str, ...]
    pinned: int


def write_package(folder: Path, target: Path, *, data: bool = True, halves: float | None = None) -> Packaged:
    """Write the package of the run in `folder` to `target`, which must not exist or be empty.

    Args:
        folder: The run's folder; it is only read.
        target: The package's folder. It is written whole or not at all.
        data: Whether the labelled rows and the task's other files are part of it.
        halves: The share of the submission that changes if it is predicted in two halves; None where not measured.

    Raises:
        UsageError: The run has no submission, its task has changed, or `target` has files in it.
        Outage: The folder cannot be written.
        SandboxError: The interpreter of the scripts, whose packages are pinned, cannot be run.
    """
    check_target(target)
    shipment = shipment_of(folder)
    draft = target.with_name(f".{target.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
        packaged = _Writer(folder, shipment, draft, data, halves).write()
        if target.exists():
            target.rmdir()
        draft.replace(target)
    except OSError as error:
        raise Outage(f"{target} cannot be written: {error.strerror}; nothing was written") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Packaged(target, *packaged)


def check_target(target: Path) -> None:
    """Raise UsageError where a package cannot be written to `target`, as it has files in it."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} exists already and is not an empty folder; choose another")


def copied_modules() -> dict[str, str]:
    """The modules that a package shares with gome, by the name of their file: `solution.py` and whatever it imports.

    In the package they lie in one folder, and their imports of each other become relative.
    """
    found: dict[str, str] = {}
    due = [solution.__name__]
    while due:
        module = due.pop()
        path = Path(importlib.import_module(module).__file__ or "")
        if path.name not in found:
            found[path.name] = path.read_text(encoding="utf-8")
            due += [name for name, _ in _IMPORT.findall(found[path.name])]
    return found


class _Writer:
    """Writes the parts of one package into the folder `root`."""

    def __init__(self, folder: Path, shipment: Shipment, root: Path, data: bool, halves: float | None) -> None:
        self.run = folder.name
        self.shipment, self.task, self.opened = shipment, shipment.task, shipment.opened
        self.scenario = scenario_of(folder)
        self.artefacts = Artefacts(folder)
        self.root, self.data, self.halves = root, data, halves
        self.name = _module_name(self.task.brief.name)
        self.module = root / self.name
        self.scripts = {
            f"{member.trace}.{member.step}": self.artefacts.read_now(member.script_ref).decode()
            for member in shipment.finished.members
        }

    def write(self) -> tuple[str, tuple[str, ...], int]:
        """Write everything; return the module's name, the steps, and the number of pinned packages."""
        self.module.mkdir()
        for name, source in copied_modules().items():
            (self.module / name).write_text(_IMPORT.sub(r"from .\2 import", source), encoding="utf-8")
        self._write_scripts()
        files = self._write_data()
        self._write_plan()
        self._write_expected()
        pins = self._pins()
        (self.root / "requirements.txt").write_text("".join(f"{a}=={b}\n" for a, b in pins.items()), encoding="utf-8")
        self._write_texts(files)
        return self.name, tuple(self.scripts), len(pins)

    def _write_scripts(self) -> None:
        (self.module / "steps").mkdir()
        for step, source in self.scripts.items():
            (self.module / _script_file(step)).write_text(source, encoding="utf-8")

    def _write_data(self) -> list[str]:
        """Write what the scripts read beside the new rows; return the names of the files."""
        place = self.module / "data"
        place.mkdir()
        brief = self.task.brief
        shutil.copyfile(self.task.public / brief.train_file, place / TRAIN)  # as written: it says how to read new rows
        self.train_digest = hashlib.sha256((place / TRAIN).read_bytes()).hexdigest()
        beside = {path: path.relative_to(self.task.public) for path in side_files(self.task)}
        if not self.data:
            (place / TRAIN).unlink()
            return [TRAIN, *map(str, beside.values())]
        for path, relative in beside.items():
            (place / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place / relative)
        return [TRAIN, *map(str, beside.values())]

    def _write_plan(self) -> None:
        """Write which scripts run on which rows, and how their predictions are combined."""
        brief, shipment = self.task.brief, self.shipment
        weights = shipment.finished.weights
        members: list[dict[str, Any]] = [
            {
                "step": step,
                "script": _script_file(step),
                "weight": weight,
                "views": shipment.views(member),
            }
            for step, member, weight in zip(self.scripts, shipment.finished.members, weights, strict=True)
        ]
        plan = {
            "run": self.run,
            "mode": shipment.shipped.mode,
            "members": members,
            "scale": scale_name(brief, self.task.metric),
            "id_column": brief.id_column,
            "columns": list(self.task.test.columns),
            **{name: value for name, value in self.task.layout._asdict().items() if name != "id"},
            "submission_columns": brief.submission_columns,
            "sample": sample_values(self.task),
            "classes": brief.classes,
            "labels": brief.prediction == "label",
            "seed": self.scenario.seed,
            "digest": self.task.digest,
            "reassigned": ids_are_names(self.task),
            "train_sha256": self.train_digest,
            "threads": self.opened.workplace.threads,
            "environment": reproducible(self.opened.workplace.threads),
            "assets": self.opened.workplace.assets,
        }
        (self.module / "plan.json").write_text(json.dumps(plan, indent=1) + "\n", encoding="utf-8")
        positions: dict[str, Array] = {}
        finish = self.scenario.method.finish
        searched = set_apart(self.task, self.scenario.seed, finish.holdout) if finish.apart else None
        for name in dict.fromkeys(view for member in members for view in member["views"]):
            view = make_view(self.task, name, self.scenario.seed, finish.holdout, searched)
            positions |= {f"{name}.train": view.train, f"{name}.withheld": view.withheld}
        with (self.module / "views.npz").open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **positions)
        place = self.opened.workplace
        limits = ScriptLimits(self.scenario.executors.timeout.full, place.threads, place.memory_gib)
        (self.module / "task.json").write_text(task_json(brief, limits), encoding="utf-8")

    def _write_expected(self) -> None:
        """Write the test set and the submission, which the package's test compares with its predictions."""
        place = self.root / "expected"
        place.mkdir()
        shutil.copyfile(self.task.public / self.task.brief.test_file, place / "test.csv")
        (place / "submission.csv").write_bytes(self.artefacts.read_now(self.shipment.finished.submission_ref or ""))

    def _pins(self) -> dict[str, str]:
        """The packages that the scripts import, in the versions of the run; others in those of its interpreter now."""
        modules = _NEEDED.union(*map(imported_modules, self.scripts.values()))
        installed = distributions(python_of(self.scenario.executors) or Path(sys.executable), modules)
        return pinned(self.opened.workplace.packages, installed)

    def _write_texts(self, files: list[str]) -> None:
        finished, workplace = self.shipment.finished, self.opened.workplace
        submitted = submitted_by(finished)
        views = sum(member.seconds * len(self.shipment.views(member)) for member in finished.members)
        values = {
            "run": self.run,
            "task": self.task.brief.name,
            "kind": f"{self.task.brief.task_type}, {_KINDS[self.task.brief.prediction]}",
            "metric": self.task.brief.metric,
            "module": self.name,
            "mode": self.shipment.shipped.mode,
            "members": finished.members,
            "weights": ", ".join(f"{a} {b:.2f}" for a, b in zip(self.scripts, finished.weights, strict=True)),
            "scripts": " and ".join(f"`{self.name}/{_script_file(step)}`" for step in self.scripts),
            "seconds": max(1, round(views)),
            "python": ".".join(re.findall(r"\d+", workplace.python)[:2]),
            "data": self.data,
            "held": self.task.brief.test_rows if self.task.answers is not None else 0,
            "halves": self.halves,
            "files": files,
            "assets": workplace.assets,
            "reasoners": ", ".join(sorted(set(self.opened.reasoners.values()))),
            "holdout": text.score(submitted.holdout if submitted else None),
            "test": text.score(submitted.grade.score if submitted and submitted.grade else None),
        }
        place = jinja2.PackageLoader("gome.viewer.export.package", "templates")
        templates = jinja2.Environment(loader=place, autoescape=False, keep_trailing_newline=True)  # noqa: S701 (no HTML)
        for name in templates.list_templates():
            home = self.module if name == "__init__.py.j2" else self.root
            content = templates.get_template(name).render(values)
            (home / name.removesuffix(".j2")).write_text(text.clean(content), encoding="utf-8")


def pinned(recorded: Mapping[str, str], installed: Mapping[str, str]) -> dict[str, str]:
    """The installed packages, in the versions that a run has recorded, if they are versions.

    A log from elsewhere could hold a line break and another requirement, which `pip` would install.
    """
    versions = {name: version for name, version in recorded.items() if re.fullmatch(r"[\w.!+-]+", version, re.ASCII)}
    return {name: versions.get(name, version) for name, version in sorted(installed.items())}


def _script_file(step: str) -> str:
    return f"steps/step_{step.replace('.', '_')}.py"


def _module_name(task: str) -> str:
    """A name for the module: the task's, as far as Python and `pip` take it."""
    name = re.sub(r"\W+", "_", task.lower(), flags=re.ASCII).strip("_") or "task"
    taken = not name[0].isalpha() or keyword.iskeyword(name) or name in sys.stdlib_module_names
    return f"task_{name}" if taken or name in _NEEDED else name
