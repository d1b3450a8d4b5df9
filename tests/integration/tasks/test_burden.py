"""The burden ledger: it equals the sum of its asks whatever happens, and tells each what is theirs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from qingdan.burden_events import BurdenLine
from qingdan.divisions import DivisionCode
from qingdan.gate import Ask
from qingdan.ids import AskId, RemovalOrderId, ShareId, SignId
from qingdan.signage_events import RemovalOrdered
from qingdan.tasks_events import AskKind, TaskPublished
from runtime.actor import Actor, Role
from runtime.db import Version, transaction
from runtime.divisions import DivisionUnknown
from runtime.ids import new_id
from runtime.problems import Refusal
from tasks import burden_store
from tasks.appeal_refusal import appeal_refusal
from tasks.burden_rules import months_before
from tasks.change_budget import change_budget
from tasks.claim_task import claim_task
from tasks.decide_appeal import decide_appeal
from tasks.export_burden import export_burden
from tasks.fold_durations import fold_durations
from tasks.gate_rules import NotOnTheList
from tasks.hold_meeting import hold_meeting
from tasks.list_burden_reports import list_burden_reports
from tasks.list_burdened_villages import list_burdened_villages
from tasks.publish_task import Terms, publish_task
from tasks.refuse_share import refuse_share
from tasks.report_burden import report_burden
from tasks.report_done import report_done
from tasks.show_burden import BurdenView, show_burden
from tasks.withdraw_taken_shares import withdraw_taken_shares
from tests.integration.service_scene import person
from tests.integration.tasks.burden_check import ledger, sum_of_its_asks
from tests.integration.tasks.conftest import COUNTY, NEIGHBOUR, OTHER_TOWN, ROAD, TOWN, VILLAGE, VISITS

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

FARAWAY = DivisionCode("130431100201")  # of the other township
ROAD_AGAIN = Ask("NYJ", AskKind.TASK, "村内主路硬化", "Harden the main road of the village", "RS05")
LETTER = Ask("JTJ", AskKind.LETTER, "签订道路养护责任状", "Sign a pledge", "RQ03")
ROADS, WELFARE = (person(Role.DEPARTMENT_STAFF, COUNTY, code) for code in ("JTJ", "MZJ"))
COMMITTEE = person(Role.ACCESS_APPROVER, COUNTY)


async def burden(scene: "Scene", actor: Actor, division: DivisionCode | None = None, **months: date) -> BurdenView:
    return await show_burden(scene.pool, actor, division, months.get("first"), months.get("last"))


async def in_county(scene: "Scene", ask: Ask, villages: Sequence[DivisionCode], terms: Terms | None = None) -> Any:
    """A task of a meeting of the whole county."""
    meeting = (await hold_meeting(scene.pool, scene.county, COUNTY, scene.today, "全县部署会")).meeting
    return await publish_task(scene.pool, scene.county, meeting, ask, villages, terms or Terms())


async def refuse(scene: "Scene", event: TaskPublished) -> AskId:
    """The village says no to its share."""
    (share,) = [part.share for part in event.shares if part.village == VILLAGE]
    await refuse_share(scene.pool, scene.cadre, share, "no_means", "没有经费", expected=Version(1))
    (row,) = await scene.rows("SELECT id FROM refused_ask WHERE share_id = $1", share)
    return AskId(row["id"])


async def months_ago(scene: "Scene", count: int) -> date:
    """Move the whole ledger so many months into the past; return its month."""
    month = months_before(scene.today, count)
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute("UPDATE burden SET month = $1", month)
        await tx.execute("UPDATE item_timeliness SET month = $1", month)
    return month


# -- the ledger equals the sum of its asks ----------------------------------------------------------------------------


@dataclass
class History:
    """Real commands in a random order; what cannot be is refused, as in life."""

    scene: "Scene"
    chance: Random
    shares: list[tuple[ShareId, DivisionCode]] = field(default_factory=list)
    done: set[str] = field(default_factory=set)

    async def step(self) -> None:
        name = self.chance.choice(
            ("publish", "publish", "publish", "order", "claim", "finish", "refuse", "refuse", "appeal", "withdraw")
        )
        try:
            await getattr(self, name)()
        except Refusal as refused:
            self.done.add(type(refused).__name__)
        else:
            self.done.add(name)

    async def publish(self) -> None:
        villages = self.chance.sample([VILLAGE, NEIGHBOUR, FARAWAY], self.chance.randint(1, 3))
        terms = Terms(
            open_to=self.chance.choice(("each", "first")),
            if_duplicate=self.chance.choice(("refuse", "merge")),
            beyond_budget_reason=self.chance.choice((None, "防汛急需")),
        )
        event = await in_county(
            self.scene, self.chance.choice((ROAD, VISITS, VISITS, ROAD_AGAIN, LETTER)), villages, terms
        )
        if isinstance(event, TaskPublished):
            self.shares += [(part.share, part.village) for part in event.shares]

    async def order(self) -> None:
        village = self.chance.choice([VILLAGE, NEIGHBOUR])
        order = RemovalOrdered(
            order=RemovalOrderId(new_id()),
            village=village,
            sign=SignId(new_id()),
            department="RWB",
            code="SG19",
            ordered_on=self.scene.today,
            due_on=self.scene.today,
            legal_basis="关于规范村级组织工作事务的意见",
        )
        await self.scene.hear(order)

    async def claim(self) -> None:
        share, cadre, version = await self._share()
        await claim_task(self.scene.pool, cadre, share, 5, expected=version)

    async def finish(self) -> None:
        share, cadre, version = await self._share()
        await report_done(self.scene.pool, cadre, share, (), expected=version)

    async def refuse(self) -> None:
        share, cadre, version = await self._share()
        await refuse_share(self.scene.pool, cadre, share, "no_means", "没有经费", expected=version)

    async def appeal(self) -> None:
        noes = await self.scene.rows(
            "SELECT id, department FROM refused_ask WHERE decided_by = 'village' AND id NOT IN"
            " (SELECT ask_id FROM refusal_appeal) ORDER BY id"
        )
        if noes:
            no = self.chance.choice(noes)
            department = person(Role.DEPARTMENT_STAFF, COUNTY, no["department"])
            await appeal_refusal(self.scene.pool, department, no["id"], "经费已下达")
            upheld = self.chance.choice((True, False))
            await decide_appeal(self.scene.pool, COMMITTEE, no["id"], upheld, "已核", expected=Version(1))

    async def withdraw(self) -> None:
        await withdraw_taken_shares(self.scene.pool, self.scene.service)

    async def _share(self) -> tuple[ShareId, Actor, Version]:
        share, village = self.chance.choice(self.shares or [(ShareId(new_id()), VILLAGE)])
        rows = await self.scene.rows("SELECT version FROM share WHERE id = $1", share)
        return share, person(Role.VILLAGE_CADRE, village), Version(rows[0]["version"] if rows else 1)


@pytest.mark.parametrize("seed", range(4))
async def test_the_ledger_equals_the_sum_of_its_asks_after_any_history(scene: "Scene", seed: int) -> None:
    await change_budget(scene.pool, scene.county, COUNTY, scene.today, 60)
    history = History(scene, Random(seed))
    for _ in range(45):
        await history.step()
    assert {"publish", "order", "claim", "refuse", "NotOnTheList"} <= history.done
    assert await ledger(scene) == await sum_of_its_asks(scene)


async def test_a_no_takes_its_hours_off_and_an_overturned_one_puts_them_back(scene: "Scene") -> None:
    ask = await refuse(scene, await scene.publish(ROAD))
    (row,) = await ledger(scene)
    assert (row["shares"], row["hours"], row["refused_by_villages"]) == (1, 0, 1)
    await appeal_refusal(scene.pool, ROADS, ask, "经费已下达")
    await decide_appeal(scene.pool, COMMITTEE, ask, False, "已核", expected=Version(1))
    (row,) = await ledger(scene)
    assert (row["shares"], row["hours"], row["refused_by_villages"]) == (1, 40, 0)


async def test_what_is_withdrawn_takes_its_hours_off(scene: "Scene") -> None:
    event = await in_county(scene, VISITS, [VILLAGE, NEIGHBOUR], Terms(open_to="first"))
    share = next(part.share for part in event.shares if part.village == VILLAGE)
    await claim_task(scene.pool, scene.cadre, share, 5, expected=Version(1))
    await withdraw_taken_shares(scene.pool, scene.service)
    assert [(row["shares"], row["hours"], row["withdrawn"]) for row in await ledger(scene)] == [(1, 6, 0), (1, 0, 1)]


async def test_an_ask_cites_what_it_likes_and_the_ledger_knows_only_what_is_on_the_list(scene: "Scene") -> None:
    for cited in ("RQ03", "XX99"):
        with pytest.raises(NotOnTheList):
            await scene.publish(Ask("JTJ", AskKind.LETTER, "签订责任状", "Sign a pledge", cited))
    assert [(row["item_code"], row["refused_at_gate"]) for row in await ledger(scene)] == [("", 1), ("RQ03", 1)]


async def test_shares_that_change_together_hold_the_ledger_in_the_order_of_its_key(scene: "Scene") -> None:
    event = await scene.publish(VISITS, [NEIGHBOUR, VILLAGE])
    async with transaction(scene.pool, scene.service) as tx:
        await burden_store.lock_rows_of(tx, [part.share for part in event.shares])
        async with transaction(scene.pool, scene.service) as other:
            free = await other.fetch("SELECT division_id FROM burden FOR UPDATE SKIP LOCKED")
    assert free == []


# -- what is told -----------------------------------------------------------------------------------------------------


async def busy(scene: "Scene") -> None:
    """A task of two townships, a task of one village that was refused, a pledge, and a merged ask."""
    await in_county(scene, VISITS, [VILLAGE, NEIGHBOUR, FARAWAY])
    await refuse(scene, await scene.publish(ROAD))
    await scene.publish(ROAD, [NEIGHBOUR])
    with pytest.raises(NotOnTheList):
        await scene.publish(LETTER)
    merged = Terms(if_duplicate="merge")
    await publish_task(scene.pool, scene.town, await scene.meeting(), ROAD_AGAIN, [NEIGHBOUR], merged)


def line(department: str, category: str, **counts: int) -> BurdenLine:
    names = ("asks", "shares", "hours", "beyond_budget", "refused_at_gate", "refused_by_villages", "merged")
    return BurdenLine(department=department, category=category, **dict.fromkeys(names, 0) | counts)


async def test_lines_tell_what_each_department_asked_by_part_of_the_list(scene: "Scene") -> None:
    await busy(scene)
    roads = line("JTJ", "qualified", asks=2, shares=2, hours=40, refused_at_gate=1, refused_by_villages=1)
    merged = line("NYJ", "statutory", merged=1)
    county = await burden(scene, scene.county)
    assert county.lines == [roads, line("MZJ", "assist", asks=1, shares=3, hours=18), merged]
    assert (county.totals.asks, county.totals.hours, county.totals.merged) == (3, 58, 1)
    # A task of the whole county is seen once in each township, and a village has its own shares.
    town = await burden(scene, scene.town)
    assert town.lines == [roads, line("MZJ", "assist", asks=1, shares=2, hours=12), merged]
    assert (await burden(scene, scene.other_town)).lines == [line("MZJ", "assist", asks=1, shares=1, hours=6)]
    village = await burden(scene, scene.county, VILLAGE)
    assert village.lines == [
        line("JTJ", "qualified", asks=1, shares=1, refused_by_villages=1),
        line("MZJ", "assist", asks=1, shares=1, hours=6),
    ]
    assert village == await burden(scene, scene.cadre)


async def test_an_order_that_takes_a_sign_down_stands_on_no_part_of_the_list_and_has_no_price(scene: "Scene") -> None:
    await History(scene, Random(1)).order()
    told = await burden(scene, scene.county)
    assert told.lines == [line("RWB", "other", asks=1, shares=1)]
    assert told.effect[0].unpriced == 1


async def test_others_see_nothing_and_a_department_its_own(scene: "Scene") -> None:
    await busy(scene)
    stranger = person(Role.VILLAGE_CADRE, DivisionCode("130431100202"))
    for actor in (stranger, person(Role.TOWN_STAFF, DivisionCode("130431101000"))):
        assert (await burden(scene, actor)).lines == []
        assert len((await export_burden(scene.pool, actor, None, None, None)).splitlines()) == 1
        villages = await list_burdened_villages(scene.pool, actor, division=None, month=None, after=None, limit=200)
        assert {(each.hours, each.shares) for each in villages} == {(0, 0)}
        for foreign in (TOWN, VILLAGE, COUNTY):
            with pytest.raises(DivisionUnknown):
                await burden(scene, actor, foreign)
            with pytest.raises(DivisionUnknown):
                await export_burden(scene.pool, actor, foreign, None, None)
            with pytest.raises(DivisionUnknown):
                await list_burdened_villages(scene.pool, actor, division=foreign, month=None, after=None, limit=200)
    assert [each.department for each in (await burden(scene, ROADS)).lines] == ["JTJ"]
    assert b"JTJ" not in await export_burden(scene.pool, WELFARE, None, None, None)
    (own,) = [each for each in await villages_of(scene, WELFARE, TOWN) if each[0] == NEIGHBOUR]
    assert own[1:] == (6, 1)  # the road is none of its business


async def villages_of(scene: "Scene", actor: Actor, division: DivisionCode) -> list[tuple[DivisionCode, int, int]]:
    """The villages' hours and shares of this month, two a page."""
    found: list[tuple[DivisionCode, int, int]] = []
    after = None
    while page := await list_burdened_villages(scene.pool, actor, division=division, month=None, after=after, limit=2):
        found += [(each.village, each.hours, each.shares) for each in page]
        after = page[-1].position
    return found


