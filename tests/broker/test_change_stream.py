"""The stream of changes on a real Kafka: nothing is missed, doubled or shown to others, whatever is cut or killed."""

import asyncio
import json
import random
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from devkit.eventually import eventually
from devkit.issuer import Issuer
from devkit.kafka import Kafka
from devkit.postgres import SUPERUSER, Database, Postgres
from devkit.processes import ServiceProcess
from devkit.pytest_plugin import MakeDatabase, MakeService, MakeTopics
from qingdan.divisions import COUNTRY, DivisionCode
from qingdan.envelope import service_source
from qingdan.ids import DepartmentCode, ShareId, TaskId
from qingdan.origin import Origin
from qingdan.tasks_events import AskKind, DeskTransferred, PublishedShare, TaskPublished
from qingdan.topics import TASKS
from runtime.actor import Actor, Role, service_actor
from runtime.clock import business_date, utcnow
from runtime.db import Pool, create_pool, transaction
from runtime.divisions import DivisionRow, import_divisions
from tests.broker.broker import Broker, record_of
from tests.broker.follower import Follower
from tests.broker.late_writers import progressed, writing_late

PARTITIONS = 3
COUNTY, TOWN, OTHER_TOWN = (DivisionCode(c) for c in ("130431000000", "130431105000", "130431100000"))
VILLAGE, NEIGHBOUR, STRANGE_VILLAGE = (DivisionCode(c) for c in ("130431105205", "130431105206", "130431100201"))
TREE = [
    DivisionRow(code=DivisionCode("130000000000"), name_zh="河北省"),
    DivisionRow(code=DivisionCode("130400000000"), name_zh="邯郸市", parent_code=DivisionCode("130000000000")),
    DivisionRow(code=COUNTY, name_zh="鸡泽县", parent_code=DivisionCode("130400000000")),
    DivisionRow(code=TOWN, name_zh="吴官营镇", parent_code=COUNTY),
    DivisionRow(code=OTHER_TOWN, name_zh="鸡泽镇", parent_code=COUNTY),
    DivisionRow(code=VILLAGE, name_zh="吴官营村", parent_code=TOWN),
    DivisionRow(code=NEIGHBOUR, name_zh="贾庄村", parent_code=TOWN),
    DivisionRow(code=STRANGE_VILLAGE, name_zh="东关村", parent_code=OTHER_TOWN),
]


def published(villages: Sequence[DivisionCode], title: str = "A task") -> TaskPublished:
    """A township's task with a share for each village."""
    return TaskPublished(
        task=TaskId(UUID(int=random.getrandbits(128))),
        origin=Origin(service="tasks", kind="work_meeting", id=UUID(int=1)),
        item="RQ03",
        list_version=1,
        department=DepartmentCode("JTJ"),
        kind=AskKind.TASK,
        title_zh="任务",
        title_en=title,
        division=TOWN,
        inspect_on_completion=False,
        published_on=business_date(utcnow()),
        shares=tuple(PublishedShare(share=ShareId(UUID(int=n + 1)), village=v) for n, v in enumerate(villages)),
    )


@dataclass(slots=True)
class Stage:
    """A tasks service with its database, and the topic that it publishes."""

    process: ServiceProcess
    database: Database
    broker: Broker
    issuer: Issuer
    pool: Pool

    def follower(
        self,
        place: DivisionCode = VILLAGE,
        role: str = "village_cadre",
        *,
        department: str | None = None,
        ttl_s: float = 600.0,
        **query: str,
    ) -> Follower:
        token = self.issuer.token(f"{role}@{place}", [role], place, department, ttl_s=ttl_s)
        return Follower(self.process, token, query)

    def log(self, villages: Sequence[DivisionCode]) -> dict[str, list[str]]:
        """The ids of what the topic holds of these villages, by key, in order."""
        ids = defaultdict[str, list[str]](list)
        for message in self.broker.read():
            body, event_id = json.loads(message.value() or b""), dict(message.headers() or [])["ce_id"]
            if body.get("village") in villages:
                assert isinstance(event_id, bytes)
                ids[(message.key() or b"").decode()].append(event_id.decode())
        return dict(ids)

    async def saw_all(self, follower: Follower, villages: Sequence[DivisionCode]) -> None:
        """Wait until a follower has seen as much as there is, then look that it is exactly that, in order per key."""
        log = self.log(villages)
        count = sum(map(len, log.values()))
        await eventually(lambda: len(follower.seen) >= count, what="the follower has seen as many as there are")
        assert follower.by_key() == log


MakeStage = Callable[..., Awaitable[Stage]]


