"""The sample county's list, and a village's share as the rules see it."""

from datetime import date
from uuid import UUID

import pytest

from devkit.story.county import jize
from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId, TaskId
from qingdan.origin import Origin
from qingdan.tasks_events import AskKind
from tasks.list_rules import VILLAGE_LIST, Item, ListVersion, NegativeEntry
from tasks.share_rules import Share

TODAY = date(2026, 3, 2)  # a Monday


@pytest.fixture(scope="session")
def sample_list() -> ListVersion:
    """The 43 items and 12 negative entries of the sample county."""
    items = [Item.model_validate(row.model_dump()) for row in jize().items]
    negative = [NegativeEntry.model_validate(row.model_dump()) for row in jize().negative]
    return ListVersion(VILLAGE_LIST, 1, date(2021, 1, 1), tuple(items), tuple(negative))


@pytest.fixture
def share() -> Share:
    """A share that was published and waits to be claimed."""
    return Share(
        id=ShareId(UUID(int=1)),
        task=TaskId(UUID(int=2)),
        village=DivisionCode("130431105205"),
        origin=Origin(service="tasks", kind="work_meeting", id=UUID(int=3)),
        list_version=1,
        item="RQ03",
        department="JTJ",
        kind=AskKind.TASK,
        title_zh="村主路硬化",
        title_en="Harden the village main road",
        inspect_on_completion=False,
        state="published",
        claimed_on=None,
        due_on=None,
        reported_on=None,
        version=1,
    )
