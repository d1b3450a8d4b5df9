"""Tail: the newest changes of a topic, read once for all listeners of a process and kept for a while."""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import asyncpg
import structlog
from aiokafka.errors import KafkaError

from qingdan.divisions import DivisionCode
from qingdan.envelope import Envelope, EventBody, MalformedMessage, UnknownEventType, from_record
from qingdan.topics import Topic
from runtime import metrics
from runtime.actor import Actor
from runtime.change_place import NOWHERE, Place
from runtime.db import Pool, Tx, transaction
from runtime.kafka import Record, TopicReader

_log = structlog.stdlib.get_logger(__name__)

KEPT_BYTES_MAX: Final = 32 * 1024 * 1024
LINGER_S: Final = 15.0  # after the last listener: most come back at once
TREE_KEPT_S: Final = 60.0
_TRY_DATABASE_AGAIN_S: Final = 1.0
_DEPARTMENTS_KNOWN_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class Followed:
    """What of a service can be followed: a topic that it publishes itself, and who may see what of it.

    place_of: where an event belongs. part_of: the event as those divisions may see it that see only their parts of it.
    departments_of: of aggregates, by their ids; unknown ones are left out.
    """

    topic: Topic
    place_of: Callable[[EventBody], Place]
    part_of: Callable[[EventBody, Collection[DivisionCode]], EventBody]
    departments_of: Callable[[Tx, Collection[UUID]], Awaitable[Mapping[UUID, str]]]


@dataclass(frozen=True, slots=True)
class Change:
    """One record of the topic, as it stands in the log; what nobody may see or read has no envelope."""

    partition: int
    offset: int
    place: Place = NOWHERE
    envelope: Envelope[EventBody] | None = None
    text: str = ""

    @property
    def bytes(self) -> int:
        """About what it takes to keep it."""
        return 500 + 3 * len(self.text)


def structured(envelope: Envelope[EventBody], data: EventBody) -> str:
    """The event in CloudEvents' JSON format, on one line."""
    attributes = {
        "specversion": "1.0",
        "id": envelope.id,
        "source": envelope.source,
        "type": envelope.type,
        "time": envelope.time.isoformat().replace("+00:00", "Z"),
        "subject": envelope.subject,
        "datacontenttype": "application/json",
    }
    head = json.dumps({name: value for name, value in attributes.items() if value is not None}, ensure_ascii=False)
    return f'{head[:-1]}, "data": {data.model_dump_json()}}}'


@dataclass(slots=True)
class Tree:
    """The tree of divisions as this process knows it; asked for each change and listener, so it is in memory."""

    pool: Pool
    actor: Actor
    _above: dict[str, frozenset[str]] = field(default_factory=dict)
    _read_at: float = -TREE_KEPT_S
    _unknown: set[str] = field(default_factory=set)

    def above(self, code: str) -> frozenset[str]:
        return self._above.get(code, frozenset())

    async def learn(self, codes: Collection[str]) -> None:
        """Read the tree again when it is old, or does not know one of these codes: a new village's first change must
        not pass its town by. Raises what the database raises."""
        unknown = {code for code in codes if code not in self._above} - self._unknown
        if not unknown and time.monotonic() - self._read_at < TREE_KEPT_S:
            return
        async with transaction(self.pool, self.actor) as tx:
            # A code that was abolished and given again means the division that has it now.
            rows = await tx.fetch(
                "SELECT d.code, array_agg(a.code) AS above FROM division d"
                " JOIN division_closure c ON c.descendant_id = d.id"
                " JOIN division a ON a.id = c.ancestor_id AND a.valid_to IS NULL"
                " WHERE d.valid_to IS NULL OR NOT EXISTS"
                " (SELECT 1 FROM division n WHERE n.code = d.code AND n.valid_to IS NULL)"
                " GROUP BY d.id, d.code ORDER BY d.valid_to NULLS LAST"
            )
        self._above = {row["code"]: frozenset(row["above"]) for row in rows}
        self._read_at = time.monotonic()
        self._unknown = {code for code in unknown if code not in self._above}


