"""Parking: a record that cannot be handled is kept, and what follows it on its key waits behind it, in order."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import structlog
from aiokafka import ConsumerRecord

from runtime import audit
from runtime.db import Outgoing, Tx
from runtime.ids import new_id
from runtime.outbox import lane_of

_log = structlog.stdlib.get_logger(__name__)

CAP_PER_PARTITION = 100
CAP_WINDOW_S = 600
_KEY_BYTES_MAX = 1024  # an index entry of PostgreSQL holds 2,700
_DLT_VALUE_BYTES_MAX = 256 * 1024
_DLT_TEXT_MAX = 1024
_DLT_HEADERS_MAX = 64  # with these three a copy stays below the megabyte that brokers take
_LISTED_MAX = 500


class ParkingFull(Exception):
    """Too much of one partition is bad: the consumer stops, since parking everything would only hide it."""


@dataclass(frozen=True, slots=True)
class Parked:
    """One parked record, for the operator's list; the body is not shown, it may be personal."""

    id: int
    topic: str
    key: str
    partition: int
    offset: int
    reason: str
    attempts: int
    culprit: bool
    releasing: bool


def key_of(record: ConsumerRecord[bytes | None, bytes | None]) -> bytes:
    """What followers are recognised by; a record without a key has none, and gets a name of its own.

    A key that no index could hold stands under its hash: Kafka allows keys of any size.
    """
    if record.key is None:
        return f"\0{record.partition}/{record.offset}".encode()
    return record.key if len(record.key) <= _KEY_BYTES_MAX else b"\0" + sha256(record.key).digest()


async def blocked_keys(
    tx: Tx, consumer: str, topic: str, records: Sequence[ConsumerRecord[bytes | None, bytes | None]]
) -> dict[bytes, int]:
    """Those keys of `records` that have something parked, with the id of the parked key.

    The rows stay locked: a release that takes the last record off a key is either seen or waits for us.
    """
    rows = await tx.fetch(
        "SELECT key, id FROM parked_key WHERE consumer = $1 AND topic = $2 AND key = ANY($3::bytea[])"
        " ORDER BY id FOR UPDATE",
        consumer,
        topic,
        list({key_of(record) for record in records}),
    )
    return {row["key"]: row["id"] for row in rows}


async def park(
    tx: Tx,
    consumer: str,
    topic: str,
    record: ConsumerRecord[bytes | None, bytes | None],
    *,
    reason: str,
    attempts: int,
    behind: int | None = None,
) -> tuple[int, bool]:
    """Keep `record`: as a culprit, copied to `<topic>.dlt` as well, or `behind` a parked key.

    Returns the id of the parked key, and whether the record is new there.
    Raises ParkingFull when this partition had 100 culprits within ten minutes.
    """
    culprit = behind is None
    if behind is None:
        await _respect_cap(tx, consumer, topic, record.partition)
        behind = int(
            await tx.fetchval(
                "INSERT INTO parked_key (consumer, topic, key) VALUES ($1, $2, $3)"
                " ON CONFLICT (consumer, topic, key) DO UPDATE SET releasing = false RETURNING id",
                consumer,
                topic,
                key_of(record),
            )
        )
    inserted = await tx.fetchval(
        "INSERT INTO parked_record"
        " (parked_key_id, partition, record_offset, key, headers, value, culprit, reason, attempts)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING 1",
        behind,
        record.partition,
        record.offset,
        record.key,
        json.dumps([[name, _b64(value)] for name, value in record.headers]),
        record.value,
        culprit,
        reason,
        attempts,
    )
    if culprit and inserted:
        _copy_to_dlt(tx, topic, record, reason)
        _log.error("record_parked", topic=topic, partition=record.partition, offset=record.offset, reason=reason)
    return behind, inserted is not None


async def _respect_cap(tx: Tx, consumer: str, topic: str, partition: int) -> None:
    recent = await tx.fetchval(
        "SELECT count(*) FROM parked_record r JOIN parked_key k ON k.id = r.parked_key_id"
        " WHERE r.culprit AND k.consumer = $1 AND k.topic = $2 AND r.partition = $3"
        " AND r.parked_at > clock_timestamp() - make_interval(secs => $4)",
        consumer,
        topic,
        partition,
        CAP_WINDOW_S,
    )
    if recent >= CAP_PER_PARTITION:
        raise ParkingFull(f"{topic}/{partition}: {recent} records parked within {CAP_WINDOW_S} s")


