"""Memory that was let go, given back to the system."""

import ctypes
from contextlib import suppress

__all__ = ["give_back"]


def give_back() -> None:
    """Give free memory back: Linux's allocator keeps it, of a large table as much again as the file has.

    Scripts need it, and what reads a table next would come on top of it. Other systems and C libraries keep theirs.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
