"""The step from a version that kept registers as texts: everybody's become bits."""

import asyncpg

from devkit.pytest_plugin import MakeDatabase
from qingdan.divisions import DivisionCode
from runtime.db import create_pool
from runtime.divisions import DivisionRow, import_divisions
from subsidy.app import service
from tests.integration.subsidy.conftest import OPERATOR, TREE, Scene

STEP = next(service.migrations.glob("0005_*.sql")).read_text()
HELD = "SELECT id, held FROM person UNION ALL SELECT id, held FROM household ORDER BY id"


async def test_the_registers_of_people_and_households_are_bits_afterwards(make_database: MakeDatabase) -> None:
    database = make_database("subsidy")
    pool = await create_pool(database.app_url, source="urn:qingdan:service:subsidy", size_max=4)
    rows = [
        DivisionRow(code=DivisionCode(code), name_zh=f"区划{code}", parent_code=parent and DivisionCode(parent))
        for code, parent in TREE.items()
    ]
    await import_divisions(pool, OPERATOR, rows)
    scene = Scene(pool)
    await scene.family({"disability_level": 1}, {"is_orphan": True}, dibao_household=True)
    written = await scene.rows(HELD)
    assert len(written) == 3
    assert all(row["held"] > 0 for row in written)
    begin, end = STEP.index("SELECT set_config('app.actor'"), STEP.index("-- A preview is written")
    owner = await asyncpg.connect(database.owner_url)
    try:
        async with owner.transaction():
            await owner.execute("SELECT set_config('app.division', '1', true)")
            await owner.execute("UPDATE person SET held = 0; UPDATE household SET held = 0")
            await owner.execute("SELECT set_config('app.division', '', true)")
            await owner.execute(STEP[begin:end])
    finally:
        await owner.close()
    assert await scene.rows(HELD) == written
    await pool.close()
