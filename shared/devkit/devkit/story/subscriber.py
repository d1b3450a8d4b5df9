"""A plain subscriber, written as docs/integrators.md says: reads every public event, each once, and looks at each."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Final, Self
from uuid import UUID

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from devkit.story.fengshan import FENGSHAN, villages
from qingdan.access_events import ListVersionTookEffect
from qingdan.envelope import MalformedMessage, UnknownEventType, from_record
from qingdan.event import EventBody
from qingdan.inspection_events import VisitClosed
from qingdan.kafka_access import Principal
from qingdan.signage_events import RemovalOrdered, SignRemoved
from qingdan.tasks_events import (
    AskRefused,
    ShareClaimed,
    ShareCompleted,
    ShareProgressed,
    ShareReportedDone,
    TaskPublished,
)
from qingdan.topics import ALL, TASKS, Topic, topic_named
from runtime.kafka_settings import KafkaConnection

SCREEN: Final = Principal("integrator:big-screen")
GROUP: Final = f"{SCREEN.user}.story"
WAYS_OF_A_SHARE: Final = (ShareClaimed, ShareProgressed, ShareReportedDone, ShareCompleted)
STAGES_OF_AN_ORDER: Final = (
    RemovalOrdered.event_type(),
    TaskPublished.event_type(),
    ShareClaimed.event_type(),
    ShareReportedDone.event_type(),
    VisitClosed.event_type(),
    ShareCompleted.event_type(),
    SignRemoved.event_type(),
)
"""What must be heard of every removal order, once each, through all services and back."""


def topics_of(services: tuple[str, ...]) -> tuple[Topic, ...]:
    """What these services tell everybody who may listen."""
    return tuple(topic for topic in ALL if topic.owner in services and "integrators" in topic.readers)


@dataclass(slots=True)
class Heard:
    """What has been read so far; an event counts once however often it comes."""

    records: int = 0
    events: set[tuple[str, str]] = field(default_factory=set)
    types: Counter[str] = field(default_factory=Counter)
    asks_refused: set[UUID] = field(default_factory=set)
    list_versions: list[int] = field(default_factory=list)
    """Versions of the list in the order in which they were told."""
    orders: dict[UUID, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Event types heard of each removal order, wherever they come from: the origin leads back to it."""
    at_fengshan: dict[str, datetime] = field(default_factory=dict)
    """What the tasks service said of Fengshan's villages: ids of events, and when they happened."""
    works: Counter[str] = field(default_factory=Counter)
    """What public works took and saved, summed over the villages that reported them done."""
    faults: list[str] = field(default_factory=list)
    _stage: dict[UUID, int] = field(default_factory=dict)

    def take(self, topic: str, record: ConsumerRecord) -> None:
        """One record of the topic that the registry knows by that name."""
        self.records += 1
        place = f"{record.topic}/{record.partition}/{record.offset}"
        try:
            event = from_record(topic, record.key, record.value, record.headers)
        except (MalformedMessage, UnknownEventType) as bad:
            self.faults.append(f"{place}: {bad}")
            return
        if (event.source, event.id) in self.events:
            return
        self.events.add((event.source, event.id))
        self.types[event.data.type] += 1
        where = getattr(event.data, "village", None) or getattr(event.data, "division", None)
        if topic == TASKS.name and where in (FENGSHAN, *villages()):
            self.at_fengshan[event.id] = event.time
        self._look_at(place, event.data)

    def at_fengshan_since(self, time: datetime | None) -> set[str]:
        """The events that a window at Fengshan must have shown which was opened at that time; None: it never was."""
        return {event for event, happened in self.at_fengshan.items() if time is not None and happened >= time}

    def _look_at(self, place: str, event: EventBody) -> None:
        if isinstance(event, AskRefused):
            self.asks_refused.add(event.ask)
        if isinstance(event, ListVersionTookEffect):
            self.list_versions.append(event.version)
        if isinstance(event, ShareReportedDone) and event.works is not None:
            self.works.update(event.works.model_dump(exclude_none=True))
        if isinstance(event, RemovalOrdered | SignRemoved):
            self.orders[event.order][event.type] += 1
        origin = getattr(event, "origin", None)
        if origin is not None and origin.kind == "removal_order":
            self.orders[origin.id][event.type] += 1
        if isinstance(event, WAYS_OF_A_SHARE):
            stage = WAYS_OF_A_SHARE.index(type(event))
            if stage < self._stage.get(event.share, 0):
                self.faults.append(f"{place}: {event.type} of share {event.share} came after what follows it")
            self._stage[event.share] = stage


class Subscriber:
    """Reads in the background from the beginning. `async with Subscriber(…) as subscriber`."""

    def __init__(self, connection: KafkaConnection, services: tuple[str, ...]) -> None:
        self.heard = Heard()
        self._registry_names = {f"{connection.topic_prefix}{topic.name}": topic.name for topic in topics_of(services)}
        self._consumer = AIOKafkaConsumer(
            *self._registry_names,
            **connection.for_aiokafka(),
            group_id=f"{connection.topic_prefix}{GROUP}",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        await self._consumer.stop()

    async def records_in_topics(self) -> dict[str, int]:
        """How many records each public topic holds now, by its name in the registry."""
        return await count_records(self._consumer, self._registry_names)

    async def _read(self) -> None:
        while True:
            for partition, records in (await self._consumer.getmany(timeout_ms=500)).items():
                for record in records:
                    self.heard.take(self._registry_names[partition.topic], record)
                await self._consumer.commit({partition: records[-1].offset + 1})


async def count_records(consumer: AIOKafkaConsumer, names: Mapping[str, str]) -> dict[str, int]:
    """How many records topics hold now. `names`: the broker's name of each → the registry's, which keys the answer."""
    partitions = [
        TopicPartition(name, number)
        for name, registry_name in names.items()
        for number in range(topic_named(registry_name).partitions)
    ]
    ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    begins: dict[TopicPartition, int] = await consumer.beginning_offsets(partitions)
    records: Counter[str] = Counter()
    for partition, end in ends.items():
        records[names[partition.topic]] += end - begins[partition]
    return dict(records)
