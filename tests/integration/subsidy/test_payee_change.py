"""Who was to receive something for others has died or moved: two people name another, and it is paid once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from qingdan.divisions import DivisionCode
from qingdan.ids import RunId
from qingdan.records_events import FactValue
from runtime.actor import Actor, Role
from runtime.db import Version
from runtime.problems import Forbidden, NotFound, StaleVersion
from subsidy.decide_payee import decide_payee
from subsidy.hold_rules import HoldOutcome, OthersWait
from subsidy.lift_hold import lift_hold
from subsidy.list_payee_changes import PayeeChangeView, list_payee_changes
from subsidy.pay_again import pay_again
from subsidy.payee_rules import (
    AnotherPersonConfirms,
    BeneficiaryNotLiving,
    ItemStopped,
    PayeeCanReceive,
    PayeeChangeDecided,
    PayeeChangeOpen,
    PayeeHeld,
    PayeeNotOfHousehold,
    PaymentArrived,
    PaymentUnderWay,
)
from subsidy.propose_payee import propose_payee
from subsidy.run_rules import WholeCountyNeeded
from subsidy.settle_holds import settle_holds
from subsidy.suspend_payment import suspend_payment
from tests.integration.service_scene import person
from tests.integration.subsidy.adjusted_month import PaidMonth
from tests.integration.subsidy.conftest import COUNTY, FAR_VILLAGE, OTHER_COUNTY, PERIOD, VILLAGE, Family, Scene
from tests.integration.subsidy.frozen_run import AMOUNT_FEN, Payday, rejected, returned, settled

BOTH = Actor("both@county", frozenset({Role.FINANCE_PREPARER, Role.FINANCE_APPROVER}), COUNTY)
CITY = DivisionCode("330500000000")
FAR_APPROVER = person(Role.FINANCE_APPROVER, OTHER_COUNTY)

_OWED_THROUGH = """
INSERT INTO entitlement (run_id, programme, beneficiary, occurrence, kind, payee, division_id, department, amount_fen,
                         status)
