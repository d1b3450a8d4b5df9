"""Every SQL statement on what is entitled and not received."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from qingdan.divisions import DivisionCode
from qingdan.ids import RunId
from runtime.db import Tx
from subsidy.payment_rules import HELD, NO_ACCOUNT, STOPPED, UNPAID
from subsidy.unclaimed_rules import NoRunHere, RunNamed

_UNDER_WAY: Final = "ARRAY['proposed', 'asked', 'verified', 'unverifiable', 'mismatched']"
"""States of an account of which something will still become."""
_UNPAID: Final = "ARRAY[" + ", ".join(f"'{state}'" for state in UNPAID) + "]"

# What a preview left open is in groups: those of the page are opened one by one, all of them are only counted. What an
# earlier version left open is in rows.
# $1 is the run, $2 whether nothing of it has been paid yet, $3 the version of its programmes: whoever is of a village
# does not see the county's run itself. What a programme excludes is compared over a year: what is paid each month is
# worth twelve of what is paid once.
_UNCLAIMED: Final = f"""
WITH unclaimed AS (
    SELECT e.programme, e.beneficiary, e.occurrence, e.kind, e.division_id, e.department, e.amount_fen,
           'undetermined' AS reason, NULL::text AS bank_reason, e.missing, NULL::text AS excluded_by,
           NULL::bigint AS winner_fen
    FROM entitlement e WHERE e.run_id = $1 AND e.status = 'undetermined'
    UNION ALL
    SELECT e.programme, e.beneficiary, e.occurrence, e.kind, e.division_id, e.department, e.amount_fen,
           CASE WHEN e.payee IS NULL THEN 'no_payee'
                WHEN EXISTS (SELECT 1 FROM account a WHERE a.person_id = e.payee AND a.state = ANY({_UNDER_WAY}))
                     OR EXISTS (SELECT 1 FROM identity i WHERE i.person_id = e.payee AND i.unread)
                THEN 'account_not_verified' ELSE 'no_account' END, NULL, NULL, NULL, NULL
    FROM entitlement e
    WHERE $2 AND e.run_id = $1 AND e.status = 'entitled'
      AND NOT EXISTS (SELECT 1 FROM account a WHERE a.person_id = e.payee AND a.state = 'in_force')
    UNION ALL
    SELECT o.programme, o.beneficiary, o.occurrence, o.kind, o.division_id, o.department, o.amount_fen,
           CASE WHEN p.waits_for = '{HELD}' THEN 'held' WHEN o.payee IS NULL THEN 'no_payee'
                WHEN p.waits_for IS NOT NULL THEN 'account_not_verified'
                WHEN p.reason = '{NO_ACCOUNT}' THEN 'no_account' ELSE p.state END,
           p.reason, NULL, NULL, NULL
    FROM payment p JOIN obligation o ON o.id = p.obligation_id
    WHERE p.run_id = $1 AND (p.state = ANY({_UNPAID}) OR p.waits_for IS NOT NULL)
    AND p.reason IS DISTINCT FROM '{STOPPED}' AND NOT EXISTS (
        SELECT 1 FROM payment later WHERE later.obligation_id = p.obligation_id
        AND (later.attempt > p.attempt OR later.state = 'settled')
    )
    UNION ALL
    SELECT e.programme, e.beneficiary, e.occurrence, e.kind, e.division_id, e.department, e.amount_fen,
           'excluded_for_less', NULL, NULL, e.excluded_by, winner.amount_fen
    FROM entitlement e
    JOIN programme own ON own.version = $3 AND own.code = e.programme
    JOIN programme other ON other.version = $3 AND other.code = e.excluded_by
    CROSS JOIN LATERAL (
        SELECT max(w.amount_fen) AS amount_fen FROM entitlement w
        WHERE w.run_id = e.run_id AND w.programme = e.excluded_by AND w.status = 'entitled' AND w.beneficiary IN (
            SELECT e.beneficiary
            UNION ALL SELECT h.id FROM person p JOIN household h ON h.household_code = p.member_of_household
            WHERE p.id = e.beneficiary
            UNION ALL SELECT p.id FROM household h JOIN person p ON p.member_of_household = h.household_code
            WHERE h.id = e.beneficiary
        )
    ) AS winner
    WHERE e.run_id = $1 AND e.status = 'excluded'
      AND winner.amount_fen * greatest(cardinality(other.due_months), 1)
          < e.amount_fen * greatest(cardinality(own.due_months), 1)
)
"""  # noqa: S608

_LIST: Final = f"""{_UNCLAIMED}, page AS (
    (SELECT * FROM unclaimed u
     WHERE ($4::text IS NULL OR u.reason = $4) AND ($5::text IS NULL OR u.programme = $5)
     AND ($6::text IS NULL OR (u.programme, u.beneficiary, u.occurrence) > ($6, $7::uuid, $8::text))
     ORDER BY u.programme, u.beneficiary, u.occurrence LIMIT $9)
    UNION ALL
    (SELECT u.programme, u.beneficiary, u.occurrence, u.kind, u.division_id, u.department, NULL, 'undetermined', NULL,
            u.missing, NULL, NULL
     FROM (SELECT DISTINCT g.programme FROM undetermined_group g
           WHERE g.run_id = $1 AND ($4::text IS NULL OR $4 = 'undetermined')
           AND ($5::text IS NULL OR g.programme = $5) AND ($6::text IS NULL OR g.programme >= $6)) AS p
     CROSS JOIN LATERAL (
        SELECT c.* FROM undetermined_case c WHERE c.run_id = $1 AND c.programme = p.programme
        AND ($6::text IS NULL OR (c.programme, c.beneficiary, c.occurrence) > ($6, $7::uuid, $8::text))
        ORDER BY c.beneficiary, c.occurrence LIMIT $9
     ) AS u ORDER BY p.programme, u.beneficiary, u.occurrence LIMIT $9)
)
SELECT u.programme, u.beneficiary, u.occurrence, u.kind, d.code AS division, u.department, u.amount_fen, u.reason,
       u.bank_reason, u.missing, u.excluded_by, u.winner_fen
