"""Paging: lists go on behind the last item seen, by its sort key; a page costs the same wherever it begins."""

import base64
import binascii
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from runtime.invalid_input import invalid_input

PAGE_MAX = 200

T = TypeVar("T")
P = TypeVar("P")

Cursor = Annotated[str | None, Query(description="`next` of the page before", max_length=400)]
PageLimit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="items per page")]


class Page(BaseModel, Generic[T]):
    """One page of a list; `next` is the cursor of the following one, null on the last."""

    items: list[T]
    next: str | None = Field(default=None, description="pass as `after`")


def page_of(items: Sequence[T], limit: int, *, by: Callable[[T], object] = attrgetter("position")) -> Page[T]:
    """A page of at most `limit` items; fewer than `limit` are the last.

    by: the sort key of an item, where `position` means something else to it.
    """
    return Page(items=list(items), next=cursor_behind(by(items[-1])) if len(items) == limit else None)


def cursor_behind(position: object) -> str:
    """The cursor of the page that begins behind `position`; opaque to clients."""
    return base64.urlsafe_b64encode(to_json(position)).decode().rstrip("=")


def position_in(cursor: str | None, kind: type[P]) -> P | None:
    """The position in a cursor, None for the first page. Raises Invalid for what is not a cursor of this list."""
    if cursor is None:
        return None
    try:
        decoded = from_json(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        return TypeAdapter(kind).validate_python(decoded)
    except ValidationError as error:
        raise invalid_input([{**each, "loc": ("query", "after")} for each in error.errors()]) from None
    except (ValueError, binascii.Error, RecursionError):
        raise invalid_input([{"type": "json_invalid", "loc": ("query", "after")}]) from None
