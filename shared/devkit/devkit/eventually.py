"""Wait for something to become true, instead of sleeping and hoping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")


class NeverTrueError(AssertionError):
    """What was waited for did not become true in time; the message holds the last thing seen."""


@overload
async def eventually(
    check: Callable[[], Awaitable[T]], *, timeout_s: float = 20.0, every_s: float = 0.05, what: str = ""
) -> T: ...
@overload
async def eventually(
    check: Callable[[], T], *, timeout_s: float = 20.0, every_s: float = 0.05, what: str = ""
) -> T: ...
async def eventually(
    check: Callable[[], object], *, timeout_s: float = 20.0, every_s: float = 0.05, what: str = ""
) -> object:
    """Call `check` (plain or async) until it returns something truthy without an AssertionError, and return that.

    Only AssertionError counts as "not yet": any other exception is a mistake in the test and is raised at once.
    Raises NeverTrueError after `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        seen: object
        try:
            answer = check()
            value = await answer if inspect.isawaitable(answer) else answer
            if value:
                return value
            seen = value
        except AssertionError as failure:
            seen = failure
        if time.monotonic() >= deadline:
            raise _never(what or _name(check), timeout_s, seen)
        await asyncio.sleep(every_s)


def eventually_sync(check: Callable[[], T], *, timeout_s: float = 20.0, every_s: float = 0.05, what: str = "") -> T:
    """The same for code without an event loop. Raises NeverTrueError after `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while True:
        seen: object
        try:
            value = check()
            if value:
                return value
            seen = value
        except AssertionError as failure:
            seen = failure
        if time.monotonic() >= deadline:
            raise _never(what or _name(check), timeout_s, seen)
        time.sleep(every_s)


def _never(what: str, timeout_s: float, seen: object) -> NeverTrueError:
    if not isinstance(seen, AssertionError):
        return NeverTrueError(f"{what}: not true within {timeout_s:g} s; last answer: {seen!r}")
    error = NeverTrueError(f"{what}: not true within {timeout_s:g} s; last failure: {seen}")
    error.__cause__ = seen
    return error


def _name(check: Callable[..., object]) -> str:
    return getattr(check, "__qualname__", repr(check))
