"""Numbers as text, written plainly, for models and for the reasons of verdicts."""

__all__ = ["plain"]

_LARGEST = 1e15
"""Numbers from here on keep their exponent."""


def plain(value: float, digits: int, *, signed: bool = False) -> str:
    """The number with that many significant digits; a large one as a whole number, never as `4.5e+02`."""
    sign = "+" if signed else ""
    shown = f"{value:{sign}.{digits}g}"
    return f"{value:{sign}.0f}" if "e+" in shown and abs(value) < _LARGEST else shown
