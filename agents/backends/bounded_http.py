"""A bound on what a server may send: a response that is longer is an error as it is read, not once memory is full.

A few kilobytes of a packed body can hold gigabytes, and a body or a stream of events need not end at all. So responses
are unpacked here, piece by piece, and their bytes are counted after that. Redirects are not followed: they would send
the prompt, which shows rows of the data, to another server than the one that was named.
"""

import os
import ssl
import zlib
from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import Any

import httpx2

__all__ = ["client_settings"]

_MOST = {"GET": 8 << 20, "POST": 64 << 20}
"""Bytes of a response. A list of models has tens of kilobytes; the longest answer, or its vectors, a few megabytes."""
_PIECE = 1 << 16
_PACKED = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS | 32}


def client_settings(trust_env: bool) -> Mapping[str, Any]:
    """Settings of an HTTP client whose responses are bounded. `trust_env`: whether proxies of the environment count."""
    named = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    return {
        "trust_env": trust_env,
        "verify": _trusted(trust_env, named),
        "follow_redirects": False,
        "event_hooks": {"response": [_bound]},
    }


@cache
def _trusted(trust_env: bool, _named: tuple[str | None, ...]) -> ssl.SSLContext:
    """Who may vouch for a server: read once, since all clients trust the same, and reading takes longer than a call.

    `_named` are the file and the folder that the environment names: should it name others, those are read.
    """
    return httpx2.create_ssl_context(trust_env=trust_env)


async def _bound(response: httpx2.Response) -> None:
    """Replace the body, before it is read, by one that is unpacked and counted. Raises httpx2.DecodingError."""
    packed = response.headers.pop("content-encoding", "identity").strip().lower()
    if packed not in (*_PACKED, "identity"):
        raise httpx2.DecodingError(f"the server packs its answer as {packed}, which was not asked for")
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Counted(response.stream, _PACKED.get(packed), _MOST.get(response.request.method, 0))
    response.headers.pop("content-length", None)


class _Counted(httpx2.AsyncByteStream):
    """A body, unpacked, of at most `most` bytes. Iterating raises httpx2.DecodingError where it has more."""

    def __init__(self, packed: httpx2.AsyncByteStream, bits: int | None, most: int) -> None:
        self._packed = packed
        self._bits = bits
        self._left = most
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        unpacking = None if self._bits is None else zlib.decompressobj(self._bits)
        async for chunk in self._packed:
            if unpacking is None:
                yield self._counted(chunk)
                continue
            rest = chunk
            while rest:
                try:
                    piece = unpacking.decompress(rest, _PIECE)
                except zlib.error as error:
                    raise httpx2.DecodingError(f"the server's answer cannot be unpacked ({error})") from error
                rest = unpacking.unconsumed_tail
                yield self._counted(piece)

    def _counted(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        if self._left < 0:
            raise httpx2.DecodingError(f"the server's answer is longer than {self._most >> 20} MiB")
        return piece

    async def aclose(self) -> None:
        """Close the connection's stream."""
        await self._packed.aclose()
