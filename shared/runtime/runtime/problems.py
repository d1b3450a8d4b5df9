"""Refusals: what the platform says no to, each with its sentence in English and Chinese (RFC 9457)."""

import re
from collections.abc import Mapping
from typing import ClassVar, Literal, NamedTuple

Language = Literal["en", "zh"]

URN = "urn:qingdan:problem:"

# Where an English sentence ends and Chinese begins: the last full stop before the first Chinese character,
# so that a Chinese sentence may open with a Latin word ("If-Match 头缺失。").
_CJK = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_BILINGUAL = re.compile(rf"(?P<en>[^{_CJK}]*[^{_CJK}\s][.?!]) (?P<zh>.*[\u4e00-\u9fff].*[。？！])", re.DOTALL)
_GAP_IN_CHINESE = re.compile(rf"(?<=[{_CJK}]) (?=[{_CJK}])")  # a docstring's line break falls between two characters
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Bilingual(NamedTuple):
    """One sentence or more, said in both languages."""

    en: str
    zh: str


class Wording(NamedTuple):
    """What a refusal says: the title, and in a second paragraph what the asker can do about it."""

    title: Bilingual
    remedy: Bilingual | None


class Refusal(Exception):
    """The platform does not do this. 平台不予办理。"""

    # A refusal is declared by subclassing: the docstring is the sentence shown, a second paragraph says what to do
    # next, `status` is the HTTP status. Keyword arguments become members of the problem document: they are read by
    # machines, and never hold personal data.

    wording: ClassVar[Wording]
    status: ClassVar[int] = 400
    retry_after_s: ClassVar[int | None] = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.wording = wording_of(cls)  # a refusal that cannot be shown fails when it is written, not when it is raised
        if not 400 <= cls.status <= 599:
            raise TypeError(f"{cls.__name__}.status is {cls.status}: a refusal has a status from 400 to 599")

    def __init__(self, **details: object) -> None:
        if reserved := RESERVED.intersection(details):
            raise TypeError(f"{type(self).__name__}: {sorted(reserved)} belong to the problem document; rename them")
        super().__init__(self.wording.title.en)
        self.details: Mapping[str, object] = details

    @property
    def headers(self) -> dict[str, str]:
        """HTTP response headers that belong to this refusal."""
        return {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}


RESERVED = frozenset(
    {"type", "title", "title_en", "title_zh", "status", "detail", "detail_en", "detail_zh", "instance"}
)


def wording_of(refusal: type[Refusal]) -> Wording:
    """Take a refusal's docstring apart.

    Raises TypeError when it is not "English sentence. 中文句子。" with at most one more paragraph of that shape.
    """
    paragraphs = [" ".join(paragraph.split()) for paragraph in (refusal.__doc__ or "").strip().split("\n\n")]
    said = [_bilingual(paragraph) for paragraph in paragraphs]
    title, remedy = (*said, None)[:2]
    if title is None or None in said or len(said) > 2:
        raise TypeError(
            f'{refusal.__module__}.{refusal.__qualname__}: its docstring is shown to people; write "English sentence. '
            '中文句子。", and what to do about it in at most one more paragraph of the same shape'
        )
    return Wording(title, remedy)


def problem_type(refusal: type[Refusal]) -> str:
    """The problem's URI: ShareAlreadyClaimed -> urn:qingdan:problem:share-already-claimed."""
    return URN + _HUMP.sub("-", refusal.__name__).lower()


def problem_document(refusal: Refusal, *, language: Language = "en", trace_id: str | None = None) -> dict[str, object]:
    """The RFC 9457 document of a refusal.

    `title` and `detail` are in the language asked for; both languages are always there as well (`title_en`,
    `title_zh`, ...). `instance` names the trace, so that an operator finds what happened. A member whose value is
    None is left out.
    """
    title, remedy = refusal.wording
    document: dict[str, object] = {
        "type": problem_type(type(refusal)),
        "title": getattr(title, language),
        "title_en": title.en,
        "title_zh": title.zh,
        "status": refusal.status,
    }
    if remedy is not None:
        document |= {"detail": getattr(remedy, language), "detail_en": remedy.en, "detail_zh": remedy.zh}
    if trace_id is not None:
        document["instance"] = f"urn:trace:{trace_id}"
    return document | {name: value for name, value in refusal.details.items() if value is not None}


