"""Health: alive while every loop makes progress, ready while nothing speaks against it, started when start-up is done.

A ping proves nothing: a consumer can hang while its connection answers. So each loop beats, and a loop that has not
beaten within its limit makes the process not alive; the orchestrator then starts it again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from runtime.problem_responses import problem_response
from runtime.problems import Refusal

LIMIT_S: Final = 60.0
CHECK_TIMEOUT_S: Final = 2.0
CHECKS_KEPT_S: Final = 1.0

Check = Callable[[], Awaitable[object]]


class NotAlive(Refusal):
    """A loop of this process makes no progress. 本进程的某个循环停滞。"""

    status = 503


class NotReady(Refusal):
    """This process takes no requests just now. 本进程暂不接受请求。"""

    status = 503
    retry_after_s = 2


class NotStarted(Refusal):
    """This process is still starting. 本进程正在启动。"""

    status = 503
    retry_after_s = 1


@dataclass(slots=True)
class _Loop:
    limit_s: float
    beaten_at: float


class Heartbeats:
    """What the loops of one process say about themselves."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._loops: dict[str, _Loop] = {}
        self._reasons: dict[str, str] = {}
        self.started = False

    def watch(self, loop: str, *, limit_s: float = LIMIT_S) -> None:
        """Expect a beat of that loop at least every limit_s seconds, from now on."""
        self._loops[loop] = _Loop(limit_s, self._monotonic())

    def beat(self, loop: str) -> None:
        """The loop has made progress, or has found nothing to do. A loop that was not announced is watched from now."""
        if (watched := self._loops.get(loop)) is None:
            self.watch(loop)
        else:
            watched.beaten_at = self._monotonic()

    def forget(self, loop: str) -> None:
        """The loop has ended as it should: expect no more of it, and drop what it held against readiness."""
        self._loops.pop(loop, None)
        self._reasons.pop(loop, None)

    def stalled(self) -> list[str]:
        """The loops that have not beaten within their limits."""
        now = self._monotonic()
        return sorted(name for name, loop in self._loops.items() if now - loop.beaten_at > loop.limit_s)

    def not_ready(self, who: str, why: str) -> None:
        """Something speaks against sending requests here; one reason for each who."""
        self._reasons[who] = why

    def ready(self, who: str) -> None:
        """What spoke against readiness is over."""
        self._reasons.pop(who, None)

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why this process is not ready, by who says so; empty when nothing speaks against it."""
        return dict(self._reasons)


def health_routes(heartbeats: Heartbeats, checks: Mapping[str, Check]) -> APIRouter:
    """GET /livez, /readyz and /startupz: 204, or 503 with a problem document that names what is wrong.

    checks: looks at what requests need (the database, the issuer's keys) by name; one that raises, or takes more than
    two seconds, makes the process not ready. Answers are kept for one second: nobody can load the database by probing.
    """
    routes = APIRouter(include_in_schema=False)
    ask = _kept(checks)

    @routes.get("/livez")
    async def livez() -> Response:
        stalled = heartbeats.stalled()
        return problem_response(NotAlive(loops=stalled)) if stalled else Response(status_code=204)

    @routes.get("/readyz")
    async def readyz() -> Response:
        if not heartbeats.started:
            return problem_response(NotStarted())
        reasons = {**heartbeats.reasons, **await ask()}
        return problem_response(NotReady(reasons=reasons)) if reasons else Response(status_code=204)

    @routes.get("/startupz")
    async def startupz() -> Response:
        return Response(status_code=204) if heartbeats.started else problem_response(NotStarted())

    return routes


def _kept(checks: Mapping[str, Check]) -> Callable[[], Awaitable[Mapping[str, str]]]:
    kept: dict[str, str] = {}
    kept_at = -float("inf")
    lock = asyncio.Lock()

    async def ask() -> Mapping[str, str]:
        nonlocal kept, kept_at
        async with lock:
            if time.monotonic() - kept_at > CHECKS_KEPT_S:
                answers = await asyncio.gather(*(_failure_of(check) for check in checks.values()))
                kept = {name: failure for name, failure in zip(checks, answers, strict=True) if failure is not None}
                kept_at = time.monotonic()
            return kept

    return ask


async def _failure_of(check: Check) -> str | None:
    """The kind of error only: these addresses answer everybody, and messages name hosts and users."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            await check()
    except Exception as error:
        return type(error).__name__
    return None
