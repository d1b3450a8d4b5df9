"""A round of the team: several visits said in one command, all of them or none."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from devkit.browser import Client, application
from devkit.issuer import Issuer
from inspection.app import service
from inspection.finding_rules import Found
from inspection.finish_visit import finish_visit
from inspection.finish_visits import finish_visits
from inspection.list_findings import list_findings
from inspection.plan_visit import plan_visit
from inspection.show_visit import show_visit
from inspection.visit_rules import VisitDayImpossible, VisitIsDone
from qingdan.ids import VisitId
from runtime.db import Version
from runtime.ids import new_id
from runtime.problems import Forbidden, NotFound, StaleVersion
from tests.integration.held_row import held_row

if TYPE_CHECKING:
    from tests.integration.inspection.conftest import Scene

CRACKS = Found(category="quality", text="路面有裂缝", suggestion="重新灌缝")
DITCH = Found(category="drainage", text="边沟堵塞", suggestion="清理边沟")


async def planned(scene: "Scene", count: int) -> list[VisitId]:
    reported = [await scene.tell_of_reported_share() for _ in range(count)]
    return [(await plan_visit(scene.pool, scene.supervisor, told.share, scene.today)).visit for told in reported]


def first(visits: Sequence[VisitId]) -> dict[VisitId, Version]:
    return dict.fromkeys(visits, Version(1))


def nothing(visits: Sequence[VisitId]) -> dict[VisitId, list[Found]]:
    return {visit: [] for visit in visits}


async def test_each_visit_keeps_its_own_findings_and_is_told_under_its_own_key(scene: "Scene") -> None:
    clean, cracked, both = await planned(scene, 3)
    before = len(await scene.told_keys())
    found = {clean: [], cracked: [CRACKS], both: [CRACKS, DITCH]}
    answer = await finish_visits(scene.pool, scene.supervisor, first([both, clean, cracked]), scene.today, found)
    assert [(event.visit, event.findings) for event in answer.done] == [(both, 2), (clean, 0), (cracked, 1)]
    pair = ["finding.raised.v1", "suggestion.made.v1"]
    assert (await scene.told_keys())[before:] == [
        *((kind, str(both)) for kind in ["visit.done.v1", *pair, *pair]),
        *((kind, str(clean)) for kind in ["visit.done.v1", "visit.closed.v1"]),
        *((kind, str(cracked)) for kind in ["visit.done.v1", *pair]),
    ]
    for visit, words in found.items():
        kept = await list_findings(scene.pool, scene.cadre, state=None, visit=visit, after=None, limit=9)
        assert sorted((f.category, f.text, f.suggestion) for f in kept) == sorted(
            (w.category, w.text, w.suggestion) for w in words
        )
    states = {visit: (await show_visit(scene.pool, scene.cadre, visit)).state for visit in found}
    assert states == {clean: "closed", cracked: "done", both: "done"}


async def test_one_visit_that_cannot_be_finished_keeps_all_planned_and_is_named(scene: "Scene") -> None:
    good, done = await planned(scene, 2)
    await finish_visit(scene.pool, scene.supervisor, done, scene.today, [], expected=Version(1))
    told = len(await scene.told_keys())
    unknown = VisitId(new_id())
    cases: list[tuple[VisitId, int, type[Exception]]] = [
        (done, 2, VisitIsDone),
        (done, 1, StaleVersion),
        (unknown, 1, NotFound),
    ]
    for visit, version, kind in cases:
        with pytest.raises(kind) as refused:
            await finish_visits(
                scene.pool,
                scene.supervisor,
                {good: Version(1), visit: Version(version)},
                scene.today,
                nothing([good, visit]),
            )
        assert refused.value.details["visit"] == str(visit)  # type: ignore[attr-defined] # each is a Refusal
    assert (await show_visit(scene.pool, scene.cadre, good)).version == 1
    assert len(await scene.told_keys()) == told


async def test_a_round_was_not_tomorrow(scene: "Scene") -> None:
    visits = await planned(scene, 2)
    tomorrow = scene.today + timedelta(days=1)
    with pytest.raises(VisitDayImpossible) as refused:
        await finish_visits(scene.pool, scene.supervisor, first(visits), tomorrow, nothing(visits))
    assert refused.value.details["visit"] == str(visits[0])


async def test_only_the_team_and_only_in_its_division_says_what_it_found(scene: "Scene") -> None:
    visits = await planned(scene, 2)
    with pytest.raises(Forbidden):
        await finish_visits(scene.pool, scene.cadre, first(visits), scene.today, nothing(visits))
    with pytest.raises(NotFound):
        await finish_visits(scene.pool, scene.other_supervisor, first(visits), scene.today, nothing(visits))


async def test_two_rounds_in_opposite_order_wait_for_each_other_and_do_not_deadlock(scene: "Scene") -> None:
    visits = await planned(scene, 5)
    async with held_row(scene.pool, scene.service, "visit", visits[2]) as held:
        both = [
            asyncio.create_task(finish_visits(scene.pool, scene.supervisor, first(order), scene.today, nothing(order)))
            for order in (visits, visits[::-1])
        ]
        await held.until_waited_for(by=2)
    answers = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["StaleVersion", "VisitsDone"], answers
    assert [kind for kind, _ in await scene.told_keys()].count("visit.done.v1") == 5


@pytest.fixture
async def supervisor(scene: "Scene", issuer: Issuer) -> AsyncIterator[Client]:
    """The team before the application."""
    async with application(service, scene.pool, issuer) as http:
        yield Client(http, issuer, scene.supervisor)


async def test_a_round_over_http_and_a_repeated_click(scene: "Scene", supervisor: Client) -> None:
    visits = await planned(scene, 2)
    rows = [{"visit": str(visit), "version": 1} for visit in visits]
    rows[1] |= {"findings": [CRACKS.model_dump()]}
    body = {"done_on": str(scene.today), "visits": rows}
    said, again = [await supervisor.post("/visits/done", body, key="one-click") for _ in range(2)]
    assert (said.status_code, said.text) == (200, again.text), said.text
    assert again.headers["Idempotency-Replayed"] == "true"
    assert [(event["visit"], event["findings"]) for event in said.json()["done"]] == [
        (str(visits[0]), 0),
        (str(visits[1]), 1),
    ]
    assert len((await supervisor.get("/findings")).json()["items"]) == 1


async def test_a_visit_named_twice_is_refused(scene: "Scene", supervisor: Client) -> None:
    (visit,) = await planned(scene, 1)
    row = {"visit": str(visit), "version": 1}
    refused = await supervisor.post("/visits/done", {"done_on": str(scene.today), "visits": [row, row]})
    (error,) = refused.json()["errors"]
    assert (refused.status_code, error["pointer"], error["code"]) == (422, "/visits", "each_once")
    assert (error["message"], error["message_zh"]) == ("Name each one once.", "每项只列一次。")
