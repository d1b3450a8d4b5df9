"""Departments apply for access on their own topics of a real broker: received once, or parked with its reason."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import pytest

from devkit.eventually import eventually
from devkit.pytest_plugin import MakeDatabase, MakeService, MakeTopics
from qingdan.access_events import AccessApplied
from qingdan.envelope import Envelope, party_source, service_source, to_record
from qingdan.topics import ACCESS, ALL, in_access
from runtime.clock import utcnow
from runtime.db import create_pool, transaction
from runtime.divisions import import_divisions
from runtime.ids import new_id
from tasks.list_rules import VILLAGE_LIST
from tasks.publish_list_version import publish_list_version
from tests.broker.broker import Broker, Raw
from tests.integration.tasks.access_people import event
from tests.integration.tasks.conftest import OPERATOR, Scene, sample_divisions, sample_items, sample_negative


@dataclass(frozen=True, slots=True)
class County:
    """The tasks service of a county, with the topics of two departments."""

    scene: Scene
    bootstrap: str
    prefix: str

    def topic(self, department: str) -> Broker:
        return Broker(self.bootstrap, self.prefix, topic=in_access(department).name, service="tasks")

    async def settled(self) -> bool:
        """Everything sent is acknowledged, and everything told is out."""
        lag = sum(self.topic(department).lag() for department in ("JTJ", "MZJ"))
        return lag == 0 and not await self.scene.rows("SELECT 1 FROM outbox LIMIT 1")

    async def received(self) -> list[UUID]:
        return [row["id"] for row in await self.scene.rows("SELECT id FROM access_application ORDER BY id")]

    async def parked(self) -> dict[str, str]:
        """Why each record was parked, by its key."""
        async with transaction(self.scene.pool, self.scene.service) as tx:
            rows = await tx.fetch("SELECT key, reason FROM parked_record WHERE culprit ORDER BY record_offset")
        return {bytes(row["key"]).decode(): row["reason"] for row in rows}


def record(applied: AccessApplied, *, source: str | None = None, event_id: str | None = None) -> Raw:
    """What the department's system sends; `source`: whom it claims to be."""
    made = to_record(
        Envelope.of(
            applied,
            id=event_id or str(new_id()),
            source=source or party_source(f"department:{applied.department.lower()}"),
            time=utcnow(),
        )
    )
    return Raw(made.key, made.value, [*made.headers])


@pytest.fixture
async def county(
    kafka: str,
    make_topics: MakeTopics,
    topic_prefix: str,
    make_database: MakeDatabase,
    service_process: MakeService,
) -> AsyncIterator[County]:
    """The service at work, the sample list in force."""
    make_topics(topic_prefix, [*ALL, in_access("JTJ"), in_access("MZJ")], partitions=1)
    database = make_database("tasks")
    pool = await create_pool(database.app_url, source=service_source("tasks"), size_max=4)
    await import_divisions(pool, OPERATOR, sample_divisions())
    await publish_list_version(
        pool,
        OPERATOR,
        VILLAGE_LIST,
        effective_on=date(2021, 1, 1),
        items=sample_items(),
        negative=sample_negative(),
    )
    service_process("tasks", database, bootstrap=kafka, extra={"DEPARTMENTS": "JTJ,MZJ"}).start()
    yield County(Scene(pool), kafka, topic_prefix)
    await pool.close()


async def test_what_departments_send_is_received_once_or_parked_with_its_reason(county: County) -> None:
    good, of_welfare = event(), event(department="MZJ", askers=["MZJ"])
    twice = record(good)
    nowhere, outside = event(list_code="nowhere"), event(division="999999999999")
    posing, speaking_for = event(), event(department="MZJ")
    sent = [
        twice,
        twice,  # the very same record once more
        record(good),  # and the same application in another event
        record(nowhere),
        record(outside),
        record(posing, source=party_source("department:mzj")),
        record(speaking_for, source=party_source("department:jtj")),
    ]
    county.topic("JTJ").send(sent)
    county.topic("MZJ").send([record(of_welfare)])
    await eventually(county.settled, timeout_s=40.0, what="everything is received or parked")
    assert await county.received() == sorted([good.application, of_welfare.application])
    parked = await county.parked()
    assert set(parked) == {str(each.application) for each in (nowhere, outside, posing, speaking_for)}
    for each, why in (
        (nowhere, "NoListInForce"),
        (outside, "DivisionUnknown"),
        (posing, "foreign_source"),
        (speaking_for, "foreign_party"),
    ):
        assert why in parked[str(each.application)]
    told = [message.value() or b"" for message in county.topic("JTJ").read(ACCESS.name)]
    assert sum(b"access.received" in value for value in told) == 2
    assert len(county.topic("JTJ").read(in_access("JTJ").dlt)) == 4


async def test_what_was_parked_blocks_nobody_else(county: County) -> None:
    bad, good = event(list_code="nowhere"), event()
    county.topic("JTJ").send([record(bad), record(good)])
    await eventually(county.settled, timeout_s=40.0, what="the good one is received behind the bad one")
    assert await county.received() == [good.application]
