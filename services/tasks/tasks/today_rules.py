"""What lies on a desk: the parts it is looked at in, and a share as it lies there."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId, TaskId
from qingdan.tasks_events import AskKind

PartName = Literal["overdue", "due_today", "due_soon", "later", "waiting", "new"]


class OnDesk(BaseModel):
    """A share on the desk."""

    share: ShareId
    task: TaskId
    village: DivisionCode
    department: str
    kind: AskKind
    title_zh: str
    title_en: str
    published_on: date
    due_on: date | None = Field(description="by the village's own limit; null before the claim")
    provisional: bool | None
    waiting_for: str | None = Field(description="who holds the ball while the clock stands still")
    extension_decide_by: date | None = Field(
        None, description="the last day to decide on the extension that the village asked for; the due date stands"
    )
    percent: int
    version: int
