"""A county whose processes are killed at named places and brought back, as an orchestrator would; people go on."""

import asyncio
import signal
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, Self

import asyncpg
import httpx2

from devkit.dev_users import COUNTRY
from devkit.eventually import eventually
from devkit.everybody import Request
from devkit.postgres import SUPERUSER
from devkit.stack import Stack
from devkit.story.reckoning import CONSUMED
from runtime.failpoints import Failpoint
from tests.broker.broker import Broker

DEATH_TIMEOUT_S: Final = 40.0
BEING_ENTERED = "urn:qingdan:problem:run-being-entered"
"""The month before is still becoming owed: another kind of later."""
PATIENCE_S: Final = 90.0
PAUSE_S: Final = 0.1

OF_A_CONSUMER: Final = tuple(place for place in Failpoint if place.startswith("consumer."))
OF_A_RELAY: Final = tuple(place for place in Failpoint if place.startswith("relay."))
OF_AN_API: Final = tuple(place for place in Failpoint if place.startswith("api."))
OF_A_WORK: Final = tuple(place for place in Failpoint if place.startswith("work."))


class Mortal(Protocol):
    """A process that can be armed, and dies of it."""

    def start(self, variables: dict[str, str] = ..., *, wait_ready: bool = ...) -> None: ...
    def wait_ended(self, timeout_s: float = ...) -> int | None: ...
    def is_alive(self) -> bool: ...
    def log_tail(self, lines: int = ...) -> str: ...


class Restartable(Protocol):
    """What is killed and started again, with what it has on its disk."""

    def kill(self) -> None: ...
    def start(self) -> None: ...


