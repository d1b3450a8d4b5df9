"""A notice as it is put up: the same items that a notice shows, of a place and everything in it, masked alike."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from devkit.browser import Client
from devkit.issuer import Issuer
from qingdan.ids import RunId
from runtime.actor import Actor, Role
from runtime.problems import NotFound
from subsidy import print_notice as use_case
from subsidy.notice_page_rules import POLICY, TooMuchToPrint
from subsidy.notice_rules import NoNoticeYet
from subsidy.print_notice import print_notice
from subsidy.show_notice import show_notice
from tests.integration.service_scene import person
from tests.integration.subsidy.browser import application_of_subsidy
from tests.integration.subsidy.conftest import COUNTY, FAR_VILLAGE, OTHER_VILLAGE, TOWN, VILLAGE, Scene, programme
from tests.integration.subsidy.frozen_run import Payday

CADRE, NEIGHBOUR = person(Role.VILLAGE_CADRE, VILLAGE), person(Role.VILLAGE_CADRE, OTHER_VILLAGE)

_MOVE = """
INSERT INTO entitlement (run_id, programme, beneficiary, occurrence, kind, payee, division_id, department, amount_fen,
                         status)
SELECT run_id, 'B12', beneficiary, occurrence, kind, payee, (SELECT id FROM division WHERE code = $2), department,
       amount_fen, status
FROM entitlement WHERE run_id = $1 RETURNING beneficiary
"""


@pytest.fixture
async def payday(bare: Scene, tmp_path: Path) -> Payday:
    day = Payday(bare, tmp_path)
    await day.open()
    return day


@pytest.fixture
async def run(payday: Payday) -> RunId:
    """Three people in one village under B01, and in another under B12, which names nobody."""
    await payday.scene.publish(programme("B01", excludes=[]), programme("B12", excludes=[]))
    run = await payday.previewed(await payday.people(3))
    await payday.scene.rows("UPDATE run SET programme_version = 2 WHERE id = $1 RETURNING id", run)
    await payday.scene.rows(_MOVE, run, str(OTHER_VILLAGE))
    await payday.freeze(run)
    return run


async def printed(payday: Payday, run: RunId, by: Actor | None = None, **what: Any) -> str:
    asked: dict[str, Any] = {"programme": None, "division": None} | what
    actor = by or payday.scene.preparer
    return await print_notice(payday.scene.pool, actor, run, payday.desk.service_key_file, **asked)


async def test_it_has_the_items_of_the_notice_a_village_after_the_other(payday: Payday, run: RunId) -> None:
    document = await printed(payday, run)
    shown = await show_notice(
        payday.scene.pool,
        payday.scene.preparer,
        run,
        payday.desk.service_key_file,
        programme=None,
        division=None,
        after=None,
        limit=50,
    )
    assert {each.item for each in shown} == set(re.findall(r'class="item">([0-9a-f]{16})<', document))
    first, second = document.split("<section>")[1:]
    assert (f"区划{VILLAGE}" in first, first.count("金**甄"), second.count("金**甄")) == (True, 3, 0)
    assert "未成年人" in second
    assert "金丝雀甄" not in document
    (frozen,) = await payday.scene.rows("SELECT notice_until::text AS until FROM run")
    assert frozen["until"] in first


async def test_a_village_prints_its_own_and_a_town_what_is_in_it(payday: Payday, run: RunId) -> None:
    assert len(re.findall("<section>", await printed(payday, run, CADRE))) == 1
    assert f"区划{OTHER_VILLAGE}" in await printed(payday, run, NEIGHBOUR)
    assert len(re.findall("<section>", await printed(payday, run, division=TOWN))) == 2
    assert len(re.findall("<section>", await printed(payday, run, division=VILLAGE))) == 1
    assert "没有任何款项" in await printed(payday, run, CADRE, division=OTHER_VILLAGE)
    assert "金**甄" not in await printed(payday, run, programme="B12")
    with pytest.raises(NotFound):
        await printed(payday, run, person(Role.VILLAGE_CADRE, FAR_VILLAGE))


async def test_nothing_is_printed_before_the_freeze(payday: Payday) -> None:
    with pytest.raises(NoNoticeYet):
        await printed(payday, await payday.previewed(await payday.people(1)))


async def test_a_notice_too_long_for_one_print_is_refused(
    payday: Payday, run: RunId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use_case, "PRINTED_MAX", 5)
    with pytest.raises(TooMuchToPrint) as refused:
        await printed(payday, run)
    assert refused.value.details == {"items_max": 5}
    assert "金**甄" in await printed(payday, run, division=VILLAGE)


@pytest.fixture
async def http(payday: Payday, issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    async with application_of_subsidy(payday.scene.pool, issuer, payday.desk.service_key_file) as client:
        yield client


async def test_over_http_it_is_a_page_that_nobody_keeps(
    http: httpx2.AsyncClient, issuer: Issuer, run: RunId, tmp_path: Path
) -> None:
    page = await Client(http, issuer, CADRE).get(f"/runs/{run}/notice.html", division=str(VILLAGE))
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["Content-Security-Policy"] == POLICY
    assert page.headers["Cache-Control"] == "no-store"
    assert page.text.count("金**甄") == 3
    elsewhere = await Client(http, issuer, person(Role.FINANCE_PREPARER, COUNTY)).get(
        f"/runs/{run}/notice.html", division="nowhere"
    )
    assert elsewhere.status_code == 422
