"""Queries in, about versions of the programmes: one that stands, and what one that is proposed would change."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import Field

from qingdan.divisions import DivisionCode
from qingdan.ids import ProgrammeCode
from qingdan.subsidy_events import Period
from runtime.http import CommandModel, Query
from subsidy.dry_run_programmes import DryRun, dry_run_programmes
from subsidy.programme_rules import EXAMPLES_MAX, PROGRAMMES_MAX, Example, Programme
from subsidy.show_programme_version import ProgrammeVersionView, show_programme_version

router = APIRouter(prefix="/v1", tags=["programmes"])

VersionNumber = Annotated[int, Path(ge=1, le=2**31 - 1)]


class DryRunProgrammes(CommandModel):
    """A version that is proposed, and the county and month to compute it for."""

    division: DivisionCode
    period: Period
    programmes: list[Programme] = Field(min_length=1, max_length=PROGRAMMES_MAX)
    examples: list[Example] = Field(default=[], max_length=EXAMPLES_MAX)
    changes_of: ProgrammeCode | None = Field(default=None, description="list single changes of this programme alone")


@router.post(
    "/programme-versions/dry-run",
    summary="What proposed programmes would change, for whom; nothing is written (operator, finance) 试算规则变动",
)
async def dry_run(body: DryRunProgrammes, query: Query) -> DryRun:
    return await dry_run_programmes(
        query.pool,
        query.actor,
        division=body.division,
        period=body.period,
        programmes=body.programmes,
        examples=body.examples,
        only=body.changes_of,
    )


@router.get("/programme-versions/{version}", summary="A version of the programmes, with its examples 补贴项目版本")
async def programme_version(version: VersionNumber, query: Query) -> ProgrammeVersionView:
    return await show_programme_version(query.pool, query.actor, version)
