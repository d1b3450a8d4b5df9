"""What a preview and a freeze are at, while their own transactions are open: seen by others, once and as it changes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from threading import Event
from typing import Any

import httpx2
import pytest

from devkit.browser import Client
from devkit.eventually import eventually
from devkit.issuer import Issuer
from qingdan.ids import RunId
from qingdan.money import FEN_MAX
from runtime.actor import Actor
from runtime.db import Tx, Version, transaction
from subsidy import evaluation_rules, obligation_store, run_store
from subsidy.computing_rules import Computing, NothingComputed
from subsidy.freeze_run import freeze_run
from subsidy.preview_run import preview_run
from subsidy.programme_rules import NoProgrammesInForce
from subsidy.progress_http import _until_ended
from subsidy.show_computing import show_computing
from tests.integration.subsidy.browser import application_of_subsidy
from tests.integration.subsidy.conftest import COUNTY, PERIOD, Scene

KILLED = """
INSERT INTO computing (division_id, period, what, step, done, total, began_at, step_began_at, heard_at)
SELECT id, $2, 'preview', 'programmes', 3, 70, now() - interval '1 minute', now() - interval '50 s',
       now() - interval '11 s' FROM division WHERE code = $1 RETURNING done
"""


@pytest.fixture
async def http(scene: Scene, issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    async with application_of_subsidy(scene.pool, issuer) as client:
        yield client


async def computing(scene: Scene, actor: Actor | None = None) -> Computing | None:
    try:
        return await show_computing(scene.pool, actor or scene.preparer, COUNTY, PERIOD)
    except NothingComputed:
        return None


async def until(scene: Scene, holds: Callable[[Computing], bool]) -> Computing:
    said: list[Computing] = []

    async def look() -> bool:
        now = await computing(scene)
        said.append(now) if now is not None else None
        return now is not None and holds(now)

    await eventually(look, timeout_s=20.0, what="it is told where the computation is")
    return said[-1]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Event:
    """Programmes are computed up to the second, until the event is set."""
    real, go_on = evaluation_rules.evaluate, Event()

    def evaluate(*args: Any, one_more: Callable[[], None], **others: Any) -> Any:
        counted = 0

        def counting() -> None:
            nonlocal counted
            one_more()
            counted += 1
            if counted == 2:
                assert go_on.wait(30.0)

        return real(*args, one_more=counting, **others)

    monkeypatch.setattr(evaluation_rules, "evaluate", evaluate)
    return go_on


async def test_a_preview_says_which_programmes_are_computed(scene: Scene, slow: Event) -> None:
    previewing = asyncio.ensure_future(preview_run(scene.pool, scene.preparer, COUNTY, PERIOD))
    said = await until(scene, lambda now: now.done == 2)
    assert (said.what, said.state, said.step, said.en) == (
        "preview",
        "going",
        "programmes",
        "the programmes are computed",
    )
    assert said.total > 2
    assert said.rate_per_s is not None
    assert said.rate_per_s > 0
    assert said.seconds_left is not None
    assert await scene.rows("SELECT 1 FROM run") == []  # its own transaction is open still
    slow.set()
    await previewing
    assert await computing(scene) is None


async def test_who_is_elsewhere_sees_nothing_of_it(
    scene: Scene, slow: Event, http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    previewing = asyncio.ensure_future(preview_run(scene.pool, scene.preparer, COUNTY, PERIOD))
    await until(scene, lambda now: now.done == 2)
    wanted = {"division": str(COUNTY), "period": PERIOD}
    seen = (await Client(http, issuer, scene.preparer).get("/computing", **wanted)).json()
    assert (seen["step"], seen["done"], seen["zh"]) == ("programmes", 2, "正在逐项计算补贴")
    assert (await Client(http, issuer, scene.other_preparer).get("/computing", **wanted)).status_code == 404
    slow.set()
    await previewing
    assert (
        (await Client(http, issuer, scene.preparer).get("/computing", **wanted))
        .json()["type"]
        .endswith("nothing-computed")
    )


async def test_who_watches_from_before_the_click_is_told_until_it_has_ended(scene: Scene, slow: Event) -> None:
    stream = _until_ended(lambda: computing(scene), asyncio.Event())
    events = [await anext(stream)]
    previewing = asyncio.ensure_future(preview_run(scene.pool, scene.preparer, COUNTY, PERIOD))
    async for event in stream:
        events.append(event)
        if '"done":2' in event:
            slow.set()
    await previewing
    assert events[0] == ": alive\n\n"
    names = [event.splitlines()[0] for event in events if not event.startswith(":")]
    assert set(names[:-1]) == {"event: progress"}
    assert names[-1] == "event: ended"
    assert json.loads(events[-2].splitlines()[1].removeprefix("data: "))["what"] == "preview"


async def test_it_has_ended_when_everybody_sees_the_run(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is told so and looks finds what was computed: not while its own transaction is still open."""
    real, go_on = run_store.save_previewed, asyncio.Event()

    async def save_later(*args: Any, **others: Any) -> None:
        await go_on.wait()
        await real(*args, **others)

    monkeypatch.setattr(run_store, "save_previewed", save_later)
    stream = _until_ended(lambda: computing(scene), asyncio.Event())
    previewing = asyncio.ensure_future(preview_run(scene.pool, scene.preparer, COUNTY, PERIOD))
    assert (await until(scene, lambda now: now.step == "results")).state == "going"
    go_on.set()
    assert [event async for event in stream][-1].startswith("event: ended")
    assert len(await scene.rows("SELECT 1 FROM run")) == 1
    await previewing


