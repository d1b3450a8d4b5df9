"""Changes as server-sent events: who may listen, where a listener goes on, and what it is sent."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import asyncpg
import structlog
from aiokafka.errors import KafkaError
from fastapi import Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from qingdan.divisions import DivisionCode
from runtime import metrics
from runtime.actor import Actor, service_actor
from runtime.auth import Authenticator
from runtime.change_cursor import CURSOR_CHARS_MAX, Cursor, read_cursor, write_cursor
from runtime.change_place import Sight, department_admits, parts_below, sight
from runtime.change_tail import Change, Followed, Tail, Tree, structured
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from runtime.http import Query as Reading
from runtime.invalid_input import invalid_input
from runtime.kafka import TopicReader
from runtime.problems import DependencyUnavailable, Refusal, TooManyRequests, problem_document
from runtime.settings import ServiceSettings

_log = structlog.stdlib.get_logger(__name__)

KEEP_ALIVE_S: Final = 15.0
LOOK_AGAIN_S: Final = 3.0  # so late at most a stream ends whose token has
RETRY_MS: Final = 3_000
SEND_S_MAX: Final = 30.0
CHANGES_PER_TURN: Final = 100
TAIL_WAIT_S: Final = 10.0
CATCH_UPS_MAX: Final = 4
CATCH_UP_WAIT_S: Final = 5.0
CATCH_UP_IDLE_S: Final = 60.0


class StreamsFull(Refusal):
    """Too many streams are open on this server. 本服务器打开的数据流过多。

    Come back after the time in Retry-After; your Last-Event-ID keeps your place.
    请在 Retry-After 的时间之后重试；Last-Event-ID 会保留您的位置。
    """

    status = 503
    retry_after_s = 5


class StreamsOfOneFull(TooManyRequests):
    """You have too many streams open. 您打开的数据流过多。

    Close one, or let several windows share one. 请关闭其中一个，或让多个窗口共用一个。
    """

    retry_after_s = 30


class StreamInterrupted(Refusal):
    """The stream ends here for now. 数据流在此暂停。

    Connect again with the last id received: nothing is missed. 请用最后收到的 id 重新连接，不会遗漏。
    """

    status = 503
    retry_after_s = 1


class ReadTooSlowly(Refusal):
    """The stream was read too slowly. 数据流读取过慢。

    Connect again with the last id received: nothing is missed. 请用最后收到的 id 重新连接，不会遗漏。
    """

    status = 503
    retry_after_s = 1


@dataclass(slots=True)
class Listener:
    """One open stream; it gives up what it holds in `leave`, once."""

    streams: "ChangeStreams"
    tail: Tail
    actor: Actor
    authorization: str | None
    authenticator: Authenticator
    root: DivisionCode
    types: frozenset[str]
    next_offsets: list[int]
    reader: TopicReader | None
    """Its own, while it catches up."""
    _number: int = 0
    _has_begun: bool = False
    _has_closed: bool = False
    _sent_at: float = 0.0
    _read_at: float = 0.0

    def __post_init__(self) -> None:
        self._read_at = time.monotonic()

    async def next_chunk(self) -> bytes | None:
        """What to send next, as bytes of the stream; None after the last."""
        if self._has_closed:
            return None
        if not self._has_begun:  # a place to come back to, before anything can be lost
            self._has_begun = True
            return self._sending(f": changes\nretry: {RETRY_MS}\n{self._id()}\n\n")
        while True:
            try:
                frames = await self._turn()
            except Refusal as refusal:
                return self._closing(refusal)
            if frames:
                metrics.changes_sent.add(len(frames), {"topic": self.tail.followed.topic.name})
                return self._sending("".join(frames))
            if time.monotonic() - self._sent_at >= KEEP_ALIVE_S:
                return self._sending(f": still here\n{self._id()}\n\n")

    def leave(self) -> None:
        """Give up the place in the tail and the process; what must be waited for goes on without us."""
        self._has_closed = True
        self._stop_catching_up()
        self.tail.leave()
        self.streams.leave(self.actor)

    async def _turn(self) -> list[str]:
        """The frames of the next few changes; an empty list after a while in which there was nothing to show.

        Raises Refusal when the stream is over: the token has expired, the process stops, something broke.
        """
        if self.streams.draining.is_set() or self.tail.has_ended:
            raise StreamInterrupted()
        await self.authenticator.actor_of(self.authorization)  # it is remembered: this costs a look-up
        try:
            if self.reader is not None and not self.tail.covers(self.next_offsets):
                return await self._catch_up(self.reader)
            return await self._follow()
        except (KafkaError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            _log.warning("stream_interrupted", error=type(error).__name__)
            raise StreamInterrupted() from None

    async def _follow(self) -> list[str]:
        """Take from the tail. Nothing is waited for between the look at what it covers and the taking of it."""
        self._stop_catching_up()
        if self._number < self.tail.first:
            if not self.tail.covers(self.next_offsets):
                raise ReadTooSlowly()
            self._number = self.tail.first
        changes = self.tail.kept(self._number, CHANGES_PER_TURN)
        if not changes:
            await self.tail.wait(self._number, LOOK_AGAIN_S)
            return []
        self._number += len(changes)
        return await self._frames(changes)

    async def _catch_up(self, reader: TopicReader) -> list[str]:
        changes = await self.tail.changes_of(await reader.read())
        if changes:
            self._read_at = time.monotonic()
        elif time.monotonic() - self._read_at > CATCH_UP_IDLE_S:
            raise StreamInterrupted()  # others may wait for this place
        return await self._frames(changes)

    async def _frames(self, changes: Sequence[Change]) -> list[str]:
        """What of these is new to this listener and may be seen by it, each with the cursor behind it."""
        frames = []
        if self.actor.department is not None:
            above = self.tail.tree.above
            seen = [change.place for change in changes if sight(change.place, self.root, above) is not Sight.NOTHING]
            await self.tail.learn_departments(seen)
        for change in changes:
            if change.offset < self.next_offsets[change.partition]:
                continue  # seen while catching up
            text = self._text(change)
            self.next_offsets[change.partition] = change.offset + 1
            if text is not None:
                assert change.envelope is not None
                frames.append(f"{self._id()}\nevent: {change.envelope.type}\ndata: {text}\n\n")
        await asyncio.sleep(0)  # a listener with much to pass over leaves room for others
        return frames

    def _text(self, change: Change) -> str | None:
        if change.envelope is None or (self.types and change.envelope.type not in self.types):
            return None
        seen = sight(change.place, self.root, self.tail.tree.above)
        if seen is Sight.NOTHING:
            return None
        if not department_admits(change.place, self.actor.department, self.tail.department_of(change.place)):
            return None
        if seen is Sight.WHOLE:
            return change.text
        parts = parts_below(change.place, self.root, self.tail.tree.above)
        return structured(change.envelope, self.tail.followed.part_of(change.envelope.data, parts))

    def _stop_catching_up(self) -> None:
        if self.reader is not None:
            self.streams.end_catch_up(self.reader)
            self.reader = None

    def _id(self) -> str:
        return f"id: {write_cursor(self.tail.followed.topic.name, self.next_offsets)}"

    def _sending(self, text: str) -> bytes:
        self._sent_at = time.monotonic()
        return text.encode()

    def _closing(self, refusal: Refusal) -> bytes:
        if isinstance(refusal, ReadTooSlowly):
            metrics.changes_cut.add(1)
        self._has_closed = True
        return self._sending(f"event: closed\ndata: {json.dumps(problem_document(refusal), ensure_ascii=False)}\n\n")


class ChangeResponse(StreamingResponse):
    """The stream of one listener, whose place is free again however it ends."""

    media_type = "text/event-stream"

    def __init__(self, listener: Listener) -> None:
        super().__init__((), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self.listener = listener

    async def stream_response(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            while (chunk := await self.listener.next_chunk()) is not None:
                async with asyncio.timeout(SEND_S_MAX):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except TimeoutError:
            metrics.changes_cut.add(1)
            return  # it reads nothing at all: more bytes would only wait behind those that are in its way
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.listener.leave()


@dataclass(slots=True)
class ChangeStreams:
    """All streams of a process: their limits, one tail for all of a topic, and their end."""

    settings: ServiceSettings
    service_name: str
    draining: asyncio.Event
    _open: Counter[str] = field(default_factory=Counter)
    _tails: dict[str, Tail] = field(default_factory=dict)
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _catching_up: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CATCH_UPS_MAX))
    _background: set[asyncio.Task[None]] = field(default_factory=set)

    async def listen(
        self, asked: "AskedChanges", followed: Followed, pool: Pool, authenticator: Authenticator
    ) -> Listener:
        """Open a stream. Raises Refusal: too many, unknown division or type, a cursor that does not fit, Kafka away."""
        root = asked.division or asked.actor.division
        if not asked.types <= followed.topic.types.keys():
            expected = ", ".join(followed.topic.types)
            raise invalid_input([{"type": "enum", "loc": ("query", "types"), "ctx": {"expected": expected}}])
        cursor = read_cursor(asked.last_event_id, followed.topic.name) if asked.last_event_id else None
        async with transaction(pool, asked.actor) as tx:
            await id_in_scope(tx, root)
        with_reader: TopicReader | None = None
        async with self._place(asked.actor):
            tail = await self._tail(followed, pool)
            try:
                if cursor is None:
                    next_offsets: Sequence[int] = tail.next_offsets
                else:
                    next_offsets = cursor.next_offsets
                    if not (tail.has_read(next_offsets) and tail.covers(next_offsets)):
                        with_reader, next_offsets = await self._begin_catch_up(cursor, followed)
                await tail.tree.learn(())  # it is there before the first change is looked at
            except BaseException:
                tail.leave()
                if with_reader is not None:
                    self.end_catch_up(with_reader)
                raise
        return Listener(
            *(self, tail, asked.actor, asked.authorization, authenticator, root, asked.types),
            next_offsets=list(next_offsets),
            reader=with_reader,
        )

    def leave(self, actor: Actor) -> None:
        """One stream of this actor less."""
        self._open[actor.subject] -= 1
        if not self._open[actor.subject]:
            del self._open[actor.subject]
        metrics.changes_listeners.set(self._open.total())

    def end_catch_up(self, reader: TopicReader) -> None:
        """Close a listener's own reader without waiting for it, and let the next one catch up."""
        self._catching_up.release()
        closing = asyncio.create_task(reader.close())
        self._background.add(closing)
        closing.add_done_callback(self._background.discard)

    def wake(self) -> None:
        """Let everybody look again: the process was told to stop."""
        for tail in self._tails.values():
            tail.wake()

    async def stop(self) -> None:
        for tail in self._tails.values():
            await tail.stop()
        await asyncio.gather(*self._background, return_exceptions=True)

    @asynccontextmanager
    async def _place(self, actor: Actor) -> AsyncIterator[None]:
        """A place among the streams, kept unless the block fails."""
        if self._open.total() >= self.settings.streams_max:
            raise StreamsFull(streams_max=self.settings.streams_max)
        if self._open[actor.subject] >= self.settings.streams_per_actor_max:
            raise StreamsOfOneFull(streams_max=self.settings.streams_per_actor_max)
        self._open[actor.subject] += 1
        metrics.changes_listeners.set(self._open.total())
        try:
            yield
        except (KafkaError, OSError, TimeoutError):
            self.leave(actor)
            raise DependencyUnavailable() from None
        except BaseException:
            self.leave(actor)
            raise

    async def _tail(self, followed: Followed, pool: Pool) -> Tail:
        """The topic's tail, joined: it goes on until we leave it."""
        name, actor = followed.topic.name, service_actor(self.service_name)
        async with asyncio.timeout(TAIL_WAIT_S), self._starting:
            tail = self._tails.get(name)
            if tail is None or tail.has_ended:
                tree = tail.tree if tail is not None else Tree(pool, actor)
                tail = Tail(followed, pool, actor, tree, self._reader(followed), self.settings.changes_kept_max)
                await tail.start()
                self._tails[name] = tail
            tail.join()
            return tail

    async def _begin_catch_up(self, cursor: Cursor, followed: Followed) -> tuple[TopicReader, tuple[int, ...]]:
        """A reader of one's own, standing at the cursor; waits for its turn, but not for long."""
        try:
            async with asyncio.timeout(CATCH_UP_WAIT_S):
                await self._catching_up.acquire()
        except TimeoutError:
            raise StreamsFull(catch_ups_max=CATCH_UPS_MAX) from None
        metrics.changes_catch_ups.add(1)
        reader = self._reader(followed)
        try:
            next_offsets = cursor.within(*await reader.open()).next_offsets
            reader.begin(next_offsets)
        except BaseException:
            self.end_catch_up(reader)
            raise
        return reader, next_offsets

    def _reader(self, followed: Followed) -> TopicReader:
        kafka = self.settings.kafka
        return TopicReader(kafka, kafka.topic_prefix + followed.topic.name, client_id=f"{self.service_name}-changes")


