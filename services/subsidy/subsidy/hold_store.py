"""Every SQL statement on holds, and on the items that were stopped for good."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from qingdan.ids import DoubtId, OpenCode, PersonId, RunId
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion
from subsidy.hold_rules import ALL_DEPARTMENTS, DEATH_REASON, Hold, HoldId, HoldOutcome
from subsidy.payment_store import IS_STOPPED

_VIEW = """
SELECT h.id AS hold, h.beneficiary, h.programme, h.occurrence, h.run_id AS run, h.cause, h.cause_id, h.reason,
       d.code AS division, h.department, h.placed_by, h.placed_at, h.lifted_by, h.lifted_at, h.outcome, h.version
FROM hold h JOIN division d ON d.id = h.division_id
"""

# $5: whether a payment that could be sent waits for the hold; most people of whom a hold is open are owed nothing.
_LIST = f"""
WITH held AS MATERIALIZED (
    SELECT o.programme, o.beneficiary, o.occurrence, o.payee
    FROM payment p JOIN obligation o ON o.id = p.obligation_id WHERE p.waits_for = 'held' AND $5::boolean IS NOT NULL
)
{_VIEW}
WHERE ($1::boolean IS NULL OR (h.lifted_at IS NULL) = $1) AND ($2::text[] IS NULL OR h.cause = ANY($2))
AND ($3::uuid IS NULL OR h.id > $3) AND ($5::boolean IS NULL OR $5 = (h.lifted_at IS NULL AND EXISTS (
    SELECT 1 FROM held o WHERE h.beneficiary IN (o.beneficiary, o.payee)
    AND (h.beneficiary = o.beneficiary OR h.programme IS NULL)
    AND (h.programme IS NULL OR h.programme = o.programme) AND (h.occurrence IS NULL OR h.occurrence = o.occurrence)
)))
ORDER BY h.id LIMIT $4
"""  # noqa: S608

# A doubt is of a person, who may not be known here (the root is then where it belongs). It is entered once, whatever is
# said of it again; one that was cleared before it was heard of is over as it is entered.
_DOUBT = """
INSERT INTO hold (id, beneficiary, cause, cause_id, reason, division_id, department, placed_by)
SELECT e.id, e.person, 'doubt', e.doubt, e.reason, coalesce(p.division_id, 1), $5, $6
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) AS e(id, doubt, person, reason)
LEFT JOIN person p ON p.id = e.person
ON CONFLICT (cause_id) WHERE cause = 'doubt' DO NOTHING
"""
_CLEAR = """
INSERT INTO hold AS h (id, beneficiary, cause, cause_id, reason, division_id, department, placed_by, lifted_by,
                       lifted_at, outcome)
