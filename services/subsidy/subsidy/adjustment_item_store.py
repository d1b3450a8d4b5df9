"""Every SQL statement on what adjustments come to: the month computed anew against what it was obliged to."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

import asyncpg
import numpy as np

from qingdan.divisions import DivisionCode
from qingdan.ids import AdjustmentId, RunId
from qingdan.money import Fen
from qingdan.subsidy_events import Outcome, Period
from runtime.bulk import read_rows, write_rows
from runtime.bulk_rows import row_type
from runtime.db import Tx
from subsidy.adjustment_rules import Adjustment
from subsidy.column_rules import Places
from subsidy.outcome_rules import Evaluation
from subsidy.row_rules import EntitlementRows

WRITE_TIMEOUT_S: Final = 300.0
_LEAF: Final = row_type((("leaf", "V32"),))

_STAGE: Final = """
CREATE TEMPORARY TABLE adjustment_stage (
    programme smallint, beneficiary uuid, occurrence text, payee uuid, division_id integer, amount_fen bigint,
    excluded_by smallint, missing smallint
) ON COMMIT DROP
"""

# What the month was obliged to, by programme and beneficiary, its arrears counted in. $1: the run, $2: the month.
# had_fen: what they have or will have when everything owed is paid and everything asked back is repaid. kept_fen: what
# of it arrived. Waived money stays with them and is not asked for again.
_BOOKS: Final = """
books AS MATERIALIZED (
    SELECT o.programme, o.beneficiary, min(o.kind) AS kind, (array_agg(o.payee ORDER BY o.id))[1] AS payee,
           (array_agg(o.division_id ORDER BY o.id))[1] AS division_id,
           (array_agg(o.department ORDER BY o.id))[1] AS department,
           (sum(o.amount_fen) - sum(coalesce(c.recovered_fen + c.open_fen, 0)))::bigint AS had_fen,
           greatest(0, sum(o.amount_fen) FILTER (WHERE s.id IS NOT NULL)
                       - sum(coalesce(c.recovered_fen + c.open_fen + c.waived_fen, 0)))::bigint AS kept_fen,
           sum(coalesce(c.open_fen, 0))::bigint AS open_fen, sum(coalesce(c.waived_fen, 0))::bigint AS waived_fen
    FROM obligation o
    LEFT JOIN payment s ON s.obligation_id = o.id AND s.state = 'settled'
    LEFT JOIN (
        SELECT obligation_id, sum(recovered_fen) AS recovered_fen,
               sum(CASE WHEN state = 'open' THEN amount_fen - recovered_fen ELSE 0 END) AS open_fen,
               sum(CASE WHEN state = 'waived' THEN amount_fen - recovered_fen ELSE 0 END) AS waived_fen
        FROM recovery_claim GROUP BY obligation_id
    ) AS c ON c.obligation_id = o.id
    WHERE o.run_id = $1 AND (o.occurrence = $2 OR starts_with(o.occurrence, $2 || '+'))
    GROUP BY o.programme, o.beneficiary
)
"""

# $3: the adjustment; $4-$6 of each programme its code, who it is for and its department, as the stage numbers them;
# $7: the divisions of the county; $8 and $9: which programme excludes which; $10: of whom alone, NULL for everybody.
_ENTER: Final = """
WITH {books}, due AS MATERIALIZED (
    SELECT ($4::text[])[s.programme] AS programme, ($5::text[])[s.programme] AS kind,
           ($6::text[])[s.programme] AS department, s.beneficiary, s.division_id, s.missing > 0 AS undetermined,
           nullif(s.payee, '00000000-0000-0000-0000-000000000000'::uuid) AS payee,
           CASE WHEN s.excluded_by > 0 THEN 0 ELSE s.amount_fen END AS due_fen
    FROM adjustment_stage s
), compared AS MATERIALIZED (
    SELECT programme, beneficiary, coalesce(d.kind, b.kind) AS kind, coalesce(b.department, d.department) AS department,
           coalesce(b.division_id, d.division_id) AS division_id, d.payee AS payee_now, b.payee AS payee_then,
           coalesce(b.had_fen, 0) AS had_fen, coalesce(b.kept_fen, 0) AS kept_fen, coalesce(b.open_fen, 0) AS open_fen,
           coalesce(b.waived_fen, 0) AS waived_fen, b.programme IS NOT NULL AS obliged,
           CASE WHEN d.undetermined OR (d.programme IS NULL AND here.id IS NULL) THEN NULL
                ELSE coalesce(d.due_fen, 0) END AS due_fen,
           CASE WHEN d.undetermined THEN 'undetermined' WHEN d.programme IS NULL AND here.id IS NULL THEN 'not_here'
                END AS barred,
           coalesce(h.id, beneficiary) AS home
    FROM due d FULL JOIN books b USING (programme, beneficiary)
    LEFT JOIN (SELECT id FROM person WHERE division_id = ANY($7::int[])
               UNION ALL SELECT id FROM household WHERE division_id = ANY($7::int[])) AS here ON here.id = beneficiary
    LEFT JOIN person p ON p.id = beneficiary
    LEFT JOIN household h ON h.household_code = p.member_of_household
    WHERE b.programme IS NOT NULL OR NOT (d.undetermined OR d.due_fen = 0)
), standing AS MATERIALIZED (
    -- Who keeps what they were paid because nobody knows better keeps others of the household from what it excludes.
    SELECT DISTINCT e.programme, c.home FROM compared c
    JOIN unnest($8::text[], $9::text[]) AS e(excludes, programme) ON e.excludes = c.programme
    WHERE c.due_fen IS NULL AND c.had_fen > 0
), weighed AS (
    SELECT c.*, CASE
        WHEN c.barred IS NOT NULL OR c.due_fen <= c.had_fen THEN c.barred
        WHEN st.home IS NOT NULL THEN 'undetermined'
        WHEN c.open_fen > 0 THEN 'recovery_open'
        WHEN NOT c.obliged AND en.programme IS NOT NULL THEN 'withheld'
        WHEN EXISTS (SELECT 1 FROM stopped_item x WHERE x.programme = c.programme AND x.beneficiary = c.beneficiary
                     AND x.occurrence = $2) THEN 'withheld'
        END AS weighed
    FROM compared c LEFT JOIN standing st ON st.programme = c.programme AND st.home = c.home
    LEFT JOIN entitlement en ON en.run_id = $1 AND en.programme = c.programme AND en.beneficiary = c.beneficiary
        AND en.occurrence = $2 AND en.status = 'entitled'
)
INSERT INTO adjustment_item (adjustment_id, programme, beneficiary, occurrence, kind, payee, division_id, department,
                             obliged_fen, settled_fen, due_fen, barred)