SELECT $1, 'B01', e.beneficiary, $5, e.kind, $2, r.division_id, 'MZJ', $6, 'entitled'
FROM run r CROSS JOIN (VALUES ($3::uuid, 'household'), ($4::uuid, 'person')) AS e(beneficiary, kind)
WHERE r.id = $1 RETURNING beneficiary
"""


@dataclass(slots=True)
class Home:
    """What a household and its child are owed, both through the head; the spouse lives with them."""

    month: PaidMonth
    family: Family

    @property
    def scene(self) -> Scene:
        return self.month.scene

    @property
    def payday(self) -> Payday:
        return self.month.payday

    @property
    def head(self) -> UUID:
        return self.family.people[0]

    @property
    def spouse(self) -> UUID:
        return self.family.people[1]

    @property
    def child(self) -> UUID:
        return self.family.people[2]

    async def approved(self) -> None:
        """Owed, and nothing sent yet."""
        await self.payday.approve(self.month.run)

    async def head_died(self) -> None:
        await self.month.corrected(self.head, is_alive=False)

    async def turn(self) -> None:
        """What is held no more goes on, and goes out."""
        while await settle_holds(self.scene.pool, self.scene.service):
            pass
        await self.payday.instruct()

    async def propose(
        self,
        payee: UUID | None = None,
        by: Actor | None = None,
        *,
        of: UUID | None = None,
        occurrence: str = PERIOD,
    ) -> PayeeChangeView:
        scene, whose = self.scene, of or self.family.household
        return await propose_payee(
            *(scene.pool, by or scene.preparer, whose, "B01", occurrence, payee or self.spouse), reason="payee_died"
        )

    async def decide(
        self, change: PayeeChangeView, by: Actor | None = None, *, confirmed: bool = True, version: int | None = None
    ) -> PayeeChangeView:
        scene, expected = self.scene, Version(version or change.version)
        return await decide_payee(
            scene.pool, by or scene.approver, change.change, confirmed=confirmed, expected=expected
        )

    async def change(self, payee: UUID | None = None, *, of: UUID | None = None) -> PayeeChangeView:
        return await self.decide(await self.propose(payee, of=of))

    async def hold(self, who: UUID, outcome: HoldOutcome | None = None) -> None:
        """Everything of somebody is held, and let go so."""
        scene = self.scene
        hold = await suspend_payment(scene.pool, scene.preparer, who, None, None, reason="check")
        if outcome is not None:
            await lift_hold(scene.pool, scene.approver, hold.hold, outcome, expected=Version(hold.version))

    async def attempts(self, whose: UUID | None = None) -> list[tuple[UUID, str]]:
        """Of what the household is owed, each attempt: who is paid by it, and how far it came."""
        rows = await self.scene.rows(
            "SELECT p.payee, p.state FROM payment p JOIN obligation o ON o.id = p.obligation_id"
            " WHERE o.beneficiary = $1 ORDER BY p.attempt",
            whose or self.family.household,
        )
        return [(row["payee"], row["state"]) for row in rows]

    async def says(self, *words: Any) -> None:
        """The bank says these words, one after another, of each newest attempt for the household."""
        for word in words:
            mine = [e for e in await self.payday.payments(self.month.run) if e.beneficiary == self.family.household]
            await self.payday.says(word(mine[-1]))


@pytest.fixture
async def home(bare: Scene, tmp_path: Path) -> Home:
    """A previewed run; all three have an account."""
    payday = Payday(bare, tmp_path)
    await payday.open()
    family = await bare.family({}, {"relation_to_head": "spouse"}, {"birth_date": "2016-05-01"})
    home = Home(PaidMonth(payday, await payday.previewed([])), family)
    await owed_through(home, home.month.run, home.head)
    await home.month.with_account(*family.people)
    return home


async def owed_through(home: Home, run: RunId, payee: UUID) -> None:
    await home.scene.rows(_OWED_THROUGH, run, payee, home.family.household, home.child, PERIOD, AMOUNT_FEN)


async def rows_of_list(home: Home) -> Sequence[Any]:
    return await home.scene.rows("SELECT * FROM entitlement ORDER BY programme, beneficiary, occurrence")


async def test_what_waits_for_a_dead_payee_is_paid_once_to_the_living_one(home: Home) -> None:
    await home.approved()
    listed, books = await rows_of_list(home), await home.payday.books()
    await home.head_died()
    await home.turn()
    assert await home.attempts() == [(home.head, "prepared")]  # it would wait for ever
    proposed = await home.propose()
    await home.turn()
    assert await home.attempts() == [(home.head, "prepared")]
    assert (proposed.old_payee, proposed.new_payee, proposed.basis) == (home.head, home.spouse, "died")
    confirmed = await home.decide(proposed)
    assert (confirmed.state, confirmed.proposed_by, confirmed.decided_by, confirmed.version) == (
        "confirmed",
        home.scene.preparer.subject,
        home.scene.approver.subject,
        2,
    )
    [waiting] = await home.scene.rows("SELECT waits_for FROM payment WHERE payee = $1", home.spouse)
    assert waiting["waits_for"] is None
    assert await home.payday.books() == books
    await home.turn()
    await home.turn()
    assert await home.attempts() == [(home.spouse, "sent")]
    assert await home.attempts(home.child) == [(home.head, "prepared")]  # nobody has named another for the child's
    await home.says(settled)
    assert await home.payday.books() == {"budget": -2 * AMOUNT_FEN, "payable": AMOUNT_FEN, "paid": AMOUNT_FEN}
    assert await rows_of_list(home) == listed


async def test_a_child_s_money_may_go_to_the_child(home: Home) -> None:
    await home.approved()
    await home.head_died()
    await home.change(home.child, of=home.child)
    await home.turn()
    assert await home.attempts(home.child) == [(home.child, "sent")]


@pytest.mark.parametrize("words", [(rejected,), (settled, returned)])
async def test_what_came_back_from_a_dead_payee_is_paid_again_to_the_living_one(home: Home, words: Any) -> None:
    """Without a change of payee it is left out, and paid to the account of the dead once the hold is lifted."""
    await home.approved()
    await home.payday.instruct()
    await home.says(*words)
    failed = (home.head, "rejected" if words == (rejected,) else "returned")
    await home.head_died()
    await home.change()
    assert await home.attempts() == [failed]
    scene, run = home.scene, home.month.run
    answer = await pay_again(scene.pool, scene.approver, run, expected=await home.payday.version(run))
    assert (answer.payments, answer.left_out) == (1, [])
    await home.turn()
    assert await home.attempts() == [failed, (home.spouse, "sent")]


async def test_a_new_payee_whose_account_is_not_verified_waits(home: Home) -> None:
    await home.scene.rows(
        "UPDATE account SET state = 'replaced', in_force_until = now() WHERE person_id = $1 RETURNING id", home.spouse
    )
    await home.approved()
    await home.head_died()
    await home.change()
    await home.scene.hear_records(home.payday.identity(home.spouse))  # type: ignore[arg-type]
    await home.turn()
    [row] = await home.scene.rows("SELECT waits_for FROM payment WHERE payee = $1", home.spouse)
    assert row["waits_for"] == "account_not_verified"


@pytest.mark.parametrize(
    ("words", "refusal"), [((), PaymentUnderWay), ((settled,), PaymentArrived)], ids=["sent", "settled"]
)
async def test_nothing_changes_while_money_is_on_its_way_or_has_arrived(
    home: Home, words: Any, refusal: type[Exception]
) -> None:
    await home.approved()
    await home.payday.instruct()
    await home.says(*words)
    await home.head_died()
    with pytest.raises(refusal):
        await home.propose()


async def test_nothing_changes_while_nobody_knows_what_became_of_it(home: Home) -> None:
    await home.approved()
    await home.payday.instruct()
    await home.head_died()
    await home.scene.rows("UPDATE payment SET state = 'unknown' WHERE state = 'sent' RETURNING id")
    with pytest.raises(PaymentUnderWay):
        await home.propose()


async def test_what_went_out_since_it_was_proposed_stays_as_it_is(home: Home) -> None:
    await home.approved()
    await home.head_died()
    proposed = await home.propose()
    await home.month.corrected(home.head, is_alive=True)
    await home.turn()
    with pytest.raises(PaymentUnderWay):
        await home.decide(proposed)
    assert await home.attempts() == [(home.head, "sent")]


async def test_nobody_takes_it_from_a_payee_who_can_receive_it(home: Home) -> None:
    await home.approved()
    with pytest.raises(PayeeCanReceive):
        await home.propose()
    with pytest.raises(PayeeCanReceive):
        await home.propose(of=home.child, payee=home.child)
    await home.month.corrected(home.head, member_of_household=None)  # where they live is not known
    with pytest.raises(PayeeCanReceive):
        await home.propose()


@pytest.mark.parametrize("village", [VILLAGE, FAR_VILLAGE], ids=["this county", "another county"])
async def test_who_lives_elsewhere_receives_it_no_more(home: Home, village: DivisionCode) -> None:
    """Where the household is follows its head, who is another one now."""
    await home.approved()
    other = await home.scene.family({}, village=village)
    await home.month.corrected(home.spouse, relation_to_head="head")
    await home.month.corrected(home.head, member_of_household=other.code, hukou_village_code=str(village))
    assert (await home.change()).basis == "left_household"
    await home.turn()
    assert await home.attempts() == [(home.spouse, "sent")]


async def test_who_moved_with_the_whole_household_is_still_paid(home: Home) -> None:
    """The county that approved it owes it; what the new county's registers say is not theirs to change."""
    await home.approved()
    for who in home.family.people:
        await home.month.corrected(who, hukou_village_code=str(FAR_VILLAGE))
    with pytest.raises(BeneficiaryNotLiving):
        await home.propose()
    await home.turn()
    assert await home.attempts() == [(home.head, "sent")]


