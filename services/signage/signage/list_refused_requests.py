"""Use case: the signs that departments asked to hang and may not."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import DepartmentCode, SignId
from qingdan.signage_events import Position
from runtime.actor import Actor
from runtime.db import Pool, transaction
from signage import request_store
from signage.sign_rules import RequestReason


class RefusedRequestView(BaseModel):
    """A refused ask, with the reason."""

    sign: SignId
    village: DivisionCode
    department: str
    wording: str
    position: Position
    code: str | None = Field(description="null when no rule knows such a sign")
    reason: RequestReason
    rule_version: int
    list_version: int | None = Field(description="of the responsibility list, where it had its say")
    refused_on: date


async def list_refused_requests(
    pool: Pool, actor: Actor, *, department: DepartmentCode | None = None, after: SignId | None = None, limit: int
) -> list[RefusedRequestView]:
    """At most `limit` refused asks, oldest first, after the last one seen."""
    async with transaction(pool, actor) as tx:
        rows = await request_store.list_refused(tx, department=department, after=after, limit=limit)
    return [RefusedRequestView(**dict(row)) for row in rows]
