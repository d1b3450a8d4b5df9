"""Fengshan's work meeting: the list is claimed, what is asked twice is merged, one holds what is open to the first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from devkit.eventually import eventually
from devkit.story.answers import HeldMeeting, Meeting, RefusedAsk, Share
from devkit.story.client import Person, RefusedError, StoryError, together
from devkit.story.county import DAFANG
from devkit.story.fengshan import (
    CANTEEN,
    CHECKUPS,
    CHECKUPS_AGAIN,
    CIVIL_AFFAIRS,
    DRAINS,
    FENGSHAN,
    FORESTRY,
    HEALTH,
    ROAD,
    ROADS,
    STATISTICS,
    WATER,
    Asked,
    villages,
)
from devkit.story.flood import ask_in_the_flood, show_burden
from devkit.story.narrator import Advance
from devkit.story.no import say_no
from devkit.story.own_clock import keep_own_clock
from devkit.story.plot import today
from devkit.story.telling import Telling
from qingdan.divisions import DivisionCode
from qingdan.tasks_events import AskMerged, MeetingClosed, RefusalCode, ShareClaimed, TaskPublished

HEARD_TIMEOUT_S: Final = 30.0
ABSENT: Final = 1  # one secretary did not come, and gets the tasks all the same
CHECKED_UP: Final = 3
IN_LOWLAND: Final = 2
WOULD_COOK: Final = 4
LIMITS: Final = (3, 5, 8, 10, 12)  # working days, as villages set them


@dataclass(frozen=True, slots=True)
class Table:
    """The meeting, and what lies on its table, by the ask."""

    meeting: UUID
    town: Person
    tasks: Mapping[Asked, TaskPublished]

    def share(self, asked: Asked, village: DivisionCode) -> UUID:
        """A village's share. Raises StopIteration where it has none."""
        return next(each.share for each in self.tasks[asked].shares if each.village == village)


async def meet_at_fengshan(telling: Telling) -> None:
    """Hold it, publish, merge, claim, let one village say no, close the record; then look at what is left of it."""
    narrator, everywhere = telling.narrator, villages()
    narrator.say(
        f"凤山乡部署会，{len(everywhere)}个村：刚才被退回的事项入了清单，现在可以布置；两个部门要同一件事，只做一次。",
        f"Fengshan Township meets with {len(everywhere)} villages. What was refused stands on the list now and passes; "
        "what two departments ask is done once.",
    )
    town = telling.people.town_staff(FENGSHAN)
    await _follow(telling, town)
    meeting = await _open(town, everywhere)
    table = Table(meeting, town, await _publish(telling, town, meeting, everywhere))
    await _ask_twice(telling, table, everywhere[:CHECKED_UP])
    await _claim(telling, table, DRAINS, everywhere)
    await _claim(telling, table, CHECKUPS, everywhere[:CHECKED_UP])
    await _first_of_many(telling, table, everywhere[-WOULD_COOK:])
    await say_no(telling, meeting, table.tasks[ROAD])
    await _close(telling, table)
    await _follow(telling, town)  # the window was closed meanwhile, and goes on where it was
    await ask_in_the_flood(telling, everywhere[:IN_LOWLAND])
    await _others_hear(telling, table)
    await keep_own_clock(telling, table.tasks[DRAINS])
    await show_burden(telling)
    await _departments_look(telling)


async def _follow(telling: Telling, town: Person) -> None:
    with telling.narrator.step("跟看变更数据流", "follow the changes", 1) as advance:
        await telling.window.look_at(town)
        advance()


async def _open(town: Person, everywhere: Sequence[DivisionCode]) -> UUID:
    """Agenda and attendance are minutes: no assessment counts them."""
    agenda = [{"title": asked.title_zh, "department": asked.department} for asked in (DRAINS, CHECKUPS, CANTEEN, ROAD)]
    held = {"division": FENGSHAN, "held_on": str(today()), "title": "凤山乡工作部署会", "agenda": agenda}
    meeting = (await town.create("tasks", "/v1/meetings", held)).read(Meeting).meeting
    path = f"/v1/meetings/{meeting}"
    version = (await town.get("tasks", path, HeldMeeting)).version
    came = {"villages": list(everywhere[ABSENT:])}
    await town.change("tasks", f"{path}/attendance", version, came)
    return meeting


async def _publish(
    telling: Telling, town: Person, meeting: UUID, everywhere: tuple[DivisionCode, ...]
) -> dict[Asked, TaskPublished]:
    """For all, for some, for whoever comes first, and for one."""
    admitted = telling.ledger.admitted
    assert admitted is not None
    bodies: list[tuple[Asked, dict[str, Any]]] = [
        (DRAINS, DRAINS.body(everywhere) | {"item": admitted.item}),
        (CHECKUPS, CHECKUPS.body(everywhere[:CHECKED_UP])),
        (CANTEEN, CANTEEN.body(everywhere[-WOULD_COOK:], open_to="first")),
        (ROAD, ROAD.body((telling.refusing_village,))),
    ]
    published = {}
    with telling.narrator.step("发布清单内任务", "publish tasks", len(bodies)) as advance:
        for asked, body in bodies:
            published[asked] = (await town.create("tasks", f"/v1/meetings/{meeting}/tasks", body)).read(TaskPublished)
            telling.ledger.publish(published[asked])
            advance()
    telling.ledger.asked_after_access = published[DRAINS]
    return published


