"""People of the story and their requests: a token each, an Idempotency-Key per click, If-Match for every change."""

import asyncio
import uuid
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar

import httpx2
from pydantic import BaseModel, ValidationError

from devkit.bank_process import BankProcess
from devkit.story.answers import BankBook, Page
from devkit.story.county import JIZE
from qingdan.divisions import DivisionCode
from runtime.kafka_settings import KafkaConnection

IN_FLIGHT_MAX: Final = 12
TIMEOUT_S: Final = 20.0
ATTEMPTS_MAX: Final = 6
PAUSE_S: Final = 0.2  # before a repeated click, unless the service names a pause
PAGE: Final = 200
MERELY_LATE: Final = (429, 503)

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class StoryError(RuntimeError):
    """The story cannot go on; `service` is whose log to look at."""

    def __init__(self, said: str, *, service: str | None = None) -> None:
        super().__init__(said)
        self.service = service


class RefusedError(StoryError):
    """A service said no, with a problem document (RFC 9457)."""

    def __init__(self, said: str, service: str, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(said, service=service)
        self.status = status
        self.problem = problem

    @property
    def kind(self) -> str:
        """The end of the problem's type, as in `not-on-the-list`."""
        return str(self.problem.get("type", "")).rpartition(":")[2]


class Place(Protocol):
    """Where the services are and who gives out tokens; a running Stack is one."""

    @property
    def services(self) -> tuple[str, ...]: ...
    def url(self, service: str) -> str: ...
    def kafka_as(self, principal: str) -> KafkaConnection: ...
    def token(self, role: str, division: str | None = None, department: str | None = None) -> str: ...
    def bank_book(self) -> BankBook: ...
    @property
    def bank(self) -> BankProcess: ...


@dataclass(frozen=True, slots=True)
class Answered:
    """A success: its body, and the version that the entity tag names."""

    body: bytes
    version: int

    def read(self, model: type[M]) -> M:
        return model.model_validate_json(self.body)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a token, at a desk or with a phone."""

    name: str
    token: str
    urls: Mapping[str, str]
    http: httpx2.AsyncClient
    turns: asyncio.Semaphore

    async def create(self, service: str, path: str, body: BaseModel | Mapping[str, Any]) -> Answered:
        """POST what does not exist yet. Raises RefusedError, StoryError."""
        return await self._command(service, path, body, {})

    async def change(
        self, service: str, path: str, version: int, body: BaseModel | Mapping[str, Any] | None = None
    ) -> Answered:
        """POST to what exists, as it was when last read. Raises RefusedError, StoryError."""
        return await self._command(service, path, body or {}, {"If-Match": f'"{version}"'})

    async def get(self, service: str, path: str, model: type[M], **query: str | int) -> M:
        """Raises RefusedError, StoryError."""
        answer = await self._send("GET", service, path, {}, params=query)
        try:
            return model.model_validate_json(answer.content)
        except ValidationError as error:
            raise StoryError(
                f"{service} answered GET {path} in a form unknown here: {error}", service=service
            ) from None

    async def read(self, service: str, path: str, **query: str | int) -> bytes:
        """A page or a file as it is. Raises RefusedError, StoryError."""
        return (await self._send("GET", service, path, {}, params=query)).content

    async def pages(self, service: str, path: str, model: type[M], **query: str) -> list[M]:
        """All items of a list, page by page. Raises RefusedError, StoryError."""
        page_of_models = Page[model]  # type: ignore[valid-type]
        page: Page[M] = await self.get(service, path, page_of_models, limit=PAGE, **query)
        items = [*page.items]
        while page.next is not None:
            page = await self.get(service, path, page_of_models, limit=PAGE, after=page.next, **query)
            items += page.items
        return items

    async def _command(
        self, service: str, path: str, body: BaseModel | Mapping[str, Any], headers: Mapping[str, str]
    ) -> Answered:
        content = body.model_dump(mode="json") if isinstance(body, BaseModel) else dict(body)
        headers = {**headers, "Idempotency-Key": str(uuid.uuid4())}
        answer = await self._send("POST", service, path, headers, json=content)
        tag = answer.headers.get("etag", '"0"').strip('"')
        return Answered(answer.content, int(tag))

    async def _send(
        self, method: str, service: str, path: str, headers: Mapping[str, str], **what: Any
    ) -> httpx2.Response:
        """Send, and send the same again when the service is merely late: the key makes that harmless."""
        asked = f"{method} {path} of {self.name}"
        headers = {**headers, "Authorization": f"Bearer {self.token}"}
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                async with self.turns:
                    answer = await self.http.request(method, self.urls[service] + path, headers=headers, **what)
            except httpx2.TransportError as error:
                if attempt == ATTEMPTS_MAX:
                    reason = f"{type(error).__name__} {error}".strip()
                    raise StoryError(f"{service} gave no answer to {asked}: {reason}", service=service) from None
                await asyncio.sleep(PAUSE_S * attempt)
                continue
            if answer.status_code not in MERELY_LATE or attempt == ATTEMPTS_MAX:
                break
            await asyncio.sleep(float(answer.headers.get("retry-after", PAUSE_S)))
        if answer.is_success:
            return answer
        raise _refused(service, asked, answer)


def _refused(service: str, asked: str, answer: httpx2.Response) -> RefusedError:
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    problem = problem if isinstance(problem, dict) else {}
    said = " ".join(str(problem[name]) for name in ("title_en", "title_zh", "errors") if problem.get(name))
    sentence = f"{service} answered {answer.status_code} to {asked}: {said or answer.text[:300] or 'nothing'}"
    return RefusedError(sentence, service, answer.status_code, problem)


@dataclass(slots=True)
class People:
    """Everybody in the story. `async with People(stack) as people`."""

    place: Place
    at_once_max: int = IN_FLIGHT_MAX
    _known: dict[tuple[str, str | None, str | None], Person] = field(default_factory=dict)
    _http: httpx2.AsyncClient = field(init=False)
    _turns: asyncio.Semaphore = field(init=False)

    async def __aenter__(self) -> Self:
        limits = httpx2.Limits(max_connections=self.at_once_max, max_keepalive_connections=self.at_once_max)
        self._http = httpx2.AsyncClient(limits=limits, timeout=TIMEOUT_S, trust_env=False)
        self._turns = asyncio.Semaphore(self.at_once_max)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    @property
    def operator(self) -> Person:
        return self._person("operator")

    @property
    def auditor(self) -> Person:
        return self._person("auditor")

    def auditor_of(self, division: DivisionCode) -> Person:
        return self._person("auditor", division)

    def county_staff(self, county: DivisionCode) -> Person:
        return self._person("town_staff", county)

    def sign_approver(self, county: DivisionCode) -> Person:
        return self._person("sign_approver", county)

    def finance_preparer(self, county: DivisionCode) -> Person:
        return self._person("finance_preparer", county)

    def finance_approver(self, county: DivisionCode) -> Person:
        return self._person("finance_approver", county)

    def town_staff(self, town: DivisionCode) -> Person:
        return self._person("town_staff", town)

    def supervisor(self, town: DivisionCode) -> Person:
        return self._person("supervisor", town)

    def cadre(self, village: DivisionCode) -> Person:
        return self._person("village_cadre", village)

    def department(self, code: str, county: DivisionCode = JIZE) -> Person:
        return self._person("department_staff", county, code)

    def access_approver(self, department: str, county: DivisionCode) -> Person:
        return self._person("access_approver", county, department)

    def access_checker(self, department: str, county: DivisionCode) -> Person:
        """A colleague of the department's approver: a second opinion is another person's."""
        return self._person("access_checker", county, department)

    def _person(self, role: str, division: DivisionCode | None = None, department: str | None = None) -> Person:
        key = (role, division, department)
        if key not in self._known:
            name = " ".join(word for word in (role, division and f"of {division}", department) if word)
            urls = {service: self.place.url(service) for service in self.place.services}
            token = self.place.token(role, division, department)
            self._known[key] = Person(name, token, urls, self._http, self._turns)
        return self._known[key]


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Everybody at the same time; the first who fails ends it for all, with that error."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except ExceptionGroup as failed:
        raise _first(failed) from None
    return [task.result() for task in tasks]


def _first(failed: BaseException) -> BaseException:
    return _first(failed.exceptions[0]) if isinstance(failed, BaseExceptionGroup) else failed
