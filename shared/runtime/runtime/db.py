"""The database: a pool with limits, and the one way to open a transaction."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NewType

import asyncpg
from pydantic import BaseModel

from runtime import idempotency, scope
from runtime.actor import Actor
from runtime.failpoints import Failpoint, hit, hit_before_commit
from runtime.problems import Refusal, problem_document

Version = NewType("Version", int)  # of a row; grows by one with each change

_ACQUIRE_TIMEOUT_S = 5.0
_COMMAND_TIMEOUT_S = 20.0


@dataclass(slots=True)
class Pool:
    """Connections of one service to its own database."""

    connections: "asyncpg.Pool[asyncpg.Record]"
    source: str  # the `source` of every event that this service emits
    turns: asyncio.Semaphore
    wakes: set[Callable[[Set[int]], None]] = field(default_factory=set)
    """Of the relay's workers: told the lanes that a commit here has added to."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[scope.Connection]:
        """A connection, in the order of those who ask for one.

        asyncpg's pool lets somebody who has just come take what is on its way to somebody who waits, who then waits
        behind all others: with 256 people and 16 connections the longest wait was ten times the mean, and a quarter of
        the rate was lost. Raises TimeoutError when none is free for 5 s.
        """
        async with asyncio.timeout(_ACQUIRE_TIMEOUT_S):
            await self.turns.acquire()
        try:
            async with self.connections.acquire(timeout=_ACQUIRE_TIMEOUT_S) as connection:
                yield connection
        finally:
            self.turns.release()

    def wake_relay(self, lanes: Set[int]) -> None:
        for wake in self.wakes:
            wake(lanes)

    async def close(self) -> None:
        """Give running statements five seconds, then cut them: a cut COMMIT is retried with the same ids."""
        try:
            await asyncio.wait_for(self.connections.close(), 5.0)
        except TimeoutError:
            self.connections.terminate()


async def create_pool(url: str, *, source: str, size_min: int = 2, size_max: int = 16) -> Pool:
    """Open `size_min`..`size_max` connections to `url`; every limit is named, since the defaults have none.

    Raises OSError or asyncpg.PostgresError when the database does not answer within 10 s.
    """
    connections = await asyncpg.create_pool(
        url,
        min_size=size_min,
        max_size=size_max,
        timeout=10.0,
        command_timeout=_COMMAND_TIMEOUT_S,
        max_inactive_connection_lifetime=300.0,
        reset=_nothing_to_reset,
        server_settings={
            "application_name": source,
            "jit": "off",  # made a 70-branch query four times slower
            "statement_timeout": "15s",
            "lock_timeout": "3s",
            "idle_in_transaction_session_timeout": "10s",
        },
    )
    return Pool(connections, source, asyncio.Semaphore(size_max))


async def _nothing_to_reset(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Settings are transaction-local and locks end with it, so the reset round trip would buy nothing."""


@dataclass(slots=True)
class Outgoing:
    """One event on its way to the outbox."""

    lane: int
    id: str
    topic: str
    key: str | None
    headers: str
    value: bytes | None


@dataclass(slots=True)
class Audited:
    """One entry on its way to the audit trail."""

    lane: int
    action: str
    subject: str
    before: str | None
    after: str
    trace_id: str | None


class Tx:
    """One transaction in which an actor's scope is applied.

    Events and audit entries are collected and written in a single statement just before the commit.
    """

    __slots__ = ("_refusal", "actor", "answer", "audited", "connection", "outgoing", "source")

    def __init__(self, connection: scope.Connection, actor: Actor, source: str) -> None:
        self.connection = connection
        self.actor = actor
        self.source = source
        self.outgoing: list[Outgoing] = []
        self.audited: list[Audited] = []
        self.answer: idempotency.Answer | None = None
        self._refusal: Refusal | None = None

    def answer_with(self, body: BaseModel, *, version: int = 1) -> None:
        """What the command answers when it is not the last event appended."""
        command = idempotency.current()
        status = command.status if command is not None else 200
        self.answer = idempotency.Answer(status, f'"{version}"', body.model_dump_json())

    def refuse_after_commit(self, refusal: Refusal) -> None:
        """Commit what was written, then raise: the gate's refusal of an ask is itself a fact to be counted."""
        self._refusal = refusal
        self.answer = idempotency.Answer(refusal.status, None, json.dumps(problem_document(refusal), default=str))

    async def fetch(self, query: str, *args: Any) -> list[asyncpg.Record]:
        return await self.connection.fetch(query, *args)

    async def fetchrow(self, query: str, *args: Any) -> asyncpg.Record | None:
        return await self.connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: Any) -> Any:
        return await self.connection.fetchval(query, *args)

    async def execute(self, query: str, *args: Any) -> str:
        return await self.connection.execute(query, *args)

    async def executemany(self, query: str, rows: Sequence[Sequence[Any]]) -> None:
        await self.connection.executemany(query, rows)


