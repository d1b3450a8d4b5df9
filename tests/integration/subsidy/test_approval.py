"""Freezing and approving: two people, exactly what was frozen, and everything owed is owed once."""

import asyncio
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from qingdan.ids import RunId
from qingdan.money import FEN_MAX
from runtime.actor import Actor, Role
from runtime.db import Version, transaction
from runtime.problems import Forbidden, NotFound, StaleVersion
from subsidy import obligation_store
from subsidy.approve_run import approve_run
from subsidy.freeze_run import freeze_run
from subsidy.preview_rules import RunIsFrozen
from subsidy.preview_run import preview_run
from subsidy.run_rules import HashDiffers, NothingToPay, RunNotThere, SecondPersonNeeded, WholeCountyNeeded
from tests.integration.service_scene import person
from tests.integration.subsidy.conftest import COUNTY, PERIOD, Scene
from tests.integration.subsidy.frozen_run import AMOUNT_FEN, Payday


@pytest.fixture
async def payday(bare: Scene, tmp_path: Path) -> Payday:
    day = Payday(bare, tmp_path)
    await day.open()
    return day


def both(subject: str) -> Actor:
    """Somebody who may prepare and approve."""
    return Actor(subject, frozenset({Role.FINANCE_PREPARER, Role.FINANCE_APPROVER}), COUNTY)


async def test_a_frozen_run_is_approved_and_owed(payday: Payday) -> None:
    run = await payday.previewed(await payday.people(3))
    approved = await payday.approve(run)
    assert (approved.obligations, approved.total_fen, approved.already) == (3, 3 * AMOUNT_FEN, 0)
    assert await payday.books() == {"budget": -3 * AMOUNT_FEN, "payable": 3 * AMOUNT_FEN}
    assert [payment.state for payment in await payday.payments(run)] == ["prepared"] * 3
    told = [body["type"] for body in await payday.scene.told("run.frozen.v1", "run.approved.v1")]
    assert told == ["run.frozen.v1", "run.approved.v1"]
    audited = await payday.scene.rows("SELECT action, after FROM audit_entry WHERE subject = $1 ORDER BY seq", str(run))
    assert [row["action"] for row in audited] == ["run.frozen.v1", "run.approved.v1", "run.obliged"]
    assert (await payday.scene.rows("SELECT encode(frozen_hash, 'hex') AS h FROM run"))[0]["h"] in audited[0]["after"]


async def test_a_frozen_run_is_not_computed_again(payday: Payday) -> None:
    run = await payday.previewed(await payday.people(1))
    await payday.freeze(run)
    with pytest.raises(RunIsFrozen):
        await preview_run(payday.scene.pool, payday.scene.preparer, COUNTY, PERIOD)


CHANGES = [
    "UPDATE entitlement SET status = 'excluded', excluded_by = 'B02' WHERE run_id = $1",
    "DELETE FROM entitlement WHERE run_id = $1",
    "INSERT INTO entitlement SELECT run_id, programme, gen_random_uuid(), occurrence, kind, payee, division_id,"
    " department, amount_fen, status, excluded_by, missing FROM entitlement WHERE run_id = $1",
]


@pytest.mark.parametrize("change", CHANGES)
async def test_a_frozen_run_does_not_change_whoever_tries(payday: Payday, change: str) -> None:
    run = await payday.previewed(await payday.people(2))
    await payday.freeze(run)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        async with transaction(payday.scene.pool, payday.scene.service) as tx:
            await tx.execute(change, run)


HASHED = {
    "programme": "'B02'",
    "beneficiary": "gen_random_uuid()",
    "occurrence": "occurrence || 'x'",
    "kind": "'household'",
    "payee": "gen_random_uuid()",
    "division_id": "(SELECT id FROM division WHERE code = '330523100202')",
    "amount_fen": "amount_fen + 1",
}
COLUMNS = "run_id, programme, beneficiary, occurrence, kind, payee, division_id, department, amount_fen, status"


