"""Every SQL statement on entitlements."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from qingdan.divisions import DivisionCode
from qingdan.ids import RunId
from qingdan.money import Fen
from qingdan.subsidy_events import ProgrammeTotal
from runtime.bulk import write_rows
from runtime.db import Tx
from subsidy.row_rules import EntitlementRows

WRITE_TIMEOUT_S: Final = 300.0


# Cases in groups come programme by programme, so that only the rosters of the programmes on the page are opened.
_LIST: Final = """
WITH page AS (
    (SELECT e.programme, e.beneficiary, e.occurrence, e.kind, e.payee, e.division_id, e.department, e.amount_fen,
            e.status, e.excluded_by, e.missing
     FROM entitlement e
     WHERE e.run_id = $1 AND ($2::text IS NULL OR e.programme = $2) AND ($3::text IS NULL OR e.status = $3)
     AND ($4::text IS NULL OR EXISTS (SELECT 1 FROM division d WHERE d.id = e.division_id AND d.code = $4))
     AND ($5::text IS NULL OR (e.programme, e.beneficiary, e.occurrence) > ($5, $6::uuid, $7::text))
     ORDER BY e.programme, e.beneficiary, e.occurrence LIMIT $8)
    UNION ALL
    (SELECT u.programme, u.beneficiary, u.occurrence, u.kind, u.payee, u.division_id, u.department, NULL,
            'undetermined', NULL, u.missing
     FROM (SELECT DISTINCT g.programme FROM undetermined_group g
           WHERE g.run_id = $1 AND ($2::text IS NULL OR g.programme = $2) AND ($5::text IS NULL OR g.programme >= $5)
           AND ($3::text IS NULL OR $3 = 'undetermined')) AS p
     CROSS JOIN LATERAL (
        SELECT c.* FROM undetermined_case c WHERE c.run_id = $1 AND c.programme = p.programme
        AND ($4::text IS NULL OR EXISTS (SELECT 1 FROM division d WHERE d.id = c.division_id AND d.code = $4))
        AND ($5::text IS NULL OR (c.programme, c.beneficiary, c.occurrence) > ($5, $6::uuid, $7::text))
        ORDER BY c.beneficiary, c.occurrence LIMIT $8
     ) AS u ORDER BY p.programme, u.beneficiary, u.occurrence LIMIT $8)
)
SELECT page.programme, page.beneficiary, page.occurrence, page.kind, page.payee, d.code AS division, page.department,
       page.amount_fen, page.status, page.excluded_by, page.missing
FROM page JOIN division d ON d.id = page.division_id
ORDER BY page.programme, page.beneficiary, page.occurrence LIMIT $8
"""


async def clear(tx: Tx, run: RunId) -> None:
    """Take away what an earlier preview of the run came to."""
    await tx.execute("DELETE FROM entitlement WHERE run_id = $1", run)


# Everything at once, in the order of the primary key. COPY does not write under row-level security: a temporary table
# takes it, and what the policies allow goes from there.
_STAGE: Final = """
CREATE TEMPORARY TABLE entitlement_stage (
    programme smallint, beneficiary uuid, occurrence text, payee uuid, division_id integer, amount_fen bigint,
    excluded_by smallint, missing smallint
) ON COMMIT DROP
"""

_ENTER: Final = """
INSERT INTO entitlement (run_id, programme, beneficiary, occurrence, kind, payee, division_id, department, amount_fen,
                         status, excluded_by, missing)
SELECT $1, ($2::text[])[s.programme], s.beneficiary, s.occurrence, ($3::text[])[s.programme],
       nullif(s.payee, '00000000-0000-0000-0000-000000000000'::uuid), s.division_id, ($4::text[])[s.programme],
       CASE WHEN s.missing = 0 THEN s.amount_fen END,
       CASE WHEN s.missing > 0 THEN 'undetermined' WHEN s.excluded_by > 0 THEN 'excluded' ELSE 'entitled' END,
       CASE WHEN s.excluded_by > 0 THEN ($2::text[])[s.excluded_by] END,
       CASE WHEN s.missing > 0 THEN string_to_array(($5::text[])[s.missing], ',') END
FROM entitlement_stage s
"""


async def enter(tx: Tx, run: RunId, rows: EntitlementRows) -> None:
    """Write what every programme comes to, for whom, and who stands back for what."""
    await tx.execute(_STAGE)
    await write_rows(tx, "entitlement_stage", rows.blocks(), timeout_s=WRITE_TIMEOUT_S)
    await tx.execute(
        _ENTER,
        run,
        [programme.code for programme in rows.programmes],
        [programme.beneficiary for programme in rows.programmes],
        [programme.department for programme in rows.programmes],
        list(rows.missing),
    )


async def totals_of(tx: Tx, run: RunId) -> tuple[ProgrammeTotal, ...]:
    """What each programme pays in the run, by code; one that pays nobody is left out."""
    rows = await tx.fetch(
        "SELECT programme, count(*) AS payments, sum(amount_fen)::bigint AS total_fen FROM entitlement"
        " WHERE run_id = $1 AND status = 'entitled' GROUP BY programme ORDER BY programme",
        run,
    )
    return tuple(
        ProgrammeTotal(programme=row["programme"], payments=row["payments"], total_fen=Fen(row["total_fen"]))
        for row in rows
    )


async def count_by_status(tx: Tx, run: RunId) -> Sequence[asyncpg.Record]:
    """How many entitlements of the run have which status, by programme."""
    return await tx.fetch(
        "SELECT programme, sum(entitled)::bigint AS entitled, sum(excluded)::bigint AS excluded,"
        " sum(undetermined)::bigint AS undetermined, sum(total_fen)::bigint AS total_fen FROM ("
        "SELECT programme, count(*) FILTER (WHERE status = 'entitled') AS entitled,"
        " count(*) FILTER (WHERE status = 'excluded') AS excluded,"
        " count(*) FILTER (WHERE status = 'undetermined') AS undetermined,"
        " coalesce(sum(amount_fen) FILTER (WHERE status = 'entitled'), 0) AS total_fen"
        " FROM entitlement WHERE run_id = $1 GROUP BY programme"
        " UNION ALL SELECT programme, 0, 0, sum(cases), 0 FROM undetermined_group WHERE run_id = $1 GROUP BY programme"
        ") AS counted GROUP BY programme ORDER BY programme",
        run,
    )


async def list_entitlements(
    tx: Tx,
    run: RunId,
    *,
    programme: str | None,
    status: str | None,
    division: DivisionCode | None,
    after: tuple[str, UUID, str] | None,
    limit: int,
) -> Sequence[asyncpg.Record]:
    """Entitlements of the run by programme, beneficiary and occurrence, from the one behind `after`."""
    return await tx.fetch(_LIST, run, programme, status, division, *(after or (None, None, None)), limit)
