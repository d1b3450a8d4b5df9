"""Events of tasks: a work meeting publishes, villages claim, refuse, report and complete (`pub.tasks.v1`)."""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from qingdan.divisions import DivisionCode
from qingdan.event import ContractModel, EventBody
from qingdan.ids import AskId, DepartmentCode, ItemCode, Reference, Sha256, ShareId, TaskId, Title
from qingdan.origin import Origin

WorkingDays = Annotated[int, Field(ge=1, le=366)]
Photos = Annotated[tuple[Sha256, ...], Field(max_length=50)]
"""SHA-256 of each photo; photos stay in the service, and open topics carry no free text."""


class AskKind(StrEnum):
    """What form a demand takes (2024 Rules on rectifying formalism)."""

    TASK = "task"
    FORM = "form"
    CERTIFICATE = "certificate"
    VISIT = "visit"
    SIGN = "sign"
    DOCUMENT = "document"
    MEETING = "meeting"
    SECONDMENT = "secondment"
    APP = "app"
    DEMONSTRATION = "demonstration"
    LETTER = "letter"


class RefusalCode(StrEnum):
    """Why the gate or a village says no."""

    OFF_LIST = "off_list"
    BEYOND_ITEM = "beyond_item"
    DUPLICATE = "duplicate"
    NO_MEANS = "no_means"
    ALREADY_SUPPLIED = "already_supplied"
    NEGATIVE_LIST = "negative_list"
    ASKER_NOT_NAMED = "asker_not_named"
    KIND_NOT_ALLOWED = "kind_not_allowed"


class PublishedShare(ContractModel):
    """One village's share of a published task."""

    share: ShareId
    village: DivisionCode


class TaskPublished(EventBody):
    """A task was published, with a share for each village that it asks."""

    KEY: ClassVar[str] = "task"

    type: Literal["task.published.v1"] = "task.published.v1"
    task: TaskId
    origin: Origin
    item: ItemCode | None
    list_version: Annotated[int, Field(ge=1)] | None
    department: DepartmentCode
    kind: AskKind
    title_zh: Title
    title_en: Title
    division: DivisionCode
    inspect_on_completion: bool
    published_on: date
    shares: Annotated[tuple[PublishedShare, ...], Field(min_length=1, max_length=1000)]
    legal_basis: Reference | None = Field(None, description="of a task that stands on no item of the list")


class ShareClaimed(EventBody):
    """A village claimed its share and set its own time limit, in working days."""

    KEY: ClassVar[str] = "task"

    type: Literal["share.claimed.v1"] = "share.claimed.v1"
    task: TaskId
    share: ShareId
    village: DivisionCode
    department: DepartmentCode
    limit_working_days: WorkingDays
    claimed_on: date
    due_on: date
    provisional: bool = Field(description="true while the official calendar does not reach the due date")
    origin: Origin


class ShareRefused(EventBody):
    """A village lawfully said no to its share; this never lowers a score."""

    KEY: ClassVar[str] = "task"

    type: Literal["share.refused.v1"] = "share.refused.v1"
    task: TaskId
    share: ShareId
    village: DivisionCode
    department: DepartmentCode
    code: RefusalCode
    list_version: Annotated[int, Field(ge=1)] | None
    refused_on: date
    origin: Origin


class ShareProgressed(EventBody):
    """A village reported how far its share has come."""

    KEY: ClassVar[str] = "task"

    type: Literal["share.progressed.v1"] = "share.progressed.v1"
    task: TaskId
    share: ShareId
    village: DivisionCode
    percent: Annotated[int, Field(ge=0, le=100)]
    photo_sha256: Photos
    reported_on: date
    origin: Origin


class ShareReportedDone(EventBody):
    """A village reported its share as done; where the item asks for it, a visit decides on completion."""

    KEY: ClassVar[str] = "task"

    type: Literal["share.reported-done.v1"] = "share.reported-done.v1"
    task: TaskId
    share: ShareId
    village: DivisionCode
    photo_sha256: Photos
    reported_on: date
    origin: Origin


class ShareCompleted(EventBody):
    """A share is complete."""

    KEY: ClassVar[str] = "task"

    type: Literal["share.completed.v1"] = "share.completed.v1"
    task: TaskId
    share: ShareId
    village: DivisionCode
    completed_on: date
    due_on: date
    used_working_days: Annotated[int, Field(ge=0, le=10_000)]
    on_time: bool
    origin: Origin


class AskRefused(EventBody):
    """An ask was refused, at the gate or by a village, with the reason and the nearest item of the list."""

    KEY: ClassVar[str] = "ask"

    type: Literal["ask.refused.v1"] = "ask.refused.v1"
    ask: AskId
    department: DepartmentCode
    kind: AskKind
    code: RefusalCode
    decided_by: Literal["gate", "village"]
    list_version: Annotated[int, Field(ge=1)]
    nearest_item: ItemCode | None
    division: DivisionCode
    refused_on: date
    origin: Origin | None = Field(None, description="of the task whose share a village refused; null at the gate")


TasksEvent = Annotated[
    TaskPublished | ShareClaimed | ShareRefused | ShareProgressed | ShareReportedDone | ShareCompleted | AskRefused,
    Field(discriminator="type"),
]
