"""Due dates as a phone's calendar reads them."""

from datetime import UTC, date, datetime
from uuid import UUID

from icalendar import Calendar

from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId, TaskId
from qingdan.tasks_events import AskKind
from tasks.feed_rules import due_dates
from tasks.today_rules import OnDesk

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def share(number: int = 1, **changed: object) -> OnDesk:
    said: dict[str, object] = {
        "share": ShareId(UUID(int=number)),
        "task": TaskId(UUID(int=7)),
        "village": DivisionCode("130431105205"),
        "department": "JTJ",
        "kind": AskKind.TASK,
        "title_zh": "村主路硬化",
        "title_en": "Harden the village main road",
        "published_on": date(2026, 3, 1),
        "due_on": date(2026, 3, 16),
        "provisional": False,
        "waiting_for": None,
        "percent": 40,
        "version": 3,
    }
    return OnDesk.model_validate(said | changed)


def test_each_due_date_is_a_whole_day_under_an_identity_that_stays() -> None:
    feed = Calendar.from_ical(due_dates([share(1), share(2, due_on=date(2026, 4, 1), version=5)], now=NOW))
    assert [(str(event["UID"]), event.start, int(event["SEQUENCE"])) for event in feed.events] == [
        (f"{UUID(int=1)}@tasks.qingdan", date(2026, 3, 16), 3),
        (f"{UUID(int=2)}@tasks.qingdan", date(2026, 4, 1), 5),
    ]
    assert str(feed["VERSION"]) == "2.0"


def test_what_is_not_claimed_yet_has_no_due_date() -> None:
    feed = Calendar.from_ical(due_dates([share(due_on=None, provisional=None)], now=NOW))
    assert feed.events == []


def test_a_provisional_date_says_so() -> None:
    (event,) = Calendar.from_ical(due_dates([share(provisional=True)], now=NOW)).events
    assert "暂定 provisional" in str(event["DESCRIPTION"])


def test_a_title_cannot_write_lines_of_its_own_into_the_calendar() -> None:
    """Commas, semicolons and backslashes are escaped, and lines are folded at 75 octets (RFC 5545, 3.1 and 3.3.11)."""
    title = "修路;END:VEVENT,\\n" * 10
    written = due_dates([share(title_zh=title)], now=NOW)
    (event,) = Calendar.from_ical(written).events
    assert str(event["SUMMARY"]) == title
    assert all(len(line) <= 75 for line in written.split(b"\r\n"))
    assert written.count(b"BEGIN:VEVENT") == 1
