"""Every SQL statement on list versions, items and negative entries."""

from collections.abc import Sequence
from datetime import date, datetime
from time import monotonic
from typing import Final

import asyncpg

from qingdan.access_events import ListVersionTookEffect
from qingdan.ids import ListCode
from runtime.db import Tx
from runtime.divisions import DivisionUnknown
from tasks.list_rules import Item, ListVersion, ListVersionUnknown, NegativeEntry, NoListInForce

# A version never changes, and every ask is checked against the one in force. When it was published tells one database
# from another. Not for ever: the code of a division that an item names can change.
_FRESH_S: Final = 10.0
_read_lately: dict[tuple[ListCode, int, datetime], tuple[float, ListVersionTookEffect]] = {}


async def lock_list(tx: Tx, list_code: ListCode) -> asyncpg.Record | None:
    """The newest version (version, effective_on) of a list, None for a new list; one publisher at a time."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('list_version:' || $1, 0))", list_code)
    return await tx.fetchrow(
        "SELECT version, effective_on FROM list_version WHERE list_code = $1 ORDER BY version DESC LIMIT 1", list_code
    )


async def insert_version(tx: Tx, list_version: ListVersion) -> None:
    """Store a whole version. Raises DivisionUnknown when an item names a division that the tree lacks."""
    named = sorted({str(item.division) for item in list_version.items if item.division})
    rows = await tx.fetch("SELECT code, id FROM division WHERE code = ANY($1::text[]) AND valid_to IS NULL", named)
    divisions = {row["code"]: row["id"] for row in rows}
    if unknown := [code for code in named if code not in divisions]:
        raise DivisionUnknown(divisions=unknown[:100])
    place = (list_version.list_code, list_version.version)
    await tx.execute(
        "INSERT INTO list_version (list_code, version, effective_on) VALUES ($1, $2, $3)",
        *place,
        list_version.effective_on,
    )
    await tx.executemany(
        "INSERT INTO list_item (list_code, version, code, category, title_zh, title_en, law, article,"
        " owner_department, askers, kinds, asks_per_village_year_max, hours_estimate, inspect_on_completion, paid,"
        " latest_working_days, division_id, valid_from, valid_to)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        [
            (
                *(*place, item.code, item.category, item.title_zh, item.title_en, item.law, item.article),
                *(item.owner_department, item.askers, item.kinds, item.asks_per_village_year_max),
                *(item.hours_estimate, item.inspect_on_completion, item.paid, item.latest_working_days),
                *(divisions[item.division] if item.division else None, item.valid_from, item.valid_to),
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
    return await _version(tx, list_code, head["version"], head["effective_on"])


async def standing_list(tx: Tx, list_code: ListCode, as_of: date) -> ListVersionTookEffect:
    """The version in force on that day, as the gate reads it; the same object for asks that follow each other.

    Raises NoListInForce.
    """
    head = await tx.fetchrow(
        "SELECT version, effective_on, published_at FROM list_version WHERE list_code = $1 AND effective_on <= $2"
        " ORDER BY version DESC LIMIT 1",
        list_code,
        as_of,
    )
    if head is None:
        raise NoListInForce(list_code=list_code, as_of=str(as_of))
    key = (list_code, head["version"], head["published_at"])
    read_at, standing = _read_lately.get(key, (0.0, None))
    if standing is None or monotonic() - read_at > _FRESH_S:
        standing = (await _version(tx, list_code, head["version"], head["effective_on"])).published()
        for earlier in [each for each in _read_lately if each[0] == list_code]:
            del _read_lately[earlier]
        _read_lately[key] = (monotonic(), standing)
    return standing


async def version_in_force(tx: Tx, list_code: ListCode, as_of: date) -> int:
    """The number of the version in force on that day. Raises NoListInForce."""
    version: int | None = await tx.fetchval(
        "SELECT max(version) FROM list_version WHERE list_code = $1 AND effective_on <= $2", list_code, as_of
    )
    if version is None:
        raise NoListInForce(list_code=list_code, as_of=str(as_of))
    return version


async def list_of_version(tx: Tx, list_code: ListCode, version: int) -> ListVersion:
    """The whole version of that number. Raises ListVersionUnknown."""
    effective_on: date | None = await tx.fetchval(
        "SELECT effective_on FROM list_version WHERE list_code = $1 AND version = $2", list_code, version
    )
    if effective_on is None:
        raise ListVersionUnknown(list_code=list_code, version=version)
    return await _version(tx, list_code, version, effective_on)


async def list_versions(tx: Tx, list_code: ListCode, *, after: int | None, limit: int) -> Sequence[asyncpg.Record]:
    """The versions of a list, the newest first, before the one that `after` names."""
    return await tx.fetch(
        "SELECT l.list_code, l.version, l.effective_on, l.published_at,"
        " (SELECT count(*) FROM list_item i WHERE (i.list_code, i.version) = (l.list_code, l.version)) AS items,"
        " (SELECT count(*) FROM negative_entry n WHERE (n.list_code, n.version) = (l.list_code, l.version)) AS negative"
        " FROM list_version l WHERE l.list_code = $1 AND ($2::integer IS NULL OR l.version < $2)"
        " ORDER BY l.version DESC LIMIT $3",
        list_code,
        after,
        limit,
    )


async def _version(tx: Tx, list_code: ListCode, version: int, effective_on: date) -> ListVersion:
    items = await tx.fetch(
        "SELECT i.code, i.category, i.title_zh, i.title_en, i.law, i.article, i.owner_department, i.askers, i.kinds,"
        " i.asks_per_village_year_max, i.hours_estimate, i.inspect_on_completion, i.paid, i.latest_working_days,"
        " d.code AS division, i.valid_from, i.valid_to"
        " FROM list_item i LEFT JOIN division d ON d.id = i.division_id"
        " WHERE i.list_code = $1 AND i.version = $2 ORDER BY i.code",
        list_code,
        version,
    )
    negative = await tx.fetch(
        "SELECT code, kind, title_zh, title_en FROM negative_entry WHERE list_code = $1 AND version = $2 ORDER BY code",
        list_code,
        version,
    )
    return ListVersion(
        list_code=list_code,
        version=version,
        effective_on=effective_on,
        items=tuple(Item(**dict(row)) for row in items),
        negative=tuple(NegativeEntry(**dict(row)) for row in negative),
    )
