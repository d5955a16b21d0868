"""Building blocks of the settings: strict base class, durations, sizes, names of environment variables."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from gome.scenarios.config.units import DURATION_PATTERN, SIZE_PATTERN, parse_duration, parse_size

__all__ = ["CHOOSERS", "Bytes", "Chooser", "Model", "Seconds", "VariableName"]

_MOST_SECONDS = 10 * 365 * 86400
"""Ten years: a longer time is a mistake, and clocks overflow."""
_Positive = Annotated[float, Field(gt=0)]
_WholePositive = Annotated[int, Field(gt=0)]
_DurationText = Annotated[str, Field(pattern=DURATION_PATTERN)]
_SizeText = Annotated[str, Field(pattern=SIZE_PATTERN)]

Seconds = Annotated[
    float,
    Field(gt=0, le=_MOST_SECONDS),
    BeforeValidator(parse_duration, json_schema_input_type=_Positive | _DurationText),
]
"""A duration: a number of seconds, or text such as `90s`, `20min`, `12h`."""
Bytes = Annotated[
    int, Field(gt=0, le=1 << 60), BeforeValidator(parse_size, json_schema_input_type=_WholePositive | _SizeText)
]
"""A size: a number of bytes, or text such as `512MiB`, `4GiB`."""


def _variable_name(name: str) -> str:
    """Reject an invalid name. The message does not repeat the value, which may be the key itself."""
    if re.fullmatch(r"[A-Z_][A-Z0-9_]*", name) is None:
        raise ValueError("give the name of an environment variable in capitals, such as OPENAI_API_KEY, not the key")
    return name


VariableName = Annotated[str, AfterValidator(_variable_name)]
"""The name of an environment variable that holds a secret."""

Chooser = Literal["proposer", "executor"]
CHOOSERS: tuple[Chooser, ...] = ("proposer", "executor")
"""The roles whose backend may be chosen by what it has gained: a trial judges what they did."""


class Model(BaseModel):
    """Base class of all settings: immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")
