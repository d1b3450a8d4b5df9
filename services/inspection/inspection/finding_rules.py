"""Decisions on findings: the village rectifies, the team checks again, and again where it must."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from qingdan.divisions import DivisionCode
from qingdan.ids import FindingId, OpenCode, RecheckId, VisitId
from qingdan.inspection_events import FindingRectified, RecheckFailed, RecheckPassed
from qingdan.origin import Origin
from runtime.problems import Refusal

FindingState = Literal["open", "rectified", "passed"]

FINDINGS_PER_VISIT_MAX: Final = 50

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
"""What people write. It stays in this service: open topics carry no free text."""


class AwaitsRecheck(Refusal):
    """This finding is reported as rectified; the supervision team checks it again next.
    该问题已报告整改，等待督查组复查。
    """

    status = 409


class NotRectified(Refusal):
    """The village has not rectified this finding yet: there is nothing to check again.
    村里尚未整改该问题，暂无可复查的内容。
    """

    status = 409


class PassedAlready(Refusal):
    """This finding has passed its re-check. 该问题已通过复查。"""

    status = 409


class Found(BaseModel):
    """A problem that the team found on the spot, with its suggestion how to rectify it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    category: OpenCode
    text: Words
    suggestion: Words


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding as it stands."""

    id: FindingId
    visit: VisitId
    village: DivisionCode
    origin: Origin
    state: FindingState
    failed_rechecks: int
    version: int


def rectify(finding: Finding, *, today: date) -> FindingRectified:
    """The village says that it has rectified the finding. Raises AwaitsRecheck, PassedAlready."""
    if finding.state == "rectified":
        raise AwaitsRecheck()
    if finding.state == "passed":
        raise PassedAlready()
    return FindingRectified(
        visit=finding.visit, finding=finding.id, village=finding.village, rectified_on=today, origin=finding.origin
    )


def recheck(finding: Finding, recheck_id: RecheckId, *, passed: bool, today: date) -> RecheckPassed | RecheckFailed:
    """The team checked again; what is still there goes back to the village. Raises NotRectified, PassedAlready."""
    if finding.state == "open":
        raise NotRectified()
    if finding.state == "passed":
        raise PassedAlready()
    outcome = RecheckPassed if passed else RecheckFailed
    return outcome(
        visit=finding.visit,
        finding=finding.id,
        recheck=recheck_id,
        village=finding.village,
        checked_on=today,
        origin=finding.origin,
    )


def state_after(event: FindingRectified | RecheckPassed | RecheckFailed) -> FindingState:
    """Where an event leaves its finding."""
    match event:
        case FindingRectified():
            return "rectified"
        case RecheckPassed():
            return "passed"
        case RecheckFailed():
            return "open"
