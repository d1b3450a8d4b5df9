"""Every SQL statement by which one family is read out of what a run was computed from: a few parts of many."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from qingdan.ids import RunId
from runtime.db import Tx
from subsidy.snapshot_row_rules import (
    Common,
    KeptRow,
    Opened,
    PartKey,
    TableName,
    common_of,
    key_at,
    keys_in_order,
    opened,
)
from subsidy.snapshot_rules import Part, Section, SnapshotUnlike
from subsidy.why_facts_rules import Paid
from subsidy.why_store import MEMBERS_MAX


class KeptFamily(NamedTuple):
    """Whoever is asked about as they were kept, their household and its members, in the order of their ids, and what
    held for all."""

    common: Common
    person: KeptRow | None
    home: KeptRow | None
    members: tuple[KeptRow, ...]

    def paid_to(self, who: UUID | None) -> Paid:
        """What we ourselves had paid before, to the household and to one of these; None: to no person."""
        known = {each.id: each.place for each in (*self.members, *([self.person] if self.person else []))}
        return self.common.paid_to(known.get(who) if who else None, self.home.place if self.home else None)


async def family_of(tx: Tx, run: RunId, *, person: UUID | None, household: UUID | None) -> KeptFamily | None:
    """The person with their household of then, or else the household; None: they were not there.

    Some parts are read, one after the other, never all that was kept; those of an earlier version, which did not note
    who is in a part, are looked through. Raises SnapshotUnlike.
    """
    reader = await _reader_of(tx, run)
    if person is not None:
        place = await reader.find("person", person)
        who = None if place is None else await reader.row("person", place)
        home_place = None if who is None else who.home
    else:
        who, home_place = None, None if household is None else await reader.find("household", household)
    if who is None and home_place is None:
        return None
    if home_place is None:
        return KeptFamily(reader.common, who, None, ())
    home = await reader.row("household", home_place)
    members = [await reader.row("person", each) for each in await reader.members_of(home_place)]
    return KeptFamily(reader.common, who, home, tuple(sorted(members, key=lambda each: each.id)))


async def _reader_of(tx: Tx, run: RunId) -> "_Reader":
    rows = await tx.fetch(
        "SELECT section, number, rows, lowest, highest, coalesce(sum(rows) OVER (PARTITION BY section ORDER BY number"
        " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::integer AS begins"
        " FROM run_snapshot WHERE run_id = $1 AND section <> 'county' ORDER BY section, number",
        run,
    )
    keys = [
        PartKey(row["section"], row["number"], row["begins"], row["rows"], row["lowest"], row["highest"])
        for row in rows
    ]
    numbers = {row["dataset"]: row["number"] for row in await tx.fetch("SELECT dataset, number FROM register_number")}
    common = await asyncio.to_thread(common_of, await _part(tx, run, "county", 0))
    tables: dict[TableName, list[PartKey]] = {
        "person": keys_in_order(keys, "person"),
        "household": keys_in_order(keys, "household"),
    }
    return _Reader(tx, run, common, numbers, tables)


async def _part(tx: Tx, run: RunId, section: Section, number: int) -> Part:
    row = await tx.fetchrow(
        "SELECT section, number, rows, packed, lowest, highest FROM run_snapshot"
        " WHERE run_id = $1 AND section = $2 AND number = $3",
        *(run, section, number),
    )
    if row is None:
        raise SnapshotUnlike(f"part {number} of {section}")
    return Part(*row)


@dataclass(slots=True)
class _Reader:
    """Opens the parts that are asked for; the last one of each table stays open."""

    tx: Tx
    run: RunId
    common: Common
    numbers: Mapping[str, int]
    keys: Mapping[TableName, list[PartKey]]
    _open: dict[TableName, Opened] = field(default_factory=dict)

    async def find(self, table: TableName, who: UUID) -> int | None:
        """The place in the table of whoever has that id."""
        for key in self.keys[table]:
            if key.may_hold(who) and (place := (await self._opened(key)).place_of(who)) is not None:
                return place
        return None

    async def row(self, table: TableName, place: int) -> KeptRow:
        return (await self._opened(key_at(self.keys[table], place))).row(place)

    async def members_of(self, home: int) -> Collection[int]:
        """The places of a household's members."""
        members = (await self._opened(key_at(self.keys["household"], home))).members_at(home)
        if members is None:
            members = [each for key in self.keys["person"] for each in (await self._opened(key)).living_in(home)]
        return members[:MEMBERS_MAX]

    async def _opened(self, key: PartKey) -> Opened:
        there = self._open.get(key.section)
        if there is None or there.key is not key:
            self._open.pop(key.section, None)  # before another one takes its room
            part = await _part(self.tx, self.run, key.section, key.number)
            there = self._open[key.section] = await asyncio.to_thread(opened, part, key, self.common, self.numbers)
        return there
