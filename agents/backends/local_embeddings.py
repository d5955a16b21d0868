"""Embeddings by a sentence-transformers model on this machine: no server, no key, no network.

The package is an extra (`pip install -e '.[embeddings]'` in gome's folder), imported only when such a model is used.

A folder with a model may hold Python code, or name any class: what loads it imports them, in gome's own process. So a
folder that a scenario names needs the user's word once, as an interpreter does. A model in Hugging Face's cache is one
that the user has fetched.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from gome.agents.backends.base import Embedded, Texts
from gome.errors import UsageError
from gome.scenarios.config.scenario import MemoryKeeperSettings
from gome.scenarios.reading.home import expanded
from gome.scenarios.reading.trusted import Pair, agreed, trusted_file

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["SentenceEmbedder", "strange_model"]

_SETTING = "roles.memory_keeper.model"
_FREE = {"calls": 0.0, "tokens": 0.0, "usd": 0.0}
"""Meter of such an embedding: it costs nothing."""


class SentenceEmbedder:
    """Embeds texts with a model in a folder, or of that name in Hugging Face's cache; downloads nothing.

    A relative path is relative to `beside`. Raises UsageError where package or model is missing, and for a folder to
    which the user has not agreed.
    """

    def __init__(self, model: str, beside: Path) -> None:
        folder = _folder(model, beside)
        if folder is not None and _agreement(folder) not in agreed():
            raise UsageError(
                f"the model in {folder} ({_SETTING}) would be loaded for the first time, and may run code of its own "
                "outside the sandbox; to allow it, pass --trust once to gome run or gome doctor (remembered in "
                f"{trusted_file()})"
            )
        self._model = _load(str(folder) if folder is not None else model)

    async def embed(self, request: Texts) -> Embedded:
        """Compute a unit vector for each text, in a thread, because it takes a while."""
        return Embedded(vectors=await anyio.to_thread.run_sync(self._encode, request.texts), meter=_FREE)

    def _encode(self, texts: Sequence[str]) -> tuple[tuple[float, ...], ...]:
        vectors = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return tuple(tuple(float(value) for value in vector) for vector in vectors)


def strange_model(settings: MemoryKeeperSettings, beside: Path) -> Pair | None:
    """What the user has to agree to before a model is loaded from a folder; None where none is."""
    if settings.embedding != "local" or settings.model is None:
        return None
    folder = _folder(settings.model, beside)
    return None if folder is None else _agreement(folder)


def _folder(model: str, beside: Path) -> Path | None:
    """The folder that a model's name means, also one in the working folder, as the library takes it; None: none."""
    places = (beside / expanded(model), Path(model))
    return next((place.absolute() for place in places if place.exists()), None)


def _agreement(folder: Path) -> Pair:
    return str(folder), _SETTING


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