SELECT $3, programme, beneficiary, $2, kind, CASE WHEN due_fen > had_fen THEN payee_now ELSE payee_then END,
       division_id, department, had_fen, least(kept_fen, had_fen),
       CASE WHEN weighed = 'undetermined' THEN NULL ELSE due_fen END, weighed
FROM weighed
WHERE (($10::uuid[] IS NULL) OR beneficiary = ANY($10::uuid[])) AND programme = ANY($4::text[])
AND CASE WHEN due_fen IS NULL THEN had_fen > waived_fen ELSE due_fen > had_fen OR due_fen < had_fen - waived_fen END
ORDER BY programme, beneficiary
""".replace("{books}", _BOOKS)

_LEAVES: Final = """
SELECT sha256('\\x00'::bytea || convert_to(concat_ws(E'\\x1f', i.programme, i.beneficiary, i.occurrence, i.kind,
       coalesce(i.payee::text, ''), d.code, i.department, i.obliged_fen, i.settled_fen, coalesce(i.due_fen::text, ''),
       i.delta_fen, i.reason), 'UTF8'))
FROM adjustment_item i JOIN division d ON d.id = i.division_id
WHERE i.adjustment_id = $1 ORDER BY i.programme COLLATE "C", i.beneficiary, i.occurrence COLLATE "C"
"""

# $1: the run, $2: the month, $3: the adjustment.
_MOVED: Final = """
WITH {books}
SELECT EXISTS (
    SELECT 1 FROM adjustment_item i LEFT JOIN books b USING (programme, beneficiary)
    WHERE i.adjustment_id = $3 AND (i.obliged_fen, i.settled_fen)
          IS DISTINCT FROM (coalesce(b.had_fen, 0), least(coalesce(b.kept_fen, 0), coalesce(b.had_fen, 0)))
)
""".replace("{books}", _BOOKS)

# The first of a month is owed under the month itself: the unique key says so for all counties, now and later. What is
# owed beside it has the adjustment's number. Of what somebody else came to first nothing is owed here.
_OBLIGE: Final = """
WITH obliged AS (
    INSERT INTO obligation (programme, beneficiary, occurrence, run_id, kind, payee, division_id, department,
                            amount_fen)
    SELECT i.programme, i.beneficiary,
           CASE WHEN EXISTS (SELECT 1 FROM obligation o WHERE o.programme = i.programme
                             AND o.beneficiary = i.beneficiary AND o.occurrence = i.occurrence AND o.run_id = $2)
                THEN $3 ELSE i.occurrence END,
           $2, i.kind, i.payee, i.division_id, i.department, i.delta_fen
    FROM adjustment_item i WHERE i.adjustment_id = $1 AND i.delta_fen > 0
    ORDER BY i.programme, i.beneficiary, i.occurrence
    ON CONFLICT (programme, beneficiary, occurrence) DO NOTHING RETURNING id, amount_fen
)
SELECT coalesce(array_agg(id ORDER BY id), '{}') AS obligations, coalesce(sum(amount_fen), 0)::bigint AS total_fen
FROM obliged
"""

_VIEW: Final = """
SELECT i.programme, i.beneficiary, i.occurrence, i.kind, i.payee, d.code AS division, i.department, i.obliged_fen,
       i.settled_fen, i.due_fen, i.delta_fen, i.reason
