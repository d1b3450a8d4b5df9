"""The times, places and ids that all examples share."""

import hashlib
from datetime import UTC, date, datetime
from uuid import UUID

from qingdan.divisions import DivisionCode
from qingdan.ids import (
    ApplicationId,
    BatchId,
    DifficultyId,
    DoubtId,
    FindingId,
    PaymentId,
    PersonId,
    RemovalOrderId,
    RunId,
    ShareId,
    SignId,
    TaskId,
    VisitId,
)
from qingdan.origin import Origin

WHEN = datetime(2021, 8, 11, 1, 30, tzinfo=UTC)
TODAY = date(2021, 8, 11)
LATER = date(2021, 8, 25)


def fixed_uuid(words: str) -> UUID:
    """A version 7 UUID that is always the same for the same words, stamped with the examples' time."""
    stamp = int(WHEN.timestamp() * 1000).to_bytes(6, "big")
    noise = bytearray(hashlib.sha256(words.encode()).digest()[:10])
    noise[0] = noise[0] & 0x0F | 0x70
    noise[2] = noise[2] & 0x3F | 0x80
    return UUID(bytes=stamp + bytes(noise))


VILLAGE = DivisionCode("130431105201")
TOWNSHIP = DivisionCode("130431105000")
TASK = TaskId(fixed_uuid("task"))
SHARE = ShareId(fixed_uuid("share"))
VISIT = VisitId(fixed_uuid("visit"))
FINDING = FindingId(fixed_uuid("finding"))
DIFFICULTY = DifficultyId(fixed_uuid("difficulty"))
DOUBT = DoubtId(fixed_uuid("doubt"))
PERSON = PersonId(fixed_uuid("person"))
RUN = RunId(fixed_uuid("run"))
BATCH = BatchId(fixed_uuid("batch"))
PAYMENT = PaymentId(fixed_uuid("payment"))
SIGN = SignId(fixed_uuid("sign"))
ORDER = RemovalOrderId(fixed_uuid("removal order"))
APPLICATION = ApplicationId(fixed_uuid("application"))
PHOTO = hashlib.sha256(b"a photo").hexdigest()
MEETING = Origin(service="tasks", kind="work_meeting", id=fixed_uuid("work meeting"))
REMOVAL = Origin(service="signage", kind="removal_order", id=ORDER)
