"""Events of subsidy runs, without a word about any beneficiary (`pub.subsidy.v1`)."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from qingdan.divisions import DivisionCode
from qingdan.event import ContractModel, EventBody
from qingdan.ids import AdjustmentId, ObjectionId, OpenCode, ProgrammeCode, RunId, Sha256
from qingdan.money import FenTotal

Period = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}$")]
"""The month that a run pays for."""
Count = Annotated[int, Field(ge=0, le=100_000_000)]


class ProgrammeTotal(ContractModel):
    """What one programme comes to in a run."""

    programme: ProgrammeCode
    payments: Count
    total_fen: FenTotal


ProgrammeTotals = Annotated[tuple[ProgrammeTotal, ...], Field(max_length=500)]


class Outcome(ContractModel):
    """How many payments ended in one way, and what they sum to."""

    payments: Count
    total_fen: FenTotal


class RunTotals(ContractModel):
    """A closed run to the fen: instructed = settled + rejected + returned; the reversed are among the returned."""

    instructed: Outcome
    settled: Outcome
    rejected: Outcome
    returned: Outcome
    reversed: Outcome | None = Field(default=None, description="of those returned: taken back by the bank itself")


class RunPreviewed(EventBody):
    """A run was computed for the preparer to look at."""

    KEY: ClassVar[str] = "run"

    type: Literal["run.previewed.v1"] = "run.previewed.v1"
    run: RunId
    division: DivisionCode
    period: Period
    programmes: ProgrammeTotals
    previewed_on: date
    programme_version: Annotated[int, Field(ge=1)] | None = None
    excluded: Count | None = Field(default=None, description="stand back for another programme")
    undetermined: Count | None = Field(default=None, description="facts are missing that would decide")


class RunFrozen(EventBody):
    """The preparer froze a run: public notice starts, and nothing in it changes any more."""

    KEY: ClassVar[str] = "run"

    type: Literal["run.frozen.v1"] = "run.frozen.v1"
    run: RunId
    division: DivisionCode
    period: Period
    programmes: ProgrammeTotals
    frozen_on: date
    notice_until: date
    frozen_hash: Sha256 | None = Field(
        default=None, description="Merkle tree hash (RFC 9162, section 2.1.1) over everything that the run entitles to"
    )


class RunReturned(EventBody):
    """A frozen run was taken back before it was approved: its public notice is over, and it will be computed anew."""

    KEY: ClassVar[str] = "run"

    type: Literal["run.returned.v1"] = "run.returned.v1"
    run: RunId
    division: DivisionCode
    period: Period
    frozen_hash: Sha256 = Field(description="of what had been frozen, as its `run.frozen` said")
    reason: OpenCode
    returned_on: date


class RunApproved(EventBody):
    """A second person approved the run."""

    KEY: ClassVar[str] = "run"

    type: Literal["run.approved.v1"] = "run.approved.v1"
    run: RunId
    division: DivisionCode
    period: Period
    approved_on: date
    approvals: Annotated[int, Field(ge=1, le=10)] | None = Field(default=None, description="how many people approved")


class RunPaying(EventBody):
    """The payments of the run are on their way to the banks."""

    KEY: ClassVar[str] = "run"

    type: Literal["run.paying.v1"] = "run.paying.v1"
    run: RunId
    division: DivisionCode
    period: Period
    instructed: Outcome
    paying_on: date


class RunClosed(EventBody):
    """Every payment of the run has an end, and the books balance."""

    KEY: ClassVar[str] = "run"

    type: Literal["run.closed.v1"] = "run.closed.v1"
    run: RunId
    division: DivisionCode
    period: Period
    totals: RunTotals
    closed_on: date


class ObjectionRaised(EventBody):
    """Somebody objected to an item of a public notice: that item alone is held until it is decided."""

    KEY: ClassVar[str] = "objection"

    type: Literal["objection.raised.v1"] = "objection.raised.v1"
    objection: ObjectionId
    run: RunId
    division: DivisionCode = Field(description="the county of the run; where the item is would tell too much")
    programme: ProgrammeCode
    raised_on: date


class ObjectionDecided(EventBody):
    """An objection was looked at: the item is paid after all, or not."""

    KEY: ClassVar[str] = "objection"

    type: Literal["objection.decided.v1"] = "objection.decided.v1"
    objection: ObjectionId
    run: RunId
    division: DivisionCode
    programme: ProgrammeCode
    upheld: bool = Field(description="true: the objection stands, and the item is not paid")
    decided_on: date


class PeriodAdjusted(EventBody):
    """A month that was paid was computed again with what is known today; a second person decided on the difference.

    The month's own run stays as it was: what is still due is paid as arrears, what was too much is asked back.
    """

    KEY: ClassVar[str] = "adjustment"

    type: Literal["period.adjusted.v1"] = "period.adjusted.v1"
    adjustment: AdjustmentId
    division: DivisionCode
    period: Period
    arrears: Outcome
    recoveries: Outcome
    adjusted_on: date


SubsidyEvent = Annotated[
    RunPreviewed
    | RunFrozen
    | RunReturned
    | RunApproved
    | RunPaying
    | RunClosed
    | ObjectionRaised
    | ObjectionDecided
    | PeriodAdjusted,
    Field(discriminator="type"),
]
