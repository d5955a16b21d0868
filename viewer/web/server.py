"""HTTP server of the live pages of all runs. It answers only GET and HEAD, and is read-only unless it is made with
`hint`: then a run's page has a form, which is posted to /runs/RUN/hint.

    /                       all runs               /events              events of all runs
    /compare?run=A&run=B    two runs
    /runs/RUN               one run                /runs/RUN/events     events of that run
    /runs/RUN/steps/0.3     one step
    /runs/RUN/messages      its messages           /runs/RUN/messages/ID

A server-sent event `news` only signals a change; the page then fetches itself again. An event `now` carries the section
on the present state as HTML, about once a second. The standard library's threaded server suffices: there are few
clients, and the log reader is synchronous.
"""

import re
import sys
import time
from collections.abc import Callable, Iterator
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_urlsafe
from threading import Event
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from gome.bus.store.reader import LogReader
from gome.errors import GomeError, RunNotFound, UsageError
from gome.viewer import text
from gome.viewer.run_folders import open_reader, run_folders
from gome.viewer.web.live_pages import (
    compare_page,
    message_page,
    messages_page,
    problem_page,
    runs_page,
    step_page,
)
from gome.viewer.web.run_page import Follower, RunPage, sent

__all__ = ["Hinting", "PageServer"]

Hinting = Callable[[Path, str, int | None], str]
"""Leaves a hint in words for the run in that folder, for one trace or all (None); returns what becomes of it.

Raises UsageError for a hint that cannot be left.
"""

_POLL = 0.2
"""Seconds between two polls of the logs."""
_NOW = 1.0
"""Seconds between two `now` events without new messages; a new message triggers one at the next poll."""
_NEWS = 2.0
"""Minimum seconds between two `news` events, because each makes the page fetch itself."""
_HEARTBEAT = 10.0
"""Seconds of silence after which a comment is sent, to detect clients that have disconnected."""
_LONGEST_FORM = 20_000
"""Bytes of a form: a hint at its longest, each letter in several escapes, is below."""
_LOCAL = ("127.0.0.1", "localhost", "[::1]")
_POLICY = "frame-ancestors 'none'"  # cannot be set in a meta tag; the rest of the policy is in the page


