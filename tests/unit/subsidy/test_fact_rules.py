"""Facts as they come in: the newest state of each, what is unfit, what is ignored, what a county says of itself."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from qingdan.records_events import Fact, FactsRecorded, FactValue
from runtime.clock import business_date
from subsidy.fact_rules import (
    FactUnfit,
    Heard,
    KeyUnreadable,
    LifeTold,
    gone,
    life_told,
    people,
    sort_out,
    storable,
)
from subsidy.vocabulary_rules import BY_NAME

SOMEBODY = "p:019a0000-0000-7000-8000-000000000001"
HOME = "h:019a0000-0000-7000-8000-000000000002"
COUNTY = "c:330523000000"
NOON = datetime(2026, 3, 1, 4, tzinfo=UTC)


def said(subject: str, dataset: str, at: datetime = NOON, **facts: FactValue) -> FactsRecorded:
    rows = tuple(Fact(name=name, value=value) for name, value in facts.items())
    return FactsRecorded(subject=subject, dataset=dataset, system=dataset, source_time=at, facts=rows)


def heard(*events: FactsRecorded) -> Heard:
    return sort_out(events, business_date)


def test_the_newest_by_source_time_stays_whatever_the_order() -> None:
    old = said(SOMEBODY, "crime_record", NOON - timedelta(days=1), serving_sentence=False)
    new = said(SOMEBODY, "crime_record", NOON, serving_sentence=True)
    for order in ((old, new), (new, old)):
        (state,) = heard(*order).states.values()
        assert state.values == (True,)
        assert state.id == UUID(SOMEBODY[2:])


def test_of_two_states_of_one_time_the_later_event_is_the_correction() -> None:
    (state,) = heard(
        said(SOMEBODY, "crime_record", serving_sentence=True), said(SOMEBODY, "crime_record", serving_sentence=False)
    ).states.values()
    assert state.values == (False,)


def told(*events: FactsRecorded) -> LifeTold:
    states = heard(*events).states.values()
    return life_told({(state.entity, state.dataset): [state] for state in states})


@pytest.mark.parametrize(
    ("register", "facts", "died"),
    [
        ("pop_registry", {"is_alive": False}, True),
        ("pop_registry", {"is_alive": True}, False),
        ("pop_registry", {"gender": "male"}, False),  # whether alive nobody says
        ("death_cause", {"death_date": "2026-07-03"}, True),
        ("death_cause", {"death_date": None}, False),
    ],
)
def test_who_is_not_alive_or_has_a_date_of_death_is_dead(
    register: str, facts: dict[str, FactValue], died: bool
) -> None:
    who = UUID(SOMEBODY[2:])
    assert told(said(SOMEBODY, register, **facts)) == LifeTold((who,) if died else (), () if died else (who,))


def test_of_two_registers_the_one_that_knows_of_the_death_counts() -> None:
    who = UUID(SOMEBODY[2:])
    both = told(said(SOMEBODY, "death_cause", death_date="2026-07-03"), said(SOMEBODY, "pop_registry", is_alive=True))
    assert both == LifeTold((who,), ())


def test_registers_that_say_nothing_of_life_and_households_are_passed_over() -> None:
    assert told(said(SOMEBODY, "crime_record", serving_sentence=False), said(HOME, "real_estate")) == LifeTold((), ())


def test_each_data_set_of_each_subject_has_its_own_state() -> None:
    events = [
        said(SOMEBODY, "crime_record", serving_sentence=False),
        said(SOMEBODY, "budget_execution", public_payroll=True),
        said(HOME, "real_estate", only_house=True),
    ]
    assert len(heard(*events).states) == 3


def test_what_the_event_does_not_tell_is_unknown() -> None:
    (state,) = heard(said(SOMEBODY, "child_welfare", is_orphan=True, left_behind_child=None)).states.values()
    assert state.values == (None, True, None, None, None)


def test_what_says_nothing_to_the_rules_is_ignored_and_counted() -> None:
    found = heard(
        said(SOMEBODY, "crime_record", serving_sentance=True),  # misspelt
        said(SOMEBODY, "crime_record", serving_sentance=True, is_alive=True),  # of another register
        said(SOMEBODY, "pop_registry", age_years=80),  # derived
        said(HOME, "pop_registry", is_alive=True),  # of a person
        said(SOMEBODY, "zodiac", sign="pig"),  # an unknown register
        said(COUNTY, "employment", local_dibao_line_fen_month=1, register_of="x"),
    )
    assert found.ignored == {
        ("crime_record", "serving_sentance"): 2,
        ("crime_record", "is_alive"): 1,
        ("pop_registry", "age_years"): 1,
        ("pop_registry", "is_alive"): 1,
        ("zodiac", "sign"): 1,
        ("employment", "local_dibao_line_fen_month"): 1,
        ("employment", "register_of"): 1,
    }
    assert ("zodiac", SOMEBODY) not in found.states
    assert len(found.states) == 3


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("pop_registry", "person_name"),
        ("pop_registry", "id_number"),
        ("social_card", "bank_account_no"),
        ("service_cases", "phone_number"),
    ],
)
def test_what_identifies_somebody_is_dropped(dataset: str, name: str) -> None:
    found = heard(said(SOMEBODY, dataset, **{name: "金丝雀"}))
    assert found.ignored == {(dataset, name): 1}
    assert "金丝雀" not in repr(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("is_alive", 1),
        ("is_alive", "true"),
        ("disability_level", True),
        ("disability_level", "1"),
        ("hukou_village_code", 330523100201),
        ("gender", "f"),
        ("gender", ""),
        ("disability_types", "mental"),
        ("disability_types", ("mental", "metal")),
        ("birth_date", "2020-02-30"),
        ("birth_date", "20200228"),
        ("birth_date", 20200228),
        ("birth_date", ""),
    ],
)
def test_a_value_of_another_type_is_unfit(name: str, value: FactValue) -> None:
    with pytest.raises(FactUnfit) as refused:
        heard(said(SOMEBODY, BY_NAME[name].register, **{name: value}))
    assert refused.value.details == {"dataset": BY_NAME[name].register, "fact": name}  # and never the value


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("is_alive", False, False),
        ("disability_level", 0, 0),
        ("gender", "female", "female"),
        ("disability_types", (), ""),
        ("disability_types", ("mental", "speech"), "mental\x1fspeech"),
        ("birth_date", "2020-02-29", date(2020, 2, 29)),
        ("birth_date", None, None),
    ],
)
def test_a_value_of_its_type_is_stored(name: str, value: FactValue, stored: object) -> None:
    assert storable(BY_NAME[name], value) == stored


def test_a_parameter_holds_from_the_day_that_is_said_beside_it() -> None:
    found = heard(said(COUNTY, "employment", local_min_wage_fen_month=218_000, effective_on="2026-01-01"))
    (parameter,) = found.parameters.values()
    assert (parameter.value, parameter.effective_on) == (218_000, date(2026, 1, 1))
    assert not found.ignored


def test_a_parameter_without_a_day_holds_from_the_business_date_of_its_source_time() -> None:
    late = datetime(2026, 2, 28, 17, tzinfo=UTC)  # in Shanghai it is the first of March
    (parameter,) = heard(said(COUNTY, "employment", late, local_min_wage_fen_month=218_000)).parameters.values()
    assert parameter.effective_on == date(2026, 3, 1)


def test_parameters_of_several_days_stand_beside_each_other_and_a_newer_word_replaces_an_older_one() -> None:
    found = heard(
        said(COUNTY, "employment", NOON, local_min_wage_fen_month=3, effective_on="2026-01-01"),
        said(COUNTY, "employment", NOON - timedelta(1), local_min_wage_fen_month=2, effective_on="2026-01-01"),
        said(COUNTY, "employment", NOON - timedelta(2), local_min_wage_fen_month=1, effective_on="2025-01-01"),
    )
    assert sorted((each.effective_on.year, each.value) for each in found.parameters.values()) == [(2025, 1), (2026, 3)]


def test_a_county_declares_its_registers_complete() -> None:
    found = heard(
        said(COUNTY, "disability", NOON, register_subjects=500),
        said(COUNTY, "disability", NOON - timedelta(1), register_subjects=400),
    )
    assert [(each.dataset, each.subjects) for each in found.declarations.values()] == [("disability", 500)]


@pytest.mark.parametrize("value", [-1, True, "500", None])
def test_a_declaration_is_a_number(value: FactValue) -> None:
    with pytest.raises(FactUnfit):
        heard(said(COUNTY, "disability", register_subjects=value))


def test_a_day_that_is_none_is_unfit() -> None:
    with pytest.raises(FactUnfit):
        heard(said(COUNTY, "employment", local_min_wage_fen_month=1, effective_on="soon"))


def test_a_tombstone_names_a_data_set_of_a_subject() -> None:
    one, county = gone([f"{SOMEBODY}/disability", f"{COUNTY}/employment"])
    assert (one.entity, one.id, one.subject, one.dataset) == ("person", SOMEBODY[2:], SOMEBODY, "disability")
    assert (county.entity, county.id, county.dataset) == ("county", "330523000000", "employment")


@pytest.mark.parametrize("key", ["", "p:1/x", SOMEBODY, f"{SOMEBODY}/", f"{SOMEBODY}/X-1", f"x{SOMEBODY}/disability"])
def test_another_key_is_unreadable(key: str) -> None:
    with pytest.raises(KeyUnreadable):
        gone([f"{SOMEBODY}/disability", key])


def test_an_identitys_tombstone_names_a_person() -> None:
    assert people([SOMEBODY[2:]]) == [UUID(SOMEBODY[2:])]
    with pytest.raises(KeyUnreadable):
        people([SOMEBODY])
