"""Use case: the items of a run that look odd in one way."""

from uuid import UUID

from pydantic import BaseModel

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode, RunId
from qingdan.money import FenPaid
from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import comparison_store, run_store, year_cap_store
from subsidy.comparison_rules import AnomalyKind


class AnomalyView(BaseModel):
    """An item to look at."""

    programme: ProgrammeCode
    beneficiary: UUID
    division: DivisionCode
    amount_fen: FenPaid

    @property
    def position(self) -> tuple[str, UUID]:
        """Its place in the list, where the next page begins."""
        return self.programme, self.beneficiary


async def list_anomalies(
    pool: Pool,
    actor: Actor,
    run: RunId,
    kind: AnomalyKind,
    *,
    programme: ProgrammeCode | None,
    after: tuple[str, UUID] | None,
    limit: int,
) -> list[AnomalyView]:
    """At most `limit`, by programme and beneficiary. Raises NotFound."""
    async with transaction(pool, actor) as tx:
        await run_store.find_run(tx, run)
        if kind == "beyond_year_cap":
            rows = await year_cap_store.list_beyond(tx, run, programme=programme, after=after, limit=limit)
        else:
            rows = await comparison_store.list_anomalies(tx, run, kind, programme=programme, after=after, limit=limit)
    return [AnomalyView(**dict(row)) for row in rows]