FROM page u JOIN division d ON d.id = u.division_id
ORDER BY u.programme, u.beneficiary, u.occurrence LIMIT $9
"""  # noqa: S608

_COUNT: Final = f"""{_UNCLAIMED}
SELECT reason, department, sum(many)::bigint AS entitlements, sum(amount_fen)::bigint AS amount_fen
FROM (
    SELECT reason, department, count(*) AS many, coalesce(sum(amount_fen), 0) AS amount_fen
    FROM unclaimed GROUP BY reason, department
    UNION ALL
    SELECT 'undetermined', department, sum(cases), 0 FROM undetermined_group WHERE run_id = $1 GROUP BY department
) AS counted GROUP BY reason, department ORDER BY reason, department
"""  # noqa: S608

# Hundreds of thousands lack the same few facts: they are counted by what they lack before anything is looked up.
_OWED_BY: Final = """
SELECT owing.department, sum(lacking.many)::bigint AS entitlements
FROM (
    SELECT missing, count(*) AS many FROM entitlement WHERE run_id = $1 AND status = 'undetermined' GROUP BY missing
    UNION ALL SELECT missing, sum(cases) FROM undetermined_group WHERE run_id = $1 GROUP BY missing
) AS lacking CROSS JOIN LATERAL (
    SELECT DISTINCT o.department FROM unnest(lacking.missing) AS name
    JOIN unnest($2::text[], $3::text[]) AS o(fact, department) ON o.fact = name
) AS owing
GROUP BY owing.department ORDER BY owing.department
"""

# A run is a county's; who asks may be of a part of it, or of what is above it.
_RUN: Final = """
SELECT r.id, r.period, r.state, r.programme_version FROM run r JOIN division d ON d.code = $2 AND d.valid_to IS NULL
WHERE r.id = $1 AND EXISTS (
    SELECT 1 FROM division_closure c
    WHERE (c.ancestor_id, c.descendant_id) IN ((r.division_id, d.id), (d.id, r.division_id))
)
"""
_NEWEST: Final = """
SELECT r.id, r.period, r.state, r.programme_version FROM run r JOIN division_closure c ON c.ancestor_id = r.division_id
JOIN division d ON d.id = c.descendant_id
WHERE d.code = $1 AND d.valid_to IS NULL ORDER BY r.period DESC LIMIT 1
"""


async def find_run(tx: Tx, run: RunId | None, division: DivisionCode) -> RunNamed:
    """That run, or the newest of the county in which the division lies. Raises NoRunHere."""
    row = await tx.fetchrow(_RUN, run, division) if run is not None else await tx.fetchrow(_NEWEST, division)
    if row is None:
        raise NoRunHere()
    return RunNamed(*row)


async def list_unclaimed(
    tx: Tx,
    run: RunNamed,
    *,
    reason: str | None,
    programme: str | None,
    after: tuple[str, UUID, str] | None = None,
    limit: int,
) -> list[asyncpg.Record]:
    """What does not reach whom it is for, by programme, beneficiary and occurrence, from the one behind `after`."""
    return await tx.fetch(
        _LIST, run.id, run.early, run.programme_version, reason, programme, *(after or (None, None, None)), limit
    )


async def count_unclaimed(tx: Tx, run: RunNamed) -> list[asyncpg.Record]:
    """How many, by reason and department of the programme."""
    return await tx.fetch(_COUNT, run.id, run.early, run.programme_version)


async def count_owed(tx: Tx, run: RunNamed, facts: Sequence[str], departments: Sequence[str]) -> list[asyncpg.Record]:
    """How many wait for each department's facts; `departments`: who owes each of `facts`."""
    return await tx.fetch(_OWED_BY, run.id, facts, departments)
