"""Budgets: what a county may spend on a programme in a year, what is spent of it, and a run that would go beyond."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from devkit.browser import Client
from devkit.issuer import Issuer
from qingdan.ids import ProgrammeCode, RunId
from runtime.actor import Actor, Role
from runtime.db import Version, transaction
from runtime.problems import Forbidden, StaleVersion
from subsidy import budget_rules, budget_store
from subsidy.budget_rules import Budget, BudgetExceeded
from subsidy.list_budgets import BudgetView, list_budgets
from subsidy.set_budget import BudgetSet, set_budget
from tests.integration.service_scene import person
from tests.integration.subsidy.browser import application_of_subsidy
from tests.integration.subsidy.conftest import COUNTY, OTHER_COUNTY, TOWN, Scene
from tests.integration.subsidy.frozen_run import AMOUNT_FEN, Payday

YEAR = 2026
B01 = ProgrammeCode("B01")
SAID: dict[str, Any] = {"amount_fen": 5 * AMOUNT_FEN, "funding_source": "county", "effective_on": "2026-01-01"}
PATH = f"/budgets/{COUNTY}/{YEAR}/B01"


@pytest.fixture
async def payday(bare: Scene, tmp_path: Path) -> Payday:
    day = Payday(bare, tmp_path)
    await day.open()
    return day


@pytest.fixture
async def http(payday: Payday, issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database."""
    async with application_of_subsidy(payday.scene.pool, issuer) as client:
        yield client


async def put(
    http: httpx2.AsyncClient, who: Client, path: str, body: object, version: int, key: str
) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {who.token}", "Idempotency-Key": key, "If-Match": f'"{version}"'}
    return await http.put(f"/v1{path}", json=body, headers=headers)


async def set_to(
    scene: Scene, amount_fen: int, expected: int = 0, *, actor: Actor | None = None, **changed: Any
) -> BudgetSet:
    budget = Budget.model_validate(SAID | {"amount_fen": amount_fen} | changed)
    who = actor or scene.preparer
    return await set_budget(scene.pool, who, COUNTY, budget.effective_on.year, B01, budget, expected=Version(expected))


async def only_budget(scene: Scene, actor: Actor | None = None) -> BudgetView:
    (view,) = await list_budgets(scene.pool, actor or scene.preparer, year=YEAR, division=None, after=None, limit=10)
    return view


async def require_within(scene: Scene, run: RunId, on: date = date(2026, 7, 2)) -> None:
    """As a freeze asks."""
    async with transaction(scene.pool, scene.preparer) as tx:
        budget_rules.require_within(await budget_store.standing_of(tx, run, period="2026-07", on=on))


async def test_a_budget_is_set_amended_and_audited_over_http(
    http: httpx2.AsyncClient, issuer: Issuer, payday: Payday
) -> None:
    preparer = Client(http, issuer, payday.scene.preparer)
    assert (await preparer.get("/budgets", year=YEAR)).json()["items"] == []
    assert (await preparer.get(PATH)).headers["ETag"] == '"0"'
    first = await put(http, preparer, PATH, SAID, 0, "one")
    assert (first.status_code, first.headers["ETag"], first.json()["version"]) == (200, '"1"', 1), first.text
    again = await put(http, preparer, PATH, SAID, 0, "one")
    assert (again.text, again.headers["Idempotency-Replayed"]) == (first.text, "true")
    amended = SAID | {"amount_fen": 7 * AMOUNT_FEN, "note": "追加", "effective_on": "2026-02-01"}
    assert (await put(http, preparer, PATH, amended, 0, "two")).status_code == 412
    assert (await put(http, preparer, PATH, amended, 1, "three")).status_code == 200
    (view,) = (await preparer.get("/budgets", year=YEAR)).json()["items"]
    assert (view["budget_fen"], view["number"], view["note"], view["department"]) == (7 * AMOUNT_FEN, 2, "追加", "MZJ")
    assert (view["obliged_fen"], view["frozen_fen"], view["left_fen"]) == (0, 0, 7 * AMOUNT_FEN)
    history = (await preparer.get(PATH)).json()
    assert [(each["number"], each["amount_fen"]) for each in history["amendments"]] == [
        *((2, 7 * AMOUNT_FEN), (1, 5 * AMOUNT_FEN))
    ]
    assert history["amendments"][0]["set_by"] == payday.scene.preparer.subject
    audited = await payday.scene.rows("SELECT subject FROM audit_entry WHERE action = 'budget.set'")
    assert [row["subject"] for row in audited] == [f"{COUNTY}/{YEAR}/B01"] * 2


