"""Invariants: what an operator or auditor asks a service to know that nothing is lost; also as a live stream."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from runtime import audit
from runtime.actor import Actor, Role
from runtime.db import Pool, Tx, transaction
from runtime.http import Query

_WATCH_EVERY_S = 2.0


class Consumed(BaseModel):
    """The books of one subscription: every record that came in is in exactly one of the four."""

    topic: str
    handled: int
    skipped: int
    parked: int
    repeated: int


class Invariants(BaseModel):
    """A service's own account of itself."""

    service: str
    outbox_unpublished: int
    outbox_oldest_age_s: float
    events_published: int = Field(description="acknowledged by Kafka since the database was made")
    consumed: list[Consumed]
    events_parked: int = Field(description="records parked now, those that wait behind one included")
    audit_entries: int
    audit_unsealed: int
    audit_unsealed_age_s: float


class AuditVerdict(BaseModel):
    """Whether every audit chain holds from its first entry to its head."""

    holds: bool
    entries: int
    broken: str | None


async def read_invariants(tx: Tx) -> Invariants:
    """Count afresh; the figures are of one moment."""
    outbox = await tx.fetchrow(
        "SELECT count(*) AS rows, coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS age"
        " FROM outbox"
    )
    # The heads know how many they sealed: this is asked every ten seconds, and the trail only grows.
    entries = await tx.fetchrow(
        "SELECT (SELECT sum(position)::bigint FROM audit_head) AS sealed,"
        " (SELECT count(*) FROM audit_entry WHERE position IS NULL) AS unsealed"
    )
    consumed = await tx.fetch(
        "SELECT topic, sum(handled)::bigint AS handled, sum(skipped)::bigint AS skipped, sum(parked)::bigint AS parked,"
        " sum(repeated)::bigint AS repeated FROM consumed GROUP BY topic ORDER BY topic"
    )
    assert outbox is not None  # an aggregate always has a row
    assert entries is not None
    return Invariants(
        service=tx.source.rpartition(":")[2],
        outbox_unpublished=outbox["rows"],
        outbox_oldest_age_s=outbox["age"],
        events_published=await tx.fetchval("SELECT sum(published)::bigint FROM relay_lane"),
        consumed=[Consumed(**dict(row)) for row in consumed],
        events_parked=await tx.fetchval("SELECT count(*) FROM parked_record"),
        audit_entries=entries["sealed"] + entries["unsealed"],
        audit_unsealed=entries["unsealed"],
        audit_unsealed_age_s=await audit.unsealed_age_s(tx),
    )


router = APIRouter(prefix="/v1", tags=["operation"])


@router.get("/invariants", summary="Is anything unpublished, parked or unsealed? 是否有未发布、滞留或未封存")
async def invariants(query: Query) -> Invariants:
    _require_overseer(query.actor)
    async with transaction(query.pool, query.actor) as tx:
        return await read_invariants(tx)


@router.get("/audit/verification", summary="Walk the audit chains 核验审计链")
async def verification(query: Query) -> AuditVerdict:
    _require_overseer(query.actor)
    verdict = await audit.verify(query.pool, query.actor)
    return AuditVerdict(holds=verdict.holds, entries=verdict.entries, broken=verdict.broken)


@router.get(
    "/invariants/watch",
    summary="The same every two seconds, as server-sent events 持续查看",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "a stream"}},
)
async def watch(request: Request, query: Query) -> StreamingResponse:
    _require_overseer(query.actor)
    draining: asyncio.Event = request.app.state.running.draining
    return StreamingResponse(
        _stream(query.pool, query.actor, draining),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(pool: Pool, actor: Actor, draining: asyncio.Event) -> AsyncIterator[str]:
    while not draining.is_set():
        async with transaction(pool, actor) as tx:
            now = await read_invariants(tx)
        yield f"event: invariants\ndata: {now.model_dump_json()}\n\n"
        try:
            await asyncio.wait_for(draining.wait(), _WATCH_EVERY_S)
        except TimeoutError:
            continue


def _require_overseer(actor: Actor) -> None:
    actor.require(Role.OPERATOR, Role.AUDITOR)
