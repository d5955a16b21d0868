"""`view`: serve the report of every run as live web pages on this machine."""

import webbrowser
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from gome.agents.protocol.hint import Hint
from gome.api.hinting import give_hint
from gome.cli.options import Port, Runs, folder_of
from gome.viewer.output import hint, say
from gome.viewer.run_folders import runs_root
from gome.viewer.web.server import PageServer

__all__ = ["left", "view"]


def view(
    run: str | None = None,
    *,
    port: Port = 8631,
    host: str = "127.0.0.1",
    open_: Annotated[bool, Parameter(name="--open", negative=(), show_default=False)] = False,
    allow_write: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    runs: Runs = None,
) -> int:
    """Serve live pages of all runs on this machine, read-only unless --allow-write, until ^C.

    Parameters
    ----------
    run
        The run to open first. Default: the list of all runs.
    port
        The port to listen on; 0 picks a free port.
    host
        The address to listen on. With an address other than 127.0.0.1, others on the network can read every run.
    open_
        Open the page in a browser.
    allow_write
        Let the page of an unfinished run leave hints, as `gome hint` does. Whoever can open the pages can leave them.
    """
    folder = folder_of(run, runs) if run else None
    page = f"runs/{folder.name}" if folder else ""
    root = folder.resolve().parent if folder else runs_root(runs)  # a run named by its path may be elsewhere
    with PageServer(root, host, port, left if allow_write else None) as server:
        say(f"live pages at {server.url}{page}; press ^C to stop")
        hint("gome runs", "gome log -f")
        if open_:
            webbrowser.open(server.url + page)
        server.serve_forever()
    return 0


def left(folder: Path, words: str, trace: int | None) -> str:
    """Leave a hint from a run's page; returns what becomes of it. Raises UsageError as `give_hint`."""
    given = give_hint(folder, Hint(words=words.strip()), trace=trace)
    return f"{given.told}. Beware: {given.warning}" if given.warning else given.told
