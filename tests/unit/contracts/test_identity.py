"""Personal data is checked, prints masked, and leaves its types on purpose only."""

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from qingdan.identity import (
    BankAccount,
    PersonalText,
    PersonName,
    PhoneNumber,
    ResidentId,
    check_character,
    reveal_json,
)

# GB 11643-1999 shows these two.
STANDARD_NUMBERS = ["11010519491231002X", "440524188001010014"]


class Payload(BaseModel):
    resident: ResidentId
    account: BankAccount


@st.composite
def resident_numbers(draw: st.DrawFn) -> str:
    birth = draw(st.dates()).strftime("%Y%m%d").rjust(8, "0")
    first = f"{draw(st.integers(100000, 999999))}{birth}{draw(st.integers(0, 999)):03d}"
    return first + check_character(first)


@pytest.mark.parametrize("number", STANDARD_NUMBERS)
def test_the_numbers_of_the_standard_are_valid(number: str) -> None:
    assert ResidentId(number).reveal() == number


def test_a_small_x_is_written_large() -> None:
    assert ResidentId("11010519491231002x") == ResidentId("11010519491231002X")


@given(resident_numbers(), st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_seen(number: str, place: int, shift: int) -> None:
    wrong = str((int(number[place]) + shift) % 10)
    with pytest.raises(ValueError, match="not a valid citizen identity number") as refusal:
        ResidentId(number[:place] + wrong + number[place + 1 :])
    assert number[6:] not in str(refusal.value)


@given(resident_numbers(), st.integers(0, 15))
def test_two_neighbours_swapped_are_seen(number: str, place: int) -> None:
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if swapped == number:
        assert ResidentId(swapped).reveal() == number
    else:
        with pytest.raises(ValueError, match="not a valid"):
            ResidentId(swapped)


@pytest.mark.parametrize("birth", ["19490231", "19491301", "00000101"])
def test_a_birth_date_that_never_was_is_refused(birth: str) -> None:
    first = f"110105{birth}002"
    with pytest.raises(ValueError, match="not a valid"):
        ResidentId(first + check_character(first))


@pytest.mark.parametrize("text", ["", "110105491231002", "11010519491231002X ", "１１０１０５19491231002X"])
def test_other_texts_are_no_identity_number(text: str) -> None:
    with pytest.raises(ValueError, match="not a valid"):
        ResidentId(text)


@pytest.mark.parametrize("text", ["1234567", "1" * 33, "62284800000000000O0", "6228 4800 0000 0000"])
def test_other_texts_are_no_bank_account(text: str) -> None:
    with pytest.raises(ValueError, match="not a valid bank account"):
        BankAccount(text)


@pytest.mark.parametrize(
    ("secret", "mask"),
    [
        (ResidentId("11010519491231002X"), "**************002X"),
        (BankAccount("6228480000000001234"), "***************1234"),
        (PhoneNumber("13800005678"), "*******5678"),
        (PersonName("王小明"), "王**"),
        (PersonName("王"), "王*"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_way_of_printing_shows_the_mask(secret: PersonalText, mask: str) -> None:
    printed = [
        str(secret),
        f"{secret}",
        f"{secret!r}",
        f"{secret:>30}",
        repr([secret]),
        str({1: secret}),
    ]
    assert all(mask in text for text in printed)
    if len(secret.reveal()) > 1:
        assert not any(secret.reveal() in text for text in printed)


def test_dumps_are_masked_and_only_reveal_json_is_clear() -> None:
    payload = Payload(resident=ResidentId("11010519491231002X"), account=BankAccount("6228480000000001234"))
    for dump in (str(payload), payload.model_dump_json(), payload.model_dump_json(context={"reveal": True})):
        assert "11010519491231002X" not in dump
        assert "6228480000000001234" not in dump
    assert json.loads(reveal_json(payload)) == {"resident": "11010519491231002X", "account": "6228480000000001234"}
    assert Payload.model_validate_json(reveal_json(payload)) == payload


def test_a_masked_dump_is_refused_by_its_receiver() -> None:
    payload = Payload(resident=ResidentId("11010519491231002X"), account=BankAccount("6228480000000001234"))
    with pytest.raises(ValidationError):
        Payload.model_validate_json(payload.model_dump_json())


def test_a_validation_error_does_not_repeat_the_text() -> None:
    with pytest.raises(ValidationError) as refusal:
        Payload.model_validate({"resident": ResidentId("11010519491231002X"), "account": PersonName("canary")})
    assert "canary" not in str(refusal.value.errors(include_input=False))


def test_one_kind_of_personal_text_is_not_another() -> None:
    assert PhoneNumber("13800005678") != BankAccount("13800005678")
    with pytest.raises(ValidationError):
        Payload.model_validate({"resident": BankAccount("6228480000000001234"), "account": "6228480000000001234"})


def test_it_is_not_pickled_and_copies_are_itself() -> None:
    secret = ResidentId("11010519491231002X")
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)
    assert copy.deepcopy(secret) is secret
    assert copy.copy(secret) is secret
    assert {secret: 1}[ResidentId("11010519491231002X")] == 1
