"""How long what a run was computed from is kept, and what is said when it is gone.

Accounts and vouchers are kept for 30 years, counted from the day after the accounting year in which a run was closed;
the shortest of the fixed periods is 10 years: 《会计档案管理办法》 (order 79 of the Ministry of Finance and the State
Archives Administration, 2015), articles 14 and 15 and annex 1. The accounting year is the calendar year: 《会计法》,
article 11.
"""

from datetime import date, datetime
from typing import Final, NamedTuple

from runtime.problems import Refusal

YEARS_MIN: Final = 10
YEARS_MAX: Final = 100
YEARS: Final = 30


class SnapshotRemoved(Refusal):
    """What this run was computed from was removed when its time of keeping was over: it cannot be computed again.
    该批次的计算依据已按保管期限销毁，不能重新计算。

    `removed_on` says when, `kept_years` after how many years; `list_holds` whether the list still has the hash that it
    was frozen under. 销毁日期见 removed_on，保管年限见 kept_years，名单与冻结时的哈希值是否一致见 list_holds。
    """

    status = 410


class Keeping(NamedTuple):
    """Whether anything is kept of a run, and since when; removed_on, kept_years: when it was removed, after how many
    years. kept_at: None when an earlier version kept it."""

    anything: bool
    kept_at: datetime | None = None
    removed_on: date | None = None
    kept_years: int | None = None


def closed_before(today: date, kept_years: int) -> date:
    """Runs closed before that day have been kept for so many whole years after the year in which they were closed."""
    return date(today.year - kept_years, 1, 1)


def removed(gone: Keeping, *, frozen_hash: bytes, rows_hash: bytes) -> SnapshotRemoved:
    """What an auditor is told: never that the run does not hold, and whether its list does."""
    return SnapshotRemoved(
        removed_on=str(gone.removed_on),
        kept_years=gone.kept_years,
        frozen_hash=frozen_hash.hex(),
        rows_hash=rows_hash.hex(),
        list_holds=frozen_hash == rows_hash,
    )
