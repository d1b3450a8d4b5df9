"""Snapshots: everything that a month was computed from, as octets that can be read again in ten years.

A part is an archive of arrays (`runtime.bulk_arrays`). People and households are cut into parts of so many rows, in the
order of their ids, so that one of them is found by looking into one part (`snapshot_row_rules`); what is the same for
all of them is a part of its own.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from runtime.bulk_arrays import ArraysUnlike, packed, unpacked
from subsidy.case_rules import Amounts, County
from subsidy.column_rules import Bools, Column, Places, Table
from subsidy.evaluation_rules import Owed

Section = Literal["county", "person", "household"]

ROWS_PER_PART: Final = 16_384
"""Whoever is looked for is found in one part: what is read for one answer is as large as a few of them."""
FORMAT: Final = 1


class SnapshotUnlike(ValueError):
    """A part is missing, or is not what was kept."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a snapshot: of which section, its number there from 0 on, and how many rows it has.

    lowest, highest: the ids that lie in it; None for what holds for all, and in what an earlier version kept.
    """

    section: Section
    number: int
    rows: int
    packed: bytes
    lowest: UUID | None = None
    highest: UUID | None = None


def pack(county: County, owed: Owed) -> Iterator[Part]:
    """The parts, one after the other: what holds for all, people, households."""
    yield Part("county", 0, 0, packed(_common(county, owed)))
    yield from _parts("person", county.people, county.inhabitants)
    living_in = _members(county.people.home, len(county.homes))
    yield from _parts("household", county.homes, county.own_homes, living_in)


def _parts(
    section: Section, table: Table, own: Bools, living_in: tuple[Places, NDArray[np.int64]] | None = None
) -> Iterator[Part]:
    """`living_in`: the members of each household, one household after the other, and where each one's begin."""
    for number, begin in enumerate(range(0, len(table), ROWS_PER_PART)):
        rows = slice(begin, min(begin + ROWS_PER_PART, len(table)))
        arrays = _cut(table, rows) | {"own": np.packbits(own[rows])}
        if living_in is not None:
            members, begins = living_in
            arrays["members"] = members[begins[rows.start] : begins[rows.stop]]
            arrays["members-begin"] = (begins[rows.start : rows.stop + 1] - begins[rows.start]).astype(np.int32)
        bounds = _bounds(table.high[rows], table.low[rows])
        yield Part(section, number, rows.stop - begin, packed(arrays), *bounds)


def _bounds(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> tuple[UUID, UUID]:
    """The lowest and the highest of some ids."""
    first, last = high.min(), high.max()
    lowest, highest = low[high == first].min(), low[high == last].max()
    return UUID(int=int(first) << 64 | int(lowest)), UUID(int=int(last) << 64 | int(highest))


def _members(home: Places, homes: int) -> tuple[Places, NDArray[np.int64]]:
    """The places of people, household after household; and where each household's begin, and the last one's end."""
    order = np.argsort(home, kind="stable")
    begins = np.searchsorted(home[order], np.arange(homes + 1))
    return order.astype(np.int32), begins


def unpack(parts: Iterable[Part]) -> tuple[County, Owed]:
    """What was packed. Raises SnapshotUnlike."""
    by_section: dict[Section, list[Part]] = {"county": [], "person": [], "household": []}
    for part in parts:
        by_section[part.section].append(part)
    if len(by_section["county"]) != 1:
        raise SnapshotUnlike("the part that holds for all")
    common = _read(by_section["county"][0])
    said = json.loads(bytes(common["said"]))
    people, inhabitants = _joined(by_section["person"], said["columns"]["person"])
    homes, own_homes = _joined(by_section["household"], said["columns"]["household"])
    if [len(people), len(homes)] != said["rows"]:
        raise SnapshotUnlike("people or households")
    county = County(
        people=people,
        homes=homes,
        inhabitants=inhabitants,
        own_homes=own_homes,
        reference_on=date.fromisoformat(said["reference_on"]),
        complete=said["complete"],
        parameters=said["parameters"],
        paid={name: Amounts(common[f"paid-{name}"], common[f"paid-{name}-fen"]) for name in said["paid"]},
    )
    return county, _owed(said["owed"], common)


# -- what holds for all ------------------------------------------------------------------------------------------------


def _common(county: County, owed: Owed) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for name, amounts in county.paid.items():
        arrays[f"paid-{name}"], arrays[f"paid-{name}-fen"] = amounts.places, amounts.values
    for code, places in owed.always.items():
        arrays[f"owed-{code}"] = places
    for code, (places, times) in owed.serials.items():
        arrays[f"serials-{code}"], arrays[f"serials-{code}-times"] = places, times
    said = {
        "format": FORMAT,
        "reference_on": county.reference_on.isoformat(),
        "complete": dict(county.complete),
        "parameters": dict(county.parameters),
        "rows": [len(county.people), len(county.homes)],
        "paid": sorted(county.paid),
        "owed": {
            "always": sorted(owed.always),
            "serials": sorted(owed.serials),
            "others": sorted([programme, str(who), occurrence] for programme, who, occurrence in owed.others),
        },
        "columns": {"person": _described(county.people), "household": _described(county.homes)},
    }
    arrays["said"] = np.frombuffer(json.dumps(said, ensure_ascii=False, sort_keys=True).encode(), np.uint8)
    return arrays


def _described(table: Table) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "words": list(column.words),
            "lowest": column.lowest,
            "highest": column.highest,
            "truth": column.values.dtype == np.bool_,
            "known": column.known is not None,
        }
        for name, column in table.columns.items()
    }


