"""Facts as they rest, read into columns: one statement for all people of a county, one for its households.

PostgreSQL's binary COPY has a fixed width when no field is NULL, so that numpy takes it as it comes: nothing is decoded
row by row. What is true, false or unknown, and texts that can only be a few words, share one whole number of 62 bits.
The format: https://www.postgresql.org/docs/18/sql-copy.html, "Binary Format".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from qingdan.subsidy_events import Period
from runtime.bulk import read_rows
from runtime.bulk_rows import row_type
from runtime.db import Tx
from subsidy.case_rules import Amounts, County
from subsidy.column_rules import Column, Places, Table
from subsidy.evaluation_rules import Owed
from subsidy.programme_rules import Compiled
from subsidy.vocabulary_rules import BY_NAME, FACTS, Entity, FactDefinition

_BITS: Final = 62
_NO_NUMBER: Final = -(2**63)
_NO_DATE: Final = 2**31 - 1  # how PostgreSQL sends 'infinity'
_EPOCH_DAYS: Final = (date(2000, 1, 1) - date(1970, 1, 1)).days  # dates are sent as days since 2000-01-01
READ_TIMEOUT_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Ground:
    """Of which county and month, as of which day, and what is known of the county itself.

    complete: registers in which no row means no.
    """

    division_id: int
    period: Period
    period_before: Period
    reference_on: date
    complete: frozenset[str]
    parameters: Mapping[str, bool | int | str | None]


@dataclass(frozen=True, slots=True)
class Packed:
    """Where a fact lies in a whole number: `width` bits from `shift` on."""

    fact: FactDefinition
    word: int
    shift: int
    width: int


@dataclass(slots=True)
class Layout:
    """What a row has, field by field, and how each is asked for."""

    entity: Entity
    packed: list[Packed] = field(default_factory=list)
    plain: list[FactDefinition] = field(default_factory=list)
    open_texts: list[FactDefinition] = field(default_factory=list)

    @classmethod
    def of(cls, entity: Entity, facts: Iterable[FactDefinition]) -> "Layout":
        """Small facts share words in the order in which they come."""
        layout, word, used = cls(entity), 0, 0
        for fact in facts:
            width = _width(fact)
            if width is None:
                (layout.plain if fact.type in ("int", "date") else layout.open_texts).append(fact)
                continue
            if used + width > _BITS:
                word, used = word + 1, 0
            layout.packed.append(Packed(fact, word, used, width))
            used += width
        return layout

    @property
    def words(self) -> int:
        return 1 + max((each.word for each in self.packed), default=-1)

    def row_type(self) -> np.dtype[Any]:
        """A row as it is sent."""
        fields = [("id", "uuid"), ("division", ">i4"), ("held", ">i8")]
        if self.entity == "person":
            fields.append(("home", "uuid"))
        fields += [(f"word{word}", ">i8") for word in range(self.words)]
        fields += [(fact.name, ">i4" if fact.type == "date" else ">i8") for fact in self.plain]
        return row_type(fields)

    def query(self) -> str:
        """$1 is the county's id here. Names come from our own vocabulary."""
        columns = ["t.id", "t.division_id", "t.held"]
        if self.entity == "person":
            columns.append("coalesce(h.id, '00000000-0000-0000-0000-000000000000'::uuid)")
        for word in range(self.words):
            columns.append(" | ".join(_bits(each) for each in self.packed if each.word == word))
        for fact in self.plain:
            nothing = "'infinity'::date" if fact.type == "date" else f"({_NO_NUMBER})"
            columns.append(f"coalesce(t.{fact.name}, {nothing})")
        return f"SELECT {', '.join(columns)} {_SCOPE[self.entity]}"


