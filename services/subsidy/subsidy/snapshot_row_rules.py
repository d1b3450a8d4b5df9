"""One person or household out of a snapshot: which parts are to be read, and what they say of one row.

A part is read whole, for it is one piece of octets; of its arrays only the row that is asked for becomes values.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from runtime.bulk_arrays import ArraysUnlike, unpacked
from subsidy.column_rules import NOWHERE
from subsidy.snapshot_rules import Part, SnapshotUnlike
from subsidy.vocabulary_rules import BY_NAME
from subsidy.why_facts_rules import Paid

TableName = Literal["person", "household"]

_EPOCH: Final = date(1970, 1, 1)
_LOW: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class PartKey:
    """What is known of a part before it is read: the place in its table at which it begins, how many rows it has, and
    between which ids they lie; None: nobody noted it."""

    section: TableName
    number: int
    begins: int
    rows: int
    lowest: UUID | None
    highest: UUID | None

    def may_hold(self, who: UUID) -> bool:
        """Whether somebody of that id may be in it."""
        return self.lowest is None or self.highest is None or self.lowest <= who <= self.highest


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A person or household as they were kept: place in their table, what was recorded, the registers that had a row.

    home: the place of a person's household; None for none, and for a household.
    """

    place: int
    id: UUID
    columns: Mapping[str, Any]
    registers: frozenset[str]
    home: int | None = None


@dataclass(frozen=True, slots=True)
class Common:
    """What holds for all. complete: the registers in which no row meant no. paid: by fact, the places of whom we paid
    before, and how much or how often."""

    reference_on: date
    complete: frozenset[str]
    parameters: Mapping[str, bool | int | str | None]
    described: Mapping[TableName, Mapping[str, Mapping[str, Any]]]
    paid: Mapping[str, tuple[NDArray[Any], NDArray[Any]]]

    def keeps(self, name: str) -> bool:
        """Whether that fact was read for the month at all: those that no programme named were not."""
        fact = BY_NAME[name]
        if fact.entity == "county":
            return True
        if fact.derived_from and fact.derived_from not in BY_NAME:
            return name in self.paid
        return (fact.derived_from or name) in self.described[fact.entity]

    def paid_to(self, person: int | None, home: int | None) -> Paid:
        """What we ourselves had paid to those at these places."""
        return Paid(
            subsistence_fen=self._amount("dibao_paid_per_capita_fen_month", home),
            hardship_disability_fen=self._amount("hardship_disability_paid_fen_month", person),
            temporary_aid_times=self._amount("temporary_aid_count_year", home),
            resettler_times=self._amount("migrant_support_years_used", person),
        )

    def _amount(self, name: str, place: int | None) -> int:
        if place is None or name not in self.paid:
            return 0
        places, amounts = self.paid[name]
        found = amounts[places == place]
        return int(found[-1]) if len(found) else 0


def common_of(part: Part) -> Common:
    """What holds for all, from its part. Raises SnapshotUnlike."""
    arrays = _arrays(part)
    said = json.loads(bytes(arrays["said"]))
    return Common(
        reference_on=date.fromisoformat(said["reference_on"]),
        complete=frozenset(said["complete"]),
        parameters=said["parameters"],
        described=said["columns"],
        paid={name: (arrays[f"paid-{name}"], arrays[f"paid-{name}-fen"]) for name in said["paid"]},
    )


def keys_in_order(keys: Sequence[PartKey], section: TableName) -> list[PartKey]:
    """The parts of a table. Raises SnapshotUnlike when one is missing."""
    mine = sorted((key for key in keys if key.section == section), key=lambda key: key.number)
    if [key.number for key in mine] != list(range(len(mine))):
        raise SnapshotUnlike("a part of people or households")
    return mine


def key_at(keys: Sequence[PartKey], place: int) -> PartKey:
    """The part in which a place of the table lies. Raises SnapshotUnlike."""
    for key in keys:
        if key.begins <= place < key.begins + key.rows:
            return key
    raise SnapshotUnlike("a part of people or households")


@dataclass(frozen=True, slots=True)
class Opened:
    """A part, opened. `described`: what each of its columns is; `numbers`: of the registers, by name."""

    key: PartKey
    arrays: Mapping[str, NDArray[Any]]
    described: Mapping[str, Mapping[str, Any]]
    numbers: Mapping[str, int]

    def place_of(self, who: UUID) -> int | None:
        """Where in the table somebody is; None: not in this part."""
        found = np.flatnonzero((self.arrays["low"] == who.int & _LOW) & (self.arrays["high"] == who.int >> 64))
        return self.key.begins + int(found[0]) if len(found) else None

    def row(self, place: int) -> KeptRow:
        """What was kept of the one at that place of the table."""
        at = place - self.key.begins
        held, home = int(self.arrays["held"][at]), NOWHERE
        if "home" in self.arrays:
            home = int(self.arrays["home"][at])
        return KeptRow(
            place=place,
            id=UUID(int=int(self.arrays["high"][at]) << 64 | int(self.arrays["low"][at])),
            columns={name: self._value(name, at) for name in self.described},
            registers=frozenset(register for register, number in self.numbers.items() if held >> number & 1),
            home=None if home == NOWHERE else home,
        )

    def members_at(self, place: int) -> list[int] | None:
        """Of a household its members' places among people, in order; None: an earlier version did not note them."""
        if "members" not in self.arrays:
            return None
        begin, end = self.arrays["members-begin"][place - self.key.begins :][:2].tolist()
        return [int(each) for each in self.arrays["members"][begin:end]]

    def living_in(self, home: int) -> list[int]:
        """The places of those people in this part who belong to the household at that place."""
        return [self.key.begins + int(at) for at in np.flatnonzero(self.arrays["home"] == home)]

    def _value(self, name: str, at: int) -> Any:
        """As it is recorded of a person or household; None is unknown."""
        of = self.described[name]
        if of["known"] and not _bit(self.arrays[f"{name}.known"], at):
            return None
        values = self.arrays[f"{name}.values"]
        if of["truth"]:
            return _bit(values, at)
        value, words = int(values[at]), of["words"]
        kind = BY_NAME[name].type if name in BY_NAME else "int"  # what no rule can name any more is nobody's to read
        if kind == "list":
            return tuple(word for bit, word in enumerate(words) if value >> bit & 1)
        if kind == "date":
            return _EPOCH + timedelta(days=value)
        return words[value] if words else value


def opened(part: Part, key: PartKey, common: Common, numbers: Mapping[str, int]) -> Opened:
    """Raises SnapshotUnlike."""
    arrays = _arrays(part)
    if len(arrays.get("low", ())) != key.rows:
        raise SnapshotUnlike(f"part {part.number} of {part.section}")
    return Opened(key, arrays, common.described[key.section], numbers)


def _bit(packed: NDArray[Any], at: int) -> bool:
    """One of what numpy.packbits packed: the highest bit comes first."""
    return bool(int(packed[at >> 3]) >> (7 - (at & 7)) & 1)


def _arrays(part: Part) -> dict[str, NDArray[Any]]:
    try:
        return unpacked(part.packed)
    except ArraysUnlike as error:
        raise SnapshotUnlike(f"part {part.number} of {part.section}") from error
