"""A trivial echo behind Kafka: what as many records of the same size take out and back when nobody looks into them."""

import multiprocessing
import time
from multiprocessing.synchronize import Event
from typing import Final

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # the stub hides it

OUT, BACK = "bench.echo-out", "bench.echo-back"
PARTITIONS: Final = 12
OUT_BYTES, BACK_BYTES = 900, 400  # what an instruction and a result take, headers included
AT_ONCE: Final = 1_000
_WAIT_S: Final = 60.0


def echo_everything(bootstrap: str, records: int) -> float:
    """Records per second from the first sent to the last that came back."""
    admin = AdminClient({"bootstrap.servers": bootstrap})  # named: its answers die with it
    for made in admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in (OUT, BACK)]).values():
        made.result()
    processes = multiprocessing.get_context("spawn")
    listens = processes.Event()
    echo = processes.Process(target=_echo, args=(bootstrap, records, listens), daemon=True)
    echo.start()
    if not listens.wait(_WAIT_S):  # its start is no part of what is measured
        raise RuntimeError("the echo did not start")
    came_back = _reader(bootstrap, BACK)
    producer, value = _writer(bootstrap), b"x" * OUT_BYTES
    began = time.perf_counter()
    taken = 0
    for number in range(records):
        producer.produce(OUT, key=b"%d" % number, value=value)
        if number % AT_ONCE == 0:
            producer.poll(0)
            taken += len(came_back.consume(AT_ONCE, 0.0))
    producer.flush(_WAIT_S)
    give_up = time.perf_counter() + _WAIT_S
    while taken < records:
        taken += len(came_back.consume(AT_ONCE, 0.1))
        if time.perf_counter() > give_up:
            raise RuntimeError(f"only {taken} of {records} records came back")
    seconds = time.perf_counter() - began
    came_back.close()
    echo.join(_WAIT_S)
    return records / seconds


def _echo(bootstrap: str, records: int, listens: Event) -> None:
    comes, producer, value = _reader(bootstrap, OUT), _writer(bootstrap), b"x" * BACK_BYTES
    listens.set()
    taken = 0
    while taken < records:
        for message in comes.consume(AT_ONCE, 0.1):
            producer.produce(BACK, key=message.key(), value=value)
            taken += 1
        producer.poll(0)
    producer.flush(_WAIT_S)
    comes.close()


def _writer(bootstrap: str) -> Producer:
    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 2,
            "compression.type": "none",
            "queue.buffering.max.messages": 1_000_000,
        }
    )


def _reader(bootstrap: str, topic: str) -> Consumer:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"bench-{topic}", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    return consumer
