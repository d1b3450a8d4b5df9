"""What is being computed of a month just now: a preview or a freeze, its step, and how long it takes."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.subsidy_events import Period
from runtime.problems import NotFound

What = Literal["preview", "freeze"]
StepName = Literal["facts", "programmes", "results", "list"]

WORDS: Final[dict[StepName, tuple[str, str]]] = {
    "facts": ("正在读取全县数据", "the county's facts are read"),
    "programmes": ("正在逐项计算补贴", "the programmes are computed"),
    "results": ("正在写入结果", "the results are written"),
    "list": ("正在核对名单并计算哈希", "the list is checked and hashed"),
}
SILENT_MAX: Final = timedelta(seconds=10)
"""Whoever computes is heard of every half second; after so long without a word it was interrupted."""


class NothingComputed(NotFound):
    """Nothing is being computed of that month just now. 该月目前没有正在进行的计算。

    What has ended is the run itself: see GET /v1/runs. 已完成的结果请查看批次列表。
    """


class Computing(BaseModel):
    """A preview or a freeze under way. rate_per_s and seconds_left are of the step, once some of it is done."""

    division: DivisionCode
    period: Period
    what: What
    state: Literal["going", "interrupted"] = Field(
        description="interrupted: nothing was heard of it for 10 s; what it had computed is lost, click again"
        " 已中断，请重新点击"
    )
    step: StepName
    zh: str
    en: str
    done: int
    total: int = Field(description="how many programmes or items the step has; 1: it is not counted")
    seconds: float = Field(description="since the computation began")
    rate_per_s: float | None = None
    seconds_left: int | None = None


@dataclass(slots=True)
class Going:
    """Where a computation is: whoever computes changes it, from whatever thread, and somebody else tells it.

    began_at, step_began_at: instants in UTC.
    """

    what: What
    began_at: datetime
    step: StepName = "facts"
    done: int = 0
    total: int = 1
    step_began_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.step_began_at = self.began_at

    def enter(self, step: StepName, total: int, *, at: datetime) -> None:
        """The next step begins."""
        self.step, self.done, self.total, self.step_began_at = step, 0, total, at

    def one_more(self) -> None:
        self.done += 1


@dataclass(frozen=True, slots=True)
class Heard:
    """What was told last, and the time now."""

    division: DivisionCode
    period: Period
    what: What
    step: StepName
    done: int
    total: int
    began_at: datetime
    step_began_at: datetime
    heard_at: datetime
    now: datetime


def computing(heard: Heard) -> Computing:
    """As finance sees it."""
    zh, en = WORDS[heard.step]
    going = heard.now - heard.heard_at <= SILENT_MAX
    said = Computing(
        division=heard.division,
        period=heard.period,
        what=heard.what,
        state="going" if going else "interrupted",
        step=heard.step,
        zh=zh,
        en=en,
        done=heard.done,
        total=heard.total,
        seconds=round((heard.now - heard.began_at).total_seconds(), 1),
    )
    if going and heard.done:
        elapsed_s = max((heard.now - heard.step_began_at).total_seconds(), 0.001)
        said.rate_per_s = round(heard.done / elapsed_s, 1)
        said.seconds_left = round((heard.total - heard.done) * elapsed_s / heard.done)
    return said
