"""Every SQL statement on what people get of a programme in a year."""

from typing import Final
from uuid import UUID

import asyncpg

from qingdan.ids import RunId
from qingdan.money import Fen
from runtime.db import Tx
from subsidy.year_cap_rules import Beyond

_CAPPED: Final = """
SELECT p.code FROM run r JOIN programme p ON p.version = r.programme_version
WHERE r.id = $1 AND p.cap_year_fen IS NOT NULL
"""

# What a year's runs oblige to, and what those that are frozen or still being entered entitle to and do not owe yet:
# each occurrence once, whichever run comes to it first. What was stopped and did not arrive is not got, and neither is
# what was asked back.
_RECKONED: Final = """
WITH this AS MATERIALIZED (
    SELECT r.id, r.programme_version, left(r.period, 5) AS year FROM run r WHERE r.id = $1
), wanted AS MATERIALIZED (
    SELECT e.programme, e.beneficiary, min(e.division_id) AS division_id, sum(e.amount_fen) AS fen FROM entitlement e
    WHERE e.run_id = $1 AND e.status = 'entitled' AND e.programme = ANY($2::text[]) AND NOT EXISTS (
        SELECT 1 FROM obligation o WHERE o.programme = e.programme AND o.beneficiary = e.beneficiary
        AND o.occurrence = e.occurrence
    ) GROUP BY e.programme, e.beneficiary
), reckoned AS (
    SELECT w.*, p.cap_year_fen, w.fen + owed.fen - claimed.fen + pending.fen - p.cap_year_fen AS beyond_fen
    FROM wanted w CROSS JOIN this
    JOIN programme p ON p.version = this.programme_version AND p.code = w.programme
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(o.amount_fen), 0) AS fen FROM obligation o JOIN run r ON r.id = o.run_id
        WHERE o.programme = w.programme AND o.beneficiary = w.beneficiary AND starts_with(r.period, this.year)
        AND NOT (EXISTS (SELECT 1 FROM stopped_item s WHERE s.programme = o.programme
                         AND s.beneficiary = o.beneficiary AND s.occurrence = o.occurrence)
                 AND NOT EXISTS (SELECT 1 FROM payment b WHERE b.obligation_id = o.id
                                 AND b.state IN ('sent', 'unknown', 'settled')))
    ) AS owed
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(CASE c.state WHEN 'waived' THEN c.recovered_fen ELSE c.amount_fen END), 0) AS fen
        FROM recovery_claim c JOIN obligation o ON o.id = c.obligation_id JOIN run r ON r.id = o.run_id
        WHERE o.programme = w.programme AND o.beneficiary = w.beneficiary AND starts_with(r.period, this.year)
    ) AS claimed
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(each.fen), 0) AS fen FROM (
            SELECT max(e.amount_fen) AS fen FROM run r JOIN entitlement e ON e.run_id = r.id
            WHERE r.id <> this.id AND r.state IN ('frozen', 'approved') AND starts_with(r.period, this.year)
            AND e.status = 'entitled' AND e.programme = w.programme AND e.beneficiary = w.beneficiary
            AND NOT EXISTS (
                SELECT 1 FROM obligation o WHERE o.programme = e.programme AND o.beneficiary = e.beneficiary
                AND o.occurrence = e.occurrence
            ) AND NOT EXISTS (
                SELECT 1 FROM entitlement own WHERE own.run_id = this.id AND own.programme = e.programme
                AND own.beneficiary = e.beneficiary AND own.occurrence = e.occurrence AND own.status = 'entitled'
            ) GROUP BY e.occurrence
        ) AS each
    ) AS pending
)
"""
_BEYOND: Final = f"""
{_RECKONED}
SELECT programme, cap_year_fen, count(*) AS beneficiaries, max(beyond_fen)::bigint AS most_beyond_fen
FROM reckoned WHERE beyond_fen > 0 GROUP BY programme, cap_year_fen ORDER BY programme
"""  # noqa: S608
_LISTED: Final = f"""
{_RECKONED}
SELECT r.programme, r.beneficiary, d.code AS division, r.fen::bigint AS amount_fen
FROM reckoned r JOIN division d ON d.id = r.division_id
WHERE r.beyond_fen > 0 AND ($3::text IS NULL OR (r.programme, r.beneficiary) > ($3, $4::uuid))
ORDER BY r.programme, r.beneficiary LIMIT $5
"""  # noqa: S608


async def beyond_in(tx: Tx, run: RunId) -> list[Beyond]:
    """The programmes of the run by which somebody would get more in the year of its month than the cap says, by code;
    nothing is looked at where none has a cap for the year."""
    capped = await _capped(tx, run)
    if not capped:
        return []
    return [
        Beyond(row["programme"], Fen(row["cap_year_fen"]), row["beneficiaries"], Fen(row["most_beyond_fen"]))
        for row in await tx.fetch(_BEYOND, run, capped)
    ]


async def list_beyond(
    tx: Tx, run: RunId, *, programme: str | None, after: tuple[str, UUID] | None, limit: int
) -> list[asyncpg.Record]:
    """Who they are, and what the run comes to for them, by programme and beneficiary."""
    capped = [code for code in await _capped(tx, run) if programme in (None, code)]
    return await tx.fetch(_LISTED, run, capped, *(after or (None, None)), limit) if capped else []


async def _capped(tx: Tx, run: RunId) -> list[str]:
    return [row["code"] for row in await tx.fetch(_CAPPED, run)]