def _owed(said: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Owed:
    return Owed(
        {code: arrays[f"owed-{code}"] for code in said["always"]},
        {code: (arrays[f"serials-{code}"], arrays[f"serials-{code}-times"]) for code in said["serials"]},
        frozenset((programme, UUID(who), occurrence) for programme, who, occurrence in said["others"]),
    )


# -- people and households ---------------------------------------------------------------------------------------------


def _cut(table: Table, rows: slice) -> dict[str, NDArray[Any]]:
    """The arrays of some rows, in as few octets as hold them."""
    arrays: dict[str, NDArray[Any]] = {
        "high": table.high[rows],
        "low": table.low[rows],
        "division": table.division[rows],
        "held": table.held[rows],
    }
    if len(table.home):
        arrays["home"] = table.home[rows]
    for name, column in table.columns.items():
        values = column.values[rows]
        arrays[f"{name}.values"] = np.packbits(values) if values.dtype == np.bool_ else _narrow(values)
        if column.known is not None:
            arrays[f"{name}.known"] = np.packbits(column.known[rows])
    return arrays


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers in the narrowest signed type that holds them all."""
    if not len(values):
        return values
    lowest, highest = int(values.min()), int(values.max())
    for kind in (np.int8, np.int16, np.int32):
        if np.iinfo(kind).min <= lowest and highest <= np.iinfo(kind).max:
            return values.astype(kind)
    return values


def _joined(parts: list[Part], described: Mapping[str, Mapping[str, Any]]) -> tuple[Table, NDArray[np.bool_]]:
    """The table that the parts were cut from, and which of its rows are the county's own."""
    parts = sorted(parts, key=lambda part: part.number)
    if [part.number for part in parts] != list(range(len(parts))):
        raise SnapshotUnlike("a part of people or households")
    cut = [_read(part) for part in parts]
    rows = [part.rows for part in parts]

    def whole(name: str, kind: Any) -> NDArray[Any]:
        return np.concatenate([arrays[name].astype(kind) for arrays in cut]) if cut else np.empty(0, kind)

    def bits(name: str) -> NDArray[np.bool_]:
        kept = [np.unpackbits(arrays[name], count=many).astype(bool) for arrays, many in zip(cut, rows, strict=True)]
        return np.concatenate(kept) if kept else np.empty(0, bool)

    table = Table(
        whole("high", np.uint64), whole("low", np.uint64), whole("division", np.int32), whole("held", np.int64)
    )
    if cut and "home" in cut[0]:
        table.home = whole("home", np.int32)
    for name, of in described.items():
        values = bits(f"{name}.values") if of["truth"] else whole(f"{name}.values", np.int64)
        known = bits(f"{name}.known") if of["known"] else None
        table.columns[name] = Column(values, known, tuple(of["words"]), of["lowest"], of["highest"])
    return table, bits("own")


def _read(part: Part) -> dict[str, NDArray[Any]]:
    try:
        return unpacked(part.packed)
    except ArraysUnlike as error:
        raise SnapshotUnlike(f"part {part.number} of {part.section}") from error
