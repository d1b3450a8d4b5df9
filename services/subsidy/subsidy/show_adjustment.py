"""Use case: one adjustment, with what each programme comes to in it."""

from pydantic import BaseModel

from qingdan.ids import AdjustmentId, ProgrammeCode
from qingdan.money import FenTotal
from qingdan.subsidy_events import Count
from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import adjustment_item_store, adjustment_store
from subsidy.list_adjustments import AdjustmentView


class AdjustedProgramme(BaseModel):
    """What one programme comes to, as far as the asker sees."""

    programme: ProgrammeCode
    items: Count
    arrears: Count
    arrears_fen: FenTotal
    recoveries: Count
    recoveries_fen: FenTotal


class CountedAdjustment(AdjustmentView):
    """An adjustment and its programmes, those left out in which nothing differs."""

    programmes: list[AdjustedProgramme]


async def show_adjustment(pool: Pool, actor: Actor, adjustment: AdjustmentId) -> CountedAdjustment:
    """Raises NotFound."""
    async with transaction(pool, actor) as tx:
        row = await adjustment_store.find_adjustment(tx, adjustment)
        totals = await adjustment_item_store.totals_by_programme(tx, adjustment)
    return CountedAdjustment(**dict(row), programmes=[AdjustedProgramme(**dict(each)) for each in totals])
