"""Base class of all document data: unknown fields are rejected."""

from pydantic import BaseModel, ConfigDict

__all__ = ["Data"]


class Data(BaseModel):
    """The data of a document, or a part of it."""

    model_config = ConfigDict(extra="forbid")
