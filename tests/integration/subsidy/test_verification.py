"""A frozen month computed again, whatever has become of facts, programmes and rows since."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from devkit.pytest_plugin import MakeDatabase
from devkit.records.people import Population
from qingdan.ids import RunId
from runtime.actor import Role
from runtime.db import transaction
from runtime.problems import Forbidden, NotFound
from subsidy.run_rules import RunNotThere
from subsidy.verify_run import RunVerified, verify_run
from tests.integration.service_scene import person
from tests.integration.subsidy.conftest import COUNTY, DIBAO_LINE_FEN, PARAMETERS, Scene, county_in, programme
from tests.integration.subsidy.frozen_run import Payday

MONTHS = ("2025-12", "2026-07", "2026-10")
POOR: dict[str, Any] = {
    "dibao_household": True,
    "household_property_ok": True,
    "household_income_per_capita_fen_month": 16_600,
}


async def verified(scene: Scene, run: RunId) -> RunVerified:
    return await verify_run(scene.pool, person(Role.AUDITOR, COUNTY), run)


async def frozen(scene: Scene, period: str, directory: Path) -> RunId:
    run = await scene.preview(period)
    await Payday(scene, directory).freeze(run)
    return run


async def test_a_countys_months_come_out_the_same(anji: tuple[Scene, Population], tmp_path: Path) -> None:
    scene, _ = anji
    for period in MONTHS:
        run = await scene.preview(period)
        await Payday(scene, tmp_path).approve(run)
        said = await verified(scene, run)
        assert said.holds, said
        [counted] = await scene.rows(
            "SELECT count(*) AS items FROM entitlement WHERE run_id = $1 AND status = 'entitled'", run
        )
        assert said.items == counted["items"] > 500


async def test_what_is_paid_once_and_what_was_paid_before_come_out_the_same(scene: Scene, tmp_path: Path) -> None:
    """The second month reads what the first one paid, and what is owed already."""
    await scene.family({}, {}, {"birth_date": "1941-07-01"}, **POOR)
    await scene.declare_complete()
    payday = Payday(scene, tmp_path)
    await payday.approve(await scene.preview("2026-07"))
    august = await frozen(scene, "2026-08", tmp_path)
    assert (await verified(scene, august)).holds


async def test_neither_facts_nor_parameters_nor_programmes_of_later_change_it(scene: Scene, tmp_path: Path) -> None:
    family = await scene.family({}, {}, **POOR)
    await scene.declare_complete()
    run = await frozen(scene, "2026-07", tmp_path)
    await scene.tell_of_person(family.people[0], {"is_alive": False})
    await scene.set_parameters({name: 1 for name in PARAMETERS if PARAMETERS[name] == DIBAO_LINE_FEN})
    await scene.publish(programme("B08", excludes=[]))
    said = await verified(scene, run)
    assert (said.holds, said.items) == (True, 1)


async def test_a_run_is_verified_once_it_is_frozen(scene: Scene) -> None:
    await scene.family({}, **POOR)
    with pytest.raises(RunNotThere):
        await verified(scene, await scene.preview("2026-07"))


async def test_only_finance_and_auditors_of_the_county_verify(scene: Scene, tmp_path: Path) -> None:
    await scene.family({}, **POOR)
    await scene.declare_complete()
    run = await frozen(scene, "2026-07", tmp_path)
    with pytest.raises(Forbidden):
        await verify_run(scene.pool, person(Role.VILLAGE_CADRE, COUNTY), run)
    with pytest.raises(NotFound):
        await verify_run(scene.pool, scene.other_preparer, run)


async def test_what_a_run_was_computed_from_stays(scene: Scene, tmp_path: Path) -> None:
    await scene.family({}, **POOR)
    await scene.declare_complete()
    run = await frozen(scene, "2026-07", tmp_path)
    for change in ("DELETE FROM run_snapshot WHERE run_id = $1", "UPDATE run_snapshot SET rows = 0 WHERE run_id = $1"):
        with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError)):
            async with transaction(scene.pool, scene.service) as tx:
                await tx.execute(change, run)


# -- somebody with the owner's rights ----------------------------------------------------------------------------------


class Owner:
    """A county in a database whose owner lifts every guard."""

    def __init__(self, scene: Scene, owner_url: str, run: RunId) -> None:
        self.scene, self.run, self._url = scene, run, owner_url

    async def tampers(self, table: str, statement: str) -> None:
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(
                "SELECT set_config('app.division', '1', false), set_config('app.department', '*', false);"
                f"ALTER TABLE {table} DISABLE TRIGGER USER; {statement}; ALTER TABLE {table} ENABLE TRIGGER USER"
            )
        finally:
            await connection.close()


@pytest.fixture
async def owner(make_database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Owner]:
    database = make_database(Scene.NAME)
    async with county_in(database.app_url) as scene:
        await scene.set_parameters(PARAMETERS)
        await scene.publish()
        await scene.family({}, {}, **POOR)
        await scene.declare_complete()
        yield Owner(scene, database.owner_url, await frozen(scene, "2026-07", tmp_path))


@pytest.mark.parametrize(
    ("table", "statement", "differs"),
    [
        ("entitlement", "UPDATE entitlement SET amount_fen = amount_fen + 1", "rows"),
        ("entitlement", "UPDATE entitlement SET payee = gen_random_uuid()", "rows"),
        ("entitlement", "DELETE FROM entitlement", "rows"),
        ("run_snapshot", "UPDATE run_snapshot SET packed = 'x' WHERE section = 'household'", "computed"),
        ("run_snapshot", "DELETE FROM run_snapshot WHERE section = 'person'", "computed"),
        ("run_snapshot", "DELETE FROM run_snapshot", "computed"),
        ("run", "UPDATE run SET frozen_hash = sha256('x')", "frozen"),
    ],
)
async def test_whoever_tampers_is_seen(owner: Owner, table: str, statement: str, differs: str) -> None:
    before = await verified(owner.scene, owner.run)
    assert before.holds
    await owner.tampers(table, statement)
    after = await verified(owner.scene, owner.run)
    assert not after.holds
    changed = {
        "frozen": after.frozen_hash != before.frozen_hash,
        "rows": after.rows_hash != before.rows_hash,
        "computed": after.computed_hash != before.computed_hash,
    }
    assert [name for name, other in changed.items() if other] == [differs]
