"""A subsidy service that knows a large county: the devkit's people, their households as often as it takes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Final

import asyncpg

from devkit.postgres import SUPERUSER, Database, Postgres
from devkit.programmes import sample_programmes
from devkit.records.county import people_of_anji
from devkit.records.people import ANJI
from devkit.records.player import facts_of
from devkit.story.county import all_divisions, subtree
from runtime.actor import Actor, service_actor
from runtime.db import Pool, transaction
from runtime.divisions import DivisionRow, import_divisions
from subsidy.programme_rules import Programme
from subsidy.publish_programmes import publish_programmes
from subsidy.record_facts import record_facts

OF_THE_DEVKIT: Final = 20_000
AT_ONCE: Final = 2_000


async def enter_county(pool: Pool, operator: Actor) -> None:
    """The county's divisions, the devkit's people with all their registers, and the seventy programmes."""
    rows = [DivisionRow.model_validate(row.model_dump()) for row in subtree(ANJI, all_divisions())]
    await import_divisions(pool, operator, rows)
    population = people_of_anji(OF_THE_DEVKIT)
    told = datetime.combine(population.as_of, time(12), UTC)
    events = [facts_of(state, told) for state in (*population.states, *population.county)]
    for at in range(0, len(events), AT_ONCE):
        async with transaction(pool, service_actor("subsidy")) as tx:
            await record_facts(tx, events[at : at + AT_ONCE])
    programmes = [Programme.model_validate(each) for each in sample_programmes()]
    await publish_programmes(pool, operator, effective_on=date(2025, 1, 1), programmes=programmes, examples=[])


async def multiply(postgres: Postgres, database: Database, times: Sequence[int]) -> tuple[int, int]:
    """Every household again under new ids, once for each of these numbers; how many people and households there are."""
    admin = await asyncpg.connect(postgres.url(SUPERUSER, database.name))
    try:
        people, homes = await _columns(admin, "person"), await _columns(admin, "household")
        await admin.execute("CREATE TEMP TABLE again (n integer)")
        for number in times:
            await admin.execute("INSERT INTO again VALUES ($1)", number)
        await admin.execute(
            f"INSERT INTO household (id, household_code, {homes})"
            f" SELECT uuidv7(), household_code || '~' || n, {homes} FROM household, again"
            " WHERE position('~' in household_code) = 0",
            timeout=600,
        )
        await admin.execute(
            f"INSERT INTO person (id, member_of_household, {people})"
            f" SELECT uuidv7(), member_of_household || '~' || n, {people} FROM person, again"
            " WHERE position('~' in member_of_household) = 0",
            timeout=600,
        )
        for table in ("person", "household"):
            await admin.execute(f"VACUUM ANALYZE {table}", timeout=600)
        await admin.execute("CHECKPOINT")
        row = await admin.fetchrow("SELECT (SELECT count(*) FROM person), (SELECT count(*) FROM household)")
        assert row is not None
        return row[0], row[1]
    finally:
        await admin.close()


async def _columns(admin: "asyncpg.Connection[asyncpg.Record]", table: str) -> str:
    rows = await admin.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1"
        " AND column_name NOT IN ('id', 'household_code', 'member_of_household')",
        table,
    )
    return ", ".join(row["column_name"] for row in rows)