# $1 are the divisions of the county. Members of its households who are registered elsewhere belong to the picture, and
# so do the households elsewhere of its people: they say who is head, and who receives.
_SCOPE: Final[Mapping[Entity, str]] = {
    "person": "FROM person t LEFT JOIN household h ON h.household_code = t.member_of_household"
    " WHERE t.division_id = ANY($1::int[]) OR h.division_id = ANY($1::int[]) OR t.member_of_household IN"
    " (SELECT member_of_household FROM person WHERE division_id = ANY($1::int[]))",
    "household": "FROM household t WHERE t.division_id = ANY($1::int[]) OR t.household_code IN"
    " (SELECT member_of_household FROM person WHERE division_id = ANY($1::int[]))",
}


def _width(fact: FactDefinition) -> int | None:
    """In bits; None for what is sent by itself."""
    if fact.type == "bool":
        return 2
    if fact.type == "string" and fact.values:
        return len(fact.values).bit_length()
    if fact.type == "list":
        return len(fact.values) + 1
    return None


def _bits(packed: Packed) -> str:
    """The fact's bits in place. Unknown is 2 for what is true or false, 0 for a text, the highest bit for a list."""
    fact, shift = packed.fact, packed.shift
    name = f"t.{fact.name}"
    if fact.type == "bool":
        yes, nobody_knows = f"{1 << shift}::bigint", f"{2 << shift}::bigint"
        return f"CASE WHEN {name} THEN {yes} WHEN {name} IS NULL THEN {nobody_knows} ELSE 0::bigint END"
    if fact.type == "string":
        cases = " ".join(f"WHEN '{word}' THEN {code << shift}::bigint" for code, word in enumerate(fact.values, 1))
        return f"CASE WHEN {name} IS NULL THEN 0::bigint ELSE CASE {name} {cases} ELSE 0::bigint END END"
    unknown = 1 << (shift + len(fact.values))
    held = " | ".join(
        f"CASE WHEN '{word}' = ANY({name}) THEN {1 << (shift + bit)}::bigint ELSE 0::bigint END"
        for bit, word in enumerate(fact.values)
    )
    return f"CASE WHEN {name} IS NULL THEN {unknown}::bigint WHEN {name} = '{{}}' THEN 0::bigint ELSE {held} END"


async def read_table(tx: Tx, divisions: Sequence[int], layout: Layout, *, homes: Table | None = None) -> Table:
    """People or households of these divisions in the order of their ids, with the facts of the layout. `homes`: the
    households, among which each one's own is looked up."""
    kind = layout.row_type()
    rows = await read_rows(tx, layout.query(), list(divisions), kind=kind, timeout_s=READ_TIMEOUT_S)
    ids = rows.column("id", np.uint64)
    order = _in_order(ids[:, 0], ids[:, 1])
    ids = ids[order]
    division, held = rows.column("division", np.int32)[order], rows.column("held", np.int64)[order]
    table = Table(ids[:, 0], ids[:, 1], division, held, _in_order=np.arange(len(ids)))
    if homes is not None:
        home = rows.column("home", np.uint64)[order]
        table.home = homes.places_of(home[:, 0], home[:, 1])
    for word in range(layout.words):
        bits = rows.column(f"word{word}", np.int64)[order]
        for each in layout.packed:
            if each.word == word:
                table.columns[each.fact.name] = _unpacked(bits, each)
    for fact in layout.plain:
        table.columns[fact.name] = _plain(rows.column(fact.name, np.int64)[order], fact)
    for fact in layout.open_texts:
        table.columns[fact.name] = await _open_text(tx, fact, table)
    return table


def _in_order(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.intp] | slice:
    """How rows are put in the order of their ids, whose halves these are: few fields here and not many columns later,
    for what is kept of them is looked up by id.

    They lie nearly so, for an id begins with the time when it was made: sorting by both halves takes ten times as long.
    """
    order = np.argsort(high, kind="stable")
    high, low = high[order], low[order]
    if ((high[1:] == high[:-1]) & (low[1:] < low[:-1])).any():
        order = order[np.lexsort((low, high))]
    return slice(None) if (order[1:] > order[:-1]).all() else order


