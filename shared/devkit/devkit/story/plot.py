"""What people choose in the story: limits, findings, difficulties; the same seed makes the same story."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from devkit.story.anji import PEOPLE, PERIODS, Subsidies
from devkit.story.county import WUGUANYING, County, OffListAsk, Task, jize
from devkit.story.dafang import SignCounty, dafang
from qingdan.divisions import DivisionCode

SEED: Final = 20210811
VISITED_FROM_REPORT_SHARE: Final = 0.08
FINDING_SHARE: Final = 0.3
FIRST_RECHECK_PASSES_SHARE: Final = 0.8
FORWARDED_SHARE: Final = 0.25
SIGNS_ASKED_FOR: Final = 5

# Jiazhuang hardened its road with its own building waste; in Yeguanying each household sent a labourer to the lanes.
WORKS: Final[Mapping[tuple[str, str], Mapping[str, int]]] = {
    ("130431105205", "村主路1.2公里硬化"): {"material_reused_kg": 180_000, "money_saved_fen": 3_600_000},
    ("130431105206", "背街小巷整治(胡同改造)3条"): {
        "labour_days": 510,
        "households_taking_part": 170,
        "money_saved_fen": 6_120_000,
    },
}

# What the villages of the article were short of, in our words: category, difficulty, answer.
DIFFICULTIES: Final = (
    (
        "materials",
        "道路硬化缺垫层材料，想用拆旧的建筑垃圾，村里没有破碎设备。",
        "镇里联系设备进村，拆旧建筑垃圾就地破碎利用。",
    ),
    ("labour", "胡同改造缺劳力，青壮年多在外务工。", "按每户出一名劳力的办法组织，镇里派技工指导。"),
    ("funds", "户厕改造补助到账晚，材料商不愿赊账。", "县里已拨付，三个工作日内到账。"),
    ("coordination", "两村共用的排水沟由谁清理说不清。", "镇里召集两村现场划定责任段。"),
    ("policy", "外出户的宅基地申请能否委托办理，村里不清楚。", "可以委托近亲属办理，镇里已答复并附样例。"),
)


@dataclass(frozen=True, slots=True)
class Plot:
    """Who takes part, what is on the table, and how everybody decides."""

    county: County
    town: DivisionCode
    villages: tuple[DivisionCode, ...]
    tasks: tuple[Task, ...]
    signs: SignCounty
    subsidies: Subsidies
    seed: int = SEED

    @property
    def all_villages(self) -> bool:
        """Whether the meeting is of the whole town."""
        return len(self.villages) == len(self.county.villages(self.town))

    @property
    def by_title(self) -> Mapping[str, Task | OffListAsk]:
        """What lies behind a share, as its village reads it."""
        return {row.title_zh: row for row in self.county.off_list} | {row.title_zh: row for row in self.tasks}

    def limit_working_days(self, village: DivisionCode, task: Task) -> int:
        """The village knows best: anything between the usual shortest and longest."""
        return self._chance("limit", village, task.code).randint(task.limit_min, task.limit_max)

    def asker(self, ask: OffListAsk) -> str:
        """An ask that hides behind an item is brought by a department which that item names."""
        if ask.decided_by == "gate":
            return ask.department
        askers = self.county.item(self.cited(ask) or "").askers
        return ask.department if ask.department in askers else askers[0]

    def cited(self, ask: OffListAsk) -> str | None:
        """The item that an ask claims to stand on."""
        return ask.cites or (ask.nearest_item if ask.decided_by == "village" else None)

    def host(self, ask: OffListAsk) -> DivisionCode:
        """The village that an ask hiding behind an item is put to."""
        return self._chance("host", ask.code).choice(self.villages)

    def percent(self, village: DivisionCode, title: str) -> int:
        """How far a village is when it first reports, in percent."""
        return self._chance("percent", village, title).randrange(20, 85, 5)

    def photos(self, village: DivisionCode, title: str, when: str) -> list[str]:
        """Hashes of up to two photos; many reports have none, since no report needs one."""
        count = self._chance("photos", village, title, when).choice((0, 0, 1, 2))
        return [sha256(f"{self.seed}/{village}/{title}/{when}/{n}".encode()).hexdigest() for n in range(count)]

    def works(self, village: DivisionCode, title: str) -> Mapping[str, int] | None:
        """What works took and saved, where the county's newspaper tells of works (the amounts are modelled)."""
        return WORKS.get((str(village), title))

    def is_visited_from_report(self, village: DivisionCode, title: str) -> bool:
        """Whether the team goes to see a share whose item asks for no visit."""
        return self._chance("visited", village, title).random() < VISITED_FROM_REPORT_SHARE

    def findings(self, village: DivisionCode, title: str) -> list[dict[str, str]]:
        """What the team finds on the spot: mostly nothing."""
        chance, row = self._chance("findings", village, title), self.by_title[title]
        if chance.random() >= FINDING_SHARE or not isinstance(row, Task):
            return []
        missed = chance.sample(row.indicators_zh, k=min(len(row.indicators_zh), chance.choice((1, 1, 2))))
        return [
            {
                "category": chance.choice(("quality", "pace", "coverage")),
                "text": f"“{indicator}”尚未做到。",
                "suggestion": f"请对照“{indicator}”整改，完成后报告，督查组复查。",
            }
            for indicator in missed
        ]

    def passes_recheck(self, village: DivisionCode, finding: str, failed_before: int) -> bool:
        """Some findings need a second try; nobody needs a third."""
        return failed_before > 0 or self._chance("recheck", village, finding).random() < FIRST_RECHECK_PASSES_SHARE

    def difficulties(self, village: DivisionCode) -> Sequence[tuple[str, str, str]]:
        """Category, text and answer of what a village cannot solve alone: one or two."""
        chance = self._chance("difficulties", village)
        return chance.sample(DIFFICULTIES, k=chance.choice((1, 1, 2)))

    def is_forwarded(self, village: DivisionCode, text: str) -> bool:
        """Whether the town has to ask somebody else before it can answer."""
        return self._chance("forwarded", village, text).random() < FORWARDED_SHARE

    def more_signs(self) -> Sequence[tuple[str, DivisionCode, str]]:
        """Department, village and wording of signs that are still asked for, and may not hang."""
        kinds = [rule for rule in self.signs.rules if not rule.permitted]
        chosen = self._chance("more signs").sample(kinds, k=min(SIGNS_ASKED_FOR, len(self.signs.villages)))
        return [
            (rule.department, village, rule.title_zh)
            for rule, village in zip(chosen, self.signs.villages, strict=False)
        ]

    @property
    def removals_expected(self) -> int:
        """How many signs may not hang, by the labels of the census: only for the progress bar."""
        return self.signs.removable

    def removal_limit_working_days(self, village: DivisionCode) -> int:
        """Taking signs down takes no year."""
        return self._chance("removal", village).randint(2, 10)

    def photo_of_the_bare_wall(self, village: DivisionCode, title: str) -> list[str]:
        """The hash of the one photo that the village sends."""
        return [sha256(f"{self.seed}/bare wall/{village}/{title}".encode()).hexdigest()]

    def _chance(self, *about: str) -> Random:
        return Random("/".join((str(self.seed), *about)))


def whole_story() -> Plot:
    """All on-list tasks and all villages of Wuguanying; all signs of Dafang's census; all people and programmes."""
    return small_story(villages_max=None, tasks_max=None)


def small_story(
    *,
    villages_max: int | None,
    tasks_max: int | None,
    sign_villages_max: int | None = None,
    people: int = PEOPLE,
    periods: tuple[str, ...] = PERIODS,
) -> Plot:
    """The first villages, and tasks spread over the list; Xiedu and the next villages; fewer people and months."""
    county = jize()
    villages = tuple(village.code for village in county.villages(WUGUANYING))[:villages_max]
    step = 1 if tasks_max is None else max(1, len(county.tasks) // tasks_max)
    return Plot(
        county,
        WUGUANYING,
        villages,
        county.tasks[::step][:tasks_max],
        dafang().of(sign_villages_max),
        Subsidies(people, periods),
    )


def today() -> date:
    """The business date."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).date()


def tomorrow() -> date:
    return today() + timedelta(days=1)
