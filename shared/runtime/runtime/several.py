"""Several things in one command: at most so many, each once, each with its version as last read."""

from collections.abc import Hashable
from operator import attrgetter
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

AT_ONCE_MAX: Final = 200  # what one transaction holds locked while others wait

SeenVersion = Annotated[int, Field(ge=1, le=2**53 - 1, description="as last read; takes the place of If-Match")]


def each_once(member: str) -> AfterValidator:
    """A validator of a list: no two entries have the same `member`, so that no entry silently replaces another."""
    name = attrgetter(member)

    def check(entries: list[Any]) -> list[Any]:
        named: set[Hashable] = {name(entry) for entry in entries}
        if len(named) < len(entries):
            raise PydanticCustomError("each_once", "Name each one once.")
        return entries

    return AfterValidator(check)
