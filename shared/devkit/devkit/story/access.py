"""Work access: what is not on Dafang's list is refused; departments apply, others weigh it, and the list changes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from devkit.eventually import eventually
from devkit.story.answers import Application, Decision, ListVersion, Meeting
from devkit.story.client import Person, RefusedError, StoryError
from devkit.story.county import DAFANG
from devkit.story.fengshan import (
    CIVIL_AFFAIRS,
    DRAINS,
    DRAINS_WANTED,
    FENGSHAN,
    FLOOD_WANTED,
    FORESTRY,
    GOVERNMENT,
    JOINT_REVIEW,
    LEDGER_WANTED,
    RURAL,
    STATISTICS,
    WATER,
    lighters,
    villages,
)
from devkit.story.narrator import Advance
from devkit.story.plot import today
from devkit.story.telling import Telling
from qingdan.access_events import AccessReceived, EmergencyEntered
from qingdan.ids import ApplicationId
from qingdan.tasks_events import RefusalCode
from runtime.ids import new_id

APPLICATIONS: Final = "/v1/access/applications"
HEARD_TIMEOUT_S: Final = 30.0
COMPLETE: Final = ("approve", "complete", "材料齐全。")
LAWFUL: Final = ("approve", "lawful", "有法可依，同意纳入清单。")
SUPPLIED: Final = ("refuse", "already_supplied", "县级数据已有，不得要求村级重复填报。")

Opinion = tuple[str, str, str]
"""Verdict, code and reason."""


@dataclass(frozen=True, slots=True)
class Voice:
    """Somebody who gives an opinion, and which."""

    person: Person
    says: Opinion


async def open_the_list(telling: Telling) -> None:
    """An ask is refused, three departments apply for access, one item comes on by emergency; the list is told anew."""
    narrator, ledger = telling.narrator, telling.ledger
    narrator.say(
        "大方县：部门要向村里增加事项，须有法律法规或政策依据，经审核审批纳入清单（示例）；清单外一律退回。",
        "Dafang County: a department that wants more of villages names a law, regulation or policy and applies; "
        "only what passes every stage comes on the list (modelled). All else is refused.",
    )
    ledger.refused_before_access = await _refused_at_the_gate(telling)
    ledger.refused_at_gate.append(ledger.refused_before_access)
    with narrator.step("申请准入", "departments apply", 3) as advance:
        drains = await _apply(telling, WATER, DRAINS_WANTED, advance)
        ledger_form = await _apply(telling, STATISTICS, LEDGER_WANTED, advance)
        lighters_asked = await _apply_by_event(telling, advance)
    chair = telling.people.access_approver(GOVERNMENT, DAFANG)
    everybody = [_checker(telling), *_joint_review(telling), Voice(chair, LAWFUL)]
    no = [_checker(telling), Voice(telling.people.access_approver(CIVIL_AFFAIRS, DAFANG), SUPPLIED)]
    with narrator.step("审核审批", "opinions", 2 * len(everybody) + len(no)) as advance:
        await _nobody_speaks_twice(telling, drains)
        ledger.admitted = await _weigh(telling, drains, everybody[1:], "approved", advance, had=1)
        await _weigh(telling, lighters_asked, everybody, "approved", advance)
        await _weigh(telling, ledger_form, no, "refused", advance)
    await _emergency(telling, chair)
    await _tell(telling)


async def _refused_at_the_gate(telling: Telling) -> UUID:
    """The water bureau's ask before its access: the township cannot put it on the table."""
    town = telling.people.town_staff(FENGSHAN)
    held = {"division": FENGSHAN, "held_on": str(today()), "title": "凤山乡汛前工作部署会"}
    meeting = (await town.create("tasks", "/v1/meetings", held)).read(Meeting).meeting
    with telling.narrator.step("清单外过关口", "the gate, before access", 1) as advance:
        try:
            await town.create("tasks", f"/v1/meetings/{meeting}/tasks", DRAINS.body(villages()))
        except RefusedError as refused:
            if refused.kind != "not-on-the-list" or refused.problem.get("code") != RefusalCode.OFF_LIST:
                raise
            advance()
            return UUID(str(refused.problem["ask"]))
    raise StoryError(f"the gate let “{DRAINS.title_en}” through before it was on the list", service="tasks")


async def _apply(telling: Telling, department: str, wanted: dict[str, Any], advance: Advance) -> UUID:
    """Over HTTP."""
    staff = telling.people.department(department, DAFANG)
    received = (await staff.create("tasks", APPLICATIONS, wanted)).read(AccessReceived)
    telling.ledger.applications[received.application] = "under_review"
    telling.ledger.received += 1
    advance()
    return received.application


