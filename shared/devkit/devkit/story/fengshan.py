"""Fengshan Township of Dafang County: what departments want of its villages, and on which legal basis (modelled)."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final, Literal

from devkit.story.county import DAFANG, all_divisions
from qingdan.access_events import AccessApplied, ItemCategory
from qingdan.divisions import DivisionCode
from qingdan.ids import ApplicationId
from qingdan.tasks_events import AskKind

FENGSHAN: Final = DivisionCode("520521211000")
ORGANISATION: Final = "ZZB"
RURAL: Final = "NYJ"
CIVIL_AFFAIRS: Final = "MZJ"
GOVERNMENT: Final = "ZFB"
JOINT_REVIEW: Final = (ORGANISATION, RURAL, CIVIL_AFFAIRS)
"""Who reviews together, by the 2022 Opinions; the rural work office has checked before that all is there."""

WATER: Final = "SLJ"
FORESTRY: Final = "LYJ"
STATISTICS: Final = "TJJ"
EMERGENCIES: Final = "YJJ"
ROADS: Final = "JTJ"
HEALTH: Final = "WJJ"
BY_EVENT: Final = (FORESTRY,)
"""Departments that apply by event."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that a department puts on the table of a work meeting."""

    department: str
    title_zh: str
    title_en: str
    item: str | None = None

    def body(
        self, villages: tuple[DivisionCode, ...], *, open_to: Literal["each", "first"] = "each", merge: bool = False
    ) -> dict[str, Any]:
        """What the township's staff sends."""
        return {
            "item": self.item,
            "department": self.department,
            "kind": "task",
            "title_zh": self.title_zh,
            "title_en": self.title_en,
            "villages": list(villages),
            "open_to": open_to,
            "if_duplicate": "merge" if merge else "refuse",
        }


DRAINS: Final = Asked(WATER, "清理村内排水沟渠", "Clear the drains and ditches of the village")
CHECKUPS: Final = Asked(HEALTH, "65岁以上老人体检组织", "Organise health checks for people over 65", "RA09")
CHECKUPS_AGAIN: Final = Asked(
    CIVIL_AFFAIRS, "组织65岁以上老人健康体检", "Organise a health check for people over 65", "RA03"
)
CANTEEN: Final = Asked(CIVIL_AFFAIRS, "老年食堂开办", "Open the elderly canteen", "RQ02")
ROAD: Final = Asked(ROADS, "村主路1.2公里硬化", "Harden 1.2 km of the village main road", "RQ03")

DRAINS_WANTED: Final = {
    "title_zh": DRAINS.title_zh,
    "title_en": DRAINS.title_en,
    "category": "assist",
    "kinds": ["task"],
    "law": "农田水利条例",
    "article": "第十八条",
    "issuing_body": "国务院",
    "issued_on": "2016-05-17",
    "reason": "汛期前沟渠淤堵，须由村组织清理。",
    "askers": [WATER],
    "asks_per_village_year_max": 2,
    "hours_estimate": 8,
    "inspect_on_completion": False,
}
LEDGER_WANTED: Final = {
    "title_zh": "每月填报农户收支情况表",
    "title_en": "A monthly form on the income and spending of households",
    "category": "assist",
    "kinds": ["form"],
    "law": "中华人民共和国统计法",
    "issuing_body": "全国人民代表大会常务委员会",
    "issued_on": "2009-06-27",
    "reason": "掌握农户收支变化。",
    "askers": [STATISTICS],
    "asks_per_village_year_max": 12,
    "hours_estimate": 12,
    "inspect_on_completion": False,
}
FLOOD_WANTED: Final = {
    "department": EMERGENCIES,
    "emergency": "flood",
    "title_zh": "汛期低洼户转移安置",
    "title_en": "Move households out of flooded lowland",
    "category": "assist",
    "kinds": ["task"],
    "law": "中华人民共和国突发事件应对法",
    "article": "第二十二条",
    "issuing_body": "全国人民代表大会常务委员会",
    "issued_on": "2024-06-28",
    "reason": "河道超警戒水位，低洼户须立即转移。",
    "askers": [EMERGENCIES],
    "hours_estimate": 16,
    "inspect_on_completion": False,
}


def lighters(application: ApplicationId, *, complete: bool, on: date) -> AccessApplied:
    """The forestry bureau's application; the first time it has forgotten who issued its legal basis, and when."""
    return AccessApplied(
        application=application,
        department=FORESTRY,
        list_code="village",
        title_zh="清明期间林区路口火种登记",
        title_en="Register lighters at forest roads at Qingming",
        category=ItemCategory.ASSIST,
        kinds=(AskKind.TASK,),
        legal_basis="森林防火条例 第十六条",
        applied_on=on,
        reason="清明期间进山祭扫人员集中。",
        issuing_body="国务院" if complete else None,
        issued_on=date(2008, 12, 1) if complete else None,
        division=DAFANG,
        asks_per_village_year_max=1,
        hours_estimate=6,
        inspect_on_completion=False,
    )


@cache
def villages() -> tuple[DivisionCode, ...]:
    """Fengshan's villages, by code."""
    return tuple(sorted(division.code for division in all_divisions() if division.parent_code == FENGSHAN))
