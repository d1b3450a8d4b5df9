"""What is too large, too deep, too slow or too much is refused before the application sees it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from runtime.limits import LimitsMiddleware, NestedTooDeeply, NulCharacter, RequestLimits, check_json
from runtime.problems import Malformed

LIMITS = RequestLimits(
    body_bytes_max=1000, in_flight_max=2, body_time_s_max=0.05, media_types=frozenset({"image/jpeg"})
)
JSON = {"Content-Type": "application/json"}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def ask(method: str = "POST", path: str = "/claims", **options: Any) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=LimitsMiddleware(echo, LIMITS))
    async with httpx2.AsyncClient(transport=transport, base_url="http://tasks") as client:
        return await client.request(method, path, **options)


async def chunks(*parts: bytes, ends: bool = True) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
    if not ends:
        await asyncio.Event().wait()


async def test_a_body_within_the_limits_arrives_as_it_was_sent() -> None:
    body = json.dumps({"title": "道路硬化", "parts": [[[1]]]}).encode()
    assert (await ask(content=body, headers=JSON)).content == body
    assert (await ask(content=chunks(body[:9], body[9:]), headers=JSON)).content == body


async def test_a_request_without_a_body_needs_no_content_type() -> None:
    assert (await ask("POST")).status_code == 200
    assert (await ask("GET")).status_code == 200


@pytest.mark.parametrize("content_type", ["application/json", "image/jpeg"])
async def test_a_body_that_is_too_large_is_refused_declared_or_not(content_type: str) -> None:
    headers = {"Content-Type": content_type}
    declared = await ask(content=b"1" * 1001, headers=headers)
    assert declared.status_code == 413
    assert declared.headers["connection"] == "close"
    assert declared.json()["bytes_max"] == 1000


async def test_a_json_body_that_grows_too_large_is_refused() -> None:
    assert (await ask(content=chunks(b"1" * 600, b"1" * 600), headers=JSON)).status_code == 413


async def test_a_body_of_ten_megabytes_is_refused_without_being_read() -> None:
    received = 0

    async def receive() -> Message:
        nonlocal received
        received += 1
        return {"type": "http.request", "body": b"1" * 65_536, "more_body": True}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-length", b"10000000"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/claims", "query_string": b"", "headers": headers}
    await LimitsMiddleware(echo, LIMITS)(scope, receive, send)
    assert (sent[0]["status"], received) == (413, 0)


async def test_a_body_that_does_not_come_is_refused() -> None:
    assert (await ask(content=chunks(b"[", b"1", ends=False), headers=JSON)).status_code == 408


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}, {"Content-Type": "application/xml"}])
async def test_other_media_types_are_refused(headers: dict[str, str]) -> None:
    assert (await ask(content=b"{}", headers=headers)).status_code == 415


async def test_a_media_type_that_is_allowed_streams_through() -> None:
    assert (await ask(content=chunks(b"\0" * 500, b"{" * 400), headers={"Content-Type": "image/jpeg"})).is_success


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/" + "x" * 3000, {}, 414),
        ("/claims?q=" + "x" * 5000, {}, 414),
        ("/claims/%00", {}, 400),
        ("/claims?village=%00", {}, 400),
        ("/claims", {"X-Long": "x" * 20_000}, 431),
        ("/claims", {f"X-{n}": "1" for n in range(70)}, 431),
    ],
)
async def test_addresses_and_headers_have_limits(path: str, headers: dict[str, str], status: int) -> None:
    response = await ask("GET", path, headers=headers)
    assert response.status_code == status
    assert response.json()["title_zh"]


async def test_a_content_length_that_is_no_number_is_malformed() -> None:
    assert (await ask(content=b"{}", headers=JSON | {"Content-Length": "-1"})).status_code == 400


class Held:
    """An application that says when a request is inside, and answers when a test lets it go."""

    def __init__(self, content_type: bytes) -> None:
        self.content_type = content_type
        self.gate = asyncio.Event()
        self.entered: asyncio.Queue[None] = asyncio.Queue()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", self.content_type)]})
        self.entered.put_nowait(None)
        await self.gate.wait()
        await send({"type": "http.response.body", "body": b""})


async def test_overload_is_answered_and_ends_by_itself() -> None:
    held = Held(b"application/json")
    transport = httpx2.ASGITransport(app=LimitsMiddleware(held, LIMITS))
    async with httpx2.AsyncClient(transport=transport, base_url="http://tasks") as client:
        inside = [asyncio.create_task(client.get("/claims")) for _ in range(2)]
        for _ in inside:
            await held.entered.get()
        assert (await client.get("/claims")).status_code == 503
        held.gate.set()
        assert [answer.status_code for answer in await asyncio.gather(*inside)] == [200, 200]
        assert (await client.get("/claims")).status_code == 200


async def test_event_streams_leave_room_for_requests() -> None:
    held = Held(b"text/event-stream; charset=utf-8")
    app = LimitsMiddleware(held, LIMITS)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://tasks") as client:
        streams = [asyncio.create_task(client.get("/events")) for _ in range(5)]
        for _ in streams:
            await held.entered.get()
        assert app.in_flight == 0
        held.gate.set()
        assert [answer.status_code for answer in await asyncio.gather(*streams)] == [200] * 5
    assert app.in_flight == 0


async def test_probes_are_answered_under_overload() -> None:
    held = Held(b"application/json")
    app = LimitsMiddleware(held, LIMITS)
    app.in_flight = 2
    held.gate.set()
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://tasks") as client:
        assert (await client.get("/livez")).status_code == 200
        shed = await client.get("/claims")
    assert (shed.status_code, shed.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize("body", [b'"\\u0000"', b'{"a\\u0000b":1}', b'"\\\\\\u0000"', b"\0", '"x"'.encode("utf-16")])
def test_nul_is_refused_however_it_is_written(body: bytes) -> None:
    with pytest.raises(NulCharacter):
        check_json(body, 32)


def test_a_backslash_before_u0000_is_only_text() -> None:
    body = json.dumps("\\u0000").encode()
    assert body == b'"\\\\u0000"'
    check_json(body, 32)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


JSON_VALUES = st.recursive(
    st.none() | st.integers() | st.text('"\\[]{}a', max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('"\\[]{}a', max_size=4), inner, max_size=3),
    max_leaves=30,
)


@given(JSON_VALUES, st.integers(1, 6), st.booleans())
def test_depth_is_counted_as_a_parser_would(value: object, depth_max: int, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    if depth(value) > depth_max:
        with pytest.raises(NestedTooDeeply):
            check_json(body, depth_max)
    else:
        check_json(body, depth_max)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b"[" * 500_000 + b"]" * 500_000,
        b'"' + b'\\"' * 500_000,
        b'["' + b'\\"' * 499_999 + b'",' + b"[]," * 40,
        b"[{" * 100 + b'"' * 999_999,
        b"[" * 100 + b"\\" * 1_000_000,
    ],
    ids=["open", "deep", "quotes", "quotes-and-brackets", "strings", "backslashes"],
)
def test_no_body_takes_long_to_judge(body: bytes) -> None:
    began = time.process_time()
    with suppress(Malformed):
        check_json(body, 32)
    assert time.process_time() - began < 0.5
