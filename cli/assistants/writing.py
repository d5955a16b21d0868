"""The tools that change something: hint, start, finish. They are there only with `--allow-write`.

Whatever is started is a process of its own, that goes on when the assistant leaves. A scenario is a built-in one or a
file under the folder where the server was started; its settings cannot be overridden but for the budget, and keys go to
no server without the user's consent.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from gome import scenarios
from gome.agents.protocol.hint import Hint
from gome.api.hinting import give_hint
from gome.bus.store.lock import holder
from gome.cli.assistants.asked import Number, RunName, Words, folder_in, shortened
from gome.cli.detach import NotBegun, detach
from gome.cli.key_consent import check_consent
from gome.errors import UsageError
from gome.scenarios.config.loader import load_scenario
from gome.viewer.model.summary import Summary
from gome.viewer.output import as_data
from gome.viewer.run_folders import new_run_id, outline

__all__ = ["Writing"]

_BUILT_IN = Path(scenarios.__file__).parent
ScenarioName = Annotated[str, Field(pattern=r"^[^\x00-\x1f]{1,300}$")]
Several = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=20)]


class Writing:
    """The tools that change the runs in `root`: its public methods. Scenario files must be under `beside`."""

    def __init__(self, root: Path, beside: Path) -> None:
        self._root = root
        self._beside = beside

    @property
    def tools(self) -> list[Callable[..., Any]]:
        """All of them."""
        return [self.hint, self.start, self.finish]

    def hint(
        self,
        run: RunName,
        words: Words = "",
        avoid: Several = [],  # noqa: B006 - the schema that assistants see has the default
        prefer: Several = [],  # noqa: B006
        trace: Number | None = None,
    ) -> dict[str, Any]:
        """Tell a run what its next steps should try, avoid or prefer; with `trace`, only that one."""
        given = Hint(words=words.strip(), avoid=tuple(avoid), prefer=tuple(prefer))
        shown: dict[str, Any] = as_data(give_hint(folder_in(self._root, run), given, trace=trace))
        return shown

    def start(
        self,
        scenario: ScenarioName,
        trials: Annotated[int, Field(ge=1, le=10_000)] | None = None,
        time: Annotated[str, Field(pattern=r"^\d+(\.\d+)?(s|min|h|d)$")] | None = None,
    ) -> dict[str, Any]:
        """Start a run in the background: a built-in scenario's name, or a scenario file under the server's folder.

        `trials` and `time` (10min, 2h) override its budget.
        """
        path = _scenario_file(scenario, self._beside)
        budget = {"trials": trials, "time": time}
        settings = [f"budget.{name}={json.dumps(value)}" for name, value in budget.items() if value is not None]
        asked = load_scenario(path, overrides=settings)
        check_consent(asked, path.parent, trust=False)
        folder = self._root / new_run_id(asked.name)
        options = [*(f"--set={each}" for each in settings), "--display", "plain", "--run-id", folder.name]
        return _begun(["run", str(path), *options], folder)

    def finish(self, run: RunName) -> dict[str, Any]:
        """Finish a stopped run in the background: no new trials; the finalists run again and the winner is chosen."""
        folder = folder_in(self._root, run)
        if holder(folder) is not None:
            raise UsageError(f"{folder.name} is running; stop it first: gome stop {folder.name}")
        _check_unfinished(outline(folder))
        return _begun(["finish", folder.name, "--display", "plain"], folder)


def _check_unfinished(summary: Summary) -> None:
    if summary.finished is not None:
        raise UsageError(f"{summary.run} has finished already; its solution: best_script")


def _begun(command: list[str], folder: Path) -> dict[str, Any]:
    """Start the process for the run in `folder`. Raises UsageError, with its words, where it ends before it begins."""
    begun = detach([*command, "--runs", str(folder.parent.resolve())], folder)
    if isinstance(begun, NotBegun):
        raise UsageError(shortened(begun.words, 4000))
    return {"run": begun.run, "pid": begun.pid}


def _scenario_file(name: str, beside: Path) -> Path:
    """The file of a scenario. Raises UsageError where there is none that may be started."""
    if name.isidentifier() or name.replace("-", "_").isidentifier():
        path = _BUILT_IN / f"{name}.yaml"
        if not path.is_file():
            known = ", ".join(sorted(each.stem for each in _BUILT_IN.glob("*.yaml")))
            raise UsageError(f"there is no built-in scenario {name!r}; there are {known}")
        return path
    path = (beside / name).resolve()
    if path.suffix not in (".yaml", ".yml") or not path.is_relative_to(beside.resolve()) or not path.is_file():
        raise UsageError(f"{name!r} is no scenario file (.yaml) under the folder where `gome mcp` was started")
    return path
