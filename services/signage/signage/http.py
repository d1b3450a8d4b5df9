"""Commands and queries in: one route, one line to a use case."""

from datetime import date
from operator import attrgetter

from fastapi import APIRouter, Response
from pydantic import Field

from qingdan.divisions import DivisionCode
from qingdan.ids import DepartmentCode, Reference, RemovalOrderId, SignId, Title
from qingdan.signage_events import Position, SignPermitted
from runtime.http import CommandModel, CreatingCommand, Query
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from signage.count_signs import SignsCounted, count_signs
from signage.list_orders import OrderView, list_orders
from signage.list_refused_requests import RefusedRequestView, list_refused_requests
from signage.list_signs import SignView, list_signs
from signage.order_removals import RemovalsOrdered, order_removals
from signage.order_rules import DUE_WORKING_DAYS, DUE_WORKING_DAYS_MAX, ORDERS_PER_CALL_MAX, OrderState
from signage.publish_rule_version import publish_rule_version
from signage.request_sign import request_sign
from signage.show_rule_version import RulesView, show_rule_version
from signage.show_statistics import Statistics, show_statistics
from signage.sign_rules import SIGNS_PER_CENSUS_MAX, CountedSign, SignState, Verdict
from signage.version_rules import OPINIONS_OF_2022, SignRule

router = APIRouter(prefix="/v1", tags=["signage"])


class PublishRuleVersion(CommandModel):
    """A whole version of the rules; `legal_basis` is why what has no slot comes down."""

    effective_on: date
    legal_basis: Reference = OPINIONS_OF_2022
    rules: list[SignRule] = Field(min_length=1, max_length=500)


class CountSigns(CommandModel):
    """What somebody wrote down at the doors of some villages."""

    signs: list[CountedSign] = Field(min_length=1, max_length=SIGNS_PER_CENSUS_MAX)


class OrderRemovals(CommandModel):
    """Where, how many at once, and by when; a village still sets its own limit within its task."""

    division: DivisionCode
    limit: int = Field(default=ORDERS_PER_CALL_MAX, ge=1, le=ORDERS_PER_CALL_MAX)
    due_working_days: int = Field(default=DUE_WORKING_DAYS, ge=1, le=DUE_WORKING_DAYS_MAX)


class RequestSign(CommandModel):
    """The sign that a department wants to hang."""

    village: DivisionCode
    wording: Title
    position: Position


@router.post(
    "/rule-versions",
    status_code=201,
    response_model=RulesView,
    summary="Put a version of the rules in force (operator) 发布牌子规则版本",
)
async def publish_rules(body: PublishRuleVersion, command: CreatingCommand) -> Response:
    return command.answer(
        await publish_rule_version(
            command.pool, command.actor, body.rules, effective_on=body.effective_on, legal_basis=body.legal_basis
        )
    )


@router.get("/rules", summary="The rules as they stood on a day 查询牌子规则")
async def rules(query: Query, as_of: date | None = None) -> RulesView:
    return await show_rule_version(query.pool, query.actor, as_of)


@router.post("/census", response_model=SignsCounted, summary="Enter what hangs at villages 普查牌子")
async def census(body: CountSigns, command: CreatingCommand) -> Response:
    return command.answer(await count_signs(command.pool, command.actor, body.signs))


@router.post(
    "/removals", response_model=RemovalsOrdered, summary="Order down what may not hang (sign approver) 下达清理令"
)
async def removals(body: OrderRemovals, command: CreatingCommand) -> Response:
    return command.answer(
        await order_removals(
            command.pool, command.actor, body.division, limit=body.limit, due_working_days=body.due_working_days
        )
    )


@router.post(
    "/signs/requests",
    status_code=201,
    response_model=SignPermitted,
    summary="Ask to hang a sign: the rules permit or refuse it 申请挂牌",
)
async def request(body: RequestSign, command: CreatingCommand) -> Response:
    return command.answer(await request_sign(command.pool, command.actor, body.village, body.wording, body.position))


@router.get("/signs/requests/refused", summary="Refused asks for signs, with their reasons 被拒挂牌申请")
async def refused_requests(
    query: Query, department: DepartmentCode | None = None, after: Cursor = None, limit: PageLimit = 50
) -> Page[RefusedRequestView]:
    items = await list_refused_requests(
        query.pool, query.actor, department=department, after=position_in(after, SignId), limit=limit
    )
    return page_of(items, limit, by=attrgetter("sign"))


@router.get("/signs", summary="Signs, and what the rules say of them 牌子列表")
async def signs(
    query: Query,
    *,
    village: DivisionCode | None = None,
    state: SignState | None = None,
    verdict: Verdict | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[SignView]:
    items = await list_signs(
        query.pool,
        query.actor,
        village=village,
        state=state,
        verdict=verdict,
        after=position_in(after, SignId),
        limit=limit,
    )
    return page_of(items, limit, by=attrgetter("sign"))


@router.get("/orders", summary="Removal orders, and how far each has come 清理令列表")
async def orders(
    query: Query,
    village: DivisionCode | None = None,
    state: OrderState | None = None,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[OrderView]:
    items = await list_orders(
        query.pool,
        query.actor,
        village=village,
        state=state,
        after=position_in(after, RemovalOrderId),
        limit=limit,
    )
    return page_of(items, limit)


@router.get("/statistics", summary="Counts in one's scope, or at one village 统计")
async def statistics(query: Query, village: DivisionCode | None = None) -> Statistics:
    return await show_statistics(query.pool, query.actor, village)
