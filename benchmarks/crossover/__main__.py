"""`python -m benchmarks.crossover`."""

import sys

from benchmarks.crossover.grid import main

if __name__ == "__main__":
    main(sys.argv[1:])
