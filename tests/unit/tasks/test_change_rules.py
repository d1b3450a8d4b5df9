"""Whose rows each event of this service tells of, and who may therefore see it in the stream."""

import json
from pathlib import Path
from typing import Any

import pytest

import qingdan
from qingdan.divisions import DivisionCode
from qingdan.event import EventBody
from qingdan.topics import TASKS
from runtime.change_place import NOWHERE, Place, Sight, department_admits, sight
from tasks.change_rules import EVERY_DEPARTMENT, part_of, place_of

VECTORS = Path(qingdan.__file__).parent / "vectors"
SHARE_OF_NAMED = {
    *("share.claimed.v1", "share.refused.v1", "share.limit-changed.v1", "extension.asked.v1", "extension.decided.v1"),
    *("refusal.appealed.v1", "refusal.decided.v1"),
}
SHARE_OF_TASKS = {
    *("share.progressed.v1", "share.reported-done.v1", "share.completed.v1", "share.withdrawn.v1"),
    *("share.paused.v1", "share.resumed.v1"),
}
OF_DIVISION = {"meeting.closed.v1": "division", "budget.changed.v1": "division", "desk.transferred.v1": "village"}
COUNTY, TOWN, VILLAGE, OTHER = (DivisionCode(f"1304311{tail}") for tail in ("00000", "05000", "05205", "06000"))
ABOVE = {VILLAGE: {VILLAGE, TOWN, COUNTY}, TOWN: {TOWN, COUNTY}, OTHER: {OTHER, COUNTY}, COUNTY: {COUNTY}}


def above(code: str) -> set[DivisionCode]:
    return ABOVE.get(DivisionCode(code), set())


def sample(event_type: str) -> Any:
    """The golden message of a type."""
    vector = json.loads((VECTORS / f"{event_type}.json").read_text(encoding="utf-8"))
    return TASKS.types[event_type].model_validate_json(vector["value_text"])


@pytest.mark.parametrize("event_type", TASKS.types)
def test_every_event_of_the_topic_has_its_place(event_type: str) -> None:
    event = sample(event_type)
    if event_type in SHARE_OF_NAMED:
        expected = Place(event.village, department=event.department)
    elif event_type in SHARE_OF_TASKS:
        expected = Place(event.village, department_of=event.task)
    elif event_type in OF_DIVISION:
        expected = Place(getattr(event, OF_DIVISION[event_type]))
    elif event_type == "burden.reported.v1":
        expected = Place(event.division, department=EVERY_DEPARTMENT)
    elif event_type == "task.published.v1":
        villages = tuple(share.village for share in event.shares)
        expected = Place(event.division, parts=villages, department=event.department)
    else:
        assert event_type in {"ask.refused.v1", "ask.merged.v1"}
        expected = Place(event.division, department=event.department)
    assert place_of(event) == expected


def test_an_event_that_nobody_placed_is_shown_to_nobody() -> None:
    class Unplaced(EventBody):
        """Something new."""

        KEY = "type"
        type: str = "something.new.v1"

    assert place_of(Unplaced()) == NOWHERE
    assert sight(NOWHERE, COUNTY, above) is Sight.NOTHING


@pytest.mark.parametrize(
    ("place", "root", "seen"),
    [
        (Place(VILLAGE), VILLAGE, Sight.WHOLE),
        (Place(VILLAGE), TOWN, Sight.WHOLE),
        (Place(VILLAGE), COUNTY, Sight.WHOLE),
        (Place(VILLAGE), OTHER, Sight.NOTHING),
        (Place(TOWN), VILLAGE, Sight.NOTHING),
        (Place(TOWN, parts=(VILLAGE,)), VILLAGE, Sight.PARTS),
        (Place(TOWN, parts=(VILLAGE,)), TOWN, Sight.WHOLE),
        (Place(TOWN, parts=(VILLAGE,)), OTHER, Sight.NOTHING),
        (Place(OTHER, parts=(VILLAGE,)), TOWN, Sight.PARTS),
        (Place(DivisionCode("999999999999")), COUNTY, Sight.NOTHING),
        (Place(None, parts=()), COUNTY, Sight.NOTHING),
    ],
)
def test_scope_is_the_subtree(place: Place, root: DivisionCode, seen: Sight) -> None:
    assert sight(place, root, above) is seen


@pytest.mark.parametrize(
    ("place", "bound_to", "department", "admitted"),
    [
        (Place(TOWN, department="MZJ"), None, "MZJ", True),
        (Place(TOWN, department="MZJ"), "MZJ", "MZJ", True),
        (Place(TOWN, department="MZJ"), "JTJ", "MZJ", False),
        (Place(TOWN), "JTJ", None, True),
        (Place(VILLAGE, department_of=sample("share.claimed.v1").task), "JTJ", "JTJ", True),
        (Place(VILLAGE, department_of=sample("share.claimed.v1").task), "JTJ", "MZJ", False),
        (Place(VILLAGE, department_of=sample("share.claimed.v1").task), "JTJ", None, False),
        (Place(TOWN, department=EVERY_DEPARTMENT), "JTJ", EVERY_DEPARTMENT, False),
        (Place(TOWN, department=EVERY_DEPARTMENT), None, EVERY_DEPARTMENT, True),
    ],
)
def test_a_department_is_admitted_to_its_own_rows(
    place: Place, bound_to: str | None, department: str | None, admitted: bool
) -> None:
    assert department_admits(place, bound_to, department) is admitted


def test_a_village_gets_its_own_share_of_a_task_and_no_other() -> None:
    task = sample("task.published.v1")
    mine = task.shares[0]
    shared = task.model_copy(update={"shares": (mine, mine.model_copy(update={"village": OTHER}))})
    assert part_of(shared, {mine.village}) == task.model_copy(update={"shares": (mine,)})
    claim = sample("share.claimed.v1")
    assert part_of(claim, set()) is claim
