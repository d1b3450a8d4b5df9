"""Snapshots: everything that a month was computed from, as octets that can be read again in ten years.

A part is an archive of arrays (`runtime.bulk_arrays`). People and households are cut into parts of so many rows; what
is the same for all of them is a part of its own.
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
from subsidy.column_rules import Column, Table
from subsidy.evaluation_rules import Owed

Section = Literal["county", "person", "household"]

ROWS_PER_PART: Final = 65_536
FORMAT: Final = 1


class SnapshotUnlike(ValueError):
    """A part is missing, or is not what was kept."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a snapshot: of which section, its number there from 0 on, and how many rows it has."""

    section: Section
    number: int
    rows: int
    packed: bytes


def pack(county: County, owed: Owed) -> Iterator[Part]:
    """The parts, one after the other: what holds for all, people, households."""
    yield Part("county", 0, 0, packed(_common(county, owed)))
    for section, table in (("person", county.people), ("household", county.homes)):
        for number, begin in enumerate(range(0, len(table), ROWS_PER_PART)):
            rows = slice(begin, min(begin + ROWS_PER_PART, len(table)))
            mask = county.inhabitants if section == "person" else county.own_homes
            arrays = _cut(table, rows) | {"own": np.packbits(mask[rows])}
            yield Part("person" if section == "person" else "household", number, rows.stop - begin, packed(arrays))


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
