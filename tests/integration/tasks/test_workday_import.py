"""The notice of next year's holidays comes in over HTTP, and due dates that waited for it are reckoned again."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from devkit.browser import Client, application
from devkit.issuer import Issuer
from runtime.clock import utcnow
from runtime.db import Version
from runtime.workday_calendar import forget
from runtime.workdays import Calendar
from tasks.app import service
from tasks.claim_task import claim_task
from tasks.recount_due_dates import recount_due_dates

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

NOTICE = "国办发明电〔2026〕9号"
NAMED = {date(2027, 1, 1): "元旦", date(2027, 5, 1): "劳动节"}
NAMED |= {date(2027, 2, 5) + timedelta(days=n): "春节" for n in range(7)}
NAMED |= {date(2027, 10, 1) + timedelta(days=n): "国庆节" for n in range(7)}
MAKE_UP = {date(2027, 1, 30): "春节调休上班", date(2027, 2, 14): "春节调休上班"}


def said(day: date, name: str, *, works: bool = False) -> dict[str, object]:
    return {"date": str(day), "is_workday": works, "name_zh": name, "document": NOTICE}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """Neither of the database before nor for the one after."""
    forget()
    yield
    forget()


async def test_a_claim_of_60_days_in_december_is_certain_once_the_notice_is_imported(
    scene: "Scene", issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.claim_task.utcnow", lambda: utcnow().replace(year=2026, month=12, day=1))
    share = await scene.share()
    claimed = await claim_task(scene.pool, scene.cadre, share, 60, expected=Version(1))
    assert claimed.provisional
    rows = [said(day, name) for day, name in NAMED.items()]
    rows += [said(day, name, works=True) for day, name in MAKE_UP.items()]
    body = {"workdays": rows, "whole_year": 2027}
    async with application(service, scene.pool, issuer) as http:
        operator, cadre = Client(http, issuer, scene.operator), Client(http, issuer, scene.cadre)
        assert (await cadre.post("/workdays/import", body)).status_code == 403
        first, again = [await operator.post("/workdays/import", body, key="notice") for _ in range(2)]
        assert (first.status_code, first.json()["added"], again.text) == (200, 365, first.text), first.text
        refused = await operator.post("/workdays/import", {"workdays": [{**rows[0], "document": "?"}]})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/workdays/0/document")
        year = (await cadre.get("/workdays", year=2027)).json()
        assert (year["official"], year["provisional"], year["overridden"]) == (0, 0, 365)
        assert [day["date"] for day in year["days"] if day["name_zh"] == "春节调休上班"] == [*map(str, MAKE_UP)]
        assert (await cadre.get("/workdays", year=1900)).status_code == 422
    while await recount_due_dates(scene.pool, scene.service) or not await scene.told("share.limit-changed.v1"):
        pass
    (told,) = await scene.told("share.limit-changed.v1")
    announced = {date(2027, 1, 1) + timedelta(days=n): True for n in range(365)}
    announced = {day: day in MAKE_UP or (day.weekday() < 5 and day not in NAMED) for day in announced}
    due = Calendar(announced).add_working_days(claimed.claimed_on, 60)
    assert (told["due_on"], told["provisional"], told["code"]) == (str(due.on), False, "calendar")
    assert (told["share"], due.on != claimed.due_on) == (str(share), True)
    seen = await scene.look(share)
    assert (seen.due_on, seen.provisional) == (due.on, False)
