"""`compare`: two runs side by side, and their first difference."""

from typing import Any

from gome.cli.options import Json, Run, Runs, folder_of
from gome.viewer import text
from gome.viewer.output import emit, hint, say, say_aside, screen_width, table
from gome.viewer.queries.comparison import Comparison, compared
from gome.viewer.run_folders import as_opened, open_reader

__all__ = ["compare"]


def compare(
    one: Run,
    other: Run,
    *,
    target: float | None = None,
    runs: Runs = None,
    json: Json = False,
) -> int:
    """Compare two runs: scores, times, costs, overlap, differing settings, first differing message, ideas of one only.

    Parameters
    ----------
    target
        Report time and trials until this score. Default: the best score that both runs reached.
    """
    logs, folders = [], [folder_of(name, runs) for name in (one, other)]
    for folder in folders:
        with open_reader(folder) as reader:
            logs.append(list(reader.envelopes()))
    found = compared(logs[0], logs[1], target)
    if found.incomparable:
        say_aside(f"warning: {found.incomparable}: their scores are not comparable")
    if json:
        emit("compare", _document(found))
        return 0
    say(table(("", *(each.run for each in found.runs)), found.rows))
    if found.target is not None:
        say(f"target score: {text.score(found.target)}")
    elif not found.incomparable:
        say("no target score: not both runs have an accepted trial")
    _say_differences(found)
    _say_divergence(found)
    hint(f"gome tree {as_opened(folders[0])}", f"gome report {as_opened(folders[1])}")
    return 0


def _document(found: Comparison) -> dict[str, Any]:
    """The comparison as data of `compare --json`."""
    return {
        "runs": [each.run for each in found.runs],
        "comparable": not found.incomparable,
        "target": found.target,
        "figures": [{name.lower().replace(" ", "_"): value for name, value in each.items()} for each in found.figures],
        "settings": found.settings,
        "submission_of": [list(each.submitted.steps) if each.submitted else [] for each in found.runs],
        "ideas": found.ideas,
        "divergence": found.divergence,
    }


def _say_differences(found: Comparison) -> None:
    say("\ndiffering settings" if found.settings else "\nno setting differs")
    for path, (before, after) in found.settings.items():
        say(f"  {path}: {before} | {after}")
    for summary, own in zip(found.runs, found.ideas, strict=True):
        say(f"\ntried only by {summary.run}: {len(own)}")
        for each in own:
            say(text.cut(f"  {text.line(each)}", screen_width()))


def _say_divergence(found: Comparison) -> None:
    divergence = found.divergence
    if divergence is None:
        say("\nthe roles sent the same messages in both runs (measured times ignored)")
        return
    where = f"{divergence.sender} {divergence.place} {divergence.kind} {', '.join(divergence.fields)}"
    say(f"\nfirst difference: {where}".rstrip())
    for summary, name, headline in zip(found.runs, divergence.ids, divergence.headlines, strict=True):
        line = f"  {summary.run}  {name[:8] if name else 'not sent'}  {text.line(headline or '')}"
        say(text.cut(line.rstrip(), screen_width()))
