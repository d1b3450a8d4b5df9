"""A hundred villages want one task at the same moment, over real sockets: one gets it, the others are told."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from devkit.issuer import Issuer
from devkit.pytest_plugin import MakeService
from tests.e2e.desk import Desk

COUNTY, TOWN = "130431000000", "130431105000"
VILLAGES = [f"130431105{number}" for number in range(301, 401)]
NOWHERE = "127.0.0.1:9"  # commands need no Kafka
CARE = {
    "item": "RA03",
    "department": "MZJ",
    "kind": "task",
    "title_zh": "独居老人入户巡访",
    "title_en": "Visit elderly people living alone",
    "villages": VILLAGES,
    "open_to": "first",
}
LIMIT = {"limit_working_days": 5}


@dataclass(frozen=True, slots=True)
class Try:
    """A village's request, as it goes over the wire."""

    village: str
    path: str
    body: dict[str, Any]
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]


@pytest.fixture
def desk(service_process: MakeService, issuer: Issuer) -> Iterator[Desk]:
    process = service_process("tasks", bootstrap=NOWHERE, extra={"PARTS": "http"})
    process.start()
    yield Desk(process.url, issuer)
    assert process.is_alive(), "the rush ended the process"


@pytest.fixture
def meeting(desk: Desk) -> str:
    """A work meeting of a township with a hundred villages more."""
    desk.furnish()
    named = [{"code": code, "name_zh": f"村{code}", "parent_code": TOWN} for code in VILLAGES]
    done(desk, "/divisions/import", {"divisions": named}, "operator")
    held = done(desk, "/meetings", {"division": TOWN, "held_on": "2021-01-05", "title": "部署会"}, "town_staff")
    return str(held["meeting"])


def done(desk: Desk, path: str, body: object, role: str) -> dict[str, Any]:
    answer = desk.post(path, body, desk.headers(role))
    assert answer.is_success, answer.text
    document: dict[str, Any] = answer.json()
    return document


def task_for_one(desk: Desk, meeting: str, number: int = 0) -> dict[str, str]:
    """The share that each of the villages has of a new task that is open to the first."""
    words = {"title_zh": f"独居老人入户巡访之{number}", "title_en": f"Visit elderly people living alone, part {number}"}
    task = done(desk, f"/meetings/{meeting}/tasks", CARE | words, "town_staff")
    return {part["village"]: part["share"] for part in task["shares"]}


def single(village: str, share: str) -> Try:
    return Try(village, f"/shares/{share}/claim", LIMIT, version=1)


def several(village: str, shares: Sequence[str]) -> Try:
    seen = [{"share": share, "version": 1} for share in shares]
    return Try(village, "/shares/claim", {"shares": seen, **LIMIT})


async def all_at_once(desk: Desk, tries: Sequence[Try]) -> list[Answer]:
    """Open every connection, send all of every request but its last byte, and then those in one go."""
    place = urlsplit(desk.url)
    streams = await asyncio.gather(*(asyncio.open_connection(place.hostname, place.port) for _ in tries))
    requests = [request_of(desk, each) for each in tries]
    for (_, writer), request in zip(streams, requests, strict=True):
        writer.write(request[:-1])
        await writer.drain()
    for (_, writer), request in zip(streams, requests, strict=True):
        writer.write(request[-1:])
    async with asyncio.timeout(60.0):
        answers = await asyncio.gather(*(reader.read() for reader, _ in streams))
    for _, writer in streams:
        writer.close()
    return [answer_in(answer) for answer in answers]


def request_of(desk: Desk, wanted: Try) -> bytes:
    body = json.dumps(wanted.body).encode()
    place = {"Host": urlsplit(desk.url).netloc, "Connection": "close"}
    content = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    headers = place | content | desk.headers("village_cadre", division=wanted.village, version=wanted.version)
    lines = [f"POST /v1{wanted.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def answer_in(received: bytes) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    return Answer(int(head.split(b" ", 2)[1]), json.loads(body))


def says_that_it_is_taken(answer: Answer) -> bool:
    """A clear refusal: a code for machines, and words for people in both languages, with what to do."""
    said = answer.body
    return (answer.status, said["status"], said["type"]) == (409, 409, "urn:qingdan:problem:task-taken") and all(
        said[f"{part}_{language}"] for part in ("title", "detail") for language in ("en", "zh")
    )


def holders(desk: Desk, shares: dict[str, str]) -> list[str]:
    """The villages whose share is claimed, as the township sees it."""
    task = desk.get(f"/shares/{next(iter(shares.values()))}", "town_staff").json()["task"]
    found = desk.get(f"/shares?task={task}&state=claimed", "town_staff").json()["items"]
    return [share["village"] for share in found]


async def test_of_a_hundred_villages_one_gets_the_task_and_the_others_are_told(desk: Desk, meeting: str) -> None:
    shares = await asyncio.to_thread(task_for_one, desk, meeting)
    answers = await all_at_once(desk, [single(village, share) for village, share in shares.items()])
    winners = [answer for answer in answers if answer.status == 200]
    losers = [answer for answer in answers if answer.status != 200]
    assert (len(winners), len(losers)) == (1, 99)
    assert [answer for answer in losers if not says_that_it_is_taken(answer)] == []
    assert await asyncio.to_thread(holders, desk, shares) == [winners[0].body["village"]]


async def test_whole_desks_and_single_claims_race_and_each_task_has_one_holder(desk: Desk, meeting: str) -> None:
    """Every second village claims all three tasks or none, in either order; the others claim one of them each."""
    tasks = [await asyncio.to_thread(task_for_one, desk, meeting, number) for number in (1, 2, 3)]
    tries = []
    for at, village in enumerate(VILLAGES):
        own = [shares[village] for shares in tasks]
        tries.append(single(village, own[at // 2 % 3]) if at % 2 else several(village, own[:: 1 if at % 4 else -1]))
    answers = await all_at_once(desk, tries)
    won = [
        village
        for answer in answers
        if answer.status == 200
        for village in [claim["village"] for claim in answer.body.get("claimed", [answer.body])]
    ]
    assert [answer for answer in answers if answer.status != 200 and not says_that_it_is_taken(answer)] == []
    held = [await asyncio.to_thread(holders, desk, shares) for shares in tasks]
    assert [len(villages) for villages in held] == [1, 1, 1]
    assert sorted(won) == sorted(village for villages in held for village in villages)
