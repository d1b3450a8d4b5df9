"""Villages and the supervision team, who act on removal orders as soon as the public topics tell them of something."""

import asyncio
import contextlib
import hashlib
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from devkit.story.plot import today
from qingdan.divisions import DivisionCode
from qingdan.envelope import Envelope, from_record
from qingdan.event import EventBody
from qingdan.inspection_events import VisitPlanned
from qingdan.signage_events import RemovalOrdered, SignRemoved
from qingdan.tasks_events import ShareClaimed, TaskPublished
from qingdan.topics import INSPECTION, SIGNAGE, TASKS
from runtime.clock import utcnow
from runtime.several import AT_ONCE_MAX

LIMIT_WORKING_DAYS: Final = 5
LOOK_EVERY_S: Final = 0.1
_POLL_MS: Final = 20
_CLAIM: Final = "/v1/shares/claim"
_REPORT: Final = "/v1/shares/report-done"
_VISIT: Final = "/v1/visits/done"


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks of a service: POST `body` to `path`; `version` is that of the one thing it changes."""

    service: str
    path: str
    body: Any
    role: str
    division: DivisionCode
    version: int | None = None


_Desk = tuple[str, DivisionCode]  # what is to be done, and whose it is
Send = Callable[[Request], Awaitable[object]]


@dataclass(slots=True)
class Everybody:
    """Claims what is published, reports done what is claimed, looks at what is reported.

    Each village and the team look at their desks every LOOK_EVERY_S and deal with all that lies there in one request;
    whoever waits for an answer does not look.
    What happened before `since` is others' business. `send` carries a request out, and again if it must; what it raises
    is raised by `removed`.
    """

    bootstrap: str
    team_division: DivisionCode
    send: Send
    topic_prefix: str = ""
    since: datetime = field(default_factory=utcnow)
    told: Counter[str] = field(default_factory=Counter)
    """Events heard, by type; each event once."""
    orders: dict[UUID, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Event types heard of each removal order, wherever they come from."""
    _desks: dict[_Desk, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    _at_work: dict[_Desk, "asyncio.Future[object]"] = field(default_factory=dict)
    _looked: float = 0.0
    _seen: set[tuple[str, str]] = field(default_factory=set)
    _failed: list[BaseException] = field(default_factory=list)

    def removed(self) -> set[UUID]:
        """The orders of which it was told that the sign is down. Raises what a request raised."""
        if self._failed:
            raise self._failed[0]
        return {order for order, types in self.orders.items() if types[SignRemoved.event_type()]}

    @asynccontextmanager
    async def acting(self) -> AsyncIterator[None]:
        """While the block runs, everybody listens and acts."""
        listening = asyncio.create_task(self._listen())
        try:
            yield
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
            acting = list(self._at_work.values())
            for request in acting:
                request.cancel()
            await asyncio.gather(*acting, return_exceptions=True)

    async def _listen(self) -> None:
        names = {f"{self.topic_prefix}{topic.name}": topic.name for topic in (TASKS, INSPECTION, SIGNAGE)}
        consumer = AIOKafkaConsumer(
            *names, bootstrap_servers=self.bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=_POLL_MS
        )
        await _start(consumer)
        try:
            while True:
                for partition, records in (await consumer.getmany(timeout_ms=_POLL_MS)).items():
                    for record in records:
                        self.hear(from_record(names[partition.topic], record.key, record.value, record.headers))
                if time.monotonic() - self._looked >= LOOK_EVERY_S:
                    self.look()
        finally:
            await consumer.stop()

    def hear(self, event: Envelope[EventBody]) -> None:
        """Take note of an event; if it is the first time and there is something to do, it lies on somebody's desk."""
        if event.time < self.since or (event.source, event.id) in self._seen:
            return
        self._seen.add((event.source, event.id))
        data = event.data
        self.told[data.type] += 1
        origin = getattr(data, "origin", None)
        if isinstance(data, RemovalOrdered | SignRemoved):
            self.orders[data.order][data.type] += 1
        elif origin is not None and origin.kind == "removal_order":
            self.orders[origin.id][data.type] += 1
            self._put_on_desk(data)

    def look(self) -> None:
        """Whoever is not at work deals with what lies on the desk."""
        self._looked = time.monotonic()
        for desk in [desk for desk in self._desks if desk not in self._at_work]:
            things = self._desks.pop(desk)
            if left := things[AT_ONCE_MAX:]:
                self._desks[desk] = left
            self._act(desk, self._request(*desk, things[:AT_ONCE_MAX]))

    def _put_on_desk(self, event: EventBody) -> None:
        if isinstance(event, TaskPublished):
            for part in event.shares:
                self._desks[_CLAIM, part.village].append({"share": str(part.share), "version": 1})
        elif isinstance(event, ShareClaimed):
            photos = [hashlib.sha256(str(event.share).encode()).hexdigest()]
            done = {"share": str(event.share), "version": 2, "photo_sha256": photos}
            self._desks[_REPORT, event.village].append(done)
        elif isinstance(event, VisitPlanned):
            self._desks[_VISIT, self.team_division].append({"visit": str(event.visit), "version": 1, "findings": []})

    def _request(self, path: str, whose: DivisionCode, things: list[dict[str, Any]]) -> Request:
        if path == _CLAIM:
            own = {"limit_working_days": LIMIT_WORKING_DAYS, "shares": things}
            return Request("tasks", path, own, "village_cadre", whose)
        if path == _REPORT:
            return Request("tasks", path, {"shares": things}, "village_cadre", whose)
        return Request("inspection", path, {"done_on": str(today()), "visits": things}, "supervisor", whose)

    def _act(self, desk: _Desk, request: Request) -> None:
        acting = asyncio.ensure_future(self.send(request))
        self._at_work[desk] = acting
        acting.add_done_callback(partial(self._acted, desk))

    def _acted(self, desk: _Desk, acting: "asyncio.Future[object]") -> None:
        del self._at_work[desk]
        if not acting.cancelled() and (failure := acting.exception()) is not None:
            self._failed.append(failure)


async def _start(consumer: AIOKafkaConsumer) -> None:
    """The broker may be away just now."""
    while True:
        try:
            await consumer.start()
            return
        except KafkaError:
            await asyncio.sleep(0.2)
