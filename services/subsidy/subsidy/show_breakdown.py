"""Use case: what each programme of a run comes to in each township, or in each village of one."""

from pydantic import BaseModel

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode, RunId
from qingdan.money import FenTotal
from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import comparison_store, run_store


class PlaceCount(BaseModel):
    """A programme in a place; what is registered in no township or village is left out."""

    division: DivisionCode
    division_name: str
    programme: ProgrammeCode
    entitled: int
    total_fen: FenTotal
    excluded: int
    undetermined: int

    @property
    def position(self) -> tuple[str, str]:
        """Its place in the list, where the next page begins."""
        return self.division, self.programme


async def show_breakdown(
    pool: Pool,
    actor: Actor,
    run: RunId,
    *,
    township: DivisionCode | None,
    after: tuple[str, str] | None,
    limit: int,
) -> list[PlaceCount]:
    """At most `limit`, by place and programme. Raises NotFound."""
    async with transaction(pool, actor) as tx:
        await run_store.find_run(tx, run)
        rows = await comparison_store.breakdown(tx, run, township=township, after=after, limit=limit)
    return [PlaceCount(**dict(row)) for row in rows]