async def test_every_village_is_listed_once_with_its_hours(scene: "Scene") -> None:
    await busy(scene)
    found = await villages_of(scene, scene.town, TOWN)
    assert len(found) == len({village for village, _, _ in found}) == 21
    assert [each for each in found if each[2]] == [(VILLAGE, 6, 2), (NEIGHBOUR, 46, 2)]


async def test_the_file_says_what_the_lines_say(scene: "Scene") -> None:
    await busy(scene)
    rows = (await export_burden(scene.pool, scene.town, None, None, None)).decode("utf-8-sig").splitlines()
    assert rows[0].startswith("department,category,asks,")
    assert rows[1:] == [
        "JTJ,qualified,2,2,40,0,1,1,0",
        "MZJ,assist,1,2,12,0,0,0,0",
        "NYJ,statutory,0,0,0,0,0,0,1",
    ]


async def test_the_effect_compares_a_month_with_the_one_before_and_that_of_the_year_before(scene: "Scene") -> None:
    await scene.publish(ROAD)
    await months_ago(scene, 12)
    await scene.publish(VISITS)
    told = await burden(scene, scene.town)
    assert [(each.month, each.hours) for each in told.effect] == [
        (months_before(scene.today, 0), 6),
        (months_before(scene.today, 1), 0),
        (months_before(scene.today, 12), 40),
    ]
    assert [each.department for each in told.lines] == ["MZJ"]
    whole = await burden(scene, scene.town, first=months_before(scene.today, 12), last=scene.today)
    assert [each.department for each in whole.lines] == ["JTJ", "MZJ"]


