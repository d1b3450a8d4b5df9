"""A removal order becomes exactly one task, which a village claims, reports on or refuses like any other."""

from typing import TYPE_CHECKING, Any

import pytest

from qingdan.divisions import DivisionCode
from qingdan.ids import RemovalOrderId, ShareId, SignId
from qingdan.signage_events import RemovalOrdered, SignRemoved
from qingdan.tasks_events import ShareReportedDone
from runtime.actor import Role
from runtime.db import Version
from runtime.divisions import DivisionUnknown
from runtime.ids import new_id
from tasks.claim_task import claim_task
from tasks.list_shares import list_shares
from tasks.list_tasks import TaskView, list_tasks
from tasks.refuse_share import refuse_share
from tasks.report_done import report_done
from tests.integration.service_scene import person
from tests.integration.tasks.conftest import COUNTY, NEIGHBOUR, ROAD, VILLAGE

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

LAW = "关于规范村级组织工作事务、机制牌子和证明事项的意见(2022)"


def ordered(scene: "Scene", village: DivisionCode = VILLAGE, **changed: Any) -> RemovalOrdered:
    said = RemovalOrdered(
        order=RemovalOrderId(new_id()),
        village=village,
        sign=SignId(new_id()),
        department="RWB",
        code="SG19",
        ordered_on=scene.today,
        due_on=scene.today,
        wording="民兵连部",
        legal_basis=LAW,
    )
    return said.model_copy(update=changed)


async def tasks_of(scene: "Scene") -> list[TaskView]:
    return await list_tasks(scene.pool, scene.county, department=None, after=None, limit=100)


async def share_of(scene: "Scene", order: RemovalOrdered) -> ShareId:
    """The share that the order became."""
    (row,) = await scene.rows("SELECT id FROM share WHERE origin_id = $1", order.order)
    return ShareId(row["id"])


async def test_an_order_becomes_one_task_even_while_no_list_is_in_force(bare: "Scene") -> None:
    order = ordered(bare)
    await bare.hear(order)
    (task,) = await tasks_of(bare)
    assert (task.origin.service, task.origin.kind, task.origin.id) == ("signage", "removal_order", order.order)
    assert (task.item, task.list_version, task.legal_basis, task.meeting) == (None, None, LAW, None)
    assert (task.department, task.kind.value, task.title_zh) == ("RWB", "sign", "拆除牌子：民兵连部")
    assert (task.division, task.inspect_on_completion, task.shares, task.published) == (VILLAGE, True, 1, 1)
    (told,) = await bare.told("task.published.v1")
    assert (told["legal_basis"], told["origin"]["id"]) == (LAW, str(order.order))
    (audited,) = await bare.rows("SELECT actor, subject FROM audit_entry WHERE action = 'task.published.v1'")
    assert audited == {"actor": bare.service.subject, "subject": str(task.task)}


async def test_an_order_told_again_makes_no_second_task(scene: "Scene") -> None:
    order, other = ordered(scene), ordered(scene, NEIGHBOUR)
    await scene.hear(order, order)
    await scene.hear(order, other)
    assert sorted(str(task.origin.id) for task in await tasks_of(scene)) == sorted(
        str(each.order) for each in (order, other)
    )
    assert len(await scene.told("task.published.v1")) == 2
    assert len(await scene.rows("SELECT id FROM share")) == 2


async def test_a_thousand_orders_of_one_poll_are_a_thousand_tasks(scene: "Scene") -> None:
    await scene.hear(*(ordered(scene) for _ in range(1000)))
    (found,) = await scene.rows("SELECT count(*) AS n, count(DISTINCT origin_id) AS orders FROM share")
    assert found == {"n": 1000, "orders": 1000}
    assert len(await scene.told("task.published.v1")) == 1000


async def test_each_task_continues_the_trace_of_its_order(scene: "Scene") -> None:
    orders, traces = [ordered(scene) for _ in range(3)], [f"{n:032x}" for n in (1, 2, 3)]
    await scene.hear(*orders, traces=[f"00-{trace}-{'b' * 16}-01" for trace in traces])
    rows = await scene.rows(
        "SELECT t.origin_id, split_part(o.headers::json ->> 'ce_traceparent', '-', 2) AS trace"
        " FROM outbox o JOIN task t ON t.id::text = o.key"
    )
    assert {row["origin_id"]: row["trace"] for row in rows} == {
        order.order: trace for order, trace in zip(orders, traces, strict=True)
    }


