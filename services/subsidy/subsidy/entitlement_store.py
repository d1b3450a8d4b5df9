"""Every SQL statement on entitlements but the one that computes them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

from qingdan.divisions import DivisionCode
from qingdan.ids import RunId
from qingdan.money import Fen
from qingdan.subsidy_events import ProgrammeTotal
from runtime.db import Tx
from subsidy.exclusion_rules import Claim


async def clear(tx: Tx, run: RunId) -> None:
    """Take away what an earlier preview of the run came to."""
    await tx.execute("DELETE FROM entitlement WHERE run_id = $1", run)


async def claims_of(tx: Tx, run: RunId, programmes: Sequence[str]) -> list[Claim]:
    """What these programmes come to in the run, with the household of each person."""
    rows = await tx.fetch(
        "SELECT e.programme, e.beneficiary, e.occurrence, e.kind,"
        " CASE e.kind WHEN 'household' THEN e.beneficiary ELSE h.id END AS household"
        " FROM entitlement e LEFT JOIN person p ON p.id = e.beneficiary AND e.kind = 'person'"
        " LEFT JOIN household h ON h.household_code = p.member_of_household"
        " WHERE e.run_id = $1 AND e.status = 'entitled' AND e.programme = ANY($2::text[])",
        run,
        programmes,
    )
    return [Claim(**dict(row)) for row in rows]


async def save_excluded(tx: Tx, run: RunId, standing_back: Mapping[Claim, str]) -> None:
    """These claims stand back, each for the programme named."""
    claims = list(standing_back)
    await tx.execute(
        "UPDATE entitlement e SET status = 'excluded', excluded_by = x.excluded_by"
        " FROM unnest($2::text[], $3::uuid[], $4::text[], $5::text[])"
        " AS x(programme, beneficiary, occurrence, excluded_by)"
        " WHERE e.run_id = $1 AND e.programme = x.programme AND e.beneficiary = x.beneficiary"
        " AND e.occurrence = x.occurrence",
        run,
        [claim.programme for claim in claims],
        [claim.beneficiary for claim in claims],
        [claim.occurrence for claim in claims],
        [standing_back[claim] for claim in claims],
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
        "SELECT programme, count(*) FILTER (WHERE status = 'entitled') AS entitled,"
        " count(*) FILTER (WHERE status = 'excluded') AS excluded,"
        " count(*) FILTER (WHERE status = 'undetermined') AS undetermined,"
        " coalesce(sum(amount_fen) FILTER (WHERE status = 'entitled'), 0)::bigint AS total_fen"
        " FROM entitlement WHERE run_id = $1 GROUP BY programme ORDER BY programme",
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
    return await tx.fetch(
        "SELECT e.programme, e.beneficiary, e.occurrence, e.kind, e.payee, d.code AS division, e.department,"
        " e.amount_fen, e.status, e.excluded_by, e.missing"
        " FROM entitlement e JOIN division d ON d.id = e.division_id"
        " WHERE e.run_id = $1 AND ($2::text IS NULL OR e.programme = $2) AND ($3::text IS NULL OR e.status = $3)"
        " AND ($4::text IS NULL OR d.code = $4)"
        " AND ($5::text IS NULL OR (e.programme, e.beneficiary, e.occurrence) > ($5, $6::uuid, $7::text))"
        " ORDER BY e.programme, e.beneficiary, e.occurrence LIMIT $8",
        run,
        programme,
        status,
        division,
        *(after or (None, None, None)),
        limit,
    )
