"""`python -m benchmarks.trial`."""

import sys

from benchmarks.trial.compare import main

if __name__ == "__main__":
    main(sys.argv[1:])
