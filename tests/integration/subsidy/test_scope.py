"""Finance sees its own county and no other; departments their own programmes; facts and identities nobody outside."""

from typing import TYPE_CHECKING

import asyncpg
import pytest

from qingdan.divisions import DivisionCode
from runtime.actor import Actor, Role
from runtime.db import transaction
from runtime.divisions import DivisionUnknown
from runtime.problems import NotFound
from runtime.scope import DivisionNotKnownHere
from subsidy.list_entitlements import list_entitlements
from subsidy.list_registers import list_registers
from subsidy.list_runs import list_runs
from subsidy.preview_run import preview_run
from subsidy.show_run import show_run
from tests.integration.service_scene import person
from tests.integration.subsidy.conftest import (
    COUNTY,
    FAR_VILLAGE,
    OTHER_COUNTY,
    OTHER_VILLAGE,
    PERIOD,
    VILLAGE,
)

if TYPE_CHECKING:
    from tests.integration.subsidy.conftest import Scene

OLD = {"birth_date": "1941-05-01"}
AT_SCHOOL = {"birth_date": "2010-05-01", "is_orphan": True, "orphan_care": "dispersed", "fulltime_enrolled": True}


async def seen_by(scene: "Scene", actor: Actor) -> dict[str, int]:
    """How many rows of each table exist for the actor."""
    tables = ("person", "household", "run", "entitlement", "register_declared", "county_parameter", "identity")
    async with transaction(scene.pool, actor) as tx:
        counts = {table: await tx.fetchval(f"SELECT count(*) FROM {table}") for table in (*tables, "dataset_state")}
    return {table: count for table, count in counts.items() if count}


async def test_each_countys_finance_sees_its_own_county(scene: "Scene") -> None:
    await scene.family(OLD)
    await scene.family(OLD, village=FAR_VILLAGE)
    await scene.declare_complete()
    mine = await scene.preview()
    theirs = (await preview_run(scene.pool, scene.other_preparer, OTHER_COUNTY, PERIOD)).run
    assert [each.run for each in await list_runs(scene.pool, scene.preparer, state=None, after=None, limit=9)] == [mine]
    for show in (
        show_run(scene.pool, scene.preparer, theirs),
        list_entitlements(scene.pool, scene.preparer, theirs, limit=9),
    ):
        with pytest.raises(NotFound):
            await show
    assert {each.division for each in await scene.entitlements(mine)} == {VILLAGE}
    seen = await seen_by(scene, scene.other_preparer)
    assert (seen["person"], seen["household"], seen["run"], seen.get("register_declared")) == (1, 1, 1, None)


async def test_no_run_of_another_county_can_be_made(scene: "Scene") -> None:
    with pytest.raises(DivisionUnknown):
        await preview_run(scene.pool, scene.preparer, OTHER_COUNTY, PERIOD)
    with pytest.raises(DivisionUnknown):
        await list_registers(scene.pool, scene.preparer, OTHER_COUNTY)
    assert await scene.rows("SELECT 1 FROM run") == []


async def test_a_village_sees_what_its_own_people_get(scene: "Scene") -> None:
    await scene.family(OLD)
    await scene.family(OLD, village=OTHER_VILLAGE)
    await scene.declare_complete()
    await scene.preview()
    seen = await seen_by(scene, person(Role.VILLAGE_CADRE, OTHER_VILLAGE))
    assert seen == {"person": 1, "household": 1, "entitlement": 1}


async def test_a_department_sees_its_own_programmes(scene: "Scene") -> None:
    await scene.family(OLD | {"film_projectionist_years": 3}, {"birth_date": "2024-05-01"})
    await scene.declare_complete()
    run = await scene.preview()
    assert {each.department for each in await scene.entitlements(run)} == {"MZJ", "WJJ"}
    health = person(Role.DEPARTMENT_STAFF, COUNTY, department="WJJ")
    assert [each.programme for each in await list_entitlements(scene.pool, health, run, limit=9)] == ["B28"]
    assert [each.programme for each in (await show_run(scene.pool, health, run)).programmes] == ["B28"]


async def test_who_is_registered_elsewhere_is_seen_by_the_service_only(scene: "Scene") -> None:
    await scene.family({"hukou_village_code": None})
    assert (await seen_by(scene, scene.preparer)).get("person") is None
    assert (await seen_by(scene, scene.service))["person"] == 1


async def test_what_came_in_and_identities_are_the_services_own(scene: "Scene") -> None:
    await scene.family({})
    seen = await seen_by(scene, scene.preparer)
    assert "dataset_state" not in seen
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute("INSERT INTO identity SELECT id, '{}', '{}', clock_timestamp() FROM person")
    assert "identity" not in await seen_by(scene, scene.preparer)
    assert (await seen_by(scene, scene.service))["identity"] == 1


async def test_nobody_writes_facts_or_runs_into_another_county(scene: "Scene") -> None:
    await scene.family({})
    insert = (
        "INSERT INTO run (id, division_id, period, state, programme_version, reference_on, prepared_by, previewed_on)"
        " SELECT gen_random_uuid(), id, '2026-07', 'previewed', 1, '2026-07-01', 'x', '2026-07-01' FROM division"
        " WHERE code = $1"
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(scene.pool, scene.other_preparer) as tx:
            await tx.execute(insert, COUNTY)
    async with transaction(scene.pool, scene.other_preparer) as tx:
        assert await tx.execute("UPDATE person SET is_alive = false") == "UPDATE 0"
        await tx.execute(insert, OTHER_COUNTY)


async def test_programmes_are_published_by_people_only(scene: "Scene") -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(scene.pool, scene.service) as tx:
            await tx.execute("INSERT INTO programme_version VALUES (9, '2026-01-01')")


async def test_a_token_of_an_unknown_division_sees_nothing(scene: "Scene") -> None:
    with pytest.raises(DivisionNotKnownHere):
        await seen_by(scene, person(Role.FINANCE_PREPARER, DivisionCode("440300000000")))


async def test_an_auditor_reads_and_never_writes(scene: "Scene") -> None:
    await scene.family(OLD)
    await scene.declare_complete()
    run = await scene.preview()
    auditor = person(Role.AUDITOR, COUNTY)
    assert (await show_run(scene.pool, auditor, run)).programmes[0].total_fen == 5_000
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with transaction(scene.pool, auditor) as tx:
            await tx.execute("DELETE FROM entitlement")
