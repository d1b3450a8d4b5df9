"""Inbox: an event is entered first, in the transaction of its effect, so that redelivery changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from qingdan.envelope import Envelope, EventBody
from runtime.db import Tx

RETENTION_DAYS = 400  # longer than any topic keeps records, so that a replay from the beginning is harmless too

_ENTER = """
INSERT INTO inbox (consumer, source, event_id, trace_id)
SELECT $1, e.source, e.event_id, e.trace_id
FROM unnest($2::text[], $3::text[], $4::text[]) AS e(source, event_id, trace_id)
ON CONFLICT DO NOTHING RETURNING source, event_id
"""


async def enter(tx: Tx, consumer: str, envelopes: Sequence[Envelope[EventBody]]) -> list[Envelope[EventBody]]:
    """Enter all and return, in order, those that this consumer had not seen.

    Waits for another transaction that is entering the same event: two consumers may work on one message for a while.
    """
    if not envelopes:
        return []
    rows = await tx.fetch(
        _ENTER,
        consumer,
        [envelope.source for envelope in envelopes],
        [envelope.id for envelope in envelopes],
        [envelope.traceparent.split("-")[1] if envelope.traceparent else None for envelope in envelopes],
    )
    fresh = {(row["source"], row["event_id"]) for row in rows}
    first_of_each = []
    for envelope in envelopes:
        if (envelope.source, envelope.id) in fresh:
            fresh.discard((envelope.source, envelope.id))
            first_of_each.append(envelope)
    return first_of_each


_SEEN = """
SELECT i.source, i.event_id FROM inbox i
JOIN unnest($2::text[], $3::text[]) AS e(source, event_id) ON e.source = i.source AND e.event_id = i.event_id
WHERE i.consumer = $1
"""


async def seen(tx: Tx, consumer: str, envelopes: Sequence[Envelope[EventBody]]) -> set[tuple[str, str]]:
    """Source and id of those that this consumer has handled before; enters nothing."""
    if not envelopes:
        return set()
    sources, ids = [envelope.source for envelope in envelopes], [envelope.id for envelope in envelopes]
    return {(row["source"], row["event_id"]) for row in await tx.fetch(_SEEN, consumer, sources, ids)}


@dataclass(slots=True)
class Tally:
    """What became of a partition's records in one transaction."""

    next_offset: int = 0
    handled: int = 0
    skipped: int = 0
    parked: int = 0
    repeated: int = 0


_COUNT = """
INSERT INTO consumed AS c (consumer, topic, partition, next_offset, handled, skipped, parked, repeated)
SELECT $1, $2, t.* FROM unnest($3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]) AS t
ON CONFLICT (consumer, topic, partition) DO UPDATE SET
    next_offset = excluded.next_offset, handled = c.handled + excluded.handled, skipped = c.skipped + excluded.skipped,
    parked = c.parked + excluded.parked, repeated = c.repeated + excluded.repeated
"""


async def count(tx: Tx, consumer: str, topic: str, tallies: dict[int, Tally]) -> None:
    """Add the tallies (by partition) to the consumer's books: records in = handled + skipped + parked + repeated."""
    partitions = sorted(tallies)  # one order for all, or two consumers in a rebalance would deadlock
    await tx.execute(
        _COUNT,
        consumer,
        topic,
        partitions,
        [tallies[p].next_offset for p in partitions],
        [tallies[p].handled for p in partitions],
        [tallies[p].skipped for p in partitions],
        [tallies[p].parked for p in partitions],
        [tallies[p].repeated for p in partitions],
    )
