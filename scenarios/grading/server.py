"""A local server that answers whether a submission has the right form, as the one in MLE-bench's container does.

    POST /validate    a CSV file, as the form field `file` or as the body  ──►  {"result": "Submission is valid."}
    GET  /health                                                           ──►  {"status": "running"}
    anything else                                                          ──►  4xx, {"error": "…"}

It looks at form alone: no score and nothing of the answers is in any reply.
"""

import json
import tempfile
from email.parser import BytesParser
from email.policy import HTTP
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from gome.scenarios.evaluation.submission import check_submission
from gome.scenarios.task.tables import canonical
from gome.scenarios.task.task import Task

__all__ = ["ValidationServer", "verdict"]

_LARGEST = 1 << 28
_LONGEST_NAME = 200
_PATIENCE = 60.0
_KNOWN = "there are POST /validate and GET /health"


def verdict(task: Task, submission: bytes, name: str = "submission.csv") -> str:
    """What is wrong with the form of a submission, or that nothing is. `name` is what its author calls it."""
    ids = canonical(task.test[task.brief.id_column])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "submission.csv"
        path.write_bytes(submission)
        checked = check_submission(path, task.brief, task.metric, ids, constant_is_defect=False, name=name)
    if not checked.defects:
        return "Submission is valid."
    return "Submission invalid! " + "; ".join(defect.message for defect in checked.defects)


class ValidationServer(ThreadingHTTPServer):
    """Serves one task on this machine alone; port 0 takes a free one (`server_port`)."""

    daemon_threads = True

    def __init__(self, task: Task, port: int = 5000) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.task = task


class _Handler(BaseHTTPRequestHandler):
    server: ValidationServer
    timeout = _PATIENCE  # seconds for a body that does not come

    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(HTTPStatus.OK, {"status": "running"})
        else:
            self.send_error(HTTPStatus.METHOD_NOT_ALLOWED if self.path == "/validate" else HTTPStatus.NOT_FOUND, _KNOWN)

    def do_POST(self) -> None:
        if self.path != "/validate":
            self.send_error(HTTPStatus.NOT_FOUND, _KNOWN)
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _LARGEST:
            self.send_error(HTTPStatus.BAD_REQUEST, f"send a file of at most {_LARGEST} bytes with its length")
            return
        body = self.rfile.read(int(length))
        submission, name = self._file(body)
        if len(body) < int(length):
            self.send_error(HTTPStatus.BAD_REQUEST, f"{len(body)} bytes came of the {length} that were promised")
        elif submission is None:
            self.send_error(HTTPStatus.BAD_REQUEST, "the form has no field called file")
        else:
            self._answer(HTTPStatus.OK, {"result": verdict(self.server.task, submission, name)})

    def _file(self, body: bytes) -> tuple[bytes | None, str]:
        """The file of a form with its name, or the body as it is, which has none."""
        unnamed = "submission.csv"
        kind = self.headers.get("Content-Type", "")
        if not kind.startswith("multipart/form-data"):
            return body, unnamed
        parsed = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        for part in parsed.iter_parts():
            if part.get_param("name", header="content-disposition") == "file":
                content = part.get_payload(decode=True)
                name = Path(part.get_filename() or "").name[:_LONGEST_NAME]
                return content if isinstance(content, bytes) else None, name or unnamed
        return None, unnamed

    def _answer(self, status: HTTPStatus, said: dict[str, Any]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Every error is JSON too, those that the base class finds among them (another method, no HTTP)."""
        unknown = code == HTTPStatus.NOT_IMPLEMENTED  # what the base class says of a method it has no handler for
        status = HTTPStatus.METHOD_NOT_ALLOWED if unknown else HTTPStatus(code)
        self._answer(status, {"error": _KNOWN if unknown else message or status.phrase})

    def log_message(self, *_: Any) -> None:
        """Who serves says what it wants to."""
