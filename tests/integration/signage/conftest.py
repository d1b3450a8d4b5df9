"""The signage service's own database with the county of Dafang in it, the sample rules in force, and its people."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from devkit.pytest_plugin import MakeDatabase
from devkit.story.county import JIZE, all_divisions, subtree
from devkit.story.dafang import dafang
from qingdan.divisions import COUNTRY, DivisionCode
from qingdan.ids import RemovalOrderId, ShareId, TaskId, VisitId
from qingdan.inspection_events import VisitClosed
from qingdan.origin import Origin
from qingdan.tasks_events import (
    AskKind,
    PublishedShare,
    RefusalCode,
    ShareClaimed,
    ShareRefused,
    ShareReportedDone,
    TaskPublished,
)
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.divisions import DivisionRow, import_divisions
from runtime.ids import new_id
from signage.consumers import on_access, on_inspection, on_tasks
from signage.count_signs import SignsCounted, count_signs
from signage.list_orders import OrderView, list_orders
from signage.list_signs import SignView, list_signs
from signage.order_removals import RemovalsOrdered, order_removals
from signage.publish_rule_version import publish_rule_version
from signage.show_rule_version import RulesView
from signage.sign_rules import CountedSign
from signage.version_rules import OPINIONS_OF_2022, SignRule
from tests.integration.service_scene import ServiceScene, open_pool, person

COUNTY, TOWN, XIEDU = (DivisionCode(c) for c in ("520521000000", "520521211000", "520521211201"))
XINFENG = DivisionCode("520521103215")  # a village of another township
OTHER_COUNTY = JIZE
VERSION_EFFECTIVE_ON = date(2021, 1, 1)


OPERATOR = person(Role.OPERATOR, COUNTRY)
APPROVER, STAFF = person(Role.SIGN_APPROVER, COUNTY), person(Role.TOWN_STAFF, COUNTY)
CADRE, ELSEWHERES_CADRE = (person(Role.VILLAGE_CADRE, village) for village in (XIEDU, XINFENG))


def sample_rules() -> list[SignRule]:
    """The 70 kinds of signs."""
    return [SignRule.model_validate(row.model_dump()) for row in dafang().rules]


def sample_census() -> list[CountedSign]:
    """The 342 signs, without their labels."""
    return [CountedSign.model_validate(row.model_dump()) for row in dafang().census]


def counted(wording: str, village: DivisionCode = XIEDU, **changed: Any) -> CountedSign:
    """A sign at a village's door."""
    said = {"village": village, "wording": wording, "position": "outside_vertical", "hung_since": 2015}
    return CountedSign.model_validate(said | {"department": "XFD"} | changed)


@dataclass(frozen=True, slots=True)
class Told:
    """What the other services tell of the task that an order became."""

    order: RemovalOrderId
    village: DivisionCode
    task: TaskId = field(default_factory=lambda: TaskId(new_id()))
    share: ShareId = field(default_factory=lambda: ShareId(new_id()))
    today: date = field(default_factory=lambda: business_date(utcnow()))

    @classmethod
    def of(cls, order: OrderView) -> "Told":
        return cls(order.order, order.village)

    @property
    def origin(self) -> Origin:
        return Origin(service="signage", kind="removal_order", id=self.order)

    @property
    def _share(self) -> dict[str, Any]:
        return {"task": self.task, "share": self.share, "village": self.village, "origin": self.origin}

    def published(self) -> TaskPublished:
        return TaskPublished(
            task=self.task,
            origin=self.origin,
            item=None,
            list_version=None,
            department="XFD",
            kind=AskKind.SIGN,
            title_zh="拆除牌子",
            title_en="Take down a sign",
            division=self.village,
            inspect_on_completion=True,
            published_on=self.today,
            shares=(PublishedShare(share=self.share, village=self.village),),
        )

    def claimed(self) -> ShareClaimed:
        return ShareClaimed(
            **self._share,
            department="XFD",
            limit_working_days=5,
            claimed_on=self.today,
            due_on=self.today,
            provisional=False,
        )

    def reported_done(self) -> ShareReportedDone:
        return ShareReportedDone(**self._share, photo_sha256=("ab" * 32,), reported_on=self.today)

    def refused(self) -> ShareRefused:
        return ShareRefused(
            **self._share, department="XFD", code=RefusalCode.DUPLICATE, list_version=None, refused_on=self.today
        )

    def visited(self, *, passed: bool = True) -> VisitClosed:
        return VisitClosed(
            **self._share,
            visit=VisitId(new_id()),
            passed=passed,
            findings=0,
            failed_rechecks=0,
            closed_on=self.today,
        )


@dataclass(frozen=True, slots=True)
class Scene(ServiceScene):
    """The service's database with its people."""

    NAME = "signage"
    HEARS = (on_tasks, on_inspection, on_access)

    operator: Actor = OPERATOR
    approver: Actor = APPROVER
    staff: Actor = STAFF
    cadre: Actor = CADRE

    async def publish(self, rules: Sequence[SignRule]) -> RulesView:
        """A version of the rules."""
        return await publish_rule_version(
            self.pool, self.operator, rules, effective_on=VERSION_EFFECTIVE_ON, legal_basis=OPINIONS_OF_2022
        )

    async def count(self, *signs: CountedSign) -> SignsCounted:
        """A census by the county's staff."""
        return await count_signs(self.pool, self.staff, signs)

    async def order(self, division: DivisionCode = COUNTY, *, limit: int = 1000) -> RemovalsOrdered:
        """One call of the approver."""
        return await order_removals(self.pool, self.approver, division, limit=limit, due_working_days=30)

    async def signs(self, actor: Actor = STAFF, **filters: Any) -> list[SignView]:
        """At most 1,000 signs that the actor sees."""
        return await list_signs(self.pool, actor, limit=1000, **filters)

    async def orders(self, actor: Actor = STAFF, **filters: Any) -> list[OrderView]:
        """At most 1,000 orders that the actor sees."""
        return await list_orders(self.pool, actor, limit=1000, **filters)

    async def ordered(self, signs: int = 1) -> list[Told]:
        """So many orders of signs at Xiedu, and what can be told of each."""
        await self.count(*(counted(f"消防指挥部{n}") for n in range(signs)))
        await self.order()
        return [Told.of(order) for order in await self.orders()]


@pytest.fixture
async def bare(make_database: MakeDatabase) -> AsyncIterator[Scene]:
    """A signage service that knows two counties and has no rules yet."""
    pool = await open_pool(make_database, Scene.NAME)
    known = {row.code: row for row in (*dafang().divisions, *subtree(OTHER_COUNTY, all_divisions()))}
    await import_divisions(pool, OPERATOR, [DivisionRow.model_validate(row.model_dump()) for row in known.values()])
    yield Scene(pool)
    await pool.close()


@pytest.fixture
async def scene(bare: Scene) -> Scene:
    """The same with the sample rules in force."""
    await bare.publish(sample_rules())
    return bare