UNFIT: list[tuple[str, dict[str, Any], int, str]] = [
    (PATH, {"amount_fen": -1}, 422, "/amount_fen"),
    (PATH, {"amount_fen": 2**53}, 422, "/amount_fen"),
    (PATH, {"amount_fen": 1.5}, 422, "/amount_fen"),
    (PATH, {"amount_fen": "1"}, 422, "/amount_fen"),
    (PATH, {"funding_source": ""}, 422, "/funding_source"),
    (PATH, {"effective_on": "2025-12-31"}, 422, "/effective_on"),
    (PATH, {"currency": "USD"}, 422, "/currency"),
    (f"/budgets/{COUNTY}/1999/B01", {}, 422, "/year"),
    (f"/budgets/{COUNTY}/{YEAR}/B99", {}, 404, ""),
    (f"/budgets/{OTHER_COUNTY}/{YEAR}/B01", {}, 404, ""),
    (f"/budgets/{TOWN}/{YEAR}/B01", {}, 422, ""),
]


async def test_an_unfit_budget_is_refused_and_nothing_changes(
    http: httpx2.AsyncClient, issuer: Issuer, payday: Payday
) -> None:
    preparer = Client(http, issuer, payday.scene.preparer)
    for number, (path, changed, status, pointer) in enumerate(UNFIT):
        refused = await put(http, preparer, path, SAID | changed, 0, f"key-{number}")
        assert refused.status_code == status, refused.text
        assert refused.json()["title_zh"]
        if pointer:
            assert pointer in [error["pointer"] for error in refused.json()["errors"]], refused.text
    assert await payday.scene.rows("SELECT 1 FROM budget") == []
    assert await payday.scene.rows("SELECT 1 FROM audit_entry WHERE action = 'budget.set'") == []


async def test_a_run_is_shown_against_the_budget_and_refused_beyond_it(
    http: httpx2.AsyncClient, issuer: Issuer, payday: Payday
) -> None:
    scene, preparer = payday.scene, Client(http, issuer, payday.scene.preparer)
    run = await payday.previewed(await payday.people(3))
    unlimited = (await preparer.get(f"/runs/{run}/budget")).json()
    assert (unlimited["programmes"], unlimited["beyond"], unlimited["year"]) == ([], [], YEAR)
    await require_within(scene, run)
    await set_to(scene, 3 * AMOUNT_FEN - 1)
    shown = (await preparer.get(f"/runs/{run}/budget")).json()
    (b01,) = shown["programmes"]
    assert (shown["beyond"], b01["wanted_fen"], b01["left_fen"]) == (["B01"], 3 * AMOUNT_FEN, -1)
    with pytest.raises(BudgetExceeded) as refused:
        await require_within(scene, run)
    assert refused.value.details["programmes"] == [
        {
            "programme": "B01",
            "budget_fen": 3 * AMOUNT_FEN - 1,
            "taken_fen": 0,
            "wanted_fen": 3 * AMOUNT_FEN,
            "beyond_fen": 1,
        }
    ]
    await set_to(scene, 3 * AMOUNT_FEN, 1)
    await require_within(scene, run)
    assert (await preparer.get(f"/runs/{run}/budget")).json()["beyond"] == []


