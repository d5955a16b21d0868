"""The tools that read runs: list, status, messages, why, the best script. They change nothing."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import Field

from gome.api.best_files import best_of
from gome.api.step_explanation import why as why_of
from gome.cli.assistants.asked import (
    Count,
    Kinds,
    Number,
    RunName,
    StepName,
    Words,
    folder_in,
    is_in,
    shortened,
)
from gome.cli.reading.best import best_data
from gome.errors import UsageError
from gome.scenarios.config.units import parse_duration
from gome.viewer import text
from gome.viewer.model.message_lines import headline
from gome.viewer.model.now import Present, look
from gome.viewer.model.summary import find_step, summarise
from gome.viewer.output import as_data
from gome.viewer.queries.listing import Filter, check_filter
from gome.viewer.queries.message import activities_of, artefacts_of
from gome.viewer.queries.runs import row_below, row_of
from gome.viewer.run_folders import open_reader, run_folders

__all__ = ["Reading"]

_MOST_LINE = 400


class Reading:
    """The tools that read the runs in `root`: its public methods."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def tools(self) -> list[Callable[..., Any]]:
        """All of them."""
        return [self.list_runs, self.status, self.log, self.message, self.why, self.best_script]

    def list_runs(self, last: Count = 20) -> list[dict[str, Any]]:
        """List runs with state, trials, scores, newest first. `last`: at most that many."""
        folders = [folder for folder in run_folders(self._root) if is_in(self._root, folder)]
        return [as_data(row_below(folder)[0]) for folder in reversed(folders[-last:])]

    def status(self, run: RunName = "@last") -> dict[str, Any]:
        """A run's state, best step, budget used, and what each role does at this moment."""
        folder = folder_in(self._root, run)
        with open_reader(folder) as reader:
            summary, present = summarise(reader.envelopes()), Present()
            present.hear(reader.telemetry())
        row = row_of(folder, summary)
        end = summary.now(time.time()) if row["state"] == "running" else summary.time
        now = look(summary, present, end)
        roles = {each.role: each.words for each in now.roles if each.words and row["state"] == "running"}
        budget = [each.words for each in now.allowances]
        best = summary.best.step if summary.best is not None else None
        steps = [f"{each.name} {each.verdict}, score {each.score_words}" for each in summary.trials]
        shown: dict[str, Any] = as_data({**row, "best": best, "budget": budget, "roles": roles, "steps": steps})
        return shown

    def log(
        self,
        run: RunName = "@last",
        role: Words | None = None,
        trace: Number | None = None,
        step: Number | None = None,
        kinds: Kinds = [],  # noqa: B006 - the schema that assistants see has the default
        since: Words | None = None,
        grep: Words | None = None,
        last: Count = 50,
    ) -> list[dict[str, Any]]:
        """A run's messages, a line each. Filters as of `gome log`: role, trace, step, kinds, since (5min), grep."""
        try:
            start = None if since is None else float(parse_duration(since))
        except ValueError as error:
            raise UsageError(f"since {since}: {error}") from error
        chosen = Filter(role, trace, step, tuple(kinds), start, grep)
        check_filter(chosen)
        with open_reader(folder_in(self._root, run)) as reader:
            return [
                {
                    "id": each.id,
                    "seconds": each.time,
                    "kind": each.kind,
                    "sender": each.sender,
                    "trace": each.trace,
                    "step": each.step,
                    "words": text.line(headline(each), _MOST_LINE),
                }
                for each in chosen.read(reader, newest=last)
            ]

    def message(self, id: str = Field(pattern=r"^[0-9a-f]{4,64}$"), run: RunName = "@last") -> str:  # noqa: A002
        """One message in full: fields, texts it refers to, model calls and script runs for it. `id`: or a prefix."""
        with open_reader(folder_in(self._root, run)) as reader:
            envelope = reader.envelope(id)
            body = as_data(envelope.message)
            parts = {"fields": body, **artefacts_of(reader, body), "calls": activities_of(reader, envelope)}
        return shortened("\n\n".join(f"# {name}\n{_shown(part)}" for name, part in parts.items()))

    def why(self, run: RunName = "@last", step: StepName | None = None) -> str:
        """What a step tried and why, what came of it, and the messages that led to it. By default the best step."""
        with open_reader(folder_in(self._root, run)) as reader:
            summary = summarise(reader.envelopes())
            return shortened(why_of(reader, find_step(summary, step or best_of(summary)[0].step)))

    def best_script(self, run: RunName = "@last") -> dict[str, Any]:
        """The script of a run's best solution, with its scores."""
        with open_reader(folder_in(self._root, run)) as reader:
            summary = summarise(reader.envelopes())
            data = best_data(reader, summary)
            script = reader.artefacts.read_now(best_of(summary)[0].script_ref).decode("utf-8", "replace")
        shown: dict[str, Any] = as_data({**data, "script": shortened(script)})
        return shown


def _shown(part: Any) -> str:
    return part if isinstance(part, str) else json.dumps(part, ensure_ascii=False, indent=1)
