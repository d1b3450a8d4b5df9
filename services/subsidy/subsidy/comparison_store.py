"""The SQL statements that compare a run with the runs before it; row-level security bounds each to the asker's scope.

Compared are programmes that are paid by the month: each with the newest earlier run of the county, within 13 months,
that it was due in. What is paid on occurrence is new by its nature.
"""

from typing import Final
from uuid import UUID

import asyncpg

from qingdan.divisions import DivisionCode
from qingdan.ids import RunId
from runtime.db import Tx
from subsidy.comparison_rules import JUMP, LOOK_BACK_MONTHS, SHARED_MIN

QUERY_TIMEOUT: Final = "60s"

_BREAKDOWN: Final = """
SELECT t.code AS division, t.name_zh AS division_name, e.programme, sum(e.entitled)::bigint AS entitled,
       sum(e.total_fen)::bigint AS total_fen, sum(e.excluded)::bigint AS excluded,
       sum(e.undetermined)::bigint AS undetermined
FROM (
    SELECT division_id, programme, count(*) FILTER (WHERE status = 'entitled') AS entitled,
           coalesce(sum(amount_fen) FILTER (WHERE status = 'entitled'), 0) AS total_fen,
           count(*) FILTER (WHERE status = 'excluded') AS excluded,
           count(*) FILTER (WHERE status = 'undetermined') AS undetermined
    FROM entitlement WHERE run_id = $1 GROUP BY division_id, programme
    UNION ALL
    SELECT division_id, programme, 0, 0, 0, sum(cases) FROM undetermined_group WHERE run_id = $1
    GROUP BY division_id, programme
) AS e JOIN division_closure c ON c.descendant_id = e.division_id
JOIN division t ON t.id = c.ancestor_id AND t.level = CASE WHEN $2::text IS NULL THEN 'township' ELSE 'village' END
WHERE ($2::text IS NULL OR EXISTS (
    SELECT 1 FROM division_closure u JOIN division d ON d.id = u.ancestor_id
    WHERE u.descendant_id = e.division_id AND d.code = $2))
AND ($3::text IS NULL OR (t.code, e.programme) > ($3, $4::text))
GROUP BY t.code, t.name_zh, e.programme ORDER BY t.code, e.programme LIMIT $5
"""

# before: for each monthly programme of the run's version that is due, the run that it is compared with. sides: what
# everybody comes to in both, households and people alike, summed where there are several claims.
_SIDES: Final = f"""
WITH this AS (SELECT id, division_id, period, programme_version FROM run WHERE id = $1), due AS (
    SELECT p.code, this.id, this.division_id, this.period FROM this
    JOIN programme p ON p.version = this.programme_version
    WHERE p.once_per = 'period' AND substr(this.period, 6)::int = ANY(p.due_months)
    AND ($2::text IS NULL OR p.code = $2)
), before AS MATERIALIZED (
    SELECT due.code, due.id AS now_run, earlier.id AS then_run, earlier.period, earlier.programme_version
    FROM due LEFT JOIN LATERAL (
        SELECT r.id, r.period, r.programme_version FROM run r
        WHERE r.division_id = due.division_id AND r.period < due.period
        AND r.period >= to_char(to_date(due.period, 'YYYY-MM') - interval '{LOOK_BACK_MONTHS} months', 'YYYY-MM')
        AND (EXISTS (SELECT 1 FROM entitlement e WHERE e.run_id = r.id AND e.programme = due.code)
             OR EXISTS (SELECT 1 FROM undetermined_group g WHERE g.run_id = r.id AND g.programme = due.code))
        ORDER BY r.period DESC LIMIT 1
    ) AS earlier ON true
), here AS (
    SELECT e.programme, e.beneficiary, sum(e.amount_fen)::bigint AS fen, min(e.division_id) AS division_id
    FROM entitlement e JOIN before b ON b.code = e.programme AND b.now_run = e.run_id
    WHERE e.status = 'entitled' GROUP BY e.programme, e.beneficiary
), there AS (
    SELECT e.programme, e.beneficiary, sum(e.amount_fen)::bigint AS fen, min(e.division_id) AS division_id
    FROM entitlement e JOIN before b ON b.code = e.programme AND b.then_run = e.run_id
    WHERE e.status = 'entitled' GROUP BY e.programme, e.beneficiary
), sides AS (
    SELECT coalesce(h.programme, t.programme) AS programme, coalesce(h.beneficiary, t.beneficiary) AS beneficiary,
           t.fen AS then_fen, h.fen AS now_fen, coalesce(h.division_id, t.division_id) AS division_id,
           CASE WHEN t.fen IS NULL THEN 'new' WHEN h.fen IS NULL THEN 'stopped' WHEN h.fen <> t.fen THEN 'changed' END
               AS kind
    FROM here h FULL JOIN there t ON t.programme = h.programme AND t.beneficiary = h.beneficiary
)
"""  # noqa: S608