async def test_items_that_nobody_uses_in_twelve_months(scene: "Scene") -> None:
    await scene.publish(ROAD)
    await months_ago(scene, 11)
    assert "RQ03" not in (await burden(scene, scene.town)).items_never_used
    await months_ago(scene, 12)
    unused = (await burden(scene, scene.town)).items_never_used
    assert "RQ03" in unused
    assert len(unused) == 43
    assert "RA03" not in (await burden(scene, ROADS)).items_never_used  # it may not ask for that


async def finish(scene: "Scene", *, late: bool) -> None:
    share = await scene.share(VISITS)
    await claim_task(scene.pool, scene.cadre, share, 5, expected=Version(1))
    if late:
        async with transaction(scene.pool, scene.service) as tx:
            await tx.execute("UPDATE share SET due_on = $2 WHERE id = $1", share, scene.today - timedelta(days=1))
    await report_done(scene.pool, scene.cadre, share, (), expected=Version(2))
    await fold_durations(scene.pool, scene.service)


async def test_items_that_are_always_late(scene: "Scene") -> None:
    await finish(scene, late=True)
    assert (await burden(scene, scene.town)).items_always_late == ["RA03"]
    assert (await burden(scene, scene.cadre)).items_always_late == ["RA03"]
    assert (await burden(scene, scene.neighbour)).items_always_late == []
    assert (await burden(scene, ROADS)).items_always_late == []
    await finish(scene, late=False)
    assert (await burden(scene, scene.town)).items_always_late == []


