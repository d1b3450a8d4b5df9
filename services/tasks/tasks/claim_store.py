"""Every SQL statement on claims: whose a share is from then on, by when, and who must do nothing any more."""

from collections.abc import Sequence

from qingdan.ids import ShareId, TaskId
from qingdan.tasks_events import ShareClaimed, ShareWithdrawn
from runtime.db import Tx
from tasks.claim_rules import Claimed, LimitChange
from tasks.share_rules import Share

# One claim and several have statements of their own: PostgreSQL plans a statement over arrays anew each time.
_CLAIM = """
UPDATE share SET state = 'claimed', limit_working_days = $2, claimed_on = $3, due_on = $4, provisional = $5,
    claimed_by = $6, version = version + 1
WHERE id = $1
"""
_CLAIM_ALL = """
UPDATE share s SET state = 'claimed', limit_working_days = e.limit_working_days, claimed_on = e.claimed_on,
    due_on = e.due_on, provisional = e.provisional, claimed_by = $6, version = s.version + 1
FROM unnest($1::uuid[], $2::integer[], $3::date[], $4::date[], $5::boolean[])
    AS e(share, limit_working_days, claimed_on, due_on, provisional)
WHERE s.id = e.share
"""

# Whoever comes second waits here for the first to end, and then writes nothing. In one order for all, or two villages
# that claim several tasks at once would wait for each other.
_HOLD = """
INSERT INTO task_holder (task_id, share_id, division_id, department)
SELECT task_id, id, division_id, department FROM share WHERE id = ANY($1::uuid[]) AND open_to = 'first'
ORDER BY task_id
ON CONFLICT (task_id) DO NOTHING
RETURNING share_id
"""

# What a village changes in time is what it is judged by; a date that has passed stays.
_CHANGE_LIMIT = """
WITH changed AS (
    UPDATE share SET limit_working_days = $2, due_on = $3, provisional = $4,
        judged_due_on = CASE WHEN $5 THEN judged_due_on ELSE coalesce(judged_due_on, due_on) END,
        version = version + 1
    WHERE id = $1 RETURNING id, division_id, department
)
INSERT INTO share_limit (share_id, division_id, department, changed_by, changed_on, limit_before, limit_after,
                         due_before, due_after, in_time, reason)
SELECT id, division_id, department, $6, $7, $8, $2, $9, $3, $5, $10 FROM changed
"""

_WITHDRAW = """
UPDATE share s SET state = 'withdrawn', withdrawn_on = e.withdrawn_on, withdrawal_code = e.code, version = s.version + 1
FROM unnest($1::uuid[], $2::date[], $3::text[]) AS e(share, withdrawn_on, code)
WHERE s.id = e.share
"""


async def hold_tasks(tx: Tx, shares: Sequence[ShareId]) -> set[ShareId]:
    """Make these shares the holders of their tasks that are open to the first; return which of them are."""
    return {ShareId(row["share_id"]) for row in await tx.fetch(_HOLD, shares)}


async def save_claim(tx: Tx, event: ShareClaimed) -> None:
    await tx.execute(
        _CLAIM,
        *(event.share, event.limit_working_days, event.claimed_on, event.due_on, event.provisional),
        tx.actor.subject,
    )


async def save_claims(tx: Tx, events: Sequence[ShareClaimed]) -> None:
    await tx.execute(
        _CLAIM_ALL,
        [event.share for event in events],
        [event.limit_working_days for event in events],
        [event.claimed_on for event in events],
        [event.due_on for event in events],
        [event.provisional for event in events],
        tx.actor.subject,
    )


async def with_limit(tx: Tx, share: Share) -> Claimed:
    """The share, locked before, with its limit in force and what its clock stood still."""
    row = await tx.fetchrow(
        "SELECT limit_working_days, paused_working_days, paused_on FROM share WHERE id = $1", share.id
    )
    assert row is not None, "it is locked"
    return Claimed(share, row["limit_working_days"] or 0, row["paused_working_days"], row["paused_on"])


async def save_limit(tx: Tx, change: LimitChange, reason: str) -> None:
    """Keep the new limit, and in the history who changed it, when and why."""
    event = change.event
    await tx.execute(
        _CHANGE_LIMIT,
        *(event.share, event.limit_working_days, event.due_on, event.provisional, change.in_time),
        *(tx.actor.subject, event.changed_on, change.limit_before, change.due_before, reason),
    )


async def lock_taken_tasks(tx: Tx, limit: int) -> list[TaskId]:
    """At most `limit` tasks that a village holds and whose other shares are not withdrawn yet; no replica waits."""
    rows = await tx.fetch(
        "SELECT task_id FROM task_holder WHERE NOT others_withdrawn ORDER BY task_id LIMIT $1 FOR UPDATE SKIP LOCKED",
        limit,
    )
    return [TaskId(row["task_id"]) for row in rows]


async def unclaimed_shares(tx: Tx, tasks: Sequence[TaskId]) -> list[ShareId]:
    """The shares of these tasks that wait to be claimed."""
    rows = await tx.fetch("SELECT id FROM share WHERE task_id = ANY($1::uuid[]) AND state = 'published'", tasks)
    return [ShareId(row["id"]) for row in rows]


async def save_withdrawals(tx: Tx, events: Sequence[ShareWithdrawn], tasks: Sequence[TaskId]) -> None:
    """Nothing is asked of these shares any more; the tasks have no others to withdraw."""
    await tx.execute(
        _WITHDRAW,
        [event.share for event in events],
        [event.withdrawn_on for event in events],
        [event.code for event in events],
    )
    await tx.execute("UPDATE task_holder SET others_withdrawn = true WHERE task_id = ANY($1::uuid[])", tasks)
