"""Every SQL statement on programmes and their versions."""

from collections.abc import Sequence
from datetime import date

import asyncpg

from runtime.db import Tx
from subsidy.programme_rules import NoProgrammesInForce, Programme


async def lock_versions(tx: Tx) -> asyncpg.Record | None:
    """The newest version (version, effective_on), None before the first; one publisher at a time."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('programme_version', 0))")
    return await tx.fetchrow("SELECT version, effective_on FROM programme_version ORDER BY version DESC LIMIT 1")


async def insert_version(tx: Tx, version: int, effective_on: date, programmes: Sequence[Programme]) -> None:
    """Store a whole version."""
    await tx.execute("INSERT INTO programme_version (version, effective_on) VALUES ($1, $2)", version, effective_on)
    await tx.executemany(
        "INSERT INTO programme (version, code, title_zh, title_en, department, beneficiary, person_facts_of,"
        " eligibility, amount_fen, priority, excludes, due_months, once_per, funding_source, law, source, cap_fen,"
        " nameless, cap_year_fen)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        [
            (
                *(version, each.code, each.title_zh, each.title_en, each.department, each.beneficiary),
                *(each.person_facts_of, each.eligibility, each.amount_fen, each.priority, each.excludes),
                *(each.due_months, each.once_per, each.funding_source, each.law, each.source, each.cap_fen),
                *(each.nameless, each.cap_year_fen),
            )
            for each in programmes
        ],
    )


async def version_in_force(tx: Tx, on: date) -> asyncpg.Record:
    """The version (version, effective_on) in force on that day. Raises NoProgrammesInForce."""
    row = await tx.fetchrow(
        "SELECT version, effective_on FROM programme_version WHERE effective_on <= $1 ORDER BY version DESC LIMIT 1", on
    )
    if row is None:
        raise NoProgrammesInForce(as_of=str(on))
    return row


async def find_version(tx: Tx, version: int) -> asyncpg.Record | None:
    """Version, effective_on and effective_until, the day before another takes its place: None for the newest, and one
    before effective_on where it was replaced the day it began."""
    return await tx.fetchrow(
        "SELECT v.version, v.effective_on, (SELECT min(n.effective_on) - 1 FROM programme_version n"
        " WHERE n.version > v.version) AS effective_until FROM programme_version v WHERE v.version = $1",
        version,
    )


async def programmes_of(tx: Tx, version: int) -> list[Programme]:
    """All programmes of a version, by priority."""
    rows = await tx.fetch(
        "SELECT code, title_zh, title_en, department, beneficiary, person_facts_of, eligibility, amount_fen, priority,"
        " excludes, due_months, once_per, funding_source, law, source, cap_fen, nameless,"
        " cap_year_fen"
        " FROM programme WHERE version = $1 ORDER BY priority",
        version,
    )
    return [Programme(**dict(row)) for row in rows]


async def version_on(tx: Tx, on: date) -> int | None:
    """The version in force on that day; None before the first."""
    version: int | None = await tx.fetchval("SELECT max(version) FROM programme_version WHERE effective_on <= $1", on)
    return version


async def programmes_on(tx: Tx, on: date) -> list[Programme]:
    """All programmes in force on that day, by priority; none before the first version."""
    version = await version_on(tx, on)
    return await programmes_of(tx, version) if version is not None else []
