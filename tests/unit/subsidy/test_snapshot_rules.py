"""What a month was computed from comes back as it was: all of it, or one person or household out of some parts."""

from collections.abc import Mapping
from datetime import date
from random import Random
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from subsidy import snapshot_rules
from subsidy.case_rules import Amounts, County
from subsidy.column_rules import Column, Table
from subsidy.evaluation_rules import Owed
from subsidy.snapshot_row_rules import KeptRow, Opened, PartKey, common_of, key_at, keys_in_order, opened
from subsidy.snapshot_rules import Part, SnapshotUnlike, pack, unpack
from subsidy.vocabulary_rules import BY_NAME
from subsidy.why_facts_rules import Paid

PEOPLE, HOMES, PER_PART = 37, 11, 8
NUMBERS = {"pop_registry": 30, "disability": 10}
EPOCH = date(1970, 1, 1)


def ids(many: int, chosen: Random) -> list[UUID]:
    """As ids are: a time that several share, then chance."""
    return sorted(UUID(int=(7 << 64 | at // 3 << 70) + chosen.getrandbits(64)) for at in range(many))


def halves(of: list[UUID]) -> tuple[Any, Any]:
    return np.array([each.int >> 64 for each in of], np.uint64), np.array([each.int & 2**64 - 1 for each in of], "u8")


def mask(many: int, chosen: Random) -> Any:
    return np.array([chosen.random() < 0.7 for _ in range(many)], bool)


def a_county(seed: int, people: int = PEOPLE, homes: int = HOMES) -> tuple[County, list[UUID], list[UUID]]:
    """People and households of whom some things are known."""
    chosen = Random(seed)
    who, where = ids(people, chosen), ids(homes, chosen)

    def whole(many: int, highest: int) -> Any:
        return np.array([chosen.randrange(highest) for _ in range(many)], np.int64)

    persons = Table(*halves(who), np.ones(people, np.int32), whole(people, 2) << 30 | whole(people, 2) << 10)
    persons.home = (whole(people, homes + 1) - 1).astype(np.int32) if homes else np.full(people, -1, np.int32)
    persons.columns = {
        "is_alive": Column(mask(people, chosen), mask(people, chosen)),
        "birth_date": Column.numbers(whole(people, 20_000) - 9_000, mask(people, chosen)),
        "relation_to_head": Column.texts(whole(people, 2), mask(people, chosen), ("head", "other")),
        "child_count": Column.numbers(whole(people, 2**40), None),
    }
    households = Table(*halves(where), np.ones(homes, np.int32), whole(homes, 1))
    households.columns = {"household_size": Column.numbers(whole(homes, 9), None)}
    paid = {"dibao_paid_per_capita_fen_month": Amounts(np.array([0, 3, -1], np.int32), np.array([700, 900, 1]))}
    county = County(
        people=persons,
        homes=households,
        inhabitants=mask(people, chosen),
        own_homes=mask(homes, chosen),
        reference_on=date(2026, 7, 1),
        complete={"disability": 10},
        parameters={"local_dibao_line_fen_month": 116_600, "price_linkage_triggered": None},
        paid=paid,
    )
    return county, who, where


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_rules, "ROWS_PER_PART", PER_PART)


def parts_of(county: County) -> list[Part]:
    return list(pack(county, Owed({"B55": np.array([1], np.int32)}, {}, frozenset())))


def keys_of(parts: list[Part]) -> list[PartKey]:
    """As the database tells of them."""
    return [
        PartKey(part.section, part.number, part.number * PER_PART, part.rows, part.lowest, part.highest)
        for part in parts
        if part.section != "county"
    ]


def opened_all(parts: list[Part]) -> dict[tuple[str, int], Opened]:
    keys, common = {(key.section, key.number): key for key in keys_of(parts)}, common_of(parts[0])
    several = [(part.section, part.number, part) for part in parts if part.section != "county"]
    return {(name, number): opened(part, keys[name, number], common, NUMBERS) for name, number, part in several}


def as_recorded(table: Table, place: int) -> Mapping[str, Any]:
    said: dict[str, Any] = {name: column.value(place) for name, column in table.columns.items()}
    if said.get("birth_date") is not None:
        said["birth_date"] = date.fromordinal(EPOCH.toordinal() + said["birth_date"])
    return said


def test_each_person_is_found_in_one_part_as_they_were_kept() -> None:
    county, who, _ = a_county(1)
    parts = parts_of(county)
    at = opened_all(parts)
    keys = keys_in_order(keys_of(parts), "person")
    for place, each in enumerate(who):
        (key,) = [key for key in keys if key.may_hold(each)]
        part = at["person", key.number]
        assert part.place_of(each) == place
        row = part.row(place)
        held = int(county.people.held[place])
        home = int(county.people.home[place])
        assert row == KeptRow(
            place,
            each,
            as_recorded(county.people, place),
            frozenset(name for name, number in NUMBERS.items() if held >> number & 1),
            None if home < 0 else home,
        )
        assert key_at(keys, place) is key


def test_whoever_is_not_there_is_in_no_part() -> None:
    county, who, _ = a_county(2)
    at = opened_all(parts_of(county))
    for stranger in (UUID(int=who[3].int + 1), UUID(int=who[3].int ^ 1 << 64), UUID(int=0), UUID(int=2**128 - 1)):
        assert all(part.place_of(stranger) is None for part in at.values())


def test_members_of_a_household_are_noted_with_it() -> None:
    county, _, where = a_county(3)
    at = opened_all(parts_of(county))
    for place, each in enumerate(where):
        part = at["household", place // PER_PART]
        assert part.place_of(each) == place
        members = np.flatnonzero(county.people.home == place).tolist()
        assert part.members_at(place) == members
        assert [p for key, person in at.items() if key[0] == "person" for p in person.living_in(place)] == members


def test_all_of_it_comes_back() -> None:
    county, _, _ = a_county(4)
    back, owed = unpack(parts_of(county))
    for ours, theirs in ((county.people, back.people), (county.homes, back.homes)):
        assert [as_recorded(ours, at) for at in range(len(ours))] == [
            as_recorded(theirs, at) for at in range(len(ours))
        ]
        assert (ours.high == theirs.high).all()
        assert (ours.low == theirs.low).all()
    assert (county.inhabitants == back.inhabitants).all()
    assert owed.always["B55"].tolist() == [1]


def test_nobody_and_no_household_are_kept_as_well() -> None:
    for people, homes in ((0, 0), (5, 0)):
        county, _, _ = a_county(5, people, homes)
        parts = parts_of(county)
        assert len(unpack(parts)[0].people) == people
        assert [part.section for part in parts] == ["county", "person"][: 1 + bool(people)]


def test_a_part_of_which_nobody_noted_who_is_in_it_may_hold_anybody() -> None:
    assert PartKey("person", 0, 0, 8, None, None).may_hold(UUID(int=5))


def test_what_was_paid_before_and_what_was_read_is_told() -> None:
    common = common_of(parts_of(a_county(6)[0])[0])
    assert common.paid_to(1, 3) == Paid(subsistence_fen=900)
    assert common.paid_to(3, 1) == common.paid_to(None, None) == Paid()
    read = ("is_alive", "age_years", "household_size", "local_dibao_line_fen_month", "dibao_paid_per_capita_fen_month")
    assert [common.keeps(name) for name in read] == [True] * 5
    assert [common.keeps(name) for name in ("gender", "party_years", "temporary_aid_count_year")] == [False] * 3
    assert common.complete == {"disability"}
    assert common.parameters["local_dibao_line_fen_month"] == 116_600
    assert BY_NAME["party_years"].derived_from == "party_joined_on"


def test_what_is_missing_or_cut_is_not_read() -> None:
    parts = parts_of(a_county(7)[0])
    keys, common = keys_of(parts), common_of(parts[0])
    with pytest.raises(SnapshotUnlike):
        keys_in_order([key for key in keys if key.number != 1], "person")
    with pytest.raises(SnapshotUnlike):
        key_at(keys_in_order(keys, "person"), PEOPLE)
    for damaged in (Part("person", 0, PER_PART, parts[1].packed[:-9]), Part("person", 0, PER_PART, parts[5].packed)):
        with pytest.raises(SnapshotUnlike):
            opened(damaged, keys[0], common, NUMBERS)
    with pytest.raises(SnapshotUnlike):
        common_of(Part("county", 0, 0, b"x"))
