"""Use case: one visit with all that was found, rectified and checked again."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import asyncpg
from pydantic import BaseModel

from inspection import finding_store, visit_store
from inspection.finding_rules import FINDINGS_PER_VISIT_MAX
from inspection.list_findings import FindingView
from inspection.list_visits import VisitView
from qingdan.ids import FindingId, RecheckId, VisitId
from runtime.actor import Actor
from runtime.db import Pool, transaction


class RectificationView(BaseModel):
    """What the village reported on a finding."""

    note: str
    photo_sha256: list[str]
    rectified_on: date


class RecheckView(BaseModel):
    """What the team saw when it checked again."""

    recheck: RecheckId
    passed: bool
    note: str
    checked_on: date


class FindingHistory(FindingView):
    """A finding with everything that became of it, in order."""

    rectifications: list[RectificationView]
    rechecks: list[RecheckView]


class VisitHistory(VisitView):
    """A visit with its findings."""

    findings: list[FindingHistory]


async def show_visit(pool: Pool, actor: Actor, visit: VisitId) -> VisitHistory:
    """Raises NotFound."""
    async with transaction(pool, actor) as tx:
        row = await visit_store.find_visit(tx, visit)
        found = await finding_store.list_findings(tx, state=None, visit=visit, after=None, limit=FINDINGS_PER_VISIT_MAX)
        ids = [FindingId(finding["finding"]) for finding in found]
        rectifications = await finding_store.list_rectifications(tx, ids)
        rechecks = await finding_store.list_rechecks(tx, ids)
    findings = [
        FindingHistory(
            **dict(finding),
            rectifications=[RectificationView(**own) for own in _of(finding, rectifications)],
            rechecks=[RecheckView(**own) for own in _of(finding, rechecks)],
        )
        for finding in found
    ]
    return VisitHistory(**dict(row), findings=findings)


def _of(finding: asyncpg.Record, rows: Sequence[asyncpg.Record]) -> list[dict[str, Any]]:
    return [dict(row) for row in rows if row["finding_id"] == finding["finding"]]
