"""Of whom it is not known, kept by what is missing: rosters of beneficiaries, and groups that point into them by bits.

Where a register is not declared complete everybody is undetermined in each programme that asks it. A row for each would
be a hundred octets; here it is one bit, and each beneficiary's id is written once for all programmes.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from subsidy.case_rules import Cases, Source
from subsidy.column_rules import NOWHERE, Places, Table
from subsidy.outcome_rules import Evaluation, Outcome
from subsidy.programme_rules import Beneficiary

MEMBERS_MAX: Final = 4_096
"""Of a roster: the bits of a group stay within 512 octets, in the row itself."""

_UUID_OID: Final = 2_950
_ARRAY: Final = struct.Struct(">iiIii")  # dimensions, no NULL in it, of what, how many, the first one's number
_ELEMENT: Final = np.dtype([("length", ">i4"), ("high", ">u8"), ("low", ">u8")])
_GROUP: Final = struct.Struct(">hiiiiiiiii")  # five fields: four whole numbers, and how long the bits are


def is_grouped(outcome: Outcome) -> bool:
    """Whether an undetermined case is said by its beneficiary alone. Of a household's dead there are several, each of
    which is a row of its own."""
    return outcome.programme.once_per != "deceased"


def lacking(
    evaluation: Evaluation, outcome: Outcome, missing: dict[str, int], part: slice = slice(None)
) -> NDArray[np.int32]:
    """For each undetermined case the number of the set of facts that it lacks; `missing`: sets by their names, with
    their numbers from 1 on, to which those are added that are not there yet."""
    about, places = outcome.undetermined_about[part], outcome.undetermined[part]
    source: Source = outcome.programme.person_facts_of or outcome.programme.beneficiary
    person, home = (places, evaluation.county.people.home[places]) if source == "person" else (about, places)
    cases = Cases(evaluation.county, source, None if source == "household" else person, home)
    facts = outcome.compiled.facts
    lacks = np.zeros(len(places), np.int64)
    for bit, fact in enumerate(facts):
        known = cases[fact.name].known
        if known is not None:
            lacks |= np.where(np.broadcast_to(known, lacks.shape), 0, 1 << bit)
    sets, which = np.unique(lacks, return_inverse=True)
    names = [",".join(fact.name for bit, fact in enumerate(facts) if int(each) >> bit & 1) for each in sets]
    numbers = np.array([missing.setdefault(name, len(missing) + 1) for name in names], np.int32)
    return numbers[which]


@dataclass(slots=True)
class Seats:
    """Where the beneficiaries of one kind sit: by division and id, at most `MEMBERS_MAX` in a roster.

    order: their places in the table, seat by seat. begins: of each roster the first of them. roster, seat: by place.
    """

    order: NDArray[np.intp]
    begins: NDArray[np.intp]
    sizes: NDArray[np.int64]
    part: NDArray[np.int64]
    roster: NDArray[np.int32]
    seat: NDArray[np.int32]

    @classmethod
    def of(cls, table: Table, outcomes: list[Outcome]) -> "Seats":
        """For everybody whom one of these leaves open."""
        there = np.zeros(len(table), bool)
        for outcome in outcomes:
            there[outcome.undetermined] = True
        places = np.flatnonzero(there)
        order = places[np.lexsort((table.rank[places], table.division[places]))]
        divisions = table.division[order]
        first = np.flatnonzero(np.append(True, divisions[1:] != divisions[:-1])[: len(order)])
        within = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
        begins = np.flatnonzero(within % MEMBERS_MAX == 0)
        roster = np.full(len(table), NOWHERE, np.int32)
        seat = np.full(len(table), NOWHERE, np.int32)
        roster[order] = np.cumsum(within % MEMBERS_MAX == 0) - 1
        seat[order] = within % MEMBERS_MAX
        sizes = np.diff(np.append(begins, len(order)))
        return cls(order, begins, sizes, within[begins] // MEMBERS_MAX, roster, seat)


@dataclass
class UndeterminedRows:
    """What an evaluation leaves open, as rows for the database in PostgreSQL's binary COPY format.

    missing: sets of facts that groups name by number, from 1 on; complete when all groups were made.
    """

    evaluation: Evaluation
    missing: dict[str, int] = field(default_factory=dict)

    @cached_property
    def outcomes(self) -> list[tuple[int, Outcome]]:
        """Those that leave anything open, with their numbers, from 1 on."""
        numbered = enumerate(self.evaluation.outcomes, 1)
        return [(number, each) for number, each in numbered if is_grouped(each) and len(each.undetermined)]

    @cached_property
    def _seats(self) -> dict[Beneficiary, Seats]:
        of_kind: dict[Beneficiary, list[Outcome]] = {}
        for _, outcome in self.outcomes:
            of_kind.setdefault(outcome.programme.beneficiary, []).append(outcome)
        return {kind: Seats.of(self.evaluation.table(outcomes[0]), outcomes) for kind, outcomes in of_kind.items()}

    def rosters(self) -> Iterator[bytes]:
        """Fields: kind, division_id, part, members, payees; the nil UUID is nobody."""
        for kind, seats in self._seats.items():
            person = kind == "person"
            table = self.evaluation.county.people if person else self.evaluation.county.homes
            payees = self.evaluation.receiver if person else self.evaluation.payee
            for begin, size, part in zip(seats.begins, seats.sizes, seats.part, strict=True):
                members: Places = seats.order[begin : begin + size].astype(np.int32)
                yield b"".join(
                    (
                        struct.pack(">h", 5),
                        _sized(kind.encode()),
                        _sized(struct.pack(">i", table.division[members[0]])),
                        _sized(struct.pack(">i", part)),
                        _sized(_array(table, members)),
                        _sized(_array(self.evaluation.county.people, payees[members])),
                    )
                )

    def groups(self) -> Iterator[bytes]:
        """Fields: programme (its number), division_id, part, missing (its number), seats; a block for each programme.
        A seat is taken once in a group: a programme decides on a beneficiary once."""
        for number, outcome in self.outcomes:
            table, seats = self.evaluation.table(outcome), self._seats[outcome.programme.beneficiary]
            which = lacking(self.evaluation, outcome, self.missing).astype(np.int64)
            roster, seat = seats.roster[outcome.undetermined].astype(np.int64), seats.seat[outcome.undetermined]
            keys, group = np.unique(roster << 32 | which, return_inverse=True)
            of_group = keys >> 32
            ends = np.cumsum((seats.sizes[of_group] + 7) // 8)
            begins = np.append(0, ends[:-1])
            octets = np.bincount(begins[group] + (seat >> 3), weights=1 << (seat & 7), minlength=int(ends[-1]))
            bits = octets.astype(np.uint8).tobytes()
            divisions = table.division[seats.order[seats.begins[of_group]]]
            rows = zip(
                divisions.tolist(),
                seats.part[of_group].tolist(),
                (keys & 0xFFFFFFFF).tolist(),
                begins.tolist(),
                ends.tolist(),
                strict=True,
            )
            yield b"".join(
                _group(number, division, part, missing, bits[begin:end]) for division, part, missing, begin, end in rows
            )


# -- one row in PostgreSQL's binary COPY format ------------------------------------------------------------------------


def _group(programme: int, division: int, part: int, missing: int, bits: bytes) -> bytes:
    return _GROUP.pack(5, 4, programme, 4, division, 4, part, 4, missing, len(bits)) + bits


def _sized(octets: bytes) -> bytes:
    return struct.pack(">i", len(octets)) + octets


def _array(table: Table, places: NDArray[Any]) -> bytes:
    """uuid[]; nobody has the nil UUID."""
    elements = np.zeros(len(places), _ELEMENT)
    elements["length"] = 16
    there = places >= 0
    if len(table):
        elements["high"] = np.where(there, table.high[places], 0)
        elements["low"] = np.where(there, table.low[places], 0)
    return _ARRAY.pack(1, 0, _UUID_OID, len(places), 1) + elements.tobytes()
