"""Codes of administrative divisions (GB/T 2260, GB/T 10114 and the statistics bureau's twelve digits)."""

from enum import StrEnum
from typing import Any, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class DivisionLevel(StrEnum):
    """How high in the tree a division stands."""

    COUNTRY = "country"
    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"
    TOWNSHIP = "township"
    VILLAGE = "village"


class DivisionCode(str):
    """A division's twelve digits, as in `130431105201`: for display and look-up.

    Who may see what is decided by the division tree, never by a prefix of a code: the state changes codes, and cities
    without counties (441900003000) have townships directly below.

    Raises ValueError for anything that is not twelve ASCII digits; the message does not repeat the text.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if len(text) != 12 or not text.isascii() or not text.isdigit():
            raise ValueError("a division code is twelve digits")
        return str.__new__(cls, text)

    @property
    def level(self) -> DivisionLevel:
        """The level that the digits tell: trailing zeros are the levels below."""
        if self[9:] != "000":
            return DivisionLevel.VILLAGE
        if self[6:9] != "000":
            return DivisionLevel.TOWNSHIP
        if self[4:6] != "00":
            return DivisionLevel.COUNTY
        if self[2:4] != "00":
            return DivisionLevel.CITY
        return DivisionLevel.PROVINCE if self[:2] != "00" else DivisionLevel.COUNTRY

    @classmethod
    def _unchecked(cls, text: str) -> Self:
        return str.__new__(cls, text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        # The pattern is checked in Rust, so that the hot path makes the object without checking again.
        digits = core_schema.str_schema(pattern=r"^[0-9]{12}$")
        return core_schema.no_info_after_validator_function(
            cls._unchecked, digits, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": "^[0-9]{12}$", "description": "行政区划代码, twelve digits"}


COUNTRY = DivisionCode("000000000000")
"""The root of the tree."""
