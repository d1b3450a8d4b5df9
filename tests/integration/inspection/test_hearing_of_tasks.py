"""What the tasks service tells becomes rows here: each share once, in the state last heard."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from inspection.list_shares import list_shares
from inspection.show_share import show_share
from qingdan.divisions import DivisionCode
from qingdan.ids import AskId
from qingdan.tasks_events import AskKind, AskRefused, PublishedShare, RefusalCode
from runtime.divisions import DivisionUnknown
from runtime.ids import new_id
from tests.integration.inspection.conftest import NEIGHBOUR, VILLAGE, Told

if TYPE_CHECKING:
    from tests.integration.inspection.conftest import Scene


async def test_a_published_task_makes_a_share_known_for_each_village(scene: "Scene") -> None:
    told = Told()
    published = told.published()
    other = PublishedShare(share=Told().share, village=NEIGHBOUR)
    await scene.hear(published.model_copy(update={"shares": (*published.shares, other)}))
    shares = await list_shares(scene.pool, scene.town, state="published", after=None, limit=10)
    assert {(view.share, view.village) for view in shares} == {(told.share, VILLAGE), (other.share, NEIGHBOUR)}
    assert {view.title_zh for view in shares} == {"村主路硬化"}


async def test_a_claim_is_here_once_with_the_limit_the_village_set(scene: "Scene") -> None:
    told = Told()
    await scene.hear(told.published(), told.claimed(limit_working_days=12))
    view = await show_share(scene.pool, scene.cadre, told.share)
    assert (view.state, view.limit_working_days, view.department, view.version) == ("claimed", 12, "JTJ", 2)


async def test_a_thousand_claims_of_one_poll_are_all_here(scene: "Scene") -> None:
    claims = [Told().claimed() for _ in range(1000)]
    await scene.hear(*claims)
    assert await scene.rows(
        "SELECT count(*) AS n, count(DISTINCT id) AS shares FROM share WHERE state = 'claimed'"
    ) == [{"n": 1000, "shares": 1000}]


async def test_a_claim_heard_before_its_task_gets_its_words_later_and_stays_claimed(scene: "Scene") -> None:
    told = Told()
    await scene.hear(told.claimed())
    assert (await show_share(scene.pool, scene.cadre, told.share)).title_zh is None
    await scene.hear(told.published())
    view = await show_share(scene.pool, scene.cadre, told.share)
    assert (view.state, view.title_zh, view.inspect_on_completion) == ("claimed", "村主路硬化", False)


async def test_reports_are_kept_in_order_and_the_share_shows_the_last(scene: "Scene") -> None:
    told = Told()
    photo = "a" * 64
    await scene.hear(told.published(), told.claimed(), told.progressed(30, [photo]), told.progressed(70))
    view = await show_share(scene.pool, scene.supervisor, told.share)
    assert (view.state, view.percent, view.reported_on) == ("claimed", 70, told.today)
    assert [(report.percent, report.photo_sha256) for report in view.reports] == [(30, [photo]), (70, [])]


@pytest.mark.parametrize("first", ["progressed", "reported_done", "refused", "withdrawn", "completed"])
async def test_a_share_is_known_from_whatever_is_heard_of_it_first(scene: "Scene", first: str) -> None:
    told = Told()
    await scene.hear(getattr(told, first)())
    view = await show_share(scene.pool, scene.cadre, told.share)
    expected = {"progressed": "claimed"}.get(first, first)
    assert (view.state, view.title_zh, view.inspect_on_completion) == (expected, None, None)


async def test_due_dates_follow_what_is_told_of_them(scene: "Scene") -> None:
    told = Told()
    claim = told.claimed()
    later, latest = claim.due_on + timedelta(days=7), claim.due_on + timedelta(days=14)
    await scene.hear(told.published(), claim, told.limit_changed(later, code="own"), told.resumed(latest))
    view = await show_share(scene.pool, scene.cadre, told.share)
    assert (view.state, view.limit_working_days, view.due_on, view.department) == ("claimed", 30, latest, "JTJ")
    unknown = Told()
    await scene.hear(unknown.resumed(latest))
    view = await show_share(scene.pool, scene.cadre, unknown.share)
    assert (view.state, view.due_on, view.title_zh) == ("claimed", latest, None)
    await scene.hear(unknown.limit_changed(later, code="calendar"))
    assert (await show_share(scene.pool, scene.cadre, unknown.share)).due_on == later


async def test_an_extension_granted_after_the_end_puts_right_whether_it_was_on_time(scene: "Scene") -> None:
    told, own = Told(), Told()
    late = told.completed().model_copy(update={"on_time": False})
    later = told.today + timedelta(days=7)
    for each, code in ((told, "extension"), (own, "calendar")):
        await scene.hear(
            *(each.published(), each.claimed(), each.reported_done()),
            each.completed().model_copy(update={"on_time": False, "due_on": late.due_on - timedelta(days=30)}),
        )
        await scene.hear(each.limit_changed(later, code=code))
    seen = [await show_share(scene.pool, scene.cadre, each.share) for each in (told, own)]
    assert [(view.state, view.on_time, view.due_on) for view in seen] == [
        ("completed", True, later),
        ("completed", False, later),
    ]


async def test_the_whole_life_of_a_share_in_one_poll(scene: "Scene") -> None:
    told, refused = Told(), Told(NEIGHBOUR)
    await scene.hear(
        *(told.published(), refused.published(), told.claimed(), refused.refused()),
        *(told.progressed(), told.reported_done(), told.completed()),
    )
    shares = await list_shares(scene.pool, scene.town, state=None, after=None, limit=10)
    assert {(view.share, view.state) for view in shares} == {(told.share, "completed"), (refused.share, "refused")}


async def test_a_withdrawn_share_is_known_once_however_often_it_is_told(scene: "Scene") -> None:
    told, others = Told(), [Told() for _ in range(50)]
    await scene.hear(told.withdrawn(), *(other.withdrawn() for other in others), told.withdrawn())
    await scene.hear(told.published())
    view = await show_share(scene.pool, scene.cadre, told.share)
    assert (view.state, view.title_zh, view.version) == ("withdrawn", "村主路硬化", 2)
    assert len(await list_shares(scene.pool, scene.town, state="withdrawn", after=None, limit=100)) == 51


async def test_an_ask_refused_at_the_gate_concerns_no_share(scene: "Scene") -> None:
    await scene.hear(
        AskRefused(
            ask=AskId(new_id()),
            department="JTJ",
            kind=AskKind.FORM,
            code=RefusalCode.OFF_LIST,
            decided_by="gate",
            list_version=1,
            nearest_item=None,
            division=VILLAGE,
            refused_on=scene.today,
        )
    )
    assert await scene.rows("SELECT id FROM share") == []


async def test_a_village_outside_the_tree_is_refused_and_nothing_of_the_poll_is_kept(scene: "Scene") -> None:
    known, unknown = Told(), Told(DivisionCode("130431199999"))
    with pytest.raises(DivisionUnknown):
        await scene.hear(known.claimed(), unknown.claimed())
    assert await scene.rows("SELECT id FROM share") == []


async def test_a_share_reported_done_is_visited_where_its_item_asks_for_it(scene: "Scene") -> None:
    asked, unasked = Told(), Told(NEIGHBOUR)
    await scene.hear(asked.published(inspect=True), unasked.published(), asked.claimed(), unasked.claimed())
    await scene.hear(asked.reported_done(), unasked.reported_done())
    visits = await scene.rows("SELECT id, share_id, state, reported_on FROM visit")
    assert [(visit["share_id"], visit["state"], visit["reported_on"]) for visit in visits] == [
        (asked.share, "planned", asked.today)
    ]
    assert await scene.told_keys() == [("visit.planned.v1", str(visits[0]["id"]))]


async def test_a_share_whose_publication_was_missed_gets_no_visit_by_itself(scene: "Scene") -> None:
    told = Told()
    await scene.hear(told.reported_done())
    assert await scene.told_keys() == []
    assert (await show_share(scene.pool, scene.supervisor, told.share)).inspect_on_completion is None


async def test_reporting_done_twice_plans_one_visit(scene: "Scene") -> None:
    told = Told()
    await scene.hear(told.published(inspect=True), told.claimed(), told.reported_done(), told.reported_done())
    assert len(await scene.told_keys()) == 1


async def test_each_planned_visit_continues_the_trace_of_its_report(scene: "Scene") -> None:
    all_told = [Told() for _ in range(3)]
    await scene.hear(*(told.published(inspect=True) for told in all_told))
    traces = [f"{n:032x}" for n in (1, 2, 3)]
    await scene.hear(
        *(told.reported_done() for told in all_told), traces=[f"00-{trace}-{'b' * 16}-01" for trace in traces]
    )
    rows = await scene.rows(
        "SELECT v.share_id, split_part(o.headers::json ->> 'ce_traceparent', '-', 2) AS trace, a.trace_id AS audited"
        " FROM outbox o JOIN visit v ON v.id::text = o.key JOIN audit_entry a ON a.subject = o.key"
    )
    expected = {(told.share, trace, trace) for told, trace in zip(all_told, traces, strict=True)}
    assert {(row["share_id"], row["trace"], row["audited"]) for row in rows} == expected


async def test_a_thousand_reports_of_one_poll_plan_a_visit_each(scene: "Scene") -> None:
    all_told = [Told() for _ in range(1000)]
    await scene.hear(*(told.published(inspect=True) for told in all_told))
    await scene.hear(*(told.reported_done() for told in all_told))
    (found,) = await scene.rows("SELECT count(*) AS visits, count(DISTINCT share_id) AS shares FROM visit")
    assert (found["visits"], found["shares"], len(await scene.told_keys())) == (1000, 1000, 1000)
