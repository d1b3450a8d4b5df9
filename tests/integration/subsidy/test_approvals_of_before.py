"""The step from a version that hashed a run as one text: what it froze and nobody approved yet is a preview again."""

from pathlib import Path

import asyncpg

from devkit.pytest_plugin import MakeDatabase
from subsidy.app import service
from tests.integration.subsidy.conftest import Scene, county_in
from tests.integration.subsidy.frozen_run import AMOUNT_FEN, Payday

STEP = next(service.migrations.glob("0009_*.sql")).read_text()


async def test_a_run_that_an_earlier_version_froze_is_frozen_anew(make_database: MakeDatabase, tmp_path: Path) -> None:
    database = make_database(Scene.NAME)
    async with county_in(database.app_url) as scene:
        payday = Payday(scene, tmp_path)
        await payday.open()
        payees = await payday.people(2)
        approved = await payday.previewed(payees, period="2026-06")
        await payday.approve(approved)
        run = await payday.previewed(payees)
        await payday.freeze(run)
        begin, end = STEP.index("SELECT set_config('app.actor'"), STEP.index("CREATE TABLE run_approval")
        owner = await asyncpg.connect(database.owner_url)
        try:
            await owner.execute("ALTER TABLE run DISABLE TRIGGER back_with_an_entry")  # there was none
            await owner.execute(STEP[begin:end])
            await owner.execute("ALTER TABLE run ENABLE TRIGGER back_with_an_entry")
        finally:
            await owner.close()
        states = {row["id"]: row["state"] for row in await scene.rows("SELECT id, state FROM run")}
        assert states == {approved: "approved", run: "previewed"}
        entered = await payday.approve(run)
        assert (entered.obligations, entered.total_fen) == (2, 2 * AMOUNT_FEN)
