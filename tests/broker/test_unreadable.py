"""A record that the client library cannot read stops its own partition loudly, and takes no other record with it."""

import struct

from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c

from devkit.eventually import eventually
from tests.broker.broker import Raw, record_of
from tests.broker.stage import Stage, assert_applied_once_in_order, some_tasks, step_event

_CRC_AT, _CHECKED_FROM = 17, 21  # in a record batch of version 2 (Kafka's documentation, "Record Batch")


async def test_a_header_name_that_is_not_utf8_holds_only_its_partition(stage: Stage) -> None:
    ill, *healthy = some_tasks(7)
    await _send_with_unreadable_header_name(stage, record_of(step_event(ill, 1)), partition=0)
    for step in (1, 2, 3):
        stage.broker.send([record_of(step_event(task, step)) for task in healthy[:3]], partition=1)
        stage.broker.send([record_of(step_event(task, step)) for task in healthy[3:]], partition=2)
    probe = stage.probe()
    probe.start(wait_ready=False)

    async def applied() -> bool:
        return await probe.value("SELECT count(*) FROM effect") == 3 * len(healthy)

    await eventually(applied)
    await assert_applied_once_in_order(probe, dict.fromkeys(healthy, 3))
    await eventually(lambda: "no client can read" in probe.process.log_tail(60))
    assert probe.process.probe("/readyz").startswith("503")
    assert probe.process.probe("/livez").startswith("204")
    assert stage.broker.committed().get(0, 0) <= 0  # it is not passed over


async def _send_with_unreadable_header_name(stage: Stage, record: Raw, *, partition: int) -> None:
    """No Python client lets one write such a name, so it is put into the finished batch, with a new checksum."""
    producer = AIOKafkaProducer(bootstrap_servers=stage.broker.bootstrap, acks="all")
    await producer.start()
    try:
        batch = producer.create_batch()
        headers = [*record.headers, ("zzzz", b"1")]
        batch.append(timestamp=None, key=record.key, value=record.value, headers=headers)
        built = bytearray(batch._build())
        assert built.count(b"zzzz") == 1
        built[:] = built.replace(b"zzzz", b"\xff\xfe\xfd\xfc")
        built[_CRC_AT:_CHECKED_FROM] = struct.pack(">I", calc_crc32c(bytes(built[_CHECKED_FROM:])))
        batch._buffer = bytes(built)
        await (await producer.send_batch(batch, stage.broker.topic_name, partition=partition))
    finally:
        await producer.stop()
