"""Every state of an account against every act and word; what an identity proposes; what two people and time decide."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations, product
from typing import Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingdan.bank_events import AccountChecked
from qingdan.ids import AccountCheckId, PersonId
from subsidy import account_rules
from subsidy.account_rules import (
    ACTS,
    CANDIDATES,
    OVER,
    STATES,
    TABLE,
    WORDS,
    AboutYourself,
    Account,
    AccountState,
    Candidate,
    Named,
    NotWaitingForEyes,
    SamePersonTwice,
    Version,
)

NOW: Final = datetime(2026, 7, 20, 4, tzinfo=UTC)
EXPIRES: Final = timedelta(days=90)
CHECK, PERSON = AccountCheckId(UUID(int=1)), PersonId(UUID(int=2))
SAID: Final = {"matches": True, "differs": False, "cannot_tell": None}


def answer(word: str, *, check: AccountCheckId = CHECK, bank: str = "ABC") -> AccountChecked:
    reason = None if word == "matches" else "owner_differs"
    return AccountChecked(bank=bank, check=check, owner_matches=SAID[word], reason=reason, checked_on=NOW.date())


def account(state: AccountState = "asked", *, is_change: bool = False, bank: str | None = "ABC") -> Account:
    return Account(CHECK, PERSON, state, is_change, bank, None)


def candidate(state: AccountState = "verified", **changed: object) -> Candidate:
    waiting = Candidate(CHECK, PERSON, state, True, NOW - timedelta(days=4), NOW, None, None, False, False)
    return replace(waiting, **changed)  # type: ignore[arg-type]  # each test names fields that there are


# -- the table --------------------------------------------------------------------------------------------------------


def test_every_state_says_what_each_act_and_word_does() -> None:
    assert {state: set(row) for state, row in TABLE.items()} == {state: {*ACTS, *WORDS} for state in STATES}


def test_only_what_was_verified_or_seen_by_people_is_put_in_force() -> None:
    assert {state for state in STATES if TABLE[state]["put_in_force"].state == "in_force"} == {
        "verified",
        "unverifiable",
    }


@pytest.mark.parametrize("state", OVER)
def test_what_is_over_stays_over(state: AccountState) -> None:
    assert {TABLE[state][act].state for act in ACTS} == {None}
    assert {(TABLE[state][word].state, TABLE[state][word].oddity) for word in WORDS} == {(state, None)}


@pytest.mark.parametrize(("state", "word"), list(product(STATES, WORDS)))
def test_no_word_leads_into_force_but_that_it_is_the_person_s(state: AccountState, word: str) -> None:
    heard = account_rules.hear([account(state)], [answer(word)])
    after = heard.changed[0].state if heard.changed else state
    if after == "in_force" != state:
        assert word == "matches"
        assert state in ("asked", "unverifiable", "verified")


# -- what a bank says -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_change", [False, True])
@pytest.mark.parametrize("words", [words for many in (1, 2, 3) for words in product(WORDS, repeat=many)])
def test_every_order_of_the_same_words_ends_in_the_same_state(words: tuple[str, ...], is_change: bool) -> None:
    ends = set()
    for order in permutations(words):
        heard = account_rules.hear([account(is_change=is_change)], [answer(word) for word in order])
        ends.add(heard.changed[0].state)
    assert len(ends) == 1
    assert ("mismatched" in ends) == ("differs" in words)


def test_a_first_account_is_in_force_by_the_bank_s_word_and_a_change_is_not() -> None:
    assert account_rules.hear([account()], [answer("matches")]).changed[0].state == "in_force"
    assert account_rules.hear([account(is_change=True)], [answer("matches")]).changed[0].state == "verified"


def test_what_does_not_fit_is_odd_and_changes_nothing() -> None:
    stranger = AccountCheckId(UUID(int=9))
    heard = account_rules.hear([account()], [answer("matches", check=stranger), answer("matches", bank="XYZ")])
    assert ([each.kind for each in heard.odd], heard.changed) == (["unknown_check", "foreign_bank"], [])
    assert account_rules.hear([account("proposed", bank=None)], [answer("matches")]).odd[0].kind == "not_asked"


def test_a_bank_that_takes_its_word_back_takes_the_account_out_of_force_and_is_odd() -> None:
    heard = account_rules.hear([account("in_force")], [answer("differs")])
    assert (heard.changed[0].state, heard.changed[0].reason) == ("mismatched", "owner_differs")
    assert [each.kind for each in heard.odd] == ["contradicted"]


def test_the_same_answer_again_is_counted_as_repeated() -> None:
    heard = account_rules.hear([account()], [answer("matches"), answer("matches")])
    assert [each.kind for each in heard.odd] == ["repeated"]


# -- what an identity names -------------------------------------------------------------------------------------------


def named(number: int) -> Named:
    return Named(bytes([number]) * 32, bytes([number]) * 32, "0000")


def version(number: int, state: AccountState, of: int, *, was_in_force: bool = False) -> Version:
    return Version(AccountCheckId(UUID(int=number)), number, state, bytes([of]) * 32, was_in_force)


def test_a_first_account_is_proposed_and_is_no_change() -> None:
    reading = account_rules.read([], named(1))
    assert (reading.proposed, reading.change, reading.withdrawn) == (1, False, ())


def test_the_same_account_again_proposes_nothing() -> None:
    for state in ("proposed", "asked", "verified", "unverifiable", "in_force"):
        reading = account_rules.read([version(1, state, 1)], named(1))
        assert (reading.same, reading.proposed, reading.withdrawn) == (UUID(int=1), None, ())


def test_another_account_is_a_change_once_one_was_in_force_and_withdraws_what_was_on_its_way() -> None:
    versions = [version(1, "in_force", 1, was_in_force=True), version(2, "verified", 2)]
    reading = account_rules.read(versions, named(3))
    assert (reading.proposed, reading.change, reading.withdrawn) == (3, True, (UUID(int=2),))


def test_going_back_to_the_account_in_force_withdraws_the_change() -> None:
    versions = [version(1, "in_force", 1, was_in_force=True), version(2, "verified", 2)]
    reading = account_rules.read(versions, named(1))
    assert (reading.same, reading.proposed, reading.withdrawn) == (UUID(int=1), None, (UUID(int=2),))


def test_naming_no_account_ends_what_was_in_force_and_the_next_one_is_a_change_all_the_same() -> None:
    """Nobody gets round two people's eyes by taking the old account away first."""
    versions = [version(1, "in_force", 1, was_in_force=True)]
    assert account_rules.read(versions, None).withdrawn == (UUID(int=1),)
    gone = [version(1, "withdrawn", 1, was_in_force=True)]
    assert account_rules.read(gone, named(2)).change


