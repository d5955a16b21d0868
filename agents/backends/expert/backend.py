"""The expert backend: answers every typed request by rules, offline. Its label says that it is not a language model."""

from collections.abc import Callable
from typing import Any

import anyio.to_thread

from gome.agents.backends.base import Answer
from gome.agents.backends.expert.diagnosis import assess, survey
from gome.agents.backends.expert.judgement import ALL, Judgement, Knowledge
from gome.agents.backends.expert.planning import propose, read, solve
from gome.agents.backends.expert.repair import repair
from gome.agents.backends.expert.writing import write
from gome.agents.protocol.requests import AssessTrial, ProposeStep, ReadOutput, Request, SurveyTask
from gome.agents.protocol.script_requests import RepairSolution, SolveStep, WriteSolution
from gome.agents.protocol.types import Record
from gome.errors import ReplyInvalid

__all__ = ["ExpertBackend"]

_COSTS_NOTHING = {"calls": 1.0, "seconds": 0.0, "tokens": 0.0, "usd": 0.0}
_LABEL = "expert (rule-based, not a language model)"
_ANSWERS: dict[type[Request[Any]], Callable[[Any, Judgement], Record]] = {
    SurveyTask: survey,
    AssessTrial: assess,
    ProposeStep: propose,
    SolveStep: solve,
    ReadOutput: read,
    WriteSolution: write,
    RepairSolution: repair,
}


class ExpertBackend:
    """Answers from the request alone: the same request and skill give the same answer.

    With `skill` below 1, each judgement is replaced by a random one of the same catalogue with probability 1 − skill.
    With `knowledge` of less than the whole catalogue, each trace's expert proposes only the changes that it knows.
    Raises ValueError where `skill` is not in [0, 1].
    """

    def __init__(self, skill: float = 1.0, knowledge: Knowledge = ALL) -> None:
        if not 0.0 <= skill <= 1.0:
            raise ValueError(f"skill must be between 0 and 1, not {skill}")
        self.skill = skill
        self.knowledge = knowledge

    @property
    def label(self) -> str:
        """Display name."""
        return _LABEL if self.skill == 1.0 else f"{_LABEL[:-1]}, skill {self.skill:g})"

    async def answer(self, request: Request[Any]) -> Answer:
        """Compute the answer in a thread. Raises ReplyInvalid for a type of request that the expert does not know."""
        return await anyio.to_thread.run_sync(self._answer, request)

    async def aclose(self) -> None:
        """Nothing to close."""

    def _answer(self, request: Request[Any]) -> Answer:
        respond = _ANSWERS.get(type(request))
        if respond is None:
            raise ReplyInvalid(
                f"the expert has no answer to {type(request).__name__}; assign another backend to this role"
            )
        reply = respond(request, Judgement(self.skill, request.seed, self.knowledge))
        return Answer(reply=reply.model_dump(mode="json"), model=self.label, meter=dict(_COSTS_NOTHING))
