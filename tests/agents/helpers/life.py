"""One life of a run: begins it, or resumes it where the last life was ended: `python -m tests.agents.helpers.life`."""

import sys
from pathlib import Path

import anyio

from gome.agents.runtime.lifecycle import resume, start_run
from gome.scenarios.config.loader import load_scenario


def main(folder: Path, path: Path, *overrides: str) -> None:
    scenario = load_scenario(path, overrides)
    begun = (folder / "log.sqlite").exists()
    finished = anyio.run(lambda: resume(folder) if begun else start_run(scenario, path, folder, run_id=folder.name))
    assert finished is not None


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
