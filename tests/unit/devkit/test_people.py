"""The synthetic people of Anji: the same for the same seed, valid in form, and somebody for every programme."""

import json
from datetime import UTC, date, datetime
from functools import cache
from random import Random

import pytest

from devkit.records.county import AS_OF, PARAMETERS, people_of_anji
from devkit.records.households import villages
from devkit.records.identities import CANARIES, CANARY, CLOSED, Papers
from devkit.records.people import Population, age
from devkit.records.player import facts_of
from devkit.records.registrar import Registrar, TooFewPeople
from devkit.records.vocabulary import blank_row, fact_names
from qingdan.identity import check_character
from tests.unit.devkit.entitlements import entitled, programmes

SMALL = 4_000
NOON = datetime(2025, 11, 30, 12, tzinfo=UTC)
DECEMBER = date(2025, 12, 1)


@cache
def small() -> Population:
    return people_of_anji(SMALL)


def test_there_are_as_many_people_as_asked_for_each_in_one_household() -> None:
    people, households = small().people, small().households
    assert (len(people), len({person.id for person in people})) == (SMALL, SMALL)
    assert [person for household in households for person in household.members] == list(people)
    assert {1, 2, 3, 4, 5, 6} == {len(household.members) for household in households}


def test_the_same_seed_makes_the_same_people_and_registers() -> None:
    again, other = people_of_anji(SMALL), people_of_anji(SMALL, seed=2)
    assert again.states == small().states
    assert [person.papers for person in again.people] == [person.papers for person in small().people]
    assert other.states != small().states


def test_every_household_has_one_living_head_and_children_younger_than_their_parents() -> None:
    for household in small().households:
        assert [person.relation for person in household.members].count("head") == 1
        assert (household.head.relation, household.head.died) == ("head", None)
        for child in (person for person in household.members if person.relation == "child"):
            assert all(age(person.born, child.born) >= 16 for person in household.members[:1])


def test_identity_numbers_are_valid_synthetic_and_nobody_elses() -> None:
    numbers = [person.papers.resident_id.reveal() for person in small().people]
    assert len(set(numbers)) == SMALL
    for person, number in zip(small().people, numbers, strict=True):
        assert number[17] == check_character(number[:17])
        assert number[:6] == "330523"
        assert date(int(number[6:10]), int(number[10:12]), int(number[12:14])) == person.born
        assert number[14] == "9"
        assert int(number[16]) % 2 == person.male


def test_the_dead_died_before_the_day_of_the_registers_and_heads_are_alive() -> None:
    dead = [person for person in small().people if person.died is not None]
    assert dead
    assert all((AS_OF - person.died).days in range(1, 331) for person in dead if person.died is not None)
    assert {person.subject for person in dead} == set(
        small().with_state("death_cause", lambda facts: facts["death_date"])
    )


def test_households_live_in_real_villages_of_the_county() -> None:
    assert len(villages()) > 200
    assert {household.village for household in small().households} <= set(villages())


def test_identities_and_derived_values_are_never_facts() -> None:
    sent = {name for state in small().states for name in state.facts}
    assert sent & {"person_name", "id_number", "bank_account_no", "phone_number"} == set()
    assert (
        sent & {"age_years", "age_months", "months_since_death", "party_years", "dibao_paid_per_capita_fen_month"}
        == set()
    )
    assert {"birth_date", "death_date", "party_joined_on"} <= sent


def test_a_row_holds_what_its_register_holds() -> None:
    for state in small().states:
        entity = "person" if state.subject.startswith("p:") else "household"
        assert blank_row(state.register, entity).keys() <= state.facts.keys() <= fact_names(state.register, entity)


def test_every_row_becomes_an_event_of_its_subject() -> None:
    events = [facts_of(state, NOON) for state in (*small().states, *small().county)]
    assert {event.order_key.partition(":")[0] for event in events} == {"p", "h", "c"}
    assert all(event.event_key == f"{event.subject}/{event.dataset}" for event in events)


def test_a_register_holds_no_fact_of_another() -> None:
    book = Registrar(Random(1), AS_OF, (), ())
    with pytest.raises(ValueError, match="disability holds no"):
        book.enter(small().people[0], "disability", is_tekun=True)


def test_members_and_heads_are_linked_by_the_households_code() -> None:
    facts = {state.subject: state.facts for state in small().states if state.register == "pop_registry"}
    for household in small().households:
        assert facts[household.subject]["household_size"] == len(household.living)
        for person in household.members:
            assert facts[person.subject]["member_of_household"] == facts[household.subject]["household_code"]
            assert facts[person.subject]["hukou_village_code"] == household.village


def test_the_county_declares_every_register_complete() -> None:
    rows = small().rows_by_register()
    declared = {state.register: state.facts["register_subjects"] for state in small().county}
    assert {register: declared[register] for register in rows} == rows


def test_the_county_tells_its_parameters_with_the_day_of_their_effect() -> None:
    told = [
        (state.register, name, value, state.facts["effective_on"])
        for state in small().county
        for name, value in state.facts.items()
        if "effective_on" in state.facts and name not in {"effective_on", "register_subjects"}
    ]
    assert tuple(told) == PARAMETERS


def test_one_account_in_a_hundred_is_closed_and_has_a_successor() -> None:
    closed = small().with_closed_accounts()
    assert 0.004 < len(closed) / SMALL < 0.015
    for person in closed:
        papers = person.papers
        assert papers.account is not None
        assert papers.account_later is not None
        assert papers.account.reveal().endswith(CLOSED)
        assert not papers.account_later.reveal().endswith(CLOSED)
    others = [person.papers.account for person in small().people if person not in closed]
    assert not any(account.reveal().endswith(CLOSED) for account in others if account is not None)


def test_the_canary_is_paid_every_month_and_is_in_no_register_by_name() -> None:
    canary = small().people[0]
    assert canary.papers is CANARY
    assert len(CANARIES) == len(set(CANARIES)) == 5
    assert canary.subject in {each.subject for each in entitled(small(), DECEMBER)["B08"]}
    clear = json.dumps([dict(state.facts) for state in small().states], ensure_ascii=False, default=str)
    assert not any(canary_text in clear for canary_text in CANARIES)


def test_canaries_are_nobody_elses() -> None:
    others = small().people[1:]
    texts = {text for person in others for text in texts_of(person.papers)}
    assert texts.isdisjoint(CANARIES)


def texts_of(papers: Papers) -> list[str]:
    texts = (papers.name, papers.resident_id, papers.account, papers.account_later, papers.phone)
    return [text.reveal() for text in texts if text is not None]


def test_a_small_county_has_somebody_for_every_programme_that_is_due() -> None:
    found = entitled(small(), DECEMBER)
    due = [programme.code for programme in programmes() if DECEMBER.month in programme.months]
    assert len(due) > 50
    assert [code for code in due if not found[code]] == []


def test_too_few_people_are_refused() -> None:
    with pytest.raises(TooFewPeople, match="of a kind"):
        people_of_anji(300)
