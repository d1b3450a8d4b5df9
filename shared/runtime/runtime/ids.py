"""Identifiers: UUIDs of version 7, which sort by the millisecond they were made in (RFC 9562)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_id() -> UUID:
    """A new identifier; within one process later ones are greater."""
    return uuid7()


def time_of(identifier: UUID) -> datetime:
    """The instant (UTC, to the millisecond) in which a version 7 UUID was made. Raises ValueError for others."""
    if identifier.version != 7:
        raise ValueError(f"a UUID of version {identifier.version} does not tell its time; version 7 does")
    return _EPOCH + timedelta(milliseconds=identifier.int >> 80)
