"""The subsidy service's own database: two counties, their finance, families with facts, the sample programmes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final
from uuid import UUID

import pytest

from devkit.programmes import sample_examples, sample_programmes
from devkit.pytest_plugin import MakeDatabase
from devkit.records.county import people_of_anji
from devkit.records.people import ANJI, Population
from devkit.records.player import facts_of
from devkit.story.county import all_divisions, subtree
from qingdan.divisions import COUNTRY, DivisionCode
from qingdan.envelope import Envelope, EventBody, from_record, service_source, tombstone_record
from qingdan.event import Tombstone
from qingdan.ids import RunId
from qingdan.records_events import Fact, FactsRecorded, FactValue
from qingdan.topics import RECORDS_FACTS, RECORDS_IDENTITIES
from runtime.actor import Actor, Role
from runtime.clock import utcnow
from runtime.db import create_pool, transaction
from runtime.divisions import DivisionRow, import_divisions
from runtime.ids import new_id
from runtime.runs import cut_into_runs
from subsidy.consumers import on_facts, on_identities
from subsidy.list_entitlements import EntitlementView, list_entitlements
from subsidy.preview_run import preview_run
from subsidy.programme_rules import Example, Programme
from subsidy.publish_programmes import publish_programmes
from subsidy.record_facts import record_facts
from subsidy.vocabulary_rules import BY_NAME, RECORDED, REGISTERS, Entity
from tests.integration.service_scene import ServiceScene, person

COUNTY, OTHER_COUNTY = DivisionCode("330523000000"), DivisionCode("330522000000")
TOWN, VILLAGE, OTHER_VILLAGE = (DivisionCode(f"3305231002{n:02d}" if n else "330523100000") for n in (0, 1, 2))
FAR_TOWN, FAR_VILLAGE = DivisionCode("330522100000"), DivisionCode("330522100201")
ANJI_PEOPLE, AT_ONCE = 6_000, 1_000
TREE = {
    "330000000000": None,
    "330500000000": "330000000000",
    COUNTY: "330500000000",
    OTHER_COUNTY: "330500000000",
    TOWN: COUNTY,
    VILLAGE: TOWN,
    OTHER_VILLAGE: TOWN,
    FAR_TOWN: OTHER_COUNTY,
    FAR_VILLAGE: FAR_TOWN,
}
PERIOD: Final = "2026-07"
SOURCE_TIME: Final = datetime(2026, 6, 1, tzinfo=UTC)
DIBAO_LINE_FEN: Final = 116_600
PARAMETERS: Final[Mapping[str, FactValue]] = {
    "local_dibao_line_fen_month": DIBAO_LINE_FEN,
    "local_min_wage_fen_month": 249_000,
    "price_linkage_triggered": False,
}


OPERATOR = person(Role.OPERATOR, COUNTRY)
PREPARER, APPROVER = person(Role.FINANCE_PREPARER, COUNTY), person(Role.FINANCE_APPROVER, COUNTY)
OTHER_PREPARER = person(Role.FINANCE_PREPARER, OTHER_COUNTY)


def recorded(subject: str, dataset: str, facts: Mapping[str, FactValue], at: datetime = SOURCE_TIME) -> FactsRecorded:
    """The event: the full state of a data set."""
    rows = tuple(Fact(name=name, value=value) for name, value in facts.items())
    return FactsRecorded(subject=subject, dataset=dataset, system=dataset, source_time=at, facts=rows)


def rows_of(subject: str, entity: Entity, facts: Mapping[str, FactValue], at: datetime) -> list[FactsRecorded]:
    """An event for each register that the facts are of; what is not named of a row is what no row would mean."""
    registers = {BY_NAME[name].register for name in facts}
    rows = []
    for register in sorted(registers):
        known = RECORDED[entity, register]
        row: dict[str, FactValue] = {name: known[name].absent for name in known}
        rows.append(recorded(subject, register, row | {name: facts[name] for name in facts if name in known}, at))
    return rows


def heard_of(event: EventBody, at: datetime) -> Envelope[EventBody]:
    """The event as a consumer gets it; a tombstone as it is read from the topic that its key belongs to."""
    source = service_source("records")
    if not isinstance(event, Tombstone):
        return Envelope.of(event, id=str(new_id()), source=source, time=at)
    topic = RECORDS_FACTS if "/" in event.key else RECORDS_IDENTITIES
    record = tombstone_record(topic, event.key, id=str(new_id()), source=source, time=at)
    return from_record(record.topic, record.key, record.value, record.headers)


@dataclass(frozen=True, slots=True)
class Family:
    """A household and its members; the first is the head."""

    household: UUID
    code: str
    people: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Scene(ServiceScene):
    """The service's database with its people."""

    NAME = "subsidy"

    operator: Actor = OPERATOR
    preparer: Actor = PREPARER
    approver: Actor = APPROVER
    other_preparer: Actor = OTHER_PREPARER

    async def hear_records(self, *events: EventBody, at: datetime | None = None) -> None:
        """All of them in one transaction, cut into runs; identities and their tombstones go to their own consumer."""
        heard = [heard_of(event, at or utcnow()) for event in events]
        async with transaction(self.pool, self.service) as tx:
            for run in cut_into_runs(heard):
                consumer = on_facts if run.envelopes[0].topic == RECORDS_FACTS.name else on_identities
                await consumer.handler(tx, run)

    async def family(
        self,
        *members: Mapping[str, FactValue],
        village: DivisionCode = VILLAGE,
        at: datetime = SOURCE_TIME,
        **household: FactValue,
    ) -> Family:
        """A household (its facts by name) with members (each a mapping of facts); ordinary where nothing is said."""
        home, code, events, people = new_id(), f"HU{new_id().hex[-12:]}", list[FactsRecorded](), list[UUID]()
        for at_place, said in enumerate(members):
            ordinary: dict[str, FactValue] = {
                "is_alive": True,
                "birth_date": "1986-02-03",
                "gender": "female",
                "hukou_local": True,
                "hukou_rural": True,
                "hukou_village_code": str(village),
                "relation_to_head": "other" if at_place else "head",
                "member_of_household": code,
            }
            people.append(new_id())
            events += rows_of(f"p:{people[-1]}", "person", ordinary | said, at)
        size = {"household_code": code, "household_size": len(members)}
        events += rows_of(f"h:{home}", "household", size | household, at)
        await self.hear_records(*events)
        return Family(home, code, tuple(people))

    async def tell_of_person(self, who: UUID, facts: Mapping[str, FactValue], at: datetime = SOURCE_TIME) -> None:
        """More facts of a person; each register's row whole."""
        await self.hear_records(*rows_of(f"p:{who}", "person", facts, at))

    async def set_parameters(
        self, facts: Mapping[str, FactValue], *, effective_on: str = "2026-01-01", county: DivisionCode = COUNTY
    ) -> None:
        """Parameters of the county from a day on."""
        for name, value in facts.items():
            said = {name: value, "effective_on": effective_on}
            await self.hear_records(recorded(f"c:{county}", BY_NAME[name].register, said))

    async def declare_complete(self, *registers: str, county: DivisionCode = COUNTY) -> None:
        """The county declares these registers, all of the vocabulary unless named, complete with what has arrived."""
        arrived = {row["dataset"]: row["arrived"] for row in await self.rows("SELECT * FROM register_count")}
        await self.hear_records(
            *(
                recorded(f"c:{county}", register, {"register_subjects": arrived.get(register, 0)})
                for register in registers or REGISTERS
            )
        )

    async def publish(self, *programmes: Programme, effective_on: date = date(2026, 1, 1)) -> int:
        """A version of the programmes: all the sample ones unless some are named."""
        published = await publish_programmes(
            self.pool,
            self.operator,
            effective_on=effective_on,
            programmes=programmes or seventy(),
            examples=[],
        )
        return published.version

    async def preview(self, period: str = PERIOD) -> RunId:
        """The county's run for the month, computed now."""
        return (await preview_run(self.pool, self.preparer, COUNTY, period)).run

    async def entitlements(self, run: RunId, **filters: Any) -> list[EntitlementView]:
        """What the run comes to, as its preparer sees it; at most 200."""
        return await list_entitlements(self.pool, self.preparer, run, **{"limit": 200, **filters})


