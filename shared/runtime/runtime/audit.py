"""Audit: who did what, when, before and after, in the same transaction; sealed into hash chains that `verify` walks."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

import asyncpg
import orjson
from pydantic import BaseModel

from qingdan.envelope import EventBody
from runtime.actor import Actor
from runtime.db import Audited, Pool, Tx, transaction
from runtime.telemetry import current_traceparent

LANES = 4
GENESIS = bytes(32)

_SEALED_AT_ONCE_MAX = 500
_VERIFIED_AT_ONCE = 2_000


async def append(
    tx: Tx, actor: Actor, event: EventBody, *, before: BaseModel | Mapping[str, Any] | None = None
) -> None:
    """Enter that `actor` caused `event`; `before` is what the event changed, as far as the auditor must see it.

    Raises ValueError when the actor is not the transaction's: nobody writes in another's name.
    """
    if actor.subject != tx.actor.subject:
        raise ValueError("an audit entry names the actor of its transaction")
    _enter(tx, event.type, event.event_key, _as_json(before), event.model_dump_json())


def note(tx: Tx, action: str, subject: str, after: Mapping[str, Any]) -> None:
    """Enter what is not an event: an operator's act, an import, a change of reference data."""
    _enter(tx, action, subject, None, json.dumps(dict(after), ensure_ascii=False, default=str))


def _enter(tx: Tx, action: str, subject: str, before: str | None, after: str) -> None:
    traceparent = current_traceparent()
    lane = zlib.crc32(subject.encode()) % LANES
    trace_id = traceparent.split("-")[1] if traceparent else None
    tx.audited.append(Audited(lane, action, subject, before, after, trace_id))


def _as_json(before: BaseModel | Mapping[str, Any] | None) -> str | None:
    if before is None:
        return None
    if isinstance(before, BaseModel):
        return before.model_dump_json()
    return json.dumps(dict(before), ensure_ascii=False, default=str)


class Link(NamedTuple):
    """A place in a lane's chain: its number from 1, and the hash (32 bytes) that seals all up to it."""

    position: int
    hash: bytes


def link(previous: bytes, row: Mapping[str, Any] | asyncpg.Record) -> bytes:
    """The hash (32 bytes) that seals `row` behind `previous`: SHA-256(previous ‖ RFC 8785 form of the entry).

    Of text, whole numbers and nulls under ASCII names, sorted JSON without spaces is that form (a test compares it with
    a library for it, which takes a hundred times as long).
    """
    entry = {
        name: row[name]
        for name in ("seq", "lane", "actor", "roles", "action", "subject", "before", "after", "trace_id")
    }
    entry["at"] = row["at"].isoformat()
    return sha256(previous + orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)).digest()


_COLUMNS = "seq, lane, at, actor, roles, action, subject, before, after, trace_id"


# None when there is nothing to seal: a lock is a write, and the sealer looks twice a second.
_HEADS = """
SELECT lane, position, hash FROM audit_head WHERE EXISTS (SELECT 1 FROM audit_entry WHERE position IS NULL)
ORDER BY lane FOR UPDATE
"""
_UNSEALED = f"""
SELECT e.* FROM generate_series(0, {LANES - 1}) AS all_lanes(lane)
CROSS JOIN LATERAL (
    SELECT {_COLUMNS} FROM audit_entry a WHERE a.lane = all_lanes.lane AND a.position IS NULL ORDER BY a.seq LIMIT $1
) AS e
"""  # noqa: S608


async def seal(pool: Pool, actor: Actor) -> int:
    """Chain what is committed and unsealed, up to 500 entries a lane; return how many were sealed.

    The chain's order is the order of sealing: `seq` is given at insert and becomes visible at commit, so it cannot
    be the chain's order. The head rows' locks make one sealer at a time out of several replicas.
    """
    async with transaction(pool, actor) as tx:
        heads = await tx.fetch(_HEADS)
        rows = await tx.fetch(_UNSEALED, _SEALED_AT_ONCE_MAX) if heads else []
        if not rows:
            return 0
        ends = {head["lane"]: Link(head["position"], head["hash"]) for head in heads}
        sealed = []
        for row in rows:
            end = ends[row["lane"]]
            ends[row["lane"]] = Link(end.position + 1, link(end.hash, row))
            sealed.append((row["seq"], ends[row["lane"]]))
        await _save_chains(tx, sealed, {lane: ends[lane] for lane in {row["lane"] for row in rows}})
    return len(sealed)


