"""Desks that change hands as they should: who hands over and accepts is recorded, and of the work nothing changes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qingdan.divisions import DivisionCode, DivisionLevel
from runtime.actor import Role
from runtime.divisions import DivisionUnknown
from runtime.problems import NotFound, StaleVersion
from tasks.hand_over_desk import DeskHandedOver
from tasks.handover_rules import HandOverClosed, HandOverId, NotAVillagesDesk, NotYourDesk, OwnHandOver
from tests.integration.tasks.county_shares import Foreseen, Told, given, require, sees

if TYPE_CHECKING:
    from tests.integration.tasks import county_commands as wants
    from tests.integration.tasks.county_model import County


@dataclass
class HandOver:
    """A hand-over as it should be, with what lay on the desk."""

    id: HandOverId
    village: DivisionCode
    by: str
    shares_open: int
    appeals_open: int
    state: Literal["open", "accepted", "replaced"] = "open"
    version: int = 1


def hand_over(county: "County", wanted: "wants.HandOverDesk", answer: object, *_: object) -> list[Told]:
    require(wanted.by, Role.VILLAGE_CADRE, Role.TOWN_STAFF)
    if wanted.village.level is not DivisionLevel.VILLAGE:
        raise Foreseen(NotAVillagesDesk)
    if Role.VILLAGE_CADRE in wanted.by.roles and wanted.by.division != wanted.village:
        raise Foreseen(NotYourDesk)
    if not sees(wanted.by, wanted.village):
        raise Foreseen(DivisionUnknown)
    handed = given(answer, DeskHandedOver)
    for earlier in county.handovers.values():
        if earlier.village == wanted.village and earlier.state == "open":
            earlier.state, earlier.version = "replaced", earlier.version + 1
    lying = [
        share.state
        for share in county.shares.values()
        if share.village == wanted.village and share.state in ("published", "claimed", "reported_done")
    ]
    appeals = [
        appeal for appeal in county.appeals.values() if appeal.no.place == wanted.village and appeal.state == "open"
    ]
    county.handovers[handed.hand_over] = HandOver(
        handed.hand_over, wanted.village, wanted.by.subject, len(lying), len(appeals)
    )
    county.notes += 1
    return []


def accept(county: "County", wanted: "wants.AcceptDesk", *_: object) -> list[Told]:
    require(wanted.by, Role.VILLAGE_CADRE)
    handed = county.handovers[wanted.hand_over]
    if not sees(wanted.by, handed.village):
        raise Foreseen(NotFound)
    if handed.version != wanted.version:
        raise Foreseen(StaleVersion)
    if wanted.by.division != handed.village:
        raise Foreseen(NotYourDesk)
    if wanted.by.subject == handed.by:
        raise Foreseen(OwnHandOver)
    if handed.state != "open":
        raise Foreseen(HandOverClosed)
    handed.state, handed.version = "accepted", handed.version + 1
    says = {"village": handed.village, "shares_open": handed.shares_open, "transferred_on": county.today}
    return [("desk.transferred.v1", says)]
