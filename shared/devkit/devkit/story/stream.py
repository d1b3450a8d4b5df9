"""A township's window that follows the changes of its division as they happen, is closed, and comes back."""

import asyncio
import contextlib
import json
from collections import Counter
from datetime import datetime
from types import TracebackType
from typing import Final, Self

import httpx2

from devkit.story.client import Person
from runtime.clock import utcnow

COMES_BACK_AFTER_S: Final = 0.05


class Window:
    """Follows `/v1/changes` from `look_at` on. `async with Window() as window`."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        """Events by id; one that came twice counts twice."""
        self.since: datetime | None = None
        """When somebody began to look."""
        self.connections = 0
        self._last_event_id = ""
        self._has_begun = asyncio.Event()
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def look_at(self, person: Person) -> None:
        """Open the window, or open it again where it was closed: it goes on behind what it has seen."""
        await self.close()
        self._has_begun.clear()
        self.since = self.since or utcnow()
        self._following = asyncio.create_task(self._follow(person))
        await self._has_begun.wait()

    async def close(self) -> None:
        """Nobody looks any more."""
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following
            self._following = None

    async def _follow(self, person: Person) -> None:
        """Come back whenever the stream ends."""
        while True:
            with contextlib.suppress(httpx2.HTTPError):
                await self._follow_once(person)
            await asyncio.sleep(COMES_BACK_AFTER_S)

    async def _follow_once(self, person: Person) -> None:
        headers = {"Authorization": f"Bearer {person.token}"}
        if self._last_event_id:
            headers["Last-Event-ID"] = self._last_event_id
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60.0, trust_env=False) as http,
            http.stream("GET", f"{person.urls['tasks']}/v1/changes") as answer,
        ):
            answer.raise_for_status()
            self.connections += 1
            fields: dict[str, str] = {}
            async for line in answer.aiter_lines():
                name, _, value = line.partition(":")
                if name:
                    fields[name] = value.removeprefix(" ")
                elif not line:
                    self._take(fields)
                    fields = {}

    def _take(self, fields: dict[str, str]) -> None:
        self._last_event_id = fields.get("id", self._last_event_id)
        if "id" in fields:
            self._has_begun.set()
        if "data" in fields and fields.get("event") != "closed":
            self.seen[str(json.loads(fields["data"])["id"])] += 1
