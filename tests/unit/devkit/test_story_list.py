"""Dafang's part of the story by itself: what is asked and why, the window that follows, the subscriber's eye."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from aiokafka import ConsumerRecord

from devkit.story import papers
from devkit.story.county import jize
from devkit.story.dafang import XIEDU
from devkit.story.fengshan import (
    CANTEEN,
    CHECKUPS,
    CHECKUPS_AGAIN,
    DRAINS,
    DRAINS_WANTED,
    FLOOD_WANTED,
    LEDGER_WANTED,
    ROAD,
    Asked,
    lighters,
    villages,
)
from devkit.story.plot import whole_story
from devkit.story.stream import Window
from devkit.story.subscriber import Heard
from qingdan import gate
from qingdan.access_events import ItemCategory, ListItem, ListVersionTookEffect
from qingdan.envelope import Envelope, KafkaRecord, to_record
from qingdan.event import EventBody
from qingdan.examples import EXAMPLES, example_envelope
from qingdan.gate import Ask, EarlierAsk, TurnedDown
from qingdan.ids import ApplicationId, TaskId
from qingdan.tasks_events import AskKind, RefusalCode, ShareReportedDone, WorksFacts
from qingdan.topics import TASKS
from runtime.ids import new_id


def standing(*more: ListItem) -> ListVersionTookEffect:
    """The sample list, and what came on it."""
    items = [
        ListItem.model_validate(
            item.model_dump(include={"code", "category", "title_zh", "title_en", "askers", "kinds", "law"})
            | {"inspect_on_completion": item.inspect_on_completion}
        )
        for item in jize().items
    ]
    return ListVersionTookEffect(list_code="village", version=1, effective_on=date(2021, 1, 1), items=(*items, *more))


def ask(asked: Asked) -> Ask:
    return Ask(asked.department, AskKind.TASK, asked.title_zh, asked.title_en, asked.item)


def test_what_the_water_bureau_asks_is_off_the_list_until_access_is_given() -> None:
    before = gate.decide(ask(DRAINS), standing())
    assert isinstance(before, TurnedDown)
    assert before.code is RefusalCode.OFF_LIST
    admitted = ListItem(
        code="AC01",
        category=ItemCategory.ASSIST,
        title_zh=DRAINS.title_zh,
        title_en=DRAINS.title_en,
        askers=(DRAINS.department,),
        kinds=(AskKind.TASK,),
        inspect_on_completion=False,
    )
    after = Ask(DRAINS.department, AskKind.TASK, DRAINS.title_zh, DRAINS.title_en, "AC01")
    assert gate.decide(after, standing(admitted)) == admitted


@pytest.mark.parametrize("asked", [CHECKUPS, CHECKUPS_AGAIN, CANTEEN, ROAD], ids=lambda asked: asked.title_en)
def test_what_else_lies_on_the_table_stands_on_the_list(asked: Asked) -> None:
    assert isinstance(gate.decide(ask(asked), standing()), ListItem)


def test_two_departments_ask_the_same_of_the_same_villages() -> None:
    some, item = villages()[:2], gate.decide(ask(CHECKUPS_AGAIN), standing())
    assert isinstance(item, ListItem)
    earlier = EarlierAsk(
        TaskId(new_id()), CHECKUPS.department, AskKind.TASK, CHECKUPS.title_zh, CHECKUPS.title_en, frozenset(some)
    )
    duplicate = gate.duplicate_of(ask(CHECKUPS_AGAIN), item, some, [earlier], standing())
    assert duplicate is not None
    assert duplicate.earlier == earlier
    for other in (DRAINS, CANTEEN, ROAD):
        assert gate.duplicate_of(ask(other), item, some, [earlier], standing()) is None


def test_every_application_names_its_law_and_its_department() -> None:
    for wanted in (DRAINS_WANTED, LEDGER_WANTED, FLOOD_WANTED):
        assert wanted["law"]
        assert wanted["issuing_body"]
        assert date.fromisoformat(str(wanted["issued_on"])) < date(2026, 1, 1)
    incomplete = lighters(ApplicationId(new_id()), complete=False, on=date(2026, 11, 2))
    complete = lighters(incomplete.application, complete=True, on=incomplete.applied_on)
    assert (incomplete.issuing_body, incomplete.issued_on) == (None, None)
    assert complete.model_dump() == incomplete.model_dump() | {
        "issuing_body": "国务院",
        "issued_on": date(2008, 12, 1),
    }


def test_fengshan_has_eight_villages_and_xiedu_is_one_of_them() -> None:
    assert (len(villages()), XIEDU in villages()) == (8, True)


def test_works_are_told_of_the_two_villages_whose_works_were_reported() -> None:
    plot = whole_story()
    told = {village: title for village in plot.villages for title in plot.by_title if plot.works(village, title)}
    assert {plot.county.name_zh(village) for village in told} == {"贾庄", "叶官营"}


def test_a_window_counts_what_comes_twice_and_keeps_its_place() -> None:
    window = Window()
    window._take({"id": "a"})
    for _ in range(2):
        window._take({"id": "b", "event": "x.v1", "data": '{"id": "1", "type": "x.v1"}'})
    window._take({"event": "closed", "data": '{"title_en": "over"}'})
    assert (window.seen, window._last_event_id) == (Counter({"1": 2}), "b")


def test_the_subscriber_knows_what_happened_at_fengshan_and_what_works_saved() -> None:
    example = example_envelope(EXAMPLES["share.reported-done.v1"])
    assert isinstance(example.data, ShareReportedDone)
    works = WorksFacts(labour_days=3, money_saved_fen=500)
    here = example.data.model_copy(update={"village": XIEDU, "works": works})
    there = example.data.model_copy(update={"works": None})
    heard = Heard()
    for offset, data in enumerate((here, there)):
        heard.take(TASKS.name, received(offset, to_record(again(example, data))))
    (event,) = heard.at_fengshan
    assert heard.works == Counter(labour_days=3, money_saved_fen=500)
    assert heard.at_fengshan_since(example.time) == {event}
    assert heard.at_fengshan_since(None) == set()


def test_papers_lie_where_generated_things_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QINGDAN_VAR", str(tmp_path))
    assert papers.keep(papers.CLAIM, b"<!DOCTYPE html>").read_bytes() == b"<!DOCTYPE html>"
    assert [path.name for path in tmp_path.iterdir()] == [papers.CLAIM]


def again(example: Envelope[EventBody], data: EventBody) -> Envelope[EventBody]:
    return Envelope.of(data, id=str(new_id()), source=example.source, time=example.time)


def received(offset: int, record: KafkaRecord) -> "ConsumerRecord[bytes, bytes]":
    return ConsumerRecord(
        topic=record.topic,
        partition=0,
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        key=record.key,
        value=record.value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=record.headers,
    )
