"""Every SQL statement that changes accounts; whole runs of them at a time, in the order of persons."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

import asyncpg

from qingdan.ids import AccountCheckId, BankCode, PersonId
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion
from subsidy import account_rules
from subsidy.account_rules import Account, AccountState, Candidate, Named
from subsidy.identity_store import SealedIdentity

# What is over has no identity any more: only who is paid, or may be, is kept openable.
_UNSEAL_NO_MORE = "DELETE FROM account_identity WHERE account_id = ANY($1::uuid[])"

_PROPOSE = """
WITH proposed AS (
    INSERT INTO account (id, person_id, number, is_change, state, account_hash, owner_hash, last_four, cooling_s)
    SELECT e.id, e.person_id, e.number, e.is_change, 'proposed', e.account_hash, e.owner_hash, e.last_four,
           CASE WHEN e.is_change THEN $8::bigint ELSE 0 END
    FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::boolean[], $5::bytea[], $6::bytea[], $7::text[])
        AS e(id, person_id, number, is_change, account_hash, owner_hash, last_four)
)
INSERT INTO account_identity (account_id, keys, sealed)
SELECT * FROM unnest($1::uuid[], $9::jsonb[], $10::jsonb[])
"""

# The first ones that were never asked about, then those about which the bank is silent.
_TAKE_TO_ASK: Final = (
    "SELECT id FROM account WHERE state = 'proposed' ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED",
    "SELECT id FROM account WHERE quiet_since <= statement_timestamp() - $2::interval"
    " ORDER BY quiet_since LIMIT $1 FOR UPDATE SKIP LOCKED",
)

_SAVE_HEARD = """
UPDATE account a SET
    state = e.state, reason = e.reason, version = a.version + 1, checked_at = clock_timestamp(),
    quiet_since = CASE WHEN e.state = 'asked' THEN a.quiet_since END,
    cooled_at = coalesce(a.cooled_at, clock_timestamp() + make_interval(secs => a.cooling_s)),
    in_force_from = CASE WHEN e.state = 'in_force' THEN coalesce(a.in_force_from, clock_timestamp())
                         ELSE a.in_force_from END,
    in_force_until = CASE WHEN a.state = 'in_force' AND e.state <> 'in_force' THEN clock_timestamp() END
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS e(id, state, reason) WHERE a.id = e.id
"""

# old: the account that was in force last. What the bank says of payments sent to it is said of it.
_CANDIDATE = """
SELECT a.id, a.person_id, a.state, a.is_change, a.proposed_at, a.cooled_at, a.confirmed_by, a.second_by, a.version,
       coalesce(word.closed, false) AS old_is_closed, coalesce(trust.enough, false) AS trusted
FROM account a
LEFT JOIN LATERAL (
    SELECT o.account_hash, o.in_force_from, o.in_force_until, o.state, o.reason FROM account o
    WHERE o.person_id = a.person_id AND o.id <> a.id AND o.in_force_from IS NOT NULL ORDER BY o.number DESC LIMIT 1
) AS old ON a.is_change
LEFT JOIN LATERAL (
    SELECT bool_or(said.reason = 'account_closed') AS closed, bool_or(said.reason = 'account_dormant') AS dormant
    FROM (
        SELECT p.reason FROM payment p
        WHERE p.payee = a.person_id AND p.reason IN ('account_closed', 'account_dormant')
        AND p.sent_at >= old.in_force_from AND p.sent_at <= coalesce(old.in_force_until, 'infinity')
        UNION ALL SELECT old.reason WHERE old.state = 'mismatched'
    ) AS said
) AS word ON true
LEFT JOIN LATERAL (
    SELECT true AS enough FROM account_trust t JOIN division_closure c ON c.ancestor_id = t.division_id
    JOIN person b ON b.division_id = c.descendant_id
    WHERE b.id = a.person_id AND CASE t.change WHEN 'renamed' THEN a.account_hash = old.account_hash
                                               ELSE word.dormant END
    LIMIT 1
) AS trust ON true
"""

# Of those that wait for people, only the ones that something can be decided about: many may wait for months.
_TAKE_TO_SETTLE = (
    _CANDIDATE
    + """
