"""Use case: an assessment, with the facts and the sentence that explain each rank."""

import json
from datetime import date
from typing import Self

import asyncpg
from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import AssessmentId
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import assessment_store


class RankView(BaseModel):
    """A division's place; null where there is too little to go by."""

    division: DivisionCode
    name_zh: str
    rank: int | None
    score_milli: int | None = Field(description="points in thousandths, 0 to 100,000")
    facts: dict[str, int]
    explanation_en: str
    explanation_zh: str


class AssessmentView(BaseModel):
    """A ranking; who may see only one of the divisions sees only its place."""

    assessment: AssessmentId
    level: str
    period_from: date
    period_to: date
    formula: str
    assessed_on: date
    of: int = Field(description="how many were ranked")
    ranks: list[RankView]

    @classmethod
    def of_rows(cls, rows: list[asyncpg.Record]) -> Self:
        """From the ranks' rows, at least one."""
        shared = {name: rows[0][name] for name in cls.model_fields if name not in ("assessment", "ranks")}
        ranks = [RankView(division=row["code"], **dict(row) | {"facts": json.loads(row["facts"])}) for row in rows]
        return cls(assessment=rows[0]["assessment_id"], ranks=ranks, **shared)


async def show_assessment(pool: Pool, actor: Actor, assessment: AssessmentId) -> AssessmentView:
    """Raises NotFound."""
    async with transaction(pool, actor) as tx:
        return AssessmentView.of_rows(list(await assessment_store.find_ranks(tx, assessment)))