async def test_a_freeze_says_that_the_list_is_checked(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.family({"birth_date": "1940-01-01"})
    run = await scene.preview()
    real, go_on = obligation_store.hash_of_entitled, asyncio.Event()

    async def hash_later(tx: Tx, frozen: RunId) -> bytes:
        await go_on.wait()
        return await real(tx, frozen)

    monkeypatch.setattr(obligation_store, "hash_of_entitled", hash_later)
    freezing = asyncio.ensure_future(
        freeze_run(scene.pool, scene.preparer, run, scene.today, third_person_from_fen=FEN_MAX, expected=Version(1))
    )
    said = await until(scene, lambda now: now.what == "freeze")
    assert (said.step, said.done, said.total, said.rate_per_s) == ("list", 0, 1, None)
    go_on.set()
    await freezing
    assert await computing(scene) is None


async def test_what_is_refused_leaves_nothing_behind(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise NoProgrammesInForce()

    monkeypatch.setattr(evaluation_rules, "evaluate", fail)
    with pytest.raises(NoProgrammesInForce):
        await preview_run(scene.pool, scene.preparer, COUNTY, PERIOD)
    assert await computing(scene) is None


async def test_one_that_was_killed_is_shown_so_and_replaced_by_the_next(scene: Scene, slow: Event) -> None:
    async with transaction(scene.pool, scene.service) as tx:
        await tx.fetch(KILLED, str(COUNTY), PERIOD)
    said = await computing(scene)
    assert said is not None
    assert (said.state, said.rate_per_s, said.seconds_left) == ("interrupted", None, None)
    events = [event async for event in _until_ended(lambda: computing(scene), asyncio.Event())]
    assert len(events) == 1  # nobody watches what is dead
    previewing = asyncio.ensure_future(preview_run(scene.pool, scene.preparer, COUNTY, PERIOD))
    assert (await until(scene, lambda now: now.state == "going")).seconds < 30
    slow.set()
    await previewing
    assert await computing(scene) is None


async def test_telling_is_no_part_of_the_command(
    scene: Scene, slow: Event, http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    """Nothing of it is stored under the command's key: sent again, the click has the first click's answer."""
    preparer, click = Client(http, issuer, scene.preparer), {"division": str(COUNTY), "period": PERIOD}
    first = asyncio.ensure_future(preparer.post("/runs", click, key="one-click"))
    await until(scene, lambda now: now.done == 2)
    slow.set()
    answered = (await first).json()
    assert answered["type"] == "run.previewed.v1"
    assert (await preparer.post("/runs", click, key="one-click")).json() == answered
    assert len(await scene.rows("SELECT 1 FROM idempotency")) == 1