@pytest.fixture
async def make_stage_of_tasks(
    service_process: MakeService, make_database: MakeDatabase, issuer: Issuer, topic_prefix: str
) -> AsyncIterator[MakeStage]:
    pools = []

    async def make(bootstrap: str, **extra: str) -> Stage:
        database = make_database("tasks")
        pool = await create_pool(database.app_url, source=service_source("tasks"), size_max=25)
        pools.append(pool)
        await import_divisions(pool, Actor("operator", frozenset({Role.OPERATOR}), COUNTRY), TREE)
        extra = {"PARTS": "http,relay", "STREAMS_PER_ACTOR_MAX": "50"} | extra
        process = service_process("tasks", database, bootstrap=bootstrap, extra=extra)
        return Stage(process, database, Broker(bootstrap, topic_prefix), issuer, pool)

    yield make
    for pool in pools:
        await pool.close()


@pytest.fixture
async def stage(make_stage_of_tasks: MakeStage, kafka: str, make_topics: MakeTopics, topic_prefix: str) -> Stage:
    make_topics(topic_prefix, [TASKS], partitions=PARTITIONS)
    return await make_stage_of_tasks(kafka)


@asynccontextmanager
async def following(*followers: Follower, cut: random.Random | None = None) -> AsyncIterator[None]:
    """They follow until the block ends; all have begun when it begins."""
    running = [asyncio.create_task(follower.follow(cut=cut)) for follower in followers]
    try:
        await eventually(lambda: all(follower.has_begun for follower in followers), what="the streams have begun")
        yield
    finally:
        for task in running:
            task.cancel()
        for task in running:
            with suppress(asyncio.CancelledError):
                await task


async def test_a_listener_cut_off_again_and_again_sees_every_late_commit_once_and_in_order(stage: Stage) -> None:
    stage.process.start()
    cut, whole, of_village = stage.follower(TOWN, "town_staff"), stage.follower(TOWN, "town_staff"), stage.follower()
    async with following(cut, of_village, cut=random.Random(5)), following(whole):
        async with writing_late(stage.pool, service_actor("tasks"), [VILLAGE, NEIGHBOUR]) as written:
            await eventually(lambda: written.total() >= 1_000 and cut.connections >= 15, timeout_s=60.0)
        await eventually(lambda: sum(stage.broker.ends().values()) >= written.total(), what="all is published")
        await stage.saw_all(whole, [VILLAGE, NEIGHBOUR])
        await stage.saw_all(cut, [VILLAGE, NEIGHBOUR])
        await stage.saw_all(of_village, [VILLAGE])
    assert cut.connections >= 15
    assert {UUID(key): len(ids) for key, ids in whole.by_key().items()} == dict(written)


async def test_kill_9_in_the_middle_of_the_stream_loses_and_doubles_nothing(stage: Stage, postgres: Postgres) -> None:
    stage.process.start()
    follower = stage.follower(TOWN, "town_staff")
    async with following(follower), writing_late(stage.pool, service_actor("tasks"), [VILLAGE]) as written:
        for kills in range(1, 3):
            await eventually(lambda wanted=kills * 100: len(follower.seen) >= wanted, what="it streams")  # type: ignore[misc]
            stage.process.kill()
            await leases_run_out(stage, postgres)
            await asyncio.to_thread(stage.process.start)
    async with following(follower):
        await eventually(lambda: is_published(stage), timeout_s=40.0, what="the outbox is empty")
        await stage.saw_all(follower, [VILLAGE])
    assert follower.connections >= 3
    assert {UUID(key): len(set(ids)) for key, ids in follower.by_key().items()} == dict(written)


async def leases_run_out(stage: Stage, postgres: Postgres) -> None:
    """Do at once what ten seconds do to the lanes of a relay that was killed."""
    session = await asyncpg.connect(postgres.url(SUPERUSER, stage.database.name))
    await session.execute("UPDATE relay_lane SET leased_until = '-infinity'")
    await session.execute("DELETE FROM relay_owner")
    await session.close()


async def is_published(stage: Stage) -> bool:
    async with transaction(stage.pool, service_actor("tasks")) as tx:
        return bool(await tx.fetchval("SELECT count(*) = 0 FROM outbox"))


async def test_who_was_cut_before_the_first_event_misses_nothing(stage: Stage) -> None:
    stage.process.start()
    stage.broker.send([record_of(progressed(uuid4(), 1, VILLAGE))])
    follower = stage.follower()
    async with following(follower):
        pass
    assert follower.seen == []
    stage.broker.send([record_of(progressed(uuid4(), step, VILLAGE)) for step in range(1, 6)])
    async with following(follower):
        await eventually(lambda: len(follower.seen) >= 5)
    assert sorted(UUID(event["data"]["share"]).int for event in follower.seen) == [1, 2, 3, 4, 5]


