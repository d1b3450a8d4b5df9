"""What was approved becomes owed in the background, in turns; and who must approve before."""

import asyncio
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from devkit.pytest_plugin import MakeDatabase
from qingdan.ids import RunId
from runtime.actor import Actor, Role
from runtime.db import transaction
from subsidy.approve_run import ApprovedRun, approve_run
from subsidy.freeze_run import freeze_run
from subsidy.instruct_payments import instruct_payments
from subsidy.oblige_run import oblige_run
from subsidy.preview_run import preview_run
from subsidy.run_rules import ApprovedAlready, RunBeingEntered, SecondPersonNeeded
from tests.integration.service_scene import person
from tests.integration.subsidy.conftest import COUNTY, Scene, county_in
from tests.integration.subsidy.frozen_run import AMOUNT_FEN, Payday


@pytest.fixture
async def payday(bare: Scene, tmp_path: Path) -> Payday:
    day = Payday(bare, tmp_path)
    await day.open()
    return day


def approver(name: str) -> Actor:
    return person(Role.FINANCE_APPROVER, COUNTY, name=name)


async def approve(payday: Payday, run: RunId, by: Actor) -> ApprovedRun:
    [row] = await payday.scene.rows("SELECT frozen_hash FROM run WHERE id = $1", run)
    return await approve_run(payday.scene.pool, by, run, row["frozen_hash"], expected=await payday.version(run))


async def freeze(payday: Payday, run: RunId, third_person_from_fen: int) -> int:
    scene = payday.scene
    frozen = await freeze_run(
        scene.pool,
        scene.preparer,
        run,
        scene.today,
        third_person_from_fen=third_person_from_fen,
        expected=await payday.version(run),
    )
    return frozen.approvals_needed


async def turn(payday: Payday, per_turn: int = 4) -> bool:
    return await oblige_run(payday.scene.pool, payday.scene.service, per_turn)


async def test_an_approval_is_answered_before_anything_is_owed(payday: Payday) -> None:
    run = await payday.previewed(await payday.people(10))
    await payday.freeze(run)
    answer = await approve(payday, run, payday.scene.approver)
    assert (answer.state, answer.items, answer.total_fen) == ("approved", 10, 10 * AMOUNT_FEN)
    assert await payday.books() == {}
    assert await payday.payments(run) == []


async def test_each_turn_is_owed_paid_for_and_booked_by_itself(payday: Payday) -> None:
    run = await payday.previewed(await payday.people(10))
    await payday.freeze(run)
    await approve(payday, run, payday.scene.approver)
    owed = []
    while await turn(payday):
        owed.append(len(await payday.payments(run)))
    assert owed == [0, 4, 8, 10]  # the first turn holds the run against its hash
    assert await payday.books() == {"budget": -10 * AMOUNT_FEN, "payable": 10 * AMOUNT_FEN}
    assert (await payday.statistics()).runs_being_entered == 0


async def test_nothing_is_sent_before_everything_is_owed(payday: Payday) -> None:
    run = await payday.previewed(await payday.people(10))
    await payday.freeze(run)
    await approve(payday, run, payday.scene.approver)
    await turn(payday)
    await turn(payday)
    assert await instruct_payments(payday.scene.pool, payday.scene.service, payday.desk) is False
    assert (await payday.statistics()).runs_being_entered == 1
    while await turn(payday):
        pass
    assert await payday.instruct() == 1
    assert {payment.state for payment in await payday.payments(run)} == {"sent"}


async def test_replicas_share_a_run_and_enter_nothing_twice(payday: Payday) -> None:
    run = await payday.previewed(await payday.people(60))
    await payday.freeze(run)
    await approve(payday, run, payday.scene.approver)

    async def replica() -> None:
        while await payday.scene.rows("SELECT 1 FROM run_obliging WHERE ended_at IS NULL"):
            await turn(payday, per_turn=3)

    await asyncio.gather(*(replica() for _ in range(3)))
    assert len({payment.beneficiary for payment in await payday.payments(run)}) == 60
    assert await payday.books() == {"budget": -60 * AMOUNT_FEN, "payable": 60 * AMOUNT_FEN}


