"""What a dry run compares, against the same said one claim at a time."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devkit.programmes import sample_programmes
from qingdan.divisions import DivisionCode
from subsidy.case_rules import County
from subsidy.column_rules import Table
from subsidy.dry_run_rules import (
    CHANGES_MAX,
    Townships,
    as_if_unpaid,
    compare,
    counted_otherwise,
    with_owed,
)
from subsidy.evaluation_rules import Owed
from subsidy.outcome_rules import STANDS, Evaluation, Outcome, ids_of
from subsidy.programme_rules import Compiled, Programme, compile_stored

COUNTY_CODE, TOWNS = DivisionCode("330523000000"), [DivisionCode(f"33052310{n}000") for n in (0, 1)]
DIVISIONS = {1: COUNTY_CODE, 2: TOWNS[0], 3: TOWNS[1]}
TOWNSHIPS = Townships([COUNTY_CODE, *TOWNS], np.array([0, 0, 1, 2], np.int32), DIVISIONS)
PEOPLE, HOMES = 12, 5


class Claim(NamedTuple):
    """Of a programme, by place; of several claims of one beneficiary each has a word of its own."""

    programme: str
    who: int
    word: str = ""


def compiled(code: str, **changed: Any) -> Compiled:
    sample = next(each for each in sample_programmes() if each["code"] == code)
    (each,) = compile_stored([Programme.model_validate(sample | {"excludes": []} | changed)])
    return each


PROGRAMMES = {code: compiled(code) for code in ("B08", "B20", "B28", "B48")}


def table(many: int) -> Table:
    ids = np.arange(many, dtype=np.uint64)[::-1].copy()  # so that places and ids are in another order
    return Table(ids, ids, (1 + np.arange(many) % 3).astype(np.int32), np.zeros(many, np.int64))


def county() -> County:
    people, homes = table(PEOPLE), table(HOMES)
    return County(people, homes, np.ones(PEOPLE, bool), np.ones(HOMES, bool), date(2026, 7, 1), {}, {}, {})


HERE = county()


def evaluation(claims: Mapping[Claim, int], undetermined: Mapping[str, list[int]] | None = None) -> Evaluation:
    """What claims come to; below nothing: it stands back."""
    outcomes = []
    for code, each in PROGRAMMES.items():
        mine = [claim for claim in claims if claim.programme == code]
        words = [claim.word for claim in mine] if each.programme.once_per == "deceased" else None
        amounts = [claims[claim] for claim in mine]
        unknown = np.array((undetermined or {}).get(code, []), np.int32)
        outcomes.append(
            Outcome(
                compiled=each,
                occurrence="2026-07",
                beneficiaries=np.array([claim.who for claim in mine], np.int32),
                amount_fen=np.array([abs(fen) for fen in amounts], np.int64),
                undetermined=unknown,
                undetermined_about=unknown,
                occurrences=words,
                excluded_by=np.array([STANDS if fen > 0 else 0 for fen in amounts], np.int16),
            )
        )
    nobody = np.empty(0, np.int32)
    return Evaluation(HERE, "2026-07", outcomes, nobody, nobody)


def effect_of(before: int, after: int) -> str | None:
    if not before or not after:
        return "gains" if after else "loses" if before else None
    return "more" if after > before else "less" if after < before else None


def kind_table(code: str) -> Table:
    return HERE.people if PROGRAMMES[code].programme.beneficiary == "person" else HERE.homes


@st.composite
def sides(draw: st.DrawFn) -> Mapping[Claim, int]:
    claims = {}
    for code, each in PROGRAMMES.items():
        many = PEOPLE if each.programme.beneficiary == "person" else HOMES
        words = ["a", "b"] if each.programme.once_per == "deceased" else [""]
        for who in draw(st.lists(st.integers(0, many - 1), unique=True)):
            for word in draw(st.lists(st.sampled_from(words), unique=True, min_size=1)):
                claims[Claim(code, who, word)] = draw(st.sampled_from([-3, 1, 2, 9_007_199_254]))
    return claims


def test_the_programmes_compared_are_of_each_kind() -> None:
    said = {(each.programme.beneficiary, each.programme.once_per) for each in PROGRAMMES.values()}
    assert {("person", "period"), ("household", "deceased")} <= said


@settings(deadline=None)
@given(before=sides(), after=sides())
def test_what_changes_is_what_each_claim_says(before: Mapping[Claim, int], after: Mapping[Claim, int]) -> None:
    found = compare(evaluation(before), evaluation(after), TOWNSHIPS)
    old, new = ({claim: fen for claim, fen in side.items() if fen > 0} for side in (before, after))
    expected = {
        (claim.programme, ids_of(kind_table(claim.programme), np.array([claim.who]))[0], claim.word or None): (
            *(effect_of(old.get(claim, 0), new.get(claim, 0)), old.get(claim), new.get(claim)),
        )
        for claim in old.keys() | new.keys()
        if effect_of(old.get(claim, 0), new.get(claim, 0))
    }
    came = {
        (each.programme, each.beneficiary, each.occurrence): (each.effect, each.before_fen, each.after_fen)
        for each in found.changes
    }
    assert came == expected
    assert found.changes_total == len(expected)
    assert found.people == len({(kind_table(code) is HERE.people, who) for code, who, _ in expected})
    assert found.total.difference_fen == sum(new.values()) - sum(old.values())
    for name in ("gains", "loses", "more", "less"):
        many = sum(said[0] == name for said in expected.values())
        assert getattr(found.total, name) == many
        assert sum(getattr(each, name) for each in found.townships) == many
    assert sum(each.after_fen - each.before_fen for each in found.townships) == found.total.difference_fen
    assert found.total.before.excluded == sum(fen < 0 for fen in before.values())
    places = [(each.programme, each.beneficiary) for each in found.changes]
    assert places == sorted(places)


def test_why_somebody_gains_or_loses_is_said() -> None:
    before = evaluation({Claim("B08", 0): 5, Claim("B08", 1): 5, Claim("B08", 2): -5}, {"B08": [3]})
    after = evaluation({Claim("B08", 1): -5, Claim("B08", 2): 5, Claim("B08", 3): 5, Claim("B08", 4): 5}, {"B08": [0]})
    found = {ids_of(HERE.people, np.array([place]))[0]: place for place in range(PEOPLE)}
    said = {
        found[each.beneficiary]: (each.effect, each.was, each.would_be)
        for each in compare(before, after, TOWNSHIPS).changes
    }
    assert said == {
        0: ("loses", "entitled", "undetermined"),
        1: ("loses", "entitled", "excluded"),
        2: ("gains", "excluded", "entitled"),
        3: ("gains", "undetermined", "entitled"),
        4: ("gains", "none", "entitled"),
    }


def test_a_place_is_told_by_its_township() -> None:
    found = compare(evaluation({}), evaluation({Claim("B08", 1): 7, Claim("B08", 4): 1}), TOWNSHIPS)
    (town,) = found.townships
    assert (town.division, town.gains, town.before_fen, town.after_fen) == (TOWNS[0], 2, 0, 8)
    assert {each.division for each in found.changes} == {TOWNS[0]}


def test_single_changes_can_be_asked_for_of_one_programme() -> None:
    after = evaluation({Claim("B08", 1): 7, Claim("B28", 1): 7})
    found = compare(evaluation({}), after, TOWNSHIPS, only="B28")
    assert ([each.programme for each in found.changes], found.changes_total, found.total.gains) == (["B28"], 1, 2)


def test_single_changes_are_limited_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subsidy.dry_run_rules.CHANGES_MAX", 2)
    after = evaluation({Claim("B08", who): 7 for who in range(PEOPLE)})
    found = compare(evaluation({}), after, TOWNSHIPS)
    assert (len(found.changes), found.changes_total, CHANGES_MAX) == (2, PEOPLE, 1_000)


def test_what_is_owed_of_the_month_itself_does_not_count() -> None:
    who = np.array([1], np.int32)
    yearly = compiled("B28", due_months=[], once_per="year")
    owed = as_if_unpaid(Owed({"B08": who, "B28": who}), [PROGRAMMES["B08"], yearly])
    assert list(owed.always) == ["B28"]


def test_what_is_owed_is_counted_as_each_side_counts_it() -> None:
    yearly = compiled("B65", once_per="year")
    ever = compiled("B65", once_per="ever")
    assert counted_otherwise([yearly], [yearly]) == frozenset()
    assert counted_otherwise([yearly], [compiled("B28")]) == frozenset()
    assert counted_otherwise([yearly], [ever]) == {"B65"}
    there = county()
    there.people.high, there.people.low = there.people.high[::-1].copy(), there.people.low[::-1].copy()
    read_together = Owed({"B65": np.array([5], np.int32), "B28": np.array([6], np.int32)})
    theirs = Owed({"B65": np.array([0, 3], np.int32)}, {"B65": (np.array([1, -1], np.int32), np.array([2, 9]))})
    owed = with_owed(read_together, [ever], theirs, there, HERE)
    assert owed.always["B65"].tolist() == [PEOPLE - 1, PEOPLE - 4]
    assert owed.always["B28"].tolist() == [6]
    assert [each.tolist() for each in owed.serials["B65"]] == [[PEOPLE - 2], [2]]
    assert "B65" not in with_owed(read_together, [ever], Owed(), there, HERE).always
