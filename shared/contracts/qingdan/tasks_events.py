"""Events of tasks: a work meeting publishes, villages claim, refuse, report and complete (`pub.tasks.v1`)."""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from qingdan.burden_events import BudgetChanged, BurdenReported
from qingdan.divisions import DivisionCode
from qingdan.event import ContractModel, EventBody
from qingdan.ids import AskId, DepartmentCode, ItemCode, MeetingId, OpenCode, Reference, Sha256, ShareId, TaskId, Title
from qingdan.money import FenTotal
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
    open_to: Literal["each", "first"] | None = Field(
        None, description="first: whoever claims first holds it, the other shares are withdrawn; null: each"
    )
    hours_estimate: Annotated[int, Field(ge=0, le=10_000)] | None = Field(None, description="person-hours per share")
    latest_on: date | None = Field(None, description="the statutory latest date, where law sets one")
    villages_beyond_budget: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        None, description="how many of the villages this takes beyond their month's budget of hours; null: no budget"
    )


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


class WorksFacts(ContractModel):
    """What public works took and saved, as a village reports it: the total so far, not what was added."""

    labour_days: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(None, description="days that people worked")
    households_taking_part: Annotated[int, Field(ge=0, le=100_000)] | None = None
    material_reused_kg: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    money_saved_fen: FenTotal | None = None


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
    works: WorksFacts | None = None


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
    works: WorksFacts | None = None


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


class ShareWithdrawn(EventBody):
    """A share need not be done any more: another village took the task, or the ask is over."""

    KEY: ClassVar[str] = "task"

    type: Literal["share.withdrawn.v1"] = "share.withdrawn.v1"
    task: TaskId
    share: ShareId
    village: DivisionCode
    code: OpenCode = Field(description="as in `taken`")
    withdrawn_on: date
    origin: Origin


class ShareLimitChanged(EventBody):
    """A share's due date changed: its village set another limit, or the official calendar came."""

    KEY: ClassVar[str] = "task"

    type: Literal["share.limit-changed.v1"] = "share.limit-changed.v1"
    task: TaskId
    share: ShareId
    village: DivisionCode
    department: DepartmentCode
    limit_working_days: WorkingDays
    due_on: date
    provisional: bool
    code: OpenCode = Field(description="as in `own`, `extension`, `calendar`")
    changed_on: date
    origin: Origin
    judged_due_on: date | None = Field(None, description="by which on time is judged; null: by the due date")


class SharePaused(EventBody):
    """A share's clock stands still: the ball is in somebody else's hands."""

    KEY: ClassVar[str] = "task"

    type: Literal["share.paused.v1"] = "share.paused.v1"
    task: TaskId
    share: ShareId
    village: DivisionCode
    waiting_for: OpenCode = Field(description="as in `department`, `county`, `supervision`, `weather`")
    paused_on: date
    origin: Origin


class ShareResumed(EventBody):
    """A share's clock runs again; what it stood still is added to its due date."""

    KEY: ClassVar[str] = "task"

    type: Literal["share.resumed.v1"] = "share.resumed.v1"
    task: TaskId
    share: ShareId
    village: DivisionCode
    paused_working_days: Annotated[int, Field(ge=0, le=10_000)]
    due_on: date
    provisional: bool
    resumed_on: date
    origin: Origin
    judged_due_on: date | None = Field(None, description="by which on time is judged; null: by the due date")


class ExtensionAsked(EventBody):
    """A village asks that its share be due later, also when the date has passed; silence is consent."""

    KEY: ClassVar[str] = "task"

    type: Literal["extension.asked.v1"] = "extension.asked.v1"
    task: TaskId
    share: ShareId
    village: DivisionCode
    department: DepartmentCode
    limit_working_days: WorkingDays = Field(description="what is asked for, counted from the claim")
    asked_on: date
    decide_by: date
    origin: Origin


class ExtensionDecided(EventBody):
    """An extension was granted or not; where it was, the share's changed limit is told as well."""

    KEY: ClassVar[str] = "task"

    type: Literal["extension.decided.v1"] = "extension.decided.v1"
    task: TaskId
    share: ShareId
    village: DivisionCode
    department: DepartmentCode
    granted: bool
    decided_on: date
    origin: Origin


class DeskTransferred(EventBody):
    """A village's desk has a new secretary: what the village has claimed stays claimed, nothing is done twice."""

    KEY: ClassVar[str] = "village"

    type: Literal["desk.transferred.v1"] = "desk.transferred.v1"
    village: DivisionCode
    shares_open: Annotated[int, Field(ge=0, le=1_000_000)]
    transferred_on: date


class RefusalAppealed(EventBody):
    """A department appealed against a village's no; the clock is now on the county."""

    KEY: ClassVar[str] = "task"

    type: Literal["refusal.appealed.v1"] = "refusal.appealed.v1"
    ask: AskId
    task: TaskId
    share: ShareId
    village: DivisionCode
    department: DepartmentCode
    appealed_on: date
    decide_by: date
    origin: Origin


class RefusalDecided(EventBody):
    """The county decided on an appeal, for good: the no stands, or the share is on the village's desk again."""

    KEY: ClassVar[str] = "task"

    type: Literal["refusal.decided.v1"] = "refusal.decided.v1"
    ask: AskId
    task: TaskId
    share: ShareId
    village: DivisionCode
    department: DepartmentCode
    upheld: bool = Field(description="the village's no stands")
    decided_on: date
    origin: Origin


class MeetingClosed(EventBody):
    """The record of a work meeting was closed: how many came, what was put on the table, what was taken from it."""

    KEY: ClassVar[str] = "meeting"

    type: Literal["meeting.closed.v1"] = "meeting.closed.v1"
    meeting: MeetingId
    division: DivisionCode
    held_on: date
    villages_invited: Annotated[int, Field(ge=0, le=100_000)]
    villages_attended: Annotated[int, Field(ge=0, le=100_000)]
    tasks: Annotated[int, Field(ge=0, le=100_000)]
    claims: Annotated[int, Field(ge=0, le=1_000_000)]
    objections: Annotated[int, Field(ge=0, le=100_000)]
    closed_on: date


class AskMerged(EventBody):
    """An ask said the same as an earlier one of another department: it is answered by the earlier task."""

    KEY: ClassVar[str] = "ask"

    type: Literal["ask.merged.v1"] = "ask.merged.v1"
    ask: AskId
    department: DepartmentCode
    kind: AskKind
    into: TaskId
    division: DivisionCode
    merged_on: date


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
    TaskPublished
    | ShareClaimed
    | ShareRefused
    | ShareProgressed
    | ShareReportedDone
    | ShareCompleted
    | ShareWithdrawn
    | ShareLimitChanged
    | SharePaused
    | ShareResumed
    | ExtensionAsked
    | ExtensionDecided
    | DeskTransferred
    | RefusalAppealed
    | RefusalDecided
    | MeetingClosed
    | AskMerged
    | AskRefused
    | BudgetChanged
    | BurdenReported,
    Field(discriminator="type"),
]
