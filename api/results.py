"""What is written at the end of a run: the report, and the files of the best solution."""

from dataclasses import dataclass
from pathlib import Path

from gome.api.best_files import write_best
from gome.errors import UsageError
from gome.viewer.model.summary import Summary, summarise
from gome.viewer.run_folders import open_reader
from gome.viewer.web.report import write_report

__all__ = ["Results", "write_results"]


@dataclass(frozen=True)
class Results:
    """The report, the files in `best/` by name (none where no trial was accepted), and the run's state."""

    report: Path
    files: dict[str, Path]
    summary: Summary


def write_results(folder: Path) -> Results:
    """Write report and best files of the run in `folder`. Raises UsageError where `best` is a link, to anywhere."""
    if (folder / "best").is_symlink():
        raise UsageError(f"{folder / 'best'} is a link; remove it, as the files of the best solution are written there")
    report = write_report(folder, folder / "report.html")
    with open_reader(folder) as reader:
        summary = summarise(reader.envelopes())
        files = write_best(reader, summary, folder, folder / "best") if summary.best is not None else {}
    return Results(report, files, summary)
