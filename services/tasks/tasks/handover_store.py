"""Every SQL statement on desks that change hands."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import asyncpg

from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion
from tasks.handover_rules import HandOver, HandOverId

# Two who hand the same desk over at once: the second replaces what the first recorded.
_LOCK_DESK = "SELECT pg_advisory_xact_lock(hashtextextended('desk_handover:' || $1::text, 0))"

# What is open, and what the village said no to while the county has still to decide; in one statement, so that the
# counts are those of the record.
_HAND_OVER = """
WITH lying AS (
    SELECT s.*, e.limit_working_days AS extension_limit, e.decide_by AS extension_decide_by,
           a.decide_by AS appeal_decide_by, coalesce(n.note, '') AS note
    FROM share s
    LEFT JOIN share_extension e ON e.share_id = s.id AND e.state = 'open'
    LEFT JOIN refusal_appeal a ON a.share_id = s.id AND a.state = 'open'
    LEFT JOIN unnest($6::uuid[], $7::text[]) AS n(share, note) ON n.share = s.id
    WHERE s.division_id = $2 AND (s.is_open OR (s.state = 'refused' AND a.ask_id IS NOT NULL))
), head AS (
    INSERT INTO desk_handover (id, division_id, handed_over_by, by_town, handed_over_on, shares_open, appeals_open)
    SELECT $1, $2, $3, $4, $5, count(*) FILTER (WHERE is_open), count(*) FILTER (WHERE NOT is_open) FROM lying
    RETURNING shares_open, appeals_open
), record AS (
    INSERT INTO handover_share (handover_id, share_id, division_id, department, title_zh, title_en, state,
        limit_working_days, due_on, provisional, percent, waiting_for, paused_on, extension_limit_working_days,
        extension_decide_by, appeal_decide_by, note)
    SELECT $1, id, division_id, department, title_zh, title_en, state, limit_working_days, due_on, provisional, percent,
        CASE WHEN state = 'reported_done' THEN 'supervision' ELSE waiting_for END, paused_on, extension_limit,
        extension_decide_by, appeal_decide_by, note
    FROM lying
)
SELECT head.*, ARRAY(SELECT id FROM lying) AS shares FROM head
"""

_VIEW: Final = """
SELECT h.id AS hand_over, d.code AS village, h.state, h.handed_over_by, h.by_town, h.handed_over_on, h.shares_open,
       h.appeals_open, h.accepted_by, h.accepted_on, h.version
FROM desk_handover h JOIN division d ON d.id = h.division_id
"""


async def lock_desk(tx: Tx, division_id: int) -> None:
    """Nobody else hands this desk over, or takes it, until the transaction ends."""
    await tx.execute(_LOCK_DESK, str(division_id))


async def insert_handover(
    tx: Tx, hand_over: HandOverId, division_id: int, *, by_town: bool, today: date, notes: Mapping[ShareId, str]
) -> tuple[int, int, set[ShareId]]:
    """Record the desk, locked before, as it is at this moment, in place of any record that nobody has accepted.

    Returns how many shares and appeals are open, and which shares they are.
    """
    # What is on the desk is held as it is until the record of it stands.
    await tx.execute("SELECT 1 FROM share WHERE division_id = $1 AND is_open ORDER BY id FOR SHARE", division_id)
    await tx.execute(
        "UPDATE desk_handover SET state = 'replaced', version = version + 1 WHERE division_id = $1 AND state = 'open'",
        division_id,
    )
    row = await tx.fetchrow(
        _HAND_OVER,
        *(hand_over, division_id, tx.actor.subject, by_town, today),
        *(list(notes), list(notes.values())),
    )
    assert row is not None, "an aggregate has one row"
    return row["shares_open"], row["appeals_open"], {ShareId(share) for share in row["shares"]}


async def lock_handover(tx: Tx, hand_over: HandOverId, expected: Version) -> HandOver:
    """The hand-over, held until the transaction ends. Raises NotFound, StaleVersion."""
    row = await tx.fetchrow(_VIEW + "WHERE h.id = $1 FOR UPDATE OF h", hand_over)
    if row is None:
        raise NotFound(hand_over=str(hand_over))
    if row["version"] != expected:
        raise StaleVersion(hand_over=str(hand_over), version=row["version"])
    return HandOver(
        id=hand_over,
        village=DivisionCode(row["village"]),
        handed_over_by=row["handed_over_by"],
        shares_open=row["shares_open"],
        state=row["state"],
    )


async def save_acceptance(tx: Tx, hand_over: HandOverId, accepted_on: date) -> None:
    await tx.execute(
        "UPDATE desk_handover SET state = 'accepted', accepted_by = $2, accepted_on = $3, version = version + 1"
        " WHERE id = $1",
        *(hand_over, tx.actor.subject, accepted_on),
    )


async def find_handover(tx: Tx, hand_over: HandOverId) -> asyncpg.Record:
    """A hand-over as it is shown. Raises NotFound."""
    row = await tx.fetchrow(_VIEW + "WHERE h.id = $1", hand_over)
    if row is None:
        raise NotFound(hand_over=str(hand_over))
    return row


async def list_handovers(
    tx: Tx, *, state: str | None, village: DivisionCode | None, before: HandOverId | None, limit: int
) -> Sequence[asyncpg.Record]:
    """Hand-overs, the newest first, from the one behind `before`."""
    return await tx.fetch(
        _VIEW + "WHERE ($1::text IS NULL OR h.state = $1) AND ($2::text IS NULL OR d.code = $2)"
        " AND ($3::uuid IS NULL OR h.id < $3) ORDER BY h.id DESC LIMIT $4",
        *(state, None if village is None else str(village), before, limit),
    )


async def list_recorded_shares(
    tx: Tx, hand_over: HandOverId, *, after: ShareId | None, limit: int
) -> Sequence[asyncpg.Record]:
    """What lay on the desk, by share, after the one that `after` names."""
    return await tx.fetch(
        "SELECT share_id AS share, department, title_zh, title_en, state, limit_working_days, due_on, provisional,"
        " percent, waiting_for, paused_on, extension_limit_working_days, extension_decide_by, appeal_decide_by, note"
        " FROM handover_share WHERE handover_id = $1 AND ($2::uuid IS NULL OR share_id > $2)"
        " ORDER BY share_id LIMIT $3",
        *(hand_over, after, limit),
    )