async def hash_with(payday: Payday, run: RunId, **changed: str) -> bytes:
    """The hash of a previewed run with one row changed in these columns."""
    values = ", ".join(changed.get(column, column) for column in COLUMNS.split(", "))
    async with transaction(payday.scene.pool, payday.scene.service) as tx:
        await tx.execute(
            "WITH first AS (DELETE FROM entitlement WHERE run_id = $1 AND beneficiary ="
            " (SELECT beneficiary FROM entitlement WHERE run_id = $1 ORDER BY payee LIMIT 1) RETURNING *)"
            f" INSERT INTO entitlement ({COLUMNS}) SELECT {values} FROM first",
            run,
        )
        return await obligation_store.hash_of_entitled(tx, run)


@pytest.mark.parametrize("column", HASHED)
async def test_the_hash_tells_every_change_of_who_is_paid_what(payday: Payday, column: str) -> None:
    run = await payday.previewed(await payday.people(2))
    same = await hash_with(payday, run)
    assert await hash_with(payday, run) == same
    assert await hash_with(payday, run, **{column: HASHED[column]}) != same


async def test_only_what_was_frozen_is_approved(payday: Payday) -> None:
    run, scene = await payday.previewed(await payday.people(1)), payday.scene
    await payday.freeze(run)
    with pytest.raises(HashDiffers):
        await approve_run(scene.pool, scene.approver, run, b"x" * 32, expected=await payday.version(run))
    assert await payday.payments(run) == []


@pytest.mark.parametrize("again", ["prepared", "froze"])
async def test_who_prepared_or_froze_does_not_approve(payday: Payday, again: str) -> None:
    run = await payday.previewed(await payday.people(1), prepared_by="li" if again == "prepared" else "wang")
    scene, li = payday.scene, both("li")
    froze = both("wang") if again == "prepared" else li
    frozen = await freeze_run(
        scene.pool, froze, run, scene.today, third_person_from_fen=FEN_MAX, expected=await payday.version(run)
    )
    hashed = bytes.fromhex(frozen.frozen_hash)
    with pytest.raises(SecondPersonNeeded):
        await approve_run(scene.pool, li, run, hashed, expected=await payday.version(run))
    assert await payday.books() == {}
    await approve_run(scene.pool, both("chen"), run, hashed, expected=await payday.version(run))


async def test_not_even_the_database_takes_one_person_for_two(payday: Payday) -> None:
    run = await payday.previewed(await payday.people(1))
    await payday.freeze(run)
    with pytest.raises(asyncpg.CheckViolationError):
        async with transaction(payday.scene.pool, payday.scene.service) as tx:
            await tx.execute(
                "UPDATE run SET state = 'approved', approved_on = '2026-07-20', approved_by = frozen_by WHERE id = $1",
                run,
            )


async def test_each_step_needs_its_role(payday: Payday) -> None:
    run, scene = await payday.previewed(await payday.people(1)), payday.scene
    version = await payday.version(run)
    with pytest.raises(Forbidden):
        await freeze_run(scene.pool, scene.approver, run, scene.today, third_person_from_fen=FEN_MAX, expected=version)
    hashed, another = (
        bytes.fromhex((await payday.freeze(run)).frozen_hash),
        person(Role.FINANCE_PREPARER, COUNTY, name="zhou"),
    )
    with pytest.raises(Forbidden) as refused:
        await approve_run(scene.pool, another, run, hashed, expected=await payday.version(run))
    assert refused.type is Forbidden  # not for being the same person


async def test_who_sees_one_department_only_neither_freezes_nor_approves(payday: Payday) -> None:
    run, scene = await payday.previewed(await payday.people(1)), payday.scene
    clerk = replace(both("clerk"), department="MZJ")
    with pytest.raises(WholeCountyNeeded):
        await freeze_run(
            scene.pool, clerk, run, scene.today, third_person_from_fen=FEN_MAX, expected=await payday.version(run)
        )
    hashed = bytes.fromhex((await payday.freeze(run)).frozen_hash)
    with pytest.raises(WholeCountyNeeded):
        await approve_run(scene.pool, clerk, run, hashed, expected=await payday.version(run))


