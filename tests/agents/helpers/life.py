"""Lives of a run: each begins it, or resumes it where the last one was ended, in a process of its own.

The processes are forks of one that has imported what a run imports, so that a life begins in no time.
"""

import os
import traceback
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import anyio
import openai
import sklearn.feature_selection

from gome.agents.backends.factory import make_backend
from gome.agents.runtime.lifecycle import resume, start_run
from gome.scenarios.config.loader import load_scenario

__all__ = ["begin_life", "complaint_of"]

IMPORTED = (openai, sklearn.feature_selection, make_backend)
"""What a run imports when it needs it."""
_PROCESSES = get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])


def begin_life(folder: Path, scenario: Path) -> BaseProcess:
    """Begin or resume the run in `folder`; the process ends with status 0 once the run has ended."""
    life = _PROCESSES.Process(target=_live, args=(folder, scenario), daemon=True)
    life.start()
    return life


def complaint_of(folder: Path) -> str:
    """The traceback with which the last life in `folder` ended; empty where it ended well or was killed."""
    path = folder.with_suffix(".complaint")
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _live(folder: Path, path: Path) -> None:
    begun = (folder / "log.sqlite").exists()
    try:
        scenario = load_scenario(path)
        finished = anyio.run(lambda: resume(folder) if begun else start_run(scenario, path, folder, run_id=folder.name))
        assert finished is not None
    except BaseException:  # noqa: BLE001 - told to whoever began it
        folder.with_suffix(".complaint").write_text(traceback.format_exc(), encoding="utf-8")
        os._exit(1)
