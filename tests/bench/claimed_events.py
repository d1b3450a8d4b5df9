"""Claims as they leave the tasks service: 100,000 of about 400 bytes, on 5,000 tasks."""

from collections.abc import Iterator
from datetime import date
from uuid import uuid4

from qingdan.origin import Origin
from qingdan.tasks_events import ShareClaimed

EVENTS = 100_000
KEYS = 5_000


def claims(villages: list[str], count: int = EVENTS, keys: int = KEYS) -> Iterator[ShareClaimed]:
    """`count` claims; every `keys`-th is of the same task."""
    tasks = [uuid4() for _ in range(keys)]
    for number in range(count):
        task = tasks[number % keys]
        yield ShareClaimed.model_validate(
            {
                "task": task,
                "share": uuid4(),
                "village": villages[number % len(villages)],
                "department": "MZJ",
                "limit_working_days": 12,
                "claimed_on": date(2021, 1, 4),
                "due_on": date(2021, 1, 20),
                "provisional": False,
                "origin": Origin(service="tasks", kind="work_meeting", id=task),
            }
        )
