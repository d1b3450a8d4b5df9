"""A village says no: the department appeals, the county decides for good, and nobody's score falls by it."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from devkit.story.answers import Appeal, Assessment, RefusedAsk, Share
from devkit.story.client import StoryError
from devkit.story.county import DAFANG
from devkit.story.fengshan import GOVERNMENT, ROADS
from devkit.story.plot import today
from devkit.story.telling import Telling
from qingdan.divisions import DivisionCode
from qingdan.tasks_events import RefusalAppealed, RefusalDecided, ShareRefused, TaskPublished

NO_MEANS: Final = {"code": "no_means", "reason": "未随任务拨付材料款，村集体无力垫付。"}
OBJECTION: Final = "村主路硬化须随任务拨付资金，请先落实材料款。"


async def say_no(telling: Telling, meeting: UUID, task: TaskPublished) -> None:
    """Objected to at the table, refused, appealed, decided for the village; the county's scores before and after."""
    ledger, village = telling.ledger, telling.refusing_village
    cadre, roads = telling.people.cadre(village), telling.people.department(ROADS, DAFANG)
    before = await _scores(telling)
    share = task.shares[0].share
    with telling.narrator.step("村里说不，县里裁定", "a no, an appeal, a decision", 4) as advance:
        objected = {"village": village, "task": str(task.task), "words": OBJECTION}
        await cadre.create("tasks", f"/v1/meetings/{meeting}/objections", objected)
        ledger.objections += 1
        advance()
        seen = await cadre.get("tasks", f"/v1/shares/{share}", Share)
        no = await cadre.change("tasks", f"/v1/shares/{share}/refuse", seen.version, NO_MEANS)
        ledger.refused_by_villages.append(no.read(ShareRefused).share)
        ledger.shares[share] = "refused"
        advance()
        refused = await roads.pages("tasks", "/v1/asks/refused", RefusedAsk)
        ask = next(each.ask for each in refused if each.share == share)
        reasons = {"reasons": "该路段已列入年度计划，应由村组织施工。"}
        appealed = (await roads.create("tasks", f"/v1/asks/{ask}/appeal", reasons)).read(RefusalAppealed)
        advance()
        await _decide(telling, ask)
        advance()
    after = await _scores(telling)
    ledger.scores = (before, after)
    fell = sum(after.get(each) != score for each, score in before.items())
    telling.narrator.say(
        f"{telling.name_zh(village)}以“未随拨经费”拒绝“{task.title_zh}”；部门申诉（县里须在{appealed.decide_by}前裁定），"
        f"县里裁定：支持村里。得分因此变动的村：{fell}个。",
        f"One village refused “{task.title_en}”: no means came with it. The department appealed, and the county, which "
        f"had until {appealed.decide_by}, decided for the village. Villages whose score "
        f"changed by it: {fell}.",
    )


async def _decide(telling: Telling, ask: UUID) -> None:
    """The county committee and government's office, which has not asked for the road itself."""
    county = telling.people.access_approver(GOVERNMENT, DAFANG)
    seen = await county.get("tasks", f"/v1/asks/{ask}/appeal", Appeal)
    said = {"upheld": True, "reason": "任务未随拨经费，拒绝理由成立。"}
    decided = (await county.change("tasks", f"/v1/asks/{ask}/decision", seen.version, said)).read(RefusalDecided)
    if not decided.upheld:
        raise StoryError(f"the decision on {ask} went against the village", service="tasks")
    telling.ledger.appeals[ask] = "upheld"


async def _scores(telling: Telling) -> Mapping[DivisionCode, int | None]:
    """What every village of the county has today, in thousandths of a point."""
    staff = telling.people.county_staff(DAFANG)
    wanted = {"division": DAFANG, "level": "village", "period_from": str(today()), "period_to": str(today())}
    ranked = (await staff.create("tasks", "/v1/assessments", wanted)).read(Assessment)
    telling.ledger.ranks_told += sum(rank.rank is not None for rank in ranked.ranks)
    return {rank.division: rank.score_milli for rank in ranked.ranks}