def test_an_account_that_the_bank_took_back_stands_beside_the_one_on_its_way_until_another_is_named() -> None:
    versions = [version(1, "mismatched", 1, was_in_force=True), version(2, "asked", 2)]
    assert account_rules.read(versions, named(2)).same == UUID(int=2)
    assert account_rules.read(versions, named(3)).withdrawn == (UUID(int=1), UUID(int=2))


def test_what_was_refused_is_not_proposed_again_and_what_the_bank_said_no_to_is() -> None:
    assert account_rules.read([version(1, "refused", 1)], named(1)).proposed is None
    again = account_rules.read([version(1, "mismatched", 1)], named(1))
    assert (again.proposed, again.withdrawn) == (2, (UUID(int=1),))


# -- people and time --------------------------------------------------------------------------------------------------


def test_two_different_people_confirm() -> None:
    first = account_rules.confirm(candidate(), "anna")
    with pytest.raises(SamePersonTwice):
        account_rules.confirm(first, "anna")
    second = account_rules.confirm(first, "bao")
    assert (second.confirmed_by, second.second_by) == ("anna", "bao")
    with pytest.raises(NotWaitingForEyes):
        account_rules.confirm(second, "chen")


def test_nobody_looks_at_their_own_account() -> None:
    with pytest.raises(AboutYourself):
        account_rules.confirm(candidate(), f"resident:{PERSON}")
    with pytest.raises(AboutYourself):
        account_rules.refuse(candidate(), f"resident:{PERSON}")


@pytest.mark.parametrize("state", [state for state in STATES if state not in ("verified", "unverifiable")])
def test_what_does_not_wait_for_people_is_not_confirmed(state: AccountState) -> None:
    with pytest.raises(NotWaitingForEyes):
        account_rules.confirm(candidate(state), "anna")


@given(
    state=st.sampled_from(STATES),
    is_change=st.booleans(),
    closed=st.booleans(),
    trusted=st.booleans(),
    eyes=st.integers(0, 2),
    cooled=st.booleans(),
)
def test_what_comes_into_force_was_checked_cooled_and_seen(
    state: AccountState, is_change: bool, closed: bool, trusted: bool, eyes: int, cooled: bool
) -> None:
    one = candidate(
        state,
        is_change=is_change,
        old_is_closed=closed,
        trusted=trusted,
        cooled_at=NOW if cooled else NOW + timedelta(seconds=1),
        confirmed_by="anna" if eyes else None,
        second_by="bao" if eyes == 2 else None,
    )
    if account_rules.settle(one, now=NOW, expires=EXPIRES) == "in_force" and state != "in_force":
        assert cooled
        assert state in ("verified", "unverifiable")
        assert eyes == 2 or (state == "verified" and (not is_change or closed or trusted))


def test_what_nobody_looks_at_expires_and_what_two_have_seen_does_not() -> None:
    old = candidate(proposed_at=NOW - EXPIRES, cooled_at=NOW + timedelta(days=1))
    assert account_rules.settle(old, now=NOW, expires=EXPIRES) == "expired"
    seen = replace(old, confirmed_by="anna", second_by="bao")
    assert account_rules.settle(seen, now=NOW, expires=EXPIRES) == "verified"


def test_at_most_one_candidate_is_what_can_be_withdrawn_by_a_newer_identity() -> None:
    withdrawable = {state for state in STATES if TABLE[state]["withdraw"].state == "withdrawn"}
    assert withdrawable == {*CANDIDATES, "in_force"}
