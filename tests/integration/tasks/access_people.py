"""The county's people in work access: departments that apply, those that review, and what they hand in."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qingdan.access_events import AccessApplied
from qingdan.ids import ApplicationId
from runtime.actor import Actor, Role
from runtime.db import Version
from runtime.ids import new_id
from tasks.application_rules import Verdict, Wanted
from tasks.apply_for_access import apply_for_access
from tasks.decide_application import Decision, decide_application
from tasks.show_application import WholeApplication, show_application
from tests.integration.service_scene import person
from tests.integration.tasks.conftest import COUNTY

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

ROADS = person(Role.DEPARTMENT_STAFF, COUNTY, "JTJ")
WELFARE = person(Role.DEPARTMENT_STAFF, COUNTY, "MZJ")
SPORTS = person(Role.DEPARTMENT_STAFF, COUNTY, "WLJ")


def approver(department: str, name: str = "approver") -> Actor:
    """Whoever decides for a department is its staff, too: a token binds nobody else to a department."""
    staff = person(Role.DEPARTMENT_STAFF, COUNTY, department, name=f"{department}-{name}")
    return replace(staff, roles=staff.roles | {Role.ACCESS_APPROVER})


RURAL, RURAL_2 = approver("NYJ"), approver("NYJ", "another")
PARTY, CIVIL, OFFICE, OFFICE_2 = approver("ZZB"), approver("MZJ"), approver("ZFB"), approver("ZFB", "another")
WAY = (RURAL, RURAL_2, PARTY, CIVIL, OFFICE)
"""Everybody whose yes the default stages need, in a possible order."""

BODY: dict[str, Any] = {
    "title_zh": "农村公路桥涵汛前排查",
    "title_en": "Inspect culverts of rural roads before the flood season",
    "category": "assist",
    "kinds": ["task"],
    "law": "农村公路养护管理办法",
    "article": "第七条",
    "issuing_body": "交通运输部",
    "issued_on": "2015-11-11",
    "reason": "汛期前须掌握桥涵隐患",
    "askers": ["JTJ"],
    "asks_per_village_year_max": 2,
    "hours_estimate": 6,
    "inspect_on_completion": False,
}
WANTED = Wanted.model_validate({"list_code": "village", **BODY})


async def applied(scene: "Scene", wanted: Wanted = WANTED, by: Actor = ROADS) -> ApplicationId:
    """A new application."""
    return (await apply_for_access(scene.pool, by, wanted)).application


async def look(scene: "Scene", application: ApplicationId) -> WholeApplication:
    """The application with its history, as the service sees it."""
    return await show_application(scene.pool, scene.service, application)


async def decide(
    scene: "Scene", by: Actor, application: ApplicationId, verdict: Verdict = "approve", code: str = "lawful"
) -> Decision:
    """An opinion on the application as it stands."""
    version = Version((await look(scene, application)).version)
    return await decide_application(scene.pool, by, application, verdict, code, "已核", expected=version)


async def approved(scene: "Scene", application: ApplicationId, *, but_the_last: bool = False) -> None:
    """All stages say yes; or all but the last one."""
    for by in WAY[:-1] if but_the_last else WAY:
        await decide(scene, by, application)


def event(**changes: object) -> AccessApplied:
    """The same application by event."""
    said = {name: value for name, value in BODY.items() if name not in ("law", "article")}
    return AccessApplied.model_validate(
        {
            **said,
            "application": UUID(str(new_id())),
            "department": "JTJ",
            "list_code": "village",
            "legal_basis": "农村公路养护管理办法 第七条",
            "applied_on": "2026-03-02",
            **changes,
        }
    )