async def test_finance_above_both_counties_changes_the_payee_of_who_moved(home: Home) -> None:
    await home.approved()
    for who in home.family.people:
        await home.month.corrected(who, hukou_village_code=str(FAR_VILLAGE))
    await home.head_died()
    proposed = await home.propose(by=person(Role.FINANCE_PREPARER, CITY))
    await home.decide(proposed, person(Role.FINANCE_APPROVER, CITY))
    await home.turn()
    assert await home.attempts() == [(home.spouse, "sent")]


async def test_the_new_payee_lives_in_the_household(home: Home) -> None:
    await home.approved()
    await home.head_died()
    (stranger,) = (await home.scene.family({})).people
    far_away: dict[str, FactValue] = {"member_of_household": home.family.code, "relation_to_head": "other"}
    (far,) = (await home.scene.family(far_away, village=FAR_VILLAGE)).people
    for nobody in (stranger, far, home.head, home.family.household):
        with pytest.raises(PayeeNotOfHousehold):
            await home.propose(nobody)
    await home.month.corrected(home.spouse, is_alive=None)  # nobody knows
    with pytest.raises(PayeeNotOfHousehold):
        await home.propose()


async def test_a_new_payee_who_died_since_is_not_confirmed(home: Home) -> None:
    await home.approved()
    await home.head_died()
    proposed = await home.propose()
    await home.month.corrected(home.spouse, is_alive=False)
    with pytest.raises(PayeeNotOfHousehold):
        await home.decide(proposed)
    assert await home.attempts() == [(home.head, "prepared")]


async def test_what_is_held_or_stopped_or_of_the_dead_stays(home: Home) -> None:
    await home.approved()
    await home.head_died()
    await home.hold(home.spouse)
    with pytest.raises(PayeeHeld):
        await home.propose()
    await home.month.corrected(home.child, is_alive=False)
    with pytest.raises(BeneficiaryNotLiving):
        await home.propose(of=home.child)
    await home.hold(home.family.household, "stop")
    with pytest.raises(ItemStopped):
        await home.propose()


