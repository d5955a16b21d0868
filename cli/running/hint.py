"""`hint`: tell a run what its next steps should follow."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from gome.agents.protocol.hint import Hint
from gome.api.hinting import give_hint
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
    runs: Runs = None,
    json: Json = False,
) -> int:
    """Tell a run what its next steps should follow. It is recorded in the log; `gome log why` shows where it counted.

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
    """
    folder = folder_of(run, runs)
    given = give_hint(folder, Hint(words=words.strip(), avoid=avoid, prefer=prefer), start, trace)
    if json:
        emit("hint", given)
        return 0
    say(given.told)
    if given.warning:
        say_aside(f"warning: {given.warning}")
    say_next(f"gome log {as_opened(folder)} --kind hint_given --kind proposal")
    return 0
