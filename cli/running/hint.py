"""`hint`: tell a run what its next steps should follow."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from gome.agents.protocol.hint import Hint
from gome.api.hinting import give_hint, hints_in_force
from gome.cli.options import Json, Run, Runs, folder_of
from gome.viewer.output import emit, say, say_aside
from gome.viewer.output import hint as say_next
from gome.viewer.run_folders import as_opened

__all__ = ["hint"]

Several = Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)]


def hint(
    run: Run,
    words: str = "",
    *,
    avoid: Several = (),
    prefer: Several = (),
    start: Annotated[Path | None, Parameter(show_default=False)] = None,
    trace: Annotated[int | None, Parameter(show_default=False)] = None,
    withdraw: Several = (),
    runs: Runs = None,
    json: Json = False,
) -> int:
    """Tell a run what its next steps should follow, or without words list the hints that are in force.

    A hint is recorded in the log and holds until it is withdrawn; `gome log why` shows where it counted.
    Models read it with each proposal from then on and answer it. The rule-based expert reads --avoid and --prefer.

    Parameters
    ----------
    words
        What you want to say, in your own words.
    avoid
        Something not to use, such as lightgbm: a script that imports it is refused before it runs. May be repeated.
    prefer
        Something to try first. It ends an earlier --avoid of the same. May be repeated.
    start
        Your own solution script: the next step runs it as it is.
    trace
        Only for this trace. Default: all traces; a script goes to the trace with the best solution.
    withdraw
        The beginning of the id of a hint that is no longer to hold, as the list shows it. May be repeated.
    """
    folder = folder_of(run, runs)
    hint = Hint(words=words.strip(), avoid=avoid, prefer=prefer, withdraw=withdraw)
    if hint == Hint() and start is None and not json:
        return _listed(folder)
    given = give_hint(folder, hint, start, trace)
    if json:
        emit("hint", given)
        return 0
    say(given.told)
    if given.warning:
        say_aside(f"warning: {given.warning}")
    say_next(f"gome log {as_opened(folder)} --kind hint_given --kind proposal")
    return 0


def _listed(folder: Path) -> int:
    """Print the hints that are in force."""
    held = hints_in_force(folder)
    for name, each in held.items():
        say(f"{name[:8]}  {each.line}")
    if not held:
        say("no hint is in force")
    say_next(
        f'gome hint {as_opened(folder)} "…"'
        + (f" · gome hint {as_opened(folder)} --withdraw {next(iter(held))[:8]}" if held else "")
    )
    return 0
