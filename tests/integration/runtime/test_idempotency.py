"""Idempotency-Key and If-Match at the edge: the same click twice is one deed and one answer."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from types import SimpleNamespace

import httpx2
import pytest
from fastapi import FastAPI

from runtime import problem_responses
from runtime.actor import Actor, Role
from runtime.db import Pool, transaction
from runtime.http import answer_replay
from runtime.idempotency import Replay
from runtime.limits import LimitsMiddleware
from tests.integration.runtime.conftest import OPERATOR, SERVICE
from tests.integration.runtime.edge import router

OTHER = Actor("other@000000000000", frozenset({Role.OPERATOR}), OPERATOR.division)


@pytest.fixture
async def client(pool: Pool) -> AsyncIterator[httpx2.AsyncClient]:
    """The edge as a service composes it, asked by whoever `Authorization` names."""

    async def actor_of(authorization: str | None) -> Actor:
        return OTHER if authorization == "other" else OPERATOR

    app = FastAPI()
    app.state.pool = pool
    app.state.authenticator = SimpleNamespace(actor_of=actor_of)
    problem_responses.install(app)
    app.add_exception_handler(Replay, answer_replay)
    app.include_router(router)
    app.add_middleware(LimitsMiddleware)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://edge") as opened:
        yield opened


async def post(
    client: httpx2.AsyncClient, path: str, by: int, key: str | None = "k1", **headers: str
) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if key is not None:
        named["Idempotency-Key"] = key
    return await client.post(f"/v1{path}", json={"by": by}, headers=named)


async def facts(pool: Pool) -> tuple[int, int, int]:
    """Events, audit entries and stored answers."""
    async with transaction(pool, SERVICE) as tx:
        row = await tx.fetchrow(
            "SELECT (SELECT count(*) FROM outbox) AS events, (SELECT count(*) FROM audit_entry) AS entries,"
            " (SELECT count(*) FROM idempotency) AS answers"
        )
    assert row is not None
    return row["events"], row["entries"], row["answers"]


async def test_the_same_key_gets_the_same_answer_and_nothing_happens_twice(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    path = f"/counters/{uuid.uuid4()}"
    first = await post(client, path, 5)
    again = await post(client, path, 5)
    assert first.status_code == again.status_code == 201
    assert (first.json(), first.headers["etag"]) == (again.json(), again.headers["etag"])
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert await facts(pool) == (1, 1, 1)


async def test_twenty_clicks_at_once_are_one_deed(client: httpx2.AsyncClient, pool: Pool) -> None:
    path = f"/counters/{uuid.uuid4()}"
    answers = await asyncio.gather(*(post(client, path, 5) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert await facts(pool) == (1, 1, 1)


async def test_twenty_changes_with_one_key_at_once_are_one_change(client: httpx2.AsyncClient, pool: Pool) -> None:
    path = f"/counters/{uuid.uuid4()}"
    await post(client, path, 0, "k0")
    answers = await asyncio.gather(*(post(client, f"{path}/change", 7, "k1", If_Match='"1"') for _ in range(20)))
    assert {(answer.status_code, answer.headers["etag"]) for answer in answers} == {(200, '"2"')}
    async with transaction(pool, SERVICE) as tx:
        assert await tx.fetchval("SELECT stands_at FROM counter") == 7


async def test_twenty_changes_with_keys_of_their_own_are_one_change_and_nineteen_refusals(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    path = f"/counters/{uuid.uuid4()}"
    await post(client, path, 0, "k0")
    answers = await asyncio.gather(*(post(client, f"{path}/change", 7, f"c{n}", If_Match='"1"') for n in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 19
    assert await facts(pool) == (2, 2, 2)


@pytest.mark.parametrize("different", ["body", "address", "version"])
async def test_the_same_key_for_another_command_is_refused(client: httpx2.AsyncClient, different: str) -> None:
    path = f"/counters/{uuid.uuid4()}"
    await post(client, path, 0, "k0")
    await post(client, f"{path}/change", 7, "k1", If_Match='"1"')
    answer = {
        "body": lambda: post(client, f"{path}/change", 8, "k1", If_Match='"1"'),
        "address": lambda: post(client, f"/counters/{uuid.uuid4()}", 7, "k1"),
        "version": lambda: post(client, f"{path}/change", 7, "k1", If_Match='"2"'),
    }[different]
    refused = await answer()
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:qingdan:problem:key-reused")


async def test_a_repeated_click_is_answered_as_before_though_much_has_changed(
    client: httpx2.AsyncClient, pool: Pool
) -> None:
    path = f"/counters/{uuid.uuid4()}"
    await post(client, path, 0, "k0")
    first = await post(client, f"{path}/change", 1, "k1", If_Match='"1"')
    await post(client, f"{path}/change", 10, "k2", If_Match='"2"')
    again = await post(client, f"{path}/change", 1, "k1", If_Match='"1"')
    assert (again.status_code, again.json(), again.headers["etag"]) == (200, first.json(), '"2"')
    stale = await post(client, f"{path}/change", 1, "k3", If_Match='"1"')
    assert (stale.status_code, stale.json()["version"]) == (412, 3)


async def test_a_no_that_is_a_fact_is_committed_and_replayed(client: httpx2.AsyncClient, pool: Pool) -> None:
    first = await post(client, "/asks", 3)
    again = await post(client, "/asks", 3)
    assert first.status_code == again.status_code == 422
    for name in ("type", "title_en", "title_zh", "status", "ask"):
        assert first.json()[name] == again.json()[name]
    assert first.headers["content-type"] == again.headers["content-type"] == "application/problem+json"
    assert await facts(pool) == (1, 1, 1)


async def test_a_refusal_that_is_no_fact_leaves_the_key_free(client: httpx2.AsyncClient, pool: Pool) -> None:
    counter = uuid.uuid4()
    refused = await post(client, f"/counters/{counter}/change", 1, "k1", If_Match='"1"')
    assert refused.status_code == 404
    await post(client, f"/counters/{counter}", 0, "k0")
    assert (await post(client, f"/counters/{counter}/change", 1, "k1", If_Match='"1"')).status_code == 200


async def test_two_people_may_use_the_same_key(client: httpx2.AsyncClient, pool: Pool) -> None:
    mine = await post(client, f"/counters/{uuid.uuid4()}", 1)
    theirs = await post(client, f"/counters/{uuid.uuid4()}", 2, Authorization="other")
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert await facts(pool) == (2, 2, 2)


@pytest.mark.parametrize(
    ("key", "if_match", "status"),
    [
        (None, '"1"', 400),
        ("", '"1"', 422),
        ("k" * 256, '"1"', 422),
        ("a b", '"1"', 422),
        ("k1", None, 428),
        ("k1", "x", 422),
    ],
)
async def test_a_command_without_a_usable_key_or_version_is_refused(
    client: httpx2.AsyncClient, pool: Pool, key: str | None, if_match: str | None, status: int
) -> None:
    path = f"/counters/{uuid.uuid4()}"
    await post(client, path, 0, "k0")
    headers = {} if if_match is None else {"If_Match": if_match}
    assert (await post(client, f"{path}/change", 1, key, **headers)).status_code == status
    assert (await facts(pool))[0] == 1


async def test_what_another_unique_key_refuses_is_a_conflict_and_not_a_replay(client: httpx2.AsyncClient) -> None:
    path = f"/counters/{uuid.uuid4()}"
    await post(client, path, 0, "k0")
    assert (await post(client, path, 0, "k1")).status_code == 409
