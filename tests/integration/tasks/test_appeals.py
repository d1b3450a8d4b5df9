"""A village's no, the department's appeal, and the county's decision, in the database, over HTTP and on the topics."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, get_args

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devkit.browser import Client, application, everything
from devkit.issuer import Issuer
from qingdan.divisions import DivisionLevel
from qingdan.gate import Ask
from qingdan.ids import AskId, AssessmentId, ShareId
from qingdan.tasks_events import RefusalAppealed
from runtime.actor import Actor, Role
from runtime.clock import utcnow
from runtime.db import Version, transaction
from runtime.divisions import division_id
from runtime.ids import new_id
from runtime.problems import Forbidden, NotFound, StaleVersion
from tasks import assessment_rules, assessment_store
from tasks.app import service
from tasks.appeal_refusal import appeal_refusal
from tasks.appeal_rules import (
    AlreadyAppealed,
    AppealDecided,
    AppealTooLate,
    CountyDecides,
    OnlyVillagesNo,
    OwnAppeal,
    TimeToDecideOver,
)
from tasks.assessment_rules import Header, Ranked
from tasks.claim_task import claim_task
from tasks.decide_appeal import decide_appeal
from tasks.gate_rules import NotOnTheList
from tasks.list_appeals import AppealView, list_appeals
from tasks.list_refused_asks import list_refused_asks
from tasks.refuse_share import refuse_share
from tasks.report_done import report_done
from tasks.share_rules import RefusalOverturned, VillageCode
from tasks.show_appeal import show_appeal
from tasks.show_share import show_share
from tasks.show_task import show_task
from tasks.uphold_silent_appeals import uphold_silent_appeals
from tests.integration.service_scene import person
from tests.integration.tasks.conftest import COUNTY, NEIGHBOUR, ROAD, TOWN, VISITS
from tests.integration.tasks.test_removal_orders import ordered
from tests.integration.tasks.test_removal_orders import share_of as share_of_order

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

ROADS, WELFARE = (person(Role.DEPARTMENT_STAFF, COUNTY, code) for code in ("JTJ", "MZJ"))
COMMITTEE = person(Role.ACCESS_APPROVER, COUNTY)
WHY = "该路段属于村道，经费已下达"


async def refused(scene: "Scene", code: VillageCode = "no_means") -> tuple[AskId, ShareId]:
    """A road that the village said no to."""
    share = await scene.share(ROAD)
    await refuse_share(scene.pool, scene.cadre, share, code, "没有经费", expected=Version(1))
    return await ask_of(scene, share), share


async def ask_of(scene: "Scene", share: ShareId) -> AskId:
    (row,) = await scene.rows("SELECT id FROM refused_ask WHERE share_id = $1 ORDER BY id DESC LIMIT 1", share)
    return AskId(row["id"])


async def appealed(scene: "Scene") -> tuple[AskId, ShareId]:
    ask, share = await refused(scene)
    await appeal_refusal(scene.pool, ROADS, ask, WHY)
    return ask, share


async def silent(scene: "Scene", days: int = 1) -> None:
    """All appeals should have been decided so many days ago."""
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute(
            "UPDATE refusal_appeal SET decide_by = $1, appealed_on = $1::date - 14", scene.today - timedelta(days=days)
        )


async def test_a_village_says_no_to_an_order_while_no_list_is_in_force(bare: "Scene") -> None:
    order = ordered(bare)
    await bare.hear(order)
    share = await share_of_order(bare, order)
    event = await refuse_share(bare.pool, bare.cadre, share, "beyond_item", "", expected=Version(1))
    assert event.list_version is None
    assert await bare.told("ask.refused.v1") == []
    assert len(await bare.told("share.refused.v1")) == 1
    (row,) = await list_refused_asks(bare.pool, bare.county, department="RWB", code=None, after=None, limit=5)
    assert (row.share, row.list_version, row.decided_by) == (share, None, "village")
    await appeal_refusal(bare.pool, person(Role.DEPARTMENT_STAFF, COUNTY, "RWB"), row.ask, WHY)


async def test_an_appeal_is_told_without_its_reasons_and_the_county_decides_by_the_day_it_names(scene: "Scene") -> None:
    ask, share = await refused(scene)
    event = await appeal_refusal(scene.pool, ROADS, ask, WHY)
    assert isinstance(event, RefusalAppealed)
    assert await scene.told("refusal.appealed.v1") == [event.model_dump(mode="json")]
    assert WHY not in str(await scene.told())
    (audited,) = await scene.rows("SELECT actor, after FROM audit_entry WHERE action = 'refusal.appealed.v1'")
    assert (audited["actor"], WHY in audited["after"]) == (ROADS.subject, False)
    seen = await show_appeal(scene.pool, COMMITTEE, ask)
    assert (seen.state, seen.share, seen.reasons, seen.decide_by) == ("open", share, WHY, event.decide_by)


async def test_upheld_the_no_stands_and_overturned_the_share_is_on_the_desk_again(scene: "Scene") -> None:
    (stays, kept), (falls, back) = await appealed(scene), await appealed(scene)
    await decide_appeal(scene.pool, COMMITTEE, stays, True, "村无此经费", expected=Version(1))
    await decide_appeal(scene.pool, COMMITTEE, falls, False, "经费已到村", expected=Version(1))
    assert [body["upheld"] for body in await scene.told("refusal.decided.v1")] == [True, False]
    assert ((await scene.look(kept)).state, (await scene.look(kept)).version) == ("refused", 2)
    again = await scene.look(back)
    assert (again.state, again.refusal_code, again.version) == ("published", None, 3)
    with pytest.raises(RefusalOverturned):
        await refuse_share(scene.pool, scene.cadre, back, "no_means", "", expected=Version(3))
    await refuse_share(scene.pool, scene.cadre, back, "duplicate", "", expected=Version(3))
    await appeal_refusal(scene.pool, ROADS, await ask_of(scene, back), WHY)
    third = await scene.share(ROAD)
    await refuse_share(scene.pool, scene.cadre, third, "no_means", "", expected=Version(1))


async def test_an_overturned_share_can_be_claimed(scene: "Scene") -> None:
    ask, share = await appealed(scene)
    await decide_appeal(scene.pool, COMMITTEE, ask, False, "经费已到村", expected=Version(1))
    await claim_task(scene.pool, scene.cadre, share, 10, expected=Version(3))
    assert (await scene.look(share)).state == "claimed"


async def test_who_may_appeal_and_when(scene: "Scene") -> None:
    ask, _ = await refused(scene)
    for actor in (scene.cadre, scene.town, COMMITTEE):
        with pytest.raises(Forbidden):
            await appeal_refusal(scene.pool, actor, ask, WHY)
    with pytest.raises(NotFound):
        await appeal_refusal(scene.pool, WELFARE, ask, WHY)
    answers = await asyncio.gather(
        *(appeal_refusal(scene.pool, ROADS, ask, WHY) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(answer, RefusalAppealed) for answer in answers) == 1
    assert sum(isinstance(answer, AlreadyAppealed) for answer in answers) == 3
    with pytest.raises(NotOnTheList):
        await scene.publish(Ask("JTJ", VISITS.kind, "参观学习", "A study tour", None))
    (gate,) = await scene.rows("SELECT id FROM refused_ask WHERE decided_by = 'gate'")
    with pytest.raises(OnlyVillagesNo):
        await appeal_refusal(scene.pool, ROADS, AskId(gate["id"]), WHY)


async def test_an_appeal_comes_too_late_after_ten_working_days(scene: "Scene", monkeypatch: pytest.MonkeyPatch) -> None:
    ask, _ = await refused(scene)
    monkeypatch.setattr("tasks.appeal_refusal.utcnow", lambda: utcnow() + timedelta(days=40))
    with pytest.raises(AppealTooLate):
        await appeal_refusal(scene.pool, ROADS, ask, WHY)


async def test_who_may_decide_and_once(scene: "Scene") -> None:
    ask, _ = await appealed(scene)

    async def decide(actor: Actor, version: int = 1) -> None:
        await decide_appeal(scene.pool, actor, ask, True, "理由", expected=Version(version))

    for actor in (scene.cadre, scene.town, ROADS):
        with pytest.raises(Forbidden):
            await decide(actor)
    for place, department in ((COUNTY, "JTJ"), (COUNTY, "WLJ"), (TOWN, None), (NEIGHBOUR, None), (TOWN, "ZZB")):
        with pytest.raises(CountyDecides):
            await decide(person(Role.ACCESS_APPROVER, place, department))
    with pytest.raises(StaleVersion):
        await decide(COMMITTEE, 7)
    await decide(COMMITTEE)
    with pytest.raises(AppealDecided):
        await decide(COMMITTEE, 2)


async def test_a_decider_of_a_reviewing_department_decides_and_sees_nothing_else_of_other_departments(
    scene: "Scene",
) -> None:
    (stays, _), (falls, back) = await appealed(scene), await appealed(scene)
    both = person(Role.DEPARTMENT_STAFF, COUNTY, "ZZB", name="party")
    one, two = person(Role.ACCESS_APPROVER, COUNTY, "NYJ"), replace(both, roles=both.roles | {Role.ACCESS_APPROVER})
    assert {view.ask for view in await listed(scene, one)} == {view.ask for view in await listed(scene, two)}
    assert (await show_appeal(scene.pool, two, falls)).reasons == WHY
    await decide_appeal(scene.pool, one, stays, True, "村无此经费", expected=Version(1))
    event = await decide_appeal(scene.pool, two, falls, False, "经费已到村", expected=Version(1))
    assert (await scene.look(back)).state == "published"
    assert await scene.rows("SELECT actor FROM audit_entry WHERE action = 'refusal.decided.v1' ORDER BY seq") == [
        {"actor": one.subject},
        {"actor": two.subject},
    ]
    for decider in (one, two):  # the appeal, and not what it is about
        with pytest.raises(NotFound):
            await show_share(scene.pool, decider, back)
        with pytest.raises(NotFound):
            await show_task(scene.pool, decider, event.task)
        noes = await list_refused_asks(scene.pool, decider, department=None, code=None, after=None, limit=5)
        assert noes == []


async def test_no_decider_decides_on_an_appeal_of_their_own_department(scene: "Scene") -> None:
    share = await scene.share(VISITS)
    await refuse_share(scene.pool, scene.cadre, share, "no_means", "", expected=Version(1))
    ask = await ask_of(scene, share)
    await appeal_refusal(scene.pool, WELFARE, ask, WHY)
    with pytest.raises(OwnAppeal):
        await decide_appeal(
            scene.pool, person(Role.ACCESS_APPROVER, COUNTY, "MZJ"), ask, False, "自己决定", expected=Version(1)
        )
    assert (await show_appeal(scene.pool, COMMITTEE, ask)).state == "open"


async def test_an_approver_who_does_not_decide_for_the_county_sees_the_own_departments_appeals_alone(
    scene: "Scene",
) -> None:
    ask, _ = await appealed(scene)
    sports, roads = (person(Role.ACCESS_APPROVER, COUNTY, department) for department in ("WLJ", "JTJ"))
    assert await listed(scene, sports) == []
    with pytest.raises(NotFound):
        await show_appeal(scene.pool, sports, ask)
    assert [view.ask for view in await listed(scene, roads)] == [ask]


async def test_after_the_countys_last_day_nobody_overturns_a_no_even_before_it_is_told(scene: "Scene") -> None:
    ask, share = await appealed(scene)
    await silent(scene)
    with pytest.raises(TimeToDecideOver):
        await decide_appeal(scene.pool, COMMITTEE, ask, False, "太迟", expected=Version(1))
    assert (await scene.look(share)).state == "refused"


async def test_two_who_decide_at_once_are_one_decision(scene: "Scene") -> None:
    ask, _ = await appealed(scene)
    deciders = (COMMITTEE, person(Role.ACCESS_APPROVER, COUNTY, "ZZB"))
    results = await asyncio.gather(
        *(decide_appeal(scene.pool, by, ask, at == 0, "理由", expected=Version(1)) for at, by in enumerate(deciders)),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["RefusalDecided", "StaleVersion"]
    assert len(await scene.told("refusal.decided.v1")) == 1


async def test_where_the_county_is_silent_the_no_stands_by_itself(scene: "Scene") -> None:
    late, share = await appealed(scene)
    await silent(scene)
    open_, _ = await appealed(scene)
    assert await uphold_silent_appeals(scene.pool, scene.service) is False
    (told,) = await scene.told("refusal.decided.v1")
    assert (told["ask"], told["upheld"]) == (str(late), True)
    assert (await show_appeal(scene.pool, scene.cadre, late)).state == "upheld"
    assert (await show_appeal(scene.pool, scene.cadre, open_)).state == "open"
    assert (await scene.look(share)).state == "refused"
    (audited,) = await scene.rows("SELECT actor FROM audit_entry WHERE action = 'refusal.decided.v1'")
    assert audited == {"actor": scene.service.subject}
    await uphold_silent_appeals(scene.pool, scene.service)
    assert len(await scene.told("refusal.decided.v1")) == 1


async def listed(scene: "Scene", actor: Actor) -> list[AppealView]:
    return await list_appeals(scene.pool, actor, state=None, after=None, limit=10)


async def test_parties_read_the_reasons_others_in_scope_know_of_the_appeal_and_nobody_else_does(scene: "Scene") -> None:
    ask, _ = await appealed(scene)
    await decide_appeal(scene.pool, COMMITTEE, ask, True, "村无此经费", expected=Version(1))
    for actor in (scene.cadre, ROADS, COMMITTEE):
        assert [(a.reasons, a.decision_reason) for a in await listed(scene, actor)] == [(WHY, "村无此经费")]
    for actor in (scene.town, scene.county):
        assert [(a.reasons, a.decision_reason) for a in await listed(scene, actor)] == [(None, None)]
    for actor in (scene.neighbour, scene.other_town, WELFARE):
        assert await listed(scene, actor) == []
        with pytest.raises(NotFound):
            await show_appeal(scene.pool, actor, ask)


async def ranking(scene: "Scene") -> list[list[Ranked]]:
    """Every village's and township's place, with all that explains it."""
    places, later = [], scene.today + timedelta(days=400)
    async with transaction(scene.pool, scene.service) as tx:
        county = await division_id(tx, COUNTY)
        for level in (DivisionLevel.VILLAGE, DivisionLevel.TOWNSHIP):
            header = Header(AssessmentId(new_id()), level, scene.today - timedelta(days=300), later, later)
            places.append(assessment_rules.rank((await assessment_store.facts_of(tx, county, header))[0]))
    return places


FATES = st.sampled_from(["refused", "appealed", "upheld", "overturned", "silent"])
CODES = st.sampled_from(list(get_args(VillageCode)))


@given(noes=st.lists(st.tuples(CODES, FATES), min_size=1, max_size=4), done=st.booleans())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_history_of_noes_and_appeals_changes_any_score_or_place(
    scene: "Scene", noes: list[tuple[VillageCode, str]], done: bool
) -> None:
    """Each example goes on from the history that the ones before have left."""
    orders = [ordered(scene) for _ in range(6)]  # enough to be ranked
    await scene.hear(*orders)
    for order in orders:
        claimed = await share_of_order(scene, order)
        await claim_task(scene.pool, scene.cadre, claimed, 5, expected=Version(1))
        if done:
            await report_done(scene.pool, scene.cadre, claimed, [], expected=Version(2))
            await scene.close_visit(claimed)
    before = await ranking(scene)
    assert any(place.rank is not None for place in before[0])
    for code, fate in noes:
        order = ordered(scene)
        await scene.hear(order)
        share = await share_of_order(scene, order)
        await refuse_share(scene.pool, scene.cadre, share, code, "", expected=Version(1))
        ask = await ask_of(scene, share)
        if fate != "refused":
            await appeal_refusal(scene.pool, person(Role.DEPARTMENT_STAFF, COUNTY, "RWB"), ask, WHY)
        if fate in ("upheld", "overturned"):
            await decide_appeal(scene.pool, COMMITTEE, ask, fate == "upheld", "理由", expected=Version(1))
        if fate == "silent":
            await silent(scene)
            await uphold_silent_appeals(scene.pool, scene.service)
    assert await ranking(scene) == before


@pytest.fixture
async def http(scene: "Scene", issuer: Issuer) -> AsyncIterator[httpx2.AsyncClient]:
    """The application on the scene's database."""
    async with application(service, scene.pool, issuer) as client:
        yield client