WHERE a.state IN ('verified', 'unverifiable') AND (
    a.proposed_at <= statement_timestamp() - $1::interval
    OR a.cooled_at <= statement_timestamp() AND (
        a.second_by IS NOT NULL
        OR a.state = 'verified' AND (NOT a.is_change OR coalesce(word.closed, false) OR coalesce(trust.enough, false))
    )
) ORDER BY a.id LIMIT $2 FOR UPDATE OF a SKIP LOCKED
"""
)


class Proposal(NamedTuple):
    """A new version of somebody's account, with the sealed identity that it is in."""

    id: AccountCheckId
    number: int
    is_change: bool
    named: Named
    identity: SealedIdentity


class ToAsk(NamedTuple):
    """An account that the bank is asked about, and the sealed identity that it is in."""

    id: AccountCheckId
    identity: SealedIdentity


# -- what identities name ---------------------------------------------------------------------------------------------


async def lock_versions(tx: Tx, people: Collection[PersonId]) -> dict[PersonId, list[account_rules.Version]]:
    """Every version of these people's accounts by number, held until the transaction ends."""
    rows = await tx.fetch(
        "SELECT person_id, id, number, state, owner_hash, in_force_from IS NOT NULL AS was_in_force FROM account"
        " WHERE person_id = ANY($1::uuid[]) ORDER BY person_id, number FOR UPDATE",
        people,
    )
    versions: dict[PersonId, list[account_rules.Version]] = {}
    for person, *version in rows:
        versions.setdefault(person, []).append(account_rules.Version(*version))
    return versions


async def seals_of(tx: Tx, accounts: Collection[AccountCheckId]) -> dict[AccountCheckId, SealedIdentity]:
    """The sealed identities that these accounts are in."""
    rows = await tx.fetch(
        "SELECT a.id, a.person_id, s.keys::text, s.sealed::text FROM account a"
        " JOIN account_identity s ON s.account_id = a.id WHERE a.id = ANY($1::uuid[])",
        accounts,
    )
    return {row[0]: SealedIdentity(*row[1:]) for row in rows}


async def save_named(tx: Tx, named: Mapping[AccountCheckId, Named]) -> None:
    """The hashes of accounts that were never read."""
    await tx.execute(
        "UPDATE account a SET account_hash = e.account_hash, owner_hash = e.owner_hash, last_four = e.last_four"
        " FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::text[]) AS e(id, account_hash, owner_hash, last_four)"
        " WHERE a.id = e.id",
        list(named),
        [each.account_hash for each in named.values()],
        [each.owner_hash for each in named.values()],
        [each.last_four for each in named.values()],
    )


async def insert_proposals(tx: Tx, proposals: Sequence[Proposal], *, cooling: timedelta) -> None:
    """New versions; those that change an account cool off for so long once they are verified."""
    await tx.execute(
        _PROPOSE,
        [each.id for each in proposals],
        [each.identity.person for each in proposals],
        [each.number for each in proposals],
        [each.is_change for each in proposals],
        [each.named.account_hash for each in proposals],
        [each.named.owner_hash for each in proposals],
        [each.named.last_four for each in proposals],
        round(cooling.total_seconds()),
        [each.identity.keys for each in proposals],
        [each.identity.sealed for each in proposals],
    )


async def save_seals(tx: Tx, seals: Mapping[AccountCheckId, SealedIdentity]) -> None:
    """The same accounts, under the newest seal: older keys may be gone one day."""
    await tx.execute(
        "UPDATE account_identity s SET keys = e.keys, sealed = e.sealed"
        " FROM unnest($1::uuid[], $2::jsonb[], $3::jsonb[]) AS e(id, keys, sealed) WHERE s.account_id = e.id",
        list(seals),
        [each.keys for each in seals.values()],
        [each.sealed for each in seals.values()],
    )


async def save_withdrawn(tx: Tx, accounts: Sequence[AccountCheckId]) -> None:
    """A newer identity names another account, or none."""
    await _save_over(tx, accounts, "withdrawn")


