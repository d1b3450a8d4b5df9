"""Personal data that prints masked: it leaves these types only through `reveal()` or `reveal_json()`."""

import re
from datetime import date
from typing import Any, ClassVar, Never, Self

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_REVEAL: dict[str, bool] = {"reveal": True}


class PersonalText:
    """A text about a person. `str`, `repr`, `format` and pydantic's dumps show the mask; pickling is refused.

    Raises ValueError for a text that the subclass does not accept; the message never repeats the text.
    """

    __slots__ = ("_text",)

    WHAT: ClassVar[str] = "personal text"
    PATTERN: ClassVar[str]

    def __init__(self, text: str) -> None:
        self._text = self._checked(text)

    @classmethod
    def _checked(cls, text: str) -> str:
        if not re.fullmatch(cls.PATTERN, text):
            raise ValueError(f"not a valid {cls.WHAT}")
        return text

    def reveal(self) -> str:
        """The whole text, for encryption and for the screens of those who may see it."""
        return self._text

    def masked(self) -> str:
        """Stars and the last four characters."""
        return "*" * (len(self._text) - 4) + self._text[-4:]

    def __str__(self) -> str:
        return self.masked()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.masked()})"

    def __format__(self, spec: str) -> str:
        return format(self.masked(), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self._text == other._text

    def __hash__(self) -> int:
        return hash((type(self), self._text))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> Never:
        raise TypeError(f"a {self.WHAT} is not pickled")

    @classmethod
    def _validated(cls, value: "str | PersonalText") -> "PersonalText":
        if isinstance(value, PersonalText):
            return value
        try:
            return cls(value)
        except ValueError:
            failure = PydanticCustomError("personal_text", "not a valid {what}", {"what": cls.WHAT})
        raise failure

    @classmethod
    def _serialised(cls, value: Self, info: core_schema.SerializationInfo) -> str:
        return value.reveal() if info.context is _REVEAL else value.masked()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text_or_self = core_schema.union_schema([core_schema.is_instance_schema(cls), core_schema.str_schema()])
        return core_schema.no_info_after_validator_function(
            cls._validated,
            core_schema.json_or_python_schema(core_schema.str_schema(), text_or_self),
            serialization=core_schema.plain_serializer_function_ser_schema(
                cls._serialised, info_arg=True, return_schema=core_schema.str_schema()
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": f"^{cls.PATTERN}$", "description": cls.WHAT}


class ResidentId(PersonalText):
    """A citizen identity number (GB 11643-1999): eighteen characters with a real birth date and a MOD 11-2 check."""

    __slots__ = ()

    WHAT = "citizen identity number"
    PATTERN = "[1-9][0-9]{16}[0-9X]"

    @classmethod
    def _checked(cls, text: str) -> str:
        number = super()._checked(text.upper())
        if number[17] != check_character(number[:17]):
            raise ValueError(f"not a valid {cls.WHAT}")
        try:
            date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
        except ValueError:
            raise ValueError(f"not a valid {cls.WHAT}") from None
        return number


class BankAccount(PersonalText):
    """A bank account of 8 to 32 digits. Corporate accounts carry no Luhn digit, so none is asked for."""

    __slots__ = ()

    WHAT = "bank account"
    PATTERN = "[0-9]{8,32}"


class PhoneNumber(PersonalText):
    """A telephone number: 7 to 15 digits, with `+` and country code if abroad (E.164)."""

    __slots__ = ()

    WHAT = "telephone number"
    PATTERN = r"\+?[0-9]{7,15}"


class PersonName(PersonalText):
    """A person's name; the mask keeps the first character, as public notices do."""

    __slots__ = ()

    WHAT = "name"
    PATTERN = r"[^\x00-\x1f\x7f]{1,60}"

    def masked(self) -> str:
        """The first character and stars."""
        return self._text[0] + "*" * max(len(self._text) - 1, 1)


def check_character(first_seventeen: str) -> str:
    """The eighteenth character of an identity number for its first seventeen digits (ISO 7064 MOD 11-2)."""
    remainder = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(first_seventeen)) % 11
    return "10X98765432"[remainder]


def reveal_json(model: BaseModel) -> bytes:
    """A clear payload as JSON with its personal data readable: only to be encrypted at once."""
    return model.__pydantic_serializer__.to_json(model, context=_REVEAL)
