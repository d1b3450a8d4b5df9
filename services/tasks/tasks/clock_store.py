"""Every SQL statement on the clocks of shares: pauses, and provisional due dates reckoned again."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

import asyncpg

from qingdan.ids import ShareId
from qingdan.tasks_events import ShareLimitChanged, SharePaused, ShareResumed
from runtime.db import Tx
from tasks.share_rules import Share

_PAUSE = """
WITH changed AS (
    UPDATE share SET waiting_for = $2, paused_on = $3, version = version + 1
    WHERE id = $1 RETURNING id, division_id, department
)
INSERT INTO share_pause (share_id, division_id, department, waiting_for, note, paused_on, paused_by)
SELECT id, division_id, department, $2, $4, $3, $5 FROM changed
"""

_RESUME = """
WITH over AS (
    UPDATE share_pause SET resumed_on = $2, paused_working_days = $3, resumed_note = $6, resumed_by = $7
    WHERE share_id = $1 AND resumed_on IS NULL
)
UPDATE share SET waiting_for = NULL, paused_on = NULL, paused_working_days = paused_working_days + $3, due_on = $4,
    provisional = $5, judged_due_on = $8, version = version + $9
WHERE id = $1
"""

# While it waits for its visit a share's clock stands still since the report: nothing need be written until it is given
# back.
_GIVEN_BACK = """
WITH told AS (
    SELECT * FROM unnest($1::uuid[], $2::date[], $3::date[], $4::integer[], $5::date[], $6::boolean[], $7::date[])
        AS e(share, since, resumed_on, stood, due_on, provisional, judged_due_on)
), changed AS (
    UPDATE share s SET paused_working_days = s.paused_working_days + t.stood, due_on = t.due_on,
        provisional = t.provisional, judged_due_on = t.judged_due_on
    FROM told t WHERE s.id = t.share RETURNING s.id, s.division_id, s.department
)
INSERT INTO share_pause (share_id, division_id, department, waiting_for, note, paused_on, paused_by, resumed_on,
                         resumed_by, resumed_note, paused_working_days)
SELECT c.id, c.division_id, c.department, 'supervision', '', t.since, $8, t.resumed_on, $8, '', t.stood
FROM changed c JOIN told t ON t.share = c.id
"""

# Bounded by the primary key and not by an index on what is provisional: such an index would make every claim and every
# report write to all indexes of the share (HOT). A calendar becomes known once a year.
_WINDOW_END = """
SELECT id FROM (SELECT id FROM share WHERE id > $1 ORDER BY id LIMIT $2) AS part ORDER BY id DESC LIMIT 1
"""
_PROVISIONAL = """
SELECT id FROM share
WHERE id > $1 AND id <= $2 AND provisional AND state IN ('claimed', 'reported_done') ORDER BY id
"""
_RECOUNTED = """
UPDATE share s SET due_on = e.due_on, provisional = e.provisional, judged_due_on = e.judged_due_on,
    version = s.version + 1
FROM unnest($1::uuid[], $2::date[], $3::boolean[], $4::date[]) AS e(share, due_on, provisional, judged_due_on)
WHERE s.id = e.share
"""

# The first limit that was changed too late, since the last extension: later changes, in time or not, leave the date
# that had passed as it is.
_LIMITS_PASSED = """
SELECT DISTINCT ON (l.share_id) l.share_id, l.limit_before FROM share_limit l
WHERE l.share_id = ANY($1::uuid[]) AND NOT l.in_time AND NOT EXISTS (
    SELECT 1 FROM share_limit x WHERE x.share_id = l.share_id AND x.code = 'extension' AND x.seq > l.seq)
ORDER BY l.share_id, l.seq
"""


async def save_pause(tx: Tx, event: SharePaused, note: str) -> None:
    """The clock stands still; the history says since when, for whom, and who said so."""
    await tx.execute(_PAUSE, event.share, event.waiting_for, event.paused_on, note, tx.actor.subject)


async def save_resumption(tx: Tx, event: ShareResumed, note: str, after: Share, *, alone: bool = True) -> None:
    """The clock runs again; the history says who started it, and the due date has moved. `after`: the share as the
    event leaves it. alone: no other change of this command lets the version grow."""
    await tx.execute(
        _RESUME,
        *(event.share, event.resumed_on, event.paused_working_days, event.due_on, event.provisional, note),
        *(tx.actor.subject, after.judged_due_on, int(alone)),
    )


async def save_given_back(tx: Tx, given_back: Mapping[ShareResumed, Share]) -> None:
    """Shares that a visit gives back, each as its event leaves it; their wait since the report goes into the history.

    Their versions grow with what the visits found, in the same transaction.
    """
    await tx.execute(
        _GIVEN_BACK,
        [event.share for event in given_back],
        [share.reported_on for share in given_back.values()],
        [event.resumed_on for event in given_back],
        [event.paused_working_days for event in given_back],
        [event.due_on for event in given_back],
        [event.provisional for event in given_back],
        [share.judged_due_on for share in given_back.values()],
        tx.actor.subject,
    )


async def list_pauses(tx: Tx, share: ShareId) -> Sequence[asyncpg.Record]:
    """The latest pauses of a share, oldest first, at most 200."""
    return await tx.fetch(
        "SELECT waiting_for, note, paused_on, resumed_on, resumed_note, paused_working_days FROM ("
        " SELECT * FROM share_pause WHERE share_id = $1 ORDER BY seq DESC LIMIT 200) AS latest ORDER BY seq",
        share,
    )


async def lock_recount(tx: Tx) -> asyncpg.Record | None:
    """How far the recount is (known, done, behind); None while another replica is at it."""
    return await tx.fetchrow("SELECT known, done, behind FROM calendar_recount FOR UPDATE SKIP LOCKED")


async def save_recount(tx: Tx, known: str, *, done: bool, behind: UUID) -> None:
    """What of the calendar is being reckoned with, and behind which share it goes on."""
    await tx.execute("UPDATE calendar_recount SET known = $1, done = $2, behind = $3", known, done, behind)


async def provisional_shares(tx: Tx, behind: UUID, window: int) -> tuple[list[ShareId], UUID | None]:
    """Which of the next `window` shares have a provisional due date, and the last of them; None: there are no more."""
    end: UUID | None = await tx.fetchval(_WINDOW_END, behind, window)
    if end is None:
        return [], None
    return [ShareId(row["id"]) for row in await tx.fetch(_PROVISIONAL, behind, end)], end


async def limits_passed(tx: Tx, shares: Sequence[ShareId]) -> dict[ShareId, int]:
    """Of those of these shares whose village changed a limit that had passed: that limit, in working days."""
    rows = await tx.fetch(_LIMITS_PASSED, shares) if shares else []
    return {ShareId(row["share_id"]): row["limit_before"] for row in rows}


async def save_recounted(tx: Tx, recounted: Mapping[ShareLimitChanged, date | None]) -> None:
    """Each share's due date, and what on time is judged by (None: the due date)."""
    await tx.execute(
        _RECOUNTED,
        [event.share for event in recounted],
        [event.due_on for event in recounted],
        [event.provisional for event in recounted],
        list(recounted.values()),
    )
