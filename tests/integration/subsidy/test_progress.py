"""A run's progress over HTTP: once, and as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from devkit.browser import Client
from devkit.issuer import Issuer
from subsidy.progress_http import _stream
from subsidy.show_progress import show_progress
from tests.integration.subsidy.browser import application_of_subsidy
from tests.integration.subsidy.conftest import Scene
from tests.integration.subsidy.frozen_run import Payday, settled


@pytest.fixture
async def payday(bare: Scene, tmp_path: Path) -> Payday:
    day = Payday(bare, tmp_path)
    await day.open()
    return day


@pytest.fixture
async def http(payday: Payday, issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    async with application_of_subsidy(payday.scene.pool, issuer) as client:
        yield client


async def test_every_step_of_a_run_is_shown(payday: Payday, http: httpx2.AsyncClient, issuer: Issuer) -> None:
    preparer = Client(http, issuer, payday.scene.preparer)

    async def codes() -> tuple[str, list[str]]:
        said = (await preparer.get(f"/runs/{run}/progress")).json()
        return said["state"], [wait["code"] for wait in said["waits_for"]]

    run = await payday.previewed(await payday.people(4))
    assert await codes() == ("previewed", ["freeze"])
    await payday.approve(run)
    assert await codes() == ("approved", [])
    await payday.instruct()
    assert await codes() == ("paying", ["bank"])
    await payday.says(*(settled(payment) for payment in await payday.payments(run)))
    assert await codes() == ("paying", ["closing"])
    steps = (await preparer.get(f"/runs/{run}/progress")).json()["steps"]
    assert [(step["step"], step["done"], step["total"]) for step in steps[3:6]] == [
        ("enter", 4, 4),
        ("send", 4, 4),
        ("bank", 4, 4),
    ]


async def test_another_countys_finance_sees_no_progress_of_ours(
    payday: Payday, http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    run = await payday.previewed(await payday.people(1))
    stranger = Client(http, issuer, payday.scene.other_preparer)
    assert (await stranger.get(f"/runs/{run}/progress")).status_code == 404
    assert (await stranger.get(f"/runs/{run}/progress/watch")).status_code == 404


async def test_who_watches_is_told_each_change(payday: Payday) -> None:
    run, scene = await payday.previewed(await payday.people(2)), payday.scene
    draining = asyncio.Event()
    first = await show_progress(scene.pool, scene.preparer, run)
    stream = _stream(lambda: show_progress(scene.pool, scene.preparer, run), first, draining)
    states = [_state(await anext(stream))]
    await payday.approve(run)
    states.append(_state(await anext(stream)))
    await payday.instruct()
    states.append(_state(await anext(stream)))
    draining.set()
    assert states == ["previewed", "approved", "paying"]
    assert [event async for event in stream] == []


def _state(event: str) -> str:
    name, data = event.splitlines()[:2]
    assert name == "event: progress"
    state: str = json.loads(data.removeprefix("data: "))["state"]
    return state
