"""A second blind suite: leaks as they are met in practice.

Its author had read neither the probes nor the first suite.

A leak is severe where the out-of-fold score is materially false because of it (by a tenth of the error, or of the area
under the curve, against the same script without the leak), or where the test's answers are looked for or used. Of the
others it is enough that they are named, and of a script with a `claim` alone that the claim is nowhere its score. The
honest scripts look suspicious and are not. All are `Script`s of the first suite, with the same placeholders.
"""

from tests.scenarios.blind.script import Script
from tests.scenarios.unseen.honest_features import HONEST_FEATURES
from tests.scenarios.unseen.honest_fits import HONEST_FITS
from tests.scenarios.unseen.honest_reports import HONEST_REPORTS
from tests.scenarios.unseen.honest_tuning import HONEST_TUNING
from tests.scenarios.unseen.leaks_answers import LEAKS_OF_ANSWERS
from tests.scenarios.unseen.leaks_copies import LEAKS_OF_COPIES
from tests.scenarios.unseen.leaks_encodings import LEAKS_OF_ENCODINGS
from tests.scenarios.unseen.leaks_fits import LEAKS_OF_FITS
from tests.scenarios.unseen.leaks_rows import LEAKS_OF_ROWS
from tests.scenarios.unseen.leaks_splits import LEAKS_OF_SPLITS
from tests.scenarios.unseen.leaks_tuning import LEAKS_OF_TUNING
from tests.scenarios.unseen.tasks import TASKS

__all__ = ["HONEST", "LEAKS", "TASKS", "Script"]

LEAKS = [
    *LEAKS_OF_ANSWERS,
    *LEAKS_OF_COPIES,
    *LEAKS_OF_ENCODINGS,
    *LEAKS_OF_FITS,
    *LEAKS_OF_ROWS,
    *LEAKS_OF_SPLITS,
    *LEAKS_OF_TUNING,
]
HONEST = [*HONEST_FITS, *HONEST_TUNING, *HONEST_FEATURES, *HONEST_REPORTS]
