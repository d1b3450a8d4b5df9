"""Use case: the assessments in which the asker sees a place."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import AssessmentId
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import assessment_store


class AssessmentSummary(BaseModel):
    """An assessment without its places."""

    assessment: AssessmentId
    below: DivisionCode | None = Field(description="the division whose parts were ranked")
    level: str
    period_from: date
    period_to: date
    formula: str
    assessed_on: date
    of: int = Field(description="how many were ranked")
    replaces: AssessmentId | None = Field(description="the assessment that this one corrects, after an objection")
    replaced_by: AssessmentId | None = Field(description="the corrected one")

    @property
    def position(self) -> AssessmentId:
        """Its place in the list, where the next page begins."""
        return self.assessment


async def list_assessments(
    pool: Pool, actor: Actor, *, after: AssessmentId | None, limit: int
) -> list[AssessmentSummary]:
    """At most `limit` assessments, the newest first, after the last one seen."""
    async with transaction(pool, actor) as tx:
        rows = await assessment_store.list_assessments(tx, after=after, limit=limit)
    return [AssessmentSummary(**dict(row)) for row in rows]
