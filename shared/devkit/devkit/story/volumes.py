"""How much there is on topics that are not public, asked by those who may see them: each party its own."""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaConsumer

from devkit.story.client import Place
from devkit.story.fengshan import BY_EVENT
from devkit.story.subscriber import count_records
from qingdan.topics import RECORDS_FACTS, RECORDS_IDENTITIES, Topic, in_access, in_bank, to_bank

BANK: Final = "AJRCB"
SEEN_BY: Final[dict[str, tuple[Topic, ...]]] = {
    "records": (RECORDS_FACTS, RECORDS_IDENTITIES),
    f"bank:{BANK.lower()}": (in_bank(BANK), to_bank(BANK)),
    **{f"department:{code.lower()}": (in_access(code),) for code in BY_EVENT},
}


class Volumes:
    """`async with Volumes(place) as volumes`; nobody reads a record, they only ask where topics begin and end."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._open = AsyncExitStack()
        self._asked: list[tuple[AIOKafkaConsumer, dict[str, str]]] = []

    async def __aenter__(self) -> Self:
        for principal, topics in SEEN_BY.items():
            connection = self._place.kafka_as(principal)
            consumer = AIOKafkaConsumer(**connection.for_aiokafka(), enable_auto_commit=False)
            await consumer.start()
            self._open.push_async_callback(consumer.stop)
            self._asked.append((consumer, {f"{connection.topic_prefix}{topic.name}": topic.name for topic in topics}))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def records(self) -> dict[str, int]:
        """How many records each of these topics holds now, by its name in the registry."""
        found: dict[str, int] = {}
        for consumer, names in self._asked:
            found |= await count_records(consumer, names)
        return found