async def _save_chains(tx: Tx, sealed: Sequence[tuple[int, Link]], ends: Mapping[int, Link]) -> None:
    # By the index, whatever was planned while the trail was short: it only ever grows.
    await tx.execute("SET LOCAL enable_seqscan = off")
    await tx.execute(
        "UPDATE audit_entry e SET position = s.position, hash = s.hash"
        " FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS s(seq, position, hash) WHERE e.seq = s.seq",
        [seq for seq, _ in sealed],
        [place.position for _, place in sealed],
        [place.hash for _, place in sealed],
    )
    await tx.execute(
        "UPDATE audit_head h SET position = e.position, hash = e.hash, sealed_at = clock_timestamp()"
        " FROM unnest($1::smallint[], $2::bigint[], $3::bytea[]) AS e(lane, position, hash) WHERE h.lane = e.lane",
        list(ends),
        [end.position for end in ends.values()],
        [end.hash for end in ends.values()],
    )


async def unsealed_age_s(tx: Tx) -> float:
    """Age in seconds of the oldest entry that no chain holds yet; 0.0 when there is none."""
    age: float = await tx.fetchval(
        "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::float8"
        " FROM audit_entry WHERE position IS NULL"
    )
    return age


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found: the number of sealed entries, and the first that does not hold, if any."""

    entries: int
    broken: str | None

    @property
    def holds(self) -> bool:
        return self.broken is None


async def verify(pool: Pool, actor: Actor) -> Verdict:
    """Walk every chain from its beginning; a changed, removed, added, doubled or reordered entry is named."""
    entries = 0
    for lane in range(LANES):
        async with transaction(pool, actor) as tx:
            walked = await _walk(tx, lane)
        entries += walked.entries
        if walked.broken is not None:
            return Verdict(entries, f"lane {lane}: {walked.broken}")
    return Verdict(entries, None)


async def _walk(tx: Tx, lane: int) -> Verdict:
    position, previous = 0, GENESIS
    page_from = (-(2**63), -(2**63))  # below every entry, so that one put before the first is walked, too
    while True:
        rows = await tx.fetch(
            f"SELECT {_COLUMNS}, position, hash FROM audit_entry"  # noqa: S608
            " WHERE lane = $1 AND position >= $2 AND (position, seq) > ($2, $3) ORDER BY position, seq LIMIT $4",
            lane,
            *page_from,
            _VERIFIED_AT_ONCE,
        )
        for row in rows:
            if row["position"] <= position:
                return Verdict(position, f"entry {row['position']} (seq {row['seq']}) was added")
            if row["position"] != position + 1:
                return Verdict(position, f"entry {position + 1} is missing")
            if row["hash"] != link(previous, row):
                return Verdict(position, f"entry {row['position']} (seq {row['seq']}) was changed")
            position, previous = row["position"], row["hash"]
            page_from = (position, row["seq"])
        if len(rows) < _VERIFIED_AT_ONCE:
            # Read behind the entries: a sealer at work moves the head on, and what it sealed is walked too.
            head = await tx.fetchrow("SELECT position, hash FROM audit_head WHERE lane = $1", lane)
            if head is None or head["position"] <= position or not await _goes_on(tx, lane, position):
                return Verdict(position, _against_the_head(head, position, previous))


async def _goes_on(tx: Tx, lane: int, position: int) -> bool:
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT 1 FROM audit_entry WHERE lane = $1 AND position > $2)", lane, position
    )
    return found


def _against_the_head(head: asyncpg.Record | None, position: int, last_hash: bytes) -> str | None:
    if head is None:
        return "the head is missing"
    if head["position"] > position:
        return f"entries after {position} are missing"
    if head["position"] < position:
        return f"entry {head['position'] + 1} and what follows it stand behind the head"
    return None if head["hash"] == last_hash else "the head was changed"
