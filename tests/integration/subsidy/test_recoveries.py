"""What people who were paid too much owe back: repaid in parts, waived by another person, and what the books say."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from devkit.postgres import SUPERUSER, Postgres
from qingdan.divisions import DivisionCode
from runtime.actor import Actor, Role
from runtime.db import Version
from runtime.problems import Forbidden, NotFound, StaleVersion
from subsidy.list_recoveries import RecoveryView, list_recoveries
from subsidy.record_repayment import record_repayment
from subsidy.recovery_rules import AnotherPersonWaives, ClaimEnded, MoreThanOpen, RecoveryState, RepaidAlready
from subsidy.run_rules import WholeCountyNeeded
from subsidy.waive_recovery import waive_recovery
from tests.integration.service_scene import person
from tests.integration.subsidy.adjusted_month import PaidMonth, paid_month
from tests.integration.subsidy.conftest import COUNTY, OTHER_COUNTY, VILLAGE, Scene
from tests.integration.subsidy.frozen_run import Payday, returned

OLD = {"birth_date": "1941-05-01"}  # 8,500 fen
CLAIMED = {"budget": -8_500, "recovery": 8_500}


@pytest.fixture
async def month(bare: Scene, tmp_path: Path) -> PaidMonth:
    """Of one person, who was paid and had died before; the claim is open."""
    month, (old,) = await paid_month(Payday(bare, tmp_path), OLD)
    await month.corrected(old, is_alive=False)
    await month.decide(await month.propose())
    return month


@pytest.fixture
async def claim(month: PaidMonth) -> RecoveryView:
    (claim,) = await month.recoveries()
    return claim


async def waive(month: PaidMonth, claim: RecoveryView, actor: Actor | None = None) -> RecoveryView:
    scene, version = month.scene, Version(claim.version)
    return await waive_recovery(scene.pool, actor or scene.approver, claim.recovery, "hardship", expected=version)


async def test_what_was_too_much_is_claimed_of_who_received_it(month: PaidMonth, claim: RecoveryView) -> None:
    assert await month.payday.books() == CLAIMED
    assert (claim.payee, claim.amount_fen, claim.recovered_fen, claim.state) == (claim.beneficiary, 8_500, 0, "open")
    said = await month.payday.statistics()
    assert (said.ledger_fen_by_account["recovery"], said.ledger_sum_fen) == (8_500, 0)


async def test_it_is_repaid_in_parts_each_receipt_once(month: PaidMonth, claim: RecoveryView) -> None:
    first = await month.repaid(claim, 500)
    with pytest.raises(RepaidAlready):
        await month.repaid(first, 500)
    with pytest.raises(StaleVersion):
        await month.repaid(claim, 500, "R/2")
    with pytest.raises(MoreThanOpen):
        await month.repaid(first, 8_001, "R/2")
    assert await month.payday.books() == {"budget": -8_000, "recovery": 8_000}
    last = await month.repaid(first, 8_000, "R/2")
    with pytest.raises(ClaimEnded):
        await month.repaid(last, 1, "R/3")
    with pytest.raises(ClaimEnded):
        await waive(month, last)
    assert await month.payday.books() == {}


async def test_what_is_waived_stays_with_them_and_is_not_asked_for_again(month: PaidMonth, claim: RecoveryView) -> None:
    part = await month.repaid(claim, 500)
    waived = await waive(month, part)
    assert (waived.state, waived.waived_reason, waived.recovered_fen) == ("waived", "hardship", 500)
    assert await month.payday.books() == {"budget": -8_000, "paid": 8_000}
    assert (await month.propose()).items == 0
    with pytest.raises(ClaimEnded):
        await month.repaid(waived, 1, "R/2")


async def test_who_kept_waived_money_is_not_paid_the_same_again(month: PaidMonth, claim: RecoveryView) -> None:
    await waive(month, claim)
    await month.corrected(claim.beneficiary, is_alive=True)
    assert (await month.propose()).items == 0
    await month.corrected(claim.beneficiary, birth_date="1939-05-01")
    assert await month.deltas((await month.propose()).adjustment) == {
        (claim.beneficiary, "B08"): (200, "amount_changed")
    }


async def test_money_that_the_bank_sends_back_after_it_was_claimed(month: PaidMonth, claim: RecoveryView) -> None:
    (payment,) = await month.payday.payments(month.run)
    await month.payday.says(returned(payment))
    await waive(month, claim)
    assert await month.payday.books() == {"budget": -8_500, "returned": 8_500}


async def test_two_repayments_at_once_are_one(month: PaidMonth, claim: RecoveryView) -> None:
    answers = await asyncio.gather(*(month.repaid(claim, 5_000, f"R/{n}") for n in range(4)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["RecoveryView", *["StaleVersion"] * 3]
    assert await month.payday.books() == {"budget": -3_500, "recovery": 3_500}


async def test_who_may_do_what(month: PaidMonth, claim: RecoveryView) -> None:
    scene, version = month.scene, Version(claim.version)
    for actor in (scene.approver, scene.other_preparer):
        with pytest.raises((Forbidden, NotFound)):
            await record_repayment(scene.pool, actor, claim.recovery, claim.amount_fen, "R/1", expected=version)
    both = Actor(scene.preparer.subject, frozenset({Role.FINANCE_PREPARER, Role.FINANCE_APPROVER}), COUNTY)
    with pytest.raises(AnotherPersonWaives):
        await waive(month, claim, both)
    with pytest.raises(Forbidden):
        await waive(month, claim, scene.preparer)
    with pytest.raises(WholeCountyNeeded):
        await waive(month, claim, replace(scene.approver, department="MZJ"))
    with pytest.raises(NotFound):
        await waive(month, claim, person(Role.FINANCE_APPROVER, OTHER_COUNTY))
    with pytest.raises(Forbidden):
        await list_recoveries(
            scene.pool, person(Role.DEPARTMENT_STAFF, COUNTY, "MZJ"), state=None, adjustment=None, after=None, limit=9
        )
    assert await month.payday.books() == CLAIMED


async def test_finance_of_a_part_sees_its_part(month: PaidMonth, claim: RecoveryView) -> None:
    assert claim.division == VILLAGE
    here = person(Role.FINANCE_PREPARER, VILLAGE)
    beside = person(Role.FINANCE_PREPARER, DivisionCode("330523100202"))
    other_department = person(Role.FINANCE_PREPARER, COUNTY, "NYJ")
    assert [len(await month.recoveries(each)) for each in (here, beside, other_department)] == [1, 0, 0]


async def test_pages_go_on_behind_the_last_one_seen(month: PaidMonth, claim: RecoveryView) -> None:
    scene = month.scene
    asked: list[tuple[RecoveryState | None, UUID | None, int]] = [
        ("open", None, 1),
        ("waived", None, 0),
        (None, claim.recovery, 0),
    ]
    for state, after, found in asked:
        page = await list_recoveries(
            scene.pool, scene.preparer, state=state, adjustment=claim.adjustment, after=after, limit=9
        )
        assert len(page) == found


MISPLACED = [
    # entries of no move, of another kind than its move, twice of the same, and of a claim without its move
    "INSERT INTO ledger_entry (obligation_id, kind, division_id, department, move_id)"
    " SELECT obligation_id, 'repaid', division_id, department, 1000000 FROM recovery_claim",
    "INSERT INTO ledger_entry (obligation_id, kind, division_id, department, move_id)"
    " SELECT c.obligation_id, 'waived', c.division_id, c.department, m.id FROM recovery_claim c, recovery_move m",
    "INSERT INTO ledger_entry (obligation_id, kind, division_id, department, move_id)"
    " SELECT c.obligation_id, 'claimed', c.division_id, c.department, m.id FROM recovery_claim c, recovery_move m",
    "INSERT INTO ledger_entry (obligation_id, kind, division_id, department)"
    " SELECT obligation_id, 'claimed', division_id, department FROM recovery_claim",
    "UPDATE recovery_move SET amount_fen = 1",
    "UPDATE recovery_claim SET state = 'recovered'",
    "UPDATE recovery_claim SET recovered_fen = amount_fen + 1",
    "UPDATE recovery_claim SET state = 'waived', waived_reason = 'hardship', waived_by = claimed_by",
]


@pytest.mark.parametrize("statement", MISPLACED)
async def test_the_database_refuses_what_no_claim_comes_to(
    month: PaidMonth, postgres: Postgres, statement: str
) -> None:
    (here,) = await month.scene.rows("SELECT current_database() AS name")
    owner = await asyncpg.connect(postgres.url(SUPERUSER, here["name"]))
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await owner.execute(statement)
    await owner.close()
    assert await month.payday.books() == CLAIMED


async def test_what_came_of_a_claim_is_audited(month: PaidMonth, claim: RecoveryView) -> None:
    await waive(month, await month.repaid(claim, 500))
    rows = await month.scene.rows(
        "SELECT action, after::json AS after FROM audit_entry WHERE subject = $1 ORDER BY seq", str(claim.recovery)
    )
    assert [(row["action"], json.loads(row["after"])["amount_fen"]) for row in rows] == [
        ("recovery.repaid", 500),
        ("recovery.waived", 8_000),
    ]
