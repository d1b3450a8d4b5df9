"""Time: instants are UTC, business dates are the calendar days of Asia/Shanghai."""

from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")


def utcnow() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def business_date(instant: datetime) -> date:
    """The day in Asia/Shanghai on which an instant falls. Raises ValueError for an instant without a zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant without a zone has no business date: make it aware")
    return instant.astimezone(SHANGHAI).date()
