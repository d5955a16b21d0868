"""Convert a pickled table to CSV: `python -m gome.scenarios.prepare.unpickle` (stdin: pickle in xz, stdout: CSV).

Reading a pickle can run code. It is therefore read in a child process, after its checksum was verified, and only
classes that tables consist of may be loaded.
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
    """Convert a pickled data frame to CSV in a child process. Raises TaskError if it cannot be read."""
    done = subprocess.run(
        [sys.executable, "-m", "gome.scenarios.prepare.unpickle"], input=content, capture_output=True, check=False
    )
    if done.returncode != 0:
        raise TaskError(f"the pickled table cannot be read: {done.stderr.decode('utf-8', 'replace').strip()[-300:]}")
    return done.stdout


class _TableUnpickler(pickle.Unpickler):
    """Loads only data frames."""

    def find_class(self, module: str, name: str) -> object:
        """Look up a class that tables consist of. Raises UnpicklingError for any other."""
        if f"{module}.".startswith(_MODULES) or (module == "builtins" and name in _BUILTINS):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a pickled table")


def _main() -> None:
    warnings.simplefilter("ignore", DeprecationWarning)  # about module names in older pickles
    table = _TableUnpickler(io.BytesIO(lzma.decompress(sys.stdin.buffer.read()))).load()
    sys.stdout.buffer.write(table.to_csv(index=False, lineterminator="\n").encode("utf-8"))


if __name__ == "__main__":
    _main()
