"""A real HTTP server that speaks the chat-completions protocol and does what it is told: answers, faults, silence.

    with ModelServer(fail(429, headers={"Retry-After": "0"}), say("{}")) as server:
        … a client at server.base_url …
    assert server.calls == 2

Turns are played in order, one a call; the last is repeated. A turn is a `Play`, or a function from the `Ask` to one.
"""

import json
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal

__all__ = [
    "Ask",
    "ModelServer",
    "Play",
    "as_stream",
    "body",
    "drop",
    "fail",
    "half",
    "hang",
    "piece_of",
    "refuse",
    "say",
    "slowly",
    "stream",
]

_HEADER = re.compile(r"^# Request: (\w+), trace (\d+), step (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Ask:
    """One call as it came in: its path, headers (names in lower case) and decoded body."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def prompt(self) -> str:
        """All that was said to the model, in any of the protocols."""
        first = [self.body[name] for name in ("system", "instructions") if name in self.body]
        turns = self.body.get("messages", self.body.get("input", []))
        said = [*first, turns] if isinstance(turns, str) else [*first, *(each["content"] for each in turns)]
        return "\n".join(map(_text_of, said))

    @property
    def kind(self) -> str:
        """Which typed request it is, such as `survey_task`."""
        return self._header()[0]

    @property
    def trace(self) -> int:
        return int(self._header()[1])

    @property
    def step(self) -> int:
        return int(self._header()[2])

    def _header(self) -> tuple[str, str, str]:
        found = _HEADER.findall(self.prompt)
        assert found, "the prompt has no request header"
        kind, trace, step = found[-1]
        return kind, trace, step


def _text_of(content: Any) -> str:
    """A content, which is a text or a list of parts."""
    return content if isinstance(content, str) else "".join(str(part["text"]) for part in content)


@dataclass(frozen=True)
class Play:
    """What the server does with one call. `half` sends half of the body and drops the line.

    `slow` sends the events of a stream with so many seconds between them.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    manner: Literal["whole", "half", "drop", "hang", "slow"] = "whole"
    pause: float = 0.0


Turn = Play | Callable[[Ask], Play]

USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 60},
    "completion_tokens_details": {"reasoning_tokens": 5},
}


def say(
    text: Any,
    *,
    finish: str | None = "stop",
    usage: dict[str, Any] | None = USAGE,
    model: str = "model-as-answered",
    refusal: str | None = None,
    choices: bool = True,
    **message: Any,
) -> Play:
    """A completion with that text, or list of parts; `message` has further fields of it, such as reasoning_content."""
    said = {"role": "assistant", "content": text, "refusal": refusal, **message}
    content: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "finish_reason": finish, "message": said}] if choices else [],
    }
    return body(json.dumps(content | ({"usage": usage} if usage else {})).encode())


def piece_of(text: str, usual: int) -> int:
    """Characters of one event of a stream; the pieces of a long text are longer, so that it has no more than 20,000."""
    return max(usual, len(text) // 20_000)


def stream(text: str, *, end: bool = True, corrupt: bool = False, usage: dict[str, Any] | None = USAGE) -> Play:
    """The same as server-sent events, a few characters a chunk; without `end`, cut short after the text."""

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {"model": "model-as-answered", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    size = piece_of(text, 7)
    chunks = [json.dumps(chunk({"content": text[at : at + size]})) for at in range(0, len(text), size)]
    if corrupt:
        chunks[len(chunks) // 2] = '{"choices": [{"del'
    if end:
        chunks += [json.dumps(chunk({}, "stop")), json.dumps({"choices": [], "usage": usage}), "[DONE]"]
    lines = ": warming up\n\n" + "".join(f"data: {each}\n\n" for each in chunks)
    return Play(body=lines.encode(), headers={"Content-Type": "text/event-stream"})


def as_stream(play: Play, **how: Any) -> Play:
    """What that play says, as a stream; `how` is as of `stream`."""
    said = json.loads(play.body)
    return stream(said["choices"][0]["message"]["content"], usage=said.get("usage"), **how)


def slowly(play: Play, pause: float) -> Play:
    """The same stream with so many seconds between its events."""
    return replace(play, manner="slow", pause=pause)


def fail(
    status: int,
    message: str = "no",
    *,
    code: str | None = None,
    param: str | None = None,
    headers: dict[str, str] | None = None,
) -> Play:
    """An error in OpenAI's form."""
    error = {"message": message, "type": code, "code": code, "param": param}
    return Play(status, json.dumps({"error": error}).encode(), headers or {})


def refuse(parameter: str, otherwise: Play) -> Callable[[Ask], Play]:
    """A server that objects to a parameter as long as it is sent."""

    def turn(ask: Ask) -> Play:
        if parameter in ask.body:
            return fail(400, f"Unsupported parameter: '{parameter}' is not supported with this model.", param=parameter)
        return otherwise

    return turn


def body(content: bytes, *, status: int = 200) -> Play:
    """Any bytes as a body."""
    return Play(status, content)


def drop() -> Play:
    """The connection is closed without an answer."""
    return Play(manner="drop")


def half() -> Play:
    """The connection is closed in the middle of the answer."""
    return Play(body=say("x" * 2000).body, manner="half")


def hang() -> Play:
    """No answer ever; the line stays open until the server closes."""
    return Play(manner="hang")


class ModelServer:
    """Serves on this machine, at `port` or a free one, while its `with` block lasts; `asks` are its calls, in order."""

    def __init__(self, *turns: Turn, port: int = 0) -> None:
        self.turns = list(turns)
        self.asks: list[Ask] = []
        self.pages: dict[str, Any] = {}
        """What there is to GET: a path with its document. Any other path is 404."""
        self.looked: list[str] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.owner = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def calls(self) -> int:
        return len(self.asks)

    def play(self, ask: Ask) -> Play:
        """Count the call and take its turn."""
        with self._lock:
            turn = self.turns[min(len(self.asks), len(self.turns) - 1)]
            self.asks.append(ask)
        return turn(ask) if callable(turn) else turn

    def wait_for_closing(self, seconds: float | None = None) -> None:
        self._closing.wait(seconds)

    def __enter__(self) -> "ModelServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a client may keep its connection longer than the test lasts
    request_queue_size = 256
    owner: ModelServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        owner = self.server.owner
        owner.looked.append(self.path)
        page = owner.pages.get(self.path)
        content = json.dumps({"error": {"message": "no such page"}} if page is None else page).encode()
        head = f"HTTP/1.1 {404 if page is None else 200} X\r\nContent-Type: application/json\r\n"
        self.wfile.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        ask = Ask(self.path, {name.lower(): value for name, value in self.headers.items()}, json.loads(content))
        play = self.server.owner.play(ask)
        if play.manner == "hang":
            self.server.owner.wait_for_closing()
        if play.manner in {"hang", "drop"}:
            self._hang_up()
            return
        headers = {"Content-Type": "application/json", "Content-Length": str(len(play.body))} | play.headers
        head = f"HTTP/1.1 {play.status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        sent = play.body[: len(play.body) // 2] if play.manner == "half" else play.body
        if play.manner == "slow":
            self._send_slowly(head.encode() + b"\r\n", play)
            return
        self.wfile.write(head.encode() + b"\r\n" + sent)
        if play.manner == "half":
            self._hang_up()

    def _send_slowly(self, head: bytes, play: Play) -> None:
        self.wfile.write(head)
        for event in re.findall(rb".*?\n\n", play.body, re.DOTALL):
            self.wfile.write(event)
            self.wfile.flush()
            self.server.owner.wait_for_closing(play.pause)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: Any) -> None:
        """Tests print what they need themselves."""
