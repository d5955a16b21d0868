"""Predictions as an artefact: an array, without pickle, the same bytes for the same numbers."""

import io

import numpy as np

from gome.errors import LogDamaged
from gome.scenarios.metrics.formulas import Array

__all__ = ["packed", "unpacked"]


def packed(predictions: Array) -> bytes:
    """The array in numpy's own format."""
    buffer = io.BytesIO()
    np.save(buffer, predictions, allow_pickle=False)
    return buffer.getvalue()


def unpacked(content: bytes) -> Array:
    """The array of such bytes. Raises LogDamaged for bytes that are none."""
    try:
        return np.asarray(np.load(io.BytesIO(content), allow_pickle=False))
    except (ValueError, EOFError, OSError) as error:
        raise LogDamaged(f"an artefact is no array of predictions: {error}") from error
