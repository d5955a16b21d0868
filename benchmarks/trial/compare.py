"""Cost and verdicts of trials under the old contract (a script runs all folds itself) and under the current one.

`python -m benchmarks.trial [--quick] [--tasks …] [--trials N] [--out FOLDER]` prints a table, and writes trial.md and
trial.json to the folder. The old tree is extracted from git into the same folder while it is needed, and both trees run
`benchmarks/trial/side.py`: two traces of the expert improve their solution under the old contract; then the current one
judges the same solutions against the same parents. A slot-hour counts everything that occupied a slot: debug runs,
examinations, abandoned runs. It can be stopped and restarted: recorded trials are reused, those of the current tree if
its code is unchanged. Times are meaningful only on an idle machine. `--quick` only shows that it works.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.crossover.tasks import write_task
from benchmarks.shared.runs import commit
from benchmarks.trial.side import Record, read
from gome.scenarios.prepare.preparing import TASKS

__all__ = ["Pair", "main", "page", "summary"]

BEFORE = "9b453d1"
"""The last commit in which a script ran all folds in one process."""
THEN = {
    "agents.backends.expert.code.compose": "agents.backends.expert.compose",
    "agents.backends.expert.moves.catalogue": "agents.backends.expert.catalogue",
    "agents.backends.expert.plan": "agents.backends.expert.plan",
    "agents.backends.expert.situation": "agents.backends.expert.scene",
    "agents.backends.expert.proposal": "agents.backends.expert.proposal",
    "agents.backends.expert.first_solution": "agents.backends.expert.root",
    "agents.method.validation": "agents.validation",
    "agents.protocol.messages": "agents.messages",
    "agents.protocol.types": "agents.ideas",
    "agents.roles.runner": "agents.runner",
    "agents.runtime.resources": "agents.workshop",
    "agents.state.trace": "agents.trace",
    "bus.message": "bus.message",
    "bus.store.artefacts": "bus.artefacts",
    "scenarios.config.scenario": "scenarios.schema",
    "scenarios.evidence": "scenarios.evidence",
}
"""Modules that `side` imports from `gome`, and their names in the old tree."""
RENAMED = """
agents.workshop.Resources = agents.workshop.Workshop
agents.workshop.Workshop.placement = property(lambda self: self.site)
agents.workshop.open_resources = agents.workshop.open_workshop
"""
ROOT = Path(__file__).parents[2]
TRACES, TRIALS, QUICK = 2, 20, 2
_LONG = 600.0


@dataclass(frozen=True)
class Made:
    """A built-in task, or with `table` one of `benchmarks.crossover.tasks`; time limits of its scripts in seconds.

    `goal` is the aim for `Pair.ratio`.
    """

    debug: float
    full: float
    table: str = ""
    rows: tuple[int, int] = (0, 0)
    goal: float | None = None

    def folder(self, name: str, out: Path) -> Path:
        """Folder of the task; a synthetic task is written first."""
        return write_task(self.table, out / "tasks" / name, self.rows, folds=5) if self.table else TASKS / name

    def scenario(self, name: str) -> dict[str, Any]:
        """The scenario, which is the same for both contracts; each adds its own defaults."""
        return {
            "name": "trial",
            "task": name,
            "traces": TRACES,
            "seed": 7,
            "backends": {"expert": {"kind": "expert"}},
            "roles": dict.fromkeys(("diagnoser", "proposer", "executor"), "expert"),
            "executors": {"slots": 2, "threads": 1, "timeout": {"debug": self.debug, "full": self.full}},
        }


EXTENT = {
    "bike-demand": Made(60, 90, goal=2.5),
    "many-rentals": Made(300, 900, "rentals", (300_000, 20_000), goal=1.8),
    "soils": Made(60, 180, "soils", (6_000, 2_000)),
}
"""The quick-start task, one whose scripts take 20 s and more, and one with balanced classes."""


@dataclass(frozen=True)
class Pair:
    """Records of both contracts on one task, in the same order."""

    task: str
    goal: float | None
    before: list[Record]
    now: list[Record]

    @property
    def compared(self) -> list[tuple[Record, Record]]:
        """The trials that have a parent, as (before, now)."""
        return [(old, new) for old, new in zip(self.before, self.now, strict=True) if old.parent is not None]

    @property
    def differing(self) -> list[tuple[Record, Record]]:
        """The compared trials that only one contract accepts."""
        return [(old, new) for old, new in self.compared if (old.verdict == "better") != (new.verdict == "better")]

    @property
    def agreement(self) -> float:
        """Share of compared trials with the same decision."""
        return 1 - len(self.differing) / max(1, len(self.compared))

    @property
    def ratio(self) -> float:
        """Trials per slot-hour now, relative to before."""
        return held(self.before) / held(self.now)


def held(records: Sequence[Record]) -> float:
    """Total seconds of occupied slots."""
    return sum(run[2] for record in records for run in record.runs)


def rate(records: Sequence[Record]) -> float:
    """Trials per slot-hour."""
    return 3600 * len(records) / held(records)


def kinds(records: Sequence[Record]) -> dict[str, float]:
    """Slot-seconds per trial, by purpose."""
    seconds: dict[str, float] = {}
    for view, _, taken, cause in (run for record in records for run in record.runs):
        name = {"full": "full run", "debug": "debug run"}.get(view, "a split" if view[:5] == "split" else "examination")
        name = "abandoned" if cause == "abandoned" else name
        seconds[name] = seconds.get(name, 0.0) + taken / len(records)
    return seconds


def script(records: Sequence[Record]) -> float:
    """Median seconds of a successful full run or split."""
    whole = [run[1] for record in records for run in record.runs if run[0][:5] in ("full", "split") and run[3] == "ok"]
    return median(whole) if whole else 0.0


def summary(pairs: Sequence[Pair]) -> dict[str, Any]:
    """All figures, for trial.json."""
    return {
        pair.task: {
            "trials": len(pair.now),
            "trials_per_slot_hour": {"before": rate(pair.before), "now": rate(pair.now)},
            "slot_seconds_by_kind": {"before": kinds(pair.before), "now": kinds(pair.now)},
            "script_seconds": {"before": script(pair.before), "now": script(pair.now)},
            "ratio": pair.ratio,
            "goal": pair.goal,
            "agreement": pair.agreement,
            "verdicts": [
                {
                    **new.model_dump(include={"trace", "number", "parent", "gain", "error"}),
                    **{"what": _statement(new), "before": old.verdict, "now": new.verdict},
                    **{"gain_before": old.gain, "error_before": old.error},
                }
                for old, new in zip(pair.before, pair.now, strict=True)
            ],
        }
        for pair in pairs
    }


def page(pairs: Sequence[Pair]) -> str:
    """The report in Markdown."""
    lines = [
        f"{BEFORE} and {commit()}, {os.cpu_count()} cores, 2 slots, load {os.getloadavg()[0]:.1f} at the end.",
        "",
        "| task | trials | one run | slot-seconds per trial | trials per slot-hour | ratio | goal | agreement |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for pair in pairs:
        old, new = pair.before, pair.now
        lines.append(
            f"| {pair.task} | {len(new)} | {script(old):.1f} s → {script(new):.1f} s "
            f"| {held(old) / len(old):.1f} → {held(new) / len(new):.1f} | {rate(old):.0f} → {rate(new):.0f} "
            f"| {pair.ratio:.2f} | {pair.goal or '–'} "
            f"| {pair.agreement:.0%} ({len(pair.compared) - len(pair.differing)} of {len(pair.compared)}) |"
        )
    compared, differing = (sum(len(getattr(each, name)) for each in pairs) for name in ("compared", "differing"))
    lines += ["", f"Accept decisions agree in {1 - differing / max(1, compared):.1%} of {compared}; goal 90%.", ""]
    for pair in pairs:
        for when, records in (("before", pair.before), ("now", pair.now)):
            parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in kinds(records).items())
            verdicts = ", ".join(f"{count} {name}" for name, count in Counter(r.verdict for r in records).items())
            lines.append(f"- {pair.task}, {when}: slot time per trial: {parts}; {verdicts}.")
        lines += [
            f"- differs: trial {old.trace}.{old.number}, {_statement(old)}: {_shown(old)} before, {_shown(new)} now."
            for old, new in pair.differing
        ]
    return "\n".join(lines) + "\n"


def _statement(record: Record) -> str:
    return str((record.hypothesis or {}).get("statement", "the first solution"))


def _shown(record: Record) -> str:
    figures = "" if record.gain is None else f" by {record.gain:+.4g}"
    return f"{record.verdict}{figures}" + ("" if record.error is None else f" ± {record.error:.2g}")


def old_tree(out: Path) -> Path:
    """Extract the files of the old tree from git; the repository is not changed."""
    tree = out / f"tree-{BEFORE}"
    if not tree.is_dir():
        _say(f"extracting {BEFORE} from git into {tree}")
        got = subprocess.run(["git", "archive", BEFORE], cwd=ROOT, capture_output=True, check=False)
        if got.returncode:
            why = got.stderr.decode(errors="replace").strip()
            sys.exit(f"commit {BEFORE} is not in this repository's history ({why}); run: git fetch --unshallow")
        with tarfile.open(fileobj=BytesIO(got.stdout)) as archive:
            archive.extractall(tree, filter="data")
        for now, then in THEN.items():
            place = (tree / "gome" / Path(*now.split("."))).with_suffix(".py")
            place.parent.mkdir(parents=True, exist_ok=True)
            words = f"import sys\n\nimport {then}\n\nsys.modules[__name__] = {then}\n"
            place.write_text(words + (RENAMED if then == "agents.workshop" else ""), encoding="utf-8")
    return tree


def code_of(tree: Path) -> str:
    """Hash of the measured code: records and data of other code are not reused."""
    digest = hashlib.sha256()
    for room in ("agents", "executors", "scenarios"):
        for path in sorted(each for kind in ("*.py", "*.j2") for each in (tree / room).rglob(kind)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def judge(tree: Path, name: str, trials: int, out: Path, plans: Path | None) -> Path:
    """Run one side in another process until it ends; return the path of its records."""
    made = EXTENT[name]
    folder = out / f"{name}-{f'now-{code_of(tree)}' if plans else 'before'}"
    asked = {"tree": str(tree), "task": str(made.folder(name, out)), "folder": str(folder), "trials": trials}
    asked |= {"scenario": made.scenario(name), "plans": str(plans) if plans else ""}
    side = Path(__file__).with_name("side.py")
    # -P: import from the tree, not from the folder of side.py.
    words = [sys.executable, "-P", str(side), json.dumps(asked)]
    subprocess.run(words, env={**os.environ, "PYTHONPATH": str(tree)}, cwd=tree, check=True)
    return folder / "records.jsonl"


def compared(name: str, trials: int, out: Path) -> Pair:
    """Run one task under both contracts."""
    _say(f"{name}, before")
    before = judge(old_tree(out), name, trials, out, None)
    _say(f"{name}, now")
    now = judge(ROOT, name, trials, out, before)
    old, new = (sorted(read(path), key=lambda each: (each.trace, each.number)) for path in (before, now))
    places = {(each.trace, each.number) for each in new if each.number < trials}
    return Pair(
        name,
        EXTENT[name].goal,
        [each for each in old if (each.trace, each.number) in places],
        [each for each in new if (each.trace, each.number) in places],
    )


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark, and write and print the report."""
    parser = argparse.ArgumentParser(prog="benchmarks.trial.compare")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} trials per trace, tasks with short scripts only")
    parser.add_argument("--tasks", nargs="+", choices=EXTENT, help="which tasks")
    parser.add_argument("--trials", type=int, help=f"trials of each of the {TRACES} traces, instead of {TRIALS}")
    parser.add_argument("--out", type=Path, help="folder of all files")
    asked = parser.parse_args(arguments)
    out: Path = (asked.out or Path(".benchmark-trial-quick" if asked.quick else ".benchmark-trial")).absolute()
    out.mkdir(parents=True, exist_ok=True)
    commit()
    trials = asked.trials or (QUICK if asked.quick else TRIALS)
    tasks = asked.tasks or [name for name, made in EXTENT.items() if made.full < _LONG or not asked.quick]
    pairs = [compared(task, trials, out) for task in tasks]
    (out / "trial.json").write_text(json.dumps(summary(pairs), indent=1) + "\n", encoding="utf-8")
    (out / "trial.md").write_text(page(pairs), encoding="utf-8")
    shutil.rmtree(old_tree(out))
    print(page(pairs))
