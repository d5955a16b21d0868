"""Put one question to a backend, and close it."""

from typing import Any

import anyio

from gome.agents.backends.base import Answer, Backend
from gome.errors import GomeError
from tests.agents.helpers import requests_made as made


def outcome_of(backend: Backend, request: Any = None) -> Answer | GomeError:
    """The answer to a request (default: a survey), or the error."""

    async def ask() -> Answer | GomeError:
        try:
            return await backend.answer(request or made.survey_task())
        except GomeError as error:
            return error
        finally:
            await backend.aclose()

    return anyio.run(ask)


def answered(outcome: Answer | GomeError) -> Answer:
    """The outcome as an answer, which may be a failure."""
    assert isinstance(outcome, Answer), outcome
    return outcome
