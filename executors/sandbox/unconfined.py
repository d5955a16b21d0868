"""The level without a sandbox, on the user's explicit request: clean environment, limits, real paths, no isolation."""

import os

from gome.executors.command import Command, environment, limited, placed, translate
from gome.executors.launch import Launch, Slot
from gome.executors.resources.interpreter import Interpreter

__all__ = ["command"]


def command(launch: Launch, slot: Slot, python: Interpreter, token: str) -> Command:
    """The command that runs a launch without a sandbox, with real paths in place of mounted ones."""
    argv = (
        *placed(slot),
        *limited(launch.limits),
        str(python.executable),
        str(launch.script),
        *(translate(argument, launch) for argument in launch.arguments),
    )
    variables = environment(launch, token, slot.threads, home=os.fspath(launch.workspace))
    variables = {name: translate(value, launch) for name, value in variables.items()}
    variables["CUDA_VISIBLE_DEVICES"] = "" if slot.gpu is None else str(slot.gpu)
    return Command(argv, variables, cwd=launch.workspace)