async def _apply_by_event(telling: Telling, advance: Advance) -> UUID:
    """What is incomplete comes back without troubling anybody; completed, it goes to the first stage."""
    application, staff = ApplicationId(new_id()), telling.people.department(FORESTRY, DAFANG)
    telling.ledger.applications[application] = "under_review"
    for complete, state in ((False, "returned"), (True, "under_review")):
        await telling.forestry.apply(lighters(application, complete=complete, on=today()))
        await eventually(
            _is_in_state(staff, application, state),
            timeout_s=HEARD_TIMEOUT_S,
            every_s=0.05,
            what=f"the forestry bureau's application is {state}",
        )
        telling.ledger.received += 1
    telling.ledger.returned += 1
    advance()
    return application


def _is_in_state(staff: Person, application: UUID, state: str) -> Callable[[], Awaitable[bool]]:
    async def there() -> bool:
        applications = await staff.pages("tasks", APPLICATIONS, Application)
        return any((each.application, each.state) == (application, state) for each in applications)

    return there


def _checker(telling: Telling) -> Voice:
    """The rural work office looks whether all is there."""
    return Voice(telling.people.access_checker(RURAL, DAFANG), COMPLETE)


def _joint_review(telling: Telling) -> Sequence[Voice]:
    return [Voice(telling.people.access_approver(each, DAFANG), LAWFUL) for each in JOINT_REVIEW]


async def _nobody_speaks_twice(telling: Telling, application: UUID) -> None:
    """Who has checked an application cannot review it too, though the department sits in both stages."""
    checker = _checker(telling)
    await _decide(checker, application)
    try:
        await _decide(Voice(checker.person, LAWFUL), application)
    except RefusedError as refused:
        if refused.kind != "decided-before":
            raise
        return
    raise StoryError(f"{checker.person.name} gave two opinions on one application", service="tasks")


async def _decide(voice: Voice, application: UUID) -> Decision:
    path = f"{APPLICATIONS}/{application}"
    seen = await voice.person.get("tasks", path, Application)
    verdict, code, reason = voice.says
    said = {"verdict": verdict, "code": code, "reason": reason}
    return (await voice.person.change("tasks", f"{path}/decide", seen.version, said)).read(Decision)


async def _weigh(
    telling: Telling, application: UUID, voices: Sequence[Voice], outcome: str, advance: Advance, *, had: int = 0
) -> Decision:
    """One after the other; `had`: opinions given before. Raises StoryError when something else comes of it."""
    for _ in range(had):
        advance()
    for voice in voices:
        decision = await _decide(voice, application)
        advance()
    if decision.outcome != outcome:
        raise StoryError(f"application {application} is {decision.outcome}, not {outcome}", service="tasks")
    telling.ledger.applications[application] = outcome
    return decision


async def _emergency(telling: Telling, chair: Person) -> None:
    """A flood does not wait for opinions; they follow, or the item lapses."""
    with telling.narrator.step("应急准入", "an emergency", 1) as advance:
        entered = (await chair.create("tasks", "/v1/access/emergencies", FLOOD_WANTED)).read(EmergencyEntered)
        telling.ledger.applications[entered.application] = "under_review"
        telling.ledger.emergency = entered
        advance()


async def _tell(telling: Telling) -> None:
    """What became of the list, read as a township's staff reads it."""
    ledger, narrator = telling.ledger, telling.narrator
    versions = await telling.people.town_staff(FENGSHAN).pages("tasks", "/v1/list/versions", ListVersion)
    newest, oldest = max(versions, key=lambda one: one.version), min(versions, key=lambda one: one.version)
    states = list(ledger.applications.values())
    narrator.say(
        f"准入申请批准{states.count('approved')}项、补正{ledger.returned}项、不予批准{states.count('refused')}项；"
        f"清单由第{oldest.version}版（{oldest.items}项）到第{newest.version}版（{newest.items}项）。",
        f"Of the applications {states.count('approved')} are approved, one of them after it was completed, and "
        f"{states.count('refused')} refused (the county has these data). The list went from version {oldest.version} "
        f"({oldest.items} items) to version {newest.version} ({newest.items} items), and everybody was told by event.",
    )
    assert ledger.emergency is not None
    narrator.say(
        f"汛情：“{FLOOD_WANTED['title_zh']}”当日生效（{ledger.emergency.item}），{ledger.emergency.review_by}前审核，逾期自动失效。",
        f"Flood: “{FLOOD_WANTED['title_en']}” took effect at once as {ledger.emergency.item}; unless it is reviewed by "
        f"{ledger.emergency.review_by}, it lapses by itself.",
    )
