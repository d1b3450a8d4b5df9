"""Create and delete the topics of the registry on a broker, one process or one test at a time under its own prefix."""

import asyncio
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiokafka.admin import AIOKafkaAdminClient

    from qingdan.topics import Topic

ALREADY_EXISTS = 36
VISIBLE_TIMEOUT_S = 20.0


async def create_topics(
    bootstrap: str, registry: Iterable["Topic"], prefix: str = "", *, partitions: int | None = None
) -> list[str]:
    """Create each topic, and the `.dlt` of those that are consumed, unless they are there,
    and wait until the broker shows them; returns their names.

    `partitions` replaces the registry's number, where a test wants few. Raises RuntimeError with the broker's reason.
    """
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # noqa: PLC0415

    from qingdan.topics import dead_letters  # noqa: PLC0415

    registry = tuple(registry)
    every = [*registry, *(dead_letters(topic) for topic in registry if topic.consumed)]
    wanted = [
        NewTopic(f"{prefix}{topic.name}", partitions or topic.partitions, 1, topic_configs=_settings(topic))
        for topic in every
    ]
    names = [topic.name for topic in wanted]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics(wanted)
        for name, code, reason in answer.topic_errors:
            if code not in (0, ALREADY_EXISTS):
                raise RuntimeError(f"topic {name} could not be created: {reason or code}")
        await _wait_until_visible(admin, names)
    finally:
        await admin.close()
    return names


async def delete_topics(bootstrap: str, prefix: str) -> list[str]:
    """Delete every topic whose name begins with `prefix`, which may not be empty; returns their names."""
    from aiokafka.admin import AIOKafkaAdminClient  # noqa: PLC0415

    if not prefix:
        raise ValueError("an empty prefix would delete every topic of the broker")
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        names = [name for name in await admin.list_topics() if name.startswith(prefix)]
        if names:
            await admin.delete_topics(names)
    finally:
        await admin.close()
    return names


async def metadata_answers(bootstrap: str, *, timeout_s: float = 5.0) -> bool:
    """Whether the broker tells of itself in its metadata."""
    from aiokafka.client import AIOKafkaClient  # noqa: PLC0415
    from aiokafka.errors import KafkaError  # noqa: PLC0415

    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    try:
        await asyncio.wait_for(client.bootstrap(), timeout_s)
        return bool(client.cluster.brokers())
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await client.close()


def _settings(topic: "Topic") -> dict[str, str]:
    return {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "retention.ms": str(-1 if topic.retention_ms is None else topic.retention_ms),
    }


async def _wait_until_visible(admin: "AIOKafkaAdminClient", names: list[str]) -> None:
    """The controller has created them; the broker, which clients ask, learns of it a moment later."""
    deadline = time.monotonic() + VISIBLE_TIMEOUT_S
    while True:
        described = await admin.describe_topics(names)
        pending = [
            topic["topic"]
            for topic in described
            if topic["error_code"] or any(partition["leader"] < 0 for partition in topic["partitions"])
        ]
        if not pending:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"topics without a leader after {VISIBLE_TIMEOUT_S:g} s: {', '.join(pending)}")
        await asyncio.sleep(0.02)
