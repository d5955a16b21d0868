"""Write the files of a run's best solution: script, submission, and a README with commands to reproduce it."""

import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from gome.agents.protocol.run_messages import RunOpened
from gome.bus.store.reader import LogReader
from gome.errors import NoSolution
from gome.viewer import text
from gome.viewer.files import write_file
from gome.viewer.model.doubts import doubts
from gome.viewer.model.no_success import shortfall
from gome.viewer.model.submitted import Best, Submitted
from gome.viewer.model.summary import Summary

__all__ = ["best_of", "write_best"]

_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")

_README = """\
# Best solution of {run}

Task `{task}`, metric {metric} ({direction}).

| | score |
|---|---|
| out-of-fold, step {step}, measured by the harness | {score} |
| baseline: a constant prediction | {baseline} |
| hold-out{winner} | {holdout} |
| private test{whose} | {test} |

{doubts}It is the solution of step {step} (trace.step){final}. Backends that answered: {reasoners}.

{files}

To predict new rows in the sandbox (with the task's test set, this reproduces the submission):

```sh
{predict}
```

To use it without gome, as a Python package with predict.py, the labelled rows and pinned packages:

```sh
{package}
```
"""


def best_of(summary: Summary) -> tuple[Best, RunOpened]:
    """The best solution of a run, and its RunOpened message. Raises NoSolution where no trial was accepted."""
    if summary.best is None or summary.opened is None:
        ended = f" ({summary.finished.why})" if summary.finished else ""
        told = f": {why}" if (why := shortfall(summary)) else ""
        raise NoSolution(
            f"run {summary.run} has no accepted solution{ended}{told}; to see more: gome log {summary.run}"
        )
    return summary.best, summary.opened


def write_best(reader: LogReader, summary: Summary, folder: Path, target: Path) -> dict[str, Path]:
    """Write script, submission, requirements and a README into `target`; return their paths by name.

    `folder` is the run's folder. Where the submission is an ensemble of several steps, all their scripts are written.
    The out-of-fold predictions of the best step are written where the log has them. Raises NoSolution where no trial
    was accepted.
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
        write_file(target / name, reader.artefacts.read_now(ref))
    texts = {
        "requirements.txt": _requirements(opened.workplace.packages),
        "README.md": text.clean(_readme(summary, best, opened, folder, scripts)),
    }
    for name, content in texts.items():
        write_file(target / name, content)
    files = {"script": "solution.py", "submission": "submission.csv", "requirements": "requirements.txt"}
    files |= {"oof": "oof.csv"} if best.oof_ref is not None else {}
    return {name: target / file for name, file in (files | {"readme": "README.md"}).items()}


def _requirements(packages: Mapping[str, str]) -> str:
    """A line for each package whose name and version are such.

    A log from elsewhere could hold a line break and an option, or an address, from which `pip` would install.
    """
    good = (pair for pair in sorted(packages.items()) if _PACKAGE.fullmatch(pair[0]) and _VERSION.fullmatch(pair[1]))
    return "".join(f"{name}=={version}\n" for name, version in good)


def _readme(summary: Summary, best: Best, opened: RunOpened, folder: Path, scripts: dict[str, str]) -> str:
    submitted = summary.submitted
    grade = submitted.grade if submitted else None
    return _README.format(
        run=summary.run,
        doubts="".join(f"**Beware: {doubt}.**\n\n" for doubt in doubts(summary)),
        task=opened.task.name,
        metric=opened.task.metric,
        direction=opened.task.direction,
        step=best.step,
        score=best.score_words,
        baseline=text.score(opened.baseline),
        whose=f", of {submitted.whose}" if submitted else "",
        winner=f", of step {submitted.winner}" if submitted else "",
        holdout=text.score(submitted.holdout if submitted else None),
        test=text.score(grade.score if grade else None),
        final=", selected at the finish by its hold-out score" if best.final else "; the run has not finished",
        reasoners=", ".join(summary.reasoners),
        files="\n".join(_files(best, submitted, scripts)),
        predict=shlex.join(_predict(opened, folder)),
        package=shlex.join(_gome(folder, "export", "--to", "package", "DIR")),
    )


def _files(best: Best, submitted: Submitted | None, scripts: dict[str, str]) -> list[str]:
    """One line per file, with a description."""
    lines = [f"- `{name}`: self-contained script of step {step}" for step, name in scripts.items()]
    made_by = "predictions of the script for the test set"
    if submitted is not None and submitted.is_ensemble:
        made_by = f"{submitted.whose}; out of fold it scored better than step {submitted.winner} alone"
    lines.append(f"- `submission.csv`: {made_by} (SHA-256 {best.submission_ref})")
    if best.oof_ref is not None:
        lines.append(f"- `oof.csv`: out-of-fold predictions of step {best.step} for every training row")
    return [*lines, "- `requirements.txt`: package versions that scripts ran with"]


def _predict(opened: RunOpened, folder: Path) -> list[str]:
    """The shell command that reproduces the submission."""
    test = Path(opened.task_path) / "prepared" / "public" / opened.task.test_file
    return _gome(folder, "predict", str(test), "-o", "submission-again.csv")


def _gome(folder: Path, command: str, *words: str) -> list[str]:
    """A command of gome about the run in `folder`, from any working directory."""
    return [sys.executable, "-m", "gome", command, folder.name, *words, "--runs", str(folder.parent.resolve())]
