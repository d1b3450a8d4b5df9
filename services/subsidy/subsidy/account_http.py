"""Commands and queries of people's accounts: one route, one line to a use case."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from qingdan.divisions import DivisionCode
from qingdan.ids import AccountCheckId, OpenCode, PersonId
from runtime import http
from runtime.http import ChangingCommand, CommandModel, CreatingCommand
from runtime.paging import Cursor, Page, PageLimit, page_of, position_in
from subsidy.account_rules import Trust
from subsidy.confirm_account import confirm_account
from subsidy.list_account_oddities import AccountOddityView, list_account_oddities
from subsidy.list_accounts import AccountView, Waiting, list_accounts
from subsidy.list_oddities import OddityId
from subsidy.list_shared_accounts import SharedAccountView, SharedMark, list_shared_accounts
from subsidy.refuse_account import refuse_account
from subsidy.show_accounts import PersonAccounts, show_accounts
from subsidy.trust_register import RegisterTrusted, trust_register

router = APIRouter(prefix="/v1", tags=["accounts"])


class RefuseAccount(CommandModel):
    """Why it is not to be paid to; a word, never anything about the person."""

    reason: OpenCode


class TrustRegister(CommandModel):
    """For which changes of account nobody needs to look; none: two people look at each."""

    division: DivisionCode
    changes: list[Trust] = Field(max_length=10)


@router.get("/accounts", summary="Accounts not in force yet (finance) 待生效账户")
async def accounts(
    query: http.Query, waiting: Waiting = "eyes", after: Cursor = None, limit: PageLimit = 50
) -> Page[AccountView]:
    position = position_in(after, AccountCheckId)
    items = await list_accounts(query.pool, query.actor, waiting=waiting, after=position, limit=limit)
    return page_of(items, limit)


@router.get("/accounts/shared", summary="Accounts that several people name (finance) 多人共用账户")
async def shared(
    query: http.Query,
    people_min: Annotated[int, Query(ge=2, le=1_000_000)] = 3,
    after: Cursor = None,
    limit: PageLimit = 50,
) -> Page[SharedAccountView]:
    position = position_in(after, SharedMark)
    items = await list_shared_accounts(query.pool, query.actor, people_min=people_min, after=position, limit=limit)
    return page_of(items, limit)


@router.get("/accounts/oddities", summary="What banks said of accounts that does not fit 账户核验异常")
async def oddities(query: http.Query, after: Cursor = None, limit: PageLimit = 50) -> Page[AccountOddityView]:
    items = await list_account_oddities(query.pool, query.actor, after=position_in(after, OddityId), limit=limit)
    return page_of(items, limit)


@router.get("/persons/{person}/accounts", summary="Which account a person is paid to, masked (finance) 个人收款账户")
async def of_person(person: PersonId, query: http.Query) -> PersonAccounts:
    return await show_accounts(query.pool, query.actor, person)


@router.post(
    "/accounts/{change}/confirm",
    response_model=AccountView,
    summary="Confirm an account that waits for two people (finance) 确认账户变更",
)
async def confirm(change: AccountCheckId, command: ChangingCommand) -> Response:
    return command.answer(await confirm_account(command.pool, command.actor, change, expected=command.expected))


@router.post(
    "/accounts/{change}/refuse",
    response_model=AccountView,
    summary="Refuse an account that waits for two people (finance) 拒绝账户变更",
)
async def refuse(change: AccountCheckId, body: RefuseAccount, command: ChangingCommand) -> Response:
    return command.answer(
        await refuse_account(command.pool, command.actor, change, body.reason, expected=command.expected)
    )


@router.post(
    "/accounts/trust",
    response_model=RegisterTrusted,
    summary="For which changes the register's word is enough (finance approver) 账户变更免复核规则",
)
async def trust(body: TrustRegister, command: CreatingCommand) -> Response:
    return command.answer(await trust_register(command.pool, command.actor, body.division, body.changes))
