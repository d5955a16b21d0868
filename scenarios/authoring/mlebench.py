"""Competitions of MLE-bench as tasks: `mlebench:COMPETITION`, from the data made by `mlebench prepare`.

DATA/COMPETITION/prepared/{public,private} is only read. An adapter per competition states the meaning of its files
(`mlebench_adapters`). The result is a task folder in the cache: a link to the public data, and a copy of the answers in
this package's format. A competition without an adapter is written `mlebench:COMPETITION:METRIC`: the rest is guessed
from its files, and the task is marked unverified.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pandas import DataFrame
from ruamel.yaml import YAML

from gome.errors import TaskError
from gome.scenarios.authoring.inference import guess_columns, guess_split, metrics_for
from gome.scenarios.authoring.mlebench_adapters import ADAPTERS, Adapter, adapter_of
from gome.scenarios.authoring.user_tables import check_fit
from gome.scenarios.metrics.registry import metric_named
from gome.scenarios.reading.home import home_folder
from gome.scenarios.reading.problems import closest
from gome.scenarios.task.checks import read_task_table
from gome.scenarios.task.columns import read_columns
from gome.scenarios.task.tables import Damaged, canonical, numbers, read_table, write_table
from gome.scenarios.task.typed_table import TypedTable

__all__ = ["data_folder", "mlebench_task"]

_COMPETITION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_BY_HAND = "write a folder with task.yaml and a link `prepared`, and give that folder as the task"


def mlebench_task(named: str, cache: Path, data: Path | None = None) -> Path:
    """Make the task folder of a competition (`COMPETITION` or `COMPETITION:METRIC`) in `cache`, and return it.

    `data` is MLE-bench's data folder (default: `data_folder()`). Raises TaskError if the competition is not prepared,
    or if it has no adapter and no metric is given or its files cannot be interpreted.
    """
    competition, _, metric = named.partition(":")
    if not _COMPETITION.fullmatch(competition):
        raise TaskError(f"{competition!r} is not a competition of MLE-bench: names have letters, digits and dashes")
    root = data or data_folder()
    prepared = root / competition / "prepared"
    if not (prepared / "public").is_dir():
        raise TaskError(_not_prepared(competition, prepared))
    adapter = _adapter(competition, metric, prepared / "public")
    table = _answers(adapter, prepared / "private")
    # Another metric makes another task, so that both can be used at the same time.
    folder = cache / "mlebench" / (f"{competition}-by-{adapter.metric}" if adapter.unverified else competition)
    try:
        with tempfile.TemporaryDirectory(prefix=".mlebench-", dir=_made(cache)) as draft:
            manifest = Path(draft) / "task.yaml"
            with manifest.open("w", encoding="utf-8") as file:
                YAML().dump({"name": competition.lower()[:64], **adapter.manifest}, file)
            _put(manifest, folder / "task.yaml")
            answers = Path(draft) / "answers.csv"
            if table is not None:
                write_table(answers, table)
            _put(answers, folder / "prepared" / "private" / "answers.csv")
            for link, target in (
                ("public", prepared / "public"),
                ("leaderboard", root / competition / "leaderboard.csv"),
            ):
                if target.exists():
                    (Path(draft) / link).symlink_to(target.resolve())
            _put(Path(draft) / "public", folder / "prepared" / "public")
            _put(Path(draft) / "leaderboard", folder / "leaderboard.csv")
    except OSError as error:
        raise TaskError(f"{folder} cannot be written: {error.strerror}; set GOME_CACHE to another folder") from error
    return folder


def data_folder() -> Path:
    """MLE-bench's data folder: `MLEBENCH_DATA`, or the default of `mlebench prepare`."""
    given = os.environ.get("MLEBENCH_DATA")
    if given:
        return Path(given)
    below = "Library/Caches" if sys.platform == "darwin" else ".cache"
    home = os.environ.get("XDG_CACHE_HOME") or home_folder("set MLEBENCH_DATA to the folder of the data") / below
    return Path(home) / "mle-bench" / "data"


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _put(made: Path, place: Path) -> None:
    """Replace `place` atomically by a file or link; remove it if `made` does not exist. Safe for concurrent readers."""
    if not made.is_symlink() and not made.exists():
        place.unlink(missing_ok=True)
        return
    _made(place.parent)
    made.replace(place)