SELECT e.id, e.person, 'doubt', e.doubt, 'cleared', coalesce(p.division_id, 1), $4, $5, $5, clock_timestamp(), 'resume'
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS e(id, doubt, person)
LEFT JOIN person p ON p.id = e.person
ON CONFLICT (cause_id) WHERE cause = 'doubt' DO UPDATE
SET lifted_by = excluded.lifted_by, lifted_at = excluded.lifted_at, outcome = 'resume', version = h.version + 1
WHERE h.lifted_at IS NULL
"""

# $3: those of them who were known to be dead before. Of each death there is one hold, whatever became of it: only who
# was alive in between is held anew.
_DEATH = """
INSERT INTO hold (id, beneficiary, cause, cause_id, reason, division_id, department, placed_by)
SELECT e.id, p.id, 'death', p.id, $4, p.division_id, $5, $6
FROM unnest($1::uuid[], $2::uuid[]) AS e(id, person) JOIN person p ON p.id = e.person
WHERE NOT (p.id = ANY($3::uuid[]) AND EXISTS (SELECT 1 FROM hold h WHERE h.cause = 'death' AND h.cause_id = p.id))
ON CONFLICT (cause, cause_id) WHERE lifted_at IS NULL DO NOTHING RETURNING id
"""
# Of people who are alive by all that is known; a hold that somebody has decided about is lifted already.
_LIVES = """
UPDATE hold h SET lifted_by = $2, lifted_at = clock_timestamp(), outcome = 'resume', version = h.version + 1
FROM person p WHERE p.id = ANY($1::uuid[]) AND p.is_alive AND p.death_date IS NULL
AND h.cause = 'death' AND h.cause_id = p.id AND h.lifted_at IS NULL AND h.placed_by = $2 RETURNING h.id
"""
# A register may tell of a death before another tells where the person was registered: nobody of the county sees it yet.
_MOVE_DEATHS = """
UPDATE hold h SET division_id = p.division_id FROM person p
WHERE p.id = ANY($1::uuid[]) AND h.cause = 'death' AND h.cause_id = p.id AND h.lifted_at IS NULL
AND h.division_id <> p.division_id
"""

# What is named item by item is stopped whether or not it is owed yet; of a wider hold, what waits to be sent, and what
# failed or came back and nothing is alive for. Of somebody who died also what a run entitles to already: it was
# computed when they were alive, and may be approved after the hold has ended.
_STOP = """
INSERT INTO stopped_item (programme, beneficiary, occurrence, hold_id, division_id, department)
SELECT programme, beneficiary, occurrence, id, division_id, department FROM hold
WHERE id = $1 AND occurrence IS NOT NULL
UNION ALL
SELECT o.programme, o.beneficiary, o.occurrence, h.id, o.division_id, o.department
FROM hold h CROSS JOIN (
    SELECT obligation_id FROM payment WHERE state = 'prepared' AND waits_for IS NULL
    UNION ALL SELECT obligation_id FROM payment WHERE waits_for IS NOT NULL
    UNION ALL SELECT p.obligation_id FROM payment p WHERE p.state IN ('rejected', 'returned', 'reversed')
    AND NOT EXISTS (SELECT 1 FROM payment b WHERE b.obligation_id = p.obligation_id
                    AND b.state NOT IN ('rejected', 'returned', 'reversed'))
) AS p JOIN obligation o ON o.id = p.obligation_id
WHERE h.id = $1 AND h.occurrence IS NULL AND h.beneficiary IN (o.beneficiary, o.payee)
AND (h.programme IS NULL OR h.programme = o.programme AND h.beneficiary = o.beneficiary)
UNION ALL
SELECT e.programme, e.beneficiary, e.occurrence, h.id, e.division_id, e.department
FROM hold h JOIN entitlement e ON h.beneficiary IN (e.beneficiary, e.payee)
WHERE h.id = $1 AND h.cause = 'death' AND e.status = 'entitled' AND e.run_id IN (
    SELECT id FROM run WHERE state IN ('previewed', 'frozen', 'approved')
) AND NOT EXISTS (SELECT 1 FROM obligation o WHERE o.programme = e.programme AND o.beneficiary = e.beneficiary
                  AND o.occurrence = e.occurrence)
ON CONFLICT (programme, beneficiary, occurrence) DO NOTHING
"""

# What others, persons who live or households in which somebody does, are to get through somebody: owed, or about to be.
_OTHERS: Final = f"""
SELECT count(*) FROM (
    SELECT o.beneficiary FROM obligation o WHERE o.payee = $1 AND o.beneficiary <> $1 AND NOT {IS_STOPPED}
    AND EXISTS (SELECT 1 FROM payment p WHERE p.obligation_id = o.id)
    AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.obligation_id = o.id AND p.state IN ('sent', 'unknown', 'settled'))
    UNION ALL
    SELECT o.beneficiary FROM entitlement o WHERE o.payee = $1 AND o.beneficiary <> $1 AND o.status = 'entitled'
    AND o.run_id IN (SELECT id FROM run WHERE state IN ('previewed', 'frozen', 'approved')) AND NOT {IS_STOPPED}
    AND NOT EXISTS (SELECT 1 FROM obligation b WHERE b.programme = o.programme AND b.beneficiary = o.beneficiary
                    AND b.occurrence = o.occurrence)
) AS o
WHERE EXISTS (SELECT 1 FROM person p LEFT JOIN household h ON h.household_code = p.member_of_household
              WHERE o.beneficiary IN (p.id, h.id) AND p.is_alive AND p.death_date IS NULL)
"""  # noqa: S608


class Where(NamedTuple):
    """Whose a hold is to see."""

    division_id: int
    department: str


class Doubt(NamedTuple):
    """A doubt to be entered, under the id given."""

    id: HoldId
    doubt: DoubtId
    person: PersonId
    reason: OpenCode


async def place_of(tx: Tx, beneficiary: UUID) -> Where:
    """Where the person or household lives. Raises NotFound for what is out of scope."""
    division_id: int | None = await tx.fetchval(
        "SELECT division_id FROM person WHERE id = $1 UNION ALL SELECT division_id FROM household WHERE id = $1"
        " UNION ALL (SELECT division_id FROM entitlement WHERE beneficiary = $1 AND run_id = ("
        "SELECT id FROM run ORDER BY period DESC, id LIMIT 1) LIMIT 1) LIMIT 1",
        beneficiary,
    )
    if division_id is None:
        raise NotFound(beneficiary=str(beneficiary))
    return Where(division_id, ALL_DEPARTMENTS)


async def insert_hold(tx: Tx, hold: Hold, where: Where, *, run: RunId | None = None) -> None:
    """From the commit on nothing that it is of is sent."""
    await tx.execute(
        "INSERT INTO hold (id, beneficiary, programme, occurrence, run_id, cause, cause_id, reason, division_id,"
        " department, placed_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        *(hold.id, hold.beneficiary, hold.programme, hold.occurrence, run, hold.cause, hold.cause_id, hold.reason),
        *(where.division_id, where.department, hold.placed_by),
    )


async def insert_doubts(tx: Tx, doubts: Sequence[Doubt], *, placed_by: str) -> None:
    """One hold for each doubt that was not heard of before, cleared or not."""
    await tx.execute(
        _DOUBT,
        [each.id for each in doubts],
        [each.doubt for each in doubts],
        [each.person for each in doubts],
        [each.reason for each in doubts],
        *(ALL_DEPARTMENTS, placed_by),
    )


async def clear_doubts(tx: Tx, doubts: Sequence[Doubt], *, lifted_by: str) -> None:
    """The doubts' holds are lifted, or entered as lifted."""
    await tx.execute(
        _CLEAR,
        [each.id for each in doubts],
        [each.doubt for each in doubts],
        [each.person for each in doubts],
        *(ALL_DEPARTMENTS, lifted_by),
    )


