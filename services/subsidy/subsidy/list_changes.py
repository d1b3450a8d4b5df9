"""Use case: who is new in a run, who stops, whose amount is another, and why."""

from uuid import UUID

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import FactName, ProgrammeCode, RunId
from qingdan.money import FenPaid
from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import comparison_store, run_store
from subsidy.comparison_rules import REASONS, ChangeKind, ChangeReason


class ChangeView(BaseModel):
    """A difference to the run before; GET /v1/why explains either month in full."""

    programme: ProgrammeCode
    beneficiary: UUID
    division: DivisionCode
    kind: ChangeKind
    then_fen: FenPaid | None
    now_fen: FenPaid | None
    reason: ChangeReason
    reason_zh: str
    reason_en: str
    excluded_by: ProgrammeCode | None
    missing: list[FactName] | None = Field(description="unknown facts that the rule reads")

    @property
    def position(self) -> tuple[str, UUID]:
        """Its place in the list, where the next page begins."""
        return self.programme, self.beneficiary


async def list_changes(
    pool: Pool,
    actor: Actor,
    run: RunId,
    *,
    programme: ProgrammeCode | None,
    kind: ChangeKind | None,
    after: tuple[str, UUID] | None,
    limit: int,
) -> list[ChangeView]:
    """At most `limit`, by programme and beneficiary. Raises NotFound."""
    async with transaction(pool, actor) as tx:
        await run_store.find_run(tx, run)
        rows = await comparison_store.list_changes(tx, run, programme=programme, kind=kind, after=after, limit=limit)
    return [
        ChangeView(**dict(row), reason_zh=REASONS[row["reason"]][0], reason_en=REASONS[row["reason"]][1])
        for row in rows
    ]