async def test_another_countys_finance_sees_no_run_of_ours(payday: Payday) -> None:
    run, scene = await payday.previewed(await payday.people(1)), payday.scene
    with pytest.raises(NotFound):
        await freeze_run(
            scene.pool, scene.other_preparer, run, scene.today, third_person_from_fen=FEN_MAX, expected=Version(1)
        )


async def test_a_run_of_nothing_is_not_frozen(payday: Payday) -> None:
    run = await payday.previewed([])
    with pytest.raises(NothingToPay):
        await payday.freeze(run)


async def test_a_step_on_what_was_not_read_is_refused(payday: Payday) -> None:
    run, scene = await payday.previewed(await payday.people(1)), payday.scene
    with pytest.raises(StaleVersion):
        await freeze_run(
            scene.pool, scene.preparer, run, scene.today, third_person_from_fen=FEN_MAX, expected=Version(7)
        )


async def test_two_approvals_at_once_owe_once(payday: Payday) -> None:
    run, scene = await payday.previewed(await payday.people(5)), payday.scene
    hashed = bytes.fromhex((await payday.freeze(run)).frozen_hash)
    version = await payday.version(run)
    answers = await asyncio.gather(
        *(approve_run(scene.pool, both(f"approver {n}"), run, hashed, expected=version) for n in range(4)),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["ApprovedRun", *["StaleVersion"] * 3]
    await payday.oblige(run)
    assert await payday.books() == {"budget": -5 * AMOUNT_FEN, "payable": 5 * AMOUNT_FEN}


async def test_what_another_run_came_to_first_is_not_owed_twice(payday: Payday) -> None:
    """Something paid once for ever, found eligible in two months that were computed before either was approved."""
    payees = await payday.people(3)
    july = await payday.previewed(payees[:2], period="2026-07", occurrence="once")
    august = await payday.previewed(payees, period="2026-08", occurrence="once")
    first, second = await payday.approve(july), await payday.approve(august)
    assert (first.obligations, second.obligations, second.already) == (2, 1, 2)
    assert second.total_fen == AMOUNT_FEN
    assert await payday.books() == {"budget": -3 * AMOUNT_FEN, "payable": 3 * AMOUNT_FEN}
    assert len(await payday.payments()) == 3


async def test_two_runs_entered_at_once_owe_the_same_thing_once(payday: Payday) -> None:
    payees, scene = await payday.people(40), payday.scene
    runs = [await payday.previewed(payees, period=f"2026-0{month}", occurrence="once") for month in (7, 8)]
    frozen = [bytes.fromhex((await payday.freeze(run)).frozen_hash) for run in runs]
    versions = [await payday.version(run) for run in runs]
    for run, hashed, version in zip(runs, frozen, versions, strict=True):
        await approve_run(scene.pool, scene.approver, run, hashed, expected=version)
    await asyncio.gather(*(payday.oblige(run, per_turn=7) for run in runs))
    entered = [await payday.oblige(run) for run in runs]
    assert sum(each.obligations for each in entered) == sum(each.already for each in entered) == 40
    assert await payday.books() == {"budget": -40 * AMOUNT_FEN, "payable": 40 * AMOUNT_FEN}


async def test_an_approved_run_is_neither_frozen_nor_approved_again(payday: Payday) -> None:
    run, scene = await payday.previewed(await payday.people(1)), payday.scene
    await payday.approve(run)
    hashed = (await scene.rows("SELECT frozen_hash FROM run WHERE id = $1", run))[0]["frozen_hash"]
    with pytest.raises(RunNotThere):
        await payday.freeze(run)
    with pytest.raises(RunNotThere):
        await approve_run(scene.pool, scene.approver, run, hashed, expected=await payday.version(run))
    assert len(await payday.payments(run)) == 1