async def test_many_read_the_whole_log_at_once_while_it_grows(stage: Stage) -> None:
    stage.process.start()
    tasks = [uuid4() for _ in range(50)]
    stage.broker.send([record_of(progressed(task, step, VILLAGE)) for step in range(1, 31) for task in tasks])
    followers = [stage.follower() for _ in range(8)]
    for follower in followers:
        follower.last_event_id = f"{TASKS.name}@0.0.0"
    async with (
        following(*followers),
        writing_late(stage.pool, service_actor("tasks"), [VILLAGE]) as written,
    ):
        await eventually(lambda: min(len(each.seen) for each in followers) > 1_600, timeout_s=60.0)
    async with following(*followers):
        await eventually(lambda: is_published(stage), what="the outbox is empty")
        for follower in followers:
            await stage.saw_all(follower, [VILLAGE])
    assert written.total() > 0


async def test_each_sees_its_own_and_a_village_no_other_villages_share(stage: Stage) -> None:
    stage.process.start()
    town, village = stage.follower(TOWN, "town_staff"), stage.follower()
    strangers = [stage.follower(OTHER_TOWN, "town_staff"), stage.follower(STRANGE_VILLAGE)]
    filtered = stage.follower(COUNTY, "town_staff", division=NEIGHBOUR, types="task.published.v1")
    last = progressed(uuid4(), 9, STRANGE_VILLAGE)
    async with following(town, village, filtered, *strangers):
        task = published([VILLAGE, NEIGHBOUR])
        stage.broker.send([record_of(task), record_of(progressed(task.task, 1, NEIGHBOUR))])
        stage.broker.send([record_of(progressed(task.task, 2, VILLAGE))])
        stage.broker.send([record_of(last)])
        await eventually(lambda: [len(each.seen) for each in (town, village, filtered)] == [3, 2, 1])
        await eventually(lambda: [len(each.seen) for each in strangers] == [1, 1])
    assert town.seen[0]["data"] == json.loads(task.model_dump_json())
    assert [share["village"] for share in village.seen[0]["data"]["shares"]] == [VILLAGE]
    assert [share["village"] for share in filtered.seen[0]["data"]["shares"]] == [NEIGHBOUR]
    assert village.seen[1]["data"]["village"] == VILLAGE
    assert {each.seen[0]["data"]["task"] for each in strangers} == {str(last.task)}


async def test_a_department_sees_what_is_its_own(stage: Stage) -> None:
    stage.process.start()
    roads, civil = (stage.follower(COUNTY, "department_staff", department=name) for name in ("JTJ", "MZJ"))
    task, unknown = published([VILLAGE]), progressed(uuid4(), 1, VILLAGE)
    desk = DeskTransferred(village=VILLAGE, shares_open=0, transferred_on=business_date(utcnow()))
    async with transaction(stage.pool, service_actor("tasks")) as tx:
        await tx.execute(
            "INSERT INTO task (id, division_id, origin_service, origin_kind, origin_id, department, kind, title_zh,"
            " title_en, inspect_on_completion, published_on) SELECT $1, id, 'signage', 'removal_order', $1, 'JTJ',"
            " 'sign', 't', 't', false, '2026-03-02' FROM division WHERE code = $2",
            *(task.task, TOWN),
        )
    async with following(roads, civil):
        events = [task, progressed(task.task, 1, VILLAGE), unknown, desk]
        stage.broker.send([record_of(event) for event in events])
        await eventually(lambda: len(roads.seen) == 3 and len(civil.seen) == 1)
    assert {event["type"] for event in roads.seen} == {"task.published.v1", "share.progressed.v1", desk.type}
    assert str(unknown.task) not in json.dumps(roads.seen)
    assert civil.seen[0]["type"] == desk.type


@pytest.mark.parametrize(
    "cursor", ["17", "pub.tasks.v1@", "pub.tasks.v1@0.0.x", "pub.tasks.v1@0.0.1000", "pub.tasks.v1@0.0.0.0",
               "pub.access.v1@0.0.0", "pub.tasks.v1@-1.0.0"]
)  # fmt: skip
async def test_a_cursor_that_is_not_of_this_stream_is_refused(stage: Stage, cursor: str) -> None:
    stage.process.start()
    follower = stage.follower()
    follower.last_event_id = cursor
    await follower.follow_once()
    assert follower.answers == [422]
    assert follower.closed[0]["type"] == "urn:qingdan:problem:cursor-not-ours"
    assert follower.closed[0]["title_zh"]


