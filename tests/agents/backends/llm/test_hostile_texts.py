"""Readers of foreign text take time that grows with its length, however often a mark is repeated.

Quadratic readers took minutes for these texts; the limit on computing is generous, so that no slow machine fails.
"""

import signal
from collections.abc import Callable, Iterator

import pytest

from gome.agents.backends.llm.edits import read_code
from gome.agents.backends.llm.fences import PatchError, find_script
from gome.agents.backends.llm.replies import MisfitError, parse_reply
from gome.agents.backends.llm.thoughts import split_thoughts
from gome.agents.backends.llm.wire import read_parts
from gome.agents.scripts.tracebacks import last_error
from gome.executors.processes.early_ending import loss_is_nan, progress, telling
from tests.agents.helpers import requests_made as made

_LENGTH = 200_000
_MOST_SECONDS = 20.0
"""Of computing, for all texts of one reader; a quadratic one takes more for a single text."""
_THOUGHTS = (
    "<think>",
    "</think>",
    "<think>x</think>",
    "[THINK]",
    "<|channel|>final<|message|>",
    "<|channel|>",
    "<|end|>",
)
_HARMONY = (
    "<|start|>assistant<|channel|>a",
    "analysis",
    "analysisassistant final",
    "assistant final ",
    "<|im_end|>",
    "</s> ",
)
_SPACES = (" ", "\n", " \n", "\t", "\r", "\r\n", "\x0c", "\u2028")
_FENCES = ("```\n", "```python\n", "```python x", "`", " ```", "~~~\n", "```\n```\n", "x`", "    ```\n", "````\n")
_JSON = (
    "{",
    '{"a":',
    '{"a"',
    '"',
    "'",
    '\\"',
    '{"a":"',
    "[",
    "{}",
    "{'a': ",
    '{"a": 1,} ',
    ",",
    ", ",
    ", }",
    "True",
    '{ "',
)
_BLOCK = "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n"
_EDITS = ("<<<<<<< SEARCH\n", "=======\n", ">>>>>>> REPLACE\n", _BLOCK, "<<<<<<< SEARCH\n=======\n")
_CODE = ("import a\n", "#", "#\n", '"""', "(", "a=", "x.", "9", "é", "0.")
_PRINTED = (
    "Traceback (most recent call last)\n",
    '  File "solution.py", line 1\n',
    "a.",
    "A: ",
    "loss ",
    "epoch 1",
    "1/",
    "a_loss",
)
_PIECES = (*_THOUGHTS, *_HARMONY, *_SPACES, *_FENCES, *_JSON, *_EDITS, *_CODE, *_PRINTED)

_BASE = "import a\n" + "x = 1\n" * 1000
_READERS: dict[str, Callable[[str], object]] = {
    "thoughts": split_thoughts,
    "script": find_script,
    "code": lambda text: read_code(text, _BASE),
    "reply": lambda text: parse_reply(made.survey_task(), text),
    "reply that opens": lambda text: parse_reply(made.survey_task(), '{"a":"' + text),
    "parts": lambda text: read_parts([{"type": "text", "text": text}]),
    "traceback": lambda text: last_error("Traceback (most recent call last)\n" + text),
    "output": lambda text: [(progress(line, 1.0), loss_is_nan(line)) for line in telling(text.split("\n"))],
}


@pytest.fixture
def _limited() -> Iterator[None]:
    """Fails the test once it has computed for too long; waiting does not count."""

    def stop(*_: object) -> None:
        pytest.fail(f"computed for {_MOST_SECONDS} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, _MOST_SECONDS)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


@pytest.mark.slow
@pytest.mark.usefixtures("_limited")
@pytest.mark.parametrize("name", _READERS)
def test_a_repeated_mark(name: str) -> None:
    for piece in _PIECES:
        try:
            _READERS[name](piece * (_LENGTH // len(piece)))
        except (PatchError, MisfitError) as error:
            assert str(error)


@pytest.mark.usefixtures("_limited")
@pytest.mark.parametrize("text", ["<think>" * 26_000, "```python\n" * 18_000, " " * 180_000, _EDITS[0] * 12_000])
def test_what_held_the_event_loop(text: str) -> None:
    for name in ("thoughts", "script", "code"):
        try:
            _READERS[name](text)
        except PatchError as error:
            assert str(error)
