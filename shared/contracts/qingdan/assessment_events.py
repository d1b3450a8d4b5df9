"""Events of the assessment: the ranking of villages and townships, with what explains it (`pub.assessment.v1`)."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.event import ContractModel, EventBody
from qingdan.ids import AssessmentId, FactName, OpenCode, Reference, ShareId

Rank = Annotated[int, Field(ge=1, le=100_000)]


class AssessmentFact(ContractModel):
    """One number that went into a score, in the unit that its name tells."""

    name: FactName
    value: int


class AssessmentPublished(EventBody):
    """A division's place for a period, with the facts and the formula that give it."""

    KEY: ClassVar[str] = "division"

    type: Literal["assessment.published.v1"] = "assessment.published.v1"
    period_from: date
    period_to: date
    division: DivisionCode
    level: DivisionLevel
    rank: Rank
    of: Rank
    score_milli: Annotated[int, Field(ge=-1_000_000_000, le=1_000_000_000)] = Field(description="score in thousandths")
    facts: Annotated[tuple[AssessmentFact, ...], Field(max_length=100)]
    formula: Reference = Field(description="name and version of the documented formula")
    assessment: AssessmentId | None = None
    replaces: AssessmentId | None = Field(None, description="the assessment that this one corrects, after an objection")


class AssessmentObjected(EventBody):
    """A division objects to its place; the clock is on whoever ranked it."""

    KEY: ClassVar[str] = "division"

    type: Literal["assessment.objected.v1"] = "assessment.objected.v1"
    assessment: AssessmentId
    division: DivisionCode
    objected_on: date
    decide_by: date


class Correction(ContractModel):
    """How a share counts from now on, because an objection was right."""

    share: ShareId
    counts_as: OpenCode = Field(description="as in `left_out`, `on_time`, `without_findings`")


class ObjectionDecided(EventBody):
    """An objection was answered; who was right is ranked anew by an assessment of its own."""

    KEY: ClassVar[str] = "division"

    type: Literal["assessment.objection-decided.v1"] = "assessment.objection-decided.v1"
    assessment: AssessmentId
    division: DivisionCode
    upheld: bool = Field(description="the place stands")
    decided_on: date
    corrections: Annotated[tuple[Correction, ...], Field(max_length=1000)] | None = None


AssessmentEvent = Annotated[AssessmentPublished | AssessmentObjected | ObjectionDecided, Field(discriminator="type")]
