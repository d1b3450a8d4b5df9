"""Commands and queries in, about work access: one route, one line to a use case."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints

from qingdan.access_events import AccessReceived, EmergencyEntered, ItemCategory, Words
from qingdan.divisions import DivisionCode
from qingdan.ids import ApplicationId, DepartmentCode, ListCode, OpenCode, Title
from qingdan.tasks_events import AskKind
from runtime.http import ChangingCommand, CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from tasks.application_rules import ApplicationState, Verdict, Wanted
from tasks.apply_for_access import apply_for_access
from tasks.change_stages import StageSetView, change_stages
from tasks.decide_application import Decision, decide_application
from tasks.delegate_approvals import DelegationView, delegate_approvals
from tasks.enter_emergency import enter_emergency
from tasks.list_applications import ApplicationView, list_applications
from tasks.list_delegations import list_delegations
from tasks.list_rules import VILLAGE_LIST
from tasks.resubmit_application import resubmit_application
from tasks.revoke_delegation import revoke_delegation
from tasks.show_application import WholeApplication, show_application
from tasks.show_desk import DeskPosition, show_desk
from tasks.show_stages import show_stages
from tasks.stage_rules import Stage, StageKind

router = APIRouter(prefix="/v1/access", tags=["tasks"])

_Law = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Article = Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Subject = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class ApplyForAccess(CommandModel):
    """What a department wants on the list, why, and by which law, regulation or policy."""

    list_code: ListCode = VILLAGE_LIST
    title_zh: Title
    title_en: Title
    category: ItemCategory
    kinds: list[AskKind] = Field(min_length=1, max_length=11)
    law: _Law = Field(description="the law, or the document's number")
    article: _Article = ""
    issuing_body: Title
    issued_on: date
    reason: Words
    askers: list[DepartmentCode] = Field(min_length=1, max_length=100)
    division: DivisionCode | None = Field(None, description="whose villages; null: the whole county's")
    asks_per_village_year_max: Annotated[int, Field(ge=1, le=10_000)] | None = None
    hours_estimate: int = Field(ge=0, le=10_000, description="person-hours per ask")
    inspect_on_completion: bool
    paid: bool = Field(False, description="the means go with the work")
    valid_to: date | None = Field(None, description="until when; null: until the list is changed")

    @property
    def wanted(self) -> Wanted:
        return Wanted.model_validate(self.model_dump(include=set(Wanted.model_fields)))


class EnterEmergency(ApplyForAccess):
    """The same, for a department, because of a flood, an epidemic or the like."""

    department: DepartmentCode
    emergency: OpenCode = Field(description="as in `flood`, `epidemic`")


class DecideApplication(CommandModel):
    """An opinion: the code goes into events, the reason stays here."""

    verdict: Verdict
    code: OpenCode = Field(description="as in `lawful`, `no_legal_basis`, `incomplete`")
    reason: Words


class DelegateApprovals(CommandModel):
    """Who decides in one's place, and from when to when (both days included)."""

    delegate: _Subject
    from_on: date
    to_on: date


class ChangeStages(CommandModel):
    """A whole set of stages, in their order."""

    kind: StageKind = "ordinary"
    effective_on: date
    stages: list[Stage] = Field(min_length=1, max_length=10)
    review_days: Annotated[int, Field(ge=1, le=366)] | None = Field(
        None, description="of emergencies: calendar days in which one must be approved"
    )


@router.post(
    "/applications",
    status_code=201,
    response_model=AccessReceived,
    summary="Apply to put an item on the list (department) 提出准入申请",
)
async def apply(body: ApplyForAccess, command: CreatingCommand) -> Response:
    return command.answer(await apply_for_access(command.pool, command.actor, body.wanted))


@router.post(
    "/applications/{application}/submit",
    response_model=AccessReceived,
    summary="Complete and hand in again what was returned (department) 补正后重新提交",
)
async def submit(application: ApplicationId, body: ApplyForAccess, command: ChangingCommand) -> Response:
    return command.answer(
        await resubmit_application(command.pool, command.actor, application, body.wanted, expected=command.expected)
    )


@router.post(
    "/applications/{application}/decide",
    response_model=Decision,
    summary="Approve, return or refuse at the stage under way 审批",
)
async def decide(application: ApplicationId, body: DecideApplication, command: ChangingCommand) -> Response:
    return command.answer(
        await decide_application(
            command.pool,
            command.actor,
            application,
            body.verdict,
            body.code,
            body.reason,
            expected=command.expected,
        )
    )


@router.get("/applications", summary="Applications that concern one's department 准入申请列表")
async def applications(
    query: Query,
    state: ApplicationState | None = None,
    department: DepartmentCode | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[ApplicationView]:
    items = await list_applications(
        query.pool,
        query.actor,
        state=state,
        department=department,
        after=position_in(after, ApplicationId),
        limit=limit,
    )
    return page_of(items, limit)


@router.get("/applications/{application}", summary="An application with its whole history 准入申请详情")
async def application(application: ApplicationId, query: Query, response: Response) -> WholeApplication:
    shown = await show_application(query.pool, query.actor, application)
    response.headers["ETag"] = f'"{shown.version}"'
    return shown


@router.get("/desk", summary="What waits for one's department, oldest due date first 待办审批")
async def desk(query: Query, after: Cursor = None, limit: PageLimit = 50) -> Page[ApplicationView]:
    items = await show_desk(query.pool, query.actor, after=position_in(after, DeskPosition), limit=limit)
    return page_of(items, limit, by=lambda item: (item.due_on, item.application))


@router.post(
    "/emergencies",
    status_code=201,
    response_model=EmergencyEntered,
    summary="Put an item on the list at once (approver); reviewed afterwards 应急准入",
)
async def emergency(body: EnterEmergency, command: CreatingCommand) -> Response:
    return command.answer(
        await enter_emergency(command.pool, command.actor, body.department, body.emergency, body.wanted)
    )


@router.post(
    "/delegations",
    status_code=201,
    response_model=DelegationView,
    summary="Let another person of the department decide in one's place (approver) 委托审批",
)
async def delegate(body: DelegateApprovals, command: CreatingCommand) -> Response:
    return command.answer(
        await delegate_approvals(command.pool, command.actor, body.delegate, body.from_on, body.to_on)
    )


@router.post(
    "/delegations/{delegation}/revoke",
    response_model=DelegationView,
    summary="Let a delegation hold no more from today on (approver of the department) 撤销委托",
)
async def revoke(delegation: UUID, command: ChangingCommand) -> Response:
    return command.answer(await revoke_delegation(command.pool, command.actor, delegation, expected=command.expected))


@router.get("/delegations", summary="Delegations of one's department that hold, or that are over 委托列表")
async def delegations(query: Query, ended: bool = False) -> list[DelegationView]:
    return await list_delegations(query.pool, query.actor, ended=ended)


@router.post(
    "/stages",
    status_code=201,
    response_model=StageSetView,
    summary="Put a whole set of stages in force (operator) 设置审批环节",
)
async def stages(body: ChangeStages, command: CreatingCommand) -> Response:
    return command.answer(
        await change_stages(
            command.pool,
            command.actor,
            body.kind,
            body.stages,
            review_days=body.review_days,
            effective_on=body.effective_on,
        )
    )


@router.get("/stages", summary="The stages as they stood on a day 审批环节")
async def stages_in_force(query: Query, kind: StageKind = "ordinary", as_of: date | None = None) -> StageSetView:
    return await show_stages(query.pool, query.actor, kind, as_of)
