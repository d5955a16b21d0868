"""Random replies of models, for each kind of question: each is a typed reply, or words for the next prompt."""

# ruff: noqa: E501 - lists of texts
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from pydantic import BaseModel

from gome.agents.backends.llm.replies import MisfitError, json_schema, parse_reply
from gome.agents.backends.llm.thoughts import split_thoughts
from gome.agents.backends.llm.wire import BodyError, ErrorBody, read_body
from gome.agents.protocol.requests import Request
from tests.agents.helpers import requests_made as made

_REPLIES = 2000
_REQUESTS = made.one_of_each()
_SCRIPT = "import pandas as pd\nprint(pd.__version__)\n"
_texts = some.one_of(
    some.text(max_size=20), some.sampled_from(("", "{", "```", "<think>", "\ud800", "NaN", "null", "a\x0cb", "\u2028"))
)
_leaves = some.one_of(
    some.none(),
    some.booleans(),
    some.integers(-(10**30), 10**30),
    some.floats(),
    some.sampled_from((1, 2, 0.5, "1", "high")),
    _texts,
)
_values = some.recursive(
    _leaves,
    lambda inner: some.one_of(some.lists(inner, max_size=4), some.dictionaries(_texts, inner, max_size=4)),
    max_leaves=8,
)
_FRAMES = (
    "{}", "```json\n{}\n```", "```\n{}\n```", "Here you are: {} That is all.", "<think>{</think>{}", "[{}]", '{"reply": {}}',
    "{}<|im_end|>", "<|channel|>final<|message|>{}<|return|>", "{}\n{}", "\ufeff{}", "{", "",
)  # fmt: skip
_CODES = (
    "```python\n{}```", "```py title=a\n{}\n```\n", "{}", "~~~python\n{}~~~", "```python\n{}", "```python\n{}```\n```python\nimport os\n```",
    "<<<<<<< SEARCH\n{}=======\nimport os\n>>>>>>> REPLACE", "<<<<<<< SEARCH\n=======\n>>>>>>> REPLACE", "  ```python\n  {}  ```", "prose {}",
)  # fmt: skip


def _of_schema(schema: dict[str, Any], root: dict[str, Any], depth: int = 0) -> some.SearchStrategy[Any]:
    """Values that fit the schema more or less: each part may be anything else."""
    if "$ref" in schema:
        schema = root["$defs"][str(schema["$ref"]).rsplit("/", 1)[-1]]
    if depth > 6:
        return _leaves
    wrong = _values
    match schema:
        case {"enum": list(choices)}:
            fitting: some.SearchStrategy[Any] = some.sampled_from([*choices, *(str(each).upper() for each in choices)])
        case {"anyOf": list(choices)}:
            fitting = some.one_of([_of_schema(each, root, depth + 1) for each in choices])
        case {"type": "object", "properties": dict(fields)}:
            parts = {name: _of_schema(part, root, depth + 1) for name, part in fields.items()}
            needed = some.fixed_dictionaries(parts)
            fitting = some.one_of(needed, needed, some.fixed_dictionaries({}, optional=parts))
        case {"type": "array"}:
            fitting = some.lists(_of_schema(schema.get("items", {}), root, depth + 1), max_size=3)
        case {"type": "integer"}:
            fitting = some.integers(-1, 12)
        case {"type": "number"}:
            fitting = some.floats(-1, 12)
        case {"type": "boolean"}:
            fitting = some.booleans()
        case {"type": "string"}:
            fitting = _texts
        case _:
            return wrong
    return some.integers(0, 19).flatmap(lambda dice: wrong if dice == 0 else fitting)


def _written(value: Any, dice: int) -> str:
    """The value as a model may write it: JSON, Python, with a trailing comma, cut, or with raw line breaks."""
    text = repr(value) if dice == 0 else json.dumps(value, ensure_ascii=dice % 2 == 0)
    if dice == 1:
        return text.replace("}", ",}")
    if dice == 2:
        return text[: len(text) * 2 // 3]
    return text.replace("\\n", "\n") if dice == 3 else text


@some.composite
def _answers(draw: some.DrawFn, kind: str) -> tuple[Request[Any], str]:
    request = draw(some.sampled_from([each for each in _REQUESTS if type(each).__name__ == kind]))
    form = json_schema(request, "fenced")
    if form is None or draw(some.integers(0, 9)) == 0:
        code = draw(some.one_of(some.just(_SCRIPT), _texts))
        return request, draw(some.sampled_from(_CODES)).replace("{}", code)
    schema = json.loads(json.dumps(form["schema"]))
    value = draw(_of_schema(schema, schema))
    text = _written(value, draw(some.integers(0, 9)))
    return request, draw(some.sampled_from(_FRAMES)).replace("{}", text)


def _fuzzed(examples: int) -> settings:
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    return settings(max_examples=examples, deadline=None, phases=phases, suppress_health_check=list(HealthCheck))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", sorted({type(each).__name__ for each in _REQUESTS}))
@_fuzzed(_REPLIES)
@given(some.data())
def test_an_answer_is_a_reply_or_words(kind: str, data: some.DataObject) -> None:
    request, text = data.draw(_answers(kind))
    try:
        reply = parse_reply(request, split_thoughts(text).text)
    except MisfitError as error:
        assert str(error)
        return
    typed: BaseModel = request.reply_type().model_validate(reply)
    json.dumps(typed.model_dump(mode="json"), allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.slow
@pytest.mark.timeout(3600)
@_fuzzed(_REPLIES)
@given(
    some.one_of(
        _values,
        some.fixed_dictionaries(
            {
                "choices": some.lists(
                    some.fixed_dictionaries(
                        {"message": some.fixed_dictionaries({"content": _values}), "finish_reason": _values}
                    ),
                    max_size=2,
                )
            },
            optional={
                "usage": some.dictionaries(
                    some.sampled_from(("prompt_tokens", "completion_tokens", "prompt_tokens_details")), _values
                ),
                "model": _values,
                "error": _values,
                "service_tier": _values,
            },
        ),
    )
)
def test_a_body_is_a_completion_or_words(body: Any) -> None:
    try:
        completion = read_body(body, "m")
    except (BodyError, ErrorBody):
        return
    completion.text.encode()
    completion.thoughts.encode()
