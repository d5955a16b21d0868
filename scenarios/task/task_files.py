"""The files of a task's folder: found, checked for their names, read where they are no tables of rows."""

import hashlib
import stat
from pathlib import Path

from gome.errors import TaskError
from gome.scenarios.evidence import TaskBrief
from gome.scenarios.metrics.registry import Metric
from gome.scenarios.task.checks import check_answers
from gome.scenarios.task.manifest import Manifest, read_manifest
from gome.scenarios.task.tables import Damaged, numbers, read_table
from gome.scenarios.task.text_table import TextTable

__all__ = [
    "answers_of",
    "check_side_files",
    "description_of",
    "digest_of",
    "has_side_files",
    "leaderboard_of",
    "linked_files",
    "manifest_of",
    "named_file",
    "sample_path",
]

_LARGEST_LEADERBOARD = 1 << 26
_LARGEST_DESCRIPTION = 1 << 22
_IN_EVERY_VIEW = ("task.json", "train.csv", "test.csv")
"""Files that the harness writes into every view (`view_files`), so side files must not have these names.

It writes a sample submission too, but a second one in the task is simply left out (`views.side_files`).
"""


def manifest_of(folder: Path) -> Manifest:
    """The manifest. Raises TaskError where the folder is none of a task, or has no data yet."""
    if not folder.is_dir():
        raise TaskError(f"{folder} is not a folder; a task is a folder with task.yaml and prepared/public")
    path = folder / "task.yaml"
    if not path.is_file():
        raise TaskError(f"{path} is missing; it needs at least `targets: [COLUMN]` and `metric: NAME`")
    if not (folder / "prepared" / "public").is_dir():
        known = folder.parent == Path(__file__).parents[1] / "tasks"
        remedy = f"prepare it with `gome task prepare {folder.name}`" if known else "put train.csv and test.csv there"
        raise TaskError(f"{folder / 'prepared' / 'public'} is missing; {remedy}")
    return read_manifest(path)


def named_file(public: Path, name: str) -> Path:
    """The path of a file of `prepared/public`. Raises TaskError where it is missing."""
    path = public / name
    if path.parent != public:
        raise TaskError(f"{name}: files in task.yaml must be plain names in prepared/public")
    if not path.is_file():
        there = ", ".join(sorted(each.name for each in public.iterdir())[:12]) or "nothing"
        raise TaskError(f"{path} is missing; the folder has {there}. Name the file under `files` in task.yaml")
    return path


def check_side_files(public: Path, tables: set[Path]) -> None:
    """Check that no side file has the name of a file that the harness writes into every view."""
    for name in _IN_EVERY_VIEW:
        if (public / name).exists() and public / name not in tables:
            raise TaskError(f"{public / name}: this name is reserved for a file that scripts are given; rename it")


def has_side_files(public: Path, tables: set[Path]) -> bool:
    """Whether there are files beside the tables that may hold features: any but prose."""
    return any(path.is_file() and path not in tables and path.suffix != ".md" for path in public.rglob("*"))


def sample_path(public: Path, name: str | None) -> Path:
    """Find the sample submission, whose file name varies among MLE-bench's tasks."""
    if name is not None:
        return named_file(public, name)
    found = sorted(path for path in public.glob("*.csv") if path.name.lower().startswith("sample"))
    if len(found) != 1:
        words = "is missing" if not found else f"is ambiguous: {', '.join(path.name for path in found)}"
        raise TaskError(f"{public / 'sample_submission.csv'} {words}; set files.sample_submission in task.yaml")
    return found[0]


def linked_files(folder: Path, public: Path) -> tuple[str, ...]:
    """Notes on public files that are links to files outside the task: a task of somebody else could show any file.

    Raises TaskError for one that its owner alone may read, which scripts and models would be shown.
    """
    places = folder.resolve(), public.resolve()
    links = {path: path.resolve() for path in sorted(public.rglob("*")) if path.is_symlink() and path.is_file()}
    outside = {path: to for path, to in links.items() if not any(to.is_relative_to(place) for place in places)}
    for path, target in outside.items():
        if not target.stat().st_mode & stat.S_IROTH:
            raise TaskError(
                f"{path} is a link to {target}, outside the task, which its owner alone may read; scripts and models "
                "would see it: put a copy into the task if that is meant"
            )
    return tuple(f"{path} is a link to {target}, outside the task: scripts see it" for path, target in outside.items())


def description_of(public: Path, name: str) -> str:
    """The text of the description; empty if there is none. Raises TaskError for a path, or another encoding."""
    path = public / name
    if path.parent != public:
        raise TaskError(f"{name}: files in task.yaml must be plain names in prepared/public")
    if not path.is_file():
        return ""
    try:
        if path.stat().st_size > _LARGEST_DESCRIPTION:
            raise TaskError(f"{path} is larger than {_LARGEST_DESCRIPTION:,} bytes; a description is text for prompts")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{path} cannot be read as UTF-8 text: {error}") from error


def answers_of(
    folder: Path, manifest: Manifest, test: TextTable, brief: TaskBrief, metric: Metric
) -> tuple[Path | None, tuple[str, ...]]:
    """The file of answers, and a note if some rows have none."""
    private = folder / "prepared" / "private"
    if manifest.files.answers is not None:
        path = private / manifest.files.answers
        if path.parent != private:
            raise TaskError(f"{manifest.files.answers}: files.answers in task.yaml must be a name in prepared/private")
        if not path.is_file():
            raise TaskError(f"{path}, set as files.answers in task.yaml, is missing")
    else:
        found = sorted(private.glob("*.csv"))
        if len(found) > 1:
            raise TaskError(f"{private} has {len(found)} CSV files; set files.answers in task.yaml")
        if not found:
            return None, ()
        path = found[0]
    unscored = check_answers(path, test, brief, metric)
    return path, (f"{unscored} of {len(test)} test rows are not scored: they have no answer",) if unscored else ()


def leaderboard_of(path: Path) -> tuple[Path | None, tuple[str, ...]]:
    """The leaderboard, and a note if it is only a pointer to one. Raises TaskError for an invalid one."""
    if not path.is_file():
        return None, ()
    with path.open("rb") as file:
        if file.read(40).startswith(b"version https://git-lfs"):
            return None, (
                f"{path.resolve()} is a Git LFS pointer, not the leaderboard; run `git lfs pull` to get medals",
            )
    try:
        table = read_table(path, _LARGEST_LEADERBOARD)
    except Damaged as damaged:
        raise TaskError(f"{path}: {damaged}") from damaged
    if "score" not in table or not len(table):
        raise TaskError(f"{path}: a leaderboard needs a column `score` and at least one row")
    bad = numbers(table["score"]).isna().to_numpy()
    if bad.any():
        raise TaskError(f"{path}: column 'score', row {int(bad.argmax()) + 1} is not a number")
    return path, ()


def digest_of(manifest: Path, public: Path) -> str:
    """SHA-256 of the manifest and of the names and contents of all public files."""
    digest = hashlib.sha256()
    for path in (manifest, *sorted(path for path in public.rglob("*") if path.is_file())):
        name = path.name if path == manifest else path.relative_to(public).as_posix()
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()