@dataclass(slots=True)
class Tail:
    """The end of a topic. What is kept has numbers of this process (`first`..`end`); a listener takes from there.

    Whatever lies between `oldest` and `next_offsets` of each partition is kept: who has seen all before `oldest` goes
    on here, and whatever it has seen of this already it passes over. Both change together, without a wait in between.
    """

    followed: Followed
    pool: Pool
    actor: Actor
    tree: Tree
    reader: TopicReader
    kept_max: int
    listeners: int = 0
    has_ended: bool = False
    first: int = 0
    end: int = 0
    next_offsets: list[int] = field(default_factory=list)
    oldest: list[int] = field(default_factory=list)
    _kept: dict[int, Change] = field(default_factory=dict)
    _kept_bytes: int = 0
    _left_at: float = 0.0
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    _running: asyncio.Task[None] | None = None
    _departments: dict[UUID, str] = field(default_factory=dict)

    async def start(self) -> None:
        """Begin at the end of the topic. Raises KafkaError, OSError or TimeoutError when Kafka is away."""
        _, ends = await self.reader.open()
        self.reader.begin(ends)
        self.next_offsets, self.oldest = list(ends), list(ends)
        self._left_at = time.monotonic()
        self._running = asyncio.create_task(self._run(), name=f"tail:{self.followed.topic.name}")

    async def stop(self) -> None:
        """End at once; who listens is told."""
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running

    def join(self) -> None:
        """Somebody listens: the tail goes on until it leaves."""
        self.listeners += 1

    def leave(self) -> None:
        self.listeners -= 1
        self._left_at = time.monotonic()

    def covers(self, next_offsets: Sequence[int]) -> bool:
        """Whether nothing that follows these offsets is missing here."""
        return len(next_offsets) == len(self.oldest) and all(
            mine >= oldest for mine, oldest in zip(next_offsets, self.oldest, strict=True)
        )

    def has_read(self, next_offsets: Sequence[int]) -> bool:
        """Whether everything before these offsets was published for sure: it has been here."""
        return len(next_offsets) == len(self.next_offsets) and all(
            mine <= known for mine, known in zip(next_offsets, self.next_offsets, strict=True)
        )

    def kept(self, number: int, count_max: int) -> list[Change]:
        """At most that many changes from a number on, which is not below `first`."""
        return [self._kept[each] for each in range(number, min(self.end, number + count_max))]

    async def wait(self, number: int, timeout_s: float) -> None:
        """Until there is a change of this number, the tail ends, or the time is over."""
        more = self._more
        if self.end > number or self.has_ended:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await more.wait()

    def wake(self) -> None:
        """Let everybody who waits look again."""
        more, self._more = self._more, asyncio.Event()
        more.set()

    async def changes_of(self, records: Sequence[Record]) -> list[Change]:
        """What these records say; the tree knows every division that they name, if there is one.

        Raises what the database raises: a change whose place is not known must not be passed over.
        """
        changes = [self._change(record) for record in records]
        places = [change.place for change in changes]
        await self.tree.learn({code for each in places for code in (each.division, *each.parts) if code is not None})
        return changes

    def _change(self, record: Record) -> Change:
        topic = self.followed.topic.name
        try:
            envelope = from_record(topic, record.key, record.value, list(record.headers))
        except (MalformedMessage, UnknownEventType) as error:
            metrics.changes_skipped.add(1, {"topic": topic})
            _log.warning("change_not_shown", topic=topic, error=type(error).__name__)
            return Change(record.partition, record.offset)
        place, text = self.followed.place_of(envelope.data), structured(envelope, envelope.data)
        return Change(record.partition, record.offset, place, envelope, text)

    async def learn_departments(self, places: Iterable[Place]) -> None:
        """Ask, once for each aggregate, for those departments that the events do not tell.

        Raises what the database raises.
        """
        asked = {place.department_of for place in places if place.department_of is not None} - self._departments.keys()
        if not asked:
            return
        async with transaction(self.pool, self.actor) as tx:
            found = await self.followed.departments_of(tx, asked)
        if len(self._departments) + len(found) > _DEPARTMENTS_KNOWN_MAX:
            self._departments.clear()
        self._departments |= found

    def department_of(self, place: Place) -> str | None:
        """The department of a change's rows, None when nobody knows."""
        if place.department is not None or place.department_of is None:
            return place.department
        return self._departments.get(place.department_of)

    async def _run(self) -> None:
        try:
            while self.listeners or time.monotonic() - self._left_at < LINGER_S:
                self._keep(await self._patiently(await self.reader.read()))
                if self.reader.has_more_partitions:
                    break  # listeners come back and begin those from their start
        except KafkaError as error:
            _log.warning("tail_broken", topic=self.followed.topic.name, error=type(error).__name__)
        finally:
            self.has_ended = True
            self.wake()
            await self.reader.close()

    async def _patiently(self, records: Sequence[Record]) -> list[Change]:
        while True:
            try:
                return await self.changes_of(records)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                _log.warning("divisions_not_read", error=type(error).__name__)
                await asyncio.sleep(_TRY_DATABASE_AGAIN_S)

    def _keep(self, changes: Sequence[Change]) -> None:
        """Append, and let the oldest go; no wait in here, so that nobody sees half of it."""
        for change in changes:
            self._kept[self.end] = change
            self._kept_bytes += change.bytes
            self.end += 1
            self.next_offsets[change.partition] = change.offset + 1
            while len(self._kept) > self.kept_max or self._kept_bytes > KEPT_BYTES_MAX:
                gone = self._kept.pop(self.first)
                self._kept_bytes -= gone.bytes
                self.first += 1
                self.oldest[gone.partition] = gone.offset + 1
        if changes:
            self.wake()
