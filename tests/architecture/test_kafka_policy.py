"""Nothing consumes or publishes beside runtime's one wrapper and its relay: no other way of acknowledging is safe."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.conftest import ROOT, THE_SERVICES, calls_of, imports_of, named, python_files, service_files

RUNTIME = ROOT / "shared" / "runtime" / "runtime"
CLIENTS = {"faststream", "aiokafka", "confluent_kafka", "kafka"}
CONSUMING = re.compile(r"(^|\.)(KafkaBroker|KafkaRouter|AIOKafkaConsumer|Consumer|subscriber)$")
PRODUCING = re.compile(r"(^|\.)(AIOKafkaProducer|KafkaProducer|Producer|SerializingProducer)$")
PUBLISHING = re.compile(r"(^|\.)publisher$|(broker|router|publisher|subscriber)\w*\.(publish|publish_batch|request)$")
CONSUMER_OF_OURS = "runtime.consumer.Consumer"  # of the same name as confluent's, and no client


def offences(name: str, source: str) -> list[str]:
    """What a file of runtime or of a service does with Kafka that is the business of another file."""
    tree = ast.parse(source)
    imports, calls = imports_of(tree), set(calls_of(tree))
    found = []
    if name != "runtime/kafka.py":
        consuming = {call for call in calls if CONSUMING.search(call)}
        consuming -= {"Consumer"} if CONSUMER_OF_OURS in imports else set()
        found += [f"{call}: only runtime/kafka.py consumes; use runtime.kafka.subscribe" for call in sorted(consuming)]
    if name != "runtime/producer.py":
        producing = sorted(call for call in calls if PRODUCING.search(call))
        found += [f"{call}: only runtime/producer.py makes producers; use runtime.outbox.append" for call in producing]
    publishing = sorted(call for call in calls if PUBLISHING.search(call))
    found += [f"{call}: what is published beside the outbox is lost or doubled; append" for call in publishing]
    if not name.startswith("runtime/"):
        clients = sorted({each.split(".")[0] for each in imports} & CLIENTS)
        found += [
            f"{client}: a service knows no Kafka client; runtime.kafka and runtime.outbox do" for client in clients
        ]
        wrapper = {each for each in imports if each.startswith("runtime.kafka.")} - {
            "runtime.kafka.subscribe",
            "runtime.kafka.subscribe_each",
            "runtime.kafka.Subscription",
        }
        found += [f"{each}: of runtime.kafka a service uses subscribe alone" for each in sorted(wrapper)]
    return found


FILES = [*python_files(RUNTIME), *service_files()]


def test_runtime_and_every_service_are_looked_at() -> None:
    assert {file.parent.name for file in FILES} >= {"runtime", *THE_SERVICES}
    assert {"kafka.py", "producer.py", "relay.py", "consumers.py"} <= {file.name for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=named)
def test_a_file_leaves_kafka_to_the_wrapper_and_the_relay(file: Path) -> None:
    assert offences(f"{file.parent.name}/{file.name}", file.read_text()) == []


@pytest.mark.parametrize("name", ["kafka.py", "producer.py"])
def test_the_one_consumer_and_the_one_producer_are_seen_where_they_belong(name: str) -> None:
    assert offences("runtime/elsewhere.py", (RUNTIME / name).read_text()) != []


PLANTED = [
    ("tasks/consumers.py", "@broker.subscriber('t')\nasync def f(): ...", "only runtime/kafka.py consumes"),
    ("tasks/consumers.py", "@router.subscriber\nasync def f(): ...", "only runtime/kafka.py consumes"),
    ("tasks/app.py", "from faststream.kafka import KafkaBroker\nb = KafkaBroker()", "only runtime/kafka.py consumes"),
    ("runtime/parts.py", "import aiokafka\nc = aiokafka.AIOKafkaConsumer()", "only runtime/kafka.py consumes"),
    ("runtime/relay.py", "from confluent_kafka import Consumer\nc = Consumer({})", "only runtime/kafka.py consumes"),
    ("runtime/relay.py", "from confluent_kafka import Producer\np = Producer({})", "only runtime/producer.py makes"),
    (
        "tasks/http.py",
        "from aiokafka import AIOKafkaProducer\np = AIOKafkaProducer()",
        "only runtime/producer.py makes",
    ),
    ("tasks/consumers.py", "@publisher\nasync def f(): ...", "beside the outbox"),
    ("tasks/consumers.py", "@broker.publisher('t')\nasync def f(): ...", "beside the outbox"),
    ("tasks/claim_task.py", "async def f():\n    await broker.publish(1)", "beside the outbox"),
    ("runtime/relay.py", "async def f(self):\n    await self._broker.publish_batch(1)", "beside the outbox"),
    ("tasks/claim_task.py", "from aiokafka.errors import KafkaError", "a service knows no Kafka client"),
    ("tasks/consumers.py", "from runtime.kafka import create_broker", "uses subscribe alone"),
]


@pytest.mark.parametrize(("name", "source", "said"), PLANTED)
def test_a_planted_offence_is_found(name: str, source: str, said: str) -> None:
    assert any(said in offence for offence in offences(name, source))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("tasks/consumers.py", "from runtime.kafka import subscribe\n@subscribe(T)\nasync def on_t(tx, run): ..."),
        ("tasks/publish_task.py", "event = task_rules.publish(task)"),
        ("runtime/parts.py", "from runtime.consumer import Consumer\nc = Consumer(1)"),
    ],
)
def test_what_is_allowed_is_no_offence(name: str, source: str) -> None:
    assert offences(name, source) == []
