"""Embeddings by a sentence-transformers model on this machine: no server, no key, no network.

The package is an extra (`pip install -e '.[embeddings]'` in gome's folder), imported only when such a model is used.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from gome.agents.backends.base import Embedded, Texts
from gome.errors import UsageError
from gome.scenarios.reading.home import expanded

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["SentenceEmbedder"]

_FREE = {"calls": 0.0, "tokens": 0.0, "usd": 0.0}
"""Meter of such an embedding: it costs nothing."""


class SentenceEmbedder:
    """Embeds texts with a model in a folder, or of that name in Hugging Face's cache; downloads nothing.

    A relative path is relative to `beside`. Raises UsageError where package or model is missing.
    """

    def __init__(self, model: str, beside: Path) -> None:
        folder = beside / expanded(model)
        self._model = _load(str(folder) if folder.is_dir() else model)

    async def embed(self, request: Texts) -> Embedded:
        """Compute a unit vector for each text, in a thread, because it takes a while."""
        return Embedded(vectors=await anyio.to_thread.run_sync(self._encode, request.texts), meter=_FREE)

    def _encode(self, texts: Sequence[str]) -> tuple[tuple[float, ...], ...]:
        vectors = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return tuple(tuple(float(value) for value in vector) for vector in vectors)


def _load(model: str) -> "SentenceTransformer":
    where = "roles.memory_keeper.embedding"
    try:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    except ImportError as error:
        raise UsageError(
            f"{where}: local needs packages that are not installed ({error.name}): "
            "run pip install -e '.[embeddings]' in gome's folder"
        ) from error
    logging.disable_progress_bar()
    try:
        return SentenceTransformer(model, device="cpu", local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        words = str(error).splitlines()[0]
        raise UsageError(
            f"{where}: no sentence-transformers model can be loaded from {model!r} ({words}); "
            "name its folder, or download it before the run: nothing is downloaded during a run"
        ) from error
