"""Validation errors as people may see them: where and why in both languages, never what was sent."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from runtime.problems import Bilingual, Invalid

ERRORS_MAX: Final = 20

# A field's name is shown only when it looks like one: an unknown field's name is input too, and may be an id number.
_FIELD_NAME = re.compile(r"(?!\w*\d{6})[A-Za-z_][\w-]{0,40}", re.ASCII)
_PLACES = frozenset({"body", "query", "path", "header", "cookie"})

_WHOLE = Bilingual("Write a whole number.", "请填写整数。")
_NUMBER = Bilingual("Write a number.", "请填写数字。")
_TEXT = Bilingual("Write a text.", "请填写文字。")
_YES_NO = Bilingual("Write true or false.", "请填写 true 或 false。")
_DATE = Bilingual("Write a date as YYYY-MM-DD.", "请按 YYYY-MM-DD 填写日期。")
_INSTANT = Bilingual("Write an instant as YYYY-MM-DDThh:mm:ssZ.", "请按 YYYY-MM-DDThh:mm:ssZ 填写时间。")
_UUID = Bilingual("Write an identifier (UUID).", "请填写标识符（UUID）。")
_LIST = Bilingual("Write a list.", "请填写列表。")
_OBJECT = Bilingual("Write an object.", "请填写对象。")
_ONE_OF = Bilingual("Choose one of: {expected}.", "请从以下值中选择：{expected}。")
_OTHER = Bilingual("This value is not valid.", "该值无效。")

# pydantic's own sentences quote pieces of the input ("found `z` at 3"), so each kind of error has ours instead.
# The placeholders are filled from the field's declaration, never from what was sent.
SENTENCES: Final[Mapping[str, Bilingual]] = {
    "missing": Bilingual("This is needed.", "此项必填。"),
    "extra_forbidden": Bilingual("There is no such field.", "没有此字段。"),
    "json_invalid": Bilingual("This is not JSON.", "不是有效的 JSON。"),
    "string_type": _TEXT,
    "string_unicode": Bilingual("Write a text in UTF-8.", "请使用 UTF-8 文字。"),
    "string_too_short": Bilingual("At least {min_length} characters.", "至少 {min_length} 个字符。"),
    "string_too_long": Bilingual("At most {max_length} characters.", "至多 {max_length} 个字符。"),
    "string_pattern_mismatch": Bilingual("This does not have the form {pattern}.", "格式不符：{pattern}。"),
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": Bilingual("This number is too large.", "数字过大。"),
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "bool_type": _YES_NO,
    "bool_parsing": _YES_NO,
    "greater_than": Bilingual("More than {gt}.", "须大于 {gt}。"),
    "greater_than_equal": Bilingual("At least {ge}.", "须不小于 {ge}。"),
    "less_than": Bilingual("Less than {lt}.", "须小于 {lt}。"),
    "less_than_equal": Bilingual("At most {le}.", "须不大于 {le}。"),
    "multiple_of": Bilingual("A multiple of {multiple_of}.", "须为 {multiple_of} 的倍数。"),
    "uuid_type": _UUID,
    "uuid_parsing": _UUID,
    "uuid_version": _UUID,
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "datetime_type": _INSTANT,
    "datetime_parsing": _INSTANT,
    "datetime_from_date_parsing": _INSTANT,
    "timezone_aware": Bilingual("Say the time zone.", "请注明时区。"),
    "enum": _ONE_OF,
    "literal_error": _ONE_OF,
    "union_tag_invalid": Bilingual("Choose one of: {expected_tags}.", "请从以下值中选择：{expected_tags}。"),
    "union_tag_not_found": Bilingual("Say which kind this is.", "请注明类型。"),
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "too_short": Bilingual("At least {min_length} entries.", "至少 {min_length} 项。"),
    "too_long": Bilingual("At most {max_length} entries.", "至多 {max_length} 项。"),
    "each_once": Bilingual("Name each one once.", "每项只列一次。"),
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
}


def invalid_input(errors: Sequence[Any]) -> Invalid:
    """An Invalid refusal for what `ValidationError.errors()` or FastAPI's `RequestValidationError.errors()` returns.

    Its member `errors` has up to 20 entries {in, pointer, code, message, message_zh}: `in` is body, query, path,
    header or cookie; `pointer` a JSON Pointer (RFC 6901) into it. `errors_more` counts the rest.
    """
    shown: list[dict[str, str]] = []
    for error in errors[:ERRORS_MAX]:
        place, pointer = _where(error["loc"])
        message = sentence(error["type"], error.get("ctx") or {})
        shown.append(
            {"in": place, "pointer": pointer, "code": error["type"], "message": message.en, "message_zh": message.zh}
        )
    return Invalid(errors=shown, errors_more=max(0, len(errors) - ERRORS_MAX) or None)


def sentence(kind: str, declared: Mapping[str, Any]) -> Bilingual:
    """What is wrong, by pydantic's kind of error and the context it gives; a general sentence for an unknown kind."""
    template = SENTENCES.get(kind, _OTHER)
    try:
        return Bilingual(template.en.format_map(declared), template.zh.format_map(declared))
    except KeyError:  # a custom error of a known kind that comes without its context
        return _OTHER


def _where(loc: Iterable[int | str]) -> tuple[str, str]:
    parts = list(loc)
    place = str(parts.pop(0)) if parts and parts[0] in _PLACES else "body"
    if parts and isinstance(parts[0], int) and place == "body" and len(parts) == 1:
        parts = []  # a JSON syntax error is located by its offset in the text, which is not a place in the document
    return place, "".join(f"/{part if _showable(part) else '*'}" for part in parts)


def _showable(part: int | str) -> bool:
    return isinstance(part, int) or _FIELD_NAME.fullmatch(part) is not None