async def test_the_next_month_waits_until_this_one_is_owed(payday: Payday) -> None:
    run = await payday.previewed(await payday.people(5))
    await payday.freeze(run)
    await approve(payday, run, payday.scene.approver)
    with pytest.raises(RunBeingEntered):
        await preview_run(payday.scene.pool, payday.scene.preparer, COUNTY, "2026-08")
    await payday.oblige(run)
    assert (await preview_run(payday.scene.pool, payday.scene.preparer, COUNTY, "2026-08")).period == "2026-08"


TAMPER = """
SELECT set_config('app.division', '1', false), set_config('app.department', '*', false);
ALTER TABLE entitlement DISABLE TRIGGER frozen_against_update;
UPDATE entitlement SET payee = gen_random_uuid() WHERE beneficiary = (SELECT beneficiary FROM entitlement LIMIT 1);
ALTER TABLE entitlement ENABLE TRIGGER frozen_against_update;
"""


async def test_what_was_changed_behind_our_back_is_never_owed(make_database: MakeDatabase, tmp_path: Path) -> None:
    """Somebody with the owner's rights lifts the guard, and writes another payee into what was frozen."""
    database = make_database("subsidy")
    async with county_in(database.app_url) as scene:
        payday = Payday(scene, tmp_path)
        await payday.open()
        run = await payday.previewed(await payday.people(3))
        await payday.freeze(run)
        await approve(payday, run, scene.approver)
        owner = await asyncpg.connect(database.owner_url)
        try:
            await owner.execute(TAMPER)
        finally:
            await owner.close()
        while await turn(payday):
            pass
        assert await payday.books() == {}
        assert await payday.payments(run) == []
        halted = await scene.rows("SELECT halted FROM run_obliging")
        audited = await scene.rows("SELECT action FROM audit_entry WHERE action = 'run.halted'")
        assert ([row["halted"] for row in halted], len(audited)) == (["hash_differs"], 1)


async def test_from_an_amount_on_two_people_approve(payday: Payday) -> None:
    run = await payday.previewed(await payday.people(2))
    assert await freeze(payday, run, 2 * AMOUNT_FEN) == 2
    first = await approve(payday, run, approver("chen"))
    assert (first.state, first.approvals, first.approvals_needed) == ("frozen", 1, 2)
    assert await turn(payday) is False
    with pytest.raises(ApprovedAlready):
        await approve(payday, run, approver("chen"))
    with pytest.raises(SecondPersonNeeded):
        await approve(payday, run, replace(approver("x"), subject=payday.scene.preparer.subject))
    second = await approve(payday, run, approver("zhou"))
    assert (second.state, second.approvals) == ("approved", 2)
    assert (await payday.oblige(run)).obligations == 2
    [told] = await payday.scene.told("run.approved.v1")
    assert told["approvals"] == 2


async def test_below_the_amount_one_is_enough(payday: Payday) -> None:
    run = await payday.previewed(await payday.people(2))
    assert await freeze(payday, run, 2 * AMOUNT_FEN + 1) == 1
    assert (await approve(payday, run, approver("chen"))).state == "approved"


CHEATS = {
    "one for two": "UPDATE run SET state = 'approved', approved_on = '2026-07-20', approved_by = 'chen' WHERE id = $1",
    "its preparer": "INSERT INTO run_approval SELECT id, prepared_by, division_id, frozen_hash, '2026-07-20'"
    " FROM run WHERE id = $1",
    "another hash": "INSERT INTO run_approval SELECT id, 'zhou', division_id, sha256('x'), '2026-07-20'"
    " FROM run WHERE id = $1",
    "taken back": "DELETE FROM run_approval WHERE run_id = $1",
}


@pytest.mark.parametrize("cheat", CHEATS)
async def test_the_database_itself_counts_the_approvals(payday: Payday, cheat: str) -> None:
    run = await payday.previewed(await payday.people(2))
    await freeze(payday, run, 1)
    await approve(payday, run, approver("chen"))
    with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError)):
        async with transaction(payday.scene.pool, payday.scene.service) as tx:
            await tx.execute(CHEATS[cheat], run)
