"""Every SQL statement on signs."""

from collections.abc import Iterable, Mapping, Sequence

import asyncpg

from qingdan.divisions import DivisionCode
from qingdan.ids import SignId
from qingdan.signage_events import SignPermitted
from runtime.db import Tx
from signage.division_store import Village
from signage.sign_rules import AskedSign, CountedSign, Judged, Sign, SignState, Verdict

# Judged with everything else that hangs at its village, in the same transaction.
_COUNTED = """
INSERT INTO sign (id, division_id, department, wording, position, hung_since_year, copy, found_by, state, rule_version,
                  verdict, reason)
SELECT e.*, 'census', 'hanging', $8, 'removable', 'unknown_sign'
FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::integer[]) AS e
ON CONFLICT (division_id, wording, position, hung_since_year, department, copy) WHERE found_by = 'census' DO NOTHING
"""

_LOCK_HANGING = """
SELECT s.id, d.code AS village, d.name_zh AS village_zh, s.department, s.wording, s.position,
       s.hung_since_year AS hung_since, s.verdict
FROM sign s JOIN division d ON d.id = s.division_id
WHERE s.division_id = ANY($1::integer[]) AND s.state = 'hanging' ORDER BY s.id FOR UPDATE OF s
"""

# One of a kind may hang at a village: whatever loses its place leaves it before another takes it.
_LEAVE_PLACE = """
UPDATE sign s SET verdict = 'removable', reason = 'second_copy'
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS e(sign, code, verdict)
WHERE s.id = e.sign AND s.verdict = 'permitted' AND (e.verdict <> 'permitted' OR s.code IS DISTINCT FROM e.code)
"""

_JUDGED = """
UPDATE sign s SET rule_version = $5, code = e.code, verdict = e.verdict, reason = e.reason, version = s.version + 1
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS e(sign, code, verdict, reason)
WHERE s.id = e.sign AND (s.rule_version, s.code, s.verdict, s.reason) IS DISTINCT FROM ($5, e.code, e.verdict, e.reason)
"""

_PERMITTED = """
INSERT INTO sign (id, division_id, department, wording, position, hung_since_year, copy, found_by, state, rule_version,
                  code, verdict)
VALUES ($1, $2, $3, $4, $5, $6, 1, 'request', 'hanging', $7, $8, 'permitted')
ON CONFLICT (division_id, code) WHERE verdict = 'permitted' DO NOTHING
"""

_REMOVABLE = """
FROM sign s JOIN division_closure c ON c.descendant_id = s.division_id AND c.ancestor_id = $1
WHERE s.state = 'hanging' AND (s.verdict = 'removable' OR s.rule_version <> $2)
"""

_VIEW = """
SELECT s.id AS sign, d.code AS village, s.department, s.wording, s.position, s.hung_since_year AS hung_since, s.state,
       s.code, s.verdict, s.reason, s.rule_version, s.version
FROM sign s JOIN division d ON d.id = s.division_id
JOIN division_closure c ON c.descendant_id = s.division_id AND c.ancestor_id = app_division()
"""


async def insert_counted(
    tx: Tx,
    counted: Sequence[tuple[SignId, CountedSign, int]],
    villages: Mapping[DivisionCode, Village],
    rule_version: int,
) -> int:
    """Enter those signs of a census (each with its number among its like) that are not here; return how many."""
    rows = [
        (
            *(sign_id, villages[sign.village].id, sign.department, sign.wording, sign.position),
            *(sign.hung_since, copy),
        )
        for sign_id, sign, copy in counted
    ]
    return int((await tx.execute(_COUNTED, *zip(*rows, strict=True), rule_version)).rpartition(" ")[2])


async def lock_hanging(tx: Tx, villages: Iterable[int]) -> list[Sign]:
    """All that hangs at these villages and is not ordered down, held until the transaction ends."""
    return [
        Sign(**{**row, "village": DivisionCode(row["village"])})
        for row in await tx.fetch(_LOCK_HANGING, list(villages))
    ]


async def save_verdicts(tx: Tx, judged: Sequence[Judged], rule_version: int) -> None:
    """Keep what the rules of that version say; a sign of which they say the same as before keeps its version."""
    signs, codes = [each.sign.id for each in judged], [each.code for each in judged]
    verdicts = [each.verdict for each in judged]
    await tx.execute(_LEAVE_PLACE, signs, codes, verdicts)
    await tx.execute(_JUDGED, signs, codes, verdicts, [each.reason for each in judged], rule_version)


async def insert_permitted(tx: Tx, event: SignPermitted, asked: AskedSign, village: Village, rule_version: int) -> bool:
    """Enter a sign that a department may hang; False when one of its kind hangs there, whoever may see it."""
    done = await tx.execute(
        _PERMITTED,
        *(event.sign, village.id, event.department, asked.wording, event.position, event.permitted_on.year),
        *(rule_version, event.code),
    )
    return done == "INSERT 0 1"


async def find_removable(tx: Tx, division_id: int, rule_version: int, limit: int) -> dict[SignId, int]:
    """Signs below a division, with their villages' ids, that must come down or were judged by other rules."""
    rows = await tx.fetch(
        f"SELECT s.id, s.division_id {_REMOVABLE} ORDER BY s.id LIMIT $3", division_id, rule_version, limit
    )
    return {SignId(row["id"]): row["division_id"] for row in rows}


async def count_removable(tx: Tx, division_id: int, rule_version: int) -> int:
    """How many of them there are."""
    left: int = await tx.fetchval(f"SELECT count(*) {_REMOVABLE}", division_id, rule_version)
    return left


async def save_state(tx: Tx, signs: Iterable[SignId], state: SignState) -> None:
    """Keep what became of these signs."""
    await tx.execute("UPDATE sign SET state = $2, version = version + 1 WHERE id = ANY($1::uuid[])", list(signs), state)


async def list_signs(
    tx: Tx,
    *,
    village: DivisionCode | None,
    state: SignState | None,
    verdict: Verdict | None,
    after: SignId | None,
    limit: int,
) -> Sequence[asyncpg.Record]:
    """Signs by id, after the one that `after` names."""
    return await tx.fetch(
        _VIEW + "WHERE ($1::text IS NULL OR d.code = $1) AND ($2::text IS NULL OR s.state = $2)"
        " AND ($3::text IS NULL OR s.verdict = $3) AND ($4::uuid IS NULL OR s.id > $4) ORDER BY s.id LIMIT $5",
        village,
        state,
        verdict,
        after,
        limit,
    )
