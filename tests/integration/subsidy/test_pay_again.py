"""What is paid once more, and what is not: each of the latter with its reason, and paid when the reason is gone."""

from pathlib import Path
from uuid import UUID

import pytest

from runtime.db import Version
from subsidy.hold_rules import OthersWait
from subsidy.lift_hold import lift_hold
from subsidy.list_holds import HoldView
from subsidy.pay_again import PaidAgain, pay_again
from subsidy.run_rules import NothingToPayAgain
from subsidy.suspend_payment import suspend_payment
from subsidy.waive_recovery import waive_recovery
from tests.integration.subsidy.adjusted_month import PaidMonth, paid_month
from tests.integration.subsidy.conftest import Scene
from tests.integration.subsidy.frozen_run import Payday, returned

OLD = {"birth_date": "1941-05-01"}  # 8,500 fen
OLD_FEN = 8_500

FOR_THE_CHILD = """
INSERT INTO entitlement (run_id, programme, beneficiary, occurrence, kind, payee, division_id, department, amount_fen,
                         status)
SELECT run_id, 'B12', beneficiary, occurrence, kind, $2, division_id, department, amount_fen, status
FROM entitlement WHERE run_id = $1 RETURNING beneficiary
"""


async def month_of(bare: Scene, tmp_path: Path, many: int) -> tuple[PaidMonth, list[UUID]]:
    """So many people were paid, and the bank sent all of it back."""
    month, people = await paid_month(Payday(bare, tmp_path), *[OLD] * many)
    await month.payday.says(*(returned(each) for each in await month.payday.payments(month.run)))
    return month, people


async def again(month: PaidMonth) -> PaidAgain:
    scene = month.scene
    return await pay_again(scene.pool, scene.approver, month.run, expected=await month.payday.version(month.run))


async def left_out(month: PaidMonth) -> dict[str, tuple[int, int]]:
    """By reason how many are left out and how much of money, where nothing at all is paid once more."""
    with pytest.raises(NothingToPayAgain) as refused:
        await again(month)
    said = refused.value.details["left_out"]
    assert isinstance(said, list)
    return {each["reason"]: (each["payments"], each["total_fen"]) for each in said}


async def prepared(month: PaidMonth) -> set[UUID]:
    return {each.beneficiary for each in await month.payday.payments(month.run) if each.state == "prepared"}


async def hold(month: PaidMonth, who: UUID) -> HoldView:
    return await suspend_payment(month.scene.pool, month.scene.preparer, who, None, None, reason="check")


async def test_the_answer_says_who_is_left_out_and_why(bare: Scene, tmp_path: Path) -> None:
    month, (fine, held, stopped, gone) = await month_of(bare, tmp_path, 4)
    await hold(month, held)
    waits = await suspend_payment(month.scene.pool, month.scene.preparer, stopped, "B08", month.period, reason="check")
    await lift_hold(month.scene.pool, month.scene.approver, waits.hold, "stop", expected=Version(waits.version))
    await month.corrected(gone, is_alive=False)
    answer = await again(month)
    assert (answer.payments, answer.total_fen, answer.beyond_fen) == (1, OLD_FEN, 0)
    assert [(each.reason, each.payments, each.total_fen) for each in answer.left_out] == [
        ("deceased", 1, OLD_FEN),
        ("held", 1, OLD_FEN),
        ("stopped", 1, OLD_FEN),
    ]
    assert all(" " in each.why and "。" in each.why for each in answer.left_out)
    assert await prepared(month) == {fine}


async def test_what_was_computed_to_be_due_no_more_is_not_paid_again(bare: Scene, tmp_path: Path) -> None:
    month, (who, other) = await month_of(bare, tmp_path, 2)
    await month.corrected(who, birth_date="2001-05-01")  # 25: B08 is of the old
    proposed = await month.propose()
    assert await month.deltas(proposed.adjustment) == {(who, "B08"): (0, "not_paid")}
    answer = await again(month)
    assert [(each.reason, each.payments) for each in answer.left_out] == [("due_no_more", 1)]
    assert await prepared(month) == {other}


async def test_what_is_due_again_by_a_newer_computation_is_paid_again(bare: Scene, tmp_path: Path) -> None:
    month, (who,) = await month_of(bare, tmp_path, 1)
    await month.corrected(who, birth_date="2001-05-01")
    await month.propose()
    assert await left_out(month) == {"due_no_more": (1, OLD_FEN)}
    await month.corrected(who, birth_date="1941-05-01")
    assert (await month.propose()).items == 0
    assert (await again(month)).payments == 1


async def test_a_computation_for_somebody_else_says_nothing_of_them(bare: Scene, tmp_path: Path) -> None:
    month, (who, other) = await month_of(bare, tmp_path, 2)
    await month.corrected(who, birth_date="2001-05-01")
    await month.propose(only=[other])
    assert (await again(month)).payments == 2


async def test_what_is_due_in_part_is_paid_and_the_rest_of_it_said(bare: Scene, tmp_path: Path) -> None:
    month, (who,) = await month_of(bare, tmp_path, 1)
    await month.corrected(who, birth_date="1946-05-01")  # 80: 8,000 fen
    await month.propose()
    answer = await again(month)
    assert (answer.payments, answer.total_fen, answer.beyond_fen, answer.left_out) == (1, OLD_FEN, 500, [])
    await month.pay()
    proposed = await month.propose()
    assert await month.deltas(proposed.adjustment) == {(who, "B08"): (-500, "amount_changed")}


async def test_what_is_still_asked_back_comes_first(bare: Scene, tmp_path: Path) -> None:
    month, (who,) = await paid_month(Payday(bare, tmp_path), OLD)
    await month.corrected(who, birth_date="1946-05-01")
    await month.decide(await month.propose())
    (claim,) = await month.recoveries()
    assert claim.amount_fen == 500
    await month.payday.says(*(returned(each) for each in await month.payday.payments(month.run)))
    assert await left_out(month) == {"recovery_open": (1, OLD_FEN)}
    scene, version = month.scene, Version(claim.version)
    await waive_recovery(scene.pool, scene.approver, claim.recovery, "bank_took_it_back", expected=version)
    assert (await again(month)).payments == 1


async def test_whoever_would_receive_it_has_died(bare: Scene, tmp_path: Path) -> None:
    """The item is another's: it waits all the same, for nobody takes money from the account of somebody dead."""
    payday = Payday(bare, tmp_path)
    await payday.open()
    (guardian, child) = (await bare.family({}, {})).people
    run = await payday.previewed([child])
    month = PaidMonth(payday, run)
    await bare.rows(FOR_THE_CHILD, run, guardian)
    await month.with_account(guardian, child)
    await payday.approve(run)
    await month.pay()
    await payday.says(*(returned(each) for each in await payday.payments(run)))
    await month.corrected(guardian, is_alive=False)
    answer = await again(month)
    assert [(each.reason, each.payments) for each in answer.left_out] == [("deceased", 1)]
    await month.pay()
    (waits,) = await bare.rows("SELECT id, version FROM hold WHERE cause = 'death'")
    with pytest.raises(OthersWait):
        await lift_hold(bare.pool, bare.approver, waits["id"], "resume", expected=Version(waits["version"]))
    await month.corrected(guardian, is_alive=True)
    assert (await again(month)).payments == 1
