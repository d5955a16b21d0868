"""Files that are written for the user."""

import os
from pathlib import Path
from tempfile import mkstemp

__all__ = ["write_file"]


def write_file(path: Path, content: bytes | str) -> None:
    """Write a file whole or not at all. A link in its place is replaced, never followed.

    The folder may be that of a run from elsewhere: a link in it could lead to any file of the user. Raises OSError.
    """
    descriptor, draft = mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.chmod(draft, 0o644)  # noqa: PTH101 - a name from mkstemp
        os.replace(draft, path)  # noqa: PTH105 - a name from mkstemp
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
