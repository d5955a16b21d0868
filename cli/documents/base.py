"""What every document's data are: plain, with no field beside those that are named."""

from pydantic import BaseModel, ConfigDict

__all__ = ["Data"]


class Data(BaseModel):
    """The data of a document, or a part of them."""

    model_config = ConfigDict(extra="forbid")
