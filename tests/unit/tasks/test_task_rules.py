"""What a work meeting publishes: shares for its own villages only."""

from datetime import date
from uuid import UUID

import pytest

from qingdan.divisions import DivisionCode
from qingdan.gate import Ask
from qingdan.ids import MeetingId, RemovalOrderId, ShareId, SignId, TaskId
from qingdan.signage_events import RemovalOrdered
from qingdan.tasks_events import AskKind, TaskPublished
from runtime.workdays import Calendar
from tasks.list_rules import ListVersion
from tasks.task_rules import Meeting, NoVillages, VillagesNotInMeeting, at, choose_villages, publish, publish_removal

TOWN = DivisionCode("130431105000")
NEAR, FAR = DivisionCode("130431105205"), DivisionCode("130431100201")
KNOWN = {NEAR: 7, DivisionCode("130431105206"): 8}


def test_all_are_all_villages_of_the_meeting() -> None:
    assert choose_villages("all", KNOWN) == KNOWN


def test_named_villages_get_one_share_each() -> None:
    assert choose_villages([NEAR, NEAR], KNOWN) == {NEAR: 7}


def test_a_village_of_another_township_is_named_in_the_refusal() -> None:
    with pytest.raises(VillagesNotInMeeting) as refused:
        choose_villages([NEAR, FAR], KNOWN)
    assert refused.value.details == {"villages": [str(FAR)]}


def test_a_meeting_without_villages_publishes_nothing() -> None:
    with pytest.raises(NoVillages):
        choose_villages("all", {})


def test_a_task_keeps_its_meeting_as_origin_and_the_list_version_it_passed_under(sample_list: ListVersion) -> None:
    item = next(item for item in sample_list.published().items if item.code == "RQ03")
    meeting = Meeting(MeetingId(UUID(int=1)), TOWN, date(2026, 3, 2), "三月工作部署会")
    ask = Ask("JTJ", AskKind.TASK, "村主路硬化", "Harden the village main road", "RQ03")
    shares = {NEAR: ShareId(UUID(int=3))}
    event = publish(
        ask,
        item.model_copy(update={"latest_working_days": 3}),
        4,
        at(meeting),
        open_to="first",
        task=TaskId(UUID(int=2)),
        shares=shares,
        calendar=Calendar(),
        today=date(2026, 3, 5),
    )
    assert (event.origin.kind, event.origin.id, event.list_version) == ("work_meeting", meeting.id, 4)
    assert [(part.village, part.share) for part in event.shares] == [(NEAR, shares[NEAR])]
    assert event.inspect_on_completion is item.inspect_on_completion
    # The statutory latest date is three working days after a Thursday.
    assert (event.open_to, event.hours_estimate, event.latest_on) == ("first", 40, date(2026, 3, 10))


def removal(wording: str | None, code: str | None = "SG19") -> RemovalOrdered:
    return RemovalOrdered(
        order=RemovalOrderId(UUID(int=5)),
        village=NEAR,
        sign=SignId(UUID(int=6)),
        department="RWB",
        code=code,
        ordered_on=date(2026, 3, 2),
        due_on=date(2026, 4, 1),
        wording=wording,
        legal_basis="某意见",
    )


def published(order: RemovalOrdered) -> TaskPublished:
    return publish_removal(order, task=TaskId(UUID(int=2)), share=ShareId(UUID(int=3)), today=date(2026, 3, 3))


def test_a_removal_order_needs_no_item_and_keeps_its_legal_basis() -> None:
    event = published(removal("民兵连部"))
    assert (event.item, event.list_version, event.legal_basis, event.department) == (None, None, "某意见", "RWB")
    assert (event.origin.service, event.origin.kind, event.origin.id) == ("signage", "removal_order", UUID(int=5))
    assert (event.kind, event.title_zh, event.inspect_on_completion) == (AskKind.SIGN, "拆除牌子：民兵连部", True)
    assert [(part.village, part.share) for part in event.shares] == [(NEAR, UUID(int=3))]


@pytest.mark.parametrize(
    ("order", "title"),
    [
        (removal("牌" * 200), "拆除牌子：" + "牌" * 195),
        (removal(None), "拆除牌子：SG19"),
        (removal(None, None), "拆除牌子："),
    ],
)
def test_whatever_the_sign_says_its_task_has_a_title(order: RemovalOrdered, title: str) -> None:
    assert published(order).title_zh == title
