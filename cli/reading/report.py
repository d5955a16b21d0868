"""`report`: write a run's report as one HTML file."""

from gome.cli.options import Json, Output, Run, Runs, folder_of
from gome.viewer.output import emit, hint, say
from gome.viewer.run_folders import as_opened
from gome.viewer.web.report import write_report

__all__ = ["report"]


def report(run: Run = "@last", *, output: Output = None, runs: Runs = None, json: Json = False) -> int:
    """Write the report of a run: one self-contained HTML file.

    Parameters
    ----------
    output
        The file to write. Default: report.html in the run's folder.
    """
    folder = folder_of(run, runs)
    written = write_report(folder, output or folder / "report.html")
    size = written.stat().st_size
    if json:
        emit("report", {"run": folder.name, "report": str(written), "bytes": size})
        return 0
    say(f"report of {folder.name}: {written} ({size / 1024:.0f} KiB); open it in a browser")
    hint(f"gome best {as_opened(folder)} -o DIR", f"gome log {as_opened(folder)}")
    return 0
