"""Business dates are Shanghai's; identifiers sort by time and tell it."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from runtime.clock import business_date, utcnow
from runtime.ids import new_id, time_of


def test_now_is_aware_and_utc() -> None:
    assert utcnow().utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 9, 30, 15, 59, 59, tzinfo=UTC), date(2026, 9, 30)),
        (datetime(2026, 9, 30, 16, 0, tzinfo=UTC), date(2026, 10, 1)),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_the_business_day_begins_at_midnight_in_shanghai(instant: datetime, day: date) -> None:
    assert business_date(instant) == day


def test_an_instant_without_a_zone_has_no_business_date() -> None:
    with pytest.raises(ValueError, match="aware"):
        business_date(datetime(2026, 1, 1))


def test_ids_grow_and_are_plain_uuids_of_version_7() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert ids == sorted(ids)
    assert {(type(identifier), identifier.version) for identifier in ids} == {(UUID, 7)}


def test_an_id_tells_when_it_was_made() -> None:
    before = utcnow() - timedelta(milliseconds=1)
    assert before <= time_of(new_id()) <= utcnow()


def test_an_id_of_another_version_tells_no_time() -> None:
    with pytest.raises(ValueError, match="version 4"):
        time_of(uuid4())
