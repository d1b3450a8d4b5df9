"""Outbox: an event is a row of the business transaction; the relay publishes it later."""

import zlib
from datetime import datetime

import orjson

from qingdan.envelope import Envelope, EventBody, encode
from qingdan.topics import topic_of
from runtime.clock import utcnow
from runtime.db import Outgoing, Tx
from runtime.ids import new_id
from runtime.telemetry import current_traceparent, current_tracestate

LANES = 16


def lane_of(key: str) -> int:
    """The lane (0..15) of a key: all events of one key share a lane, and a lane has one owner."""
    return zlib.crc32(key.encode()) % LANES


async def append(tx: Tx, event: EventBody, *, at: datetime | None = None) -> None:
    """Publish `event` if and when the transaction commits.

    Lock the aggregate's row first: the order of the keys' events is the order of these locks.
    Raises ValueError for a body over 256 KiB, and KeyError for an event that no topic of the registry carries.
    """
    topic, event_id = topic_of(event), str(new_id())
    headers, value = encode(
        Envelope.of(
            event,
            id=event_id,
            source=tx.source,
            time=at or utcnow(),
            traceparent=current_traceparent(),
            tracestate=current_tracestate(),
        )
    )
    tx.outgoing.append(
        Outgoing(
            lane=lane_of(event.order_key),
            id=event_id,
            topic=topic.name,
            key=event.event_key,
            headers=orjson.dumps({name: text.decode() for name, text in headers}).decode(),
            value=value,
        )
    )