@dataclass(slots=True)
class County:
    """A running stack, and people who never give up."""

    stack: Stack
    deaths: list[str] = field(default_factory=list)
    _tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    _causing: list["asyncio.Future[object]"] = field(default_factory=list)
    _http: httpx2.AsyncClient = field(
        default_factory=lambda: httpx2.AsyncClient(
            timeout=20.0, limits=httpx2.Limits(max_connections=8), trust_env=False
        )
    )

    # -- people -------------------------------------------------------------------------------------------------------

    async def send(self, request: Request) -> Any:
        """The same request, under the same Idempotency-Key, until it is answered with yes.

        Raises AssertionError for any other answer than yes and "later".
        """
        headers = {
            "Authorization": f"Bearer {self.token(request.role, request.division)}",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        if request.version is not None:
            headers["If-Match"] = f'"{request.version}"'
        until = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            try:
                url = self.stack.url(request.service) + request.path
                answer = await self._http.post(url, json=request.body, headers=headers)
                if answer.status_code not in (429, 503) and answer.json().get("type") != BEING_ENTERED:
                    assert answer.is_success, f"{request.path}: {answer.status_code} {answer.text}"
                    return answer.json()
            except httpx2.TransportError:
                pass
            assert asyncio.get_running_loop().time() < until, f"{request.path} was never answered"
            await asyncio.sleep(PAUSE_S)

    async def ask(self, service: str, path: str, role: str = "auditor", division: str = COUNTRY) -> Any:
        """A query of a service that is up."""
        headers = {"Authorization": f"Bearer {self.token(role, division)}"}
        answer = await self._http.get(self.stack.url(service) + path, headers=headers)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def ask_patiently(self, service: str, path: str) -> Any:
        """The same of a service that may be down, until it answers. Raises AssertionError when it never does."""
        until = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            try:
                return await self.ask(service, path)
            except (httpx2.TransportError, AssertionError):
                assert asyncio.get_running_loop().time() < until, f"{path} was never answered"
            await asyncio.sleep(PAUSE_S)

    def token(self, role: str, division: str) -> str:
        if (role, division) not in self._tokens:
            self._tokens[role, division] = self.stack.token(role, division)
        return self._tokens[role, division]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for causing in self._causing:
            causing.cancel()
        await asyncio.gather(*self._causing, return_exceptions=True)
        await self._http.aclose()

    # -- deaths -------------------------------------------------------------------------------------------------------

    async def die_at_each(
        self, service: str, places: Sequence[Failpoint], cause: Callable[[], Awaitable[object]]
    ) -> None:
        """For each place: start the service armed, cause something, see it die there. Then bring it back for good.

        What one death leaves undone is under way when the next comes.
        """
        process = self.stack.process(service)
        await asyncio.to_thread(process.terminate)
        for place in places:
            await self._die(process, place, cause)
            await self.world_notices(service, process.pid)
            self.deaths.append(f"{service} at {place}")
        await asyncio.to_thread(process.start)

    async def bank_dies_at_each(self, places: Sequence[str], cause: Callable[[], Awaitable[object]]) -> None:
        """The same for the bank, which reads its topic without a group and holds no lease."""
        bank = self.stack.bank
        await asyncio.to_thread(bank.terminate)
        for place in places:
            await self._die(bank, place, cause)
            self.deaths.append(f"bank at {place}")
        await asyncio.to_thread(bank.start)

    async def _die(self, process: Mortal, place: str, cause: Callable[[], Awaitable[object]]) -> None:
        """`cause` may itself be cut off: whoever sends it sends it again, and it ends once the service is back."""
        await asyncio.to_thread(process.start, {"FAILPOINTS": f"{place}=kill"}, wait_ready=False)
        causing = asyncio.ensure_future(cause())
        try:
            await eventually(
                lambda: not process.is_alive(), timeout_s=DEATH_TIMEOUT_S, what=f"the process dies at {place}"
            )
        except AssertionError:
            causing.cancel()
            raise
        assert process.wait_ended() == -signal.SIGKILL, process.log_tail()
        self._causing.append(causing)

    async def dies(self, victim: str) -> None:
        """A service, the bank, Kafka or PostgreSQL is killed where it stands, and started again."""
        surroundings: dict[str, Restartable] = {
            "bank": self.stack.bank,
            "kafka": self.stack.kafka,
            "postgres": self.stack.postgres,
        }
        process = surroundings.get(victim)
        if process is None:
            service = self.stack.process(victim)
            await asyncio.to_thread(service.kill)
            assert service.wait_ended() == -signal.SIGKILL, service.log_tail()
            await self.world_notices(victim, service.pid)
            await asyncio.to_thread(service.start)
        else:
            await asyncio.to_thread(process.kill)
            await asyncio.to_thread(process.start)
        self.deaths.append(victim)

    async def caused(self) -> None:
        """Wait for everything that was cut off; raises what it raised."""
        await asyncio.gather(*self._causing)
        self._causing.clear()

    async def world_notices(self, service: str, pid: int) -> None:
        """Do at once what ten seconds do to a dead relay's leases, and forty-five to a dead consumer's session."""
        owner = f"%/{pid}/%"
        url = self.stack.postgres.url(SUPERUSER, self.stack.postgres.database(service).name)
        session = await asyncpg.connect(url)
        try:
            await session.execute("UPDATE relay_lane SET leased_until = '-infinity' WHERE owner LIKE $1", owner)
            await session.execute("DELETE FROM relay_owner WHERE owner LIKE $1", owner)
        finally:
            await session.close()
        for topic in CONSUMED[service]:
            broker = Broker(self.stack.bootstrap, self.stack.topic_prefix, topic.name, service)
            await asyncio.to_thread(broker.forget_members)

    # -- the end ------------------------------------------------------------------------------------------------------

    async def everything_is_told(self) -> None:
        """Outboxes empty, nothing parked, every audit chain closed and whole."""
        for service in self.stack.services:

            async def at_rest(service: str = service) -> bool:
                said = await self.ask(service, "/v1/invariants")
                assert said["events_parked"] == 0, said
                return not said["outbox_unpublished"] and not said["audit_unsealed"]

            await eventually(at_rest, timeout_s=60.0, what=f"{service} has told everything")
            assert (await self.ask(service, "/v1/audit/verification"))["holds"] is True
