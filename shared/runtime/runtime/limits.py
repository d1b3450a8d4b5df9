"""Limits on what a request may be, and on how many are under way: overload is answered, not suffered."""

import asyncio
import re
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.metrics import http_shed
from runtime.problem_responses import send_problem
from runtime.problems import (
    AddressTooLong,
    BodyTooLarge,
    HeadersTooLarge,
    Malformed,
    Overloaded,
    Refusal,
    UnsupportedMediaType,
)
from runtime.tracing_middleware import PROBES

JSON: Final = "application/json"

# A string from its quote to its end, or to the end of the text when it has none: the possessive quantifiers and the
# optional last quote make every attempt succeed, so that no text takes longer than its length.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_NUL_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class NulCharacter(Malformed):
    """The request contains the character U+0000, which no text has. 请求中含有字符 U+0000。"""


class NestedTooDeeply(Malformed):
    """The JSON is nested too deeply. JSON 嵌套过深。"""


class BodyTooSlow(Refusal):
    """The body did not arrive in time. 请求内容未能及时到达。"""

    status = 408


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What one request may be, and how many of them at a time.

    media_types: what bodies may be besides JSON; those are counted while they stream, and not looked into.
    in_flight_max: event streams (SSE) do not count once they have begun; who serves them limits them.
    """

    body_bytes_max: int = 1024 * 1024
    body_time_s_max: float = 15.0
    json_depth_max: int = 32
    path_bytes_max: int = 2048
    query_bytes_max: int = 4096
    headers_max: int = 64
    header_bytes_max: int = 16 * 1024
    in_flight_max: int = 256
    media_types: frozenset[str] = frozenset()


class LimitsMiddleware:
    """Refuses what is beyond the limits before the application sees it; a JSON body is read here, whole."""

    def __init__(self, app: ASGIApp, limits: RequestLimits | None = None) -> None:
        self.app = app
        self.limits = limits or RequestLimits()
        self.in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self.app(scope, receive, send)
            return
        if self.in_flight >= self.limits.in_flight_max:
            http_shed.add(1)
            await send_problem(Overloaded(), scope, receive, send)
            return
        self.in_flight += 1
        counted = True

        async def watched_send(message: Message) -> None:
            nonlocal counted
            if counted and message["type"] == "http.response.start" and _is_event_stream(message):
                counted = False
                self.in_flight -= 1
            await send(message)

        try:
            try:
                checked = await self._checked(scope, receive)
            except Refusal as refusal:
                await _send_last(refusal, scope, receive, send)
            else:
                await self.app(scope, checked, watched_send)
        finally:
            if counted:
                self.in_flight -= 1

    async def _checked(self, scope: Scope, receive: Receive) -> Receive:
        """Check everything that can be checked before the application runs; return what it receives the body from."""
        declared_bytes, media_type, encoded = self._check_head(scope)
        if declared_bytes == 0 and not encoded:
            return receive
        if declared_bytes > self.limits.body_bytes_max:
            raise BodyTooLarge(bytes_max=self.limits.body_bytes_max)
        if media_type == JSON:
            body = await self._read(receive)
            check_json(body, self.limits.json_depth_max)
            return _replay(body, receive)
        if media_type in self.limits.media_types:
            return self._counting(receive)
        raise UnsupportedMediaType()

    def _check_head(self, scope: Scope) -> tuple[int, str, bool]:
        """Content length in bytes, media type, and whether the body comes in chunks."""
        limits, headers, query = self.limits, scope["headers"], scope["query_string"]
        if len(scope.get("raw_path") or scope["path"]) > limits.path_bytes_max or len(query) > limits.query_bytes_max:
            raise AddressTooLong(path_bytes_max=limits.path_bytes_max, query_bytes_max=limits.query_bytes_max)
        if "\0" in scope["path"] or b"%00" in query:
            raise NulCharacter()
        declared_bytes, media_type, encoded, header_bytes = 0, "", False, 0
        for name, value in headers:
            header_bytes += len(name) + len(value)
            if name == b"content-length":
                declared_bytes = _content_length(value)
            elif name == b"content-type":
                media_type = value.partition(b";")[0].strip().lower().decode("latin-1")
            elif name == b"transfer-encoding":
                encoded = True
        if header_bytes > limits.header_bytes_max or len(headers) > limits.headers_max:
            raise HeadersTooLarge(header_bytes_max=limits.header_bytes_max, headers_max=limits.headers_max)
        return declared_bytes, media_type, encoded

    async def _read(self, receive: Receive) -> bytes:
        receive = self._counting(receive)
        chunks: list[bytes] = []
        try:
            async with asyncio.timeout(self.limits.body_time_s_max):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Malformed()  # nobody is left to read this
                    chunks.append(message.get("body", b""))
                    if not message.get("more_body", False):
                        return b"".join(chunks)
        except TimeoutError:
            raise BodyTooSlow() from None

    def _counting(self, receive: Receive) -> Receive:
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limits.body_bytes_max:
                raise BodyTooLarge(bytes_max=self.limits.body_bytes_max)
            return message

        return counted


def check_json(body: bytes, depth_max: int) -> None:
    """Refuse a JSON text that holds U+0000 or is nested deeper than that; its syntax is left to the parser.

    Raises NulCharacter, NestedTooDeeply, or Malformed when its brackets do not match.
    """
    if b"\0" in body or (b"\\u0000" in body and _NUL_ESCAPE.search(body)):
        raise NulCharacter()
    if body.count(b"[") + body.count(b"{") <= depth_max:
        return
    # Only brackets remain; each round takes the innermost level away, all of it at once and at the speed of memcpy.
    brackets = _STRING.sub(b"", body).translate(_BRACKETS, _NOT_BRACKETS)
    for _ in range(depth_max):
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return
    raise NestedTooDeeply(depth_max=depth_max) if brackets.count(b"[") == brackets.count(b"]") else Malformed()


def _content_length(value: bytes) -> int:
    if not value.isdigit() or len(value) > 18:
        raise Malformed()
    return int(value)


def _is_event_stream(start: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in start.get("headers", ())
    )


def _replay(body: bytes, receive: Receive) -> Receive:
    replayed = False

    async def replaying() -> Message:
        nonlocal replayed
        if replayed:
            return await receive()  # what comes after the body is the disconnection
        replayed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replaying


async def _send_last(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer and close: the rest of a body that nobody wants need not be read."""

    async def closing_send(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        await send(message)

    await send_problem(refusal, scope, receive, closing_send)
