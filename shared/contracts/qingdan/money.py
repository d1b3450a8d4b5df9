"""Money as whole fen: no floats, no decimals, and never beyond what every JSON reader can count exactly."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

FEN_MAX = 2**53 - 1
"""Ninety trillion yuan; above it JavaScript readers would round (RFC 8259, section 6)."""


class Fen(int):
    """An amount in fen (1/100 yuan), from -FEN_MAX to FEN_MAX.

    Sums and differences of Fen, and products with whole numbers, are Fen and stay within the bounds.
    Raises TypeError for floats and bools, OverflowError beyond the bounds.
    """

    __slots__ = ()

    def __new__(cls, amount: int) -> Self:
        if isinstance(amount, bool) or not isinstance(amount, int):
            raise TypeError("fen are whole numbers")
        if not -FEN_MAX <= amount <= FEN_MAX:
            raise OverflowError("an amount in fen stays within 2**53 - 1")
        return int.__new__(cls, amount)

    def __add__(self, other: int) -> "Fen":
        return Fen(int.__add__(self, other))

    def __radd__(self, other: int) -> "Fen":
        return Fen(int.__radd__(self, other))

    def __sub__(self, other: int) -> "Fen":
        return Fen(int.__sub__(self, other))

    def __rsub__(self, other: int) -> "Fen":
        return Fen(int.__rsub__(self, other))

    def __mul__(self, other: int) -> "Fen":
        return Fen(int.__mul__(self, other))

    def __rmul__(self, other: int) -> "Fen":
        return Fen(int.__rmul__(self, other))

    def __neg__(self) -> "Fen":
        return Fen(int.__neg__(self))

    def yuan(self) -> str:
        """The amount as yuan for display, as in `-1,234.05`."""
        yuan, fen = divmod(abs(int(self)), 100)
        return f"{'-' if self < 0 else ''}{yuan:,}.{fen:02d}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        # Strict: "12" and 12.0 are not amounts.
        whole = core_schema.int_schema(strict=True, ge=-FEN_MAX, le=FEN_MAX)
        return core_schema.no_info_after_validator_function(cls, whole)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "integer", "minimum": -FEN_MAX, "maximum": FEN_MAX}


def _not_negative(amount: Fen) -> Fen:
    if amount < 0:
        raise ValueError("the amount is negative")
    return amount


def _positive(amount: Fen) -> Fen:
    if amount <= 0:
        raise ValueError("the amount is not positive")
    return amount


FenTotal = Annotated[
    Fen, AfterValidator(_not_negative), WithJsonSchema({"type": "integer", "minimum": 0, "maximum": FEN_MAX})
]
"""A sum of amounts, which may be nothing."""

FenPaid = Annotated[
    Fen, AfterValidator(_positive), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": FEN_MAX})
]
"""An amount that is paid to somebody: at least one fen."""
