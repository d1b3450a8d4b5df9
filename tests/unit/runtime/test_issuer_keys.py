"""The issuer's keys follow its rotation, survive its absence, and are not fetched more often than need be."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from runtime.issuer_keys import DOCUMENT_BYTES_MAX, IssuerKeys, IssuerKeysUnreachable, keys_of

FIRST = RSAKey.generate_key(2048, {"kid": "first"})
SECOND = ECKey.generate_key("P-256", {"kid": "second"})


def document(*keys: RSAKey | ECKey) -> bytes:
    return httpx2.Response(200, json={"keys": [{**key.as_dict(private=False), "kid": key.kid} for key in keys]}).content


class Issuer:
    def __init__(self) -> None:
        self.respond: Callable[[], httpx2.Response] = lambda: httpx2.Response(200, content=document(FIRST))
        self.asked = 0
        self.time = 1000.0
        self.reached = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def handle(self, _: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        self.reached.set()
        await self.gate.wait()
        return self.respond()

    def keys(self) -> IssuerKeys:
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(self.handle))
        return IssuerKeys("https://login.example/jwks", client=client, monotonic=lambda: self.time)


async def test_a_rotated_key_is_found_without_a_restart() -> None:
    issuer = Issuer()
    keys = issuer.keys()
    assert await keys.find("first") is not None
    issuer.respond = lambda: httpx2.Response(200, content=document(FIRST, SECOND))
    issuer.time += 11
    found = await keys.find("second")
    assert found is not None
    assert found.algorithm == "ES256"


async def test_unknown_ids_ask_the_issuer_once_per_interval_however_many_come() -> None:
    issuer = Issuer()
    keys = issuer.keys()
    await keys.load()
    issuer.time += 11
    assert [await keys.find(f"made-up-{n}") for n in range(100)] == [None] * 100
    assert issuer.asked == 2


async def test_requests_that_come_together_share_one_fetch() -> None:
    issuer = Issuer()
    keys = issuer.keys()
    issuer.gate.clear()
    waiting = [asyncio.create_task(keys.find("first")) for _ in range(20)]
    await issuer.reached.wait()
    waiting[0].cancel()
    issuer.gate.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert issuer.asked == 1
    assert isinstance(answers[0], asyncio.CancelledError)
    assert all(answer is not None and not isinstance(answer, BaseException) for answer in answers[1:])


async def test_old_keys_are_renewed_behind_the_requests_and_kept_while_the_issuer_is_away() -> None:
    issuer = Issuer()
    keys = issuer.keys()
    await keys.load()
    issuer.time += 3600
    issuer.gate.clear()
    assert await keys.find("first") is not None  # answered although the issuer has not
    issuer.respond = lambda: httpx2.Response(503)
    issuer.gate.set()
    await keys.load()
    assert await keys.find("first") is not None
    assert issuer.asked == 2


@pytest.mark.parametrize(
    "respond",
    [
        lambda: httpx2.Response(302, headers={"Location": "https://evil.example"}),
        lambda: httpx2.Response(200, content=b"<html>"),
        lambda: httpx2.Response(200, content=b"[]"),
        lambda: httpx2.Response(200, content=b'{"keys": 7}'),
        lambda: httpx2.Response(200, content=b'{"keys": []}'),
        lambda: httpx2.Response(200, content=b" " * (DOCUMENT_BYTES_MAX + 1)),
    ],
)
async def test_an_answer_that_is_no_key_document_changes_nothing(respond: Callable[[], httpx2.Response]) -> None:
    issuer = Issuer()
    keys = issuer.keys()
    await keys.load()
    issuer.time += 3600
    issuer.respond = respond
    await keys.load()
    assert issuer.asked == 2
    assert await keys.find("first") is not None


async def test_with_no_key_at_all_it_is_said_and_tried_again_after_a_second() -> None:
    issuer = Issuer()
    keys = issuer.keys()

    def down() -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    good, issuer.respond = issuer.respond, down
    for _ in range(10):
        with pytest.raises(IssuerKeysUnreachable):
            await keys.find("first")
    assert issuer.asked == 1
    issuer.respond = good
    issuer.time += 1.1
    assert await keys.find("first") is not None


async def test_closing_ends_a_fetch_under_way() -> None:
    issuer = Issuer()
    keys = issuer.keys()
    issuer.gate.clear()
    waiting = asyncio.create_task(keys.find("first"))
    await issuer.reached.wait()
    await keys.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_keys_that_must_not_verify_our_tokens_are_left_out() -> None:
    def entry(key: Any, **changed: Any) -> dict[str, Any]:
        return {**key.as_dict(private=isinstance(key, OctKey)), "kid": key.kid, **changed}

    entries = [
        entry(FIRST, kid="good"),
        entry(FIRST, kid="for-encryption", use="enc"),
        entry(FIRST, kid="for-another-algorithm", alg="PS256"),
        entry(FIRST, kid=None),
        entry(FIRST, kid="twice"),
        entry(SECOND, kid="twice"),
        entry(SECOND, kid="wrong-curve", crv="P-384"),
        entry(OctKey.generate_key(256, {"kid": "secret"})),
        {"kty": "RSA", "kid": "short", "e": "AQAB", "n": "u" * 86},
        {"kty": "RSA", "kid": "broken", "e": "AQAB", "n": 5},
        "nonsense",
    ]
    assert set(keys_of(httpx2.Response(200, json={"keys": entries}).content)) == {"good"}
