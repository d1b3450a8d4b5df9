"""Codes of divisions know their level, and nothing else is one."""

import pytest
from pydantic import TypeAdapter, ValidationError

from qingdan.divisions import COUNTRY, DivisionCode, DivisionLevel

CODE = TypeAdapter(DivisionCode)


@pytest.mark.parametrize(
    ("digits", "level"),
    [
        ("000000000000", DivisionLevel.COUNTRY),
        ("130000000000", DivisionLevel.PROVINCE),
        ("130400000000", DivisionLevel.CITY),
        ("130431000000", DivisionLevel.COUNTY),
        ("130431105000", DivisionLevel.TOWNSHIP),
        ("130431105201", DivisionLevel.VILLAGE),
        ("441900003000", DivisionLevel.TOWNSHIP),
    ],
)
def test_the_digits_tell_the_level(digits: str, level: DivisionLevel) -> None:
    assert DivisionCode(digits).level is level


@pytest.mark.parametrize(
    "text", ["", "13043110520", "1304311052011", "13043110520X", "13043110520１", "130431105201\n"]
)
def test_anything_but_twelve_ascii_digits_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="twelve digits"):
        DivisionCode(text)
    with pytest.raises(ValidationError):
        CODE.validate_python(text)


def test_a_code_is_its_text_in_json_and_comes_back_as_a_code() -> None:
    assert CODE.dump_json(COUNTRY) == b'"000000000000"'
    assert isinstance(CODE.validate_json(b'"130431105201"', strict=True), DivisionCode)


def test_the_refusal_does_not_repeat_the_text() -> None:
    with pytest.raises(ValueError, match="twelve digits") as refusal:
        DivisionCode("canary")
    assert "canary" not in str(refusal.value)