@pytest.mark.parametrize("outcome", ["resume", "stop"])
async def test_a_death_is_decided_on_when_nobody_living_waits_for_it(home: Home, outcome: HoldOutcome) -> None:
    """Lifted, their money would go to the account of the dead; stopped, it would be lost to them."""
    scene = home.scene
    await home.head_died()
    await refused_for(home, outcome, 2)  # previewed
    await home.approved()
    await refused_for(home, outcome, 2)
    await home.change()
    await refused_for(home, outcome, 1)
    await home.change(of=home.child)
    lifted = await lift_hold(scene.pool, scene.approver, *await hold_of(home), outcome=outcome, expected=Version(1))
    assert lifted.outcome == outcome
    await home.turn()
    assert (await home.attempts(), await home.attempts(home.child)) == ([(home.spouse, "sent")],) * 2


async def test_a_death_of_the_last_of_a_household_is_decided_on(home: Home) -> None:
    scene = home.scene
    await home.approved()
    for each in home.family.people:
        await home.month.corrected(each, is_alive=False)
    await lift_hold(scene.pool, scene.approver, *await hold_of(home), outcome="stop", expected=Version(1))
    await home.turn()
    await home.turn()
    assert await home.attempts() == [(home.head, "rejected")]


async def hold_of(home: Home) -> list[Any]:
    rows = await home.scene.rows("SELECT id FROM hold WHERE cause = 'death' AND beneficiary = $1", home.head)
    return [row["id"] for row in rows]


async def refused_for(home: Home, outcome: HoldOutcome, items: int) -> None:
    with pytest.raises(OthersWait) as refused:
        await lift_hold(
            home.scene.pool, home.scene.approver, *await hold_of(home), outcome=outcome, expected=Version(1)
        )
    assert refused.value.details == {"items": items}


async def test_two_people_of_the_county_stand_behind_it(home: Home) -> None:
    scene = home.scene
    await home.approved()
    await home.head_died()
    of_a_department = Actor("one@mzj", BOTH.roles, COUNTY, department="MZJ")
    for by, refusal in (
        (scene.approver, Forbidden),
        (of_a_department, WholeCountyNeeded),
        (scene.other_preparer, NotFound),
    ):
        with pytest.raises(refusal):
            await home.propose(by=by)
    proposed = await home.propose(by=BOTH)
    for by, refusal in (
        (BOTH, AnotherPersonConfirms),
        (scene.preparer, Forbidden),
        (of_a_department, WholeCountyNeeded),
        (FAR_APPROVER, NotFound),
    ):
        with pytest.raises(refusal):
            await home.decide(proposed, by)
    with pytest.raises(StaleVersion):
        await home.decide(proposed, version=7)
    assert await home.attempts() == [(home.head, "prepared")]
    for by, many in ((scene.preparer, 1), (scene.other_preparer, 0)):
        seen = await list_payee_changes(scene.pool, by, state="proposed", run=home.month.run, after=None, limit=9)
        assert len(seen) == many


async def test_a_change_is_decided_once_and_what_was_refused_may_be_proposed_anew(home: Home) -> None:
    await home.approved()
    await home.head_died()
    first = await home.propose()
    with pytest.raises(PayeeChangeOpen):
        await home.propose()
    refused = await home.decide(first, confirmed=False)
    assert (refused.state, await home.attempts()) == ("refused", [(home.head, "prepared")])
    with pytest.raises(PayeeChangeDecided):
        await home.decide(refused)
    second = await home.propose()
    answers = await asyncio.gather(*(home.decide(second) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(each, PayeeChangeView) for each in answers) == 1
    assert all(isinstance(each, PayeeChangeView | StaleVersion) for each in answers)
    assert await home.attempts() == [(home.spouse, "prepared")]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE obligation SET payee = $1 RETURNING id",  # nobody stands behind it
        "UPDATE payment SET payee = $1 RETURNING id",
        "DELETE FROM payee_change WHERE new_payee = $1 RETURNING id",
        "UPDATE payee_change SET state = 'confirmed', decided_by = proposed_by, decided_at = now()"
        " WHERE new_payee <> $1 RETURNING id",
    ],
)
async def test_the_database_lets_nobody_change_it_alone(home: Home, change: str) -> None:
    await home.approved()
    await home.head_died()
    await home.propose()
    with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError)):
        await home.scene.rows(change, home.child)
    assert await home.attempts() == [(home.head, "prepared")]


async def test_while_payments_go_out_it_goes_to_one_of_them_once(home: Home) -> None:
    await home.approved()
    await home.head_died()
    proposed = await home.propose()
    await home.scene.rows("UPDATE hold SET lifted_by = 'li', lifted_at = now(), outcome = 'resume' RETURNING id")
    answer, _ = await asyncio.gather(home.decide(proposed), home.turn(), return_exceptions=True)
    [(payee, state)] = await home.attempts()
    assert (payee, state) in {(home.spouse, "prepared"), (home.spouse, "sent"), (home.head, "sent")}
    assert isinstance(answer, PayeeChangeView) == (payee == home.spouse)
