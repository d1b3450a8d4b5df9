"""A flood: work is asked at once under the emergency's item; what goes beyond a village's month needs a reason."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Final

from devkit.story.answers import Burden, Share
from devkit.story.client import Person, RefusedError, StoryError, together
from devkit.story.county import DAFANG
from devkit.story.fengshan import EMERGENCIES, FENGSHAN, FLOOD_WANTED
from devkit.story.narrator import Advance
from devkit.story.plot import today
from devkit.story.telling import Telling
from qingdan.divisions import DivisionCode
from qingdan.tasks_events import ShareClaimed, TaskPublished

HOURS_A_MONTH: Final = 20
REASON: Final = "河道超警戒水位，低洼户须当日转移，不能改期。"
LIMIT: Final = {"limit_working_days": 1}


async def ask_in_the_flood(telling: Telling, lowland: Sequence[DivisionCode]) -> None:
    """Without a meeting, beyond the budget with a reason only; the villages claim it and have done it today."""
    town = telling.people.town_staff(FENGSHAN)
    budget = {"division": FENGSHAN, "from_month": str(today()), "hours_per_village": HOURS_A_MONTH}
    await town.create("tasks", "/v1/burden/budgets", budget)
    with telling.narrator.step("应急任务", "the flood", 2 + len(lowland)) as advance:
        task = await _ask(telling, town, lowland, advance)
        await together(_move(telling, task, village, advance) for village in lowland)
    telling.narrator.say(
        f"乡里定每村每月{HOURS_A_MONTH}工时；应急任务使{task.villages_beyond_budget}个村超额，没有理由不得下达，写明理由后下达，"
        f"当日办结。",
        f"The township gives each village a budget of {HOURS_A_MONTH} hours a month. The flood takes "
        f"{task.villages_beyond_budget} villages beyond it: without a reason it was turned back, with its reason it "
        "passed, and was done the same day.",
    )


async def _ask(telling: Telling, town: Person, lowland: Sequence[DivisionCode], advance: Advance) -> TaskPublished:
    ledger = telling.ledger
    assert ledger.emergency is not None
    path = f"/v1/access/emergencies/{ledger.emergency.application}/tasks"
    body: dict[str, Any] = {
        "department": EMERGENCIES,
        "kind": "task",
        "title_zh": FLOOD_WANTED["title_zh"],
        "title_en": FLOOD_WANTED["title_en"],
        "villages": list(lowland),
    }
    try:
        await town.create("tasks", path, body)
    except RefusedError as refused:
        if refused.kind != "beyond-budget":
            raise
        advance()
    else:
        raise StoryError("more than a village's month was asked without a reason", service="tasks")
    task = (await town.create("tasks", path, body | {"beyond_budget_reason": REASON})).read(TaskPublished)
    ledger.publish(task)
    ledger.in_emergency = task
    advance()
    return task


async def _move(telling: Telling, task: TaskPublished, village: DivisionCode, advance: Advance) -> None:
    cadre, ledger = telling.people.cadre(village), telling.ledger
    share = next(each.share for each in task.shares if each.village == village)
    path = f"/v1/shares/{share}"
    seen = await cadre.get("tasks", path, Share)
    answer = await cadre.change("tasks", f"{path}/claim", seen.version, LIMIT)
    ledger.claims.append(answer.read(ShareClaimed).share)
    await cadre.change("tasks", f"{path}/report-done", answer.version, {})
    ledger.shares[share] = "completed"
    advance()


async def show_burden(telling: Telling) -> None:
    """What the month has asked of Fengshan's villages, by department."""
    staff = telling.people.county_staff(DAFANG)
    burden = await staff.get("tasks", "/v1/burden", Burden, division=FENGSHAN)
    telling.ledger.burden = burden
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for line in burden.lines:
        rows[line.department]["hours"] += line.hours
        rows[line.department]["shares"] += line.shares
        rows[line.department]["beyond"] += line.beyond_budget
        rows[line.department]["refused"] += line.refused_at_gate + line.refused_by_villages
        rows[line.department]["merged"] += line.merged
    telling.narrator.table(
        "凤山乡本月减负台账 The month's burden",
        ("部门\ndepartment", "工时\nhours", "份额\nshares", "超额\nbeyond", "拒绝\nrefused", "并入\nmerged"),
        [
            (department, *(str(row[column]) for column in ("hours", "shares", "beyond", "refused", "merged")))
            for department, row in sorted(rows.items())
            if row["hours"] or row["refused"] or row["merged"]
        ],
    )
