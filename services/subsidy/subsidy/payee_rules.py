"""A change of payee: what is owed to somebody living is received by another, because who was to receive it cannot.

What is owed stays the same, and is paid once. Nobody takes it from a payee who can receive it: the registers must say
that they died or live elsewhere. The other is a living person of the same household, or the beneficiary themself.
"""

from dataclasses import dataclass
from typing import Literal, NewType
from uuid import UUID

from qingdan.ids import RunId
from runtime.problems import Conflict, Forbidden

PayeeChangeId = NewType("PayeeChangeId", UUID)
PayeeChangeState = Literal["proposed", "confirmed", "refused"]
Basis = Literal["died", "left_household", "nobody_known"]


class PaymentUnderWay(Conflict):
    """A payment of this is with a bank, and its outcome is not known. 该款正在银行处理，结果未明。

    Ask the bank first; change the payee if it did not arrive. 请先向银行查询；未到账的再变更领取人。
    """


class PaymentArrived(Conflict):
    """This was paid: nothing of it is left to receive. 该款已发放到账，无须变更领取人。

    What was paid to the wrong person is asked back by adjusting the month. 错发的款项请通过调整该月追回。
    """


class ItemStopped(Conflict):
    """It was decided that this is not paid. 该款已决定停止发放，不能变更领取人。

    What is due after all comes with the next run. 如仍应发放，请在下一批次中办理。
    """


class BeneficiaryNotLiving(Conflict):
    """Whom this is for is not known to live in this county. 受益人已去世，或不在本县登记。

    Have the register corrected if they do; else a second person decides on the hold.
    如登记有误，请先由主管部门更正；否则由另一人处理暂停事项。
    """


class PayeeCanReceive(Conflict):
    """Who receives this lives in the household, as far as the registers know. 按登记信息，现领取人仍健在且在户内。

    Have the register say that they died or moved, and propose it again. 如已去世或迁出，请先更新登记信息再提出变更。
    """


class PayeeNotOfHousehold(Conflict):
    """The new payee is no living person of the beneficiary's household. 新领取人不是受益人户内的健在人员。

    Name somebody who is, or the beneficiary themself; or have the register corrected.
    请指定户内健在人员或受益人本人；如登记有误，请先更正。
    """


class PayeeHeld(Conflict):
    """What the new payee receives is held. 新领取人的款项正在暂停发放。

    Have the hold decided on, or name somebody else. 请先处理该暂停，或另行指定领取人。
    """


class PayeeChangeOpen(Conflict):
    """A change of this payee is proposed already. 该款已有待确认的领取人变更。

    Have it confirmed or refused first. 请先由另一人确认或退回。
    """


class PayeeChangeDecided(Conflict):
    """This change of payee is decided already. 该领取人变更已办结。

    Propose another one if it was wrong. 如有错误，请重新提出。
    """


class AnotherPersonConfirms(Forbidden):
    """Who proposed a change of payee does not decide on it. 领取人变更由谁提出，就不得由谁确认。

    Ask a colleague who approves. 请由另一位审批人办理。
    """


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person, or a household as a beneficiary, as the registers know them. home: the code of the household.

    here: whether they are registered in this county. lives, dead: each False where the registers do not say so.
    """

    id: UUID
    here: bool
    lives: bool
    dead: bool
    home: str | None


@dataclass(frozen=True, slots=True)
class Owed:
    """An obligation as a change of its payee sees it. payee None: nobody was known who could receive it."""

    id: UUID
    run: RunId
    beneficiary: Somebody
    payee: Somebody | None
    under_way: bool
    arrived: bool
    stopped: bool


@dataclass(frozen=True, slots=True)
class PayeeChange:
    """A change of payee as it was proposed."""

    id: PayeeChangeId
    obligation: UUID
    new_payee: UUID
    state: PayeeChangeState
    proposed_by: str


def basis_of(owed: Owed, new: Somebody, *, held: bool) -> Basis:
    """Why the payee of this may be changed to `new`. held: an open hold is on all that `new` receives.

    Raises PaymentUnderWay, PaymentArrived, ItemStopped, BeneficiaryNotLiving, PayeeCanReceive, PayeeNotOfHousehold,
    PayeeHeld.
    """
    if owed.under_way:
        raise PaymentUnderWay()
    if owed.arrived:
        raise PaymentArrived()
    if owed.stopped:
        raise ItemStopped()
    if not owed.beneficiary.lives:
        raise BeneficiaryNotLiving()
    basis = _basis(owed)
    if not new.lives or not (new.id == owed.beneficiary.id or _of_one_home(new, owed.beneficiary)):
        raise PayeeNotOfHousehold()
    if held:
        raise PayeeHeld()
    return basis


def decide(change: PayeeChange, decider: str) -> None:
    """Whether this person may decide on it. Raises PayeeChangeDecided, AnotherPersonConfirms."""
    if change.state != "proposed":
        raise PayeeChangeDecided(state=change.state)
    if decider == change.proposed_by:
        raise AnotherPersonConfirms()


def _basis(owed: Owed) -> Basis:
    """What is not known of a payee takes nothing from them. Raises PayeeCanReceive."""
    old, whose = owed.payee, owed.beneficiary
    if old is None:
        return "nobody_known"
    if old.dead:
        return "died"
    moved = old.home is not None and whose.home is not None and old.home != whose.home
    if old.id != whose.id and (moved or not old.here):
        return "left_household"
    raise PayeeCanReceive()


def _of_one_home(one: Somebody, other: Somebody) -> bool:
    return one.home is not None and one.home == other.home
