"""Due dates as a calendar reads them (RFC 5545)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from icalendar import Calendar, Event

from tasks.today_rules import OnDesk

PRODUCT: Final = "-//Qingdan//tasks//ZH"
REFRESH: Final = timedelta(hours=1)


def due_dates(shares: Iterable[OnDesk], *, now: datetime) -> bytes:
    """A calendar with a whole-day event on the due date of each share that has one; a share keeps its UID for ever."""
    feed = Calendar()
    feed.add("prodid", PRODUCT)
    feed.add("version", "2.0")
    feed.add("method", "PUBLISH")
    feed.add("x-wr-calname", "轻担 Qingdan")
    feed.add("refresh-interval", REFRESH, parameters={"value": "DURATION"})
    for share in shares:
        if share.due_on is not None:
            feed.add_component(_event(share, now))
    written: bytes = feed.to_ical()
    return written


def _event(share: OnDesk, now: datetime) -> Event:
    event = Event()
    event.add("uid", f"{share.share}@tasks.qingdan")
    event.add("sequence", share.version)
    event.add("dtstamp", now)
    event.add("dtstart", share.due_on)
    event.add("summary", share.title_zh)
    provisional = "（暂定 provisional）" if share.provisional else ""
    event.add("description", f"{share.title_en}\n{share.department} · {share.percent}%{provisional}")
    event.add("transp", "TRANSPARENT")
    return event
