"""Use case: what a month's run changes beside the runs before, and what in it looks odd, before anybody freezes it."""

from pydantic import BaseModel, Field

from qingdan.ids import ProgrammeCode, RunId
from qingdan.money import FenTotal
from qingdan.subsidy_events import Period
from runtime.actor import Actor
from runtime.db import Pool, transaction
from subsidy import comparison_store, run_store, year_cap_store
from subsidy.comparison_rules import ANOMALIES, AnomalyKind


class ProgrammeCompared(BaseModel):
    """A monthly programme beside the newest earlier run that it was due in."""

    programme: ProgrammeCode
    compared_with: Period | None = Field(description="null: there is none within 13 months")
    entitled: int
    total_fen: FenTotal
    before: int
    before_fen: FenTotal
    new: int
    stopped: int
    changed: int


class AnomalyCount(BaseModel):
    """How many items look odd in one way, and what to do."""

    kind: AnomalyKind
    items: int
    zh: str
    en: str


class RunCompared(BaseModel):
    """A run at a glance, as far as the asker sees it."""

    run: RunId
    period: Period
    programmes: list[ProgrammeCompared] = Field(description="by code; what is paid on occurrence is not compared")
    difference_fen: int = Field(description="of all programmes compared")
    anomalies: list[AnomalyCount] = Field(description="kinds of which there are any")


async def compare_run(pool: Pool, actor: Actor, run: RunId) -> RunCompared:
    """Raises NotFound."""
    async with transaction(pool, actor) as tx:
        period: Period = (await run_store.find_run(tx, run))["period"]
        beyond = await year_cap_store.beyond_in(tx, run)
        rows = await comparison_store.compare(tx, run)
        odd = await comparison_store.count_anomalies(tx, run)
    if beyond:
        odd["beyond_year_cap"] = sum(each.beneficiaries for each in beyond)
    programmes = [ProgrammeCompared(**dict(row)) for row in rows]
    return RunCompared(
        run=run,
        period=period,
        programmes=programmes,
        difference_fen=sum(each.total_fen - each.before_fen for each in programmes),
        anomalies=[
            AnomalyCount(kind=kind, items=odd[kind], zh=zh, en=en)
            for kind, (zh, en) in ANOMALIES.items()
            if kind in odd
        ],
    )
