"""Works: what a service does by itself, when time passes or there is something to go on with, beside its consumers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from runtime import failpoints
from runtime.actor import Actor
from runtime.db import Pool
from runtime.failpoints import Failpoint, hit
from runtime.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Working:
    """What a work acts with: its service's database, Actor and settings."""

    pool: Pool
    actor: Actor
    settings: ServiceSettings


Turn: TypeAlias = Callable[[Working], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Work:
    """A turn that is taken again and again."""

    name: str
    turn: Turn
    every_s: float

    async def go_on(self, working: Working, beat: Callable[[], None]) -> None:
        """Take turns until one says that there is nothing more to do now. Raises what a turn raises."""
        more = True
        while more:
            beat()
            with failpoints.before_commit(Failpoint.WORK_BEFORE_COMMIT, self.name):
                more = await self.turn(working)
            await hit(Failpoint.WORK_AFTER_COMMIT, self.name)


def every(seconds: float) -> Callable[[Turn], Work]:
    """Make `turn(working)` a work: called again at once while it returns True, else `seconds` later.

    Several replicas call it at the same time: what it takes up it locks (FOR UPDATE SKIP LOCKED). An error is logged
    and the turn is taken again a second later.
    """
    return lambda turn: Work(turn.__name__, turn, seconds)
