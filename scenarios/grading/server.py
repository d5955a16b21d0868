"""A local server that validates the format of submissions, like the one in MLE-bench's container.

    POST /validate    a CSV file, as the form field `file` or as the body  ──►  {"result": "Submission is valid."}
    GET  /health                                                           ──►  {"status": "running"}
    anything else                                                          ──►  4xx, {"error": "…"}

It checks the format only: replies contain no score and nothing of the answers.
"""

import json
import re
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
_KNOWN = "use POST /validate or GET /health"


def verdict(task: Task, submission: bytes, name: str = "submission.csv") -> str:
    """The reply to a submission: valid, or a list of its defects. `name` is its file name in messages."""
    ids = canonical(task.test[task.brief.id_column])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "submission.csv"
        path.write_bytes(submission)
        checked = check_submission(path, task.brief, task.metric, ids, constant_is_defect=False, name=name)
    if not checked.defects:
        return "Submission is valid."
    return "Submission invalid! " + "; ".join(defect.message for defect in checked.defects)


class ValidationServer(ThreadingHTTPServer):
    """Serves one task on the loopback interface; port 0 chooses a free port (`server_port`)."""

    daemon_threads = True

    def __init__(self, task: Task, port: int = 5000) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.task = task


class _Handler(BaseHTTPRequestHandler):
    server: ValidationServer
    timeout = _PATIENCE  # seconds to wait for the body

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
        if not re.fullmatch(r"[0-9]{1,12}", length) or int(length) > _LARGEST:
            self.send_error(HTTPStatus.BAD_REQUEST, f"send at most {_LARGEST} bytes with a Content-Length header")
            return
        body = self.rfile.read(int(length))
        submission, name = self._file(body)
        if len(body) < int(length):
            self.send_error(HTTPStatus.BAD_REQUEST, f"received {len(body)} of {length} bytes")
        elif submission is None:
            self.send_error(HTTPStatus.BAD_REQUEST, "the form has no field called file")
        else:
            self._answer(HTTPStatus.OK, {"result": verdict(self.server.task, submission, name)})

    def _file(self, body: bytes) -> tuple[bytes | None, str]:
        """The file in a form and its name, else the body with a default name; None if the form has no file."""
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

    def _answer(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Send every error as JSON, including those raised by the base class (unknown method, invalid HTTP)."""
        unknown = code == HTTPStatus.NOT_IMPLEMENTED  # the base class has no handler for the method
        status = HTTPStatus.METHOD_NOT_ALLOWED if unknown else HTTPStatus(code)
        self._answer(status, {"error": _KNOWN if unknown else message or status.phrase})

    def log_message(self, *_: Any) -> None:
        """Suppress the base class's log; the caller prints what is needed."""
