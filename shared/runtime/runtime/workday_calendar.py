"""The working-day calendar in force: the library's, corrected by the overrides in the database."""

from hashlib import sha256
from time import monotonic

from runtime.db import Tx
from runtime.workdays import ANNOUNCED_FROM, ANNOUNCED_TO, Calendar

_FRESH_S = 10.0  # an imported override is known to every process ten seconds later

_cached: tuple[float, Calendar] | None = None


async def calendar(tx: Tx) -> Calendar:
    """The calendar with all overrides imported until ten seconds ago."""
    global _cached  # noqa: PLW0603 - one process has one calendar
    if _cached is None or monotonic() - _cached[0] > _FRESH_S:
        _cached = (monotonic(), await _read(tx))
    return _cached[1]


def forget() -> None:
    """Read the overrides again the next time: this process has just imported some."""
    global _cached  # noqa: PLW0603 - one process has one calendar
    _cached = None


async def latest_calendar(tx: Tx) -> tuple[Calendar, str]:
    """The calendar with all overrides imported until now, and a fingerprint of all that is known.

    The fingerprint changes when an override is added, changed or removed, and with the years that the library knows.
    """
    latest = await _read(tx)
    known = f"{ANNOUNCED_FROM} {ANNOUNCED_TO} {sorted(latest.overrides.items())}"
    return latest, sha256(known.encode()).hexdigest()


async def _read(tx: Tx) -> Calendar:
    rows = await tx.fetch("SELECT on_date, working FROM workday_override")
    return Calendar({row["on_date"]: row["working"] for row in rows})
