"""What the JSON routes share: the shape of their errors, and of the parts that many of them take."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict

LARGEST_NUMBER = 2**31 - 1  # what both engines hold in an integer
PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

Part = Annotated[str, Path(max_length=64)]
Show = Annotated[str | None, Query(max_length=64, description="a show's name; empty for versions without one")]
Count = Annotated[int, Query(ge=0, le=LARGEST_NUMBER)]


class Problem(BaseModel):
    """What could not be had, in one line for people."""

    error: str


class Sent(BaseModel):
    """The body of a change; what it does not know is refused."""

    model_config = ConfigDict(extra="forbid")


_WHEN = {
    400: "it can't be had so",
    401: "nobody is logged in",
    403: "the role does not allow it, or the token is wrong",
    404: "it is not on record",
    409: "somebody else was first",
    413: "too much was sent",
    422: "a value is none of those that are allowed",
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text} for status, text in _WHEN.items()
}
