"""Serialise predictions: numpy's format without pickle; equal arrays give equal bytes."""

import io

import numpy as np

from gome.errors import LogDamaged
from gome.scenarios.metrics.formulas import Array

__all__ = ["packed", "unpacked"]


def packed(predictions: Array) -> bytes:
    """Serialise the array in numpy's `.npy` format."""
    buffer = io.BytesIO()
    np.save(buffer, predictions, allow_pickle=False)
    return buffer.getvalue()


def unpacked(content: bytes) -> Array:
    """Read an array from such bytes. Raises LogDamaged where they are not a valid array."""
    try:
        return np.asarray(np.load(io.BytesIO(content), allow_pickle=False))
    except (ValueError, EOFError, OSError) as error:
        raise LogDamaged(f"an artefact is not a valid array of predictions: {error}") from error