@asynccontextmanager
async def transaction(pool: Pool, actor: Actor) -> AsyncIterator[Tx]:
    """Open a transaction with the actor's scope applied; commit at the end of the block, roll back on any error.

    Under an Idempotency-Key (runtime.idempotency) the answer is stored with the commit; a repeated command gets the
    first answer whatever has changed since. An auditor's transaction is read-only.

    Raises Refusal (of the block, or that of `refuse_after_commit` once committed), idempotency.Replay, Forbidden when
    the actor's division is not known here, asyncpg.PostgresError, TimeoutError when no connection is free for 5 s.
    """
    command = idempotency.current()
    try:
        async with (
            pool.connection() as connection,
            connection.transaction(readonly=actor.kind == "auditor"),
        ):
            await scope.apply(connection, actor)
            tx = Tx(connection, actor, pool.source)
            yield tx
            await _write_collected(tx, command)
            if command is not None:  # the relay, the sealer and the consumers have places of their own
                await hit(Failpoint.API_BEFORE_COMMIT)
            await hit_before_commit()
    except (Refusal, asyncpg.UniqueViolationError) as refused:
        if command is not None and (answer := await _earlier_answer(pool, actor, command)) is not None:
            raise idempotency.Replay(answer) from refused
        raise
    if tx.outgoing:
        pool.wake_relay({row.lane for row in tx.outgoing})
    if command is not None:
        await hit(Failpoint.API_AFTER_COMMIT)
    if tx._refusal is not None:
        raise tx._refusal


_WRITE_COLLECTED = """
WITH events AS (
    INSERT INTO outbox (lane, id, topic, key, headers, value)
    SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[])
), entries AS (
    INSERT INTO audit_entry (lane, at, actor, roles, action, subject, before, after, trace_id)
    SELECT e.lane, clock_timestamp(), $7, $8, e.action, e.subject, e.before, e.after, e.trace_id
    FROM unnest($9::smallint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[])
        AS e(lane, action, subject, before, after, trace_id)
)
INSERT INTO idempotency (actor, key, request_hash, status, etag, body)
SELECT $7, $15, $16, $17, $18, $19 WHERE $15::text IS NOT NULL
"""


async def _write_collected(tx: Tx, command: idempotency.CommandContext | None) -> None:
    answer = _answer(tx, command) if command is not None else None
    if not tx.outgoing and not tx.audited and answer is None:
        return
    out, audited = tx.outgoing, tx.audited
    await tx.connection.execute(
        _WRITE_COLLECTED,
        [row.lane for row in out],
        [row.id for row in out],
        [row.topic for row in out],
        [row.key for row in out],
        [row.headers for row in out],
        [row.value for row in out],
        tx.actor.subject,
        " ".join(sorted(tx.actor.roles)),
        [row.lane for row in audited],
        [row.action for row in audited],
        [row.subject for row in audited],
        [row.before for row in audited],
        [row.after for row in audited],
        [row.trace_id for row in audited],
        command.key if command is not None and answer is not None else None,
        command.request_hash if command is not None else None,
        answer.status if answer is not None else None,
        answer.etag if answer is not None else None,
        answer.body if answer is not None else None,
    )


def _answer(tx: Tx, command: idempotency.CommandContext) -> idempotency.Answer | None:
    """The answer to store: what the use case set, else the last event; None when it produced nothing."""
    if tx.answer is not None:
        return tx.answer
    if not tx.outgoing or (value := tx.outgoing[-1].value) is None:
        return None
    return idempotency.Answer(command.status, f'"{(command.expected or 0) + 1}"', value.decode())


async def _earlier_answer(pool: Pool, actor: Actor, command: idempotency.CommandContext) -> idempotency.Answer | None:
    async with pool.connection() as connection, connection.transaction():
        await scope.apply(connection, actor)
        return await idempotency.find(connection, command)
