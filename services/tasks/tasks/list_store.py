"""Every SQL statement on list versions, items and negative entries."""

from datetime import date

import asyncpg

from qingdan.ids import ListCode
from runtime.db import Tx
from tasks.list_rules import Item, ListVersion, NegativeEntry, NoListInForce


async def lock_list(tx: Tx, list_code: ListCode) -> asyncpg.Record | None:
    """The newest version (version, effective_on) of a list, None for a new list; one publisher at a time."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('list_version:' || $1, 0))", list_code)
    return await tx.fetchrow(
        "SELECT version, effective_on FROM list_version WHERE list_code = $1 ORDER BY version DESC LIMIT 1", list_code
    )


async def insert_version(tx: Tx, list_version: ListVersion) -> None:
    """Store a whole version."""
    place = (list_version.list_code, list_version.version)
    await tx.execute(
        "INSERT INTO list_version (list_code, version, effective_on) VALUES ($1, $2, $3)",
        *place,
        list_version.effective_on,
    )
    await tx.executemany(
        "INSERT INTO list_item (list_code, version, code, category, title_zh, title_en, law, article,"
        " owner_department, askers, kinds, asks_per_village_year_max, hours_estimate, inspect_on_completion, paid)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        [
            (
                *(*place, item.code, item.category, item.title_zh, item.title_en, item.law, item.article),
                *(item.owner_department, item.askers, item.kinds, item.asks_per_village_year_max),
                *(item.hours_estimate, item.inspect_on_completion, item.paid),
            )
            for item in list_version.items
        ],
    )
    await tx.executemany(
        "INSERT INTO negative_entry (list_code, version, code, kind, title_zh, title_en)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        [(*place, entry.code, entry.kind, entry.title_zh, entry.title_en) for entry in list_version.negative],
    )


async def list_in_force(tx: Tx, list_code: ListCode, as_of: date) -> ListVersion:
    """The whole version in force on that day. Raises NoListInForce."""
    head = await tx.fetchrow(
        "SELECT version, effective_on FROM list_version WHERE list_code = $1 AND effective_on <= $2"
        " ORDER BY version DESC LIMIT 1",
        list_code,
        as_of,
    )
    if head is None:
        raise NoListInForce(list_code=list_code, as_of=str(as_of))
    items = await tx.fetch(
        "SELECT code, category, title_zh, title_en, law, article, owner_department, askers, kinds,"
        " asks_per_village_year_max, hours_estimate, inspect_on_completion, paid"
        " FROM list_item WHERE list_code = $1 AND version = $2 ORDER BY code",
        list_code,
        head["version"],
    )
    negative = await tx.fetch(
        "SELECT code, kind, title_zh, title_en FROM negative_entry WHERE list_code = $1 AND version = $2 ORDER BY code",
        list_code,
        head["version"],
    )
    return ListVersion(
        list_code=list_code,
        version=head["version"],
        effective_on=head["effective_on"],
        items=tuple(Item(**dict(row)) for row in items),
        negative=tuple(NegativeEntry(**dict(row)) for row in negative),
    )


async def version_in_force(tx: Tx, list_code: ListCode, as_of: date) -> int:
    """The number of the version in force on that day. Raises NoListInForce."""
    version: int | None = await tx.fetchval(
        "SELECT max(version) FROM list_version WHERE list_code = $1 AND effective_on <= $2", list_code, as_of
    )
    if version is None:
        raise NoListInForce(list_code=list_code, as_of=str(as_of))
    return version
