"""A paid month computed again: what is due is paid, what was too much is asked back, and nothing is ever edited."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from qingdan.ids import AdjustmentId
from qingdan.records_events import FactValue
from runtime.actor import Actor, Role
from runtime.db import Version, transaction
from runtime.ids import new_id
from runtime.problems import Forbidden, NotFound, StaleVersion
from subsidy.adjustment_rules import (
    AdjustmentEnded,
    AnotherPersonDecides,
    BooksMoved,
    ItemsDiffer,
    NothingRunYet,
    NothingToAdjust,
)
from subsidy.decide_adjustment import decide_adjustment
from subsidy.drop_adjustment import drop_adjustment
from subsidy.list_adjustments import list_adjustments
from subsidy.propose_adjustment import propose_adjustment
from subsidy.run_rules import RunNotThere, WholeCountyNeeded
from subsidy.show_adjustment import show_adjustment
from tests.integration.service_scene import person
from tests.integration.subsidy.adjusted_month import PaidMonth, paid_month
from tests.integration.subsidy.conftest import COUNTY, OTHER_COUNTY, PERIOD, Scene, programme
from tests.integration.subsidy.frozen_run import Payday, returned, settled

OLD = {"birth_date": "1941-05-01"}  # 85 in July 2026: 8,500 fen
SEVENTY: Mapping[str, FactValue] = {"birth_date": "1956-05-01"}
SECOND_GRADE: Mapping[str, FactValue] = {"disability_level": 2, "disability_cert_valid": True}
FIRST_GRADE = {"disability_level": 1, "disability_cert_valid": True}


@pytest.fixture
async def payday(bare: Scene, tmp_path: Path) -> Payday:
    return Payday(bare, tmp_path)


async def test_the_story_of_a_month(payday: Payday) -> None:
    month, people = await paid_month(payday, OLD, {**SEVENTY, **SECOND_GRADE}, SEVENTY, OLD, OLD)
    dead, disabled, older, oldest, _ = people
    assert await payday.books() == {"budget": -50_500, "paid": 50_500}
    await month.corrected(dead, is_alive=False)
    await month.scene.tell_of_person(disabled, FIRST_GRADE)
    await month.corrected(older, birth_date="1946-05-01")
    await month.corrected(oldest, birth_date="1939-05-01")
    proposed = await month.propose()
    assert await month.deltas(proposed.adjustment) == {
        (dead, "B08"): (-8_500, "no_longer_entitled"),
        (disabled, "B18"): (-25_000, "no_longer_entitled"),
        (disabled, "B17"): (50_000, "newly_entitled"),
        (older, "B08"): (8_000, "newly_entitled"),
        (oldest, "B08"): (200, "amount_changed"),
    }
    assert (proposed.arrears, proposed.arrears_fen, proposed.recoveries_fen) == (3, 58_200, 33_500)
    assert await payday.books() == {"budget": -50_500, "paid": 50_500}  # nothing comes of what is only proposed

    event = await month.decide(proposed)
    assert (event.arrears.total_fen, event.recoveries.total_fen) == (58_200, 33_500)
    assert await payday.books() == {"budget": -108_700, "payable": 58_200, "paid": 17_000, "recovery": 33_500}
    assert sorted(each.occurrence for each in await month.pay()) == [PERIOD, PERIOD, f"{PERIOD}+1"]
    await month.close()
    assert await payday.books() == {"budget": -108_700, "paid": 75_200, "recovery": 33_500}

    claim = next(each for each in await month.recoveries() if each.beneficiary == dead)
    first = await month.repaid(claim, 3_000)
    last = await month.repaid(first, 5_500, "R/2")
    assert (first.state, last.state, last.recovered_fen) == ("open", "recovered", 8_500)
    assert await payday.books() == {"budget": -100_200, "paid": 75_200, "recovery": 25_000}
    again = await month.propose()
    assert (again.number, again.items, await month.items(again.adjustment)) == (2, 0, [])
    assert [await month.received(who) for who in people] == [0, 75_000, 8_000, 8_700, 8_500]
    with pytest.raises(NothingToAdjust):
        await month.decide(again)
    told = await month.scene.told("period.adjusted.v1")
    assert [each["adjustment"] for each in told] == [str(proposed.adjustment)]


async def test_who_became_undetermined_keeps_what_they_were_paid(payday: Payday) -> None:
    month, (old, disabled) = await paid_month(payday, OLD, {**SEVENTY, **SECOND_GRADE})
    await month.corrected(old, birth_date=None)
    await month.scene.tell_of_person(disabled, {"disability_level": None, "disability_cert_valid": True})
    proposed = await month.propose()
    assert await month.deltas(proposed.adjustment) == {
        (old, "B08"): (0, "undetermined"),
        (disabled, "B18"): (0, "undetermined"),
    }
    assert [each.due_fen for each in await month.items(proposed.adjustment)] == [None, None]
    with pytest.raises(NothingToAdjust):
        await month.decide(proposed)


async def test_who_is_not_registered_here_any_more_keeps_it_too(payday: Payday) -> None:
    month, (old,) = await paid_month(payday, OLD)
    await month.corrected(old, hukou_village_code="330522100201")
    assert await month.deltas((await month.propose()).adjustment) == {(old, "B08"): (0, "not_here")}


async def test_nobody_is_paid_beside_what_they_keep_because_nobody_knows_better(payday: Payday) -> None:
    """B18 was paid and excludes B17, which is due now; whether B18 was due is not known any more, and it is kept."""
    programmes = [
        programme("B17", eligibility="is_tekun", excludes=["B18"]),
        programme("B18", eligibility="disability_cert_valid", excludes=["B17"]),
    ]
    month, (disabled,) = await paid_month(payday, SECOND_GRADE, programmes=programmes)
    await month.scene.tell_of_person(disabled, {"disability_cert_valid": None, "is_tekun": True})
    proposed = await month.propose()
    assert await month.deltas(proposed.adjustment) == {
        (disabled, "B17"): (0, "undetermined"),
        (disabled, "B18"): (0, "undetermined"),
    }
    await month.scene.tell_of_person(disabled, {"disability_cert_valid": False})
    assert await month.deltas((await month.propose()).adjustment) == {
        (disabled, "B17"): (50_000, "newly_entitled"),
        (disabled, "B18"): (-25_000, "no_longer_entitled"),
    }


async def test_money_that_never_arrived_is_not_asked_back(payday: Payday) -> None:
    month, (old, other) = await paid_month(payday, OLD, OLD)
    first, _ = sorted(await payday.payments(month.run), key=lambda each: [old, other].index(each.beneficiary))
    await payday.says(returned(first))
    await month.corrected(old, is_alive=False)
    await month.corrected(other, is_alive=False)
    proposed = await month.propose()
    assert await month.deltas(proposed.adjustment) == {
        (old, "B08"): (0, "not_paid"),
        (other, "B08"): (-8_500, "no_longer_entitled"),
    }
    await month.decide(proposed)
    assert [(each.beneficiary, each.amount_fen) for each in await month.recoveries()] == [(other, 8_500)]
    assert [each.state for each in await payday.payments(month.run)] == ["returned", "settled"]
    assert (await month.scene.rows("SELECT state FROM run"))[0]["state"] == "closed"  # there is nothing to pay


async def test_only_those_who_are_named_are_adjusted(payday: Payday) -> None:
    month, (one, two) = await paid_month(payday, OLD, OLD)
    for who in (one, two):
        await month.corrected(who, is_alive=False)
    proposed = await month.propose(only=[two])
    assert proposed.limited
    assert [*await month.deltas(proposed.adjustment)] == [(two, "B08")]


async def test_what_is_proposed_is_computed_anew(payday: Payday) -> None:
    month, (one, two) = await paid_month(payday, OLD, OLD)
    await month.corrected(one, is_alive=False)
    first = await month.propose()
    await month.corrected(two, is_alive=False)
    second = await month.propose()
    assert (second.adjustment, second.version, second.recoveries) == (first.adjustment, first.version + 1, 2)
    with pytest.raises(StaleVersion):
        await month.decide(first)
    with pytest.raises(ItemsDiffer):
        await month.decide(second.model_copy(update={"items_hash": first.items_hash}))
    assert await month.recoveries() == []


async def test_more_is_not_paid_while_the_same_month_is_asked_back(payday: Payday) -> None:
    month, (old,) = await paid_month(payday, OLD)
    await month.corrected(old, is_alive=False)
    await month.decide(await month.propose())
    await month.corrected(old, is_alive=True)
    open_yet = await month.propose()
    assert await month.deltas(open_yet.adjustment) == {(old, "B08"): (0, "recovery_open")}
    (claim,) = await month.recoveries()
    await month.repaid(claim, 8_500)
    due_again = await month.propose()
    assert await month.deltas(due_again.adjustment) == {(old, "B08"): (8_500, "newly_entitled")}
    await month.decide(due_again)
    assert [each.occurrence for each in await month.pay()] == [f"{PERIOD}+2"]
    assert await month.received(old) == 8_500
    assert (await month.propose()).items == 0


async def owed_elsewhere(scene: Scene, who: UUID, period: str) -> None:
    """Another county came to B08 for that month first, and nobody here sees it."""
    await scene.rows(
        "WITH r AS (INSERT INTO run (id, division_id, period, state, programme_version, reference_on, prepared_by,"
        " previewed_on) SELECT $1, id, $2, 'previewed', 1, '2026-07-01', 'x', '2026-07-02' FROM division"
        " WHERE code = $3 RETURNING id, division_id)"
        " INSERT INTO obligation (programme, beneficiary, occurrence, run_id, kind, payee, division_id, department,"
        " amount_fen) SELECT 'B08', $4, $2, id, 'person', $4, division_id, 'MZJ', 8500 FROM r RETURNING id",
        *(new_id(), period, str(OTHER_COUNTY), who),
    )


async def test_what_the_run_entitled_to_and_did_not_owe_is_left_alone(payday: Payday) -> None:
    july, (old, other) = await paid_month(payday, OLD, OLD)
    run = await july.scene.preview("2026-08")
    await owed_elsewhere(july.scene, other, "2026-08")
    await payday.approve(run)
    august = PaidMonth(payday, run, "2026-08")
    await august.pay()
    await august.close()
    await august.corrected(old, is_alive=False)
    proposed = await august.propose()
    assert await august.deltas(proposed.adjustment) == {
        (old, "B08"): (-8_500, "no_longer_entitled"),
        (other, "B08"): (0, "withheld"),
    }


async def test_nobody_is_paid_what_another_county_came_to_first(payday: Payday) -> None:
    month, (old, new) = await paid_month(payday, OLD, SEVENTY)
    await month.corrected(new, birth_date="1941-05-01")
    await owed_elsewhere(month.scene, new, PERIOD)
    await month.corrected(old, is_alive=False)
    event = await month.decide(await month.propose())
    assert (event.arrears.payments, event.recoveries.payments) == (0, 1)
    assert [each.beneficiary for each in await payday.payments(month.run)] == [old]


async def test_payments_that_moved_since_are_computed_again_first(payday: Payday) -> None:
    month, (old,) = await paid_month(payday, OLD)
    await month.corrected(old, is_alive=False)
    proposed = await month.propose()
    (payment,) = await payday.payments(month.run)
    await payday.says(returned(payment))
    with pytest.raises(BooksMoved):
        await month.decide(proposed)
    assert await month.recoveries() == []


async def test_decided_by_two_at_once_it_is_decided_once(payday: Payday) -> None:
    month, (old, new) = await paid_month(payday, OLD, SEVENTY)
    await month.corrected(old, is_alive=False)
    await month.corrected(new, birth_date="1941-05-01")
    proposed = await month.propose()
    clicks = [month.decide(proposed, person(Role.FINANCE_APPROVER, COUNTY, name=f"approver {n}")) for n in range(4)]
    answers = await asyncio.gather(*clicks, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["PeriodAdjusted", *["StaleVersion"] * 3]
    assert await payday.books() == {"budget": -17_000, "payable": 8_500, "recovery": 8_500}
    assert len(await payday.payments(month.run)) == 2
    with pytest.raises(AdjustmentEnded):
        await month.decide(proposed.model_copy(update={"version": proposed.version + 1}))


async def test_who_may_decide(payday: Payday) -> None:
    month, (old,) = await paid_month(payday, OLD)
    await month.corrected(old, is_alive=False)
    both = Actor("li", frozenset({Role.FINANCE_PREPARER, Role.FINANCE_APPROVER}), COUNTY)
    proposed = await month.propose(both)
    with pytest.raises(AnotherPersonDecides):
        await month.decide(proposed, both)
    with pytest.raises(Forbidden) as refused:
        await month.decide(proposed, month.scene.preparer)
    assert refused.type is Forbidden
    with pytest.raises(WholeCountyNeeded):
        await month.decide(proposed, replace(month.scene.approver, department="MZJ"))
    with pytest.raises(NotFound):
        await month.decide(proposed, person(Role.FINANCE_APPROVER, OTHER_COUNTY))
    with pytest.raises(ItemsDiffer):
        await month.decide(proposed.model_copy(update={"items_hash": "ab" * 32}))
    with pytest.raises(StaleVersion):
        await month.decide(proposed.model_copy(update={"version": 7}))
    with pytest.raises(asyncpg.CheckViolationError):
        async with transaction(month.scene.pool, month.scene.service) as tx:
            await tx.execute("UPDATE adjustment SET state = 'decided', decided_by = prepared_by, decided_on = now()")
    assert (await payday.books(), await month.recoveries()) == ({"budget": -8_500, "paid": 8_500}, [])


async def test_who_may_propose_and_what(payday: Payday) -> None:
    month, _ = await paid_month(payday, OLD)
    scene = month.scene
    with pytest.raises(Forbidden) as refused:
        await month.propose(scene.approver)
    assert refused.type is Forbidden
    with pytest.raises(WholeCountyNeeded):
        await month.propose(replace(scene.preparer, department="MZJ"))
    with pytest.raises((NotFound, Forbidden)):
        await month.propose(scene.other_preparer)
    with pytest.raises(NothingRunYet):
        await propose_adjustment(scene.pool, scene.preparer, COUNTY, "2026-05")
    await scene.preview("2026-08")
    with pytest.raises(RunNotThere):
        await propose_adjustment(scene.pool, scene.preparer, COUNTY, "2026-08")
    assert await list_adjustments(scene.pool, scene.preparer, state=None, run=None, after=None, limit=10) == []


async def test_everybody_sees_their_own_of_it(payday: Payday) -> None:
    month, (old,) = await paid_month(payday, OLD)
    await month.corrected(old, is_alive=False)
    proposed = await month.propose()
    await month.decide(proposed)
    shown = await show_adjustment(month.scene.pool, month.scene.preparer, proposed.adjustment)
    assert [(each.programme, each.recoveries_fen) for each in shown.programmes] == [("B08", 8_500)]
    other_department = Actor("clerk", frozenset({Role.DEPARTMENT_STAFF}), COUNTY, "NYJ")
    assert await month.items(proposed.adjustment, other_department) == []
    assert await month.recoveries(month.scene.other_preparer) == []
    with pytest.raises(NotFound):
        await month.items(proposed.adjustment, month.scene.other_preparer)
    with pytest.raises(NotFound):
        await show_adjustment(month.scene.pool, month.scene.preparer, AdjustmentId(new_id()))


async def test_what_is_dropped_comes_to_nothing_and_the_next_is_another(payday: Payday) -> None:
    month, (old,) = await paid_month(payday, OLD)
    await month.corrected(old, is_alive=False)
    first = await month.propose()
    scene = month.scene
    dropped = await drop_adjustment(scene.pool, scene.approver, first.adjustment, expected=Version(first.version))
    assert dropped.state == "dropped"
    with pytest.raises(AdjustmentEnded):
        await month.decide(dropped)
    second = await month.propose()
    assert (second.adjustment != first.adjustment, second.number) == (True, 1)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM adjustment_item",
        "UPDATE adjustment SET recoveries_fen = 1",
        "UPDATE adjustment SET state = 'proposed', decided_by = NULL, decided_on = NULL",
    ],
)
async def test_what_was_decided_is_changed_by_nobody(payday: Payday, change: str) -> None:
    month, (old,) = await paid_month(payday, OLD)
    await month.corrected(old, is_alive=False)
    await month.decide(await month.propose())
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        async with transaction(month.scene.pool, month.scene.service) as tx:
            await tx.execute(change)


async def test_a_hash_of_other_items_is_refused_even_if_the_row_says_it(payday: Payday) -> None:
    month, (old,) = await paid_month(payday, OLD)
    await month.corrected(old, is_alive=False)
    proposed = await month.propose()
    async with transaction(month.scene.pool, month.scene.service) as tx:
        await tx.execute("DELETE FROM adjustment_item")
    with pytest.raises(ItemsDiffer):
        await decide_adjustment(
            month.scene.pool,
            month.scene.approver,
            proposed.adjustment,
            bytes.fromhex(proposed.items_hash or ""),
            expected=Version(proposed.version),
        )


async def test_a_late_word_of_the_bank_makes_the_rest_of_it_due(payday: Payday) -> None:
    """While a payment is under way nothing of it is asked back; when it arrived, the next adjustment does."""
    month, (old, new) = await paid_month(payday, OLD, SEVENTY)
    await month.corrected(new, birth_date="1941-05-01")
    await month.decide(await month.propose())
    await payday.instruct()
    await month.corrected(new, birth_date="1956-05-01")
    assert await month.deltas((await month.propose()).adjustment) == {(new, "B08"): (0, "not_paid")}
    (payment,) = [each for each in await payday.payments(month.run) if each.state == "sent"]
    await payday.says(settled(payment))
    assert await month.deltas((await month.propose()).adjustment) == {(new, "B08"): (-8_500, "no_longer_entitled")}
    assert await month.received(old) == 8_500
