"""Somebody who follows the changes as a browser's EventSource does: reads events, keeps the last id, comes back."""

import asyncio
import json
import random
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2

from devkit.processes import ServiceProcess

CUT_AFTER_S_MAX = 0.4


@dataclass(slots=True)
class Follower:
    """One listener and what it has seen so far, over all its connections."""

    process: ServiceProcess
    token: str
    query: dict[str, str] = field(default_factory=dict)
    last_event_id: str = ""
    seen: list[dict[str, Any]] = field(default_factory=list)
    """CloudEvents in the order of their arrival."""
    closed: list[dict[str, Any]] = field(default_factory=list)
    """The problems with which streams said good-bye."""
    comments: int = 0
    connections: int = 0
    answers: list[int] = field(default_factory=list)

    async def follow_once(self) -> None:
        """One connection to its end. Raises httpx2.TransportError when it breaks."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if self.last_event_id:
            headers["Last-Event-ID"] = self.last_event_id
        async with (
            httpx2.AsyncClient(base_url=self.process.url, headers=headers, timeout=60.0) as client,
            client.stream("GET", "/v1/changes", params=self.query) as answer,
        ):
            self.answers.append(answer.status_code)
            if answer.status_code != 200:
                self.closed.append(json.loads(await answer.aread()))
                return
            self.connections += 1
            fields: dict[str, str] = {}
            async for line in answer.aiter_lines():
                name, _, value = line.partition(":")
                if line and not name:
                    self.comments += 1
                elif line:
                    fields[name] = value.removeprefix(" ")
                else:
                    self._dispatch(fields)
                    fields = {}

    def _dispatch(self, fields: dict[str, str]) -> None:
        self.last_event_id = fields.get("id", self.last_event_id)
        if fields.get("event") == "closed":
            self.closed.append(json.loads(fields["data"]))
        elif "data" in fields:
            event = json.loads(fields["data"])
            assert event["type"] == fields["event"]
            self.seen.append(event)

    async def follow(self, *, cut: random.Random | None = None) -> None:
        """Come back whenever the stream ends, until cancelled; `cut`: cut it off oneself, again and again."""
        while True:
            with suppress(TimeoutError, httpx2.TransportError):
                if cut is None:
                    await self.follow_once()
                else:
                    async with asyncio.timeout(cut.uniform(0.02, CUT_AFTER_S_MAX)):
                        await self.follow_once()
            await asyncio.sleep(0.02)

    def by_key(self) -> dict[str, list[str]]:
        """Ids of the events seen, by key, in the order of their arrival."""
        ids = defaultdict[str, list[str]](list)
        for event in self.seen:
            ids[event["subject"]].append(event["id"])
        return dict(ids)

    @property
    def has_begun(self) -> bool:
        return bool(self.last_event_id)
