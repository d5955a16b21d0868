"""The user's home folder, which a container's user need not have."""

from pathlib import Path

from gome.errors import UsageError

__all__ = ["expanded", "home_folder"]


def home_folder(instead: str) -> Path:
    """The home folder. Raises UsageError, with what to do `instead`, where this user has none."""
    try:
        return Path.home()
    except RuntimeError:
        raise UsageError(f"this user has no home folder, and HOME is not set: {instead}") from None


def expanded(path: Path | str) -> Path:
    """A path with its `~` or `~user` replaced. Raises UsageError where there is no such folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UsageError(f"{path}: nobody of that name has a home folder here; write the whole path") from None
