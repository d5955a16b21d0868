"""Output of the commands that steer a run."""

from gome.cli.documents.base import Data

__all__ = ["HintLeft", "Reviewed"]


class HintLeft(Data):
    """A hint that was left for a run, in the file `note` of its inbox; for one trace or all.

    Where the run is not `running`, it is recorded when the run is resumed. `warning` says what of it nobody reads;
    empty where all of it is read.
    """

    run: str
    note: str
    trace: int | None
    running: bool
    warning: str


class Reviewed(Data):
    """The answer to a proposal that waits, in the file `note` of the run's inbox; `step` is the proposal's."""

    run: str
    step: str
    note: str
