"""Lanes: shared fairly, taken over from the dead, and marked only by whoever owns them now."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from devkit.eventually import eventually
from runtime import lanes
from runtime.db import Pool, transaction
from runtime.health import Heartbeats
from runtime.kafka_settings import KafkaConnection
from runtime.lanes import Lease
from runtime.outbox import LANES, append, lane_of
from runtime.producer import Outbound
from runtime.relay import IDLE_AFTER_TURNS, Relay
from tests.integration.runtime.conftest import SERVICE, progressed


async def held(pool: Pool, owner: str) -> list[Lease]:
    return await lanes.hold_share(pool, SERVICE, owner)


async def time_passes(pool: Pool, owner: str) -> None:
    """What ten seconds do to an owner that is dead."""
    async with transaction(pool, SERVICE) as tx:
        await tx.execute("UPDATE relay_lane SET leased_until = '-infinity' WHERE owner = $1", owner)
        await tx.execute("UPDATE relay_owner SET seen_at = '-infinity' WHERE owner = $1", owner)


def numbers(leases: Sequence[Lease]) -> set[int]:
    return {lease.lane for lease in leases}


async def test_the_first_owner_has_all_and_two_share_fairly(pool: Pool) -> None:
    assert numbers(await held(pool, "a")) == set(range(LANES))
    assert await held(pool, "b") == []  # `a` must let go first
    kept = await held(pool, "a")
    taken = await held(pool, "b")
    assert (len(kept), len(taken)) == (LANES // 2, LANES // 2)
    assert numbers(kept).isdisjoint(numbers(taken))


async def test_three_owners_leave_no_lane_without_one(pool: Pool) -> None:
    for _ in range(4):
        shares = [await held(pool, owner) for owner in "abc"]
    assert sorted(map(len, shares)) == [4, 6, 6]
    assert set.union(*map(numbers, shares)) == set(range(LANES))


async def test_owners_that_ask_together_never_hold_one_lane_both(pool: Pool) -> None:
    for _ in range(5):
        shares = await asyncio.gather(*(held(pool, owner) for owner in "abcd"))
        assert sum(map(len, shares)) == len(set.union(*map(numbers, shares)))


async def test_a_dead_owners_lanes_are_taken_over_in_a_new_epoch(pool: Pool) -> None:
    before = await held(pool, "dead")
    await time_passes(pool, "dead")
    after = await held(pool, "heir")
    assert numbers(after) == set(range(LANES))
    epochs = {lease.lane: lease.epoch for lease in before}
    assert all(lease.epoch == epochs[lease.lane] + 1 for lease in after)


async def test_a_living_owners_lanes_are_not_taken(pool: Pool) -> None:
    await held(pool, "alive")
    async with transaction(pool, SERVICE) as tx:
        assert await tx.fetchval("SELECT min(leased_until) - clock_timestamp() > interval '9 s' FROM relay_lane")
    assert await held(pool, "other") == []


async def test_lanes_that_are_given_up_are_free_at_once(pool: Pool) -> None:
    await held(pool, "leaving")
    await lanes.give_up(pool, SERVICE, "leaving")
    assert numbers(await held(pool, "staying")) == set(range(LANES))


# -- the fence: what a relay marks when its lane has become another's -------------------------------------------------


@dataclass
class Sent:
    """Stands for Kafka: acknowledges everything, and lets something happen just before."""

    meanwhile: Any = None
    records: list[Outbound] = field(default_factory=list)

    async def send(self, records: Sequence[Outbound], *, timeout_s: float) -> list[bool]:
        self.records += records
        if self.meanwhile is not None:
            await self.meanwhile()
        return [True] * len(records)

    async def close(self) -> None:
        pass


def relay_over(pool: Pool, sent: Sent, owner: str) -> Relay:
    relay = Relay(pool, SERVICE, KafkaConnection(bootstrap_servers="127.0.0.1:9"), Heartbeats(), owner=owner)
    for worker in relay._workers:
        worker.producer = sent  # type: ignore[assignment] # all that a relay does with it
    return relay


async def publish_once(relay: Relay) -> int:
    """One batch of each worker; how many records were acknowledged."""
    relay.leases = {lease.lane: lease for lease in await held(relay.pool, relay.owner)}
    return sum([await worker.publish_batch() for worker in relay._workers])


async def write(pool: Pool, count: int) -> None:
    async with transaction(pool, SERVICE) as tx:
        for task in range(count):
            await append(tx, progressed(task))


async def outbox_rows(pool: Pool) -> int:
    async with transaction(pool, SERVICE) as tx:
        count: int = await tx.fetchval("SELECT count(*) FROM outbox")
        return count


async def published(pool: Pool) -> int:
    async with transaction(pool, SERVICE) as tx:
        count: int = await tx.fetchval("SELECT sum(published)::bigint FROM relay_lane")
        return count


async def test_what_is_acknowledged_is_marked(pool: Pool) -> None:
    sent = Sent()
    await write(pool, 50)
    assert await publish_once(relay_over(pool, sent, "a")) == 50
    assert (len(sent.records), await outbox_rows(pool), await published(pool)) == (50, 0, 50)


async def test_a_relay_that_lost_its_lanes_marks_nothing(pool: Pool) -> None:
    async def somebody_takes_over() -> None:
        await time_passes(pool, "slow")
        await held(pool, "fast")

    await write(pool, 50)
    await publish_once(relay_over(pool, Sent(somebody_takes_over), "slow"))
    assert (await outbox_rows(pool), await published(pool)) == (50, 0)
    heir = Sent()
    assert await publish_once(relay_over(pool, heir, "fast")) == 50
    assert (len(heir.records), await outbox_rows(pool), await published(pool)) == (50, 0, 50)


async def test_a_relay_that_lost_its_lanes_and_got_them_back_marks_nothing_of_before(pool: Pool) -> None:
    async def lost_and_found() -> None:
        await time_passes(pool, "same")
        await held(pool, "other")
        await time_passes(pool, "other")
        await held(pool, "same")

    await write(pool, 50)
    await publish_once(relay_over(pool, Sent(lost_and_found), "same"))
    assert await outbox_rows(pool) == 50  # same owner, other epoch


async def test_events_of_one_key_are_sent_in_the_order_of_their_commits(pool: Pool) -> None:
    for step in range(1, 31):
        async with transaction(pool, SERVICE) as tx:
            await append(tx, progressed(1, step))
            await append(tx, progressed(2, step))
    sent = Sent()
    await publish_once(relay_over(pool, sent, "a"))
    for task in (1, 2):
        key = progressed(task).event_key.encode()
        steps = [
            int(record.value.split(b'"share":"')[1][24:36], 16)
            for record in sent.records
            if record.value and record.key == key
        ]
        assert steps == list(range(1, 31))


def test_a_lane_follows_from_the_key() -> None:
    assert {lane_of(str(number)) for number in range(500)} == set(range(LANES))
    assert lane_of("a") == lane_of("a")


async def test_a_commit_wakes_the_worker_of_its_lanes_and_no_other(pool: Pool) -> None:
    relay = relay_over(pool, Sent(), "a")
    first, second = relay._workers
    for worker in relay._workers:
        pool.wakes.add(worker.wake_for)
    pool.wake_relay({4})
    assert (first.is_awake, second.is_awake) == (True, False)
    pool.wake_relay({3, 5})
    assert (first.is_awake, second.is_awake) == (True, True)


async def test_an_idle_relay_finds_what_another_process_committed(pool: Pool) -> None:
    """Nobody wakes it for that: it looks, seldom when there was nothing for a while, but it looks."""
    sent = Sent()
    relay = relay_over(pool, sent, "a")
    running = asyncio.create_task(relay.run())
    try:
        await eventually(lambda: relay.idle_turns > 2 * IDLE_AFTER_TURNS, what="both workers are idle")
        other = Pool(pool.connections, pool.source, pool.turns)
        await write(other, 3)
        await eventually(lambda: len(sent.records) == 3, timeout_s=5.0, what="what the other process wrote is sent")
    finally:
        await relay.stop()
        await running
