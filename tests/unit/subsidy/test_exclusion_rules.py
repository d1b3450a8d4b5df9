"""Exclusions: greedily by priority, within a person and between a household and its members."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import combinations
from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from devkit.programmes import sample_programmes
from subsidy.case_rules import County
from subsidy.column_rules import NOWHERE, Table
from subsidy.exclusion_rules import exclude as exclude_columns
from subsidy.outcome_rules import STANDS, Outcome
from subsidy.programme_rules import Compiled, Programme, compile_stored

PROGRAMMES = [Programme.model_validate(each) for each in sample_programmes()]
COMPILED = {each.programme.code: each for each in compile_stored(PROGRAMMES)}
HOUSES = range(2)
PEOPLE = {0: 0, 1: 0, 2: 1, 3: 1, 4: NOWHERE}
KINDS = {programme.code: programme.beneficiary for programme in PROGRAMMES}


class Claim(NamedTuple):
    """What a programme comes to for a person or a household, by place."""

    programme: str
    beneficiary: int
    occurrence: str
    kind: str
    household: int


def claim(code: str, who: int, occurrence: str = "2026-07") -> Claim:
    if KINDS[code] == "household":
        return Claim(code, who, occurrence, "household", who)
    return Claim(code, who, occurrence, "person", PEOPLE[who])


def _table(many: int) -> Table:
    ids = np.arange(many, dtype=np.uint64)
    return Table(ids, ids, np.ones(many, np.int32), np.zeros(many, np.int64))


def _county() -> County:
    people, homes = _table(len(PEOPLE)), _table(len(HOUSES))
    people.home = np.array(list(PEOPLE.values()), np.int32)
    everybody, every_home = np.ones(len(people), bool), np.ones(len(homes), bool)
    return County(people, homes, everybody, every_home, date(2026, 7, 1), {}, {}, {})


def exclude(claims: Iterable[Claim], programmes: Sequence[Programme]) -> Mapping[Claim, str]:
    """The claims that stand back, each with the programme it stands back for."""
    in_order = sorted(programmes, key=lambda programme: programme.priority)
    of_each = {programme.code: [each for each in claims if each.programme == programme.code] for programme in in_order}
    nobody = np.empty(0, np.int32)
    outcomes = [
        Outcome(
            compiled=Compiled(programme, COMPILED[programme.code].eligibility, COMPILED[programme.code].amount),
            occurrence="2026-07",
            beneficiaries=np.array([each.beneficiary for each in of_each[programme.code]], np.int32),
            amount_fen=np.ones(len(of_each[programme.code]), np.int64),
            undetermined=nobody,
            undetermined_about=nobody,
            excluded_by=np.full(len(of_each[programme.code]), STANDS, np.int16),
        )
        for programme in in_order
    ]
    exclude_columns(_county(), outcomes)
    return {
        each: in_order[winner].code
        for outcome in outcomes
        for each, winner in zip(of_each[outcome.programme.code], outcome.excluded_by.tolist(), strict=True)
        if winner != STANDS
    }


def touch(one: Claim, other: Claim) -> bool:
    """Whether two claims can exclude each other: one person, one household, or a household and its member."""
    if one.kind == other.kind:
        return one.beneficiary == other.beneficiary
    return one.household != NOWHERE and one.household == other.household


def obvious(claims: Sequence[Claim], programmes: Sequence[Programme]) -> set[Claim]:
    """Who stands back, slowly: one after the other by priority, each looking at all that stand."""
    by_code = {programme.code: programme for programme in programmes}
    standing: list[Claim] = []
    for each in sorted(claims, key=lambda each: by_code[each.programme].priority):
        if not any(touch(each, other) and other.programme in by_code[each.programme].excludes for other in standing):
            standing.append(each)
    return set(claims) - set(standing)


SIX = {"B08": "person", "B09": "person", "B28": "person", "B44": "household", "B45": "household", "B46": "household"}


@st.composite
def versions(draw: st.DrawFn) -> list[Programme]:
    """Three programmes of persons and three of households, in any order, any of which exclude any others."""
    codes = draw(st.permutations(list(SIX)))
    pairs = draw(st.sets(st.sampled_from(list(combinations(codes, 2)))))
    excludes = {code: [a if b == code else b for a, b in pairs if code in (a, b)] for code in codes}
    by_code = {programme.code: programme for programme in PROGRAMMES}
    return [
        by_code[code].model_copy(update={"priority": at, "excludes": tuple(excludes[code])})
        for at, code in enumerate(codes, 1)
    ]


claims_of_few = st.lists(
    st.builds(
        claim, st.sampled_from([code for code, kind in SIX.items() if kind == "person"]), st.sampled_from([*PEOPLE])
    )
    | st.builds(
        claim, st.sampled_from([code for code, kind in SIX.items() if kind != "person"]), st.sampled_from(HOUSES)
    ),
    unique=True,
    max_size=20,
)


@given(claims_of_few, versions())
def test_who_stands_back_is_who_obviously_must(claims: list[Claim], version: list[Programme]) -> None:
    standing_back, by_code = exclude(claims, version), {programme.code: programme for programme in version}
    assert standing_back.keys() == obvious(claims, version)
    for loser, winner in standing_back.items():
        assert winner in by_code[loser.programme].excludes
        assert by_code[winner].priority < by_code[loser.programme].priority
        assert any(touch(loser, each) and each.programme == winner for each in claims if each not in standing_back)


WIFE, HUSBAND, *_ = PEOPLE


def excluded(*claims: Claim) -> dict[str, str]:
    return {each.programme: winner for each, winner in exclude(claims, PROGRAMMES).items()}


def test_the_lower_number_wins() -> None:
    assert excluded(claim("B18", WIFE), claim("B17", WIFE)) == {"B18": "B17"}


def test_two_members_of_one_household_do_not_exclude_each_other() -> None:
    assert excluded(claim("B08", WIFE), claim("B09", HUSBAND)) == {}


def test_a_household_counts_for_each_of_its_members() -> None:
    assert excluded(claim("B01", HOUSES[0]), claim("B02", WIFE), claim("B12", HUSBAND)) == {"B02": "B01", "B12": "B01"}


def test_another_household_counts_for_nobody_here() -> None:
    assert excluded(claim("B01", HOUSES[1]), claim("B02", WIFE)) == {}


def test_who_stood_back_excludes_nobody() -> None:
    # B31 beats B35, which would have beaten B36.
    assert excluded(claim("B35", WIFE), claim("B31", WIFE), claim("B36", WIFE)) == {"B35": "B31"}


def test_one_programme_does_not_exclude_itself() -> None:
    assert excluded(claim("B20", HOUSES[0], "one"), claim("B20", HOUSES[0], "two")) == {}
