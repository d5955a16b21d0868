"""Tests; the folders mirror the source.

Tests run on all cores at once. Libraries that compute on several threads beside that wait for each other: half of the
computing of a small run went into it.
"""

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
