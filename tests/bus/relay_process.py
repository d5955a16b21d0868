"""A process that runs a program of `program.py`, for tests that kill it or fill its disk.

    python -m tests.bus.relay_process FOLDER SEED CALLS

Each side effect adds a line to CALLS, and each committed message prints one. Exits with status 0, or with that of an
error, whose message is on stderr.
"""

import os
import sys
from pathlib import Path

import anyio
import anyio.lowlevel

from gome.bus.actors.supervisor import Supervisor
from gome.bus.message import Envelope
from gome.bus.store.artefacts import Artefacts
from gome.bus.store.sqlite import open_log
from gome.bus.telemetry import Telemetry
from gome.errors import GomeError
from tests.bus.program import VOCABULARY, AllDone, Number, World, cast, roots


class LastingWorld(World):
    """Records its calls in a file, because its process may be killed."""

    def __init__(self, path: Path) -> None:
        super().__init__(anyio.lowlevel.checkpoint)
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def answer(self, actor: str, message: str, place: int) -> Number:
        os.write(self.file, f"{actor} {message} {place}\n".encode())
        return await super().answer(actor, message, place)


async def main(folder: Path, seed: int, calls: Path) -> None:
    done = AllDone()

    def until(envelope: Envelope) -> bool:
        print(envelope.seq, flush=True)
        return done(envelope)

    async with open_log(folder, "program", vocabulary=VOCABULARY) as log:
        await log.append("user", roots(seed), key="roots")
        await Supervisor(log, Artefacts(folder), Telemetry(log), cast(seed, LastingWorld(calls))).run(until)


if __name__ == "__main__":
    try:
        anyio.run(main, Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
    except GomeError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