_COMPARISON: Final = f"""
{_SIDES}
SELECT b.code AS programme, b.period AS compared_with, count(s.now_fen) AS entitled,
       coalesce(sum(s.now_fen), 0)::bigint AS total_fen, count(s.then_fen) AS before,
       coalesce(sum(s.then_fen), 0)::bigint AS before_fen, count(*) FILTER (WHERE s.kind = 'new') AS new,
       count(*) FILTER (WHERE s.kind = 'stopped') AS stopped, count(*) FILTER (WHERE s.kind = 'changed') AS changed
FROM before b LEFT JOIN sides s ON s.programme = b.code GROUP BY b.code, b.period ORDER BY b.code
"""  # noqa: S608

_CHANGES: Final = f"""
{_SIDES}, page AS MATERIALIZED (
    SELECT * FROM sides WHERE kind IS NOT NULL AND ($3::text IS NULL OR kind = $3)
    AND ($4::text IS NULL OR (programme, beneficiary) > ($4, $5::uuid)) ORDER BY programme, beneficiary LIMIT $6
), lacking AS MATERIALIZED (
    SELECT u.run_id, u.programme, u.beneficiary, u.missing
    FROM (SELECT now_run AS id FROM before UNION SELECT then_run FROM before WHERE then_run IS NOT NULL) AS either
    CROSS JOIN LATERAL undetermined_of(either.id, (SELECT array_agg(beneficiary) FROM page)) AS u
)
SELECT s.programme, s.beneficiary, d.code AS division, s.kind, s.then_fen, s.now_fen, CASE
    WHEN s.kind = 'changed' AND rule.other THEN 'rule_changed'
    WHEN s.kind = 'changed' THEN 'facts_changed'
    WHEN s.kind = 'stopped' AND now_row.status IN ('excluded', 'undetermined') THEN now_row.status
    WHEN s.kind = 'stopped' AND p.is_alive = false THEN 'died'
    WHEN s.kind = 'stopped' AND p.division_id IS DISTINCT FROM s.division_id AND home.id IS NULL THEN 'moved'
    WHEN s.kind = 'stopped' AND rule.other THEN 'rule_changed'
    WHEN s.kind = 'stopped' THEN 'facts_changed'
    WHEN then_row.status IN ('excluded', 'undetermined') THEN 'was_' || then_row.status
    WHEN EXISTS (
        SELECT 1 FROM obligation o WHERE o.programme = s.programme AND o.beneficiary = s.beneficiary) THEN 'back'
    ELSE 'first_time' END AS reason, now_row.excluded_by, now_row.missing
FROM page s JOIN before b ON b.code = s.programme JOIN division d ON d.id = s.division_id
LEFT JOIN person p ON p.id = s.beneficiary LEFT JOIN household home ON home.id = s.beneficiary
LEFT JOIN LATERAL (
    SELECT e.status, e.excluded_by, e.missing FROM entitlement e WHERE e.run_id = b.now_run
    AND e.programme = s.programme AND e.beneficiary = s.beneficiary AND e.status <> 'entitled'
    UNION ALL SELECT 'undetermined', NULL, u.missing FROM lacking u WHERE u.run_id = b.now_run
    AND u.programme = s.programme AND u.beneficiary = s.beneficiary LIMIT 1
) AS now_row ON true
LEFT JOIN LATERAL (
    SELECT e.status FROM entitlement e WHERE e.run_id = b.then_run AND e.programme = s.programme
    AND e.beneficiary = s.beneficiary AND e.status <> 'entitled'
    UNION ALL SELECT 'undetermined' FROM lacking u WHERE u.run_id = b.then_run
    AND u.programme = s.programme AND u.beneficiary = s.beneficiary LIMIT 1
) AS then_row ON true
LEFT JOIN LATERAL (
    SELECT (o.eligibility, o.amount_fen) IS DISTINCT FROM (n.eligibility, n.amount_fen) AS other
    FROM this JOIN programme n ON n.version = this.programme_version AND n.code = s.programme
    LEFT JOIN programme o ON o.version = b.programme_version AND o.code = s.programme
) AS rule ON true
ORDER BY s.programme, s.beneficiary
"""  # noqa: S608

