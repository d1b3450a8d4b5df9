"""Load from inside the cluster while it is being disturbed: every answer counts, and every event is looked for.

Each request has a connection of its own and is sent once: nothing is hidden by trying again. A command's event is known
by what the answer says, and must be heard, once, when all is over.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
from aiokafka import AIOKafkaConsumer, TopicPartition

from devkit.bank.settings import Behaviour
from devkit.cluster.place import ClusterPlace
from devkit.dev_users import COUNTY
from devkit.story.county import DAFANG
from devkit.story.dafang import XIEDU
from devkit.story.subscriber import SCREEN
from qingdan.envelope import from_record
from qingdan.topics import INSPECTION, SIGNAGE, TASKS
from runtime.ids import new_id

REQUEST_S: Final = 20.0
PAUSE_S: Final = 0.05
HEARD_S: Final = 60.0
FAILURES_SHOWN_MAX: Final = 5
MONTH: Final = "2031-01-01"
"""Budgets of a month so far away that nobody is bound by them."""
TOPICS: Final = {TASKS: "budget.changed.v1", INSPECTION: "difficulty.raised.v1", SIGNAGE: "sign.refused.v1"}


@dataclass(slots=True)
class Answers:
    """What one kind of request came to. `events`: what must be heard of, by what its event says."""

    answered: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    slowest_ms: float = 0.0
    events: set[str] = field(default_factory=set)


def main(stop: Path) -> int:
    """Send until the file `stop` is there, then look for every event; prints one line of JSON. 1 when something failed.

    Raises KeyError for a variable that is missing.
    """
    said = asyncio.run(_work(ClusterPlace.of_environment(Behaviour()), stop))
    print(json.dumps(said, ensure_ascii=False), flush=True)
    return 0 if not said["failed"] and not said["lost"] and not said["doubled"] else 1


async def _work(place: ClusterPlace, stop: Path) -> dict[str, Any]:
    consumer = AIOKafkaConsumer(**place.kafka_as(SCREEN.name).for_aiokafka(), enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic.name, n) for topic in TOPICS for n in range(topic.partitions)]
        consumer.assign(partitions)
        begun_at = await consumer.end_offsets(partitions)
        for partition, offset in begun_at.items():
            consumer.seek(partition, offset)
        print("started", flush=True)
        kinds = {name: Answers() for name in REQUESTS}
        senders = [_send_until(place, stop.exists, send, kinds[name]) for name, send in REQUESTS.items()]
        await asyncio.gather(*senders)
        expected = Counter(event for answers in kinds.values() for event in answers.events)
        heard = await _hear(consumer, set(expected))
    finally:
        await consumer.stop()
    return {
        "answered": sum(answers.answered for answers in kinds.values()),
        "failed": sum(answers.failed for answers in kinds.values()),
        "lost": sorted(expected.keys() - heard.keys()),
        "doubled": sorted(event for event, ids in heard.items() if len(ids) > 1 and event in expected),
        "events": len(expected),
        "slowest_ms": round(max(answers.slowest_ms for answers in kinds.values())),
        "failures": [failure for answers in kinds.values() for failure in answers.failures],
        "by_kind": {name: [answers.answered, answers.failed] for name, answers in kinds.items()},
    }


async def _send_until(place: ClusterPlace, over: Callable[[], bool], send: "Send", answers: Answers) -> None:
    number = 0
    while not over():
        number += 1
        began = time.monotonic()
        try:
            async with httpx2.AsyncClient(timeout=REQUEST_S) as http:
                event = await send(place, http, number)
        except (httpx2.HTTPError, ValueError) as error:
            answers.failed += 1
            if len(answers.failures) < FAILURES_SHOWN_MAX:
                answers.failures.append(f"{time.strftime('%H:%M:%S')} {type(error).__name__}: {error}")
        else:
            answers.answered += 1
            if event is not None:
                answers.events.add(event)
        answers.slowest_ms = max(answers.slowest_ms, (time.monotonic() - began) * 1000)
        await asyncio.sleep(PAUSE_S)


async def _hear(consumer: AIOKafkaConsumer, expected: set[str]) -> dict[str, set[str]]:
    """By what an event says, the ids under which it was heard; until all are, or for HEARD_S."""
    heard: dict[str, set[str]] = {}
    deadline = time.monotonic() + HEARD_S
    while not expected <= heard.keys() and time.monotonic() < deadline:
        for partition, records in (await consumer.getmany(timeout_ms=500)).items():
            for record in records:
                event = from_record(partition.topic, record.key, record.value, record.headers)
                heard.setdefault(_said(event.data.model_dump(mode="json")), set()).add(event.id)
    return heard


def _said(body: dict[str, Any]) -> str:
    """What tells one command's event from another's."""
    of = {"budget.changed.v1": "hours_per_village", "difficulty.raised.v1": "difficulty", "sign.refused.v1": "sign"}
    kind = str(body.get("type", ""))
    return f"{kind} {body[of[kind]]}" if kind in of else kind


Send = Callable[[ClusterPlace, httpx2.AsyncClient, int], Awaitable[str | None]]


async def _budget(place: ClusterPlace, http: httpx2.AsyncClient, number: int) -> str:
    body = {"division": COUNTY, "from_month": MONTH, "hours_per_village": number}
    await _post(place, http, "tasks", "/v1/budgets", body, place.token("operator", COUNTY))
    return f"budget.changed.v1 {number}"


async def _difficulty(place: ClusterPlace, http: httpx2.AsyncClient, number: int) -> str:
    body = {"category": "other", "text": f"负载中的第{number}个困难"}
    said = await _post(place, http, "inspection", "/v1/difficulties", body, place.token("village_cadre"))
    return f"difficulty.raised.v1 {said['difficulty']}"


async def _sign(place: ClusterPlace, http: httpx2.AsyncClient, number: int) -> str:
    body = {"village": XIEDU, "wording": f"负载中的第{number}块牌子", "position": "outside_vertical"}
    token = place.token("department_staff", DAFANG)
    said = await _post(place, http, "signage", "/v1/signs/requests", body, token, refused=True)
    return f"sign.refused.v1 {said['sign']}"


async def _subsidies(place: ClusterPlace, http: httpx2.AsyncClient, number: int) -> None:  # noqa: ARG001 - reads only
    await _get(place, http, "subsidy", "/v1/runs", place.token("auditor"))


REQUESTS: Final[dict[str, Send]] = {
    "tasks": _budget,
    "inspection": _difficulty,
    "signage": _sign,
    "subsidy": _subsidies,
}


async def _post(
    place: ClusterPlace,
    http: httpx2.AsyncClient,
    service: str,
    path: str,
    body: dict[str, Any],
    token: str,
    *,
    refused: bool = False,
) -> dict[str, Any]:
    """Raises ValueError for any other answer than success, or than the refusal that is expected."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(new_id()), "Connection": "close"}
    answer = await http.post(place.url(service) + path, json=body, headers=headers)
    if not (answer.is_success or (refused and answer.status_code < 500 and "sign" in answer.json())):
        raise ValueError(f"{service} answered {answer.status_code}: {answer.text[:200]}")
    return dict(answer.json())


async def _get(place: ClusterPlace, http: httpx2.AsyncClient, service: str, path: str, token: str) -> None:
    answer = await http.get(
        place.url(service) + path, headers={"Authorization": f"Bearer {token}", "Connection": "close"}
    )
    if not answer.is_success:
        raise ValueError(f"{service} answered {answer.status_code}: {answer.text[:200]}")