@dataclass(frozen=True, slots=True)
class AskedChanges:
    """What a client asks for: whose changes, of which types, and behind what it has seen."""

    request: Request
    pool: Pool
    actor: Actor
    authorization: str | None
    division: DivisionCode | None
    types: frozenset[str]
    last_event_id: str | None

    async def follow(self, followed: Followed) -> ChangeResponse:
        """Raises Refusal, as `ChangeStreams.listen`."""
        streams: ChangeStreams = self.request.app.state.running.changes
        return ChangeResponse(await streams.listen(self, followed, self.pool, self.request.app.state.authenticator))


async def _asked(
    request: Request,
    reading: Reading,
    last_event_id: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            description="the `id` last received; the stream goes on behind it",
            max_length=CURSOR_CHARS_MAX,
        ),
    ] = None,
    last_event_id_again: Annotated[
        str | None,
        Query(
            alias="last_event_id",
            description="the same, for clients that cannot set the header; the header has precedence",
            max_length=CURSOR_CHARS_MAX,
        ),
    ] = None,
    division: Annotated[
        DivisionCode | None, Query(description="only what happens in this division of one's own")
    ] = None,
    types: Annotated[
        str | None, Query(description="only these event types, separated by commas", max_length=1_000)
    ] = None,
) -> AskedChanges:
    return AskedChanges(
        request,
        reading.pool,
        reading.actor,
        request.headers.get("authorization"),
        division,
        frozenset(part.strip() for part in (types or "").split(",")) - {""},
        last_event_id or last_event_id_again,
    )


Changes = Annotated[AskedChanges, Depends(_asked)]
STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "a stream"}
}
"""What the OpenAPI document says of such a route's answer."""
