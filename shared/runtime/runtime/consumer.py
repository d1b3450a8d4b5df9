"""Consumer: what becomes of the records of one poll: handled in one transaction, or singly, or parked."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import asyncpg
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from qingdan.envelope import Envelope, EventBody, MalformedMessage, UnknownEventType, from_record
from runtime import inbox, metrics, parking
from runtime.actor import Actor
from runtime.db import Pool, Tx, transaction
from runtime.failpoints import Failpoint, hit
from runtime.health import Heartbeats
from runtime.inbox import Tally
from runtime.kafka import RawSubscriber, Record, Subscription
from runtime.parking import ParkingFull
from runtime.problems import Refusal
from runtime.runs import cut_into_runs

_log = structlog.stdlib.get_logger(__name__)

_PAUSE_MIN_S: Final = 0.1
_PAUSE_MAX_S: Final = 30.0
_TRIES_BEFORE_PARKING: Final = 4

# SQLSTATE classes that pass by themselves: connection, rollback (deadlock, serialization), resources, operator.
_TRANSIENT_CLASSES: Final = ("08", "40", "53", "55", "57", "58")

Fault = Literal["transient", "permanent", "unexpected"]


def fault_of(error: Exception) -> Fault:
    """Whether to wait, to park at once, or to try a few times more."""
    if isinstance(error, asyncpg.PostgresError):
        if (error.sqlstate or "").startswith(_TRANSIENT_CLASSES):
            return "transient"
        if isinstance(error, (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)):
            return "permanent"
        return "unexpected"
    if isinstance(error, (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)):
        return "transient"  # the last: a connection that the server's death left in no usable state
    return "permanent" if isinstance(error, (Refusal, MalformedMessage)) else "unexpected"


@dataclass(frozen=True, slots=True)
class Read:
    """One record as read: an envelope, or the reason why there is none."""

    record: Record
    envelope: Envelope[EventBody] | None = None
    unknown_type: bool = False
    malformed: str | None = None

    @property
    def partition(self) -> TopicPartition:
        return TopicPartition(self.record.topic, self.record.partition)


@dataclass(slots=True)
class Consumer:
    """One subscription of one service at work."""

    name: str  # of the service: part of every inbox key, and of its consumer groups
    subscription: Subscription
    pool: Pool
    actor: Actor
    heartbeats: Heartbeats
    raw: RawSubscriber = field(init=False, repr=False)
    stopped_by: str | None = None
    _tries: dict[tuple[TopicPartition, int], int] = field(default_factory=lambda: defaultdict(int))

    @property
    def loop_name(self) -> str:
        return f"consume:{self.subscription.topic.name}"

    async def receive(self, records: tuple[Record, ...]) -> None:
        """Handle one poll. Raises nothing but CancelledError, which acknowledges nothing."""
        try:
            await self._receive(records)
        except Exception as error:  # FastStream would go on behind these records without a word
            _log.error("batch_comes_again", topic=self.subscription.topic.name, exc_info=error)
            for partition in self._hold(records):
                asyncio.get_running_loop().call_later(_PAUSE_MIN_S, self.raw.resume, partition)

    async def _receive(self, records: tuple[Record, ...]) -> None:
        self.heartbeats.beat(self.loop_name)
        if self.stopped_by is not None:
            self._hold(records)
            return
        await hit(Failpoint.CONSUMER_AFTER_RECEIVE)
        reads = [self._read(record) for record in records]
        await hit(Failpoint.CONSUMER_AFTER_PARSE)
        try:
            await self._handle(reads)
        except Exception as error:
            _log.warning(
                "batch_failed", topic=self.subscription.topic.name, error=type(error).__name__, records=len(reads)
            )
            done = await self._handle_singly(reads)
        else:
            done = {read.partition: read.record.offset + 1 for read in reads}
        await self._commit(done)

    def stop_before_unreadable(self, partition: TopicPartition) -> None:
        """The client cannot hand over this partition's next record: nothing can be parked, so stop there loudly."""
        why = f"partition {partition.partition} stands before a record that no client can read"
        self.heartbeats.not_ready(f"{self.loop_name}/{partition.partition}", why)
        _log.critical(
            "record_unreadable", topic=self.subscription.topic.name, partition=partition.partition, reason=why
        )

    def _read(self, record: Record) -> Read:
        try:
            envelope = from_record(self.subscription.topic.name, record.key, record.value, list(record.headers))
        except UnknownEventType:
            return Read(record, unknown_type=True)
        except MalformedMessage as error:
            return Read(record, malformed=error.reason)
        return Read(record, envelope)

    async def _handle(self, reads: Sequence[Read]) -> None:
        """All in one transaction: inbox, effect, books. Raises whatever any of it raises."""
        tallies: dict[int, Tally] = defaultdict(Tally)
        async with transaction(self.pool, self.actor) as tx:
            blocked = await parking.blocked_keys(
                tx, self.name, self.subscription.topic.name, [read.record for read in reads]
            )
            behind = [read.envelope for read in reads if read.envelope and parking.key_of(read.record) in blocked]
            handled_before = await inbox.seen(tx, self.name, behind)
            free = []
            for read in reads:
                tally = tallies[read.record.partition]
                tally.next_offset = max(tally.next_offset, read.record.offset + 1)
                key = parking.key_of(read.record)
                if read.unknown_type:
                    tally.skipped += 1
                elif read.envelope is not None and (read.envelope.source, read.envelope.id) in handled_before:
                    tally.repeated += 1  # it was before the culprit, and must not wait behind it
                elif key in blocked:
                    await self._park(tx, read, tally, reason="follows a parked record", behind=blocked[key])
                elif read.malformed is not None:
                    blocked[key] = await self._park(tx, read, tally, reason=read.malformed)
                else:
                    free.append(read)
            await self._apply(tx, free, tallies)
            await inbox.count(tx, self.name, self.subscription.topic.name, tallies)
            await hit(Failpoint.CONSUMER_BEFORE_COMMIT)
        await hit(Failpoint.CONSUMER_AFTER_COMMIT)
        self._measure(tallies)

    def _measure(self, tallies: dict[int, Tally]) -> None:
        labels = {"topic": self.subscription.topic.name}
        for tally in tallies.values():
            metrics.consumer_handled.add(tally.handled, labels)
            metrics.consumer_skipped.add(tally.skipped, labels)
            metrics.consumer_parked.add(tally.parked, labels)
            metrics.consumer_duplicates.add(tally.repeated, labels)

    async def _apply(self, tx: Tx, reads: Sequence[Read], tallies: dict[int, Tally]) -> None:
        envelopes = [read.envelope for read in reads if read.envelope is not None]
        fresh = await inbox.enter(tx, self.name, envelopes)
        await hit(Failpoint.CONSUMER_AFTER_INBOX)
        for run in cut_into_runs(fresh):
            await self.subscription.handler(tx, run)
        fresh_ids = {id(envelope) for envelope in fresh}
        for read in reads:
            tally = tallies[read.record.partition]
            if id(read.envelope) in fresh_ids:
                tally.handled += 1
            else:
                tally.repeated += 1

    async def _park(
        self, tx: Tx, read: Read, tally: Tally, *, reason: str, behind: int | None = None, attempts: int = 1
    ) -> int:
        parked_key, was_new = await parking.park(
            tx, self.name, self.subscription.topic.name, read.record, reason=reason, attempts=attempts, behind=behind
        )
        if was_new:
            tally.parked += 1
        else:
            tally.repeated += 1
        return parked_key

    async def _handle_singly(self, reads: Sequence[Read]) -> dict[TopicPartition, int]:
        """Find the culprit: each record in a transaction of its own; a partition that must wait waits from there on."""
        done: dict[TopicPartition, int] = {}
        waiting: set[TopicPartition] = set()
        for read in reads:
            if read.partition in waiting:
                continue
            if await self._handle_or_park(read):
                done[read.partition] = read.record.offset + 1
            else:
                waiting.add(read.partition)
        return done

    async def _handle_or_park(self, read: Read) -> bool:
        """True when the record is dealt with; False when its partition was rewound to it."""
        place = (read.partition, read.record.offset)
        try:
            await self._handle([read])
        except ParkingFull as error:
            self._stop_loudly(read, str(error))
            return False
        except Exception as error:
            self._tries[place] += 1
            fault = fault_of(error)
            if fault == "transient" or (fault == "unexpected" and self._tries[place] < _TRIES_BEFORE_PARKING):
                self._back_off(read, error)
                return False
            return await self._park_alone(read, error)
        self._tries.pop(place, None)
        return True

    async def _park_alone(self, read: Read, error: Exception) -> bool:
        place = (read.partition, read.record.offset)
        tallies = {read.record.partition: Tally(next_offset=read.record.offset + 1)}
        try:
            async with transaction(self.pool, self.actor) as tx:
                await self._park(
                    tx,
                    read,
                    tallies[read.record.partition],
                    reason=type(error).__name__,  # never its words: they may hold what the record holds
                    attempts=self._tries[place],
                )
                await inbox.count(tx, self.name, self.subscription.topic.name, tallies)
        except ParkingFull as full:
            self._stop_loudly(read, str(full))
            return False
        except Exception as failed:
            self._back_off(read, failed)
            return False
        self._tries.pop(place, None)
        return True

    def _back_off(self, read: Read, error: Exception) -> None:
        tries = max(1, self._tries[(read.partition, read.record.offset)])
        pause_s = min(_PAUSE_MAX_S, _PAUSE_MIN_S * 2 ** min(tries - 1, 10))
        _log.warning(
            "partition_backs_off",
            topic=self.subscription.topic.name,
            partition=read.record.partition,
            offset=read.record.offset,
            error=type(error).__name__,
            pause_s=pause_s,
        )
        metrics.consumer_retried.add(1, {"topic": self.subscription.topic.name})
        self.raw.rewind(read.partition, read.record.offset)
        asyncio.get_running_loop().call_later(pause_s, self.raw.resume, read.partition)

    def _stop_loudly(self, read: Read, why: str) -> None:
        self.stopped_by = why
        self.heartbeats.not_ready(self.loop_name, why)
        _log.critical("consumer_stopped", topic=self.subscription.topic.name, reason=why)
        self._hold([read.record])

    def _hold(self, records: Sequence[Record]) -> Iterable[TopicPartition]:
        """Take nothing more of these partitions and commit nothing: they are as they were for whoever comes next."""
        first: dict[TopicPartition, int] = {}
        for record in records:
            first.setdefault(TopicPartition(record.topic, record.partition), record.offset)
        for partition, offset in first.items():
            self.raw.rewind(partition, offset)
        return first

    async def _commit(self, done: dict[TopicPartition, int]) -> None:
        try:
            await self.raw.commit(done)
        except KafkaError as error:  # redelivered then, and recognised by the inbox
            _log.warning("offset_commit_failed", topic=self.subscription.topic.name, error=type(error).__name__)
        await hit(Failpoint.CONSUMER_AFTER_OFFSET)

    async def release_parked(self) -> int:
        """Handle again what an operator released, in order per key; return how many records left the parking."""
        async with transaction(self.pool, self.actor) as tx:
            keys = await parking.releasing(tx, self.name, self.subscription.topic.name)
        released = 0
        for parked_id in keys:
            while await self._release_first(parked_id):
                released += 1
        return released

    async def _release_first(self, parked_id: int) -> bool:
        record = None
        try:
            async with transaction(self.pool, self.actor) as tx:
                record = await parking.first_of(tx, parked_id)
                if record is None:
                    return False
                read = self._read(record)
                if read.malformed is not None:
                    raise MalformedMessage(read.malformed)
                await self._apply(tx, [read] if read.envelope is not None else [], defaultdict(Tally))
                await hit(Failpoint.PARKING_BETWEEN_COPY_AND_MARK)
                await parking.remove(tx, parked_id, record.partition, record.offset)
        except Exception as error:
            if record is None or fault_of(error) == "transient":
                raise
            reason = error.reason if isinstance(error, MalformedMessage) else type(error).__name__
            async with transaction(self.pool, self.actor) as tx:
                await parking.hold_again(tx, parked_id, record.partition, record.offset, reason)
            return False
        return True
