"""A hint is left on the page of its run, where the server was started to take them; nobody else can leave one."""

import http.client
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from gome.cli.reading.view import left
from gome.viewer.web.server import PageServer
from tests.conftest import UNFINISHED
from tests.viewer.sample import RUN
from tests.viewer.web.browser import CHROMIUM, Browser
from tests.viewer.web.test_server import get, say

PAGE = f"/runs/{UNFINISHED}"


@pytest.fixture
def server(runs: Path) -> Iterator[PageServer]:
    with PageServer(runs, hint=left) as made:
        thread = Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def token_of(page: str) -> str:
    (token,) = re.findall(r'name="token" value="([\w-]+)"', page)
    return str(token)


def post(port: int, path: str, form: dict[str, str] | bytes, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    sent = form if isinstance(form, bytes) else urlencode(form).encode()
    connection.request("POST", path, sent, {"Host": f"127.0.0.1:{port}"} | headers)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def notes(folder: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_bytes()) for path in sorted((folder / "inbox").glob("*.json"))]


def test_a_hint_is_left_on_the_page_of_its_run(server: PageServer, runs: Path) -> None:
    page = get(server, PAGE)[2]
    assert f'action="{PAGE}/hint"' in page
    form = {"token": token_of(page), "words": "Take the <b>logarithm</b> & mind gaps.", "trace": "0"}
    status, told = post(server.server_port, f"{PAGE}/hint", form)
    assert status == 200
    assert f"left for {UNFINISHED}, which is not running" in told
    assert f'href="{PAGE}"' in told
    (note,) = notes(runs / UNFINISHED)
    assert (note["kind"], note["trace"]) == ("hint", 0)
    assert note["hint"] == {
        "words": "Take the <b>logarithm</b> & mind gaps.",
        "avoid": [],
        "prefer": [],
        "withdraw": [],
    }
    assert "<form" not in get(server, f"/runs/{RUN}")[2].split("<h2>Result", 1)[0], "a finished run takes none"


@pytest.mark.parametrize(
    ("path", "form", "status", "words"),
    [
        (PAGE, {"words": ""}, 400, "say something"),
        (PAGE, {"words": "\x00\x07"}, 400, "say something"),
        (PAGE, {"words": "x" * 4001}, 400, "too long for a prompt"),
        (PAGE, {"words": "x" * 30_000}, 413, "too long"),
        (PAGE, {"words": "try", "trace": "77"}, 400, "no trace 77"),
        (PAGE, {"words": "try", "trace": "many"}, 400, "not left"),
        (PAGE, {"words": "try", "token": ""}, 400, "load the page again"),
        (PAGE, {"words": "try", "token": "é" * 9}, 400, "load the page again"),
        (PAGE, {str(at): "x" for at in range(99)}, 400, "not left"),
        ("/runs/nowhere", {"words": "try"}, 404, "No such run"),
        ("/runs/..%2F..%2Fetc", {"words": "try"}, 404, "No such run"),
        ("/run", {"words": "try"}, 404, "No such page"),
    ],
)
def test_what_cannot_be_left_is_said(
    path: str, form: dict[str, str], status: int, words: str, server: PageServer, runs: Path
) -> None:
    given = {"token": token_of(get(server, PAGE)[2])} | form
    found = post(server.server_port, f"{path}/hint", given)
    assert found[0] == status
    assert words in found[1]
    assert "Traceback" not in found[1]
    assert notes(runs / UNFINISHED) == []


def test_another_site_leaves_none(server: PageServer, runs: Path) -> None:
    form = {"token": token_of(get(server, PAGE)[2]), "words": "try"}
    assert post(server.server_port, f"{PAGE}/hint", form, Host="evil.example")[0] == 404
    assert post(server.server_port, f"{PAGE}/hint", {"words": "try"})[0] == 400
    assert post(server.server_port, f"{PAGE}/hint", b"\xff\xfe")[0] == 400
    assert notes(runs / UNFINISHED) == []


@pytest.mark.parametrize("option", [(), ("--allow-write",)])
def test_pages_are_read_only_unless_it_is_allowed(option: tuple[str, ...], runs: Path) -> None:
    command = [sys.executable, "-u", "-m", "gome", "view", UNFINISHED, "--runs", str(runs), "--port", "0", *option]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            (port,) = re.findall(r":(\d+)/", process.stdout.readline())
            with urlopen(f"http://127.0.0.1:{port}{PAGE}") as answer:
                page = answer.read().decode()
            token = token_of(page) if option else ""
            assert ("Leave a hint" in page) is bool(option)
            status, _ = post(int(port), f"{PAGE}/hint", {"token": token, "words": "try"})
        finally:
            process.terminate()
    assert status == (200 if option else 501)
    assert len(notes(runs / UNFINISHED)) == len(option)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine to open the pages in")
def test_what_a_reader_types_stays_while_the_run_goes_on_and_is_left(
    server: PageServer, runs: Path, tmp_path: Path
) -> None:
    with Browser(tmp_path / "profile") as browser:
        browser.open(server.url.rstrip("/") + PAGE, 390)
        browser.wait("document.querySelector('#live output').textContent === 'live'")
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")
        browser.run("document.querySelector('form[method=post] [name=words]').value = 'Take the logarithm.'")
        name = say(runs / UNFINISHED, "news")
        browser.wait(f"document.getElementById('messages').textContent.includes('{name[:8]}')")
        browser.run("document.querySelector('form[method=post] button').click()")
        browser.wait(f"document.body?.textContent.includes('left for {UNFINISHED}')")
        assert browser.errors == []
    (note,) = notes(runs / UNFINISHED)
    assert note["hint"] == {"words": "Take the logarithm.", "avoid": [], "prefer": [], "withdraw": []}


@pytest.mark.parametrize(
    "request_line",
    [
        "POST /runs/x/hint HTTP/1.1\r\nContent-Length: " + "9" * 5000,
        "POST /runs/x/hint HTTP/1.1\r\nContent-Length: \u00b2",
        "POST http://[::1 HTTP/1.1\r\nContent-Length: 1",
        "GET http://[::1 HTTP/1.1\r\nX: y",
    ],
)
def test_a_request_that_is_none_gets_a_page(server: PageServer, request_line: str) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=30) as line:
        host = f"Host: 127.0.0.1:{server.server_port}"
        line.sendall(f"{request_line}\r\n{host}\r\nConnection: close\r\n\r\n".encode("latin-1"))
        assert re.match(rb"HTTP/1.1 4\d\d ", line.recv(100))
