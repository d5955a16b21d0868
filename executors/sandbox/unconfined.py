"""No sandbox, on the user's explicit word: clean environment, limits and real paths, and nothing hidden."""

import os

from gome.executors.command import Command, environment, limited, translate
from gome.executors.launch import Launch, Slot
from gome.executors.resources.interpreter import Interpreter

__all__ = ["command"]


def command(launch: Launch, slot: Slot, python: Interpreter, token: str) -> Command:
    """How a launch is run with nothing around it; mounted paths become the real ones."""
    argv = (
        *limited(launch.limits, slot),
        str(python.executable),
        str(launch.script),
        *(translate(argument, launch) for argument in launch.arguments),
    )
    variables = environment(launch, token, slot.threads, home=os.fspath(launch.workspace))
    variables = {name: translate(value, launch) for name, value in variables.items()}
    variables["CUDA_VISIBLE_DEVICES"] = "" if slot.gpu is None else str(slot.gpu)
    return Command(argv, variables, cwd=launch.workspace)
