"""Identifiers: UUIDs of aggregates (version 7 where we make them) and the short codes that people read."""

from typing import Annotated, NewType
from uuid import UUID

from pydantic import StringConstraints

MeetingId = NewType("MeetingId", UUID)
TaskId = NewType("TaskId", UUID)
ShareId = NewType("ShareId", UUID)
AskId = NewType("AskId", UUID)
ApplicationId = NewType("ApplicationId", UUID)
AssessmentId = NewType("AssessmentId", UUID)
VisitId = NewType("VisitId", UUID)
FindingId = NewType("FindingId", UUID)
SuggestionId = NewType("SuggestionId", UUID)
RecheckId = NewType("RecheckId", UUID)
DifficultyId = NewType("DifficultyId", UUID)
DoubtId = NewType("DoubtId", UUID)
PersonId = NewType("PersonId", UUID)
"""Opaque: it says nothing about the person and is the only thing about one that open topics carry."""
RunId = NewType("RunId", UUID)
BatchId = NewType("BatchId", UUID)
ObjectionId = NewType("ObjectionId", UUID)
AdjustmentId = NewType("AdjustmentId", UUID)
PaymentId = NewType("PaymentId", UUID)
AccountCheckId = NewType("AccountCheckId", UUID)
SignId = NewType("SignId", UUID)
RemovalOrderId = NewType("RemovalOrderId", UUID)
KeyId = NewType("KeyId", UUID)

DepartmentCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{1,15}$")]
"""A department of the county, as in `MZJ`."""
ListCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
"""A responsibility list."""
ItemCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{0,31}$")]
"""An item of a list, as in `RS01`."""
BankCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{1,15}$")]
SystemCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
"""A department's information system, as in `pop_registry`."""
DatasetCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,59}$")]
FactName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,59}$")]
FormCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{1,31}$")]
CertificateCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{1,31}$")]
ProgrammeCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{1,31}$")]
SignCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{1,31}$")]
"""A kind of sign in the sign rules, as in `SG02`."""
ServiceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,31}$")]

OpenCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
"""A code from a set that may grow: readers must expect codes they have never seen."""

Title = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""One line of text without control characters (PostgreSQL stores no NUL)."""
Reference = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A law and article, or a document's number."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
