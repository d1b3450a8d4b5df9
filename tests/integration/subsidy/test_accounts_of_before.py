"""The step from a version that paid the newest account: whose account is known to work has it in force."""

from pathlib import Path

import asyncpg

from devkit.pytest_plugin import MakeDatabase
from qingdan.divisions import DivisionCode
from qingdan.ids import PersonId
from runtime.db import create_pool
from runtime.divisions import DivisionRow, import_divisions
from subsidy.app import service
from tests.integration.subsidy.conftest import OPERATOR, TREE, Scene
from tests.integration.subsidy.frozen_run import Payday, rejected, settled

STEP = next(service.migrations.glob("0006_*.sql")).read_text()


async def test_who_was_paid_by_the_identity_that_is_known_has_an_account_in_force(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    database = make_database("subsidy")
    pool = await create_pool(database.app_url, source="urn:qingdan:service:subsidy", size_max=4)
    rows = [
        DivisionRow(code=DivisionCode(code), name_zh=f"区划{code}", parent_code=parent and DivisionCode(parent))
        for code, parent in TREE.items()
    ]
    await import_divisions(pool, OPERATOR, rows)
    payday = Payday(Scene(pool), tmp_path)
    await payday.open()
    paid, moved, refused, _ = await payday.sent(4)  # of the last one nothing was heard
    await payday.says(settled(paid), settled(moved), rejected(refused))
    await payday.scene.hear_records(payday.identity(PersonId(moved.beneficiary), account="6222000033334444"))
    owner = await asyncpg.connect(database.owner_url)
    try:
        await owner.execute("SELECT set_config('app.kind', 'service', false)")
        await owner.execute("DELETE FROM account_identity; DELETE FROM account")  # as if it had never been there
        await owner.execute(STEP[STEP.index("SELECT set_config('app.division'") :].replace(", true)", ", false)"))
    finally:
        await owner.close()
    known = await payday.scene.rows("SELECT person_id, state FROM account")
    assert [(row["person_id"], row["state"]) for row in known] == [(paid.beneficiary, "in_force")]
    await payday.map_accounts()
    states = {row["person_id"]: row["state"] for row in await payday.scene.rows("SELECT person_id, state FROM account")}
    assert states[paid.beneficiary] == "in_force"
    assert states[moved.beneficiary] == "proposed"
    await pool.close()
