"""Extensions as they should be: a village asks to be judged by a later date, and who is silent has consented."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qingdan.divisions import DivisionLevel
from runtime.actor import Role
from runtime.problems import NotFound, StaleVersion
from tasks.ask_extension import ExtensionOpened
from tasks.claim_rules import LimitInThePast
from tasks.extension_rules import ExtensionClosed, ExtensionId, ExtensionOpen, NoLater, VillagesAsk
from tests.integration.tasks.county_shares import Foreseen, Share, Told, given, require, sees

if TYPE_CHECKING:
    from datetime import date

    from tests.integration.tasks import county_commands as wants
    from tests.integration.tasks.county_model import County

DECIDE_DAYS = 3


@dataclass
class Extension:
    """An extension as it should be."""

    id: ExtensionId
    share: Share
    limit: int
    due_asked: "date"
    asked_by: str
    decide_by: "date"
    state: Literal["open", "granted", "refused"] = "open"
    version: int = 1


def ask(county: "County", wanted: "wants.AskExtension", answer: object, *_: object) -> list[Told]:
    require(wanted.by, Role.VILLAGE_CADRE)
    share = county.shares[wanted.share]
    share.require_seen(wanted.by, wanted.version)
    share.require_under_way()
    if any(each.share.id == share.id and each.state == "open" for each in county.extensions.values()):
        raise Foreseen(ExtensionOpen)
    due = share.due_with(wanted.limit, county.days).on
    assert share.judged is not None
    if due <= share.judged:
        raise Foreseen(NoLater)
    if due < (share.paused_on or county.today):
        raise Foreseen(LimitInThePast)
    share.require_lawful(due, share.due_with(1, county.days).on)
    opened = given(answer, ExtensionOpened)
    decide_by = county.days.add_working_days(county.today, DECIDE_DAYS).on
    asked = Extension(opened.extension, share, wanted.limit, due, wanted.by.subject, decide_by)
    county.extensions[asked.id] = asked
    share.version += 1
    says = {"limit_working_days": wanted.limit, "asked_on": county.today, "decide_by": decide_by}
    return [share.told("extension.asked.v1", **says)]


def decide(county: "County", wanted: "wants.DecideExtension", *_: object) -> list[Told]:
    require(wanted.by, Role.DEPARTMENT_STAFF, Role.TOWN_STAFF)
    extension = county.extensions[wanted.extension]
    if not sees(wanted.by, extension.share.village, extension.share.department):
        raise Foreseen(NotFound)
    if extension.version != wanted.version:
        raise Foreseen(StaleVersion)
    if wanted.by.division.level is DivisionLevel.VILLAGE or wanted.by.subject == extension.asked_by:
        raise Foreseen(VillagesAsk)
    if extension.state != "open":
        raise Foreseen(ExtensionClosed)
    return _decided(county, extension, wanted.granted)


def grant_silent(county: "County", *_: object) -> list[Told]:
    silent = [each for each in county.extensions.values() if each.state == "open" and each.decide_by < county.today]
    silent.sort(key=lambda each: (each.decide_by, each.id))
    return [told for each in silent for told in _decided(county, each, True)]


def _decided(county: "County", extension: Extension, granted: bool) -> list[Told]:
    """What the village has in the meantime set itself in time, and is later, stands."""
    share = extension.share
    extension.state, extension.version = ("granted" if granted else "refused"), extension.version + 1
    told = [share.told("extension.decided.v1", granted=granted, decided_on=county.today)]
    assert share.judged is not None
    if granted and share.due_with(extension.limit, county.days).on > share.judged:
        told.append(share.extend(extension.limit, county.days))
    return told
