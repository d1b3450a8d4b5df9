"""Events of work access: departments apply for new items, lists take effect (`in.access.*.v1`, `pub.access.v1`)."""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from qingdan.divisions import DivisionCode
from qingdan.event import ContractModel, EventBody
from qingdan.ids import ApplicationId, DepartmentCode, ItemCode, ListCode, OpenCode, Reference, Title
from qingdan.tasks_events import AskKind

Words = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
"""Lines of text; only on topics that are not public."""


class ItemCategory(StrEnum):
    """The part of a list that an item stands in: villages' lists, the negative list, townships' duties lists."""

    STATUTORY = "statutory"
    ASSIST = "assist"
    QUALIFIED = "qualified"
    NEGATIVE = "negative"
    BASIC = "basic"
    COOPERATE = "cooperate"
    TAKEN_BACK = "taken_back"


class ListItem(ContractModel):
    """An item of a list in force: who may ask for it, and in what form."""

    code: ItemCode
    category: ItemCategory
    title_zh: Title
    title_en: Title
    askers: Annotated[tuple[DepartmentCode, ...], Field(max_length=100)]
    kinds: Annotated[tuple[AskKind, ...], Field(max_length=50)]
    inspect_on_completion: bool
    law: Reference | None = None
    article: Reference | None = None
    owner_department: DepartmentCode | None = None
    asks_per_village_year_max: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None, description="cadence: how often a village may be asked within a calendar year; null: as often as needed"
    )
    hours_estimate: Annotated[int, Field(ge=0, le=10_000)] | None = Field(None, description="person-hours per ask")
    latest_working_days: Annotated[int, Field(ge=1, le=250)] | None = Field(
        None, description="the statutory latest date: so many working days after publication, where law sets one"
    )
    division: DivisionCode | None = Field(None, description="whose villages may be asked; null: all")
    valid_from: date | None = None
    valid_to: date | None = Field(None, description="the last day on which it may be asked")


class ListVersionTookEffect(EventBody):
    """A version of a list took effect; it carries the whole list."""

    KEY: ClassVar[str] = "list_code"

    type: Literal["list.version-took-effect.v1"] = "list.version-took-effect.v1"
    list_code: ListCode
    version: Annotated[int, Field(ge=1)]
    effective_on: date
    items: Annotated[tuple[ListItem, ...], Field(max_length=500)]


class AccessApplied(EventBody):
    """A department applies to add an item to a list, and names its legal basis."""

    KEY: ClassVar[str] = "application"

    type: Literal["access.applied.v1"] = "access.applied.v1"
    application: ApplicationId
    department: DepartmentCode
    list_code: ListCode
    title_zh: Title
    title_en: Title
    category: ItemCategory
    kinds: Annotated[tuple[AskKind, ...], Field(min_length=1, max_length=50)]
    legal_basis: Reference
    applied_on: date
    reason: Words | None = None
    issuing_body: Title | None = None
    issued_on: date | None = None
    askers: Annotated[tuple[DepartmentCode, ...], Field(min_length=1, max_length=100)] | None = Field(
        None, description="who will ask; null: the applying department alone"
    )
    division: DivisionCode | None = Field(None, description="whose villages; null: the whole county's")
    asks_per_village_year_max: Annotated[int, Field(ge=1, le=10_000)] | None = None
    hours_estimate: Annotated[int, Field(ge=0, le=10_000)] | None = None
    inspect_on_completion: bool | None = None
    valid_to: date | None = Field(None, description="until when; null: until the list is changed")


class AccessReceived(EventBody):
    """An application was received: everybody may know what is being asked for, and by when it is decided."""

    KEY: ClassVar[str] = "list_code"

    type: Literal["access.received.v1"] = "access.received.v1"
    application: ApplicationId
    department: DepartmentCode
    list_code: ListCode
    title_zh: Title
    title_en: Title
    category: ItemCategory
    legal_basis: Reference
    received_on: date


class AccessReturned(EventBody):
    """An application was returned to its department to be completed."""

    KEY: ClassVar[str] = "list_code"

    type: Literal["access.returned.v1"] = "access.returned.v1"
    application: ApplicationId
    department: DepartmentCode
    list_code: ListCode
    stage: OpenCode
    returned_on: date


class EmergencyEntered(EventBody):
    """An item took effect at once because of an emergency; unless it is reviewed by then, it lapses by itself."""

    KEY: ClassVar[str] = "list_code"

    type: Literal["access.emergency-entered.v1"] = "access.emergency-entered.v1"
    application: ApplicationId
    department: DepartmentCode
    list_code: ListCode
    item: ItemCode
    version: Annotated[int, Field(ge=1)]
    emergency: OpenCode = Field(description="as in `flood`, `epidemic`")
    entered_on: date
    review_by: date


class EmergencyLapsed(EventBody):
    """An emergency item was not reviewed in time, and is off the list again."""

    KEY: ClassVar[str] = "list_code"

    type: Literal["access.emergency-lapsed.v1"] = "access.emergency-lapsed.v1"
    application: ApplicationId
    department: DepartmentCode
    list_code: ListCode
    item: ItemCode
    version: Annotated[int, Field(ge=1)]
    lapsed_on: date


class AccessApproved(EventBody):
    """An application was approved: the item will stand on the list from the named version on."""

    KEY: ClassVar[str] = "list_code"

    type: Literal["access.approved.v1"] = "access.approved.v1"
    application: ApplicationId
    department: DepartmentCode
    list_code: ListCode
    item: ItemCode
    version: Annotated[int, Field(ge=1)]
    approved_on: date


class AccessRefused(EventBody):
    """An application was refused."""

    KEY: ClassVar[str] = "list_code"

    type: Literal["access.refused.v1"] = "access.refused.v1"
    application: ApplicationId
    department: DepartmentCode
    list_code: ListCode
    code: OpenCode
    refused_on: date


AccessEvent = Annotated[
    AccessApplied
    | AccessReceived
    | AccessReturned
    | AccessApproved
    | AccessRefused
    | EmergencyEntered
    | EmergencyLapsed
    | ListVersionTookEffect,
    Field(discriminator="type"),
]
