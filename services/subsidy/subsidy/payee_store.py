"""Every SQL statement on changes of payee."""

from typing import Final
from uuid import UUID

import asyncpg

from qingdan.ids import OpenCode, ProgrammeCode, RunId
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion
from subsidy.payee_rules import Basis, Owed, PayeeChange, PayeeChangeId, PayeeChangeState, Somebody
from subsidy.payment_store import IS_STOPPED

# A household lives as long as it is known here. Who is registered in another county is not seen, and is not here.
_PEOPLE: Final = """
SELECT id, coalesce(is_alive AND death_date IS NULL, false) AS lives,
       coalesce(NOT is_alive, false) OR death_date IS NOT NULL AS dead, member_of_household AS home
FROM person WHERE id = ANY($1::uuid[])
"""
_HOUSEHOLD: Final = "SELECT id, true AS lives, false AS dead, household_code AS home FROM household WHERE id = $1"

_OWED: Final = f"""
SELECT o.id, o.run_id, o.beneficiary, o.payee,
       EXISTS (SELECT 1 FROM payment p WHERE p.obligation_id = o.id AND p.state IN ('sent', 'unknown')) AS under_way,
       EXISTS (SELECT 1 FROM payment p WHERE p.obligation_id = o.id AND p.state = 'settled') AS arrived,
       {IS_STOPPED} AS stopped
FROM obligation o
"""  # noqa: S608

_VIEW: Final = """
SELECT c.id AS change, o.programme, o.beneficiary, o.occurrence, o.run_id AS run, o.amount_fen, d.code AS division,
       c.department, c.old_payee, c.new_payee, c.reason, c.basis, c.state, c.proposed_by, c.proposed_at, c.decided_by,
       c.decided_at, c.version
FROM payee_change c JOIN obligation o ON o.id = c.obligation_id JOIN division d ON d.id = c.division_id
"""


async def find_obligation(tx: Tx, programme: ProgrammeCode, beneficiary: UUID, occurrence: str) -> UUID:
    """What is owed to the beneficiary for that. Raises NotFound, also for what is out of scope."""
    found: UUID | None = await tx.fetchval(
        "SELECT id FROM obligation WHERE programme = $1 AND beneficiary = $2 AND occurrence = $3",
        *(programme, beneficiary, occurrence),
    )
    if found is None:
        raise NotFound(programme=programme, beneficiary=str(beneficiary), occurrence=occurrence)
    return found


async def owed_and(tx: Tx, obligation: UUID, new_payee: UUID) -> tuple[Owed, Somebody]:
    """What is owed as it stands, and who would receive it. Raises NotFound."""
    row = await tx.fetchrow(_OWED + "WHERE o.id = $1", obligation)
    if row is None:
        raise NotFound(obligation=str(obligation))
    people = await tx.fetch(_PEOPLE, [row["beneficiary"], row["payee"], new_payee])
    known = {each["id"]: each for each in people}
    whose = known.get(row["beneficiary"]) or await tx.fetchrow(_HOUSEHOLD, row["beneficiary"])
    owed = Owed(
        id=row["id"],
        run=row["run_id"],
        beneficiary=_somebody(row["beneficiary"], whose),
        payee=_somebody(row["payee"], known.get(row["payee"])) if row["payee"] is not None else None,
        under_way=row["under_way"],
        arrived=row["arrived"],
        stopped=row["stopped"],
    )
    return owed, _somebody(new_payee, known.get(new_payee))


async def is_held(tx: Tx, who: UUID) -> bool:
    """Whether an open hold is on all that somebody receives, for themself and for others."""
    held: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT 1 FROM hold WHERE beneficiary = $1 AND programme IS NULL AND lifted_at IS NULL)", who
    )
    return held


