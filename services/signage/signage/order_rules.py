"""Decisions on removal orders: what is ordered, and where the news of its task and of the visit leave an order."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal, Protocol, TypeVar

from qingdan.divisions import DivisionCode
from qingdan.ids import RemovalOrderId, ShareId, SignId, TaskId
from qingdan.inspection_events import VisitClosed
from qingdan.origin import Origin
from qingdan.signage_events import RemovalOrdered, SignRemoved
from qingdan.tasks_events import RefusalCode, ShareClaimed, ShareRefused, ShareReportedDone, TaskPublished
from signage.sign_rules import Judged
from signage.version_rules import RuleVersion

ORDERS_PER_CALL_MAX: Final = 1_000
DUE_WORKING_DAYS: Final = 30  # unless the approver says otherwise; the village sets its own limit within its task
DUE_WORKING_DAYS_MAX: Final = 250

OrderState = Literal["ordered", "tasked", "claimed", "reported", "contested", "removed"]
TaskNews = TaskPublished | ShareClaimed | ShareReportedDone | ShareRefused


class _OfATask(Protocol):
    @property
    def origin(self) -> Origin: ...


T = TypeVar("T", bound=_OfATask)


@dataclass(frozen=True, slots=True)
class Order:
    """A removal order as it stands."""

    id: RemovalOrderId
    sign: SignId
    village: DivisionCode
    state: OrderState
    task: TaskId | None
    share: ShareId | None
    refusal_code: RefusalCode | None
    removed_on: date | None


def order_removal(
    judged: Judged, rules: RuleVersion, order: RemovalOrderId, *, today: date, due_on: date
) -> RemovalOrdered:
    """The order to take a sign down, on the basis of the rule against it, or of the version that leaves no slot."""
    against = judged.rule if judged.rule is not None and not judged.rule.permitted else rules
    return RemovalOrdered(
        order=order,
        village=judged.sign.village,
        sign=judged.sign.id,
        department=judged.sign.department,
        code=judged.code,
        ordered_on=today,
        due_on=due_on,
        wording=judged.sign.wording,
        legal_basis=against.legal_basis,
    )


def ours(news: Iterable[T]) -> list[T]:
    """Those events whose task exists because of an order of this service."""
    return [event for event in news if is_ours(event)]


def is_ours(event: _OfATask) -> bool:
    """Whether the event's task exists because of an order of this service."""
    return event.origin.service == "signage" and event.origin.kind == "removal_order"


def order_of(event: _OfATask) -> RemovalOrderId:
    """The order that an event of ours leads back to."""
    return RemovalOrderId(event.origin.id)


def follow(order: Order, news: TaskNews) -> Order:
    """Where an event of its task leaves an order. What came down stays down, even when its visit was told first."""
    share = news.shares[0].share if isinstance(news, TaskPublished) else news.share
    known = replace(order, task=news.task, share=share)
    if order.state == "removed":
        return known
    match news:
        case TaskPublished():
            return replace(known, state="tasked")
        case ShareClaimed():
            return replace(known, state="claimed")
        case ShareReportedDone():
            return replace(known, state="reported")
        case ShareRefused():
            return replace(known, state="contested", refusal_code=news.code)


def close_visit(order: Order, closed: VisitClosed) -> tuple[Order, SignRemoved | None]:
    """A visit confirms that the sign is down; one that is not passed gives the order back into the village's hands.

    A second visit of what is down already changes nothing.
    """
    if order.state == "removed":
        return order, None
    known = replace(order, task=closed.task, share=closed.share)
    if not closed.passed:
        return replace(known, state="claimed"), None
    removed = SignRemoved(order=order.id, village=order.village, sign=order.sign, removed_on=closed.closed_on)
    return replace(known, state="removed", removed_on=closed.closed_on), removed
