"""Embeddings of hypotheses: hashed words and word pairs, without a model, or the normalised vectors of a model."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise

import numpy as np

from gome.agents.method.momentum import Matrix

__all__ = ["DIMENSIONS", "Room", "embed", "similarity", "unit_vectors"]

DIMENSIONS = 256
_KEPT = 1 << 14
_LEAST = 64
_TINY = 1e-12
_WORD = re.compile(r"[a-z0-9]+")


def _features(text: str) -> list[str]:
    words = _WORD.findall(text.lower())
    return words + [f"{left} {right}" for left, right in pairwise(words)]


class Room:
    """Reusable memory for many vectors: allocating thousands of them for each question would fragment the heap."""

    def __init__(self) -> None:
        self._block: Matrix | None = None

    def rows(self, count: int) -> Matrix:
        """A buffer of shape (count, DIMENSIONS), float64; its content is overwritten after the next call."""
        if self._block is None or len(self._block) < count:
            self._block = np.empty((max(_LEAST, 2 * count), DIMENSIONS))
        return self._block[:count]


def embed(texts: Sequence[str], room: Room | None = None) -> Matrix:
    """Unit vectors of the texts, shape (len(texts), DIMENSIONS), float64: signed hashing of words and word pairs.

    A text without a word is the zero vector, so its cosine with anything is 0. The vectors are written into `room`, and
    are valid until its next use.
    """
    rows = (room or Room()).rows(len(texts))
    return np.stack([_hashed(text) for text in texts], out=rows) if texts else rows


@lru_cache(maxsize=_KEPT)
def _hashed(text: str) -> Matrix:
    """Vector of one text. Cached, because accepted changes are compared with every idea of every trace."""
    vector = np.zeros(DIMENSIONS)
    for feature in _features(text):
        digest = blake2b(feature.encode(), digest_size=8).digest()
        column = int.from_bytes(digest[:4], "big") % DIMENSIONS
        vector[column] += 1.0 if digest[4] & 1 else -1.0
    vector /= max(float(np.linalg.norm(vector)), _TINY)
    vector.flags.writeable = False
    return vector


def unit_vectors(vectors: Sequence[Sequence[float]]) -> Matrix:
    """A model's vectors scaled to length 1, shape (len(vectors), dimensions), float64."""
    rows = np.asarray(vectors, dtype=np.float64)
    scaled: Matrix = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), _TINY)
    return scaled


def similarity(one: str, other: str) -> float:
    """Cosine of two texts' counts of words and word pairs (not hashed), in [0, 1]; 0 where one has no word."""
    ours, theirs = Counter(_features(one)), Counter(_features(other))
    norm = math.sqrt(sum(n * n for n in ours.values()) * sum(n * n for n in theirs.values()))
    return sum(count * theirs[feature] for feature, count in ours.items()) / norm if norm else 0.0
