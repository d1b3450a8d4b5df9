"""Use case: one run, with what each programme comes to."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.ids import OpenCode, ProgrammeCode, RunId, Sha256
from qingdan.money import FenTotal
from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import entitlement_store, return_store, run_store
from subsidy.list_runs import RunView


class ProgrammeCount(BaseModel):
    """What one programme comes to in the run."""

    programme: ProgrammeCode
    entitled: int
    excluded: int = Field(description="stood back for another programme")
    undetermined: int = Field(description="facts are missing that would decide")
    total_fen: FenTotal


class ReturnView(BaseModel):
    """What had been frozen, and who took it back for which reason."""

    number: int
    frozen_hash: Sha256
    frozen_by: str
    frozen_on: date
    notice_until: date
    approvals: int = Field(description="how many had been given; they count no more")
    reason: OpenCode
    returned_by: str
    returned_on: date


class CountedRun(RunView):
    """A run and its programmes, those left out that come to nothing for anybody."""

    programmes: list[ProgrammeCount]
    returned: list[ReturnView] = Field(description="each time that it came back, the last one first")


async def show_run(pool: Pool, actor: Actor, run: RunId) -> CountedRun:
    """Raises NotFound."""
    async with transaction(pool, actor) as tx:
        row = await run_store.find_run(tx, run)
        returned = await return_store.returns_of(tx, run)
        counted = await entitlement_store.count_by_status(tx, run)
    return CountedRun(
        **dict(row),
        programmes=[ProgrammeCount(**dict(each)) for each in counted],
        returned=[ReturnView(**dict(each)) for each in returned],
    )