async def _open_text(tx: Tx, fact: FactDefinition, table: Table) -> Column:
    """A text that can be anything: few have it, or it would not be read by itself."""
    rows = await tx.fetch(
        f"SELECT id, {fact.name} AS text FROM {fact.entity} WHERE {fact.name} IS NOT NULL",  # noqa: S608
    )
    ids = [row["id"].int for row in rows]
    high = np.fromiter((each >> 64 for each in ids), np.uint64, len(ids))
    low = np.fromiter((each & 2**64 - 1 for each in ids), np.uint64, len(ids))
    places = table.places_of(high, low)
    vocabulary = sorted({row["text"] for row in rows})
    code_of = {text: code for code, text in enumerate(vocabulary)}
    codes, known = np.zeros(len(table), np.int64), np.zeros(len(table), bool)
    for place, row in zip(places.tolist(), rows, strict=True):
        if place >= 0:
            codes[place], known[place] = code_of[row["text"]], True
    return Column.texts(codes, known, vocabulary)


def _unpacked(bits: NDArray[Any], packed: Packed) -> Column:
    fact = packed.fact
    values = bits >> packed.shift & (1 << packed.width) - 1
    if fact.type == "bool":
        return Column.truths(values == 1, values != 2)
    if fact.type == "string":
        return Column.texts(np.maximum(values - 1, 0), values > 0, fact.values)
    unknown = 1 << len(fact.values)
    return Column.texts(values & unknown - 1, values != unknown, fact.values)


def _plain(values: NDArray[np.int64], fact: FactDefinition) -> Column:
    known = values != (_NO_DATE if fact.type == "date" else _NO_NUMBER)
    values[~known] = 0
    if fact.type == "date":
        values += _EPOCH_DAYS
    return Column.numbers(values, known)


# -- a county ----------------------------------------------------------------------------------------------------------

_ALWAYS_READ: Final = ("birth_date", "is_alive", "relation_to_head", "household_size")
"""Whoever receives is found by these, whatever the programmes name."""


async def read_county(tx: Tx, ground: Ground, due: Sequence[Compiled]) -> tuple[County, Owed]:
    """Everything that these programmes are computed from, and what is owed already, as of now."""
    divisions = [
        row["descendant_id"]
        for row in await tx.fetch(
            "SELECT descendant_id FROM division_closure WHERE ancestor_id = $1", ground.division_id
        )
    ]
    numbers_of = {
        row["dataset"]: row["number"] for row in await tx.fetch("SELECT dataset, number FROM register_number")
    }
    # Right after the registers came in the planner knows nothing of their size: nested loops over 8,000 households took
    # 14.6 s, where a hash takes 0.5 s.
    await tx.execute("SET LOCAL enable_nestloop = off")
    await tx.execute("SET LOCAL work_mem = '128MB'")  # a county's households are hashed in memory, never on disk
    named = _named(due)
    homes = await read_table(tx, divisions, Layout.of("household", _recorded(named, "household")))
    people = await read_table(tx, divisions, Layout.of("person", _recorded(named, "person")), homes=homes)
    county = County(
        people=people,
        homes=homes,
        inhabitants=np.isin(people.division, divisions),
        own_homes=np.isin(homes.division, divisions),
        reference_on=ground.reference_on,
        complete={register: numbers_of[register] for register in ground.complete},
        parameters=ground.parameters,
        paid=await _paid_before(tx, ground, named, people, homes),
    )
    return county, await _owed(tx, ground, due, people, homes)


def _named(due: Sequence[Compiled]) -> list[FactDefinition]:
    """The facts that programmes name and those that are always read, in the order of the vocabulary."""
    names = {fact.name for each in due for fact in each.facts} | {*_ALWAYS_READ}
    names |= {BY_NAME[name].derived_from for name in names}
    return [fact for fact in FACTS if fact.name in names]


