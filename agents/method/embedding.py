"""Embeddings of hypotheses: without a model (hashed words and their neighbours), or from the vectors of one."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["DIMENSIONS", "Room", "embed", "similarity", "unit_vectors"]

DIMENSIONS = 256
_KEPT = 1 << 14
_LEAST = 64
_WORD = re.compile(r"[a-z0-9]+")


def _features(text: str) -> list[str]:
    words = _WORD.findall(text.lower())
    return words + [f"{left} {right}" for left, right in pairwise(words)]


class Room:
    """Memory for many vectors, used again for each question: thousands made anew each time would leave it in pieces."""

    def __init__(self) -> None:
        self._block: Tensor | None = None

    def rows(self, count: int) -> "Tensor":
        """So many rows, whose content is lost at the next call."""
        import torch

        if self._block is None or len(self._block) < count:
            self._block = torch.empty(max(_LEAST, 2 * count), DIMENSIONS, dtype=torch.float64)
        return self._block[:count]


def embed(texts: Sequence[str], room: Room | None = None) -> "Tensor":
    """Unit vectors of the texts, shape (len(texts), DIMENSIONS), float64: signed hashing of words and word pairs.

    A text without a word is the zero vector, so its cosine with anything is 0. The vectors are written to `room`.
    """
    import torch

    rows = (room or Room()).rows(len(texts))
    return torch.stack([_hashed(text) for text in texts], out=rows) if texts else rows


@lru_cache(maxsize=_KEPT)
def _hashed(text: str) -> "Tensor":
    """One text's vector. What has proven itself is compared with every idea of every trace, so it is kept."""
    import torch

    vector = torch.zeros(DIMENSIONS, dtype=torch.float64)
    for feature in _features(text):
        digest = blake2b(feature.encode(), digest_size=8).digest()
        column = int.from_bytes(digest[:4], "big") % DIMENSIONS
        vector[column] += 1.0 if digest[4] & 1 else -1.0
    return torch.nn.functional.normalize(vector, dim=0)


def unit_vectors(vectors: Sequence[Sequence[float]]) -> "Tensor":
    """A model's vectors, each of length 1, float64."""
    import torch

    return torch.nn.functional.normalize(torch.tensor(vectors, dtype=torch.float64), dim=1)


def similarity(one: str, other: str) -> float:
    """The cosine of two texts' words and word pairs, in [0, 1], counted and not hashed; 0 where one has no word."""
    ours, theirs = Counter(_features(one)), Counter(_features(other))
    norm = math.sqrt(sum(n * n for n in ours.values()) * sum(n * n for n in theirs.values()))
    return sum(count * theirs[feature] for feature, count in ours.items()) / norm if norm else 0.0
