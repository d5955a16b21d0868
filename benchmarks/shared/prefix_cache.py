"""A server of Responses that caches prefixes of prompts as OpenAI's does, and says so in its usage; it is no model.

What is cached is the prompt in the order in which the provider puts it together: the schema of the reply, the
instructions, the input. Prefixes are known in steps of 128 tokens, from 1,024 on, among requests with the same
`prompt_cache_key`, as soon as the request that had them first is answered. Nothing is forgotten.

A token is counted as four characters: no tokenizer is at hand that would be that of the model.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

__all__ = ["CHARACTERS", "LEAST", "STEP", "PrefixCache", "prompt_of", "serving", "tokens_in"]

CHARACTERS = 4
"""Characters of a token."""
STEP = 128
"""Tokens from one known prefix to the next longer one."""
LEAST = 1024
"""Tokens of the shortest prefix that is read from the cache."""

Answering = Callable[[dict[str, Any]], str]
"""From the body of a request to the text of its answer."""


def tokens_in(text: str) -> int:
    """The tokens of a text."""
    return -(-len(text) // CHARACTERS)


def prompt_of(body: dict[str, Any]) -> str:
    """The text of a request, in the order in which the provider caches it."""
    schema = body.get("text", {}).get("format", {}).get("schema")
    return "".join((json.dumps(schema) if schema else "", body.get("instructions", ""), body["input"]))


@dataclass
class PrefixCache:
    """The prefixes of all prompts so far, as hashes, by `prompt_cache_key`. Safe for concurrent requests."""

    known: dict[str, set[bytes]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def cached(self, body: dict[str, Any]) -> int:
        """The tokens of the longest known prefix of a request."""
        with self.lock:
            known = self.known.get(body.get("prompt_cache_key", ""), set())
            found = sum(1 for each in _prefixes(prompt_of(body)) if each in known) * STEP
        return found if found >= LEAST else 0

    def keep(self, body: dict[str, Any]) -> None:
        """Know the prefixes of a request from now on."""
        with self.lock:
            self.known.setdefault(body.get("prompt_cache_key", ""), set()).update(_prefixes(prompt_of(body)))


def _prefixes(text: str) -> Iterator[bytes]:
    """A hash of each prefix that ends at a step, the shortest first; each hash contains the one before."""
    size, so_far = STEP * CHARACTERS, b""
    for end in range(size, len(text) + 1, size):
        so_far = blake2b(so_far + text[end - size : end].encode(), digest_size=16).digest()
        yield so_far


def response(body: dict[str, Any], text: str, cached: int) -> dict[str, Any]:
    """A response with that text, and its usage."""
    taken, given = tokens_in(prompt_of(body)), tokens_in(text)
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "model": body["model"],
        "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}],
        "usage": {
            "input_tokens": taken,
            "input_tokens_details": {"cached_tokens": cached},
            "output_tokens": given,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": taken + given,
        },
    }


@contextmanager
def serving(answering: Answering) -> Iterator[str]:
    """Serve on a free port of this machine, with an empty cache; yields the base URL."""
    cache = PrefixCache()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            cached = cache.cached(body)
            text = answering(body)
            cache.keep(body)
            content = json.dumps(response(body, text, cached)).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
            self.wfile.write(head.encode() + content)

        def log_message(self, *_: Any) -> None:
            """Suppress the log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
