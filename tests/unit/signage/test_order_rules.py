"""A removal order: on which basis it stands, and where news from the other services leaves it."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from qingdan.divisions import DivisionCode
from qingdan.ids import RemovalOrderId, ShareId, SignId, TaskId, VisitId
from qingdan.inspection_events import VisitClosed
from qingdan.origin import Origin
from qingdan.tasks_events import (
    AskKind,
    PublishedShare,
    RefusalCode,
    ShareClaimed,
    ShareRefused,
    ShareReportedDone,
    TaskPublished,
)
from signage import order_rules, sign_rules
from signage.order_rules import Order, OrderState, TaskNews
from signage.version_rules import RuleVersion
from tests.unit.signage.conftest import OPINIONS, XIEDU, sign

TODAY = date(2026, 3, 2)
ORDER, TASK, SHARE = RemovalOrderId(UUID(int=1)), TaskId(UUID(int=2)), ShareId(UUID(int=3))
ORIGIN = Origin(service="signage", kind="removal_order", id=ORDER)
OF_TASK: dict[str, Any] = {"task": TASK, "share": SHARE, "village": XIEDU, "origin": ORIGIN}


def order(state: OrderState = "ordered", **changed: Any) -> Order:
    known: dict[str, Any] = {
        "task": None,
        "share": None,
        "refusal_code": None,
        "removed_on": TODAY if state == "removed" else None,
    }
    return Order(id=ORDER, sign=SignId(UUID(int=9)), village=XIEDU, state=state, **known | changed)


PUBLISHED = TaskPublished(
    task=TASK,
    origin=ORIGIN,
    item=None,
    list_version=None,
    department="RWB",
    kind=AskKind.SIGN,
    title_zh="拆除牌子：民兵连部",
    title_en="Take down a sign: 民兵连部",
    division=XIEDU,
    inspect_on_completion=True,
    published_on=TODAY,
    shares=(PublishedShare(share=SHARE, village=XIEDU),),
)
CLAIMED = ShareClaimed(
    **OF_TASK, department="RWB", limit_working_days=5, claimed_on=TODAY, due_on=TODAY, provisional=False
)
REPORTED = ShareReportedDone(**OF_TASK, photo_sha256=(), reported_on=TODAY)
REFUSED = ShareRefused(**OF_TASK, department="RWB", code=RefusalCode.DUPLICATE, list_version=None, refused_on=TODAY)


def closed(*, passed: bool = True, origin: Origin = ORIGIN) -> VisitClosed:
    return VisitClosed(
        **OF_TASK | {"origin": origin},
        visit=VisitId(UUID(int=4)),
        passed=passed,
        findings=0,
        failed_rechecks=0,
        closed_on=TODAY,
    )


@pytest.mark.parametrize(
    ("news", "state"),
    [(PUBLISHED, "tasked"), (CLAIMED, "claimed"), (REPORTED, "reported"), (REFUSED, "contested")],
)
def test_news_of_the_task_moves_the_order_and_names_its_task(news: TaskNews, state: OrderState) -> None:
    after = order_rules.follow(order(), news)
    assert (after.state, after.task, after.share) == (state, TASK, SHARE)


def test_a_no_of_the_village_is_kept_with_its_code() -> None:
    assert order_rules.follow(order("tasked"), REFUSED).refusal_code is RefusalCode.DUPLICATE


@pytest.mark.parametrize("news", [PUBLISHED, CLAIMED, REPORTED, REFUSED])
def test_what_came_down_stays_down_when_the_news_of_its_task_arrives_later(news: TaskNews) -> None:
    after = order_rules.follow(order("removed"), news)
    assert (after.state, after.removed_on, after.task, after.share) == ("removed", TODAY, TASK, SHARE)


@pytest.mark.parametrize("state", ["ordered", "tasked", "claimed", "reported", "contested"])
def test_a_passed_visit_carries_the_order_out_whatever_was_heard_before(state: OrderState) -> None:
    refusal = RefusalCode.DUPLICATE if state == "contested" else None
    after, removed = order_rules.close_visit(order(state, refusal_code=refusal), closed())
    assert (after.state, after.removed_on, after.refusal_code) == ("removed", TODAY, refusal)
    assert removed is not None
    assert (removed.order, removed.sign, removed.village, removed.removed_on) == (ORDER, after.sign, XIEDU, TODAY)


def test_a_visit_that_is_not_passed_leaves_the_sign_hanging() -> None:
    after, removed = order_rules.close_visit(order("reported"), closed(passed=False))
    assert (after.state, removed) == ("claimed", None)


@pytest.mark.parametrize("passed", [True, False])
def test_a_second_visit_of_what_is_down_tells_nothing(passed: bool) -> None:
    assert order_rules.close_visit(order("removed"), closed(passed=passed)) == (order("removed"), None)


def test_only_tasks_of_our_own_orders_are_ours() -> None:
    meeting = Origin(service="tasks", kind="work_meeting", id=ORDER)
    foreign = Origin(service="elsewhere", kind="removal_order", id=ORDER)
    emergency = Origin(service="signage", kind="emergency", id=ORDER)
    visits = [closed(origin=origin) for origin in (meeting, foreign, ORIGIN, emergency)]
    assert order_rules.ours(visits) == [closed()]


@pytest.mark.parametrize(
    ("wording", "basis"),
    [
        ("退役军人服务站", OPINIONS),  # permitted inside, and this one hangs outside: its own law is no reason
        ("消防安全办公室", "某省的办法"),
        ("扶贫攻坚指挥部", OPINIONS),
    ],
)
def test_an_order_names_the_rule_against_the_sign_or_the_basis_of_the_version(
    wording: str, basis: str, rules: RuleVersion
) -> None:
    local = RuleVersion(
        rules.version,
        rules.effective_on,
        rules.legal_basis,
        tuple(
            rule.model_copy(update={"legal_basis": "某省的办法"}) if rule.code == "SG17" else rule
            for rule in rules.rules
        ),
    )
    (judged,) = sign_rules.judge([sign(wording)], local)
    event = order_rules.order_removal(judged, local, ORDER, today=TODAY, due_on=TODAY)
    assert (event.legal_basis, event.wording, event.village) == (basis, wording, DivisionCode(XIEDU))
    assert (event.code, event.department, event.sign) == (judged.code, "ZZB", judged.sign.id)
