"""The working-day calendar in force: the library's, corrected by the overrides in the database."""

from time import monotonic

from runtime.db import Tx
from runtime.workdays import Calendar

_FRESH_S = 10.0  # an imported override is known to every process ten seconds later

_cached: tuple[float, Calendar] | None = None


async def calendar(tx: Tx) -> Calendar:
    """The calendar with all overrides imported until ten seconds ago."""
    global _cached  # noqa: PLW0603 - one process has one calendar
    if _cached is None or monotonic() - _cached[0] > _FRESH_S:
        rows = await tx.fetch("SELECT on_date, working FROM workday_override")
        _cached = (monotonic(), Calendar({row["on_date"]: row["working"] for row in rows}))
    return _cached[1]