async def insert_change(
    tx: Tx, change: PayeeChangeId, owed: Owed, new_payee: UUID, *, reason: OpenCode, basis: Basis, proposed_by: str
) -> bool:
    """Whether it is proposed now; False: another change of the same is open."""
    inserted = await tx.fetchval(
        "INSERT INTO payee_change (id, obligation_id, old_payee, new_payee, reason, basis, division_id, department,"
        " proposed_by) SELECT $1, o.id, o.payee, $3, $4, $5, o.division_id, o.department, $6 FROM obligation o"
        " WHERE o.id = $2 ON CONFLICT (obligation_id) WHERE state = 'proposed' DO NOTHING RETURNING id",
        *(change, owed.id, new_payee, reason, basis, proposed_by),
    )
    return inserted is not None


async def run_of(tx: Tx, change: PayeeChangeId) -> RunId:
    """The run of what it is of, which is locked before the change is. Raises NotFound."""
    run: RunId | None = await tx.fetchval(
        "SELECT o.run_id FROM payee_change c JOIN obligation o ON o.id = c.obligation_id WHERE c.id = $1", change
    )
    if run is None:
        raise NotFound(change=str(change))
    return run


async def lock_change(tx: Tx, change: PayeeChangeId, expected: Version) -> PayeeChange:
    """The change, held until the transaction ends, if it still has the version expected.

    Raises NotFound, StaleVersion.
    """
    row = await tx.fetchrow(
        "SELECT id, obligation_id, new_payee, state, proposed_by, version FROM payee_change WHERE id = $1 FOR UPDATE",
        change,
    )
    if row is None:
        raise NotFound(change=str(change))
    if row["version"] != expected:
        raise StaleVersion(version=row["version"])
    return PayeeChange(*row[:-1])


async def hold_payments(tx: Tx, obligation: UUID) -> None:
    """No word of a bank changes a payment of it until the transaction ends. The caller holds its run, so that no other
    attempt begins meanwhile."""
    await tx.execute("SELECT id FROM payment WHERE obligation_id = $1 ORDER BY id FOR UPDATE", obligation)


async def save_decided(tx: Tx, change: PayeeChangeId, state: PayeeChangeState, *, decided_by: str) -> None:
    await tx.execute(
        "UPDATE payee_change SET state = $2, decided_by = $3, decided_at = clock_timestamp(), version = version + 1"
        " WHERE id = $1",
        *(change, state, decided_by),
    )


async def save_payee(tx: Tx, change: PayeeChange) -> None:
    """It is owed to the new payee; an attempt that waits to be sent goes to their account, as soon as that is known."""
    await tx.execute("UPDATE obligation SET payee = $2 WHERE id = $1", change.obligation, change.new_payee)
    await tx.execute(
        "UPDATE payment SET payee = $2, waits_for = NULL, version = version + 1"
        " WHERE obligation_id = $1 AND state = 'prepared'",
        *(change.obligation, change.new_payee),
    )


async def find_change(tx: Tx, change: PayeeChangeId) -> asyncpg.Record:
    """A change as it is shown. Raises NotFound."""
    row = await tx.fetchrow(_VIEW + "WHERE c.id = $1", change)
    if row is None:
        raise NotFound(change=str(change))
    return row


async def list_changes(
    tx: Tx, *, state: str | None, run: RunId | None, after: PayeeChangeId | None, limit: int
) -> list[asyncpg.Record]:
    """Changes by id, after the one that `after` names."""
    return await tx.fetch(
        _VIEW + "WHERE ($1::text IS NULL OR c.state = $1) AND ($2::uuid IS NULL OR o.run_id = $2)"
        " AND ($3::uuid IS NULL OR c.id > $3) ORDER BY c.id LIMIT $4",
        *(state, run, after, limit),
    )


def _somebody(who: UUID, row: asyncpg.Record | None) -> Somebody:
    if row is None:
        return Somebody(who, here=False, lives=False, dead=False, home=None)
    return Somebody(who, here=True, lives=row["lives"], dead=row["dead"], home=row["home"])
