"""`mcp`: serve runs to assistants."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from gome.cli.options import Runs
from gome.errors import UsageError
from gome.viewer.run_folders import runs_root

__all__ = ["mcp"]


def mcp(*, allow_write: Annotated[bool, Parameter(negative=(), show_default=False)] = False, runs: Runs = None) -> int:
    """Serve runs to an assistant by the Model Context Protocol, over standard input and output, until that ends.

    An assistant can list runs, read their state and messages, ask why a step was tried, and read the best script.

    Parameters
    ----------
    allow_write
        Also let it give hints, finish runs, and start built-in scenarios or scenario files under this folder.
    """
    try:
        from gome.cli.assistants.server import make_server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise UsageError("serving assistants needs the package mcp: pip install 'gome[mcp]'") from error
    make_server(runs_root(runs), Path.cwd(), allow_write=allow_write).run("stdio")
    return 0
