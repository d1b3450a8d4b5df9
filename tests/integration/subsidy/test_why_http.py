"""Why and who does not receive, over HTTP: JSON, text, a page to print, a file; and nothing kept by browsers."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from devkit.browser import Client, everything
from devkit.issuer import Issuer
from runtime.actor import Role
from runtime.paging import cursor_behind
from tests.integration.service_scene import person
from tests.integration.subsidy.browser import application_of_subsidy
from tests.integration.subsidy.conftest import COUNTY, PERIOD, VILLAGE
from tests.integration.subsidy.frozen_run import Payday

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.subsidy.conftest import Scene

OLD = {"birth_date": "1941-05-01"}


@pytest.fixture
async def http(scene: "Scene", issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database."""
    async with application_of_subsidy(scene.pool, issuer) as client:
        yield client


@pytest.fixture
def cadre(http: httpx2.AsyncClient, issuer: Issuer) -> Client:
    """Who reads it out."""
    return Client(http, issuer, person(Role.VILLAGE_CADRE, VILLAGE))


async def ask(client: Client, accept: str, language: str = "zh", **asked: Any) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {client.token}", "Accept": accept, "Accept-Language": language}
    return await client.http.get("/v1/why", params={"programme": "B08", "period": PERIOD} | asked, headers=headers)


async def test_the_same_answer_in_four_forms(scene: "Scene", cadre: Client) -> None:
    who = str((await scene.family(OLD)).people[0])
    answered = await ask(cadre, "application/json", person=who)
    assert (answered.status_code, answered.headers["Content-Type"]) == (200, "application/json"), answered.text
    assert answered.json()["cases"][0]["outcome"] == "entitled"
    chinese, english = [await ask(cadre, "text/plain", language, person=who) for language in ("zh-CN", "en")]
    assert chinese.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "结论：有资格享受：各项条件均符合。" in chinese.text
    assert "Answer: Entitled: every condition is met." in english.text
    page = await ask(cadre, "text/html,application/xhtml+xml;q=0.9", person=who)
    assert page.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert page.text.startswith("<!DOCTYPE html>")
    for each in (answered, chinese, english, page):
        assert each.headers["Cache-Control"] == "no-store"
    assert len(await scene.rows("SELECT 1 FROM audit_entry WHERE action = 'facts.looked-at'")) == 4


async def test_an_auditors_view_over_http(scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer) -> None:
    who = str((await scene.family(OLD)).people[0])
    auditor = Client(http, issuer, person(Role.AUDITOR, COUNTY))
    answered = await ask(auditor, "*/*", person=who, view="auditor")
    assert answered.json()["eligibility"].startswith("is_alive &&")


async def test_a_frozen_month_is_answered_as_it_was(scene: "Scene", cadre: Client, tmp_path: "Path") -> None:
    who = str((await scene.family(OLD)).people[0])
    await scene.declare_complete()
    await Payday(scene, tmp_path).freeze(await scene.preview())
    await scene.set_parameters({"local_dibao_line_fen_month": 1})
    answered = await ask(cadre, "application/json", person=who)
    basis = answered.json()["basis"]
    assert (basis["facts"], basis["frozen_on"], basis["why_today"]) == ("frozen", str(scene.today), None)
    page = await ask(cadre, "text/html", person=who)
    assert "数据口径" in page.text
    assert basis["said"]["zh"] in page.text
    assert basis["said"]["en"] in page.text
    assert basis["said"]["en"] in (await ask(cadre, "text/plain", "en", person=who)).text


async def test_unfit_questions_are_refused_over_http(scene: "Scene", cadre: Client) -> None:
    who = str((await scene.family(OLD)).people[0])
    unfit: list[tuple[int, dict[str, Any]]] = [
        (422, {}),
        (422, {"person": "somebody"}),
        (422, {"person": who, "household": who}),
        (422, {"person": who, "period": "2026-13"}),
        (422, {"person": who, "view": "god"}),
        (422, {"person": who, "programme": "b08'"}),
        (403, {"person": who, "view": "auditor"}),
        (404, {"person": who, "programme": "B99"}),
        (404, {"person": "00000000-0000-7000-8000-000000000000"}),
    ]
    for status, asked in unfit:
        refused = await ask(cadre, "application/json", **asked)
        assert refused.status_code == status, (asked, refused.text)
        assert refused.json()["title_zh"]
    assert (await cadre.http.get("/v1/why")).status_code == 401


async def test_who_does_not_receive_in_pages_counts_and_a_file(scene: "Scene", cadre: Client) -> None:
    families = [await scene.family(OLD) for _ in range(3)]
    await scene.declare_complete()
    run = await scene.preview()
    found = await everything(cadre, "/unclaimed")
    assert {each["beneficiary"] for each in found} == {str(family.people[0]) for family in families}
    counts = (await cadre.get("/unclaimed/counts")).json()
    assert (counts["run"], counts["reasons"][0]["entitlements"]) == (str(run), 3)
    exported = await cadre.get("/unclaimed/export", reason="no_account")
    assert exported.headers["Content-Type"].startswith("text/csv")
    assert exported.headers["Content-Disposition"] == 'attachment; filename="unclaimed.csv"'
    assert len(exported.content.decode("utf-8-sig").splitlines()) == 4


async def test_a_forged_cursor_is_refused(scene: "Scene", cadre: Client) -> None:
    await scene.preview()
    for cursor in ("x", cursor_behind(["B01"]), cursor_behind(["B01", "no", "2026-07"])):
        assert (await cadre.get("/unclaimed", after=cursor)).status_code == 422
    assert (await cadre.get("/unclaimed", reason="laziness")).status_code == 422
