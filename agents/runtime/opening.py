"""How a run was opened: its first message, and its scenario.

Apart from `lifecycle`, which imports all that runs scripts: commands that only read these start in half the time.
"""

from pathlib import Path

from gome.agents.protocol.messages import VOCABULARY
from gome.agents.protocol.run_messages import RunOpened, SessionOpened
from gome.bus.store.reader import LogReader
from gome.errors import LogError
from gome.scenarios.config.scenario import Scenario

__all__ = ["opening_of", "scenario_folder", "scenario_of"]


def opening_of(folder: Path) -> RunOpened:
    """The first message of the run in `folder`. Raises RunNotFound, LogDamaged, and LogError where it is missing."""
    with LogReader(folder, VOCABULARY) as reader:
        for envelope in reader.envelopes(kinds=["run_opened"], limit=1):
            if isinstance(envelope.message, RunOpened):
                return envelope.message
    raise LogError(f"the log in {folder} is empty: the run stopped before its first message; start it again")


def scenario_folder(folder: Path) -> Path:
    """The folder of the scenario file of the run in `folder`: what a scenario names is beside it. Raises likewise."""
    return Path(opening_of(folder).scenario_path).parent


def scenario_of(folder: Path) -> Scenario:
    """The scenario of the run in `folder`, with the budget and roles of its last session. Raises as `opening_of`."""
    scenario = dict(opening_of(folder).scenario)
    with LogReader(folder, VOCABULARY) as reader:
        for envelope in reader.envelopes(kinds=["session_opened"]):
            match envelope.message:
                case SessionOpened() as session:
                    scenario["budget"] = session.budget or scenario["budget"]
                    scenario["roles"] = session.roles or scenario["roles"]
                case _:
                    pass
    return Scenario.model_validate(scenario)
