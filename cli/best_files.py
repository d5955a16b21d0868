"""The files of a run's best solution: script, submission, and a README with the commands that make it again."""

import os
import shlex
import sys
from pathlib import Path

from gome.agents.protocol.messages import RunOpened
from gome.bus.store.reader import LogReader
from gome.errors import UsageError
from gome.scenarios.evaluation.view_files import ScriptLimits, task_json
from gome.viewer import text
from gome.viewer.model.submitted import Submitted
from gome.viewer.model.summary import Best, Summary

__all__ = ["best_of", "write_best"]

_README = """\
# Best solution of {run}

Task `{task}`, metric {metric} ({direction}).

| | score |
|---|---|
| out-of-fold, of step {step}, as the harness measured it | {score} |
| a constant prediction | {baseline} |
| hold-out{whose} | {holdout} |
| private test{whose} | {test} |

It is the solution of step {step} (trace.step){final}. Reasoning by {reasoners}.

{files}

To predict new rows (of the task's own test: the submission again), in the sandbox:

```sh
{predict}
```

Without gome, with Python {version} and `requirements.txt`: put into a folder DIR the labelled rows as `train.csv`, the
new ones as `test.csv`, what other files the task has, and the `task.json` that stands here. {shipped}

```sh
{commands}
```
"""


def best_of(summary: Summary) -> tuple[Best, RunOpened]:
    """The solution to take from a run, and the run's opening. Raises UsageError where no trial was accepted."""
    if summary.best is None or summary.opened is None:
        raise UsageError(f"run {summary.run} has no accepted solution; see why with: gome log {summary.run}")
    return summary.best, summary.opened


def write_best(reader: LogReader, summary: Summary, folder: Path, target: Path) -> dict[str, Path]:
    """Write script, submission, requirements and a README into `target`; return their paths by name.

    `folder` is the run's. Where several steps' mean was submitted, the other scripts are written too, and where they
    were kept the out-of-fold predictions of the best step. Raises UsageError where no trial was accepted.
    """
    best, opened = best_of(summary)
    scripts = {best.step: "solution.py"}
    contents = {"solution.py": best.script_ref, "submission.csv": best.submission_ref}
    if best.oof_ref is not None:
        contents["oof.csv"] = best.oof_ref
    for member in summary.finished.members if summary.finished else ():
        name = f"{member.trace}.{member.step}"
        scripts.setdefault(name, f"solution-{name}.py")
        contents[scripts[name]] = member.script_ref
    target.mkdir(parents=True, exist_ok=True)
    for name, ref in contents.items():
        (target / name).write_bytes(reader.artefacts.read_now(ref))
    limits = ScriptLimits(opened.workplace.full_seconds, opened.workplace.threads, opened.workplace.memory_gib)
    pinned = "".join(f"{name}=={version}\n" for name, version in sorted(opened.workplace.packages.items()))
    told = {
        "task.json": task_json(opened.task, limits),
        "requirements.txt": pinned,
        "README.md": text.clean(_readme(summary, best, opened, folder, target, scripts)),
    }
    for name, content in told.items():
        (target / name).write_text(content, encoding="utf-8")
    files = {"script": "solution.py", "submission": "submission.csv", "requirements": "requirements.txt"}
    files |= {"oof": "oof.csv"} if best.oof_ref is not None else {}
    return {name: target / file for name, file in (files | {"readme": "README.md"}).items()}


def _readme(
    summary: Summary, best: Best, opened: RunOpened, folder: Path, target: Path, scripts: dict[str, str]
) -> str:
    submitted = summary.submitted
    grade = submitted.grade if submitted else None
    return _README.format(
        run=summary.run,
        task=opened.task.name,
        metric=opened.task.metric,
        direction=opened.task.direction,
        step=best.step,
        score=text.score(best.score),
        baseline=text.score(opened.baseline),
        whose=f", of {submitted.whose}" if submitted else "",
        holdout=text.score(submitted.holdout if submitted else None),
        test=text.score(grade.score if grade else None),
        final=", chosen at the finish on a hold-out it had not seen" if best.final else "; the run has not finished",
        reasoners=", ".join(summary.reasoners),
        files="\n".join(_files(best, submitted, scripts)),
        predict=shlex.join(_predict(opened, folder)),
        shipped=_shipped(summary, opened),
        commands="\n".join(_commands(opened, target, scripts)),
        version=opened.workplace.python,
    )


def _files(best: Best, submitted: Submitted | None, scripts: dict[str, str]) -> list[str]:
    """A line for each file, with what it is."""
    lines = [f"- `{name}`: the script of step {step}, self-contained" for step, name in scripts.items()]
    told = "what the script predicted for the test set"
    if submitted is not None and submitted.is_blend:
        told = f"{submitted.whose}, in what their scripts predicted for the test set: better on the hold-out than each"
    lines.append(f"- `submission.csv`: {told} (SHA-256 {best.submission_ref})")
    if best.oof_ref is not None:
        lines.append(f"- `oof.csv`: what step {best.step} predicted for each training row while it was held out")
    return [*lines, "- `requirements.txt`: the packages that scripts were run with, `task.json`: what a script reads"]


def _predict(opened: RunOpened, folder: Path) -> list[str]:
    """What a shell is given to make the submission again."""
    test = Path(opened.task_path) / "prepared" / "public" / opened.task.test_file
    command = [sys.executable, "-m", "gome", "predict", folder.name, str(test)]
    return [*command, "--runs", str(folder.parent.resolve()), "-o", "submission-again.csv"]


def _shipped(summary: Summary, opened: RunOpened) -> str:
    """How the submission was made, and so how it differs from one run of the script on all rows."""
    shipped = summary.finished.shipped if summary.finished else None
    if shipped is None or shipped.mode == "refit":
        return "The script is trained on all of them."
    return (
        "The script is trained on all of them; what was submitted is the mean of its "
        f"{len(opened.splits)} runs, each on the training rows of one split, which `predict` makes again."
    )


def _commands(opened: RunOpened, target: Path, scripts: dict[str, str]) -> list[str]:
    """What a shell is given to run the scripts on such a folder, from wherever it is."""
    outputs = {step: "out" if len(scripts) == 1 else f"out-{step}" for step in scripts}
    lines = [["cd", str(target.resolve())], ["mkdir", "-p", *outputs.values()]]
    for step, script in scripts.items():
        seed = str(opened.scenario.get("seed", 0))
        lines.append([_python(opened), script, "--data", "DIR", "--out", outputs[step], "--seed", seed])
    return list(map(shlex.join, lines))


def _python(opened: RunOpened) -> str:
    """The interpreter that scripts were run under: the scenario's, or the one that runs gome."""
    chosen = (opened.scenario.get("executors") or {}).get("python")
    if not chosen:
        return sys.executable
    return str(Path(chosen).absolute()) if os.sep in chosen else str(chosen)
