"""Claims in depth: a task for one has one holder, whoever tries; a village's later limit is kept with its reason."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from devkit.browser import Client, application
from devkit.issuer import Issuer
from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId
from qingdan.tasks_events import TaskPublished
from runtime.actor import Actor, Role
from runtime.db import Version, transaction
from runtime.divisions import DivisionRow, import_divisions
from runtime.problems import Forbidden, NotFound, StaleVersion
from tasks.app import service
from tasks.change_limit import change_limit
from tasks.claim_rules import BeyondStatutoryDate, LimitInThePast, TaskTaken
from tasks.claim_task import claim_task
from tasks.claim_tasks import claim_tasks
from tasks.refuse_share import refuse_share
from tasks.report_done import report_done
from tasks.share_rules import ShareAlreadyClaimed, ShareNotClaimed, ShareWasWithdrawn
from tasks.withdraw_taken_shares import withdraw_taken_shares
from tests.integration.service_scene import person
from tests.integration.tasks.conftest import NEIGHBOUR, TOWN, VILLAGE, VISITS

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene


async def open_to_the_first(scene: "Scene", event: TaskPublished) -> TaskPublished:
    """Make a task that was published one for whoever claims first."""
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute("UPDATE share SET open_to = 'first' WHERE task_id = $1", event.task)
    return event


async def for_one(scene: "Scene", villages: tuple[DivisionCode, ...] = (VILLAGE, NEIGHBOUR)) -> list[ShareId]:
    event = await open_to_the_first(scene, await scene.publish(VISITS, villages))
    return [part.share for part in event.shares]


async def withdraw_all(scene: "Scene") -> None:
    while await withdraw_taken_shares(scene.pool, scene.service):
        pass


async def judged(scene: "Scene", share: ShareId) -> dict[str, object]:
    (row,) = await scene.rows("SELECT due_on, judged_due_on FROM share WHERE id = $1", share)
    return row


# -- a task for one ---------------------------------------------------------------------------------------------------


async def test_a_hundred_villages_claim_at_once_and_exactly_one_holds_the_task(scene: "Scene") -> None:
    codes = [DivisionCode(f"130431105{number}") for number in range(300, 400)]
    rows = [DivisionRow(code=code, name_zh=f"村{code}", parent_code=TOWN) for code in codes]
    await import_divisions(scene.pool, scene.operator, rows)
    event = await open_to_the_first(scene, await scene.publish(VISITS, codes))

    async def claim(share: ShareId, village: DivisionCode) -> str:
        try:
            await claim_task(scene.pool, person(Role.VILLAGE_CADRE, village), share, 5, expected=Version(1))
        except TaskTaken:
            return "taken"
        return "claimed"

    withdrawals = asyncio.create_task(withdraw_all(scene))  # the others' shares may go while they still try
    answers = await asyncio.gather(*(claim(part.share, part.village) for part in event.shares))
    await withdrawals
    assert Counter(answers) == {"claimed": 1, "taken": 99}
    await withdraw_all(scene)
    states = await scene.rows("SELECT state, count(*) AS n FROM share WHERE task_id = $1 GROUP BY state", event.task)
    assert {row["state"]: row["n"] for row in states} == {"claimed": 1, "withdrawn": 99}
    assert len(await scene.told("share.claimed.v1")) == 1
    assert Counter(body["code"] for body in await scene.told("share.withdrawn.v1")) == {"taken": 99}


async def test_who_comes_second_is_told_that_it_is_taken_before_and_after_the_withdrawal(scene: "Scene") -> None:
    mine, theirs = await for_one(scene)
    await claim_task(scene.pool, scene.cadre, mine, 5, expected=Version(1))
    with pytest.raises(TaskTaken):
        await claim_task(scene.pool, scene.neighbour, theirs, 5, expected=Version(1))
    await withdraw_all(scene)
    with pytest.raises(TaskTaken):
        await claim_task(scene.pool, scene.neighbour, theirs, 5, expected=Version(1))
    with pytest.raises(ShareWasWithdrawn):
        await refuse_share(scene.pool, scene.neighbour, theirs, "no_means", "", expected=Version(1))
    with pytest.raises(ShareAlreadyClaimed):
        await claim_task(scene.pool, scene.cadre, mine, 5, expected=Version(2))
    (told,) = await scene.told("share.withdrawn.v1")
    assert (told["share"], told["village"], told["code"]) == (str(theirs), NEIGHBOUR, "taken")


async def test_a_claim_that_fails_holds_nothing(scene: "Scene") -> None:
    mine, theirs = await for_one(scene)
    with pytest.raises(StaleVersion):
        await claim_task(scene.pool, scene.cadre, mine, 5, expected=Version(7))
    other = await scene.share()
    with pytest.raises(StaleVersion):
        await claim_tasks(scene.pool, scene.cadre, {mine: Version(1), other: Version(7)}, 5)
    assert (await claim_task(scene.pool, scene.neighbour, theirs, 5, expected=Version(1))).share == theirs


async def test_a_no_stays_a_no_when_another_village_takes_the_task(scene: "Scene") -> None:
    mine, theirs = await for_one(scene)
    await refuse_share(scene.pool, scene.neighbour, theirs, "no_means", "", expected=Version(1))
    await claim_task(scene.pool, scene.cadre, mine, 5, expected=Version(1))
    await withdraw_all(scene)
    assert await scene.told("share.withdrawn.v1") == []
    assert (await scene.rows("SELECT state FROM share WHERE id = $1", theirs)) == [{"state": "refused"}]


async def test_two_desks_that_share_tasks_for_one_get_each_task_once(scene: "Scene") -> None:
    """In opposite order: whoever held the tasks in the order given would wait for the other for ever."""
    tasks = [await for_one(scene) for _ in range(4)]
    mine, theirs = ([pair[at] for pair in tasks] for at in (0, 1))

    async def claim(actor: Actor, shares: list[ShareId]) -> str:
        try:
            await claim_tasks(scene.pool, actor, dict.fromkeys(shares, Version(1)), 5)
        except TaskTaken:
            return "taken"
        return "claimed"

    answers = await asyncio.gather(claim(scene.cadre, mine), claim(scene.neighbour, theirs[::-1]))
    assert sorted(answers) == ["claimed", "taken"]
    await withdraw_all(scene)
    assert len(await scene.told("share.claimed.v1")) == len(await scene.told("share.withdrawn.v1")) == 4


async def test_it_is_not_seen_who_holds_a_neighbours_task(scene: "Scene") -> None:
    mine, _ = await for_one(scene)
    await claim_task(scene.pool, scene.cadre, mine, 5, expected=Version(1))
    async with transaction(scene.pool, scene.neighbour) as tx:
        assert await tx.fetch("SELECT * FROM task_holder") == []


# -- a later limit ----------------------------------------------------------------------------------------------------


async def claimed_share(scene: "Scene", limit: int = 5) -> ShareId:
    share = await scene.share()
    await claim_task(scene.pool, scene.cadre, share, limit, expected=Version(1))
    return share


async def make_late(scene: "Scene", share: ShareId) -> None:
    """As if it had been claimed three weeks ago, with its due date two weeks ago."""
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute(
            "UPDATE share SET claimed_on = claimed_on - 21, due_on = $2 WHERE id = $1",
            share,
            scene.today - timedelta(days=14),
        )


async def test_a_limit_changed_in_time_counts_and_its_history_says_who_and_why(scene: "Scene") -> None:
    share = await claimed_share(scene)
    before = await scene.look(share)
    event = await change_limit(scene.pool, scene.cadre, share, 20, "连续降雨", expected=Version(2))
    view = await scene.look(share)
    assert (view.limit_working_days, view.due_on, view.version) == (20, event.due_on, 3)
    assert await judged(scene, share) == {"due_on": event.due_on, "judged_due_on": None}
    (kept,) = await scene.rows("SELECT * FROM share_limit")
    assert (kept["changed_by"], kept["reason"], kept["in_time"]) == (scene.cadre.subject, "连续降雨", True)
    assert (kept["limit_before"], kept["limit_after"]) == (5, 20)
    assert (kept["due_before"], kept["due_after"]) == (before.due_on, event.due_on)
    (told,) = await scene.told("share.limit-changed.v1")
    assert told == event.model_dump(mode="json")
    assert "连续降雨" not in str(told)


async def test_a_limit_changed_after_the_due_date_makes_late_work_no_less_late(scene: "Scene") -> None:
    share = await claimed_share(scene)
    await make_late(scene, share)
    late = (await scene.look(share)).due_on
    for version, limit in ((2, 60), (3, 90)):
        await change_limit(scene.pool, scene.cadre, share, limit, "still at it", expected=Version(version))
    assert (await judged(scene, share))["judged_due_on"] == late
    done = await report_done(scene.pool, scene.cadre, share, (), expected=Version(4))
    assert (done.type, getattr(done, "on_time", None)) == ("share.completed.v1", False)


async def test_the_laws_date_bounds_claim_and_change(scene: "Scene") -> None:
    share = await scene.share()
    latest = scene.today + timedelta(days=28)
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute("UPDATE share SET latest_on = $2 WHERE id = $1", share, latest)
    with pytest.raises(BeyondStatutoryDate) as refused:
        await claim_task(scene.pool, scene.cadre, share, 200, expected=Version(1))
    largest = refused.value.details["limit_working_days_max"]
    assert isinstance(largest, int)
    event = await claim_task(scene.pool, scene.cadre, share, largest, expected=Version(1))
    assert event.due_on <= latest
    with pytest.raises(BeyondStatutoryDate):
        await change_limit(scene.pool, scene.cadre, share, largest + 1, "more", expected=Version(2))


async def test_who_may_not_change_a_limit_or_cannot(scene: "Scene") -> None:
    share = await claimed_share(scene)
    with pytest.raises(Forbidden):
        await change_limit(scene.pool, scene.town, share, 9, "we say so", expected=Version(2))
    with pytest.raises(NotFound):
        await change_limit(scene.pool, scene.neighbour, share, 9, "ours", expected=Version(2))
    with pytest.raises(StaleVersion):
        await change_limit(scene.pool, scene.cadre, share, 9, "old page", expected=Version(1))
    with pytest.raises(ShareNotClaimed):
        await change_limit(scene.pool, scene.cadre, await scene.share(), 9, "none yet", expected=Version(1))
    await make_late(scene, share)
    with pytest.raises(LimitInThePast):
        await change_limit(scene.pool, scene.cadre, share, 1, "shorter", expected=Version(2))
    assert await scene.rows("SELECT * FROM share_limit") == []


async def test_a_repeated_click_changes_a_limit_once(scene: "Scene", issuer: Issuer) -> None:
    share = await claimed_share(scene)
    async with application(service, scene.pool, issuer) as http:
        cadre = Client(http, issuer, scene.cadre)
        body = {"limit_working_days": 9, "reason": "rain"}
        first, again = [await cadre.post(f"/shares/{share}/limit", body, version=2, key="one-click") for _ in range(2)]
        silent = await cadre.post(f"/shares/{share}/limit", {"limit_working_days": 9, "reason": " "}, version=3)
    assert (first.status_code, first.text, first.headers["ETag"]) == (200, again.text, '"3"'), first.text
    assert silent.status_code == 422
    assert len(await scene.rows("SELECT * FROM share_limit")) == 1


# -- the printed record -----------------------------------------------------------------------------------------------


async def test_the_claim_is_printed_with_its_changes_and_only_for_who_sees_it(scene: "Scene", issuer: Issuer) -> None:
    share, unclaimed = await claimed_share(scene), await scene.share()
    event = await change_limit(scene.pool, scene.cadre, share, 20, "<b>连续降雨</b>", expected=Version(2))
    async with application(service, scene.pool, issuer) as http:
        shown = await Client(http, issuer, scene.cadre).get(f"/shares/{share}/record")
        for actor, which, status in (
            (scene.town, share, 200),
            (scene.neighbour, share, 404),
            (scene.cadre, unclaimed, 409),
        ):
            assert (await Client(http, issuer, actor).get(f"/shares/{which}/record")).status_code == status
    assert (shown.status_code, shown.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert shown.headers["Content-Security-Policy"].startswith("default-src 'none'")
    for said in (VISITS.title_zh, "RA03 · 1", event.due_on.isoformat(), "&lt;b&gt;连续降雨&lt;/b&gt;", "5 → 20"):
        assert said in shown.text
