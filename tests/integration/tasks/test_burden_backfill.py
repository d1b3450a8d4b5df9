"""What was asked before there was a ledger is entered in it when the service is upgraded."""

from typing import TYPE_CHECKING

import asyncpg

from devkit.postgres import SUPERUSER, Postgres
from qingdan.ids import ShareId
from runtime.db import Version
from tasks.claim_task import claim_task
from tasks.report_done import report_done
from tests.architecture.conftest import SERVICES
from tests.integration.tasks.burden_check import ledger, sum_of_its_asks
from tests.integration.tasks.conftest import VISITS
from tests.integration.tasks.test_burden import busy

if TYPE_CHECKING:
    from tests.integration.tasks.conftest import Scene

MIGRATION = SERVICES / "tasks" / "migrations" / "0014_burden.sql"


def backfill() -> str:
    """The part of the migration that reads what stands already."""
    _, _, rest = MIGRATION.read_text().partition("-- What stands already:")
    part, end, _ = rest.partition("-- Budgets:")
    assert end, "the migration says where its backfill begins and ends"
    return part.partition("\n")[2]


async def test_the_upgrade_enters_what_was_asked_before(scene: "Scene", postgres: Postgres) -> None:
    await busy(scene)
    event = await scene.publish(VISITS)
    share = ShareId(event.shares[0].share)
    await claim_task(scene.pool, scene.cadre, share, 5, expected=Version(1))
    await report_done(scene.pool, scene.cadre, share, (), expected=Version(2))
    before = await ledger(scene)
    (name,) = await scene.rows("SELECT current_database() AS database")
    session = await asyncpg.connect(postgres.url(SUPERUSER, name["database"]))
    try:
        await session.execute("TRUNCATE burden, item_timeliness")
        async with session.transaction():
            await session.execute(backfill())
    finally:
        await session.close()
    assert await ledger(scene) == before == await sum_of_its_asks(scene)
    (row,) = await scene.rows("SELECT item_code, finished, on_time FROM item_timeliness")
    assert row == {"item_code": "RA03", "finished": 1, "on_time": 1}