async def dead_already(tx: Tx, people: Sequence[UUID]) -> list[UUID]:
    """Those of them who were known to be dead before something else is said of them."""
    rows = await tx.fetch(
        "SELECT id FROM person WHERE id = ANY($1::uuid[]) AND (is_alive = false OR death_date IS NOT NULL)", people
    )
    return [row["id"] for row in rows]


async def insert_deaths(
    tx: Tx, deaths: Mapping[HoldId, UUID], dead_before: Sequence[UUID], *, placed_by: str
) -> list[HoldId]:
    """A hold on everything of each, under the id given, unless that death has one; the ids of those placed."""
    rows = await tx.fetch(
        _DEATH, list(deaths), list(deaths.values()), dead_before, DEATH_REASON, ALL_DEPARTMENTS, placed_by
    )
    return [row["id"] for row in rows]


async def held_as_dead(tx: Tx, people: Sequence[UUID]) -> list[UUID]:
    """Those of them of whose deaths a hold is open: few of the many that registers speak of."""
    rows = await tx.fetch(
        "SELECT cause_id FROM hold WHERE cause = 'death' AND lifted_at IS NULL AND cause_id = ANY($1::uuid[])", people
    )
    return [row["cause_id"] for row in rows]


async def lift_of_the_living(tx: Tx, people: Sequence[UUID], *, placed_by: str) -> list[HoldId]:
    """Lift what `placed_by` held because of the deaths of people who live after all; the ids of those lifted."""
    return [row["id"] for row in await tx.fetch(_LIVES, people, placed_by)]


async def place_deaths(tx: Tx, people: Sequence[UUID]) -> None:
    """Holds of these people's deaths are seen where the people are registered."""
    await tx.execute(_MOVE_DEATHS, people)


async def lock_hold(tx: Tx, hold: HoldId, expected: Version | None) -> Hold:
    """The hold, held until the transaction ends, if it still has the version expected (None: any).

    Raises NotFound, StaleVersion.
    """
    row = await tx.fetchrow(
        "SELECT id, beneficiary, programme, occurrence, cause, cause_id, reason, placed_by,"
        " lifted_at IS NOT NULL AS lifted, version FROM hold WHERE id = $1 FOR UPDATE",
        hold,
    )
    if row is None:
        raise NotFound(hold=str(hold))
    if expected is not None and row["version"] != expected:
        raise StaleVersion(version=row["version"])
    return Hold(*row[:-1])


async def count_others(tx: Tx, who: UUID) -> int:
    """How many items others are still to get through that person."""
    items: int = await tx.fetchval(_OTHERS, who)
    return items


async def save_lifted(tx: Tx, hold: HoldId, outcome: HoldOutcome, *, lifted_by: str) -> None:
    """It holds nothing any more; with `stop`, what it held is not paid for good."""
    await tx.execute(
        "UPDATE hold SET lifted_by = $2, lifted_at = clock_timestamp(), outcome = $3, version = version + 1"
        " WHERE id = $1",
        *(hold, lifted_by, outcome),
    )
    if outcome == "stop":
        await tx.execute(_STOP, hold)


async def find_hold(tx: Tx, hold: HoldId) -> asyncpg.Record:
    """A hold as it is shown. Raises NotFound."""
    row = await tx.fetchrow(_VIEW + "WHERE h.id = $1", hold)
    if row is None:
        raise NotFound(hold=str(hold))
    return row


async def list_holds(
    tx: Tx,
    *,
    is_open: bool | None,
    causes: Collection[str] | None,
    keeps_back: bool | None = None,
    after: HoldId | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Holds by id, after the one that `after` names; `keeps_back`: those alone that a payment waits for just now."""
    return await tx.fetch(_LIST, is_open, causes, after, limit, keeps_back)
