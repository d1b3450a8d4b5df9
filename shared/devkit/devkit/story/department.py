"""A department that speaks by event: it applies for access on the topic that is its own."""

from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaProducer

from qingdan.access_events import AccessApplied
from qingdan.envelope import Envelope, party_source, to_record
from runtime.clock import utcnow
from runtime.ids import new_id
from runtime.kafka_settings import KafkaConnection


class Department:
    """`async with Department(…) as department`: what it says has reached the broker when `apply` returns."""

    def __init__(self, connection: KafkaConnection, code: str) -> None:
        self.code = code
        self._prefix = connection.topic_prefix
        self._producer = AIOKafkaProducer(**connection.for_aiokafka(), acks="all", enable_idempotence=True)

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def apply(self, applied: AccessApplied) -> None:
        """Tell `in.access.<department>.v1`. Raises aiokafka's KafkaError."""
        source = party_source(f"department:{self.code.lower()}")
        record = to_record(Envelope.of(applied, id=str(new_id()), source=source, time=utcnow()))
        await self._producer.send_and_wait(
            f"{self._prefix}{record.topic}", key=record.key, value=record.value, headers=record.headers
        )