async def _ask_twice(telling: Telling, table: Table, some: tuple[DivisionCode, ...]) -> None:
    """A second department asks the same: refused with a pointer to the first one's task, then merged with it."""
    path, first = f"/v1/meetings/{table.meeting}/tasks", table.tasks[CHECKUPS].task
    with telling.narrator.step("重复事项并入", "asked twice: merged", 2) as advance:
        try:
            await table.town.create("tasks", path, CHECKUPS_AGAIN.body(some))
        except RefusedError as refused:
            earlier = refused.problem.get("earlier") or {}
            if (refused.problem.get("code"), earlier.get("task")) != (RefusalCode.DUPLICATE, str(first)):
                raise
            telling.ledger.refused_at_gate.append(UUID(str(refused.problem["ask"])))
            advance()
        else:
            raise StoryError(f"“{CHECKUPS_AGAIN.title_en}” was asked twice of the same villages", service="tasks")
        merged = (await table.town.create("tasks", path, CHECKUPS_AGAIN.body(some, merge=True))).read(AskMerged)
        telling.ledger.merged[merged.ask] = merged.into
        advance()


async def _claim(telling: Telling, table: Table, asked: Asked, by: Sequence[DivisionCode]) -> None:
    async def claim(village: DivisionCode, advance: Advance) -> None:
        await _claim_one(telling, table.share(asked, village), village)
        advance()

    with telling.narrator.step(f"认领：{asked.title_zh}", "claims", len(by)) as advance:
        await together(claim(village, advance) for village in by)


async def _claim_one(telling: Telling, share: UUID, village: DivisionCode) -> ShareClaimed:
    """As the village's own secretary. Raises RefusedError."""
    cadre = telling.people.cadre(village)
    seen = await cadre.get("tasks", f"/v1/shares/{share}", Share)
    own = {"limit_working_days": LIMITS[villages().index(village) % len(LIMITS)]}
    claimed = (await cadre.change("tasks", f"/v1/shares/{share}/claim", seen.version, own)).read(ShareClaimed)
    telling.ledger.claims.append(claimed.share)
    telling.ledger.claims_at_meeting += 1
    telling.ledger.shares[claimed.share] = "claimed"
    return claimed


async def _first_of_many(telling: Telling, table: Table, would: Sequence[DivisionCode]) -> None:
    """All click at once; one has it, and the others hear that nothing is asked of them any more."""

    async def click(village: DivisionCode, advance: Advance) -> UUID | None:
        share = table.share(CANTEEN, village)
        try:
            await _claim_one(telling, share, village)
        except RefusedError as refused:
            if refused.kind not in ("task-taken", "share-was-withdrawn"):
                raise
            advance()
            return None
        advance()
        return share

    with telling.narrator.step("同时认领，先到先得", "first come, first served", len(would)) as advance:
        holders = [share for share in await together(click(village, advance) for village in would) if share]
    telling.ledger.holders = holders


async def _others_hear(telling: Telling, table: Table) -> None:
    """The service withdraws by itself what another village was first to take."""
    others = [each.share for each in table.tasks[CANTEEN].shares if each.share not in telling.ledger.holders]
    telling.ledger.shares |= dict.fromkeys(others, "withdrawn")

    async def withdrawn() -> bool:
        shares = await table.town.pages("tasks", "/v1/shares", Share, state="withdrawn")
        return set(others) <= {share.share for share in shares}

    with telling.narrator.step("其余村得知已被认领", "the others hear", len(others)) as advance:
        await eventually(
            withdrawn, timeout_s=HEARD_TIMEOUT_S, every_s=0.1, what="the other villages hear that the task is taken"
        )
        for _ in others:
            advance()


async def _close(telling: Telling, table: Table) -> None:
    """The record is closed: it says itself how many came, what was on the table and what was claimed."""
    path = f"/v1/meetings/{table.meeting}"
    seen = await table.town.get("tasks", path, HeldMeeting)
    closed = (await table.town.change("tasks", f"{path}/close", seen.version)).read(MeetingClosed)
    telling.ledger.closed = closed
    telling.narrator.say(
        f"会议记录归档：应到{closed.villages_invited}村，实到{closed.villages_attended}村，任务{closed.tasks}项，"
        f"认领{closed.claims}份，异议{closed.objections}件；不签责任状。",
        f"The record of the meeting is closed: {closed.villages_attended} of {closed.villages_invited} villages came, "
        f"{closed.tasks} tasks, {closed.claims} claims, {closed.objections} objection; no letter was signed.",
    )


async def _departments_look(telling: Telling) -> None:
    """Each department that asked in Dafang reads what was refused to it, and nothing of others."""

    async def look(code: str, advance: Advance) -> None:
        refused = await telling.people.department(code, DAFANG).pages("tasks", "/v1/asks/refused", RefusedAsk)
        telling.ledger.saw_refused(f"{code} of {DAFANG}", code, refused)
        advance()

    departments = (WATER, HEALTH, CIVIL_AFFAIRS, ROADS, STATISTICS, FORESTRY)
    with telling.narrator.step("部门看理由", "departments look", len(departments)) as advance:
        await together(look(code, advance) for code in departments)
