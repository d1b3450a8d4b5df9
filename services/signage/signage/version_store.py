"""Every SQL statement on versions of the rules."""

from datetime import date

import asyncpg

from runtime.db import Tx
from signage.version_rules import NoRulesInForce, RuleVersion, SignRule


async def lock_rules(tx: Tx) -> asyncpg.Record | None:
    """The newest version (version, effective_on), None before the first; one publisher at a time."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('rule_version', 0))")
    return await tx.fetchrow("SELECT version, effective_on FROM rule_version ORDER BY version DESC LIMIT 1")


async def insert_version(tx: Tx, rules: RuleVersion) -> None:
    """Store a whole version."""
    await tx.execute(
        "INSERT INTO rule_version (version, effective_on, legal_basis) VALUES ($1, $2, $3)",
        rules.version,
        rules.effective_on,
        rules.legal_basis,
    )
    await tx.executemany(
        "INSERT INTO sign_rule (version, code, title_zh, title_en, also_worded, department, permitted, position,"
        " legal_basis) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            (
                *(rules.version, rule.code, rule.title_zh, rule.title_en, rule.also_worded, rule.department),
                *(rule.permitted, rule.position, rule.legal_basis),
            )
            for rule in rules.rules
        ],
    )


async def rules_in_force(tx: Tx, as_of: date) -> RuleVersion:
    """The whole version in force on that day. Raises NoRulesInForce."""
    head = await tx.fetchrow(
        "SELECT version, effective_on, legal_basis FROM rule_version WHERE effective_on <= $1"
        " ORDER BY version DESC LIMIT 1",
        as_of,
    )
    if head is None:
        raise NoRulesInForce(as_of=str(as_of))
    rows = await tx.fetch(
        "SELECT code, title_zh, title_en, also_worded, department, permitted, position, legal_basis"
        " FROM sign_rule WHERE version = $1 ORDER BY code",
        head["version"],
    )
    return RuleVersion(**dict(head), rules=tuple(SignRule(**dict(row)) for row in rows))
