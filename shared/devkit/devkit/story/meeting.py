"""The work meeting: tasks of the list are published and claimed; what is not on the list is refused."""

from collections import Counter
from uuid import UUID

from devkit.story.answers import Meeting, RefusedAsk, Share
from devkit.story.client import Answered, Person, RefusedError, StoryError, together
from devkit.story.county import OffListAsk, Task
from devkit.story.narrator import Advance
from devkit.story.plot import today
from devkit.story.telling import Telling
from qingdan.divisions import DivisionCode
from qingdan.tasks_events import ShareClaimed, ShareRefused, TaskPublished

Claim = tuple[Task, ShareClaimed]


async def hold_work_meeting(telling: Telling) -> None:
    """Publish what is on the list, put what is not to the gate, let every village claim and say no."""
    plot, narrator = telling.plot, telling.narrator
    town = telling.people.town_staff(plot.town)
    town_zh = telling.name_zh(plot.town)
    narrator.say(
        f"{town_zh}部署会，{len(plot.villages)}个村支书到会：当场认领，时限自己定，不签责任状。",
        f"Wuguanying Town holds its work meeting with {len(plot.villages)} village secretaries: they claim tasks and "
        "set their own limits; nobody signs a letter of responsibility.",
    )
    held = {"division": plot.town, "held_on": str(today()), "title": f"{town_zh}工作部署会"}
    meeting = (await town.create("tasks", "/v1/meetings", held)).read(Meeting)
    asks = f"/v1/meetings/{meeting.meeting}/tasks"
    shares = 0
    with narrator.step("发布清单内任务", "publish tasks", len(plot.tasks)) as advance:
        for task in plot.tasks:
            shares += len((await _publish(telling, town, asks, task)).shares)
            advance()
    with narrator.step("清单外过关口", "off-list asks", len(plot.county.off_list)) as advance:
        for ask in plot.county.off_list:
            shares += await _put_to_the_gate(telling, town, asks, ask)
            advance()
    with narrator.step("各村认领或拒绝", "claim, or say no", shares) as advance:
        claimed = await together(_clear_desk(telling, village, advance) for village in plot.villages)
    await _departments_look(telling)
    await _tell(telling, [claim for claims in claimed for claim in claims])


async def _publish(telling: Telling, town: Person, asks: str, task: Task) -> TaskPublished:
    body = {
        "item": task.item,
        "department": task.department,
        "kind": task.kind.value,
        "title_zh": task.title_zh,
        "title_en": task.title_en,
        "villages": "all" if telling.plot.all_villages else telling.plot.villages,
    }
    return (await town.create("tasks", asks, body)).read(TaskPublished)


async def _put_to_the_gate(telling: Telling, town: Person, asks: str, ask: OffListAsk) -> int:
    """How many shares came of it: none when the gate said no, as it must unless the ask hides behind an item."""
    plot = telling.plot
    body = {
        "item": plot.cited(ask),
        "department": plot.asker(ask),
        "kind": ask.kind.value,
        "title_zh": ask.title_zh,
        "title_en": ask.title_en,
        "villages": [plot.host(ask)],
    }
    try:
        answer = await town.create("tasks", asks, body)
    except RefusedError as refused:
        if refused.kind != "not-on-the-list" or ask.decided_by != "gate":
            raise
        if refused.problem.get("code") != ask.refusal_code:
            raise StoryError(
                f"the gate refused {ask.code} as {refused.problem.get('code')}; the data say {ask.refusal_code.value}",
                service="tasks",
            ) from None
        telling.ledger.refused_at_gate.append(UUID(str(refused.problem["ask"])))
        return 0
    return _let_through(ask, answer)


def _let_through(ask: OffListAsk, answer: Answered) -> int:
    if ask.decided_by == "gate":
        raise StoryError(f"the gate let {ask.code} ({ask.title_en}) through, which is not on the list", service="tasks")
    return len(answer.read(TaskPublished).shares)


async def _clear_desk(telling: Telling, village: DivisionCode, advance: Advance) -> list[Claim]:
    """A secretary looks at what is there for the village, claims what is on the list, refuses what only hides there."""
    plot, ledger = telling.plot, telling.ledger
    cadre = telling.people.cadre(village)
    claims = []
    for share in await cadre.pages("tasks", "/v1/shares", Share, state="published"):
        if share.village != village:
            ledger.seen_of_others.append(f"{village} saw share {share.share} of {share.village}")
            continue
        row = plot.by_title[share.title_zh or ""]
        if isinstance(row, OffListAsk):
            no = {"code": row.refusal_code.value, "reason": row.refuse_reason_zh}
            answer = await cadre.change("tasks", f"/v1/shares/{share.share}/refuse", share.version, no)
            ledger.refused_by_villages.append(answer.read(ShareRefused).share)
        else:
            own = {"limit_working_days": plot.limit_working_days(village, row)}
            answer = await cadre.change("tasks", f"/v1/shares/{share.share}/claim", share.version, own)
            claims.append((row, answer.read(ShareClaimed)))
            ledger.claims.append(claims[-1][1].share)
        advance()
    return claims


async def _departments_look(telling: Telling) -> None:
    """Each department that asked reads what was refused: its own asks, and nobody else's."""
    plot, ledger = telling.plot, telling.ledger
    departments = sorted({plot.asker(ask) for ask in plot.county.off_list} | {task.department for task in plot.tasks})

    async def look(code: str, advance: Advance) -> None:
        refused = await telling.people.department(code).pages("tasks", "/v1/asks/refused", RefusedAsk)
        ledger.saw_refused(code, code, refused)
        advance()

    with telling.narrator.step("部门看理由", "departments look", len(departments)) as advance:
        await together(look(code, advance) for code in departments)


async def _tell(telling: Telling, claims: list[Claim]) -> None:
    """What came of the meeting, and one village's own words for it."""
    town = telling.people.town_staff(telling.plot.town)
    refused = await town.pages("tasks", "/v1/asks/refused", RefusedAsk)
    by = Counter(ask.decided_by for ask in refused)
    codes = Counter(ask.code.value.replace("_", " ") for ask in refused)
    reasons = ", ".join(f"{code} {count}" for code, count in codes.most_common())
    limits = [claim.limit_working_days for _, claim in claims]
    span = f"{min(limits)}–{max(limits)}"
    telling.narrator.say(
        f"认领{len(claims)}份，时限{span}个工作日；清单外{len(refused)}项：关口拒{by['gate']}项，村里拒{by['village']}项。",
        f"{len(claims)} shares claimed, with limits of {span} working days; {len(refused)} asks off the list: "
        f"{by['gate']} refused at the gate, {by['village']} by villages ({reasons}).",
    )
    task, longest = max(claims, key=lambda claim: claim[1].limit_working_days)
    waits_zh, waits_en = ("（暂定）", " (provisional)") if longest.provisional else ("", "")
    telling.narrator.say(
        f"{telling.name_zh(longest.village)}：“{task.title_zh}”自定{longest.limit_working_days}个工作日，"
        f"{longest.due_on}前完成{waits_zh}。",
        f"One of them: “{task.title_en}”, own limit {longest.limit_working_days} working days, due "
        f"{longest.due_on}{waits_en}.",
    )
