"""Turns a pickled table into CSV: `python -m gome.scenarios.prepare.unpickle`, xz pickle in, CSV out.

A pickle runs code when it is read. So it is read in a process of its own, after its checksum was found right, and
nothing but what tables are made of may be named in it.
"""

import io
import lzma
import pickle
import subprocess
import sys
import warnings

from gome.errors import TaskError

__all__ = ["table_of"]

_MODULES = ("pandas.", "numpy.")
_BUILTINS = frozenset({"slice", "object", "bytearray", "list", "tuple", "set", "frozenset", "dict"})


def table_of(content: bytes) -> bytes:
    """The CSV of a pickled data frame, made in a child process. Raises TaskError where it cannot be read."""
    done = subprocess.run(
        [sys.executable, "-m", "gome.scenarios.prepare.unpickle"], input=content, capture_output=True, check=False
    )
    if done.returncode != 0:
        raise TaskError(f"the pickled table cannot be read: {done.stderr.decode('utf-8', 'replace').strip()[-300:]}")
    return done.stdout


class _TableUnpickler(pickle.Unpickler):
    """Reads data frames and refuses everything else."""

    def find_class(self, module: str, name: str) -> object:
        """The class of that name, where it is one that tables are made of. Raises UnpicklingError otherwise."""
        if f"{module}.".startswith(_MODULES) or (module == "builtins" and name in _BUILTINS):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is no part of a table")


def _main() -> None:
    warnings.simplefilter("ignore", DeprecationWarning)  # of module names that older pickles have
    table = _TableUnpickler(io.BytesIO(lzma.decompress(sys.stdin.buffer.read()))).load()
    sys.stdout.buffer.write(table.to_csv(index=False, lineterminator="\n").encode("utf-8"))


if __name__ == "__main__":
    _main()
