"""`python -m benchmarks.tasks`."""

import sys

from benchmarks.tasks.grid import main

if __name__ == "__main__":
    main(sys.argv[1:])