# -- the monthly report -----------------------------------------------------------------------------------------------


async def report_all(scene: "Scene", today: date) -> None:
    while await report_burden(scene.pool, scene.service, today):
        pass


async def test_a_month_is_reported_once_for_the_county_and_each_township_that_was_asked_anything(
    scene: "Scene",
) -> None:
    await busy(scene)
    after = months_before(scene.today, -1)
    await report_all(scene, scene.today)
    assert await scene.told("burden.reported.v1") == []  # the month is not over
    for _ in range(2):
        await report_all(scene, after)
    told = await scene.told("burden.reported.v1")
    assert sorted(each["division"] for each in told) == [COUNTY, OTHER_TOWN, TOWN]
    (county,) = [each for each in told if each["division"] == COUNTY]
    assert county["month"] == str(months_before(scene.today, 0))
    assert [(each["department"], each["hours"]) for each in county["lines"]] == [("JTJ", 40), ("MZJ", 18), ("NYJ", 0)]
    assert "RQ03" not in county["items_never_used"]
    assert len(county["items_never_used"]) == 41


async def test_replicas_that_report_at_once_report_once(scene: "Scene") -> None:
    await scene.publish(ROAD)
    after = months_before(scene.today, -1)
    await asyncio.gather(*(report_burden(scene.pool, scene.service, after) for _ in range(4)))
    await report_all(scene, after)
    assert sorted(each["division"] for each in await scene.told("burden.reported.v1")) == [COUNTY, TOWN]


