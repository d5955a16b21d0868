"""Random seeds as a function of the log: every draw is keyed by (seed, trace, step, purpose)."""

from hashlib import blake2b

__all__ = ["derive_seed"]


def derive_seed(seed: int, trace: int, step: int, purpose: str) -> int:
    """A seed in [0, 2³¹) for one draw; the same key gives the same seed in every process."""
    key = f"{seed}/{trace}/{step}/{purpose}".encode()
    return int.from_bytes(blake2b(key, digest_size=4).digest(), "big") >> 1
