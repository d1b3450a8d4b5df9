"""The work meeting is one record: agenda, who came, what was put on the table, claimed and objected to; then closed."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from devkit.browser import Client, application
from devkit.issuer import Issuer
from qingdan.divisions import DivisionCode
from qingdan.gate import Ask
from qingdan.ids import MeetingId
from qingdan.tasks_events import TaskPublished
from runtime.actor import Role
from runtime.db import Version
from runtime.problems import Forbidden, NotFound, StaleVersion
from tasks.add_remark import add_remark
from tasks.app import service
from tasks.claim_task import claim_task
from tasks.close_meeting import close_meeting
from tasks.hold_meeting import hold_meeting
from tasks.list_meetings import list_meetings
from tasks.meeting_rules import (
    AlreadyObjected,
    MeetingInTheFuture,
    MeetingIsClosed,
    Point,
    TaskNotOnTheTable,
    VillagesNotInvited,
)
from tasks.publish_task import Terms, publish_task
from tasks.raise_objection import raise_objection
from tasks.record_attendance import record_attendance
from tasks.show_meeting import Minutes, show_meeting
from tests.integration.service_scene import person
from tests.integration.tasks.conftest import NEIGHBOUR, OTHER_TOWN, ROAD, TOWN, VILLAGE, VISITS

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

WORDS = "今年已修过一次"
AGENDA = [Point("入户巡访", "MZJ"), Point("其他事项")]


async def minutes(scene: "Scene", meeting: MeetingId) -> Minutes:
    return await show_meeting(scene.pool, scene.town, meeting, after=None, limit=50)


async def put_on_table(scene: "Scene", meeting: MeetingId) -> TaskPublished:
    event = await publish_task(scene.pool, scene.town, meeting, VISITS, (VILLAGE, NEIGHBOUR))
    assert isinstance(event, TaskPublished)
    return event


async def test_the_minutes_hold_everything_and_the_closing_tells_the_counts(scene: "Scene") -> None:
    held = await hold_meeting(scene.pool, scene.town, TOWN, scene.today, "工作部署会", AGENDA)
    event = await put_on_table(scene, held.meeting)
    mine = event.shares[0].share
    await claim_task(scene.pool, scene.cadre, mine, 7, expected=Version(1))
    await raise_objection(scene.pool, scene.neighbour, held.meeting, NEIGHBOUR, event.task, WORDS)
    await record_attendance(scene.pool, scene.town, held.meeting, [VILLAGE, NEIGHBOUR], expected=Version(1))
    view = await minutes(scene, held.meeting)
    assert [(point.title, point.department) for point in view.agenda] == [("入户巡访", "MZJ"), ("其他事项", None)]
    assert (view.state, view.invited, view.attended, view.version) == ("open", 21, 2, 2)
    assert [each.village for each in view.attendance if each.attended] == [VILLAGE, NEIGHBOUR]
    (task,) = view.tasks.items
    assert (task.task, task.item, task.open_to) == (event.task, "RA03", "each")
    assert [(part.village, part.state, part.limit_working_days) for part in task.shares] == [
        (VILLAGE, "claimed", 7),
        (NEIGHBOUR, "published", None),
    ]
    assert [(each.village, each.task, each.words) for each in view.objections] == [(NEIGHBOUR, event.task, WORDS)]
    closed = await close_meeting(scene.pool, scene.town, held.meeting, expected=Version(2))
    assert (closed.villages_invited, closed.villages_attended) == (21, 2)
    assert (closed.tasks, closed.claims, closed.objections) == (1, 1, 1)
    assert await scene.told("meeting.closed.v1") == [closed.model_dump(mode="json")]
    assert (await minutes(scene, held.meeting)).state == "closed"


async def test_a_villages_words_leave_the_service_by_no_event_and_no_audit_entry(scene: "Scene") -> None:
    meeting = await scene.meeting()
    event = await put_on_table(scene, meeting)
    await raise_objection(scene.pool, scene.cadre, meeting, VILLAGE, event.task, WORDS)
    assert WORDS not in str(await scene.told())
    assert await scene.rows("SELECT 1 FROM audit_entry WHERE after LIKE $1", f"%{WORDS}%") == []


async def test_a_closed_meeting_takes_nothing_more(scene: "Scene") -> None:
    meeting = await scene.meeting()
    event = await put_on_table(scene, meeting)
    await close_meeting(scene.pool, scene.town, meeting, expected=Version(1))
    with pytest.raises(MeetingIsClosed):
        await publish_task(scene.pool, scene.town, meeting, ROAD, (VILLAGE,))
    with pytest.raises(MeetingIsClosed):
        await raise_objection(scene.pool, scene.cadre, meeting, VILLAGE, event.task, WORDS)
    with pytest.raises(MeetingIsClosed):
        await record_attendance(scene.pool, scene.town, meeting, [VILLAGE], expected=Version(2))
    with pytest.raises(MeetingIsClosed):
        await close_meeting(scene.pool, scene.town, meeting, expected=Version(2))
    # What was on the table stays there to be claimed.
    assert await claim_task(scene.pool, scene.cadre, event.shares[0].share, 5, expected=Version(1))


async def test_what_was_recorded_of_who_came_can_be_corrected(scene: "Scene") -> None:
    meeting = await scene.meeting()
    await record_attendance(scene.pool, scene.town, meeting, [VILLAGE], expected=Version(1))
    await record_attendance(scene.pool, scene.town, meeting, [NEIGHBOUR], expected=Version(2))
    assert [each.village for each in (await minutes(scene, meeting)).attendance if each.attended] == [NEIGHBOUR]
    with pytest.raises(StaleVersion):
        await record_attendance(scene.pool, scene.town, meeting, [], expected=Version(2))
    with pytest.raises(VillagesNotInvited):
        await record_attendance(scene.pool, scene.town, meeting, [OTHER_TOWN], expected=Version(3))


async def test_a_meeting_is_recorded_when_it_has_been_held(scene: "Scene") -> None:
    with pytest.raises(MeetingInTheFuture):
        await hold_meeting(scene.pool, scene.town, TOWN, scene.today + timedelta(days=1), "明天的会")
    assert await scene.rows("SELECT id FROM meeting") == []


async def test_a_village_objects_for_itself_once_and_to_what_is_on_the_table(scene: "Scene") -> None:
    meeting, other = await scene.meeting(), await scene.meeting()
    event = await put_on_table(scene, meeting)
    with pytest.raises(NotFound):
        await raise_objection(scene.pool, scene.cadre, meeting, NEIGHBOUR, event.task, WORDS)
    with pytest.raises(TaskNotOnTheTable):
        await raise_objection(scene.pool, scene.cadre, other, VILLAGE, event.task, WORDS)
    await raise_objection(scene.pool, scene.cadre, meeting, VILLAGE, event.task, WORDS)
    with pytest.raises(AlreadyObjected):
        await raise_objection(scene.pool, scene.town, meeting, VILLAGE, event.task, WORDS)
    await raise_objection(scene.pool, scene.town, meeting, NEIGHBOUR, event.task, "as said at the meeting")
    assert len((await minutes(scene, meeting)).objections) == 2


async def test_a_village_reads_what_concerns_it_and_nothing_of_its_neighbours(scene: "Scene") -> None:
    held = await hold_meeting(scene.pool, scene.town, TOWN, scene.today, "工作部署会", AGENDA)
    other = await scene.meeting()
    ours = await put_on_table(scene, held.meeting)
    theirs = await publish_task(scene.pool, scene.town, held.meeting, ROAD, (NEIGHBOUR,))
    await publish_task(scene.pool, scene.town, other, ROAD, (VILLAGE,))
    mine = next(part.share for part in ours.shares if part.village == VILLAGE)
    await claim_task(scene.pool, scene.cadre, mine, 7, expected=Version(1))
    await raise_objection(scene.pool, scene.neighbour, held.meeting, NEIGHBOUR, ours.task, WORDS)
    await raise_objection(scene.pool, scene.cadre, held.meeting, VILLAGE, ours.task, "另有安排")
    await record_attendance(scene.pool, scene.town, held.meeting, [VILLAGE], expected=Version(1))
    await close_meeting(scene.pool, scene.town, held.meeting, expected=Version(2))
    await add_remark(scene.pool, scene.town, held.meeting, "会后补充：材料已送达")
    seen = await show_meeting(scene.pool, scene.cadre, held.meeting, after=None, limit=50)
    assert (seen.division, seen.held_on, seen.title) == (TOWN, scene.today, "工作部署会")
    assert [point.title for point in seen.agenda] == ["入户巡访", "其他事项"]
    assert (seen.state, seen.invited, seen.attended, seen.version) == ("closed", None, None, None)
    assert [(each.village, each.attended) for each in seen.attendance] == [(VILLAGE, True)]
    (task,) = seen.tasks.items
    assert (task.task, [part.village for part in task.shares]) == (ours.task, [VILLAGE])
    assert (task.shares[0].state, task.shares[0].limit_working_days) == ("claimed", 7)
    assert [each.words for each in seen.objections] == ["另有安排"]
    assert [each.words for each in seen.remarks] == ["会后补充：材料已送达"]
    assert isinstance(theirs, TaskPublished)
    neighbours = await show_meeting(scene.pool, scene.neighbour, held.meeting, after=None, limit=1)
    assert [each.task for each in neighbours.tasks.items] == [ours.task]
    assert neighbours.tasks.next is not None
    rest = await show_meeting(scene.pool, scene.neighbour, held.meeting, after=ours.task, limit=1)
    assert [each.task for each in rest.tasks.items] == [theirs.task]
    first, *_ = await list_meetings(scene.pool, scene.cadre, after=None, limit=1)
    (second,) = await list_meetings(scene.pool, scene.cadre, after=first.meeting, limit=2)
    assert [first.meeting, second.meeting] == [held.meeting, other]


async def test_what_is_put_to_all_to_some_or_to_one_and_to_each_or_the_first_stands_in_one_record(
    scene: "Scene",
) -> None:
    meeting = await scene.meeting()
    await publish_task(scene.pool, scene.town, meeting, ROAD, "all", Terms(open_to="first"))
    await put_on_table(scene, meeting)
    one = Ask("WLJ", VISITS.kind, "受委托开展文化体育活动和设施运行", "Run cultural activities on commission", "RQ09")
    await publish_task(scene.pool, scene.town, meeting, one, (VILLAGE,))
    table = (await minutes(scene, meeting)).tasks.items
    assert [(task.open_to, len(task.shares)) for task in table] == [("first", 21), ("each", 2), ("each", 1)]


async def test_a_remark_is_added_to_a_closed_record_and_changes_nothing_of_it(scene: "Scene") -> None:
    meeting = await scene.meeting()
    await put_on_table(scene, meeting)
    await close_meeting(scene.pool, scene.town, meeting, expected=Version(1))
    before = await minutes(scene, meeting)
    for _ in range(2):
        await add_remark(scene.pool, scene.town, meeting, WORDS)
    after = await minutes(scene, meeting)
    assert [each.words for each in after.remarks] == [WORDS, WORDS]
    assert after.model_copy(update={"remarks": []}) == before
    assert await scene.rows("SELECT 1 FROM audit_entry WHERE after LIKE $1", f"%{WORDS}%") == []
    assert len(await scene.rows("SELECT 1 FROM audit_entry WHERE action = 'meeting.remarked'")) == 2
    with pytest.raises(Forbidden):
        await add_remark(scene.pool, scene.cadre, meeting, WORDS)
    with pytest.raises(NotFound):
        await add_remark(scene.pool, scene.other_town, meeting, WORDS)


async def test_the_record_is_the_townships(scene: "Scene") -> None:
    meeting = await scene.meeting()
    others_cadre = person(Role.VILLAGE_CADRE, DivisionCode("130431100003"))
    for actor in (others_cadre, scene.other_town):
        with pytest.raises(NotFound):
            await show_meeting(scene.pool, actor, meeting, after=None, limit=50)
        assert await list_meetings(scene.pool, actor, after=None, limit=50) == []
    with pytest.raises(Forbidden):
        await close_meeting(scene.pool, scene.cadre, meeting, expected=Version(1))
    with pytest.raises(NotFound):
        await close_meeting(scene.pool, scene.other_town, meeting, expected=Version(1))


async def test_the_whole_record_over_http_and_a_repeated_click_closes_once(scene: "Scene", issuer: Issuer) -> None:
    async with application(service, scene.pool, issuer) as http:
        town = Client(http, issuer, scene.town)
        agenda = [{"title": "入户巡访", "department": "MZJ"}]
        body = {"division": TOWN, "held_on": str(scene.today), "title": "工作部署会", "agenda": agenda}
        meeting = (await town.post("/meetings", body)).json()["meeting"]
        await town.post("/meetings", body)
        came = await town.post(f"/meetings/{meeting}/attendance", {"villages": [VILLAGE]}, version=1)
        assert (came.status_code, came.headers["ETag"]) == (200, '"2"'), came.text
        first, again = [await town.post(f"/meetings/{meeting}/close", version=2, key="one-click") for _ in range(2)]
        assert (first.status_code, first.text) == (200, again.text), first.text
        refused = await town.post(f"/meetings/{meeting}/close", version=3)
        assert refused.json()["type"] == "urn:qingdan:problem:meeting-is-closed"
        shown = await town.get(f"/meetings/{meeting}")
        assert (shown.json()["state"], shown.json()["agenda"], shown.headers["ETag"]) == ("closed", agenda, '"3"')
        page = (await town.get("/meetings", limit=1)).json()
        rest = (await town.get("/meetings", limit=1, after=page["next"])).json()
        assert [each["meeting"] for each in page["items"]] == [meeting]
        assert [each["state"] for each in rest["items"]] == ["open"]
        said = await town.post(f"/meetings/{meeting}/remarks", {"words": WORDS})
        assert (said.status_code, WORDS in said.text) == (201, False)
        own = await Client(http, issuer, scene.cadre).get(f"/meetings/{meeting}")
        assert (own.status_code, own.json()["remarks"][0]["words"], own.headers.get("ETag")) == (200, WORDS, None)
    assert len(await scene.told("meeting.closed.v1")) == 1
