"""Memory that was let go, given back to the system. Of Linux's allocator; others keep to their own ways."""

import ctypes
from contextlib import suppress

__all__ = ["give_back", "share_heap"]

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # of mallopt(3)
_LARGE = 1 << 20


def share_heap() -> None:
    """Let the threads that begin from here on share heaps: each of its own keeps what its thread once needed.

    Of a table of ten thousand columns that is 15 MB for each thread that has read the run's first message.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Give free memory back: Linux's allocator keeps it, of a large table as much again as the file has.

    Scripts need it, and what reads a table next would come on top of it. From here on each large block is given back
    once it is free.
    """
    with suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, _LARGE)
        library.malloc_trim(0)