async def test_a_cursor_behind_which_retention_took_something_is_gone(stage: Stage) -> None:
    stage.process.start()
    stage.broker.send([record_of(progressed(uuid4(), step, VILLAGE)) for step in range(1, 61)])
    ends = stage.broker.ends()
    await delete_before(stage.broker, {number: end // 2 for number, end in ends.items()})
    follower = stage.follower()
    follower.last_event_id = f"{TASKS.name}@0.0.0"
    await follower.follow_once()
    assert follower.answers == [410]
    assert follower.closed[0]["type"] == "urn:qingdan:problem:changes-gone"
    follower.last_event_id = f"{TASKS.name}@{'.'.join(str(ends[number] // 2) for number in sorted(ends))}"
    async with following(follower):
        await eventually(lambda: len(follower.seen) == 60 - sum(end // 2 for end in ends.values()))


async def delete_before(broker: Broker, offsets: dict[int, int]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        before = {TopicPartition(broker.topic_name, number): RecordsToDelete(o) for number, o in offsets.items()}
        await admin.delete_records(before)
    finally:
        await admin.close()


async def test_who_reads_too_slowly_is_cut_and_misses_nothing(stage: Stage) -> None:
    stage.process.start({"CHANGES_KEPT_MAX": "400"})
    fast, slow = stage.follower(TOWN, "town_staff"), stage.follower(TOWN, "town_staff")
    villages = [VILLAGE] * 200
    async with following(fast):
        reader, writer = await open_slowly(stage.process, slow.token)
        await reader.readuntil(b"\nid: ")
        for _ in range(6):
            stage.broker.send([record_of(published(villages)) for _ in range(200)])
        await eventually(lambda: len(fast.seen) == 1_200, timeout_s=60.0, what="the fast one has seen all")
        text = (await asyncio.wait_for(reader.read(-1), 60.0)).decode()
        writer.close()
    assert "event: closed" in text
    assert "read-too-slowly" in text
    blocks = [block for block in text.split("\n\n") if "event: task.published.v1" in block and "\ndata: " in block]
    early = [json.loads(block.partition("\ndata: ")[2])["id"] for block in blocks]
    slow.last_event_id = blocks[-1].partition("id: ")[2].partition("\n")[0]
    async with following(slow):
        await eventually(lambda: len(early) + len(slow.seen) >= 1_200, timeout_s=60.0)
    assert len(early) < 1_200
    assert sorted(early + [event["id"] for event in slow.seen]) == sorted(event["id"] for event in fast.seen)


async def open_slowly(process: ServiceProcess, token: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that takes little until it is read from."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", process.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=4096)
    head = f"GET /v1/changes HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    writer.write(head.encode())
    return reader, writer


async def test_the_stream_stays_open_while_kafka_is_away_and_goes_on(
    make_kafka: Callable[[], Kafka], make_stage_of_tasks: MakeStage, topic_prefix: str
) -> None:
    kafka = make_kafka()
    await kafka.create_topics([TASKS], topic_prefix, partitions=PARTITIONS)
    stage = await make_stage_of_tasks(kafka.bootstrap)
    stage.broker.send([record_of(progressed(uuid4(), 1, NEIGHBOUR)) for _ in range(30)])  # only Kafka has these
    stage.process.start()
    follower, late = stage.follower(), stage.follower()
    async with following(follower):
        async with writing_late(stage.pool, service_actor("tasks"), [VILLAGE]) as written:
            await eventually(lambda: len(follower.seen) > 100)
            await asyncio.to_thread(kafka.kill)
            before = written.total()
            await eventually(lambda: written.total() > before + 200, what="commands go on")
            late.last_event_id = f"{TASKS.name}@0.0.0"
            await late.follow_once()
            await asyncio.to_thread(kafka.start)
        await eventually(lambda: is_published(stage), timeout_s=60.0, what="the outbox is empty")
        await stage.saw_all(follower, [VILLAGE])
    assert follower.connections == 1
    assert late.answers == [503]


async def test_the_end_of_the_token_is_the_end_of_the_stream(stage: Stage) -> None:
    stage.process.start()
    follower = stage.follower(ttl_s=-27.0)  # 30 s of leeway
    await follower.follow_once()
    assert follower.answers == [200]
    assert follower.closed[0]["type"] == "urn:qingdan:problem:token-expired"
    await follower.follow_once()
    assert follower.answers == [200, 401]


async def test_streams_are_limited_by_process_and_by_person(stage: Stage) -> None:
    stage.process.start({"STREAMS_MAX": "2", "STREAMS_PER_ACTOR_MAX": "1"})
    first, again, second, third = (stage.follower(place) for place in (VILLAGE, VILLAGE, NEIGHBOUR, STRANGE_VILLAGE))
    async with following(first):
        await again.follow_once()
        async with following(second):
            await third.follow_once()
    assert (again.answers, third.answers) == ([429], [503])
    async with following(third):
        assert third.answers[-1] == 200


async def test_sigterm_ends_the_streams_at_once(stage: Stage) -> None:
    stage.process.start()
    follower = stage.follower()
    stream = asyncio.create_task(follower.follow_once())
    await eventually(lambda: follower.has_begun)
    assert await asyncio.to_thread(stage.process.terminate) == 0
    await stream
    assert follower.closed[0]["type"] == "urn:qingdan:problem:stream-interrupted"
