"""Use case: villages reported progress; from now on a supervisor can plan a visit."""

from collections.abc import Sequence

from inspection import share_store
from qingdan.tasks_events import ShareProgressed, ShareReportedDone
from runtime.db import Tx


async def record_reports(tx: Tx, reports: Sequence[ShareProgressed | ShareReportedDone]) -> None:
    """Enter the reports. Raises DivisionUnknown when the tree lacks a village."""
    await share_store.save_reports(tx, reports)