async def _save_over(tx: Tx, accounts: Sequence[AccountCheckId], state: AccountState) -> None:
    await tx.execute(
        "UPDATE account SET state = $2, quiet_since = NULL, version = version + 1,"
        " in_force_until = CASE WHEN state = 'in_force' THEN clock_timestamp() ELSE in_force_until END"
        " WHERE id = ANY($1::uuid[])",
        accounts,
        state,
    )
    await tx.execute(_UNSEAL_NO_MORE, accounts)


async def forget_accounts(tx: Tx, people: Collection[PersonId]) -> None:
    """Nothing is kept of these people's accounts but that there were some."""
    versions = await lock_versions(tx, people)
    every = [each for version in versions.values() for each in version]
    await _save_over(tx, [each.id for each in every if each.state not in account_rules.OVER], "withdrawn")
    forgotten = [each.id for each in every]
    await tx.execute(_UNSEAL_NO_MORE, forgotten)
    await tx.execute(
        "UPDATE account SET account_hash = NULL, owner_hash = NULL, last_four = NULL WHERE id = ANY($1::uuid[])",
        forgotten,
    )


# -- what the bank is asked, and says ---------------------------------------------------------------------------------


async def take_to_ask(tx: Tx, *, silent: timedelta, limit: int) -> list[ToAsk]:
    """Accounts to ask the bank about, held until the transaction ends; those that another replica holds are left to it.

    silent: so long after it was asked in vain, the bank is asked again.
    """
    taken = [row["id"] for row in await tx.fetch(_TAKE_TO_ASK[0], limit)]
    if len(taken) < limit:
        taken += [row["id"] for row in await tx.fetch(_TAKE_TO_ASK[1], limit - len(taken), silent)]
    seals = await seals_of(tx, taken) if taken else {}
    return [ToAsk(each, seals[each]) for each in taken]


async def save_asked(tx: Tx, accounts: Sequence[AccountCheckId], bank: BankCode) -> None:
    await tx.execute(
        "UPDATE account SET state = 'asked', bank = $2, asked_at = coalesce(asked_at, clock_timestamp()),"
        " quiet_since = clock_timestamp(), version = version + 1 WHERE id = ANY($1::uuid[])",
        accounts,
        bank,
    )


async def save_unverifiable(tx: Tx, accounts: Sequence[AccountCheckId], reason: str) -> None:
    """Nobody is asked about these: people must look."""
    await tx.execute(
        "UPDATE account SET state = 'unverifiable', reason = $2, quiet_since = NULL, version = version + 1,"
        " cooled_at = clock_timestamp() + make_interval(secs => cooling_s) WHERE id = ANY($1::uuid[])",
        accounts,
        reason,
    )


async def lock_asked(tx: Tx, checks: Collection[AccountCheckId]) -> list[Account]:
    """Those of them that there are, held until the transaction ends."""
    rows = await tx.fetch(
        "SELECT id, person_id, state, is_change, bank, reason FROM account WHERE id = ANY($1::uuid[])"
        " ORDER BY person_id, number FOR UPDATE",
        checks,
    )
    return [Account(*row) for row in rows]


async def save_heard(tx: Tx, accounts: Sequence[Account]) -> None:
    """Accounts as the bank's words left them; what it said yes to begins to cool off."""
    await tx.execute(
        _SAVE_HEARD,
        [each.id for each in accounts],
        [each.state for each in accounts],
        [each.reason for each in accounts],
    )


async def wake_payments(tx: Tx, people: Collection[PersonId]) -> None:
    """Payments to these people that waited for their accounts are looked at again."""
    await tx.execute(
        "UPDATE payment SET waits_for = NULL, version = version + 1"
        " WHERE payee = ANY($1::uuid[]) AND waits_for = 'account_not_verified'",
        people,
    )


