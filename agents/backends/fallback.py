"""Several backends in order for one role: what the first cannot answer, the next is asked.

An outage goes to the next at once, and so does a request that a backend refuses or gives no usable answer to. The run
pauses only when the last is out as well. The answer says who was asked in vain, why, and what that cost.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gome.agents.backends.base import Answer, Backend, Passed
from gome.agents.protocol.activities import PASSED
from gome.agents.protocol.requests import Request
from gome.agents.state.call_budget import REFUSED, Unit, amount
from gome.errors import Outage

__all__ = ["FallbackBackend", "in_order"]

_BOUNDED: tuple[Unit, ...] = ("tokens", "usd")
"""Units of a meter that are known, or else bounded by `…_at_most`."""


def in_order(backends: Mapping[str, Backend], names: Sequence[str]) -> Backend:
    """The backend of that name, or those names as one, which are asked in their order."""
    first, *more = names
    return FallbackBackend({name: backends[name] for name in names}) if more else backends[first]


class FallbackBackend:
    """Asks its backends in order, until one answers. It does not own them, and closes none."""

    def __init__(self, backends: Mapping[str, Backend]) -> None:
        self._backends = dict(backends)

    @property
    def label(self) -> str:
        """Display name."""
        return ", else ".join(backend.label for backend in self._backends.values())

    async def answer(self, request: Request[Any]) -> Answer:
        """The first answer without a failure, else the last failure. Raises Outage where the last is out."""
        passed: list[Passed] = []
        *others, last = self._backends
        for name in others:
            try:
                answer = await self._backends[name].answer(request)
            except Outage as outage:
                passed.append(Passed(backend=name, why=str(outage), meter=outage.meter))
                continue
            if not answer.failure or any(unit.startswith(REFUSED) for unit in answer.meter):
                return _with(answer, name, passed)
            passed.append(Passed(backend=name, model=answer.model, why=answer.failure, meter=answer.meter))
        try:
            return _with(await self._backends[last].answer(request), last, passed)
        except Outage as outage:
            earlier = "".join(f" Before it, {each.backend} was asked: {each.why}" for each in passed)
            raise Outage(f"{outage}.{earlier}" if earlier else str(outage)) from None

    async def aclose(self) -> None:
        """Nothing to close."""


def _with(answer: Answer, name: str, passed: Sequence[Passed]) -> Answer:
    """The answer with who gave it, and with the cost of those who were asked in vain."""
    meter = _joined([*(each.meter for each in passed if each.meter), answer.meter])
    meter |= {PASSED: float(len(passed))} if passed else {}
    return answer.model_copy(update={"backend": name, "passed": tuple(passed), "meter": meter})


def _joined(meters: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The sum of meters; what one of them does not know is unknown, and bounded where it counts in budgets."""
    known = set(meters[0]).intersection(*meters)
    joined = {name: sum((meter[name] for meter in meters), 0.0) for name in sorted(known)}
    for unit in _BOUNDED:
        most = sum((amount(meter, unit) for meter in meters), 0.0)
        if unit not in joined and most:
            joined[f"{unit}_at_most"] = most
    refused = {name: value for name, value in meters[-1].items() if name.startswith(REFUSED)}
    return joined | refused