def language_for(accept_language: str | None) -> Language:
    """Which of the two languages an Accept-Language header prefers (RFC 9110, 12.5.4); English if neither."""
    best: tuple[float, Language] = (0.0, "en")
    for choice in (accept_language or "")[:200].split(","):
        tag, _, parameter = choice.strip().lower().partition(";")
        primary = tag.strip().partition("-")[0]
        try:
            quality = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if primary in ("en", "zh") and best[0] < quality <= 1.0:
            best = (quality, "en" if primary == "en" else "zh")
    return best[1]


def _bilingual(paragraph: str) -> Bilingual | None:
    match = _BILINGUAL.fullmatch(paragraph)
    return match and Bilingual(match["en"], _GAP_IN_CHINESE.sub("", match["zh"]))


Refusal.wording = wording_of(Refusal)


class Unauthenticated(Refusal):
    """You are not signed in, or your token is not accepted. 尚未登录，或令牌不被接受。

    Sign in again and send the new token. 请重新登录并使用新的令牌。
    """

    status = 401

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": 'Bearer realm="qingdan", error="invalid_token"'}


class Forbidden(Refusal):
    """Your role or your division does not allow this. 您的角色或辖区无权进行此操作。"""

    status = 403


class NotFound(Refusal):
    """There is no such thing here, or you may not see it. 没有找到，或您无权查看。"""

    status = 404


class MethodNotAllowed(Refusal):
    """This address does not take this method. 该地址不支持此方法。"""

    status = 405


class Conflict(Refusal):
    """This does not fit what has happened in the meantime. 与现有状态冲突。

    Read it again, then decide. 请重新读取后再决定。
    """

    status = 409


class StaleVersion(Refusal):
    """Somebody else has changed this since you read it. 在您读取之后，内容已被他人更改。

    Read it again and repeat with its new version in If-Match. 请重新读取，并在 If-Match 中使用新的版本号。
    """

    status = 412


class BodyTooLarge(Refusal):
    """What you sent is too large. 提交的内容过大。"""

    status = 413


class AddressTooLong(Refusal):
    """The address is too long. 请求地址过长。"""

    status = 414


class UnsupportedMediaType(Refusal):
    """Send JSON: the content type must be application/json. 请发送 JSON，内容类型须为 application/json。"""

    status = 415


class Malformed(Refusal):
    """The request cannot be read. 无法读取请求。"""

    status = 400


class Invalid(Refusal):
    """Some of what you sent is not valid. 提交的内容有误。

    Each entry of errors points to one place. errors 中的每一项指出一处。
    """

    status = 422


class KeyReused(Refusal):
    """This Idempotency-Key was used before with another content. 该 Idempotency-Key 已用于其他内容。

    Use a new key for a new command. 新的指令请使用新的键。
    """

    status = 422


class PreconditionRequired(Refusal):
    """Say which version you are changing, in If-Match. 请在 If-Match 中说明所更改的版本。"""

    status = 428


class TooManyRequests(Refusal):
    """You are asking too often. 请求过于频繁。

    Wait as long as Retry-After says. 请按 Retry-After 的时间等候。
    """

    status = 429
    retry_after_s = 5


class HeadersTooLarge(Refusal):
    """The request's headers are too large. 请求头过大。"""

    status = 431


class Internal(Refusal):
    """Something went wrong on our side. 系统内部出错。

    Repeat the same request with the same Idempotency-Key; if it fails again, tell the operator the instance.
    请使用同一 Idempotency-Key 重复同一请求；若仍失败，请将 instance 告知运维人员。
    """

    status = 500


class Overloaded(Refusal):
    """There is too much to do just now. 系统繁忙。

    Repeat the same request, with the same Idempotency-Key, after the time in Retry-After.
    请在 Retry-After 的时间之后，使用同一 Idempotency-Key 重复同一请求。
    """

    status = 503
    retry_after_s = 1


class DependencyUnavailable(Refusal):
    """A part of the system cannot be reached just now. 系统的某一部分暂时无法访问。

    Repeat the same request, with the same Idempotency-Key, after the time in Retry-After.
    请在 Retry-After 的时间之后，使用同一 Idempotency-Key 重复同一请求。
    """

    status = 503
    retry_after_s = 2
