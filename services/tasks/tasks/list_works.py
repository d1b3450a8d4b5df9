"""Use case: what public works took and saved, summed for each township (or village) and item."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import ItemCode
from qingdan.money import Fen, FenTotal
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import works_store
from tasks.works_rules import labour_per_household

Level = Literal["township", "village"]


class WorksSum(BaseModel):
    """What works under one item took and saved in one division, as its villages told last; no assessment counts it."""

    division: DivisionCode
    name_zh: str
    item: str | None = Field(description="of the list; null for tasks that stand on no item")
    shares: int = Field(description="of which works were told")
    labour_days: int
    households_taking_part: int = Field(description="a household is counted once for each share it took part in")
    labour_days_per_household: Decimal | None = Field(description="to a tenth, of the shares that told both")
    material_reused_kg: int
    money_saved_fen: FenTotal
    money_saved_yuan: str

    @property
    def position(self) -> tuple[DivisionCode, str]:
        """Its place in the list, where the next page begins."""
        return self.division, self.item or ""


async def list_works(
    pool: Pool,
    actor: Actor,
    *,
    level: Level = "township",
    item: ItemCode | None = None,
    division: DivisionCode | None = None,
    after: tuple[DivisionCode, str] | None = None,
    limit: int,
) -> list[WorksSum]:
    """At most `limit` sums of what the actor may see, by division and item, after the last one seen."""
    async with transaction(pool, actor) as tx:
        rows = await works_store.list_works(tx, level=level, item=item, division=division, after=after, limit=limit)
    return [
        WorksSum(
            division=DivisionCode(row["division"]),
            name_zh=row["name_zh"],
            item=row["item"] or None,
            shares=row["shares"],
            labour_days=row["labour_days"],
            households_taking_part=row["households_taking_part"],
            labour_days_per_household=labour_per_household(
                row["labour_days_told_with_households"], row["households_told_with_labour"]
            ),
            material_reused_kg=row["material_reused_kg"],
            money_saved_fen=Fen(row["money_saved_fen"]),
            money_saved_yuan=Fen(row["money_saved_fen"]).yuan(),
        )
        for row in rows
    ]
