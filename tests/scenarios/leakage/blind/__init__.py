"""The blind suite: leaks as written by a careless engineer or a cheating model; its author did not know the harness."""

from tests.scenarios.leakage.blind.honest import HONEST
from tests.scenarios.leakage.blind.leaks_of_answers import LEAKS_OF_ANSWERS
from tests.scenarios.leakage.blind.leaks_of_fits import LEAKS_OF_FITS
from tests.scenarios.leakage.blind.leaks_of_targets import LEAKS_OF_TARGETS
from tests.scenarios.leakage.blind.tasks import TASKS

__all__ = ["HONEST", "LEAKS", "TASKS"]

LEAKS = [*LEAKS_OF_ANSWERS, *LEAKS_OF_TARGETS, *LEAKS_OF_FITS]