_ANOMALIES: Final = f"""
{_SIDES}, standing AS MATERIALIZED (
    SELECT e.programme, e.beneficiary, e.occurrence, e.payee, e.amount_fen, e.division_id FROM entitlement e
    WHERE e.run_id = $1 AND e.status = 'entitled'
), marked AS MATERIALIZED (
    SELECT m.person_id, m.resident_hash FROM person_mark m
    WHERE m.person_id IN (SELECT beneficiary FROM standing UNION SELECT payee FROM standing)
), doubled AS MATERIALIZED (
    SELECT m.person_id FROM marked m
    WHERE m.resident_hash IN (SELECT resident_hash FROM marked GROUP BY resident_hash HAVING count(*) > 1)
), shared AS MATERIALIZED (
    SELECT a.account_hash FROM account a WHERE a.state = 'in_force' AND a.account_hash IS NOT NULL
    AND a.person_id IN (SELECT payee FROM standing) GROUP BY a.account_hash
    HAVING count(DISTINCT a.person_id) >= {SHARED_MIN}
), found AS (
    SELECT 'dead' AS kind, s.programme, s.beneficiary, s.division_id, s.amount_fen FROM standing s
    WHERE EXISTS (SELECT 1 FROM person p WHERE p.id IN (s.beneficiary, s.payee) AND p.is_alive = false)
    UNION ALL
    SELECT 'doubled', s.programme, s.beneficiary, s.division_id, s.amount_fen FROM standing s
    WHERE s.beneficiary IN (SELECT person_id FROM doubled) OR s.payee IN (SELECT person_id FROM doubled)
    UNION ALL
    SELECT 'nobody_receives', s.programme, s.beneficiary, s.division_id, s.amount_fen FROM standing s
    WHERE s.payee IS NULL
    UNION ALL
    SELECT 'shared_account', s.programme, s.beneficiary, s.division_id, s.amount_fen FROM standing s
    JOIN account a ON a.person_id = s.payee AND a.state = 'in_force' JOIN shared USING (account_hash)
    UNION ALL
    SELECT 'amount_jumped', s.programme, s.beneficiary, s.division_id, s.now_fen FROM sides s
    WHERE s.now_fen >= {JUMP} * s.then_fen
    UNION ALL
    SELECT 'conflict', s.programme, s.beneficiary, s.division_id, s.amount_fen FROM standing s
    JOIN this ON true JOIN programme p ON p.version = this.programme_version AND p.code = s.programme
    WHERE EXISTS (SELECT 1 FROM standing o WHERE o.beneficiary = s.beneficiary AND o.programme = ANY(p.excludes))
)
"""  # noqa: S608


_COUNTED_ANOMALIES: Final = f"{_ANOMALIES} SELECT kind, count(*) AS items FROM found GROUP BY kind"  # noqa: S608
_LISTED_ANOMALIES: Final = f"""
{_ANOMALIES}
SELECT f.programme, f.beneficiary, min(d.code) AS division, sum(f.amount_fen)::bigint AS amount_fen
FROM found f JOIN division d ON d.id = f.division_id WHERE f.kind = $3 AND ($2::text IS NULL OR f.programme = $2)
AND ($4::text IS NULL OR (f.programme, f.beneficiary) > ($4, $5::uuid))
GROUP BY f.programme, f.beneficiary ORDER BY f.programme, f.beneficiary LIMIT $6
"""  # noqa: S608


async def _over_everybody(tx: Tx) -> None:
    """Right after a preview the planner knows nothing of its size: nested loops over 33,000 entitlements took more than
    20 s where hashes take 0.2 s."""
    await tx.execute(f"SET LOCAL statement_timeout = '{QUERY_TIMEOUT}'")
    await tx.execute("SET LOCAL enable_nestloop = off")


async def breakdown(
    tx: Tx, run: RunId, *, township: DivisionCode | None, after: tuple[str, str] | None, limit: int
) -> list[asyncpg.Record]:
    """What each programme comes to in each township, or in each village of one; by place and programme."""
    await _over_everybody(tx)
    return await tx.fetch(_BREAKDOWN, run, township, *(after or (None, None)), limit)


async def compare(tx: Tx, run: RunId) -> list[asyncpg.Record]:
    """Each monthly programme that is due, beside the run before; by code."""
    await _over_everybody(tx)
    return await tx.fetch(_COMPARISON, run, None)


async def list_changes(
    tx: Tx, run: RunId, *, programme: str | None, kind: str | None, after: tuple[str, UUID] | None, limit: int
) -> list[asyncpg.Record]:
    """Who is new, stops or comes to another amount, and why; by programme and beneficiary."""
    await _over_everybody(tx)
    return await tx.fetch(_CHANGES, run, programme, kind, *(after or (None, None)), limit)


async def count_anomalies(tx: Tx, run: RunId) -> dict[str, int]:
    """How many items of each kind that has any."""
    await _over_everybody(tx)
    rows = await tx.fetch(_COUNTED_ANOMALIES, run, None)
    return {row["kind"]: row["items"] for row in rows}


async def list_anomalies(
    tx: Tx, run: RunId, kind: str, *, programme: str | None, after: tuple[str, UUID] | None, limit: int
) -> list[asyncpg.Record]:
    """Items of that kind by programme and beneficiary."""
    await _over_everybody(tx)
    return await tx.fetch(_LISTED_ANOMALIES, run, programme, kind, *(after or (None, None)), limit)
