"""What a run owes and nobody was paid: whether it is paid once more, or why not.

Money that came back is not due for ever: people die, doubts arise, a month is computed again and comes to nothing. What
was approved is paid unless something that somebody entered or computed since speaks against it; each of these is undone
where it was made, and then the same obligation is paid with the next turn.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel, computed_field

from qingdan.money import Fen, FenTotal
from qingdan.subsidy_events import Count

LeftOutReason = Literal["stopped", "deceased", "held", "due_no_more", "recovery_open"]

WHY: Final[Mapping[LeftOutReason, str]] = {
    "stopped": "It was decided that this is not paid. 已决定不再发放。",
    "deceased": "Somebody who it is for, or who would receive it, has died: a second person looks at the hold first."
    " 受益人或领取人已去世：须先由另一人核实并解除暂停。",
    "held": "It is held: lift the hold, or stop it. 正在暂停：请先解除暂停或停止发放。",
    "due_no_more": "The month was computed again, and nothing of this is due: compute it anew if facts have come since."
    " 该月已重新计算，此款不再应发：如数据有更新，请重新计算该月。",
    "recovery_open": "Money of the same month is still asked back: that comes first. 同月款项正在追缴：须先了结追缴。",
}
"""Why something is left out, and what would change that."""


class LeftOut(BaseModel):
    """How much is not paid once more, for one reason."""

    reason: LeftOutReason
    payments: Count
    total_fen: FenTotal

    @computed_field(description="in English and Chinese: why, and what would change it")  # type: ignore[prop-decorator]
    @property
    def why(self) -> str:
        """As people read it."""
        return WHY[self.reason]


@dataclass(frozen=True, slots=True)
class Unpaid:
    """What is paid once more, and what is not. beyond_fen: so much of the former is due no more, though some of the
    same obligation is; what is paid too much is asked back by adjusting the month."""

    payments: int
    total_fen: Fen
    beyond_fen: Fen
    left_out: tuple[LeftOut, ...]
