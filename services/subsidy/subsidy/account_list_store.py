"""The SQL statements that show accounts; row-level security bounds each list to the asker's scope."""

from collections.abc import Mapping
from typing import Any, Final

import asyncpg

from qingdan.ids import AccountCheckId, PersonId
from runtime.db import Tx
from runtime.problems import NotFound
from subsidy.account_rules import STATES

_VIEW = """
SELECT a.id AS change, a.person_id AS person, d.code AS division, a.number, a.is_change, a.state, a.last_four, a.bank,
       a.reason, a.proposed_at, a.checked_at, a.cooled_at, a.confirmed_by, a.second_by, a.refused_by, a.in_force_from,
       a.in_force_until, a.version
FROM account a LEFT JOIN person p ON p.id = a.person_id LEFT JOIN division d ON d.id = p.division_id
"""
_WAITING: Final[Mapping[str, str]] = {
    "eyes": "a.state IN ('verified', 'unverifiable')",
    "bank": "a.state IN ('proposed', 'asked')",
    "mismatched": "a.state = 'mismatched'",
}
_SHARED = """
SELECT encode(account_hash, 'hex') AS mark, count(DISTINCT person_id) AS people FROM account
WHERE state IN ('proposed', 'asked', 'verified', 'unverifiable', 'in_force') AND account_hash IS NOT NULL
AND ($1::bytea IS NULL OR account_hash > $1)
GROUP BY account_hash HAVING count(DISTINCT person_id) >= $2 ORDER BY account_hash LIMIT $3
"""


async def find_account(tx: Tx, account: AccountCheckId) -> asyncpg.Record:
    """An account as it is shown. Raises NotFound."""
    row = await tx.fetchrow(_VIEW + "WHERE a.id = $1", account)
    if row is None:
        raise NotFound(account=str(account))
    return row


async def list_accounts(tx: Tx, waiting: str, *, after: AccountCheckId | None, limit: int) -> list[asyncpg.Record]:
    """Accounts by id, after the one that `after` names; waiting: for what, a name of _WAITING."""
    return await tx.fetch(
        _VIEW + f"WHERE {_WAITING[waiting]} AND ($1::uuid IS NULL OR a.id > $1) ORDER BY a.id LIMIT $2", after, limit
    )


async def accounts_of(tx: Tx, person: PersonId) -> list[asyncpg.Record]:
    """All of a person, newest first, at most 50; the one in force is always among them."""
    return await tx.fetch(
        _VIEW + "WHERE a.person_id = $1 ORDER BY (a.state = 'in_force') DESC, a.number DESC LIMIT 50", person
    )


async def list_shared(tx: Tx, *, people_min: int, after: bytes | None, limit: int) -> list[asyncpg.Record]:
    """Accounts that so many people name at least, by hash, after the one given."""
    return await tx.fetch(_SHARED, after, people_min, limit)


async def count_accounts(tx: Tx) -> dict[str, Any]:
    """Every figure by its name."""
    rows = await tx.fetch("SELECT state, count(*) AS accounts FROM account GROUP BY state")
    return {
        "accounts_by_state": dict.fromkeys(STATES, 0) | {row["state"]: row["accounts"] for row in rows},
        "accounts_in_doubt": await tx.fetchval("SELECT coalesce(sum(times), 0)::bigint FROM account_oddity"),
        "payments_waiting": await tx.fetchval("SELECT count(*) FROM payment WHERE waits_for = 'account_not_verified'"),
    }
