"""A village's share and a visit of it, as the rules see them."""

from datetime import date
from uuid import UUID

import pytest

from inspection.visit_rules import Share, Visit
from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId, TaskId, VisitId
from qingdan.origin import Origin

REPORTED_ON = date(2026, 3, 2)


@pytest.fixture
def share() -> Share:
    """A share on which the village has reported."""
    return Share(
        id=ShareId(UUID(int=1)),
        task=TaskId(UUID(int=2)),
        village=DivisionCode("130431105205"),
        origin=Origin(service="tasks", kind="work_meeting", id=UUID(int=3)),
        state="claimed",
        reported_on=REPORTED_ON,
        inspect_on_completion=True,
        open_visit=None,
    )


@pytest.fixture
def visit(share: Share) -> Visit:
    """A planned visit of that share."""
    return Visit(
        id=VisitId(UUID(int=4)),
        share=share.id,
        task=share.task,
        village=share.village,
        origin=share.origin,
        state="planned",
        reported_on=REPORTED_ON,
        failed_rechecks=0,
        version=1,
    )
