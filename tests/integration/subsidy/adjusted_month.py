"""A month that was paid to people with facts, and closed; and what is done about it afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from qingdan.ids import AdjustmentId, PersonId, RunId
from qingdan.money import Fen
from qingdan.records_events import FactValue
from qingdan.subsidy_events import PeriodAdjusted
from runtime.actor import Actor
from runtime.db import Version
from subsidy.close_run import close_run
from subsidy.decide_adjustment import decide_adjustment
from subsidy.list_adjustment_items import AdjustmentItemView, list_adjustment_items
from subsidy.list_adjustments import AdjustmentView
from subsidy.list_payments import PaymentView
from subsidy.list_recoveries import RecoveryView, list_recoveries
from subsidy.programme_rules import Programme
from subsidy.propose_adjustment import propose_adjustment
from subsidy.reconcile_run import reconcile_run
from subsidy.record_repayment import record_repayment
from subsidy.take_statement import take_statement
from tests.integration.subsidy.conftest import COUNTY, PARAMETERS, PERIOD, VILLAGE, Scene, programme
from tests.integration.subsidy.frozen_run import Payday, line, put_in_force, settled

# B08 is paid by age here, so that a corrected birth date changes the amount; B17 and B18 exclude each other.
PROGRAMMES = (
    programme("B08", amount_fen="age_years * 100", excludes=[]),
    programme("B17", excludes=["B18"]),
    programme("B18", excludes=["B17"]),
)


@dataclass(slots=True)
class PaidMonth:
    """The county's payday of one month; `run` is its run."""

    payday: Payday
    run: RunId
    period: str = PERIOD

    @property
    def scene(self) -> Scene:
        return self.payday.scene

    # -- people ------------------------------------------------------------------------------------------------------

    async def corrected(self, who: UUID, **facts: FactValue) -> None:
        """The population register says something else of somebody now; the rest of its row is as it was."""
        [row] = await self.scene.rows(
            "SELECT is_alive, birth_date::text, gender, hukou_local, hukou_rural, hukou_village_code, relation_to_head,"
            " member_of_household FROM person WHERE id = $1",
            who,
        )
        await self.scene.tell_of_person(who, row | facts)

    async def with_account(self, *people: UUID) -> None:
        """They have an account in force."""
        await self.scene.hear_records(*(self.payday.identity(PersonId(who)) for who in people))
        await put_in_force(self.scene, people)

    # -- the month ---------------------------------------------------------------------------------------------------

    async def pay(self) -> list[PaymentView]:
        """Everything prepared goes out and is paid; what was paid."""
        await self.payday.instruct()
        sent = [each for each in await self.payday.payments(self.run) if each.state == "sent"]
        await self.payday.says(*(settled(each) for each in sent))
        return sent

    async def close(self) -> None:
        """The bank's statement agrees with our books."""
        scene, run, lines = self.scene, self.run, []
        for each in await self.payday.payments(run):
            if each.batch is not None:
                lines.append(line(each, each.state, bank_reference=each.bank_reference))
        version = await self.payday.version(run)
        await take_statement(scene.pool, scene.preparer, run, lines, anew=True, expected=version)
        await reconcile_run(scene.pool, scene.preparer, run, expected=await self.payday.version(run))
        await close_run(scene.pool, scene.preparer, run, expected=await self.payday.version(run))

    # -- afterwards --------------------------------------------------------------------------------------------------

    async def propose(self, actor: Actor | None = None, only: list[UUID] | None = None) -> AdjustmentView:
        return await propose_adjustment(self.scene.pool, actor or self.scene.preparer, COUNTY, self.period, only)

    async def decide(self, proposed: AdjustmentView, actor: Actor | None = None) -> PeriodAdjusted:
        assert proposed.items_hash is not None
        return await decide_adjustment(
            self.scene.pool,
            actor or self.scene.approver,
            proposed.adjustment,
            bytes.fromhex(proposed.items_hash),
            expected=Version(proposed.version),
        )

    async def items(self, adjustment: AdjustmentId, actor: Actor | None = None) -> list[AdjustmentItemView]:
        return await list_adjustment_items(self.scene.pool, actor or self.scene.preparer, adjustment, limit=200)

    async def deltas(self, adjustment: AdjustmentId) -> Mapping[tuple[UUID, str], tuple[int, str]]:
        """By beneficiary and programme: the difference in fen, and why."""
        return {
            (each.beneficiary, each.programme): (each.delta_fen, each.reason) for each in await self.items(adjustment)
        }

    async def recoveries(self, actor: Actor | None = None) -> list[RecoveryView]:
        return await list_recoveries(
            self.scene.pool, actor or self.scene.preparer, state=None, adjustment=None, after=None, limit=200
        )

    async def repaid(self, claim: RecoveryView, fen: int, receipt: str = "R/1") -> RecoveryView:
        """Somebody repays so much of the claim as it was seen."""
        scene, version = self.scene, Version(claim.version)
        return await record_repayment(scene.pool, scene.preparer, claim.recovery, Fen(fen), receipt, expected=version)

    async def received(self, who: UUID) -> int:
        """What somebody was paid for the month less what they repaid, in fen."""
        [row] = await self.scene.rows(
            "SELECT coalesce(sum(p.amount_fen), 0)::bigint - (SELECT coalesce(sum(recovered_fen), 0)::bigint"
            " FROM recovery_claim WHERE beneficiary = $1) AS fen FROM payment p"
            " JOIN obligation o ON o.id = p.obligation_id WHERE o.beneficiary = $1 AND p.state = 'settled'",
            who,
        )
        return int(row["fen"])


async def paid_month(
    payday: Payday, *people: Mapping[str, FactValue], programmes: Sequence[Programme] = PROGRAMMES
) -> tuple[PaidMonth, list[UUID]]:
    """A closed month in which everybody received what they were entitled to; each lives alone in the village."""
    scene = payday.scene
    await payday.open()
    await scene.set_parameters(PARAMETERS)
    await scene.publish(*programmes)
    who = [(await scene.family(said, village=VILLAGE)).people[0] for said in people]
    await scene.declare_complete()
    month = PaidMonth(payday, await scene.preview())
    await month.with_account(*who)
    await payday.approve(month.run)
    await month.pay()
    await month.close()
    return month, who
