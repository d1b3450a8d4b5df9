"""An order is followed through the other services' events until its sign is down; told again, nothing changes."""

from typing import TYPE_CHECKING

import pytest

from qingdan.ids import RemovalOrderId
from qingdan.origin import Origin
from qingdan.tasks_events import ShareProgressed
from runtime.ids import new_id
from runtime.problems import NotFound
from signage.show_statistics import show_statistics
from tests.integration.signage.conftest import XIEDU, Told, sample_census

if TYPE_CHECKING:
    from tests.integration.signage.conftest import Scene


async def test_an_order_passes_through_every_state_and_its_sign_comes_down(scene: "Scene") -> None:
    (told,) = await scene.ordered()
    for event, state in (
        (told.published(), "tasked"),
        (told.claimed(), "claimed"),
        (told.reported_done(), "reported"),
        (told.visited(), "removed"),
    ):
        await scene.hear(event)
        (order,) = await scene.orders()
        assert (order.state, order.task, order.share) == (state, told.task, told.share)
    assert (order.removed_on, order.version) == (scene.today, 5)
    assert [sign.state for sign in await scene.signs()] == ["removed"]
    (removed,) = await scene.told("sign.removed.v1")
    assert removed == {
        "type": "sign.removed.v1",
        "order": str(order.order),
        "village": XIEDU,
        "sign": str(order.sign),
        "removed_on": str(scene.today),
    }
    audited = await scene.rows("SELECT actor, subject FROM audit_entry WHERE action = 'sign.removed.v1'")
    assert audited == [{"actor": scene.service.subject, "subject": XIEDU}]


async def test_xiedus_thirteen_signs_become_one_across_and_two_upright(scene: "Scene") -> None:
    await scene.count(*sample_census())
    await scene.order()
    told = [Told.of(order) for order in await scene.orders()]
    await scene.hear(*(each.published() for each in told), *(each.visited() for each in told))
    xiedu = await show_statistics(scene.pool, scene.staff, XIEDU)
    assert (xiedu.signs_before, xiedu.signs_horizontal, xiedu.signs_vertical, xiedu.signs_hanging) == (13, 1, 2, 3)
    county = await show_statistics(scene.pool, scene.staff)
    assert (county.orders, county.orders_removed, county.signs_removed, county.signs_hanging) == (222, 222, 222, 120)
    assert len(await scene.told("sign.removed.v1")) == 222


async def test_a_no_of_the_village_leaves_the_order_contested_for_everybody_to_see(scene: "Scene") -> None:
    (told,) = await scene.ordered()
    await scene.hear(told.published(), told.refused())
    (order,) = await scene.orders(state="contested")
    assert (order.refusal_code, order.removed_on) == ("duplicate", None)
    assert [sign.state for sign in await scene.signs()] == ["ordered"]
    figures = await show_statistics(scene.pool, scene.staff)
    assert (figures.orders_contested, figures.signs_hanging, figures.signs_removed) == (1, 1, 0)


async def test_whatever_comes_again_under_another_id_changes_nothing_twice(scene: "Scene") -> None:
    (told,) = await scene.ordered()
    whole = (told.published(), told.claimed(), told.reported_done(), told.visited())
    await scene.hear(*whole)
    (order,) = await scene.orders()
    await scene.hear(*whole, told.visited())
    assert len(await scene.told("sign.removed.v1")) == 1
    (again,) = await scene.orders()
    assert (again.state, again.removed_on) == (order.state, order.removed_on) == ("removed", scene.today)


async def test_two_visits_of_one_sign_in_one_poll_remove_it_once(scene: "Scene") -> None:
    (told,) = await scene.ordered()
    await scene.hear(told.visited(), told.visited())
    assert len(await scene.told("sign.removed.v1")) == 1


async def test_the_visit_may_be_heard_before_the_task(scene: "Scene") -> None:
    (told,) = await scene.ordered()
    await scene.hear(told.visited())
    await scene.hear(told.published(), told.claimed(), told.reported_done())
    (order,) = await scene.orders()
    assert (order.state, order.task, order.share) == ("removed", told.task, told.share)


async def test_a_visit_that_is_not_passed_leaves_the_sign_hanging(scene: "Scene") -> None:
    (told,) = await scene.ordered()
    await scene.hear(told.published(), told.claimed(), told.reported_done())
    await scene.hear(told.visited(passed=False))
    (order,) = await scene.orders()
    assert (order.state, [sign.state for sign in await scene.signs()]) == ("claimed", ["ordered"])
    await scene.hear(told.reported_done(), told.visited())
    assert [sign.state for sign in await scene.signs()] == ["removed"]


async def test_a_thousand_orders_in_one_poll(scene: "Scene") -> None:
    all_told = await scene.ordered(1000)
    await scene.hear(*(event for told in all_told for event in (told.published(), told.claimed())))
    await scene.hear(*(told.visited() for told in all_told))
    assert {order.state for order in await scene.orders()} == {"removed"}
    assert len(await scene.told("sign.removed.v1")) == 1000


async def test_each_removal_continues_the_trace_of_its_visit(scene: "Scene") -> None:
    all_told, traces = await scene.ordered(3), [f"{n:032x}" for n in (1, 2, 3)]
    await scene.hear(*(told.visited() for told in all_told), traces=[f"00-{trace}-{'b' * 16}-01" for trace in traces])
    rows = await scene.rows(
        "SELECT convert_from(value, 'UTF8')::json ->> 'order' AS order_id,"
        " split_part(headers::json ->> 'ce_traceparent', '-', 2) AS trace FROM outbox"
        " WHERE headers::json ->> 'ce_type' = 'sign.removed.v1'"
    )
    expected = {str(told.order): trace for told, trace in zip(all_told, traces, strict=True)}
    assert {row["order_id"]: row["trace"] for row in rows} == expected


async def test_tasks_of_other_origins_and_other_news_concern_no_order(scene: "Scene") -> None:
    (told,) = await scene.ordered()
    meeting = Origin(service="tasks", kind="work_meeting", id=told.order)
    progressed = ShareProgressed(
        task=told.task,
        share=told.share,
        village=XIEDU,
        percent=50,
        photo_sha256=(),
        reported_on=scene.today,
        origin=told.origin,
    )
    others = [event.model_copy(update={"origin": meeting}) for event in (told.published(), told.visited())]
    await scene.hear(*others, progressed)
    (order,) = await scene.orders()
    assert (order.state, order.version) == ("ordered", 1)


@pytest.mark.parametrize("news", ["published", "visited"])
async def test_news_of_an_order_that_was_never_given_is_parked_not_swallowed(scene: "Scene", news: str) -> None:
    (told,) = await scene.ordered()
    stranger = Told(RemovalOrderId(new_id()), XIEDU)
    with pytest.raises(NotFound):
        await scene.hear(getattr(told, news)(), getattr(stranger, news)())
    (order,) = await scene.orders()
    assert order.state == "ordered"
