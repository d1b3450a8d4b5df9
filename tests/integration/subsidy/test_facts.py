"""Facts and identities in: late, repeated, corrected, out of order, gone; nothing of what is gone stays."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from qingdan.event import Tombstone
from qingdan.ids import KeyId, PersonId
from qingdan.records_events import IdentityRecorded
from qingdan.sealed import Sealed, WrappedKey
from runtime.divisions import DivisionUnknown
from runtime.ids import new_id
from subsidy.fact_rules import FactUnfit, KeyUnreadable
from tests.integration.subsidy.conftest import COUNTY, FAR_VILLAGE, OTHER_VILLAGE, SOURCE_TIME, VILLAGE, recorded

if TYPE_CHECKING:
    from tests.integration.subsidy.conftest import Scene

LATER, EARLIER = SOURCE_TIME + timedelta(hours=1), SOURCE_TIME - timedelta(hours=1)


async def person_row(scene: "Scene", who: UUID) -> dict[str, Any]:
    (row,) = await scene.rows(
        "SELECT p.*, d.code AS division FROM person p JOIN division d ON d.id = p.division_id WHERE p.id = $1", who
    )
    return row


async def test_each_register_fills_its_columns_and_no_others(bare: "Scene") -> None:
    who = new_id()
    await bare.hear_records(
        recorded(f"p:{who}", "disability", {"disability_level": 2, "disability_types": ("mental", "speech")})
    )
    await bare.hear_records(recorded(f"p:{who}", "pop_registry", {"is_alive": True, "birth_date": "1990-02-03"}))
    row = await person_row(bare, who)
    assert (row["disability_level"], row["disability_types"]) == (2, ["mental", "speech"])
    assert (row["is_alive"], row["birth_date"].isoformat()) == (True, "1990-02-03")
    assert sorted(row["registers"]) == ["disability", "pop_registry"]
    assert row["disability_cert_valid"] is None


async def test_a_new_state_replaces_the_whole_of_the_old_one(bare: "Scene") -> None:
    who = new_id()
    await bare.hear_records(recorded(f"p:{who}", "disability", {"disability_level": 2, "disability_cert_valid": True}))
    await bare.hear_records(recorded(f"p:{who}", "disability", {"disability_level": 3}, LATER))
    row = await person_row(bare, who)
    assert (row["disability_level"], row["disability_cert_valid"], row["registers"]) == (3, None, ["disability"])


async def test_what_comes_late_changes_nothing(bare: "Scene") -> None:
    who = new_id()
    await bare.hear_records(recorded(f"p:{who}", "crime_record", {"serving_sentence": True}))
    await bare.hear_records(recorded(f"p:{who}", "crime_record", {"serving_sentence": False}, EARLIER))
    assert (await person_row(bare, who))["serving_sentence"] is True


async def test_a_correction_of_the_same_time_counts(bare: "Scene") -> None:
    who = new_id()
    await bare.hear_records(recorded(f"p:{who}", "crime_record", {"serving_sentence": True}))
    await bare.hear_records(recorded(f"p:{who}", "crime_record", {"serving_sentence": False}))
    assert (await person_row(bare, who))["serving_sentence"] is False


async def test_a_whole_poll_out_of_order_ends_at_the_newest(bare: "Scene") -> None:
    who = f"p:{new_id()}"
    states = [recorded(who, "disability", {"disability_level": n}, SOURCE_TIME + timedelta(n)) for n in (2, 4, 3, 1)]
    await bare.hear_records(*states)
    assert (await person_row(bare, UUID(who[2:])))["disability_level"] == 4


async def test_a_data_set_that_is_gone_leaves_nothing_behind(bare: "Scene") -> None:
    family = await bare.family({"is_orphan": True})
    who = family.people[0]
    await bare.hear_records(Tombstone(key=f"p:{who}/child_welfare"))
    row = await person_row(bare, who)
    assert (row["is_orphan"], row["left_behind_child"], row["registers"]) == (None, None, ["pop_registry"])
    assert row["division"] == VILLAGE
    await bare.hear_records(Tombstone(key=f"p:{who}/pop_registry"))
    assert await bare.rows("SELECT 1 FROM person WHERE id = $1", who) == []


async def test_behind_a_tombstone_only_what_is_newer_counts(bare: "Scene") -> None:
    who = new_id()
    state = recorded(f"p:{who}", "crime_record", {"serving_sentence": True})
    await bare.hear_records(state)
    await bare.hear_records(Tombstone(key=f"p:{who}/crime_record"))
    await bare.hear_records(state, recorded(f"p:{who}", "crime_record", {"serving_sentence": True}, EARLIER))
    assert await bare.rows("SELECT 1 FROM person") == []
    await bare.hear_records(recorded(f"p:{who}", "crime_record", {"serving_sentence": False}, LATER))
    assert (await person_row(bare, who))["serving_sentence"] is False


async def test_a_state_and_its_tombstone_in_one_poll_keep_their_order(bare: "Scene") -> None:
    who = new_id()
    state = recorded(f"p:{who}", "crime_record", {"serving_sentence": True})
    await bare.hear_records(state, Tombstone(key=f"p:{who}/crime_record"))
    assert await bare.rows("SELECT 1 FROM person") == []


async def test_a_tombstone_of_what_was_never_there_changes_nothing(bare: "Scene") -> None:
    await bare.hear_records(Tombstone(key=f"p:{new_id()}/crime_record"), Tombstone(key=f"h:{new_id()}/zodiac"))
    assert await bare.rows("SELECT * FROM dataset_state") == []


@pytest.mark.parametrize("key", ["p:1/x", "somebody/crime_record"])
async def test_an_unreadable_tombstone_is_refused(bare: "Scene", key: str) -> None:
    with pytest.raises(KeyUnreadable):
        await bare.hear_records(Tombstone(key=key))


async def test_an_unfit_fact_is_refused_and_nothing_of_its_poll_stays(bare: "Scene") -> None:
    with pytest.raises(FactUnfit):
        await bare.hear_records(
            recorded(f"p:{new_id()}", "crime_record", {"serving_sentence": True}),
            recorded(f"p:{new_id()}", "crime_record", {"serving_sentence": 1}),
        )
    assert await bare.rows("SELECT * FROM person") == []


async def test_what_says_nothing_to_the_rules_is_counted_without_its_value(bare: "Scene") -> None:
    for _ in range(2):
        await bare.hear_records(
            recorded(f"p:{new_id()}", "crime_record", {"serving_sentence": True, "id_number": "canary"})
        )
    assert await bare.rows("SELECT * FROM fact_ignored") == [
        {"dataset": "crime_record", "name": "id_number", "times": 2}
    ]


async def test_a_person_lies_in_the_village_of_registration_and_moves_with_it(bare: "Scene") -> None:
    family = await bare.family({}, {"hukou_village_code": FAR_VILLAGE})
    assert [(await person_row(bare, who))["division"] for who in family.people] == [VILLAGE, FAR_VILLAGE]
    await bare.tell_of_person(family.people[0], {"hukou_village_code": OTHER_VILLAGE}, LATER)
    assert (await person_row(bare, family.people[0]))["division"] == OTHER_VILLAGE


@pytest.mark.parametrize("code", ["440300000001", None])
async def test_who_is_registered_elsewhere_lies_at_the_root(bare: "Scene", code: str | None) -> None:
    family = await bare.family({"hukou_village_code": code})
    assert (await person_row(bare, family.people[0]))["division"] == "000000000000"


@pytest.mark.parametrize("head_first", [True, False])
async def test_a_household_lies_where_its_living_head_is_registered(bare: "Scene", head_first: bool) -> None:
    home, code = new_id(), "HU1"
    people = [
        {"relation_to_head": "head", "is_alive": False, "hukou_village_code": OTHER_VILLAGE},
        {"relation_to_head": "head", "is_alive": True, "hukou_village_code": VILLAGE},
        {"relation_to_head": "child", "is_alive": True, "hukou_village_code": OTHER_VILLAGE},
    ]
    of_people = [recorded(f"p:{new_id()}", "pop_registry", {"member_of_household": code, **said}) for said in people]
    of_home = recorded(f"h:{home}", "pop_registry", {"household_code": code})
    for event in [*of_people, of_home] if head_first else [of_home, *of_people]:
        await bare.hear_records(event)
    rows = await bare.rows("SELECT d.code FROM household h JOIN division d ON d.id = h.division_id")
    assert rows == [{"code": VILLAGE}]


async def test_parameters_hold_from_their_days_on(bare: "Scene") -> None:
    county = f"c:{COUNTY}"
    for value, day, at in ((1, "2025-01-01", LATER), (3, "2026-01-01", LATER), (2, "2026-01-01", EARLIER)):
        said = {"local_min_wage_fen_month": value, "effective_on": day}
        await bare.hear_records(recorded(county, "employment", said, at))
    rows = await bare.rows("SELECT effective_on::text, value_int FROM county_parameter ORDER BY effective_on")
    assert [tuple(row.values()) for row in rows] == [("2025-01-01", 1), ("2026-01-01", 3)]
    await bare.hear_records(Tombstone(key=f"{county}/employment"))
    assert await bare.rows("SELECT * FROM county_parameter") == []


async def test_a_county_that_the_tree_lacks_cannot_speak(bare: "Scene") -> None:
    with pytest.raises(DivisionUnknown):
        await bare.hear_records(recorded("c:440300000000", "employment", {"local_min_wage_fen_month": 1}))
    with pytest.raises(DivisionUnknown):
        await bare.hear_records(recorded("c:440300000000", "employment", {"register_subjects": 1}))


def identity(who: UUID, ciphertext: str) -> IdentityRecorded:
    key = KeyId(new_id())
    wrapped = WrappedKey(
        key=key, recipient="service:subsidy", recipient_key="k1", algorithm="ECDH-ES+A256KW", wrapped="AAAA"
    )
    sealed = Sealed(key=key, cipher="A256GCM", nonce="A" * 16, ciphertext=ciphertext, tag="A" * 22)
    return IdentityRecorded(person=PersonId(who), keys=(wrapped,), sealed=sealed)


async def test_the_last_identity_stays_as_it_came_sealed(bare: "Scene") -> None:
    who, at = new_id(), datetime(2026, 7, 1, tzinfo=UTC)
    last = identity(who, "LAST")
    await bare.hear_records(identity(who, "FIRST"), last, at=at)
    await bare.hear_records(identity(who, "LATE"), at=at - timedelta(seconds=1))
    (row,) = await bare.rows("SELECT person_id, keys::text, sealed::text FROM identity")
    assert row["person_id"] == who
    assert Sealed.model_validate_json(row["sealed"]) == last.sealed
    assert str(last.keys[0].key) in row["keys"]


async def test_a_person_who_is_forgotten_has_no_identity(bare: "Scene") -> None:
    who, other = new_id(), new_id()
    await bare.hear_records(identity(who, "AAAA"), identity(other, "BBBB"), Tombstone(key=str(who)))
    assert [row["person_id"] for row in await bare.rows("SELECT person_id FROM identity")] == [other]
