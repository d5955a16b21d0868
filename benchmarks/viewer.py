"""Cost of viewing a run: commands from the shell, pages of a long log, and the latency of `log -f`.

`python -m benchmarks.viewer [ROUNDS]` prints one table; the figures are medians over the rounds, for `log -f` also the
95th percentile. CPU is the user time of the whole process. The log has a hundred thousand messages of about 2 KB.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import ByteReceiveStream

from gome.agents.protocol.messages import VOCABULARY, Job, RepairCalled, StepOpened, Trial
from gome.bus.message import Draft, Message
from gome.bus.store.reader import LogReader
from gome.bus.store.sqlite import open_log
from gome.executors.launch import Cause
from gome.viewer.web.live_pages import messages_page

ROUNDS = 9
MESSAGES = 100_000
PAGE = 200
FOLLOWED = 60
MAIN = Path(__file__).parent.parent / "main.py"
WORDS = "A sentence that a role might send. " * 53


def messages(count: int) -> Iterator[tuple[str, Draft]]:
    """`count` messages of four traces with their senders, as if the ring went round again and again."""
    ref = "0" * 64
    numbers = iter(range(count))
    for number in numbers:
        trace, step = number // 4 % 4, 1 + number // 16
        message: tuple[str, Message] = (
            ("director", StepOpened(used=0.5, stage="improve")),
            (f"writer-{trace}", Job(script_ref=ref, attempt=1, notes=WORDS)),
            (f"runner-{trace}", _repair(ref)),
            (f"runner-{trace}", _trial(ref)),
        )[number % 4]
        yield message[0], Draft(message[1], trace, step)


def _repair(ref: str) -> RepairCalled:
    return RepairCalled(
        script_ref=ref, attempt=1, phase="debug", cause=Cause.EXIT, words=WORDS, output_ref=None, evaluation=None
    )


def _trial(ref: str) -> Trial:
    return Trial(
        script_ref=ref,
        attempts=1,
        phase="full",
        cause=Cause.OK,
        words=WORDS,
        seconds=1.0,
        output_ref=None,
        submission_ref=None,
        evaluation=None,
    )


async def write_log(folder: Path, count: int) -> None:
    """Write a log of `count` messages."""
    async with open_log(folder, folder.name, vocabulary=VOCABULARY) as log:
        batches: dict[str, list[Draft]] = {}
        for number, (sender, draft) in enumerate(messages(count), start=1):
            batches.setdefault(sender, []).append(draft)
            if number % 4000 == 0 or number == count:
                for name, drafts in batches.items():
                    await log.append(name, drafts)
                batches.clear()


def shell(*arguments: str) -> tuple[float, float]:
    """Seconds of wall-clock time and of CPU time that a command takes."""
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([sys.executable, str(MAIN), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    return time.perf_counter() - begun, used


def timed(work: Callable[[], object]) -> float:
    """Milliseconds that `work` takes."""
    begun = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - begun)


def pages(folder: Path, rounds: int) -> Iterator[tuple[str, float]]:
    """Milliseconds to get the newest page under each filter, read from the log and as a web page."""
    filters: dict[str, dict[str, Any]] = {
        "role": {"role": "runner"},
        "trace": {"trace": 2},
        "step": {"step": 100},
        "kind": {"kinds": ("repair_called",)},
        "role, trace, kind": {"role": "runner", "trace": 1, "kinds": ("trial",)},
        "no filter": {},
    }
    with LogReader(folder, VOCABULARY) as reader:
        for name, chosen in filters.items():

            def page(chosen: dict[str, Any] = chosen) -> object:
                return list(reader.envelopes(limit=PAGE, newest_first=True, **chosen))

            yield name, statistics.median(timed(page) for _ in range(rounds))
    for name, query in (("role", {"role": "runner"}), ("kind", {"kind": "repair_called"}), ("no filter", {})):

        def web(query: dict[str, str] = query) -> object:
            return messages_page(folder, query)

        yield f"the web page, by {name}", statistics.median(timed(web) for _ in range(rounds))


async def followed(folder: Path, count: int) -> list[float]:
    """Milliseconds from the sync of a message on disk to its line from `log -f`, for each of `count` messages."""
    written: dict[str, float] = {}
    shown: list[float] = []
    command = [sys.executable, str(MAIN), "log", str(folder), "-f", "--json", "--last", "1"]
    async with (
        open_log(folder, vocabulary=VOCABULARY) as log,
        await anyio.open_process(command, stderr=subprocess.DEVNULL) as process,
    ):
        assert process.stdout is not None
        lines = _lines(process.stdout)
        await anext(lines)  # the log's last message: from here on it follows
        for number in range(count):
            await anyio.sleep(0.037 * (number % 5 + 1))
            (envelope,) = await log.append("user", [Draft(StepOpened(used=0.0, stage="draft"), 0, 1)])
            written[envelope.id] = time.perf_counter()
            line = json.loads(await anext(lines))
            shown.append(1e3 * (time.perf_counter() - written[line["data"]["id"]]))
        process.kill()
    return sorted(shown)


async def _lines(stream: ByteReceiveStream) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in stream:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line


def main(arguments: Sequence[str]) -> None:
    rounds = int(arguments[0]) if arguments else ROUNDS
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as root:
        long, small = Path(root) / "261122-0000-long-0000", Path(root) / "261121-0000-small-0000"
        anyio.run(write_log, long, MESSAGES)
        anyio.run(write_log, small, 400)
        os.environ["GOME_RUNS"] = root
        print(f"{'from the shell':<34} {'clock':>9} {'CPU':>9}")
        for verb in (["--help"], ["runs"], ["log", small.name], ["log", long.name, "--role", "runner"]):
            taken = [shell(*verb) for _ in range(rounds)]
            clock, cpu = (statistics.median(column) for column in zip(*taken, strict=True))
            print(f"gome {' '.join(verb):<29.29} {clock * 1e3:6.0f} ms {cpu * 1e3:6.0f} ms")
        print(f"\nthe newest {PAGE} of {MESSAGES} messages, by")
        for name, taken_ms in pages(long, rounds):
            print(f"{name:<34} {taken_ms:6.1f} ms")
        shown = anyio.run(followed, small, FOLLOWED)
        print(f"\n{'log -f, from disk to line':<34} p50 {statistics.median(shown):4.0f} ms", end="")
        print(f"  p95 {shown[len(shown) * 95 // 100]:4.0f} ms")


if __name__ == "__main__":
    main(sys.argv[1:])
