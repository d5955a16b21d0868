"""What holds in each protocol alike: a strict server carries a whole run, and what servers send beside it is taken."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest

from gome.agents.backends.base import Answer
from gome.agents.backends.factory import make_backend
from gome.agents.runtime.replay import replay_run
from gome.scenarios.config.backends import model_of_kind
from tests.agents.backends.openai.test_servers import SCHEMA_REFUSED
from tests.agents.helpers import requests_made as made
from tests.agents.helpers.asking import outcome_of
from tests.agents.helpers.dialects import DIALECTS, Dialect
from tests.agents.helpers.model_server import Ask, ModelServer, Play, Turn, body
from tests.agents.helpers.runs import conducted
from tests.agents.helpers.stubs import knobbed, small, small_task, writing

SURVEY = json.dumps({"challenges": [made.CHALLENGE.model_dump()]})
EACH = pytest.mark.parametrize("protocol", DIALECTS)


def asking(dialect: Dialect, *turns: Turn, request: Any = None) -> tuple[Answer, ModelServer]:
    """What one question to a strict server comes to."""
    with ModelServer(*map(dialect.strict, turns)) as server:
        given = dialect.backend(server, retries=1)
        backend = make_backend("frontier", model_of_kind(given["kind"]).model_validate(given))
        outcome = outcome_of(backend, request)
    assert isinstance(outcome, Answer), outcome
    return outcome, server


@pytest.fixture(autouse=True)
def key(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", DIALECTS[request.node.callspec.params["protocol"]].key)


@EACH
def test_a_strict_server_carries_a_whole_run_that_replays(protocol: str, tmp_path: Path) -> None:
    dialect, write = DIALECTS[protocol], writing(knobbed)

    def turn(ask: Ask) -> Play:
        return dialect.whole(json.loads(write(ask).body)["choices"][0]["message"]["content"])

    with ModelServer(dialect.strict(turn)) as server:
        changed = {"backends": {"scripted": dialect.backend(server)}, "traces": 1, "budget": {"trials": 2}}
        run = conducted(small(small_task(tmp_path), server, **changed), tmp_path / "run")
    assert run.finished.winner is not None
    assert (run.finished.trials, run.finished.accepted, run.finished.dead_letters) == (2, 2, 0)
    assert server.calls == 1 + 2 * 3, "none was refused"
    assert dialect.key.encode() not in b"".join(
        path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()
    )
    assert anyio.run(lambda: replay_run(run.folder)).handled > 0


@EACH
@pytest.mark.parametrize("case", SCHEMA_REFUSED)
def test_a_schema_that_is_refused_in_any_words_is_not_sent_again(protocol: str, case: str) -> None:
    dialect, (status, content) = DIALECTS[protocol], SCHEMA_REFUSED[case]

    def turn(ask: Ask) -> Play:
        sent = json.dumps([ask.body.get(name) for name in ("response_format", "text", "output_config")])
        return body(json.dumps(content).encode(), status=status) if "json_schema" in sent else dialect.whole(SURVEY)

    answer, server = asking(dialect, turn)
    assert (answer.reply, answer.failure, server.calls) == (json.loads(SURVEY), "", 2)
    assert '"challenges":' in server.asks[1].prompt, "its form is in the prompt now"


@EACH
def test_text_that_a_server_could_not_read_as_json_is_read_or_asked_for_again(protocol: str) -> None:
    dialect = DIALECTS[protocol]

    def failed(text: str) -> Play:
        error = {"message": "Failed to generate JSON.", "code": "json_validate_failed", "failed_generation": text}
        return body(json.dumps({"error": error}).encode(), status=400)

    answer, server = asking(dialect, failed("Well,"), dialect.whole(SURVEY))
    assert (answer.failure, server.calls) == ("", 2)
    answer, server = asking(dialect, failed(SURVEY.replace("}]", "},]")))
    assert (answer.reply, server.calls) == (json.loads(SURVEY), 1)


@EACH
@pytest.mark.parametrize("slip", ["a byte-order mark", "empty data lines", "line ends of Windows"])
def test_a_stream_with_slips_is_taken(protocol: str, slip: str) -> None:
    dialect = DIALECTS[protocol]
    play = dialect.whole(SURVEY)
    changed = {
        "a byte-order mark": b"\xef\xbb\xbf" + play.body,
        "empty data lines": play.body.replace(b"\n\n", b"\n\ndata:\n\ndata: \n\n"),
        "line ends of Windows": play.body.replace(b"\n", b"\r\n"),
    }
    answer, server = asking(dialect, Play(body=changed[slip], headers=play.headers))
    assert (answer.reply, server.calls) == (json.loads(SURVEY), 1)


@EACH
@pytest.mark.parametrize(
    "text",
    [
        made.SCRIPT,
        f"```python title=solution.py\n{made.SCRIPT}```",
        f"Here it is: ```python3.11\n{made.SCRIPT}```<|im_end|>",
        f"[THINK]```python\nx = 1\n```[/THINK]\n```\n{made.SCRIPT}```",
        f"<seed:think>```python\nx = 1\n```</seed:think>\n```py\n{made.SCRIPT}```",
    ],
)
def test_the_one_script_is_found(protocol: str, text: str) -> None:
    answer, server = asking(DIALECTS[protocol], DIALECTS[protocol].whole(text), request=made.write_solution())
    assert (answer.failure, server.calls) == ("", 1)
    assert answer.reply["script"].strip() == made.SCRIPT.strip()


@EACH
@pytest.mark.parametrize(
    "text",
    [SURVEY.replace("}]", "},]"), f'{{"reply": {SURVEY}}}', f"[{SURVEY}]", SURVEY.replace("Errors", "Errors\n")],
    ids=["a comma", "a wrapper", "a list of one", "a raw newline"],
)
def test_json_that_has_one_meaning_is_taken(protocol: str, text: str) -> None:
    answer, server = asking(DIALECTS[protocol], DIALECTS[protocol].whole(text))
    assert (answer.failure, server.calls) == ("", 1)
    assert answer.reply["challenges"][0]["category"] == made.CHALLENGE.category
