"""Named places where a test may kill, fail or hold the process; they do nothing unless a test sets them."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum


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


class FailpointHit(Exception):
    """Raised by the action `raise`; stands for any unexpected fault in that place."""


_armed: dict[str, tuple[str, int]] = {}


def arm(settings: str) -> None:
    """Switch on what `settings` names: `place=action[@nth]`, separated by commas.

    Actions: `kill` (SIGKILL to this process), `raise` (FailpointHit), `hold` (wait until the process is ended).
    `@3` lets two passes go by. Each acts once, so that a restarted loop goes on.
    Raises ValueError for an unknown place or action: a fault that never happens would prove nothing.
    """
    _armed.clear()
    for entry in filter(None, (part.strip() for part in settings.split(","))):
        place, _, rest = entry.partition("=")
        action, _, nth = rest.partition("@")
        if action not in {"kill", "raise", "hold"}:
            raise ValueError(f"failpoint {place}: the action is kill, raise or hold, not {action!r}")
        _armed[Failpoint(place).value] = (action, int(nth or 1))


_before_commit: ContextVar[Failpoint | None] = ContextVar("before_commit", default=None)


@contextmanager
def before_commit(place: Failpoint) -> Iterator[None]:
    """Transactions opened in here pass `place` just before they commit."""
    token = _before_commit.set(place)
    try:
        yield
    finally:
        _before_commit.reset(token)


async def hit_before_commit() -> None:
    """Pass the place that `before_commit` named, if it named one."""
    if _armed and (place := _before_commit.get()) is not None:
        await _act(place)


async def hit(place: Failpoint) -> None:
    """Pass a place. Does nothing unless a test armed it."""
    if _armed:
        await _act(place)


async def _act(place: Failpoint) -> None:
    action, passes_left = _armed.get(place.value, ("", 0))
    if not action:
        return
    if passes_left > 1:
        _armed[place.value] = (action, passes_left - 1)
        return
    del _armed[place.value]
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "raise":
        raise FailpointHit(place.value)
    await asyncio.Event().wait()
