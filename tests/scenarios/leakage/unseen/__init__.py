"""The unseen suite: leaks and honest scripts by an author who knew neither the harness nor the blind suite."""

from tests.scenarios.leakage.unseen.honest import HONEST
from tests.scenarios.leakage.unseen.leaks_copies import LEAKS_OF_COPIES
from tests.scenarios.leakage.unseen.leaks_encodings import LEAKS_OF_ENCODINGS
from tests.scenarios.leakage.unseen.leaks_fits import LEAKS_OF_FITS
from tests.scenarios.leakage.unseen.tasks import TASKS

__all__ = ["HONEST", "LEAKS", "TASKS"]

LEAKS = [*LEAKS_OF_COPIES, *LEAKS_OF_ENCODINGS, *LEAKS_OF_FITS]