async def test_a_month_that_was_missed_is_made_good(scene: "Scene") -> None:
    await scene.publish(ROAD)
    await report_all(scene, months_before(scene.today, -1))
    await report_all(scene, months_before(scene.today, -3))
    told = [(each["division"], each["month"]) for each in await scene.told("burden.reported.v1")]
    months = [str(months_before(scene.today, count)) for count in (0, -1, -2)]
    assert sorted(told) == sorted((division, month) for division in (COUNTY, TOWN) for month in months)


async def test_a_database_in_which_nothing_was_asked_reports_nothing(scene: "Scene") -> None:
    await report_all(scene, scene.today)
    assert await scene.told("burden.reported.v1") == []


async def test_reports_are_read_by_whom_they_concern(scene: "Scene") -> None:
    await busy(scene)
    await report_all(scene, months_before(scene.today, -1))

    async def read(actor: Actor) -> list[tuple[DivisionCode, list[str]]]:
        reports = await list_burden_reports(scene.pool, actor, division=None, after=None, limit=50)
        return [(each.division, [line.department for line in each.lines]) for each in reports]

    everything = [(TOWN, ["JTJ", "MZJ", "NYJ"]), (OTHER_TOWN, ["MZJ"]), (COUNTY, ["JTJ", "MZJ", "NYJ"])]
    assert await read(scene.county) == everything
    assert await read(scene.town) == everything[:1]
    assert await read(scene.cadre) == []
    assert await read(person(Role.TOWN_STAFF, DivisionCode("130431101000"))) == []
    assert await read(ROADS) == [(TOWN, ["JTJ"]), (OTHER_TOWN, []), (COUNTY, ["JTJ"])]