def _copy_to_dlt(tx: Tx, topic: str, record: ConsumerRecord[bytes | None, bytes | None], reason: str) -> None:
    """A dead-letter copy for whoever watches the topic; the exact bytes are in the parked table."""
    small = [(name, value or b"") for name, value in record.headers if len(name) + len(value or b"") <= _DLT_TEXT_MAX]
    headers = {_text(name.encode()): _text(value) for name, value in small[:_DLT_HEADERS_MAX]}
    headers |= {
        "qingdan-parked-reason": reason,
        "qingdan-parked-partition": str(record.partition),
        "qingdan-parked-offset": str(record.offset),
    }
    key = _text(record.key[:_DLT_TEXT_MAX]) if record.key is not None else None
    too_large = len(record.value or b"") > _DLT_VALUE_BYTES_MAX
    tx.outgoing.append(
        Outgoing(
            lane=lane_of(key or ""),
            id=str(new_id()),
            topic=f"{topic}.dlt",
            key=key,
            headers=json.dumps(headers, ensure_ascii=False),
            value=None if too_large else record.value,
        )
    )


def _text(raw: bytes) -> str:
    """Something that PostgreSQL takes as text, whatever it was."""
    return raw.decode(errors="replace").replace("\0", "\ufffd")


def _b64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


_SELECT = """
SELECT k.id, k.topic, r.key, r.partition, r.record_offset, r.reason, r.attempts, r.culprit, k.releasing
FROM parked_key k JOIN parked_record r ON r.parked_key_id = k.id
"""


async def list_parked(tx: Tx, *, after: int = 0) -> list[Parked]:
    """Up to 500 parked records, oldest key first, those with a parked key's id above `after`."""
    rows = await tx.fetch(
        f"{_SELECT} WHERE k.id > $1 ORDER BY k.id, r.partition, r.record_offset LIMIT $2", after, _LISTED_MAX
    )
    return [
        Parked(
            id=row["id"],
            topic=row["topic"],
            key=(row["key"] or b"").decode(errors="replace"),
            partition=row["partition"],
            offset=row["record_offset"],
            reason=row["reason"],
            attempts=row["attempts"],
            culprit=row["culprit"],
            releasing=row["releasing"],
        )
        for row in rows
    ]


async def retry(tx: Tx, parked_id: int) -> bool:
    """Let the consumer handle this key's records again, in order; False when there is no such parked key."""
    found = await tx.fetchval("UPDATE parked_key SET releasing = true WHERE id = $1 RETURNING 1", parked_id)
    if found:
        audit.note(tx, "parked.retried", f"parked/{parked_id}", {"parked": parked_id})
    return found is not None


async def drop(tx: Tx, parked_id: int) -> bool:
    """Give up this key's first record and release what follows it; False when there is no such parked key."""
    first = await first_of(tx, parked_id)
    if first is None:
        return False
    await remove(tx, parked_id, first.partition, first.offset)
    await tx.execute("UPDATE parked_key SET releasing = true WHERE id = $1", parked_id)
    audit.note(tx, "parked.dropped", f"parked/{parked_id}", {"partition": first.partition, "offset": first.offset})
    return True


async def releasing(tx: Tx, consumer: str, topic: str) -> list[int]:
    """Ids of the parked keys that are to be handled again."""
    rows = await tx.fetch(
        "SELECT id FROM parked_key WHERE consumer = $1 AND topic = $2 AND releasing ORDER BY id", consumer, topic
    )
    return [row["id"] for row in rows]


async def first_of(tx: Tx, parked_id: int) -> ConsumerRecord[bytes | None, bytes | None] | None:
    """The first record of a parked key, its key locked; None when nothing is left (and the key is removed)."""
    key = await tx.fetchrow("SELECT topic FROM parked_key WHERE id = $1 FOR UPDATE", parked_id)
    if key is None:
        return None
    row = await tx.fetchrow(
        "SELECT * FROM parked_record WHERE parked_key_id = $1 ORDER BY partition, record_offset LIMIT 1", parked_id
    )
    if row is None:
        await tx.execute("DELETE FROM parked_key WHERE id = $1", parked_id)
        return None
    return _as_record(key["topic"], row)


async def remove(tx: Tx, parked_id: int, partition: int, offset: int) -> None:
    """Take one record off a parked key."""
    await tx.execute(
        "DELETE FROM parked_record WHERE parked_key_id = $1 AND partition = $2 AND record_offset = $3",
        parked_id,
        partition,
        offset,
    )


async def hold_again(tx: Tx, parked_id: int, partition: int, offset: int, reason: str) -> None:
    """The record failed again: it stays, and so does what follows it."""
    await tx.execute("UPDATE parked_key SET releasing = false WHERE id = $1", parked_id)
    await tx.execute(
        "UPDATE parked_record SET reason = $4, attempts = attempts + 1, culprit = true"
        " WHERE parked_key_id = $1 AND partition = $2 AND record_offset = $3",
        parked_id,
        partition,
        offset,
        reason,
    )


def _as_record(topic: str, row: Any) -> ConsumerRecord[bytes | None, bytes | None]:
    headers = [(name, None if value is None else base64.b64decode(value)) for name, value in json.loads(row["headers"])]
    return ConsumerRecord(
        topic=topic,
        partition=row["partition"],
        offset=row["record_offset"],
        timestamp=0,
        timestamp_type=0,
        key=row["key"],
        value=row["value"],
        checksum=None,
        serialized_key_size=-1,
        serialized_value_size=-1,
        headers=headers,
    )
