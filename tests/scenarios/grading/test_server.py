"""The validation server over HTTP: it checks the format and never returns a score."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gome.scenarios.grading.server import ValidationServer
from gome.scenarios.task.task import Task
from tests.scenarios.helpers.make_task import make_task


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValidationServer]:
    with ValidationServer(Task.load(make_task(tmp_path / "task")), port=0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(
    server: ValidationServer, path: str, body: bytes | None = None, kind: str = "text/csv"
) -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    connection.request("GET" if body is None else "POST", path, body, {"Content-Type": kind})
    answer = connection.getresponse()
    said = json.loads(answer.read())
    connection.close()
    return answer.status, said


def test_a_submission_is_valid_as_a_body_and_as_a_form(server: ValidationServer) -> None:
    sample = (server.task.public / "sample_submission.csv").read_bytes()
    assert ask(server, "/validate", sample) == (200, {"result": "Submission is valid."})
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="s.csv"\r\n\r\n' + sample + b"\r\n--x--\r\n"
    assert ask(server, "/validate", form, "multipart/form-data; boundary=x") == (
        200,
        {"result": "Submission is valid."},
    )
    status, said = ask(server, "/validate", form.replace(b"file", b"fill", 1), "multipart/form-data; boundary=x")
    assert (status, "field called file" in said["error"]) == (400, True)


def test_what_is_wrong_is_named_and_nothing_of_the_answers(server: ValidationServer) -> None:
    lines = (server.task.public / "sample_submission.csv").read_text().splitlines()
    status, said = ask(server, "/validate", "\n".join(lines[:-1]).encode())
    assert status == 200
    assert "Submission invalid!" in said["result"]
    assert "119 rows, expected 120" in said["result"]
    assert "score" not in said["result"]


@pytest.mark.parametrize(
    ("given", "said"),
    [('; filename="mine.csv"', "mine.csv"), ('; filename="/a/b/mine.csv"', "mine.csv"), ("", "submission.csv")],
)
def test_a_form_names_its_file(server: ValidationServer, given: str, said: str) -> None:
    form = f'--x\r\nContent-Disposition: form-data; name="file"{given}\r\n\r\nid,y\r\n1,2\r\n--x--\r\n'.encode()
    _, answer = ask(server, "/validate", form, "multipart/form-data; boundary=x")
    assert answer["result"].startswith(f"Submission invalid! {said}: 1 rows")
    _, answer = ask(server, "/validate", b"id,y\n1,2\n")
    assert answer["result"].startswith("Submission invalid! submission.csv: 1 rows")


def test_a_body_that_breaks_off_is_not_taken_for_a_submission(server: ValidationServer) -> None:
    sample = (server.task.public / "sample_submission.csv").read_bytes()
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as line:
        line.sendall(b"POST /validate HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (len(sample) + 1) + sample)
        line.shutdown(socket.SHUT_WR)
        head, _, said = b"".join(iter(lambda: line.recv(4096), b"")).partition(b"\r\n\r\n")
    assert b"400" in head.splitlines()[0]
    assert json.loads(said) == {"error": f"received {len(sample)} of {len(sample) + 1} bytes"}


@pytest.mark.parametrize(
    ("method", "path", "status"), [("PUT", "/validate", 405), ("GET", "/validate", 405), ("DELETE", "/", 405)]
)
def test_another_method_is_refused_in_the_same_form(
    server: ValidationServer, method: str, path: str, status: int
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    connection.request(method, path)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())) == (status, {"error": "use POST /validate or GET /health"})
    connection.close()


def test_other_paths_are_not_there_and_health_is(server: ValidationServer) -> None:
    assert ask(server, "/health") == (200, {"status": "running"})
    assert ask(server, "/answers")[0] == 404
    assert ask(server, "/grade", b"x")[0] == 404


@pytest.mark.parametrize("length", ["9" * 5000, "\u00b2", "-1"])
def test_a_length_that_is_none_is_said(server: ValidationServer, length: str) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as line:
        line.sendall(f"POST /validate HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode("latin-1"))
        answer = b"".join(iter(lambda: line.recv(4096), b""))
    assert b"400" in answer.splitlines()[0]