def _recorded(facts: Sequence[FactDefinition], entity: Entity) -> list[FactDefinition]:
    return [fact for fact in facts if fact.entity == entity and not fact.derived_from]


# -- what we ourselves paid --------------------------------------------------------------------------------------------

_AMOUNT: Final = row_type((("id", "uuid"), ("amount", ">i8")))

# By the fact: of which table, what is counted, and which of the two that a period says is asked for: the month before,
# or the year. The programmes that the facts are about are the vocabulary's own (derived_from).
_PAID: Final[Mapping[str, tuple[Entity, str, Literal["before", "year"] | None]]] = {
    "dibao_paid_per_capita_fen_month": (
        "household",
        "SELECT beneficiary, amount_fen FROM obligation WHERE programme = 'B01' AND occurrence = $1",
        "before",
    ),
    "hardship_disability_paid_fen_month": (
        "person",
        "SELECT beneficiary, amount_fen FROM obligation WHERE programme = 'B17' AND occurrence = $1",
        "before",
    ),
    "temporary_aid_count_year": (
        "household",
        "SELECT beneficiary, count(*) FROM obligation WHERE programme = 'B07' AND starts_with(occurrence, $1)"
        " GROUP BY beneficiary",
        "year",
    ),
    "migrant_support_years_used": (
        "person",
        "SELECT beneficiary, count(*) FROM obligation WHERE programme = 'B60' GROUP BY beneficiary",
        None,
    ),
}


async def _paid_before(
    tx: Tx, ground: Ground, named: Sequence[FactDefinition], people: Table, homes: Table
) -> dict[str, Amounts]:
    found = {}
    said = {"before": (ground.period_before,), "year": (f"{ground.period[:4]}/",), None: ()}
    for fact in named:
        if fact.name in _PAID:
            entity, query, asked = _PAID[fact.name]
            table = people if entity == "person" else homes
            found[fact.name] = Amounts(*await _amounts(tx, query, *said[asked], table=table))
    return found


async def _amounts(tx: Tx, query: str, *said: str, table: Table) -> tuple[Places, NDArray[np.int64]]:
    """The ids and numbers that a query gives, as places in the table; whoever is not in it is nowhere."""
    rows = await read_rows(tx, query, *said, kind=_AMOUNT, timeout_s=READ_TIMEOUT_S)
    ids = rows.column("id", np.uint64)
    return table.places_of(ids[:, 0], ids[:, 1]), rows.column("amount", np.int64)


_OWED_ALWAYS: Final = "SELECT beneficiary, 1::bigint FROM obligation WHERE programme = $1 AND occurrence = $2"
_OWED_IN_YEAR: Final = (
    "SELECT beneficiary, count(*) FROM obligation WHERE programme = $1 AND starts_with(occurrence, $2)"
    " GROUP BY beneficiary"
)


async def _owed(tx: Tx, ground: Ground, due: Sequence[Compiled], people: Table, homes: Table) -> Owed:
    always, serials, others = {}, {}, set[tuple[str, UUID, str]]()
    year = ground.period[:4]
    same_for_all = {"period": ground.period, "year": year, "ever": "ever"}
    for each in due:
        programme = each.programme
        table = people if programme.beneficiary == "person" else homes
        if programme.once_per in same_for_all:
            places, _ = await _amounts(tx, _OWED_ALWAYS, programme.code, same_for_all[programme.once_per], table=table)
            if len(places):
                always[programme.code] = places[places >= 0]
        elif programme.once_per == "year_serial":
            serials[programme.code] = await _amounts(tx, _OWED_IN_YEAR, programme.code, f"{year}/", table=table)
        else:
            rows = await tx.fetch("SELECT beneficiary, occurrence FROM obligation WHERE programme = $1", programme.code)
            others |= {(programme.code, row["beneficiary"], row["occurrence"]) for row in rows}
    return Owed(always, serials, frozenset(others))
