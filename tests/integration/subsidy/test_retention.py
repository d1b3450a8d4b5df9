"""What a closed run was computed from goes when its time is over, never before, and everybody is told that it went."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from devkit.browser import Client
from devkit.issuer import Issuer
from qingdan.ids import RunId
from runtime.actor import Role
from runtime.db import transaction
from runtime.works import Working
from subsidy import works
from subsidy.app import service
from subsidy.remove_snapshot import remove_snapshot
from subsidy.retention_rules import SnapshotRemoved
from subsidy.settings import Settings
from subsidy.verify_run import verify_run
from tests.integration.service_scene import person
from tests.integration.subsidy.browser import application_of_subsidy
from tests.integration.subsidy.conftest import COUNTY
from tests.integration.subsidy.frozen_run import Payday
from tests.integration.subsidy.test_why import OLD, why

if TYPE_CHECKING:
    from uuid import UUID

    from tests.integration.subsidy.conftest import Scene

AUDITOR = person(Role.AUDITOR, COUNTY)
LONG_AGO = date(1990, 12, 31)


async def closed(scene: "Scene", directory: Path, on: date, period: str = "2026-07") -> tuple[RunId, "UUID"]:
    """A run with somebody in it that was closed on that day."""
    family = await scene.family(OLD)
    await scene.declare_complete()
    run = await scene.preview(period)
    await Payday(scene, directory).approve(run)
    await scene.rows("UPDATE run SET state = 'closed', closed_on = $2 WHERE id = $1 RETURNING id", run, on)
    return run, family.people[0]


async def open_run(scene: "Scene", directory: Path, state: str) -> RunId:
    """A run with somebody in it that has come so far."""
    if state in ("approved", "paying"):
        run, _ = await closed(scene, directory, LONG_AGO)
        await scene.rows("UPDATE run SET state = $1, closed_on = NULL RETURNING id", state)
        return run
    await scene.family(OLD)
    await scene.declare_complete()
    run = await scene.preview()
    if state == "frozen":
        await Payday(scene, directory).freeze(run)
    return run


async def remove(scene: "Scene", years: int = 30) -> bool:
    return await remove_snapshot(scene.pool, scene.service, years)


async def parts(scene: "Scene", run: RunId) -> int:
    [row] = await scene.rows("SELECT count(*) AS many FROM run_snapshot WHERE run_id = $1", run)
    return int(row["many"])


async def test_it_goes_run_by_run_and_the_list_stays(scene: "Scene", tmp_path: Path) -> None:
    second, _ = await closed(scene, tmp_path, date(1991, 5, 6), "2026-08")
    first, _ = await closed(scene, tmp_path, LONG_AGO)
    kept = ("entitlement", "obligation", "payment", "ledger_entry", "run_approval")
    before = {table: await scene.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in kept}
    assert await remove(scene)
    assert (await parts(scene, first), await parts(scene, second)) == (0, 3)
    assert await remove(scene)
    assert (await remove(scene), await parts(scene, second)) == (False, 0)
    assert {table: await scene.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in kept} == before
    entered = await scene.rows(
        "SELECT subject, after::jsonb AS after FROM audit_entry WHERE action = 'run.snapshot-removed' ORDER BY seq"
    )
    assert [each["subject"] for each in entered] == [str(first), str(second)]
    assert '"closed_on": "1990-12-31"' in entered[0]["after"]
    removed = await scene.rows("SELECT run_id, closed_on, kept_years, due_on, removed_on FROM run_snapshot_removed")
    assert {"run_id": first, "closed_on": LONG_AGO, "kept_years": 30, "due_on": date(2021, 1, 1)}.items() <= removed[
        0
    ].items()
    assert removed[0]["removed_on"] == scene.today


async def test_what_is_not_due_stays(scene: "Scene", tmp_path: Path) -> None:
    year = scene.today.year
    run, _ = await closed(scene, tmp_path, date(year - 30, 1, 1))
    assert not await remove(scene)
    assert await remove(scene, 29)
    assert await parts(scene, run) == 0


@pytest.mark.parametrize("state", ["frozen", "approved", "paying"])
async def test_only_what_is_closed_goes(scene: "Scene", tmp_path: Path, state: str) -> None:
    run = await open_run(scene, tmp_path, state)
    assert not await remove(scene)
    assert await parts(scene, run) == 3


async def test_after_it_went_an_auditor_is_told_so(scene: "Scene", tmp_path: Path) -> None:
    run, who = await closed(scene, tmp_path, LONG_AGO)
    assert (await verify_run(scene.pool, AUDITOR, run)).holds
    assert (await why(scene, who)).basis.facts == "frozen"
    await remove(scene)
    with pytest.raises(SnapshotRemoved) as refused:
        await verify_run(scene.pool, AUDITOR, run)
    said = refused.value.details
    assert (said["removed_on"], said["kept_years"], said["list_holds"]) == (str(scene.today), 30, True)
    assert said["rows_hash"] == said["frozen_hash"]
    looks = await scene.rows("SELECT after FROM audit_entry WHERE action = 'run.verified' ORDER BY seq")
    assert [AUDITOR.subject in each["after"] for each in looks] == [True, True]
    told = await why(scene, who)
    assert (told.basis.facts, told.basis.why_today, told.basis.kept_years) == ("today", "removed", 30)
    assert told.basis.said.zh == (
        f"按当前数据（可能与当时不同）：冻结名单所据的数据保管满30年，已于{scene.today}销毁。"
    )
    assert f"was removed on {scene.today}, after 30 years." in told.basis.said.en


async def test_over_http_it_is_gone_in_both_languages(scene: "Scene", tmp_path: Path, issuer: Issuer) -> None:
    run, who = await closed(scene, tmp_path, LONG_AGO)
    await remove(scene)
    async with application_of_subsidy(scene.pool, issuer) as http:
        headers = {"Authorization": f"Bearer {Client(http, issuer, AUDITOR).token}", "Accept-Language": "zh"}
        gone = await http.get(f"/v1/runs/{run}/verification", headers=headers)
        assert (gone.status_code, gone.json()["removed_on"], gone.json()["kept_years"]) == (410, str(scene.today), 30)
        assert gone.json()["title"] == "该批次的计算依据已按保管期限销毁，不能重新计算。"
        assert gone.json()["title_en"].startswith("What this run was computed from was removed")
        asked = {"programme": "B08", "period": "2026-07", "person": str(who), "view": "auditor"}
        page = await http.get("/v1/why", params=asked, headers=headers | {"Accept": "text/html"})
        assert f"保管满30年，已于{scene.today}销毁。" in page.text
        assert "after 30 years." in page.text


async def test_a_run_that_another_replica_holds_is_passed_over(scene: "Scene", tmp_path: Path) -> None:
    first, _ = await closed(scene, tmp_path, LONG_AGO, "2026-08")
    second, _ = await closed(scene, tmp_path, date(1991, 5, 6))
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute("SELECT 1 FROM run WHERE id = $1 FOR UPDATE", first)
        assert await remove(scene)
        assert not await remove(scene)
        assert (await parts(scene, first), await parts(scene, second)) == (3, 0)


async def test_the_service_removes_by_itself_for_as_many_years_as_are_set(scene: "Scene", tmp_path: Path) -> None:
    run, _ = await closed(scene, tmp_path, date(scene.today.year - 16, 1, 1))
    for years, left in ((16, 3), (15, 0)):
        settings = Settings.model_construct(snapshots_kept_years=years)
        while await works.remove_snapshots.turn(Working(scene.pool, scene.service, settings)):
            pass
        assert await parts(scene, run) == left
    assert works.remove_snapshots in service.works


REMOVALS: list[tuple[str, str]] = [
    ("closed lately", "INSERT INTO run_snapshot_removed (run_id, division_id, kept_years) SELECT $1, {0}, 30"),
    ("fewer than ten", "INSERT INTO run_snapshot_removed (run_id, division_id, kept_years) SELECT $1, {0}, 9"),
    ("a day of its own", "INSERT INTO run_snapshot_removed (run_id, division_id, kept_years, removed_on)"
     " SELECT $1, {0}, 30, '2999-01-01'"),
    ("a closing of its own", "INSERT INTO run_snapshot_removed (run_id, division_id, kept_years, closed_on)"
     " SELECT $1, {0}, 30, '1950-01-01'"),
    ("without a word", "DELETE FROM run_snapshot WHERE run_id = $1"),
    ("all at once", "TRUNCATE run_snapshot"),
]  # fmt: skip


@pytest.mark.parametrize("statement", [each for _, each in REMOVALS], ids=[name for name, _ in REMOVALS])
async def test_the_database_refuses_what_comes_before_its_time(scene: "Scene", tmp_path: Path, statement: str) -> None:
    run, _ = await closed(scene, tmp_path, date(scene.today.year - 10, 12, 31))
    asked: list[Any] = [run] if "$1" in statement else []
    with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError)):
        async with transaction(scene.pool, scene.service) as tx:
            await tx.execute(statement.format("(SELECT division_id FROM run WHERE id = $1)"), *asked)
    assert (await parts(scene, run), await scene.rows("SELECT 1 FROM run_snapshot_removed")) == (3, [])


async def test_the_database_refuses_whatever_the_service_takes_the_day_for(
    scene: "Scene", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = await closed(scene, tmp_path, scene.today)
    monkeypatch.setattr("subsidy.remove_snapshot.business_date", lambda _: date(2999, 1, 1))
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await remove(scene)
    assert await parts(scene, run) == 3


@pytest.mark.parametrize("state", ["previewed", "frozen", "approved", "paying"])
async def test_of_a_run_that_is_not_closed_nothing_is_entered_as_removed(
    scene: "Scene", tmp_path: Path, state: str
) -> None:
    run = await open_run(scene, tmp_path, state)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        async with transaction(scene.pool, scene.service) as tx:
            await tx.execute(
                "INSERT INTO run_snapshot_removed (run_id, division_id, kept_years)"
                " SELECT id, division_id, 30 FROM run WHERE id = $1",
                run,
            )


async def test_a_run_that_is_open_again_keeps_what_is_left(scene: "Scene", tmp_path: Path) -> None:
    """What was entered as removed under one closing removes nothing under another."""
    run, _ = await closed(scene, tmp_path, LONG_AGO)
    async with transaction(scene.pool, scene.service) as tx:
        await tx.execute(
            "INSERT INTO run_snapshot_removed (run_id, division_id, kept_years)"
            " SELECT id, division_id, 30 FROM run WHERE id = $1",
            run,
        )
    for change in ("state = 'paying', closed_on = NULL", f"state = 'closed', closed_on = '{scene.today}'"):
        await scene.rows(f"UPDATE run SET {change} RETURNING id")
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            async with transaction(scene.pool, scene.service) as tx:
                await tx.execute("DELETE FROM run_snapshot WHERE run_id = $1", run)
    assert await parts(scene, run) == 3
