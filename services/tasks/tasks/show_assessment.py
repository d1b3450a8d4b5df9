"""Use case: an assessment, with the facts and the sentence that explain each rank."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Self

import asyncpg
from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import AssessmentId
from runtime.actor import Actor
from runtime.db import Pool, transaction
from tasks import assessment_store


class ChangeView(BaseModel):
    """A fact that, had it been otherwise, would have changed the score, the others' facts being as they are."""

    fact: str = Field(description="as in `assist_short_late`: the part of the list, the own limit, what went wrong")
    cases: int
    gain_milli: int = Field(description="points in thousandths")
    explanation_en: str
    explanation_zh: str


class PreviousView(BaseModel):
    """A division's place in the period before; points by another formula are not comparable."""

    assessment: AssessmentId
    period_from: date
    period_to: date
    formula: str
    rank: int | None
    of: int
    score_milli: int | None


class RankView(BaseModel):
    """A division's place; null where there is too little to go by."""

    division: DivisionCode
    name_zh: str
    rank: int | None
    score_milli: int | None = Field(description="points in thousandths, 0 to 100,000")
    facts: dict[str, int]
    would_change: list[ChangeView] = Field(description="the two facts with the largest effect")
    previous: PreviousView | None
    contested: bool = Field(description="the division has objected, and nobody has decided yet")
    explanation_en: str
    explanation_zh: str

    @classmethod
    def of_row(cls, row: asyncpg.Record) -> Self:
        """From a place's row."""
        previous = {name.removeprefix("previous_"): value for name, value in row.items() if name.startswith("previous")}
        previous |= {"period_from": previous.pop("from"), "period_to": previous.pop("to")}
        parsed = {name: json.loads(row[name]) for name in ("facts", "would_change")}
        return cls(
            division=row["code"],
            previous=PreviousView(**previous) if previous["assessment"] else None,
            **dict(row) | parsed,
        )


class AssessmentView(BaseModel):
    """A ranking; who may see only one of the divisions sees only its place."""

    assessment: AssessmentId
    level: str
    period_from: date
    period_to: date
    formula: str
    assessed_on: date = Field(description="the day by which it was judged what is late; a correction keeps it")
    published_on: date
    replaces: AssessmentId | None = Field(description="the assessment that this one corrects, after an objection")
    replaced_by: AssessmentId | None = Field(description="the corrected one")
    of: int = Field(description="how many were ranked")
    ranks: list[RankView]

    @classmethod
    def of_rows(cls, rows: Sequence[asyncpg.Record]) -> Self:
        """From the ranks' rows, at least one."""
        renamed = {"assessment": rows[0]["assessment_id"], "published_on": rows[0]["told_on"]}
        shared = {name: rows[0][name] for name in cls.model_fields.keys() - {*renamed, "ranks"}} | renamed
        return cls(ranks=[RankView.of_row(row) for row in rows], **shared)


async def show_assessment(pool: Pool, actor: Actor, assessment: AssessmentId) -> AssessmentView:
    """Raises NotFound."""
    async with transaction(pool, actor) as tx:
        return AssessmentView.of_rows(await assessment_store.find_ranks(tx, assessment))
