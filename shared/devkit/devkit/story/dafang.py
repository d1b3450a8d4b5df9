"""Dafang County: the rules on signs, and the census of what hangs at the doors of forty villages."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from devkit.story.county import DAFANG, Division, Row, all_divisions, read, rows, subtree
from qingdan.divisions import DivisionCode, DivisionLevel

XIEDU: Final = DivisionCode("520521211201")
UNWANTED_PER_VILLAGE: Final = 10  # Xiedu had thirteen signs, and three stayed

Position = Literal["outside_horizontal", "outside_vertical", "inside"]


class SignRule(Row):
    """Whether a kind of sign may hang, and where."""

    code: str
    title_zh: str
    title_en: str
    department: str
    permitted: bool
    position: Annotated[Position | None, BeforeValidator(lambda cell: None if cell == "none" else cell)]
    legal_basis: str


class HungSign(Row):
    """A sign as somebody wrote it down at the door; which rule it falls under is for the service to find out."""

    village: DivisionCode = Field(validation_alias="village_code")
    wording: str
    position: Position
    hung_since: int
    department: str
    true_code: str = Field(exclude=True, description="the label; the service never gets it")


@dataclass(frozen=True, slots=True)
class SignCounty:
    """A county with its sign rules and its census."""

    code: DivisionCode
    divisions: tuple[Division, ...]
    rules: tuple[SignRule, ...]
    census: tuple[HungSign, ...]

    @property
    def villages(self) -> tuple[DivisionCode, ...]:
        """Those of the census, by code."""
        return tuple(sorted({sign.village for sign in self.census}))

    @property
    def names_zh(self) -> Mapping[str, str]:
        """Short names by code."""
        return {
            str(division.code): division.name_zh.removesuffix("民委员会").removesuffix("委会")
            for division in self.divisions
        }

    @property
    def removable(self) -> int:
        """How many signs of the census may not hang, by their labels."""
        permitted = {rule.code for rule in self.rules if rule.permitted}
        return sum(sign.true_code not in permitted for sign in self.census)

    def unwanted_signs(self, count: int) -> list[dict[str, object]]:
        """So many signs that may not hang, as a census lists them: in each village as many as in Xiedu."""
        unwanted = [rule for rule in self.rules if not rule.permitted][:UNWANTED_PER_VILLAGE]
        villages = [division.code for division in self.divisions if division.code.level is DivisionLevel.VILLAGE]
        signs: list[dict[str, object]] = [
            {
                "village": village,
                "wording": rule.title_zh,
                "position": "outside_vertical",
                "hung_since": 2015,
                "department": rule.department,
            }
            for village in villages
            for rule in unwanted
        ]
        return signs[:count]

    def of(self, villages_max: int | None) -> "SignCounty":
        """The same with fewer villages, Xiedu always among them."""
        chosen = {XIEDU, *[village for village in self.villages if village != XIEDU][: (villages_max or 10**6) - 1]}
        return replace(self, census=tuple(sign for sign in self.census if sign.village in chosen))


@cache
def dafang() -> SignCounty:
    """Dafang County: real divisions; rules and census are modelled, Xiedu's thirteen signs are reported."""
    return SignCounty(
        code=DAFANG,
        divisions=subtree(DAFANG, all_divisions()),
        rules=read(SignRule, rows("sign_rules")),
        census=read(HungSign, rows("sign_census_dafang")),
    )
