"""The story's parts by themselves: the county as read, choices by seed, the client's manners, the subscriber's eye."""

from collections import Counter
from collections.abc import Callable

import httpx2
import pytest
from aiokafka import ConsumerRecord

from devkit.story import client
from devkit.story.answers import Imported
from devkit.story.client import People, RefusedError, StoryError, together
from devkit.story.county import WUGUANYING, jize
from devkit.story.plot import small_story, whole_story
from devkit.story.subscriber import Heard
from qingdan.divisions import DivisionLevel
from qingdan.envelope import KafkaRecord, to_record
from qingdan.examples import EXAMPLES, example_envelope
from qingdan.topics import TASKS


class Somewhere:
    services: tuple[str, ...] = ("tasks",)

    def url(self, service: str) -> str:
        return f"http://{service}.invalid"

    def token(self, role: str, division: str | None = None, department: str | None = None) -> str:
        return f"{role}/{division}/{department}"


def answering(people: People, answer: Callable[[httpx2.Request], httpx2.Response]) -> None:
    people._http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))


def test_the_county_is_jize_with_its_seven_townships_and_wuguanyings_villages() -> None:
    county = jize()
    levels = Counter(division.code.level for division in county.divisions)
    assert levels[DivisionLevel.TOWNSHIP] == len(county.townships) == 7
    assert len(county.villages(WUGUANYING)) == 21
    known = {division.code for division in county.divisions}
    assert all(division.parent_code in known for division in county.divisions if division.parent_code)
    assert all(row.village_code in known for row in county.history)
    first, last = county.half_year
    assert all(first <= row.claimed_on <= last for row in county.history)


def test_every_task_stands_on_an_item_that_names_its_asker() -> None:
    plot = whole_story()
    for task in plot.tasks:
        item = plot.county.item(task.item)
        assert (task.department in item.askers, task.kind in item.kinds) == (True, True), task.code


def test_an_ask_that_hides_behind_an_item_is_brought_by_a_department_that_the_item_names() -> None:
    plot = whole_story()
    for ask in plot.county.off_list:
        if ask.decided_by == "village":
            assert plot.asker(ask) in plot.county.item(plot.cited(ask) or "").askers
        else:
            assert (plot.asker(ask), plot.cited(ask)) == (ask.department, ask.cites)


def test_people_choose_the_same_whenever_the_story_is_told() -> None:
    one, other = whole_story(), whole_story()
    for village in one.villages:
        for task in one.tasks:
            limit = one.limit_working_days(village, task)
            assert task.limit_min <= limit <= task.limit_max
            assert limit == other.limit_working_days(village, task)
            assert one.findings(village, task.title_zh) == other.findings(village, task.title_zh)


def test_a_small_story_takes_tasks_from_all_over_the_list() -> None:
    plot = small_story(villages_max=3, tasks_max=4)
    assert (len(plot.villages), len(plot.tasks)) == (3, 4)
    assert len({task.item[:2] for task in plot.tasks}) > 1


async def test_a_click_is_repeated_with_the_same_key_when_the_service_is_merely_late() -> None:
    keys = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) < 3:
            return httpx2.Response(503, headers={"Retry-After": "0"})
        return httpx2.Response(200, json={"added": 2}, headers={"ETag": '"4"'})

    async with People(Somewhere()) as people:
        answering(people, answer)
        answered = await people.operator.create("tasks", "/v1/divisions/import", {"divisions": []})
    assert (answered.version, answered.read(Imported).added) == (4, 2)
    assert len(set(keys)) == 1


async def test_a_change_names_the_version_that_was_read() -> None:
    seen = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append((request.headers["If-Match"], request.headers["Authorization"]))
        return httpx2.Response(200, json={}, headers={"ETag": '"8"'})

    async with People(Somewhere()) as people:
        answering(people, answer)
        await people.cadre(whole_story().villages[0]).change("tasks", "/v1/shares/x/claim", 7, {"limit": 1})
    assert seen == [('"7"', "Bearer village_cadre/130431105201/None")]


async def test_a_refusal_says_what_the_service_said_in_both_languages() -> None:
    problem = {
        "type": "urn:qingdan:problem:not-on-the-list",
        "title_en": "No.",
        "title_zh": "不行。",
        "code": "off_list",
    }
    async with People(Somewhere()) as people:
        answering(people, lambda _: httpx2.Response(422, json=problem))
        with pytest.raises(RefusedError, match=r"tasks answered 422 to POST /v1/x of operator: No\. 不行。") as refused:
            await people.operator.create("tasks", "/v1/x", {})
    assert (refused.value.kind, refused.value.problem["code"]) == ("not-on-the-list", "off_list")


async def test_a_service_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAUSE_S", 0.0)

    def gone(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    async with People(Somewhere()) as people:
        answering(people, gone)
        with pytest.raises(StoryError, match="tasks gave no answer to GET /v1/statistics of auditor") as lost:
            await people.auditor.get("tasks", "/v1/statistics", Imported)
    assert lost.value.service == "tasks"


async def test_the_first_who_fails_ends_it_for_all() -> None:
    async def fail() -> None:
        raise StoryError("enough")

    with pytest.raises(StoryError, match="enough"):
        await together([fail(), fail()])


def test_the_subscriber_counts_an_event_once_and_sees_disorder() -> None:
    types = ("share.reported-done.v1", "share.claimed.v1")
    done, claimed = (to_record(example_envelope(EXAMPLES[name])) for name in types)
    heard = Heard()
    for offset, record in enumerate((done, claimed, claimed, claimed._replace(value=b"{"))):
        heard.take(TASKS.name, _received(offset, record))
    assert (heard.records, len(heard.events), heard.types["share.claimed.v1"]) == (4, 2, 1)
    disorder, unreadable = heard.faults
    assert disorder.startswith("pub.tasks.v1/0/1: share.claimed.v1 of share")
    assert unreadable.startswith("pub.tasks.v1/0/3: ")


def _received(offset: int, record: KafkaRecord) -> "ConsumerRecord[bytes, bytes]":
    return ConsumerRecord(
        topic=record.topic,
        partition=0,
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        key=record.key,
        value=record.value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=record.headers,
    )
