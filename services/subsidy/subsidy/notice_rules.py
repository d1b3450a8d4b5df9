"""A public notice shows what a frozen run comes to, for whom as far as people may be named, and for how long.

Names are masked as public notices mask them, and of some programmes not even that is published.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final

from pydantic import StringConstraints

from qingdan.divisions import DivisionCode
from qingdan.identity import PersonName
from qingdan.ids import RunId
from runtime.problems import Conflict
from subsidy.programme_rules import Nameless
from subsidy.run_rules import RunState

ItemNumber = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
"""By what an item of a notice is named in an objection: it says nothing of whose it is."""

WHY_NAMELESS: Final[Mapping[Nameless, str]] = {
    "minors": "未成年人信息不予公示 minors are not published",
    "health": "涉及健康或残疾信息，不公示姓名 it would tell of somebody's health or disability",
    "loss": "涉及丧亲等敏感信息，不公示姓名 it would tell of a loss in the family",
}
"""Why a programme names nobody in a notice: that somebody receives it would already tell what nobody may.

Sources: Personal Information Protection Law, articles 28 (health, and whoever is under fourteen, is sensitive) and 31;
Law on the Protection of Minors, articles 4 and 103.
"""

UNKNOWN: Final = "姓名不详 the name is not known"
"""Why there is no name although the programme names people."""

_COMPOUND: Final = 3
"""From so many characters on the last one is shown as well, so that neighbours know their neighbour."""


class NoNoticeYet(Conflict):
    """The run is not frozen: nothing is published yet. 批次尚未冻结，没有公示内容。"""


class NoticeOver(Conflict):
    """Objections are taken while the public notice runs. 只在公示期内受理异议。

    Tell the finance office of the county, which can hold an item at any time. 请联系县财政部门，其可随时暂停发放。
    """


@dataclass(frozen=True, slots=True)
class Notice:
    """What there is to know of a run's notice. until: its last day."""

    run: RunId
    division: DivisionCode
    state: RunState
    programme_version: int
    until: date | None


def require_published(notice: Notice) -> None:
    """Raises NoNoticeYet."""
    if notice.state == "previewed":
        raise NoNoticeYet()


def masked(name: PersonName) -> str:
    """The first character, and of three or more also the last; stars for all between, of which there is one at least.

    张三 is 张*, 欧阳建国 is 欧**国; a single character is shown as a star. 首字保留，三字以上并保留末字。
    """
    text = name.reveal()
    if len(text) < 2:
        return "*"
    if len(text) < _COMPOUND:
        return text[0] + "*"
    return text[0] + "*" * (len(text) - 2) + text[-1]


def shown_occurrence(occurrence: str) -> str | None:
    """What an item is paid once for, as it is published: a month, a year or `ever`; None for a person's or a business's
    identifier."""
    return None if len(occurrence) > len("2026-07") else occurrence
