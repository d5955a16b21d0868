"""A server that means harm, or is broken beyond reason: it ends in words, in bounded memory."""

import gzip
import json
import resource
import struct
import zlib
from functools import cache, reduce
from typing import Any

import pytest

from gome.agents.redaction import REDACTED, redact_parts
from gome.errors import Outage
from tests.agents.backends.openai.test_backend import GOOD, KEY, SURVEY, asking
from tests.agents.helpers.asking import answered
from tests.agents.helpers.model_server import ModelServer, Play, body, fail, say

_MIB = 1 << 20


def _packed(content: bytes, packing: str) -> Play:
    """That content as a body that is packed."""
    made = gzip.compress(content) if packing == "gzip" else zlib.compress(content)
    return Play(body=made, headers={"Content-Type": "application/json", "Content-Encoding": packing})


@cache
def _gigabyte(gzipped: bool) -> bytes:
    """A gigabyte of zeros, packed in a blink: 16 MiB are, and after a full flush the same bytes mean the same again."""
    packing = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    zeros = bytes(16 * _MIB)
    block = packing.compress(zeros) + packing.flush(zlib.Z_FULL_FLUSH)
    content = block * 64 + packing.flush()
    start = 0 if gzipped else 1
    check = reduce(lambda sofar, _: (zlib.crc32 if gzipped else zlib.adler32)(zeros, sofar), range(64), start)
    if gzipped:
        return b"\x1f\x8b\x08" + bytes(7) + content + struct.pack("<II", check, 64 * len(zeros))
    return b"\x78\xda" + content + struct.pack(">I", check)


def _outage(play: Play, **changed: Any) -> str:
    """The words of the outage that a question to this server comes to."""
    outcome, _ = asking(play, **changed)
    assert isinstance(outcome, Outage), outcome
    return str(outcome)


def _grown() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_a_packed_answer_is_read(packing: str) -> None:
    plain = say(SURVEY)
    assert answered(asking(_packed(plain.body, packing))[0]).raw == SURVEY


@pytest.mark.parametrize("packing", ["gzip", "deflate", "br", "zstd"])
def test_a_small_body_that_holds_a_gigabyte(packing: str) -> None:
    content = _gigabyte(gzipped=packing == "gzip")
    before = _grown()
    words = _outage(Play(body=content, headers={"Content-Encoding": packing}), retries=0, stream=False)
    assert "longer than" in words or "packs its answer as" in words
    assert _grown() - before < 400 * _MIB


@pytest.mark.parametrize("start", [b"", b"data: ", b'{"choices": ['])
def test_a_body_without_an_end(start: bytes) -> None:
    filling = (start or b" ") * (70 * _MIB // len(start or b" "))
    before = _grown()
    words = _outage(Play(body=filling, headers={"Content-Type": "text/event-stream"}), retries=0, stream=True)
    assert "longer than" in words
    assert _grown() - before < 600 * _MIB


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_prompt_goes_to_no_other_server(status: int) -> None:
    with ModelServer(GOOD) as other:
        headers = {"Location": f"{other.base_url}/chat/completions?key={KEY}"}
        words = _outage(fail(status, headers=headers), environment={"OUR_KEY": KEY}, api_key_env="OUR_KEY")
        assert other.calls == 0
    assert "redirects to http://127" in words
    assert KEY not in words


@pytest.mark.parametrize("said", [KEY[:10] + "...", KEY[-9:], "x" + KEY[2:12] + "y", KEY])
def test_a_server_that_repeats_a_part_of_the_key(said: str) -> None:
    words = _outage(fail(400, f"Incorrect key: {said}"), environment={"OUR_KEY": KEY}, api_key_env="OUR_KEY")
    assert REDACTED in words
    assert not any(KEY[at : at + 8] in words for at in range(len(KEY) - 7))


def test_words_that_only_resemble_a_secret_stay() -> None:
    assert redact_parts("a key like sk-abc is wrong", {"sk-abcdefghijkl"}) == "a key like sk-abc is wrong"


@pytest.mark.parametrize("count", [10**400, 10**13, -1, True, 1e300, "many", [1]])
def test_counts_of_tokens_beyond_reason_are_unknown(count: object) -> None:
    usage = {"prompt_tokens": count, "completion_tokens": 5, "total_tokens": 6}
    answer = answered(asking(body(json.dumps(json.loads(say(SURVEY).body) | {"usage": usage}).encode()))[0])
    assert answer.raw == SURVEY
    assert answer.usage is not None
    assert answer.usage.input in (None, 1)
