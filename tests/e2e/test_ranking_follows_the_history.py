"""The rank comes from the history: when two townships exchange theirs, they exchange their places."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import StringIO
from typing import cast

from rich.console import Console

from devkit.dev_users import USERS
from devkit.issuer import Issuer
from devkit.pytest_plugin import MakeService
from devkit.story.answers import Assessment
from devkit.story.client import People
from devkit.story.county import WUGUANYING, County, FinishedTask, jize
from devkit.story.department import Department
from devkit.story.hub import Hub
from devkit.story.narrator import Narrator
from devkit.story.opening import bring_county, bring_history
from devkit.story.plot import Plot, small_story
from devkit.story.ranking import rank_townships
from devkit.story.stream import Window
from devkit.story.telling import Telling
from qingdan.divisions import DivisionCode


@dataclass(frozen=True, slots=True)
class OneService:
    """Where the tasks service of a test is."""

    address: str
    issuer: Issuer
    services: tuple[str, ...] = ("tasks",)

    def url(self, service: str) -> str:
        return self.address

    def token(self, role: str, division: str | None = None, department: str | None = None) -> str:
        return self.issuer.token_of(USERS[role].at(division, department))


def test_townships_that_exchange_their_history_exchange_their_places(
    service_process: MakeService, issuer: Issuer
) -> None:
    county = jize()
    before = _ranking(service_process, issuer, small_story(villages_max=1, tasks_max=1))
    last = before.ranks[-1].division
    assert last != WUGUANYING
    exchanged = replace(county, history=_exchanged(county, WUGUANYING, last))
    after = _ranking(service_process, issuer, replace(small_story(villages_max=1, tasks_max=1), county=exchanged))
    assert after.rank_of(WUGUANYING) == before.rank_of(last)
    assert after.rank_of(last) == before.rank_of(WUGUANYING)
    assert after.rank_of(WUGUANYING) != before.rank_of(WUGUANYING)


def _ranking(service_process: MakeService, issuer: Issuer, plot: Plot) -> Assessment:
    process = service_process("tasks", extra={"PARTS": "http"})
    process.start()

    async def rank() -> Assessment:
        async with People(OneService(process.url, issuer)) as people:
            nobody = cast("tuple[Hub, Department, Window]", (None,) * 3)
            telling = Telling(plot, people, Narrator(Console(file=StringIO())), *nobody)
            for chapter in (bring_county, bring_history, rank_townships):
                await chapter(telling)
        assert telling.ledger.assessment is not None
        return telling.ledger.assessment

    return asyncio.run(rank())


def _exchanged(county: County, one: DivisionCode, other: DivisionCode) -> tuple[FinishedTask, ...]:
    """The history with the rows of the two townships moved to villages of the respective other."""
    moves = _moves(county, one, other) | _moves(county, other, one)
    return tuple(_moved(row, moves[row.village_code]) if row.village_code in moves else row for row in county.history)


def _moved(row: FinishedTask, village: DivisionCode) -> FinishedTask:
    """Two villages may move into one, so the task says where it came from."""
    return row.model_copy(update={"village_code": village, "task_code": f"{row.task_code}-{row.village_code}"})


def _moves(county: County, source: DivisionCode, target: DivisionCode) -> dict[DivisionCode, DivisionCode]:
    there: Sequence[DivisionCode] = [village.code for village in county.villages(target)]
    return {village.code: there[at % len(there)] for at, village in enumerate(county.villages(source))}
