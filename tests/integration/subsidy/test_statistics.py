"""What the service counts: people, what they are owed, what became of it, and what the books say."""

from pathlib import Path

import pytest

from runtime.actor import Actor, Role
from subsidy.show_statistics import show_statistics
from tests.integration.subsidy.conftest import COUNTY, Scene
from tests.integration.subsidy.frozen_run import AMOUNT_FEN, Payday, rejected, settled, stranger


@pytest.fixture
async def payday(bare: Scene, tmp_path: Path) -> Payday:
    day = Payday(bare, tmp_path)
    await day.open()
    return day


async def test_before_anything_happened_everything_is_nothing(payday: Payday) -> None:
    said = (await payday.statistics()).model_dump()
    assert said["ledger_fen_by_account"] == dict.fromkeys(
        ("budget", "payable", "in_transit", "paid", "returned", "recovery"), 0
    )
    assert said["payments_by_state"] == dict.fromkeys(
        ("prepared", "sent", "unknown", "settled", "rejected", "returned", "reversed"), 0
    )
    counts = [value for value in said.values() if isinstance(value, int)]
    assert counts == [0] * len(counts)


async def test_a_run_under_way_is_counted(payday: Payday) -> None:
    await payday.scene.family({}, {})
    payments = await payday.sent(3)
    await payday.says(settled(payments[0]), rejected(payments[1]), stranger())
    said = await payday.statistics()
    assert (said.people, said.households) == (2, 1)
    assert (said.runs, said.programmes_entitled, said.entitlements, said.obligations) == (1, 1, 3, 3)
    assert {state: n for state, n in said.payments_by_state.items() if n} == {"settled": 1, "rejected": 1, "sent": 1}
    assert (said.obligations_unpaid, said.obligations_paid_twice, said.payments_rejected_first) == (2, 0, 0)
    assert (said.paid_fen, said.ledger_sum_fen, said.oddities) == (AMOUNT_FEN, 0, 1)
    assert said.payments_unknown_resolved == 0  # nobody was silent
    assert said.ledger_fen_by_account == {
        "budget": -3 * AMOUNT_FEN,
        "payable": AMOUNT_FEN,
        "in_transit": AMOUNT_FEN,
        "paid": AMOUNT_FEN,
        "returned": 0,
        "recovery": 0,
    }


async def test_what_only_another_county_has_is_not_counted(payday: Payday) -> None:
    await payday.sent(2)
    said = await show_statistics(payday.scene.pool, payday.scene.other_preparer)
    assert (said.runs, said.entitlements, said.obligations, said.payments, said.paid_fen) == (0, 0, 0, 0, 0)
    other = Actor("clerk", frozenset({Role.DEPARTMENT_STAFF}), COUNTY, "NYJ")
    said = await show_statistics(payday.scene.pool, other)
    assert (said.entitlements, said.obligations, said.payments) == (0, 0, 0)
    assert said.ledger_fen_by_account["in_transit"] == 0
