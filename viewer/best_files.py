"""The files of a run's best solution: script, submission, and a README with the commands that make it again."""

import os
import shlex
import sys
from pathlib import Path

from agents.ideas import Finalist
from agents.messages import RunOpened
from bus.reader import LogReader
from errors import UsageError
from viewer import text
from viewer.submitted import Submitted
from viewer.summary import Best, Summary

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

To run it again:

```sh
{commands}
```

{data} Scripts were run with Python {version}.
"""


def best_of(summary: Summary) -> tuple[Best, RunOpened]:
    """The solution to take from a run, and the run's opening. Raises UsageError where no trial was accepted."""
    if summary.best is None or summary.opened is None:
        raise UsageError(f"run {summary.run} has no accepted solution; see why with: gome log {summary.run}")
    return summary.best, summary.opened


def write_best(reader: LogReader, summary: Summary, folder: Path, target: Path) -> dict[str, Path]:
    """Write script, submission and a README into `target`; return their paths by name. `folder` is the run's.

    Where the submission is the mean of several steps' predictions, the other scripts are written too. Raises
    UsageError where no trial was accepted.
    """
    best, opened = best_of(summary)
    scripts = {best.step: "solution.py"}
    contents = {"solution.py": best.script_ref, "submission.csv": best.submission_ref}
    for name, member in _blended(summary).items():
        scripts.setdefault(name, f"solution-{name}.py")
        contents[scripts[name]] = member.script_ref
    target.mkdir(parents=True, exist_ok=True)
    for name, ref in contents.items():
        (target / name).write_bytes(reader.artefacts.read_now(ref))
    readme = target / "README.md"
    readme.write_text(text.clean(_readme(summary, best, opened, folder, target, scripts)), encoding="utf-8")
    return {"script": target / "solution.py", "submission": target / "submission.csv", "readme": readme}


def _blended(summary: Summary) -> dict[str, Finalist]:
    """The finalists whose mean was submitted, by their steps; nobody where it is the best step's own."""
    submitted = summary.submitted
    if summary.finished is None or submitted is None or not submitted.is_blend:
        return {}
    ranked = {f"{each.finalist.trace}.{each.finalist.step}": each.finalist for each in summary.finished.ranking}
    return {name: ranked[name] for name in submitted.steps}


def _readme(
    summary: Summary, best: Best, opened: RunOpened, folder: Path, target: Path, scripts: dict[str, str]
) -> str:
    submitted = summary.submitted
    grade = submitted.grade if submitted else None
    made = (folder / "data" / "full").resolve()
    where = "a folder as `docs/contract.md` describes it: the task's files, `task.json` and `folds.csv`"
    data = f"`--data` is {where}; the run made this one." if made.is_dir() else f"`DIR` is {where}."
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
        commands="\n".join(_commands(opened, str(made) if made.is_dir() else "DIR", target, scripts)),
        data=data,
        version=opened.workplace.python,
    )


def _files(best: Best, submitted: Submitted | None, scripts: dict[str, str]) -> list[str]:
    """A line for each file, with what it is."""
    lines = [f"- `{name}`: the script of step {step}, self-contained" for step, name in scripts.items()]
    told = "what the script predicted for the test set"
    if submitted is not None and submitted.is_blend:
        told = f"{submitted.whose}, in what their scripts predicted for the test set: better on the hold-out than each"
    return [*lines, f"- `submission.csv`: {told} (SHA-256 {best.submission_ref})"]


def _commands(opened: RunOpened, data: str, target: Path, scripts: dict[str, str]) -> list[str]:
    """What a shell is given to make the submission again, from wherever it is."""
    outputs = {step: "out" if len(scripts) == 1 else f"out-{step}" for step in scripts}
    seed, python = str(opened.scenario.get("seed", 0)), _python(opened)
    lines = [["cd", str(target.resolve())], ["mkdir", "-p", *outputs.values()]]
    for step, script in scripts.items():
        lines.append([python, script, "--data", data, "--out", outputs[step], "--seed", seed])
    commands = list(map(shlex.join, lines))
    if len(scripts) > 1:
        several = [f"{output}/submission.csv" for output in outputs.values()]
        mean = shlex.join([sys.executable, "-m", "viewer.average", opened.task_path, *several])
        commands.append(f"{mean} > submission-again.csv")
    return commands


def _python(opened: RunOpened) -> str:
    """The interpreter that scripts were run under: the scenario's, or the one that runs gome."""
    chosen = (opened.scenario.get("executors") or {}).get("python")
    if not chosen:
        return sys.executable
    return str(Path(chosen).absolute()) if os.sep in chosen else str(chosen)
