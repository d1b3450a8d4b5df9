"""Lanes: which relay replica publishes which keys, by leases with an epoch that fences the former owner."""

from dataclasses import dataclass

from runtime.actor import Actor
from runtime.db import Pool, transaction
from runtime.outbox import LANES

LEASE_S = 10.0
RENEW_EVERY_S = 3.0


@dataclass(frozen=True, slots=True)
class Lease:
    """A lane owned in an epoch: rows may be marked published only while the table still says so."""

    lane: int
    epoch: int


# A replica is alive while it was seen within a lease. Each takes its fair share, rounded up, and lets the rest go.
_SEEN = """
INSERT INTO relay_owner (owner) VALUES ($1)
ON CONFLICT (owner) DO UPDATE SET seen_at = clock_timestamp()
"""
_FORGET_THE_DEAD = "DELETE FROM relay_owner WHERE seen_at < clock_timestamp() - make_interval(secs => $1)"
_ALIVE = "SELECT count(*) FROM relay_owner"
_RENEW = """
UPDATE relay_lane SET leased_until = clock_timestamp() + make_interval(secs => $2)
WHERE owner = $1 RETURNING lane, epoch
"""
_TAKE = """
UPDATE relay_lane SET owner = $1, epoch = epoch + 1, leased_until = clock_timestamp() + make_interval(secs => $2)
WHERE lane IN (
    SELECT lane FROM relay_lane WHERE owner IS NULL OR leased_until < clock_timestamp()
    ORDER BY lane LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING lane, epoch
"""
_RELEASE = "UPDATE relay_lane SET owner = NULL WHERE owner = $1 AND lane = ANY($2::smallint[])"


async def hold_share(pool: Pool, actor: Actor, owner: str) -> list[Lease]:
    """Renew what `owner` holds, take what nobody holds, up to the fair share; return the leases now held."""
    async with transaction(pool, actor) as tx:
        await tx.execute(_SEEN, owner)
        await tx.execute(_FORGET_THE_DEAD, LEASE_S)
        share = -(-LANES // max(1, await tx.fetchval(_ALIVE)))
        held = [Lease(row["lane"], row["epoch"]) for row in await tx.fetch(_RENEW, owner, LEASE_S)]
        if len(held) > share:
            await tx.execute(_RELEASE, owner, [lease.lane for lease in held[share:]])
            return held[:share]
        if len(held) < share:
            taken = await tx.fetch(_TAKE, owner, LEASE_S, share - len(held))
            held += [Lease(row["lane"], row["epoch"]) for row in taken]
        return held


async def give_up(pool: Pool, actor: Actor, owner: str) -> None:
    """Hand all lanes back at once, so that another replica need not wait for the leases to run out."""
    async with transaction(pool, actor) as tx:
        await tx.execute(_RELEASE, owner, list(range(LANES)))
        await tx.execute("DELETE FROM relay_owner WHERE owner = $1", owner)