class PageServer(ThreadingHTTPServer):
    """Serves the runs in `root`; each request runs in its own thread. Port 0 picks a free port. `hint` leaves hints.

    Only requests with this host in their Host header are answered, as protection against DNS rebinding. Raises
    UsageError where the address cannot be used.
    """

    daemon_threads = True

    def __init__(self, root: Path, host: str = "127.0.0.1", port: int = 0, hint: Hinting | None = None) -> None:
        self.root = root
        self.hint = hint
        self.token = token_urlsafe() if hint else ""  # in the form: a page of another site cannot know it
        self.run_page = RunPage()
        self.closing = Event()
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise UsageError(f"cannot listen on {host}:{port}: {error.strerror}; choose another --port") from error
        self.hosts = {f"{name}:{self.server_port}" for name in (*_LOCAL, host)}
        self.url = f"http://{host}:{self.server_port}/"

    def server_close(self) -> None:
        """End the event streams, then close the server."""
        self.closing.set()
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report errors of a request, except disconnected clients."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def folder(self, name: str) -> Path:
        """The folder of the run with exactly that name, never another path. Raises RunNotFound."""
        for folder in run_folders(self.root):
            if folder.name == name:
                return folder
        raise RunNotFound(f"no run in {self.root} is named {name!r}")

    def state_of_all(self) -> object:
        """A value that changes whenever the log of any run changes."""
        logs = [path for folder in run_folders(self.root) for path in folder.glob("log.sqlite*")]
        return sorted((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in logs if path.exists())


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    server_version = "gome"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        """Answer with a page or an event stream."""
        if self.headers.get("Host") not in self.server.hosts:
            self._send(HTTPStatus.MISDIRECTED_REQUEST, "this host name is not served here\n", "text/plain")
            return
        try:
            address = urlsplit(self.path)
            parts = [unquote(part) for part in address.path.split("/")[1:]]
            self._route(parts, parse_qsl(address.query, max_num_fields=20))
        except RunNotFound as error:
            self._problem(HTTPStatus.NOT_FOUND, "No such run", str(error))
        except (UsageError, ValueError) as error:
            self._problem(HTTPStatus.BAD_REQUEST, "This cannot be shown", str(error))
        except GomeError as error:
            self._problem(HTTPStatus.INTERNAL_SERVER_ERROR, "This run cannot be read", f"error[{error.code}]: {error}")

    do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

    def do_POST(self) -> None:
        """Take a hint from the form of a run's page."""
        self.close_connection = True  # what is not read of a form must not be taken for the next request
        if self.server.hint is None:
            self.send_error(HTTPStatus.NOT_IMPLEMENTED, f"Unsupported method ({self.command!r})")
            return
        parts = [unquote(part) for part in self.path.partition("?")[0].split("/")[1:]]
        length = self.headers.get("Content-Length", "")
        if self.headers.get("Host") not in self.server.hosts or parts[0::2] != ["runs", "hint"]:
            self._problem(HTTPStatus.NOT_FOUND, "No such page", "A hint is left on the page of its run.")
        elif not re.fullmatch(r"[0-9]{1,9}", length) or int(length) > _LONGEST_FORM:
            self._problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The hint is not left", "It is too long.")
        else:
            self._take_hint(self.server.hint, parts[1], self.rfile.read(int(length)).decode("utf-8", "replace"))

    def _take_hint(self, hint: Hinting, name: str, form: str) -> None:
        try:
            given = dict(parse_qsl(form, max_num_fields=10))
            if not compare_digest(given.get("token", "").encode(), self.server.token.encode()):
                raise UsageError("the form is of an earlier server: load the page again")
            trace = int(given["trace"]) if given.get("trace", "").strip() else None
            said = hint(self.server.folder(name), given.get("words", ""), trace)
        except RunNotFound as error:
            self._problem(HTTPStatus.NOT_FOUND, "No such run", str(error))
        except (GomeError, ValueError) as error:
            self._problem(HTTPStatus.BAD_REQUEST, "The hint is not left", str(error), run=name)
        else:
            self._problem(HTTPStatus.OK, "The hint is left", said, run=name)

    def _route(self, parts: list[str], query: list[tuple[str, str]]) -> None:
        match parts:
            case [""]:
                self._page(runs_page(self.server.root))
            case ["events"]:
                self._stream(_all_runs(self.server))
            case ["compare"]:
                self._page(compare_page([self.server.folder(value) for key, value in query if key == "run"]))
            case ["runs", name]:
                self._page(self.server.run_page.draw(self.server.folder(name), self.server.token))
            case ["runs", name, "messages"]:
                self._page(messages_page(self.server.folder(name), dict(query)))
            case ["runs", name, "steps", step]:
                self._page(step_page(self.server.folder(name), step))
            case ["runs", name, "messages", message]:
                self._page(message_page(self.server.folder(name), message))
            case ["runs", name, "events"]:
                folder = self.server.folder(name)
                with open_reader(folder) as reader:
                    self._stream(_one_run(Follower(folder), reader))
            case _:
                self._problem(HTTPStatus.NOT_FOUND, "No such page", f"There is nothing at {text.cut(self.path, 200)}.")

    def _problem(self, status: HTTPStatus, title: str, words: str, run: str | None = None) -> None:
        self._send(status, problem_page(title, words, run), "text/html")

    def _page(self, content: str) -> None:
        self._send(HTTPStatus.OK, content, "text/html")

    def _send(self, status: HTTPStatus, content: str, kind: str) -> None:
        body = content.encode("utf-8", "replace")
        self._start(status, f"{kind}; charset=utf-8", {"Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _start(self, status: HTTPStatus, kind: str, more: dict[str, str]) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Security-Policy": _POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cache-Control": "no-store",
            **more,
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _stream(self, events: Iterator[bytes]) -> None:
        """Send one item of `events` per poll until the client disconnects; empty items are not sent."""
        self._start(HTTPStatus.OK, "text/event-stream", {"Connection": "close"})
        self.close_connection = True
        silent = time.monotonic()
        while self.command != "HEAD" and not self.server.closing.wait(_POLL):
            chunk = next(events) or (b": still here\n\n" if time.monotonic() - silent >= _HEARTBEAT else b"")
            if chunk:
                self.wfile.write(chunk)
                silent = time.monotonic()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Log nothing: the terminal shows the output of the command."""


def _all_runs(server: PageServer) -> Iterator[bytes]:
    """Yield a `news` event at first, and whenever the log of any run has changed; else nothing (b"")."""
    known: object = None
    while True:
        fresh = server.state_of_all()
        yield sent("news", "") if fresh != known else b""
        known = fresh


def _one_run(follower: Follower, reader: LogReader) -> Iterator[bytes]:
    """Yield the `news` and `now` events of a run; the first item has both."""
    shown, head = "", -1
    last_now = last_news = float("-inf")
    while True:
        events = b""
        before, moment = follower.head, time.monotonic()
        follower.catch_up(reader)
        if follower.head != before or moment - last_now >= _NOW:
            last_now, fresh = moment, follower.fragment()
            events += sent("now", fresh) if fresh != shown else b""
            shown = fresh
        if follower.head != head and moment - last_news >= _NEWS:
            head, last_news = follower.head, moment
            events += sent("news", "")
        yield events
