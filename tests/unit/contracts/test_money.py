"""Fen stay whole, stay fen and stay within what every reader can count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from qingdan.money import FEN_MAX, Fen, FenPaid, FenTotal

AMOUNTS = st.integers(-(10**12), 10**12)


@given(AMOUNTS, AMOUNTS, st.integers(-100, 100))
def test_arithmetic_stays_fen_and_is_exact(a: int, b: int, n: int) -> None:
    results = [Fen(a) + Fen(b), Fen(a) - Fen(b), Fen(a) * n, n * Fen(a), -Fen(a), sum([Fen(a), Fen(b)])]
    assert results == [a + b, a - b, a * n, n * a, -a, a + b]
    assert all(isinstance(result, Fen) for result in results)


@pytest.mark.parametrize("amount", [1.0, "1", True, None])
def test_only_whole_numbers_are_fen(amount: object) -> None:
    with pytest.raises(TypeError):
        Fen(amount)  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        TypeAdapter(Fen).validate_python(amount)


def test_an_overflow_is_refused_and_not_wrapped() -> None:
    with pytest.raises(OverflowError):
        Fen(FEN_MAX) + Fen(1)
    with pytest.raises(ValidationError):
        TypeAdapter(Fen).validate_json(str(FEN_MAX + 1))


@pytest.mark.parametrize(
    ("fen", "yuan"), [(0, "0.00"), (5, "0.05"), (-105, "-1.05"), (123456789, "1,234,567.89"), (-7, "-0.07")]
)
def test_yuan_are_for_people(fen: int, yuan: str) -> None:
    assert Fen(fen).yuan() == yuan


def test_what_is_paid_is_more_than_nothing_and_a_total_may_be_nothing() -> None:
    assert TypeAdapter(FenTotal).validate_python(0) == 0
    with pytest.raises(ValidationError):
        TypeAdapter(FenPaid).validate_python(0)
    with pytest.raises(ValidationError):
        TypeAdapter(FenTotal).validate_python(-1)
