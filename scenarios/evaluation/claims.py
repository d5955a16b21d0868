"""Read what a script says of itself in `evidence.json`. Its figures are hints, and never decide acceptance."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gome.scenarios.evidence import DefectNote, Evaluation

__all__ = ["Claims", "claimed", "read_claims"]

_LARGEST_EVIDENCE = 1 << 16
_MOST_CLAIMS = 50


@dataclass(frozen=True, slots=True)
class Claims:
    """Figures that a script reports: its training score, the importance of columns, and all others by name."""

    train_score: float | None = None
    importance: dict[str, float] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)


def read_claims(path: Path | None) -> Claims:
    """Read `evidence.json`. Invalid or excess entries are ignored; it never raises.

    `train_score` and `importance` have their own fields; every other number is a figure under its name, or under
    `outer.inner` if it is in an inner object.
    """
    if path is None or path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST_EVIDENCE:
        return Claims()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError):
        return Claims()
    if not isinstance(content, dict):
        return Claims()
    score, weights = content.pop("train_score", None), content.pop("importance", None)
    return Claims(
        train_score=float(score) if _finite(score) else None,
        importance=_largest(weights) if isinstance(weights, dict) else {},
        figures=dict(list(_numbers(content))[:_MOST_CLAIMS]),
    )


def _largest(weights: dict[str, Any]) -> dict[str, float]:
    good = [(_name(name), float(weight)) for name, weight in weights.items() if _finite(weight)]
    return dict(sorted(good, key=lambda pair: (-pair[1], pair[0]))[:_MOST_CLAIMS])


def _numbers(content: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in content.items():
        if _finite(value):
            yield _name(name), float(value)
        elif isinstance(value, dict):
            yield from ((_name(f"{name}.{inner}"), float(each)) for inner, each in value.items() if _finite(each))


def _name(text: str) -> str:
    """Shorten a name and remove lone surrogates, which JSON allows and UTF-8 does not."""
    return text[:80].encode("utf-8", "replace").decode()


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def claimed(evaluation: Evaluation, rows: int) -> Evaluation:
    """With the score that the script itself reports, for a task of so many rows that cannot be split; not verified."""
    score = evaluation.claims.get("score")
    if score is None:
        words = "evidence.json has no number `score`: this task is not split, so a script says its own"
        return evaluation.model_copy(update={"defects": (DefectNote(code="no-score", message=words),)})
    figures = {"score": score, "folds": (score,), "splits": (0,), "planned": 1, "weights": (1.0,)}
    more = {"fold_rows": ((rows, rows),), "replicates": ((),), "verified": False}
    return evaluation.model_copy(update=figures | more)
