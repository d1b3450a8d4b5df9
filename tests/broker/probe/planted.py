"""Faults planted on purpose, one guard taken away at a time: the tests must see each of them."""

from collections.abc import Sequence
from typing import Any

from aiokafka import TopicPartition

from qingdan.envelope import Envelope, EventBody
from runtime import inbox, relay
from runtime.consumer import Consumer
from runtime.db import Tx
from runtime.kafka import Record


def plant(fault: str) -> None:
    """Take away the guard that `fault` names; '' leaves all in place. Raises KeyError for a fault nobody planted."""
    {"": _nothing, "ack-first": _ack_first, "no-inbox": _no_inbox, "id-cursor": _id_cursor}[fault]()


def _nothing() -> None:
    pass


def _ack_first() -> None:
    """Commit the offsets before the records are handled, as most consumers do by default."""
    handle = Consumer.receive

    async def receive(self: Consumer, records: tuple[Record, ...]) -> None:
        await self._commit({TopicPartition(record.topic, record.partition): record.offset + 1 for record in records})
        await handle(self, records)

    Consumer.receive = receive  # type: ignore[method-assign]


def _no_inbox() -> None:
    """Believe that every event is new."""

    async def enter(tx: Tx, consumer: str, envelopes: Sequence[Envelope[EventBody]]) -> list[Envelope[EventBody]]:
        return list(envelopes)

    inbox.enter = enter


def _id_cursor() -> None:
    """Publish what has a greater number than the last published, which passes late commits by."""
    last = -1
    send = relay._outbound

    def remember(row: Any) -> Any:
        nonlocal last
        last = max(last, row["seq"])
        # The limit belongs to the query; only the cursor changes from batch to batch.
        relay._NEXT = original.replace(
            "WHERE outbox.lane = mine.lane", f"WHERE outbox.lane = mine.lane AND seq > {last}"
        )
        return send(row)

    original = relay._NEXT
    relay._outbound = remember
