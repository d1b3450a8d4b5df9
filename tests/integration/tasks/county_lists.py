"""The small county of the model test: its places and people, the lists that may be in force, and what may be asked."""

from datetime import date
from typing import Final

from qingdan.divisions import COUNTRY, DivisionCode
from qingdan.gate import Ask
from qingdan.tasks_events import AskKind
from runtime.actor import Role
from runtime.divisions import DivisionRow
from tasks.list_rules import Item
from tests.integration.service_scene import person

COUNTY, TOWN, OTHER_TOWN = (DivisionCode(code) for code in ("130431000000", "130431105000", "130431100000"))
VILLAGES: Final = {
    TOWN: tuple(DivisionCode(f"1304311052{number:02}") for number in range(1, 4)),
    OTHER_TOWN: (DivisionCode("130431100201"),),
}
EVERY_VILLAGE: Final = tuple(village for villages in VILLAGES.values() for village in villages)
TOWN_OF: Final = {village: town for town, villages in VILLAGES.items() for village in villages}
TREE: Final = [
    DivisionRow(code=COUNTY, name_zh="示范县"),
    *(DivisionRow(code=town, name_zh=f"乡{town}", parent_code=COUNTY) for town in VILLAGES),
    *(DivisionRow(code=village, name_zh=f"村{village}", parent_code=town) for village, town in TOWN_OF.items()),
]

OPERATOR = person(Role.OPERATOR, COUNTRY)
STAFF: Final = {place: person(Role.TOWN_STAFF, place) for place in (COUNTY, TOWN, OTHER_TOWN)}
CADRES: Final = {village: person(Role.VILLAGE_CADRE, village) for village in EVERY_VILLAGE}
DEPARTMENTS: Final = {code: person(Role.DEPARTMENT_STAFF, COUNTY, code) for code in ("MZJ", "WJJ", "JTJ", "RWB")}
COMMITTEE = person(Role.ACCESS_APPROVER, COUNTY)
TOWNS_APPROVER = person(Role.ACCESS_APPROVER, TOWN)
SUCCESSORS: Final = {village: person(Role.VILLAGE_CADRE, village, name="successor") for village in EVERY_VILLAGE}
TOWNS_CLERK = person(Role.TOWN_STAFF, TOWN, "MZJ", name="clerk")  # of a department, which sets no budget
LONE_CLERK = person(Role.TOWN_STAFF, EVERY_VILLAGE[0], name="clerk")  # a village's, whatever the role

LATEST_VALID: Final = date(2026, 10, 20)


def _item(code: str, category: str, title: tuple[str, str], **more: object) -> Item:
    said = {"code": code, "category": category, "title_zh": title[0], "title_en": title[1], "paid": True}
    return Item.model_validate({"owner_department": "MZJ", "inspect_on_completion": False} | said | more)


_CARE = _item(
    "RA01",
    "assist",
    ("独居老人关爱", "Care for elderly people living alone"),
    askers=["MZJ", "WJJ"],
    kinds=["task", "visit"],
    hours_estimate=4,
)
_ROAD = _item(
    "RB02",
    "statutory",
    ("村道养护", "Maintain village roads"),
    askers=["JTJ"],
    kinds=["task"],
    hours_estimate=8,
    inspect_on_completion=True,
    asks_per_village_year_max=2,
)
_WELL = _item(
    "RC03",
    "qualified",
    ("水井检修", "Repair wells"),
    askers=["MZJ"],
    kinds=["task"],
    hours_estimate=2,
    latest_working_days=10,
    division=TOWN,
    inspect_on_completion=True,
)
_TOILET = _item(
    "RD04",
    "assist",
    ("厕所登记", "Register household toilets"),
    askers=["WJJ"],
    kinds=["form", "task"],
    hours_estimate=1,
    valid_to=LATEST_VALID.isoformat(),
)
_LETTER = _item("RE05", "assist", ("责任状", "A letter"), askers=["JTJ"], kinds=["letter"], hours_estimate=1)

# What each version may say; nobody may put the last one in force.
LISTS: Final = (
    (_CARE, _ROAD, _WELL, _TOILET),
    (_CARE, _WELL, _TOILET),
    (_CARE.model_copy(update={"askers": ("MZJ",), "hours_estimate": 6}), _ROAD),
    (_CARE, _ROAD.model_copy(update={"inspect_on_completion": False}), _WELL.model_copy(update={"division": None})),
    (_CARE, _LETTER),
)
UNFIT: Final = len(LISTS) - 1


def _ask(department: str, kind: AskKind, title: tuple[str, str], cites: str | None) -> Ask:
    return Ask(department, kind, title[0], title[1], cites)


_CARED = ("独居老人入户巡访", "Visit elderly people living alone")
_PAVED = ("村主路硬化", "Harden the main street")
_REPAIRED = ("抗旱机井检修", "Repair drought relief wells")
_REGISTERED = ("户厕改造登记", "Register renovated household toilets")

ASKS: Final = (
    _ask("MZJ", AskKind.TASK, _CARED, "RA01"),
    _ask("WJJ", AskKind.TASK, _CARED, "RA01"),  # the same again, by another department
    _ask("JTJ", AskKind.TASK, _PAVED, "RB02"),
    _ask("MZJ", AskKind.TASK, _REPAIRED, "RC03"),
    _ask("WJJ", AskKind.FORM, _REGISTERED, "RD04"),
    _ask("MZJ", AskKind.VISIT, _CARED, "RA01"),
    _ask("JTJ", AskKind.TASK, _CARED, "RA01"),  # no asker of this item
    _ask("MZJ", AskKind.DOCUMENT, _CARED, "RA01"),  # no kind of this item
    _ask("JTJ", AskKind.TASK, _PAVED, None),
    _ask("JTJ", AskKind.LETTER, _PAVED, "RB02"),
    _ask("WJJ", AskKind.CERTIFICATE, _REGISTERED, "RD04"),
)
