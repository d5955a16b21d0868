"""`completion`: the script by which a shell completes commands and options."""

import sys
from typing import Literal

from gome.viewer.output import hint

__all__ = ["completion"]

_PLACES = {
    "bash": "~/.local/share/bash-completion/completions/gome",
    "zsh": "a folder of $fpath, as _gome",
    "fish": "~/.config/fish/completions/gome.fish",
}


def completion(shell: Literal["bash", "zsh", "fish"], /) -> int:
    """Print the script by which a shell completes gome's commands and options.

    Parameters
    ----------
    shell
        The shell.
    """
    from gome.cli.app import app  # it imports this module

    sys.stdout.write(app.generate_completion(prog_name="gome", shell=shell))
    hint(f"gome completion {shell} > {_PLACES[shell]}")
    return 0
