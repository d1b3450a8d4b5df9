"""Fills an outbox as the service itself would have, only faster."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

import asyncpg

from qingdan.envelope import Envelope, EventBody, encode, service_source
from runtime.ids import new_id
from runtime.outbox import lane_of

_ROWS_AT_ONCE = 10_000
_INSERT = (
    "INSERT INTO outbox (lane, id, topic, key, headers, value)"
    " SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[])"
)
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


async def fill(connection: "asyncpg.Connection[asyncpg.Record]", events: Iterable[EventBody]) -> None:
    """One row per event, in order, each with the headers that the service would have written."""
    rows = []
    for event in events:
        event_id = str(new_id())
        envelope = Envelope.of(
            event, id=event_id, source=service_source("tasks"), time=datetime.now(UTC), traceparent=TRACEPARENT
        )
        headers, value = encode(envelope)
        text = json.dumps({name: header.decode() for name, header in headers})
        rows.append((lane_of(envelope.key), event_id, envelope.topic, envelope.key, text, value))
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        await connection.execute(
            _INSERT, *(list(column) for column in zip(*rows[start : start + _ROWS_AT_ONCE], strict=True))
        )
