"""Rosters and groups: everybody left open sits once, and each bit of a group is somebody who lacks the same facts."""

import struct
from collections.abc import Iterator
from datetime import date
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.programmes import sample_programmes
from subsidy.case_rules import County
from subsidy.column_rules import NOWHERE, Column, Table
from subsidy.outcome_rules import Evaluation, Outcome, ids_of
from subsidy.programme_rules import Programme, compile_stored
from subsidy.undetermined_rules import MEMBERS_MAX, Seats, UndeterminedRows

PERIOD = "2026-07"
SAMPLE = {each["code"]: each for each in sample_programmes()}
COMPILED = {
    code: compile_stored([Programme.model_validate(SAMPLE[code] | {"excludes": [], "eligibility": rule})])[0]
    for code, rule in (("B08", "is_alive && is_tekun"), ("B40", "is_orphan || is_tekun"), ("B55", "dibao_household"))
}


def county(divisions: list[int], lacks: dict[str, list[bool]]) -> County:
    """People, one in each household, at these places; `lacks`: of whom a fact is not known."""
    many = len(divisions)
    rng = np.random.default_rng(many)
    low = rng.permutation(np.arange(1, many + 1, dtype=np.uint64))
    where = np.array(divisions, np.int32)
    people = Table(np.ones(many, np.uint64), low, where, np.zeros(many, np.int64), home=np.arange(many, dtype=np.int32))
    homes = Table(np.full(many, 2, np.uint64), low, where, np.zeros(many, np.int64))
    yes = np.ones(many, bool)
    for name in ("is_alive", "is_tekun", "is_orphan"):
        people.columns[name] = Column.truths(yes, ~np.array(lacks.get(name, [False] * many), bool))
    homes.columns["dibao_household"] = Column.truths(yes, np.zeros(many, bool))
    return County(people, homes, yes, yes, date(2026, 7, 1), {}, {}, {})


def left_open(of: County, code: str, places: list[int]) -> Outcome:
    nobody = np.empty(0, np.int32)
    about = (
        np.array(places, np.int32)
        if COMPILED[code].programme.beneficiary == "person"
        else np.full(len(places), NOWHERE, np.int32)
    )
    return Outcome(COMPILED[code], PERIOD, nobody, np.empty(0, np.int64), np.array(places, np.int32), about)


def evaluation(of: County, *outcomes: Outcome) -> Evaluation:
    receiver = np.arange(len(of.people), dtype=np.int32)
    receiver[:1] = NOWHERE
    return Evaluation(of, PERIOD, list(outcomes), receiver, receiver)


def fields(row: bytes) -> Iterator[bytes]:
    """Of one row in PostgreSQL's binary COPY format."""
    (many,) = struct.unpack_from(">h", row)
    at = 2
    for _ in range(many):
        (size,) = struct.unpack_from(">i", row, at)
        yield row[at + 4 : at + 4 + size]
        at += 4 + size


def whole(octets: bytes) -> int:
    return int(struct.unpack(">i", octets)[0])


def ids(array: bytes) -> list[UUID]:
    _, _, kind, many, _ = struct.unpack_from(">iiIii", array)
    assert (kind, len(array)) == (2950, 20 + 20 * many)
    return [UUID(bytes=array[24 + 20 * at : 40 + 20 * at]) for at in range(many)]


def read(rows: UndeterminedRows) -> tuple[dict[tuple[str, int, int], list[UUID]], dict[tuple[int, UUID], str]]:
    """The members of each roster; and of each case, by programme and who, what it lacks."""
    rosters: dict[tuple[str, int, int], list[UUID]] = {}
    for row in rows.rosters():
        kind, division, part, members, payees = fields(row)
        rosters[kind.decode(), whole(division), whole(part)] = ids(members)
        assert len(ids(payees)) == len(ids(members))
    cases: dict[tuple[int, UUID], int] = {}
    kinds = {number: outcome.programme.beneficiary for number, outcome in rows.outcomes}
    for block in rows.groups():
        rest = block
        while rest:
            programme, division, part, missing, seats = fields(rest)
            for at, who in enumerate(rosters[kinds[whole(programme)], whole(division), whole(part)]):
                if seats[at // 8] >> at % 8 & 1:
                    key = whole(programme), who
                    assert key not in cases
                    cases[key] = whole(missing)
            rest = rest[2 + 5 * 4 + 4 * 4 + len(seats) :]
    said = {number: name for name, number in rows.missing.items()}
    return rosters, {key: said[number] for key, number in cases.items()}


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_every_case_comes_back_with_what_it_lacks(rows: list[tuple[int, bool, bool, bool]]) -> None:
    divisions, tekun, orphan, open_too = (list(each) for each in zip(*rows, strict=True))
    of = county(divisions, {"is_tekun": tekun, "is_orphan": orphan})
    who = {
        "B08": [at for at, lacks in enumerate(tekun) if lacks],
        "B40": [at for at, lacks in enumerate(orphan) if lacks],
        "B55": [at for at, lacks in enumerate(open_too) if lacks],
    }
    found, cases = read(UndeterminedRows(evaluation(of, *(left_open(of, code, those) for code, those in who.items()))))
    people, homes = ids_of(of.people, np.arange(len(rows))), ids_of(of.homes, np.arange(len(rows)))
    assert cases == {
        **{(1, people[at]): "is_tekun" for at in who["B08"]},
        **{(2, people[at]): "is_orphan,is_tekun" if tekun[at] else "is_orphan" for at in who["B40"]},
        **{(3, homes[at]): "dibao_household" for at in who["B55"]},
    }
    for (_, division, _), members in found.items():
        assert members == sorted(members)
        mine = people if members[0].int >> 64 == 1 else homes
        assert {divisions[mine.index(each)] for each in members} == {division}


def test_nobody_has_the_nil_id_where_a_payee_is() -> None:
    of = county([1, 1], {"is_tekun": [True, True]})
    [row] = UndeterminedRows(evaluation(of, left_open(of, "B08", [0, 1]))).rosters()
    _, _, _, members, payees = fields(row)
    people = ids_of(of.people, np.arange(2))
    assert dict(zip(ids(members), ids(payees), strict=True)) == {people[0]: UUID(int=0), people[1]: people[1]}


@pytest.mark.parametrize(("many", "sizes"), [(MEMBERS_MAX, [MEMBERS_MAX]), (MEMBERS_MAX + 9, [MEMBERS_MAX, 9])])
def test_a_roster_is_full_one_day(many: int, sizes: list[int]) -> None:
    of = county([1] * many + [2], {"is_tekun": [True] * (many + 1)})
    rows = UndeterminedRows(evaluation(of, left_open(of, "B08", list(range(many + 1)))))
    rosters, cases = read(rows)
    assert {key: len(members) for key, members in rosters.items()} == {
        **{("person", 1, part): size for part, size in enumerate(sizes)},
        ("person", 2, 0): 1,
    }
    assert len(cases) == many + 1


def test_where_everything_is_known_nobody_sits() -> None:
    of = county([1, 2], {})
    rows = UndeterminedRows(evaluation(of, left_open(of, "B08", [])))
    assert (rows.outcomes, list(rows.rosters()), list(rows.groups())) == ([], [], [])
    assert len(Seats.of(of.people, []).order) == 0
