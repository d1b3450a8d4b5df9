"""Every SQL statement on public notices: what a frozen run comes to, for everybody to look at."""

from typing import Final
from uuid import UUID

import asyncpg

from qingdan.divisions import DivisionCode
from qingdan.ids import PersonId, ProgrammeCode, RunId
from runtime.db import Tx
from runtime.problems import NotFound
from subsidy.hold_store import Where
from subsidy.identity_store import SealedIdentity
from subsidy.notice_page_rules import Heading
from subsidy.notice_rules import ItemNumber, Notice
from subsidy.objection_rules import Item

# Of an entitlement e: a number for everybody. It differs from run to run and from programme to programme, so that
# nobody whom one programme names is recognised under another that names nobody.
_NUMBER: Final = (
    "encode(substr(sha256(convert_to(concat_ws(E'\\x1f', e.run_id, e.programme, e.beneficiary, e.occurrence),"
    " 'UTF8')), 1, 8), 'hex')"
)

_ITEMS: Final = f"""
SELECT {_NUMBER} AS item, e.programme, p.title_zh, p.title_en, e.beneficiary, e.occurrence, p.nameless,
       d.code AS division, d.name_zh AS division_name, e.amount_fen,
       CASE e.kind WHEN 'person' THEN e.beneficiary ELSE e.payee END AS named
FROM entitlement e JOIN division d ON d.id = e.division_id
JOIN programme p ON p.version = $8 AND p.code = e.programme
WHERE e.run_id = $1 AND e.status = 'entitled' AND ($2::text IS NULL OR e.programme = $2)
AND ($3::text IS NULL OR d.code = $3)
AND ($4::text IS NULL OR (e.programme, e.beneficiary, e.occurrence) > ($4, $5::uuid, $6::text))
ORDER BY e.programme, e.beneficiary, e.occurrence LIMIT $7
"""  # noqa: S608

# By village, so that each has its own pages.
_PRINTED: Final = f"""
SELECT {_NUMBER} AS item, e.programme, p.title_zh, p.title_en, p.law, e.beneficiary, e.occurrence, p.nameless,
       d.code AS division, d.name_zh AS division_name, e.amount_fen,
       CASE e.kind WHEN 'person' THEN e.beneficiary ELSE e.payee END AS named
FROM entitlement e JOIN division d ON d.id = e.division_id
JOIN programme p ON p.version = $4 AND p.code = e.programme
WHERE e.run_id = $1 AND e.status = 'entitled' AND ($2::text IS NULL OR e.programme = $2)
AND ($3::text IS NULL OR e.division_id IN (
    SELECT c.descendant_id FROM division_closure c JOIN division a ON a.id = c.ancestor_id WHERE a.code = $3
))
ORDER BY d.code, e.programme, e.beneficiary, e.occurrence LIMIT $5
"""  # noqa: S608

_ITEM: Final = f"""
SELECT e.programme, e.beneficiary, e.occurrence, e.division_id, e.department FROM entitlement e
WHERE e.run_id = $1 AND e.programme = $2 AND e.status = 'entitled' AND {_NUMBER} = $3
"""  # noqa: S608


async def find_notice(tx: Tx, run: RunId, place: DivisionCode) -> Notice:
    """The run's notice, as far as the place is of its county or above it. Raises NotFound."""
    row = await tx.fetchrow(
        "SELECT r.id, d.code, r.state, r.programme_version, r.notice_until FROM run r"
        " JOIN division d ON d.id = r.division_id JOIN division p ON p.code = $2 WHERE r.id = $1 AND EXISTS ("
        "SELECT 1 FROM division_closure c WHERE (c.ancestor_id, c.descendant_id) IN ((d.id, p.id), (p.id, d.id)))",
        run,
        place,
    )
    if row is None:
        raise NotFound(run=str(run))
    return Notice(*row)


async def list_items(
    tx: Tx,
    notice: Notice,
    *,
    programme: ProgrammeCode | None,
    division: DivisionCode | None,
    after: tuple[str, UUID, str] | None,
    limit: int,
) -> list[asyncpg.Record]:
    """What is published, by programme, beneficiary and occurrence, from the one behind `after`."""
    return await tx.fetch(
        _ITEMS, notice.run, programme, division, *(after or (None, None, None)), limit, notice.programme_version
    )


async def list_printed(
    tx: Tx, notice: Notice, *, programme: ProgrammeCode | None, division: DivisionCode | None, limit: int
) -> list[asyncpg.Record]:
    """What is published of a place and everything in it, by village, programme, beneficiary and occurrence."""
    return await tx.fetch(_PRINTED, notice.run, programme, division, notice.programme_version, limit)


async def heading_of(tx: Tx, notice: Notice) -> Heading:
    """What stands over the pages of a frozen run's notice."""
    row = await tx.fetchrow(
        "SELECT d.name_zh, r.period, r.programme_version, r.notice_until FROM run r"
        " JOIN division d ON d.id = r.division_id WHERE r.id = $1",
        notice.run,
    )
    assert row is not None  # the caller found it
    return Heading(*row)


async def find_item(tx: Tx, run: RunId, programme: ProgrammeCode, item: ItemNumber) -> tuple[Item, Where]:
    """The item of that number, and whose it is to see. Raises NotFound."""
    row = await tx.fetchrow(_ITEM, run, programme, item)
    if row is None:
        raise NotFound(run=str(run), programme=programme, item=item)
    return Item(row[0], row[1], row[2]), Where(row[3], row[4])


async def seals_of(tx: Tx, people: list[PersonId]) -> list[SealedIdentity]:
    """The sealed identities of these people, as far as there are any; seen by the service alone."""
    rows = await tx.fetch(
        "SELECT person_id, keys::text, sealed::text FROM identity WHERE person_id = ANY($1::uuid[])", people
    )
    return [SealedIdentity(*row) for row in rows]
