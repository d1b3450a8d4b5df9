"""The most that anybody may get of a programme in a year, whatever its rule comes to each time."""

from collections.abc import Sequence
from dataclasses import dataclass

from qingdan.ids import ProgrammeCode
from qingdan.money import Fen
from runtime.problems import Conflict


class BeyondYearCap(Conflict):
    """The run comes to more for somebody than a programme's cap for the year. 发放批次使部分对象超出项目的年度封顶额。

    Say in the rule what is paid instead, or raise the cap, in a new version, and preview the run again.
    请在新版本的规则中写明超出时如何发放，或提高年度封顶额，再重新试算。
    """


@dataclass(frozen=True, slots=True)
class Beyond:
    """How many would get more than the cap of a programme, and how much more whoever goes furthest beyond it."""

    programme: ProgrammeCode
    cap_year_fen: Fen
    beneficiaries: int
    most_beyond_fen: Fen


def require_within(beyond: Sequence[Beyond]) -> None:
    """Raises BeyondYearCap naming each programme, and nobody who would receive it."""
    if beyond:
        raise BeyondYearCap(
            programmes=[
                {
                    "programme": each.programme,
                    "cap_year_fen": each.cap_year_fen,
                    "beneficiaries": each.beneficiaries,
                    "most_beyond_fen": each.most_beyond_fen,
                }
                for each in beyond
            ]
        )