async def wake_passed_over(tx: Tx, *, limit: int) -> int:
    """The same for payments that began to wait while their account was being decided; how many."""
    woken: int = await tx.fetchval(
        """
        WITH decided AS (
            SELECT p.id FROM payment p WHERE p.waits_for = 'account_not_verified'
            AND NOT EXISTS (SELECT 1 FROM identity i WHERE i.person_id = p.payee AND i.unread)
            AND NOT EXISTS (
                SELECT 1 FROM account a WHERE a.person_id = p.payee
                AND a.state IN ('proposed', 'asked', 'verified', 'unverifiable')
            ) LIMIT $1 FOR UPDATE SKIP LOCKED
        ), woken AS (
            UPDATE payment SET waits_for = NULL, version = version + 1 FROM decided WHERE payment.id = decided.id
            RETURNING 1
        )
        SELECT count(*) FROM woken
        """,
        limit,
    )
    return woken


# -- what people say, and when it counts ------------------------------------------------------------------------------


async def lock_candidate(tx: Tx, account: AccountCheckId, expected: Version) -> Candidate:
    """The account, held until the transaction ends, if it still has the version expected.

    Raises NotFound, StaleVersion.
    """
    row = await tx.fetchrow("SELECT version FROM account WHERE id = $1 FOR UPDATE", account)
    if row is None:
        raise NotFound(account=str(account))
    if row["version"] != expected:
        raise StaleVersion(version=row["version"])
    found = await tx.fetchrow(_CANDIDATE + "WHERE a.id = $1", account)
    assert found is not None  # it is held
    return _candidate(found)


async def save_confirmed(tx: Tx, candidate: Candidate) -> None:
    await tx.execute(
        "UPDATE account SET confirmed_by = $2, second_by = $3, version = version + 1 WHERE id = $1",
        *(candidate.id, candidate.confirmed_by, candidate.second_by),
    )


async def save_refused(tx: Tx, account: AccountCheckId, *, refused_by: str, reason: str) -> None:
    await tx.execute(
        "UPDATE account SET state = 'refused', refused_by = $2, reason = $3, version = version + 1 WHERE id = $1",
        *(account, refused_by, reason),
    )


async def take_to_settle(tx: Tx, *, expires: timedelta, limit: int) -> list[Candidate]:
    """Accounts that can be in force, or have waited too long for people, held until the transaction ends."""
    return [_candidate(row) for row in await tx.fetch(_TAKE_TO_SETTLE, expires, limit)]


async def hold_replaced(tx: Tx, people: Collection[PersonId]) -> set[PersonId]:
    """Those of these people whose account in force nobody is being paid by at this moment, or who have none.

    It is held until the transaction ends. Nobody is waited for: who is being paid is taken the next time.
    """
    in_force = "SELECT person_id FROM account WHERE state = 'in_force' AND person_id = ANY($1::uuid[])"
    all_of_them = {row["person_id"] for row in await tx.fetch(in_force, people)}
    held = {row["person_id"] for row in await tx.fetch(in_force + " FOR UPDATE SKIP LOCKED", people)}
    return set(people) - (all_of_them - held)


async def put_in_force(tx: Tx, accounts: Mapping[AccountCheckId, PersonId]) -> None:
    """These take the place of what was in force."""
    replaced = await tx.fetch(
        "SELECT id FROM account WHERE person_id = ANY($1::uuid[]) AND state = 'in_force'", list(accounts.values())
    )
    await _save_over(tx, [row["id"] for row in replaced], "replaced")
    await tx.execute(
        "UPDATE account SET state = 'in_force', in_force_from = clock_timestamp(), version = version + 1"
        " WHERE id = ANY($1::uuid[])",
        list(accounts),
    )


async def save_expired(tx: Tx, accounts: Sequence[AccountCheckId]) -> None:
    await _save_over(tx, accounts, "expired")


def _candidate(row: asyncpg.Record) -> Candidate:
    return Candidate(
        id=row["id"],
        person=row["person_id"],
        state=row["state"],
        is_change=row["is_change"],
        proposed_at=row["proposed_at"],
        cooled_at=row["cooled_at"],
        confirmed_by=row["confirmed_by"],
        second_by=row["second_by"],
        old_is_closed=row["old_is_closed"],
        trusted=row["trusted"],
    )
