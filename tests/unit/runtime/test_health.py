"""Alive by progress, ready while nothing speaks against it."""

import asyncio

import httpx2
import pytest
from fastapi import FastAPI

from runtime.health import Check, Heartbeats, health_routes


class Process:
    """Heartbeats whose clock a test moves, and the addresses that tell of them."""

    def __init__(self, checks: dict[str, Check] | None = None) -> None:
        self.time = 0.0
        self.beats = Heartbeats(monotonic=lambda: self.time)
        self.app = FastAPI()
        self.app.include_router(health_routes(self.beats, checks or {}))

    async def get(self, path: str) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://tasks") as client:
            return await client.get(path)


async def failing() -> None:
    raise ConnectionRefusedError("postgres://tasks:secret@db")


async def hanging() -> None:
    await asyncio.Event().wait()


async def fine() -> None:
    pass


async def test_a_loop_that_makes_no_progress_is_named() -> None:
    process = Process()
    process.beats.watch("relay", limit_s=10)
    process.beats.watch("consume", limit_s=60)
    assert (await process.get("/livez")).status_code == 204
    process.time = 11
    answer = await process.get("/livez")
    assert (answer.status_code, answer.json()["loops"]) == (503, ["relay"])
    process.beats.beat("relay")
    assert (await process.get("/livez")).status_code == 204


def test_a_loop_is_watched_from_its_first_beat_and_forgotten_when_it_ends() -> None:
    process = Process()
    process.beats.beat("relay")
    process.beats.not_ready("relay", "broker away")
    process.time = 61
    assert process.beats.stalled() == ["relay"]
    process.beats.forget("relay")
    assert process.beats.stalled() == []
    assert process.beats.reasons == {}


async def test_a_process_is_ready_when_it_has_started_and_nothing_speaks_against_it() -> None:
    process = Process({"database": fine})
    assert (await process.get("/startupz")).status_code == 503
    assert (await process.get("/readyz")).json()["type"] == "urn:qingdan:problem:not-started"
    process.beats.started = True
    assert (await process.get("/startupz")).status_code == 204
    assert (await process.get("/readyz")).status_code == 204
    process.beats.not_ready("consume", "too much is parked")
    assert (await process.get("/readyz")).json()["reasons"] == {"consume": "too much is parked"}
    process.beats.ready("consume")
    assert (await process.get("/readyz")).status_code == 204


@pytest.mark.parametrize(("check", "reason"), [(failing, "ConnectionRefusedError"), (hanging, "TimeoutError")])
async def test_a_check_that_fails_or_hangs_makes_it_not_ready_and_tells_no_secret(
    check: Check, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.health.CHECK_TIMEOUT_S", 0.01)
    process = Process({"database": check, "issuer": fine})
    process.beats.started = True
    answer = await process.get("/readyz")
    assert (answer.status_code, answer.json()["reasons"]) == (503, {"database": reason})
    assert "secret" not in answer.text


async def test_probing_does_not_load_what_is_checked() -> None:
    asked = 0

    async def counting() -> None:
        nonlocal asked
        asked += 1

    process = Process({"database": counting})
    process.beats.started = True
    await asyncio.gather(*(process.get("/readyz") for _ in range(20)))
    assert asked == 1
