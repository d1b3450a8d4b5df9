"""Named places where a test may kill, fail or hold the process; they do nothing unless a test sets them."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Final


class Failpoint(StrEnum):
    """Every place that can be named; each is passed once per record, batch or command."""

    CONSUMER_AFTER_RECEIVE = "consumer.after-receive"
    CONSUMER_AFTER_PARSE = "consumer.after-parse"
    CONSUMER_AFTER_INBOX = "consumer.after-inbox"
    CONSUMER_BEFORE_COMMIT = "consumer.before-commit"
    CONSUMER_AFTER_COMMIT = "consumer.after-commit"
    CONSUMER_AFTER_OFFSET = "consumer.after-offset"
    RELAY_AFTER_READ = "relay.after-read"
    RELAY_AFTER_SEND = "relay.after-send"
    RELAY_AFTER_MARK = "relay.after-mark"
    API_BEFORE_COMMIT = "api.before-commit"
    API_AFTER_COMMIT = "api.after-commit"
    PARKING_BETWEEN_COPY_AND_MARK = "parking.between-copy-and-mark"
    WORK_BEFORE_COMMIT = "work.before-commit"
    WORK_AFTER_COMMIT = "work.after-commit"


OF_A_WORK: Final = (Failpoint.WORK_BEFORE_COMMIT.value, Failpoint.WORK_AFTER_COMMIT.value)


class FailpointHit(Exception):
    """Raised by the action `raise`; stands for any unexpected fault in that place."""


_armed: dict[str, tuple[str, int]] = {}


def arm(settings: str) -> None:
    """Switch on what `settings` names: `place[/of]=action[@nth]`, separated by commas.

    Actions: `kill` (SIGKILL to this process), `raise` (FailpointHit), `hold` (wait until the process is ended).
    `@3` lets two passes go by. Each acts once, so that a restarted loop goes on. `/of`: in the work of that name only.
    Raises ValueError for an unknown place or action: a fault that never happens would prove nothing.
    """
    _armed.clear()
    for entry in filter(None, (part.strip() for part in settings.split(","))):
        place, _, rest = entry.partition("=")
        action, _, nth = rest.partition("@")
        if action not in {"kill", "raise", "hold"}:
            raise ValueError(f"failpoint {place}: the action is kill, raise or hold, not {action!r}")
        name, slash, of = place.partition("/")
        if slash and name not in OF_A_WORK:
            raise ValueError(f"failpoint {place}: only {' and '.join(OF_A_WORK)} are of a work")
        _armed[Failpoint(name).value + slash + of] = (action, int(nth or 1))


_before_commit: ContextVar[tuple[Failpoint, str] | None] = ContextVar("before_commit", default=None)


@contextmanager
def before_commit(place: Failpoint, of: str) -> Iterator[None]:
    """Transactions opened in here pass `place`, of the work of that name, just before they commit."""
    token = _before_commit.set((place, of))
    try:
        yield
    finally:
        _before_commit.reset(token)


async def hit_before_commit() -> None:
    """Pass the place that `before_commit` named, if it named one."""
    if _armed and (named := _before_commit.get()) is not None:
        await hit(*named)


async def hit(place: Failpoint, of: str = "") -> None:
    """Pass a place, of the work of that name if it is one of works. Does nothing unless a test armed it."""
    if _armed:
        await _act(f"{place.value}/{of}")
        await _act(place.value)


async def _act(place: str) -> None:
    action, passes_left = _armed.get(place, ("", 0))
    if not action:
        return
    if passes_left > 1:
        _armed[place] = (action, passes_left - 1)
        return
    del _armed[place]
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "raise":
        raise FailpointHit(place)
    await asyncio.Event().wait()