def _not_prepared(competition: str, prepared: Path) -> str:
    near = closest(competition, [*ADAPTERS, *_prepared_beside(prepared)])
    hint = f"; did you mean {near}?" if near and near != competition else ""
    return (
        f"{prepared / 'public'} is missing{hint}; run `mlebench prepare -c {competition}`, or set MLEBENCH_DATA to the "
        "folder with the competitions' data"
    )


def _prepared_beside(prepared: Path) -> list[str]:
    root = prepared.parent.parent
    return [each.name for each in root.iterdir() if each.is_dir()] if root.is_dir() else []


def _adapter(competition: str, metric: str, public: Path) -> Adapter:
    """The competition's adapter, else a guess from its files. Raises TaskError if that needs a metric or fails."""
    if (adapter := adapter_of(competition)) is not None:
        if metric and metric_named(metric).name != adapter.metric:
            raise TaskError(f"{competition} is scored by {adapter.metric}; write mlebench:{competition}")
        return adapter
    paths = _tables(competition, public)
    train, test, sample = (read_task_table(path) for path in paths)
    try:
        columns = guess_columns(train, test, sample)
    except TaskError as error:
        raise TaskError(f"there is no adapter for {competition!r}, and {error}; {_BY_HAND}") from error
    targets = ", ".join(columns.targets)
    fitting = metrics_for(train, columns)
    if not metric:
        raise TaskError(
            f"there is no adapter for {competition!r}; its files look as if {targets} is to be predicted for each "
            f"{columns.id}. Find the metric in {public / 'description.md'} and write "
            f"mlebench:{competition}:METRIC, for example {' or '.join(fitting[:4])}"
        )
    chosen = metric_named(metric)
    check_fit(train, paths[0], columns.targets, chosen)
    read = read_columns(train, test, {}, {})
    split, why = guess_split(TypedTable(read.train, read.dtypes), TypedTable(read.test, read.dtypes), columns)
    words = (
        f"id {columns.id} and target {targets}, by the sample submission",
        f"validation {why}",
        f"metric {chosen.name}, as given",
    )
    classes = columns.classes if len(columns.classes) > 2 else ()
    return Adapter(
        columns.id,
        columns.targets,
        chosen.name,
        split,
        columns.one_hot,
        classes,
        sample=paths[2].name,
        unverified=words,
    )


def _tables(competition: str, public: Path) -> tuple[Path, Path, Path]:
    """The paths of train.csv, test.csv and the sample submission. Raises TaskError if one is missing."""
    found = (public / "train.csv", public / "test.csv", *sorted(_samples(public), key=_how_usual)[:1])
    if len(found) < 3 or not all(path.is_file() for path in found):
        there = ", ".join(sorted(each.name for each in public.iterdir())[:12])
        raise TaskError(
            f"there is no adapter for {competition!r}, and train.csv, test.csv or a sample submission is missing: "
            f"{public} has {there}; {_BY_HAND}"
        )
    return found[0], found[1], found[2]


def _samples(public: Path) -> Iterable[Path]:
    return (path for path in public.glob("*.csv") if "submission" in path.name.lower())


def _how_usual(path: Path) -> tuple[bool, bool, str]:
    plain = path.stem.lower().replace("_", "").replace("-", "")
    return plain != "samplesubmission", "sample" not in plain, path.name


def _answers(adapter: Adapter, private: Path) -> DataFrame | None:
    """The answers, with one column per target; None if there is no private folder, as for an agent.

    Raises TaskError if their format is unknown.
    """
    source = next((path for name in ("test.csv", "answers.csv") if (path := private / name).is_file()), None)
    if source is None:
        return None
    try:
        table = read_table(source)
    except Damaged as damaged:
        raise TaskError(f"{source}: {damaged}") from damaged
    asked = list(adapter.classes) if adapter.one_hot and adapter.classes else []
    if adapter.one_hot and adapter.targets[0] not in table and all(name in table for name in (adapter.id, *asked)):
        classes = (table[asked] if asked else table.drop(columns=adapter.id)).apply(numbers)
        table = table[[adapter.id]].assign(**{adapter.targets[0]: classes.idxmax(axis=1)})
    absent = [name for name in (adapter.id, *adapter.targets) if name not in table]
    if absent:
        raise TaskError(f"{source}: no column {', '.join(absent)}; columns: {', '.join(map(str, table.columns[:12]))}")
    table = table[[adapter.id, *adapter.targets]]
    if adapter.unscored is not None:
        targets = list(adapter.targets)
        table.loc[(table[targets].apply(canonical) == adapter.unscored).any(axis=1), targets] = ""
    return table
