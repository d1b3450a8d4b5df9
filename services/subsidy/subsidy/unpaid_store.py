"""Every SQL statement on what a run owes and nobody was paid: what of it is paid once more, and what is left out."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from qingdan.ids import PaymentId, RunId
from qingdan.money import Fen
from runtime.db import Tx
from subsidy.hold_rules import HoldId
from subsidy.payment_rules import CAME_BACK, Account, Payment
from subsidy.payment_store import IS_STOPPED, ON_HOLD
from subsidy.unpaid_rules import LeftOut, Unpaid

# Of an obligation o: whether whoever it is for, or would receive it, has died, and no second person has looked at that.
_DIED: Final = """EXISTS (
    SELECT 1 FROM person d WHERE d.id IN (o.beneficiary, o.payee) AND (d.is_alive = false OR d.death_date IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.cause = 'death' AND h.cause_id = d.id AND h.lifted_by <> h.placed_by)
)"""

# due: what the newest computation of the month that looked at the obligation came to. Where it has no row for the
# obligation, as much is due as is owed. Dropped ones, and those that were not computed to their end, say nothing.
# Arrears are of the month that their occurrence begins with.
_PREPARE: Final = f"""
WITH unpaid AS MATERIALIZED (
    SELECT o.id, o.run_id, o.division_id, o.department, o.programme, o.payee, o.amount_fen, o.beneficiary,
           o.occurrence,
           greatest(0, least(o.amount_fen, coalesce(due.obliged_fen - due.due_fen, 0))) AS beyond_fen,
           CASE WHEN {IS_STOPPED} THEN 'stopped' WHEN {_DIED} THEN 'deceased' WHEN {ON_HOLD} THEN 'held'
                WHEN due.due_fen = 0 THEN 'due_no_more'
                WHEN EXISTS (
                    SELECT 1 FROM recovery_claim c WHERE c.state = 'open' AND c.programme = o.programme
                    AND c.beneficiary = o.beneficiary
                    AND (o.occurrence = c.occurrence OR starts_with(o.occurrence, c.occurrence || '+'))
                ) THEN 'recovery_open' END AS left_out
    FROM obligation o LEFT JOIN LATERAL (
        SELECT i.due_fen, i.obliged_fen FROM adjustment a LEFT JOIN adjustment_item i
            ON i.adjustment_id = a.id AND i.programme = o.programme AND i.beneficiary = o.beneficiary
            AND (o.occurrence = i.occurrence OR starts_with(o.occurrence, i.occurrence || '+'))
        WHERE a.run_id = o.run_id AND a.state <> 'dropped' AND a.items_hash IS NOT NULL
        AND (i.programme IS NOT NULL OR NOT a.limited)
        ORDER BY a.id DESC LIMIT 1
    ) AS due ON true
    WHERE o.run_id = $1 AND NOT EXISTS (
        SELECT 1 FROM payment p WHERE p.obligation_id = o.id AND p.state NOT IN ('rejected', 'returned', 'reversed')
    )
), prepared AS (
    INSERT INTO payment (obligation_id, run_id, division_id, department, programme, payee, amount_fen, attempt)
    SELECT u.id, u.run_id, u.division_id, u.department, u.programme, u.payee, u.amount_fen,
           1 + coalesce((SELECT max(p.attempt) FROM payment p WHERE p.obligation_id = u.id), 0)
    FROM unpaid u WHERE u.left_out IS NULL ORDER BY u.programme, u.beneficiary, u.occurrence
)
SELECT left_out, count(*) AS payments, sum(amount_fen)::bigint AS total_fen,
       coalesce(sum(beyond_fen), 0)::bigint AS beyond_fen
FROM unpaid GROUP BY left_out ORDER BY left_out NULLS FIRST
"""  # noqa: S608

# Of stopped items the newest payment, and where their money lies, if it is with us and no bank can still pay a refused
# attempt.
_STOPPED: Final = """
SELECT DISTINCT ON (o.id) p.id AS payment, with_us_on(o.id) AS lies_on
FROM stopped_item s JOIN obligation o USING (programme, beneficiary, occurrence)
JOIN payment p ON p.obligation_id = o.id
WHERE {whose} AND with_us_on(o.id) IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM payment b WHERE b.obligation_id = o.id
    AND (b.state NOT IN ('rejected', 'returned', 'reversed') OR (b.state = 'rejected' AND b.batch_id IS NOT NULL))
)
ORDER BY o.id, p.attempt DESC
"""
_STOPPED_BY_HOLD: Final = _STOPPED.format(whose="s.hold_id = $1")
_STOPPED_OF_PAYMENTS: Final = _STOPPED.format(
    whose="o.id IN (SELECT obligation_id FROM payment WHERE id = ANY($1::uuid[]))"
)
_LOCK_STOPPED: Final = """
SELECT p.id FROM stopped_item s JOIN obligation o USING (programme, beneficiary, occurrence)
JOIN payment p ON p.obligation_id = o.id WHERE s.hold_id = $1 ORDER BY p.id FOR UPDATE OF p
"""


class Stopped(NamedTuple):
    """The newest payment of a stopped item, and where the item's money lies with us."""

    payment: PaymentId
    lies_on: Account


async def stopped_by(tx: Tx, hold: HoldId) -> list[Stopped]:
    """What the hold's end stopped although it was tried before, and what of it no bank can move any more. No word of a
    bank changes these payments until the transaction ends."""
    await tx.execute(_LOCK_STOPPED, hold)
    return [Stopped(*row) for row in await tx.fetch(_STOPPED_BY_HOLD, hold)]


async def stopped_of(tx: Tx, payments: Sequence[Payment]) -> list[Stopped]:
    """What came back of these payments and had been stopped meanwhile. The caller holds them, and has entered that they
    came back."""
    back = [each.id for each in payments if each.state in CAME_BACK]
    return [Stopped(*row) for row in await tx.fetch(_STOPPED_OF_PAYMENTS, back)] if back else []


async def prepare_again(tx: Tx, run: RunId) -> Unpaid:
    """A payment for each obligation of the run that has none alive and that nothing speaks against."""
    rows = await tx.fetch(_PREPARE, run)
    again = next((row for row in rows if row["left_out"] is None), None)
    return Unpaid(
        payments=again["payments"] if again else 0,
        total_fen=Fen(again["total_fen"] if again else 0),
        beyond_fen=Fen(again["beyond_fen"] if again else 0),
        left_out=tuple(
            LeftOut(reason=row["left_out"], payments=row["payments"], total_fen=Fen(row["total_fen"]))
            for row in rows
            if row["left_out"] is not None
        ),
    )
