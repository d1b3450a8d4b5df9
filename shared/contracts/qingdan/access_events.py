"""Events of work access: departments apply for new items, lists take effect (`in.access.*.v1`, `pub.access.v1`)."""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from qingdan.event import ContractModel, EventBody
from qingdan.ids import ApplicationId, DepartmentCode, ItemCode, ListCode, OpenCode, Reference, Title
from qingdan.tasks_events import AskKind


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
    AccessApplied | AccessApproved | AccessRefused | ListVersionTookEffect, Field(discriminator="type")
]