async def test_over_http_a_repeated_click_appeals_and_decides_once(
    scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    department, county = Client(http, issuer, ROADS), Client(http, issuer, COMMITTEE)
    ask, _ = await refused(scene)
    first, again = [await department.post(f"/asks/{ask}/appeal", {"reasons": WHY}, key="one") for _ in range(2)]
    assert (first.status_code, first.json()["type"], first.headers["ETag"]) == (201, "refusal.appealed.v1", '"1"')
    assert (again.text, again.headers["Idempotency-Replayed"]) == (first.text, "true")
    assert (await department.post(f"/asks/{ask}/appeal", {"reasons": WHY})).status_code == 409
    assert (await department.post(f"/asks/{ask}/appeal", {"reasons": " "})).status_code == 422
    shown = await county.get(f"/asks/{ask}/appeal")
    assert (shown.json()["reasons"], shown.headers["ETag"]) == (WHY, '"1"')
    body = {"upheld": False, "reason": "经费已到村"}
    assert (await county.post(f"/asks/{ask}/decision", body)).status_code == 428
    told, replayed = [await county.post(f"/asks/{ask}/decision", body, version=1, key="two") for _ in range(2)]
    assert (told.status_code, told.json()["upheld"], told.headers["ETag"]) == (200, False, '"2"')
    assert (replayed.text, replayed.headers["Idempotency-Replayed"]) == (told.text, "true")
    assert len(await scene.told("refusal.decided.v1")) == 1


async def test_the_list_begins_with_what_must_be_decided_first(
    scene: "Scene", http: httpx2.AsyncClient, issuer: Issuer
) -> None:
    asks = [(await appealed(scene))[0] for _ in range(3)]
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute("UPDATE refusal_appeal SET decide_by = decide_by - 1 WHERE ask_id = $1", asks[2])
    county = Client(http, issuer, COMMITTEE)
    assert [item["ask"] for item in await everything(county, "/asks/refused/appeals")] == [
        str(ask) for ask in (asks[2], asks[0], asks[1])
    ]
    assert (await county.get("/asks/refused/appeals", state="upheld")).json()["items"] == []
