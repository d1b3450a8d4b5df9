"""An open-loop load: requests leave on a schedule whatever becomes of the earlier ones, as people's clicks do.

A closed loop (as wrk is) waits for answers and so never offers more than the service takes; here waiting shows.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

CONNECTIONS_MAX: Final = 2_000
_STATUS_AT: Final = len(b"HTTP/1.1 ")


@dataclass(slots=True)
class Answered:
    """One request: when it was due, how long after that its answer came (both in seconds), and its status.

    status: 0 when the connection broke or could not be made, -1 as long as nothing has come.
    """

    number: int
    due_s: float
    late_s: float = 0.0
    status: int = -1


@dataclass(slots=True)
class OpenLoop:
    """Sends what `request(number)` gives, each on a connection that no other request is using."""

    host: str
    port: int
    request: Callable[[int], bytes]
    answers: list[Answered] = field(default_factory=list)
    _idle: list["_Connection"] = field(default_factory=list)
    _open: int = 0
    _under_way: set["asyncio.Task[None]"] = field(default_factory=set)

    async def offer(self, per_s: float, seconds: float, numbers: Iterable[int], *, patience_s: float) -> list[Answered]:
        """Offer so many requests a second; wait `patience_s` for the last answers. Returns those offered here."""
        began, loop = time.perf_counter(), asyncio.get_running_loop()
        offered: list[Answered] = []
        for position, number in zip(range(int(per_s * seconds)), numbers, strict=False):
            due = began + position / per_s
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            elif position % 64 == 0:
                await asyncio.sleep(0)  # behind the schedule: let answers be read all the same
            answer = Answered(number, due)
            offered.append(answer)
            task = loop.create_task(self._send(answer))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=patience_s)
        self.answers += offered
        return offered

    async def once(self, number: int) -> Answered:
        """Send one request now and wait for its answer, as a closed loop does."""
        answer = Answered(number, time.perf_counter())
        self.answers.append(answer)
        await self._send(answer)
        return answer

    def close(self) -> None:
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    async def _send(self, answer: Answered) -> None:
        connection = await self._connection()
        if connection is None:
            answer.status = 0
        else:
            answer.status = await connection.ask(self.request(answer.number))
            if answer.status and not connection.is_closing:
                self._idle.append(connection)
            else:
                connection.close()
                self._open -= 1
        answer.late_s = time.perf_counter() - answer.due_s

    async def _connection(self) -> "_Connection | None":
        if self._idle:
            return self._idle.pop()
        if self._open >= CONNECTIONS_MAX:
            return None
        self._open += 1
        try:
            _, connection = await asyncio.get_running_loop().create_connection(_Connection, self.host, self.port)
        except OSError:
            self._open -= 1
            return None
        return connection


class _Connection(asyncio.Protocol):
    """HTTP/1.1, one request at a time, of whose answer only the status matters."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._read = b""

    @property
    def is_closing(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    async def ask(self, request: bytes) -> int:
        """The status; 0 when the connection broke."""
        self._answer, self._read = asyncio.get_running_loop().create_future(), b""
        assert self._transport is not None
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        head_ends = self._read.find(b"\r\n\r\n")
        if head_ends < 0 or self._answer is None or self._answer.done():
            return
        head = self._read[:head_ends].lower()
        at = head.find(b"\r\ncontent-length:")
        length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._read) >= head_ends + 4 + length:
            self._answer.set_result(int(self._read[_STATUS_AT : _STATUS_AT + 3]))

    def connection_lost(self, _: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(0)
