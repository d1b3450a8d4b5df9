"""Use case: the signs in the asker's scope."""

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import SignId
from qingdan.signage_events import Position
from runtime.actor import Actor
from runtime.db import Pool, transaction
from signage import sign_store
from signage.sign_rules import Reason, SignState, Verdict


class SignView(BaseModel):
    """A sign, and what the rules say of it."""

    sign: SignId
    village: DivisionCode
    department: str
    wording: str
    position: Position
    hung_since: int = Field(description="the year")
    state: SignState
    code: str | None = Field(description="null when no rule knows such a sign")
    verdict: Verdict
    reason: Reason | None = Field(description="why it comes down")
    rule_version: int = Field(description="the version of the rules that says so")
    version: int


async def list_signs(
    pool: Pool,
    actor: Actor,
    *,
    village: DivisionCode | None = None,
    state: SignState | None = None,
    verdict: Verdict | None = None,
    after: SignId | None = None,
    limit: int,
) -> list[SignView]:
    """At most `limit` signs, by id, after the last one seen."""
    async with transaction(pool, actor) as tx:
        rows = await sign_store.list_signs(tx, village=village, state=state, verdict=verdict, after=after, limit=limit)
    return [SignView(**dict(row)) for row in rows]
