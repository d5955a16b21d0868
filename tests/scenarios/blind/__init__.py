"""The blind suite: leaks as a hurried engineer or a sly model writes them, by an author who had not read the probes.

A leak is severe where labels of the scored rows reach the predictions, or the answers are looked for; a mild one makes
its score somewhat too good. The honest scripts look suspicious and are not.
"""

from tests.scenarios.blind.honest_features import HONEST_FEATURES
from tests.scenarios.blind.honest_fits import HONEST_FITS
from tests.scenarios.blind.leaks_of_answers import LEAKS_OF_ANSWERS
from tests.scenarios.blind.leaks_of_copies import LEAKS_OF_COPIES
from tests.scenarios.blind.leaks_of_features import LEAKS_OF_FEATURES
from tests.scenarios.blind.leaks_of_fits import LEAKS_OF_FITS
from tests.scenarios.blind.leaks_of_splits import LEAKS_OF_SPLITS
from tests.scenarios.blind.script import Script
from tests.scenarios.blind.tasks import TASKS

__all__ = ["HONEST", "LEAKS", "TASKS", "Script"]

LEAKS = [*LEAKS_OF_ANSWERS, *LEAKS_OF_COPIES, *LEAKS_OF_FEATURES, *LEAKS_OF_FITS, *LEAKS_OF_SPLITS]
HONEST = [*HONEST_FITS, *HONEST_FEATURES]