FROM adjustment_item i JOIN division d ON d.id = i.division_id
"""


async def clear(tx: Tx, adjustment: AdjustmentId) -> None:
    """Take away what an earlier computation of it came to."""
    await tx.execute("DELETE FROM adjustment_item WHERE adjustment_id = $1", adjustment)


# Of whom nothing was owed and it is not known, nothing comes: everybody may be so, where a register is not complete.
_OBLIGED: Final = "SELECT DISTINCT beneficiary FROM obligation WHERE programme = $1 AND run_id = $2"
_WHO: Final = row_type((("beneficiary", "uuid"),))


async def _obliged(tx: Tx, run: RunId, evaluation: Evaluation) -> dict[str, Places]:
    """Of each programme that leaves anything open the places of those to whom it was owed."""
    found = {}
    for outcome in evaluation.outcomes:
        if len(outcome.undetermined):
            code = outcome.programme.code
            rows = await read_rows(tx, _OBLIGED, code, run, kind=_WHO, timeout_s=WRITE_TIMEOUT_S)
            who = rows.column("beneficiary", np.uint64)
            found[code] = evaluation.table(outcome).places_of(who[:, 0], who[:, 1])
    return found


async def enter(
    tx: Tx, adjustment: AdjustmentId, run: RunId, division_id: int, rows: EntitlementRows, only: Sequence[UUID] | None
) -> None:
    """Write where what the month comes to today differs from what it was obliged to; `only`: of these alone."""
    divisions = await tx.fetch("SELECT descendant_id FROM division_closure WHERE ancestor_id = $1", division_id)
    rows = replace(rows, looked_at=await _obliged(tx, run, rows.evaluation))
    await tx.execute(_STAGE)
    await write_rows(tx, "adjustment_stage", rows.blocks(), timeout_s=WRITE_TIMEOUT_S)
    await tx.execute("ANALYZE adjustment_stage")
    pairs = [(each.code, other) for each in rows.programmes for other in each.excludes]
    await tx.execute(
        _ENTER,
        *(run, rows.evaluation.period, adjustment),
        [programme.code for programme in rows.programmes],
        [programme.beneficiary for programme in rows.programmes],
        [programme.department for programme in rows.programmes],
        [row["descendant_id"] for row in divisions],
        [each for each, _ in pairs],
        [other for _, other in pairs],
        only,
    )


async def leaves_of(tx: Tx, adjustment: AdjustmentId) -> bytes:
    """Of each item the hash of a leaf of its Merkle tree (merkle_rules), in the order of their keys.

    An entry is programme, beneficiary, occurrence, kind, payee (or nothing), division code, department, obliged,
    settled and due (or nothing) in fen, difference in fen and reason, separated by U+001F; UTF-8. Sorted by code point.
    """
    rows = await read_rows(tx, _LEAVES, adjustment, kind=_LEAF, timeout_s=WRITE_TIMEOUT_S)
    return rows.column("leaf", "V32").tobytes()


async def hold_payments(tx: Tx, adjustment: Adjustment) -> None:
    """No word of a bank changes the payments that the adjustment is about until the transaction ends."""
    await tx.execute(
        "SELECT p.id FROM payment p JOIN obligation o ON o.id = p.obligation_id"
        " JOIN adjustment_item i ON i.programme = o.programme AND i.beneficiary = o.beneficiary"
        " WHERE i.adjustment_id = $1 AND o.run_id = $2 ORDER BY p.id FOR SHARE OF p",
        *(adjustment.id, adjustment.run),
    )


async def books_moved(tx: Tx, adjustment: Adjustment) -> bool:
    """Whether something of it is owed, paid, repaid or waived by now that was not when it was computed."""
    moved: bool = await tx.fetchval(_MOVED, adjustment.run, adjustment.period, adjustment.id)
    return moved


async def oblige_arrears(tx: Tx, adjustment: Adjustment, *, more: str) -> tuple[list[UUID], Outcome]:
    """Oblige to what is due, in the order of the obligations' key; `more`: the occurrence of what is due beside
    something that is owed already. The new obligations, and how many they are and of how much."""
    row = await tx.fetchrow(_OBLIGE, adjustment.id, adjustment.run, more)
    assert row is not None  # an aggregate always has a row
    obliged: list[UUID] = row["obligations"]
    return obliged, Outcome(payments=len(obliged), total_fen=Fen(row["total_fen"]))


async def totals_by_programme(tx: Tx, adjustment: AdjustmentId) -> list[asyncpg.Record]:
    """What each programme comes to, by code, as far as the asker sees."""
    return await tx.fetch(
        "SELECT programme, count(*) AS items, count(*) FILTER (WHERE delta_fen > 0) AS arrears,"
        " coalesce(sum(delta_fen) FILTER (WHERE delta_fen > 0), 0)::bigint AS arrears_fen,"
        " count(*) FILTER (WHERE delta_fen < 0) AS recoveries,"
        " coalesce(-sum(delta_fen) FILTER (WHERE delta_fen < 0), 0)::bigint AS recoveries_fen"
        " FROM adjustment_item WHERE adjustment_id = $1 GROUP BY programme ORDER BY programme",
        adjustment,
    )


async def list_items(
    tx: Tx,
    adjustment: AdjustmentId,
    *,
    programme: str | None,
    reason: str | None,
    division: DivisionCode | None,
    after: tuple[str, UUID, Period] | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Items by programme, beneficiary and occurrence, from the one behind `after`."""
    return await tx.fetch(
        _VIEW + "WHERE i.adjustment_id = $1 AND ($2::text IS NULL OR i.programme = $2)"
        " AND ($3::text IS NULL OR i.reason = $3) AND ($4::text IS NULL OR d.code = $4)"
        " AND ($5::text IS NULL OR (i.programme, i.beneficiary, i.occurrence) > ($5, $6::uuid, $7::text))"
        " ORDER BY i.programme, i.beneficiary, i.occurrence LIMIT $8",
        *(adjustment, programme, reason, division),
        *(after or (None, None, None)),
        limit,
    )
