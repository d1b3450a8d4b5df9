"""The stage of the model test: a real database that is emptied for each county, and a clock that is set."""

import asyncio
import sys
from collections.abc import Coroutine, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Self, TypeVar

import asyncpg
import pytest

from devkit.postgres import SUPERUSER, Database, Postgres
from qingdan.assessment import Facts
from qingdan.divisions import DivisionCode, DivisionLevel
from qingdan.envelope import service_source
from qingdan.ids import AssessmentId
from runtime import workday_calendar
from runtime.actor import service_actor
from runtime.db import Pool, Tx, create_pool
from runtime.divisions import division_id, import_divisions
from runtime.ids import new_id
from runtime.problems import Refusal
from tasks import assessment_store
from tasks.assessment_rules import Header
from tests.integration.tasks.conftest import Scene
from tests.integration.tasks.county_commands import Command, send
from tests.integration.tasks.county_lists import COUNTY, OPERATOR, TREE
from tests.integration.tasks.county_picture import Seen, look

T = TypeVar("T")

_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname
"""

_NOTHING_RECOUNTED = """
UPDATE calendar_recount SET known = '', done = true, behind = '00000000-0000-0000-0000-000000000000'
"""


class Stage:
    """One database for many counties, each of which begins with the bare tree of divisions."""

    def __init__(self, postgres: Postgres, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self._runner = asyncio.Runner()
        self._app_url, self._superuser_url = database.app_url, postgres.url(SUPERUSER, database.name)
        self._monkeypatch = monkeypatch
        self._filled: list[str] = []

    def __enter__(self) -> Self:
        self._run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._runner.close()

    # -- what happens ------------------------------------------------------------------------------------------------

    def begin(self, today: date) -> None:
        """An empty county on that day."""
        self._run(self.session.execute(self._emptying))
        self.is_on(today)

    def is_on(self, today: date) -> None:
        """From now on it is noon of that day in Shanghai, as far as the service can tell."""
        noon = datetime.combine(today, time(4), UTC)
        for name, module in list(sys.modules.items()):
            if name.startswith("tasks.") and hasattr(module, "utcnow"):
                self._monkeypatch.setattr(module, "utcnow", lambda: noon)
        self._monkeypatch.setattr(workday_calendar, "_cached", None)

    def announce(self, overrides: dict[date, bool]) -> None:
        """The county is told which days are worked."""
        self._run(
            self.session.executemany(
                "INSERT INTO workday_override (on_date, working, source) VALUES ($1, $2, 'announced')"
                " ON CONFLICT (on_date) DO UPDATE SET working = excluded.working",
                list(overrides.items()),
            )
        )
        self._monkeypatch.setattr(workday_calendar, "_cached", None)

    def send(self, *wanted: Command) -> list[object]:
        """All of them at once; the answers, or the refusals. Raises whatever else the service raises."""
        return self._run(self._send(wanted))

    def look(self, last: int) -> Seen:
        return self._run(look(self.session, last))

    def facts(self, since: date, today: date, *, without_refusals: bool = False) -> dict[DivisionCode, Facts]:
        """What an assessment finds of every village, as if no refused share had ever been, or as it is."""
        return self._run(self._facts(since, today, without_refusals=without_refusals))

    # -- how ---------------------------------------------------------------------------------------------------------

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)

    async def _open(self) -> None:
        self.pool: Pool = await create_pool(self._app_url, source=service_source("tasks"), size_max=8)
        self.scene: Scene = Scene(self.pool)
        self.session: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(self._superuser_url)
        await import_divisions(self.pool, OPERATOR, TREE)
        await self.session.execute(
            "DELETE FROM outbox; SET session_replication_role = replica; DELETE FROM audit_entry"
        )
        tables = [row["relname"] for row in await self.session.fetch(_TABLES)]
        filled = [name for name in tables if await self.session.fetchval(f'SELECT EXISTS (SELECT 1 FROM "{name}")')]
        empty = [name for name in tables if name not in filled]
        self._emptying = ";".join([*(f'DELETE FROM "{name}"' for name in empty), _NOTHING_RECOUNTED])

    async def _close(self) -> None:
        await self.session.close()
        await self.pool.close()

    async def _send(self, wanted: Sequence[Command]) -> list[object]:
        return await asyncio.gather(*(self._answer(each) for each in wanted))

    async def _answer(self, wanted: Command) -> object:
        try:
            return await send(self.scene, wanted)
        except Refusal as refused:
            return refused

    async def _facts(self, since: date, today: date, *, without_refusals: bool) -> dict[DivisionCode, Facts]:
        header = Header(AssessmentId(new_id()), DivisionLevel.VILLAGE, since, today, today)
        undone = self.session.transaction()
        await undone.start()
        try:
            if without_refusals:
                await self.session.execute("DELETE FROM share WHERE state = 'refused'; DELETE FROM refused_ask")
            tx = Tx(self.session, service_actor("tasks"), "")
            assessed, _ = await assessment_store.facts_of(tx, await division_id(tx, COUNTY), header)
            return {each.code: each.facts for each in assessed}
        finally:
            await undone.rollback()
