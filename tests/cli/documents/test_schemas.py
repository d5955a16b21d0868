"""The shipped JSON Schemas are those of the code, and what is printed fits them."""

import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from gome.agents.protocol.messages import VOCABULARY
from gome.cli.documents import DOCUMENTS
from gome.cli.documents.schemas import MESSAGES_FILE, OUTPUTS_FILE, message_schema, output_schema, written
from tests.cli.printed import data_of
from tests.cli.reading.test_commands import gome
from tests.conftest import UNFINISHED
from tests.scenarios.helpers.make_task import make_task
from tests.viewer.sample import RUN, sample_run

HOUSE = Path(__file__).parents[3]


def test_the_shipped_schemas_are_those_of_the_code() -> None:
    remedy = "python -m gome.cli.documents.schemas writes them anew"
    assert MESSAGES_FILE.read_text(encoding="utf-8") == written(message_schema()), remedy
    assert OUTPUTS_FILE.read_text(encoding="utf-8") == written(output_schema()), remedy


def test_every_kind_of_message_has_a_schema() -> None:
    schema = message_schema()
    named = {each["$ref"].rpartition("/")[2] for each in schema["anyOf"]}
    assert named == {each.__name__ for each in VOCABULARY.classes.values()}
    for each in VOCABULARY.classes.values():
        definition = schema["$defs"][each.__name__]
        assert definition["additionalProperties"] is False
        assert set(definition["properties"]) == set(each.model_fields)


def test_every_document_that_a_verb_prints_has_a_schema() -> None:
    printing = re.compile(r'(?:emit|_chain)\("([a-z-]+)"')
    files = [path for folder in ("cli", "viewer/queries") for path in (HOUSE / folder).rglob("*.py")]
    assert {name for path in files for name in printing.findall(path.read_text(encoding="utf-8"))} == set(DOCUMENTS)


@pytest.mark.parametrize(
    "arguments",
    [
        ("runs",),
        ("best", RUN),
        ("compare", RUN, UNFINISHED),
        ("cost", RUN),
        ("diff", RUN, "0.2"),
        ("gantt", RUN),
        ("log", RUN),
        ("log", "sql", "SELECT seq, id FROM messages", "--run", RUN),
        ("log", "stats", RUN),
        ("log", "show", sample_run().envelopes[-1].id, "--run", RUN),
        ("log", "why", sample_run().envelopes[-1].id, "--run", RUN),
        ("log", "thread", sample_run().envelopes[-1].id, "--run", RUN),
        ("memory", RUN),
        ("report", RUN),
        ("resume", UNFINISHED, "--dry-run"),
        ("tree", RUN),
        ("validate", str(HOUSE / "scenarios" / "bike-demand.yaml")),
    ],
)
def test_what_a_verb_prints_fits_its_schema(
    runs: Path, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert gome(*arguments, "--json") == 0
    printed = capsys.readouterr().out
    data_of(printed, json.loads(printed)["schema"].removeprefix("gome.").removesuffix("/1"))


def test_what_the_verbs_of_tasks_print_fits_its_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_task(tmp_path / "task")
    sample = folder / "prepared" / "public" / "sample_submission.csv"
    listed = tmp_path / "all.jsonl"
    listed.write_text(json.dumps({"competition_id": str(folder), "submission_path": str(sample)}) + "\n")
    train = str(folder / "prepared" / "public" / "train.csv")
    for name, *arguments in (
        ("grade", "grade", str(sample), "--task", str(folder)),
        ("grade-all", "grade", str(listed)),
        ("task-list", "task", "list"),
        ("task-prepare", "task", "prepare", "bike-demand"),
        ("task-new", "task", "new", str(tmp_path / "new"), "--train", train, "--target", "y"),
    ):
        gome(*arguments, "--json")
        assert data_of(capsys.readouterr().out, name)


def test_a_field_too_many_or_of_another_type_is_no_document() -> None:
    good = {"run": "r", "folder": "f", "output": "o", "pid": 1}
    for data in ({**good, "more": 1}, {**good, "pid": "1"}, {"run": "r"}):
        with pytest.raises(ValidationError):
            data_of(json.dumps({"schema": "gome.run-detached/1", "data": data}), "run-detached")
    assert data_of(json.dumps({"schema": "gome.run-detached/1", "data": good}), "run-detached") == good