async def test_what_other_runs_of_the_year_froze_or_owe_counts_once(payday: Payday) -> None:
    scene, people = payday.scene, await payday.people(2)
    await set_to(scene, 5 * AMOUNT_FEN)
    may, june = [await payday.previewed(people, period=f"2026-0{month}") for month in (5, 6)]
    await payday.previewed(people, period="2025-12")
    july = await payday.previewed(people, period="2026-07")
    await payday.freeze(may)
    spent = await only_budget(scene)
    assert (spent.frozen_fen, spent.obliged_fen, spent.left_fen) == (2 * AMOUNT_FEN, 0, 3 * AMOUNT_FEN)
    await require_within(scene, july)
    await payday.approve(june)
    spent = await only_budget(scene)
    assert (spent.frozen_fen, spent.obliged_fen, spent.left_fen) == (2 * AMOUNT_FEN, 2 * AMOUNT_FEN, AMOUNT_FEN)
    with pytest.raises(BudgetExceeded) as refused:
        await require_within(scene, july)
    said = refused.value.details["programmes"]
    assert isinstance(said, list)
    assert [(each["taken_fen"], each["beyond_fen"]) for each in said] == [(4 * AMOUNT_FEN, AMOUNT_FEN)]
    await require_within(scene, may)  # what it takes itself is not counted a second time


async def test_an_amendment_counts_from_its_day_on(payday: Payday) -> None:
    scene = payday.scene
    run = await payday.previewed(await payday.people(2))
    await set_to(scene, AMOUNT_FEN)
    await set_to(scene, 2 * AMOUNT_FEN, 1, effective_on="2026-07-15")
    with pytest.raises(BudgetExceeded):
        await require_within(scene, run, on=date(2026, 7, 14))
    await require_within(scene, run, on=date(2026, 7, 15))


async def test_of_two_who_amend_at_once_one_is_told(payday: Payday) -> None:
    came = await asyncio.gather(*(set_to(payday.scene, amount) for amount in (1, 2, 3)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in came) == ["BudgetSet", "StaleVersion", "StaleVersion"]
    assert len(await payday.scene.rows("SELECT 1 FROM budget")) == 1
    with pytest.raises(StaleVersion):
        await set_to(payday.scene, 1, 5)


async def test_a_budget_is_its_countys_and_its_departments(payday: Payday) -> None:
    scene = payday.scene
    await set_to(scene, AMOUNT_FEN)
    for actor in (scene.other_preparer, person(Role.FINANCE_PREPARER, COUNTY, department="CLH")):
        assert await list_budgets(scene.pool, actor, year=YEAR, division=None, after=None, limit=10) == []
    assert await only_budget(scene, person(Role.FINANCE_PREPARER, COUNTY, department="MZJ"))
    for role in (Role.FINANCE_APPROVER, Role.AUDITOR):
        assert await only_budget(scene, person(role, COUNTY))
        with pytest.raises(Forbidden):
            await set_to(scene, 1, 1, actor=person(role, COUNTY))
    with pytest.raises(Forbidden):
        await only_budget(scene, person(Role.VILLAGE_CADRE, COUNTY))


async def test_what_was_set_stays(payday: Payday) -> None:
    await set_to(payday.scene, AMOUNT_FEN)
    for statement in ("UPDATE budget SET amount_fen = 1 RETURNING 1", "DELETE FROM budget RETURNING 1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await payday.scene.rows(statement)


async def test_pages_hold_every_budget_once(http: httpx2.AsyncClient, issuer: Issuer, payday: Payday) -> None:
    scene = payday.scene
    await scene.publish()
    for code in ("B01", "B02", "B08", "B28", "B43"):
        budget = Budget.model_validate(SAID)
        await set_budget(scene.pool, scene.preparer, COUNTY, YEAR, ProgrammeCode(code), budget, expected=Version(0))
    preparer, codes, after = Client(http, issuer, scene.preparer), list[str](), None
    while True:
        asked = {"year": YEAR, "limit": 2} | ({"after": after} if after else {})
        page = (await preparer.get("/budgets", **asked)).json()
        codes += [each["programme"] for each in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert codes == ["B01", "B02", "B08", "B28", "B43"]
