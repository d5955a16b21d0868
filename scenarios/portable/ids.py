"""Normal form of ids and class names, so that tables written by different programs can be joined."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pandas import Series

__all__ = ["canonical", "ids_repeat"]

_CHANGED = re.compile(r"[\x00-\x09\x0b-\x20+]|\.0*$|^-?0[0-9]|^-0$", re.MULTILINE)
"""What a text has that may have to be changed: blanks, a sign, zeros at its ends."""
_INTEGRAL = re.compile(r"[+-]?\d+(\.0*)?$")


def canonical(texts: Series) -> Series:
    """Normalise ids and class names: `7`, `7.0` and `07` become equal, surrounding blanks are removed.

    Needed because pandas reads an integer column with missing values as floats, and scripts write it back as such.
    """
    if _are_normal(texts):
        return texts.astype(str)
    texts = texts.astype(str).str.strip()
    integral = texts.str.fullmatch(_INTEGRAL)
    return texts.where(~integral, texts[integral].map(_plain_integer)) if integral.any() else texts


def ids_repeat(train: NDArray[Any], test: NDArray[Any]) -> bool:
    """Whether an id occurs twice among training and test rows."""
    return bool(canonical(Series(np.concatenate([train, test]))).duplicated().any())


def _are_normal(texts: Series) -> bool:
    """Whether all are in normal form for sure, which one look at them all tells sooner than a look at each."""
    if not len(texts) or texts.dtype != object:
        return False
    try:
        joined = "\n".join(texts)
    except TypeError:  # not all are texts
        return False
    return joined.isascii() and joined.count("\n") == len(texts) - 1 and _CHANGED.search(joined) is None


def _plain_integer(text: str) -> str:
    return str(int(text.split(".")[0])) if len(text) < 400 else text
