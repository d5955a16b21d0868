"""`python -m benchmarks.unseen`; see `grid.py`."""

import sys

from benchmarks.unseen.grid import main

if __name__ == "__main__":
    main(sys.argv[1:])