def programme(code: str, **changed: Any) -> Programme:
    """A sample programme, with what is changed in it."""
    sample = next(each for each in sample_programmes() if each["code"] == code)
    return Programme.model_validate(sample | changed)


def seventy() -> list[Programme]:
    """All of them."""
    return [Programme.model_validate(each) for each in sample_programmes()]


def examples() -> list[Example]:
    """The 337."""
    return [Example.model_validate(each) for each in sample_examples()]


@pytest.fixture
async def bare(make_database: MakeDatabase) -> AsyncIterator[Scene]:
    """A subsidy service that knows the tree and has heard nothing yet."""
    async with county_in(make_database(Scene.NAME).app_url) as scene:
        yield scene


@asynccontextmanager
async def county_in(app_url: str) -> AsyncIterator[Scene]:
    """The same, in a database that the caller keeps the owner's address of."""
    pool = await create_pool(app_url, source=service_source(Scene.NAME), size_max=8)
    rows = [
        DivisionRow(code=DivisionCode(code), name_zh=f"区划{code}", parent_code=parent and DivisionCode(parent))
        for code, parent in TREE.items()
    ]
    await import_divisions(pool, OPERATOR, rows)
    yield Scene(pool)
    await pool.close()


@pytest.fixture
async def scene(bare: Scene) -> Scene:
    """The same with the county's parameters and the sample programmes in force; nobody lives there yet."""
    await bare.set_parameters(PARAMETERS)
    await bare.publish()
    return bare


@pytest.fixture
async def anji(bare: Scene) -> tuple[Scene, Population]:
    """People of the county, whose registers came in, and the seventy programmes."""
    divisions = [DivisionRow.model_validate(row.model_dump()) for row in subtree(ANJI, all_divisions())]
    await import_divisions(bare.pool, bare.operator, divisions)
    population = people_of_anji(ANJI_PEOPLE)
    told = datetime.combine(population.as_of, time(12), UTC)
    events = [facts_of(state, told) for state in (*population.states, *population.county)]
    for at in range(0, len(events), AT_ONCE):
        async with transaction(bare.pool, bare.service) as tx:
            await record_facts(tx, events[at : at + AT_ONCE])
    await bare.publish(effective_on=date(2025, 1, 1))
    return bare, population