async def test_an_order_for_a_village_that_the_tree_lacks_is_parked_not_lost(scene: "Scene") -> None:
    with pytest.raises(DivisionUnknown):
        await scene.hear(ordered(scene), ordered(scene, DivisionCode("130431199999")))
    assert await tasks_of(scene) == []


async def test_the_village_sees_what_comes_down_and_on_what_legal_basis(scene: "Scene") -> None:
    await scene.hear(ordered(scene), ordered(scene, NEIGHBOUR))
    (share,) = await list_shares(scene.pool, scene.cadre, limit=5)
    assert (share.village, share.title_zh, share.legal_basis, share.item) == (VILLAGE, "拆除牌子：民兵连部", LAW, None)
    militia, roads = (person(Role.DEPARTMENT_STAFF, COUNTY, code) for code in ("RWB", "JTJ"))
    assert len(await list_shares(scene.pool, militia, limit=5)) == 2
    assert await list_shares(scene.pool, roads, limit=5) == []


async def test_claimed_reported_visited_and_complete_with_its_origin_in_every_event(scene: "Scene") -> None:
    order = ordered(scene)
    await scene.hear(order)
    share = await share_of(scene, order)
    await claim_task(scene.pool, scene.cadre, share, 3, expected=Version(1))
    done = await report_done(scene.pool, scene.cadre, share, ["ab" * 32], expected=Version(2))
    assert isinstance(done, ShareReportedDone)
    await scene.close_visit(share)
    assert (await scene.look(share)).state == "completed"
    told = await scene.told("task.published.v1", "share.claimed.v1", "share.reported-done.v1", "share.completed.v1")
    assert len(told) == 4
    assert {body["origin"]["id"] for body in told} == {str(order.order)}


async def test_a_village_may_say_no_to_an_order_and_it_is_counted_with_its_origin(scene: "Scene") -> None:
    order = ordered(scene)
    await scene.hear(order)
    await refuse_share(
        scene.pool, scene.cadre, await share_of(scene, order), "duplicate", "已于去年拆除", expected=Version(1)
    )
    asked, refused = await scene.told("ask.refused.v1", "share.refused.v1")
    assert (
        asked["origin"] == refused["origin"] == {"service": "signage", "kind": "removal_order", "id": str(order.order)}
    )
    assert (asked["list_version"], refused["list_version"], asked["nearest_item"]) == (1, None, None)


async def test_other_news_of_signs_make_no_task(scene: "Scene") -> None:
    order = ordered(scene)
    await scene.hear(SignRemoved(order=order.order, village=VILLAGE, sign=order.sign, removed_on=scene.today))
    assert await tasks_of(scene) == []


async def test_visits_told_at_once_complete_each_its_share_in_its_own_trace(scene: "Scene") -> None:
    orders, traces = [ordered(scene) for _ in range(3)], [f"{n:032x}" for n in (1, 2, 3)]
    await scene.hear(*orders)
    shares = [await share_of(scene, order) for order in orders]
    for share in shares:
        await claim_task(scene.pool, scene.cadre, share, 3, expected=Version(1))
        await report_done(scene.pool, scene.cadre, share, [], expected=Version(2))
    closed = [await scene.visit_closed(share) for share in shares]
    await scene.hear(*closed, closed[0], traces=[f"00-{trace}-{'b' * 16}-01" for trace in traces])
    told = await scene.rows(
        "SELECT s.origin_id, split_part(o.headers::json ->> 'ce_traceparent', '-', 2) AS trace, s.visits, s.version"
        " FROM outbox o JOIN share s ON s.task_id::text = o.key"
        " WHERE o.headers::json ->> 'ce_type' = 'share.completed.v1' ORDER BY o.seq"
    )
    assert [(row["origin_id"], row["trace"], row["visits"], row["version"]) for row in told] == [
        (orders[0].order, traces[0], 2, 4),
        (orders[1].order, traces[1], 1, 4),
        (orders[2].order, traces[2], 1, 4),
    ]


async def test_a_meeting_may_publish_many_tasks_beside_the_orders(scene: "Scene") -> None:
    first, second = await scene.publish(ROAD), await scene.publish(ROAD)
    assert first.task != second.task
    assert [task.legal_basis for task in await tasks_of(scene)] == [None, None]
