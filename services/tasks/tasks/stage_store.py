"""Every SQL statement on the stages of work access."""

from datetime import date

import asyncpg

from runtime.db import Tx
from tasks.stage_rules import NoStagesInForce, Stage, StageKind, StageSet


async def lock_stages(tx: Tx, kind: StageKind) -> StageSet:
    """The newest set of that kind, in force or not; one change at a time. Raises NoStagesInForce."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('access_stage_set:' || $1, 0))", kind)
    head = await tx.fetchrow(
        "SELECT kind, version, effective_on, review_days FROM access_stage_set WHERE kind = $1"
        " ORDER BY version DESC LIMIT 1",
        kind,
    )
    return await _set_of(tx, head, kind)


async def stages_in_force(tx: Tx, kind: StageKind, as_of: date) -> StageSet:
    """The set in force on that day. Raises NoStagesInForce."""
    head = await tx.fetchrow(
        "SELECT kind, version, effective_on, review_days FROM access_stage_set"
        " WHERE kind = $1 AND effective_on <= $2 ORDER BY version DESC LIMIT 1",
        kind,
        as_of,
    )
    return await _set_of(tx, head, kind)


async def find_stages(tx: Tx, kind: StageKind, version: int) -> StageSet:
    """The set of that version, which work in flight keeps. Raises NoStagesInForce."""
    head = await tx.fetchrow(
        "SELECT kind, version, effective_on, review_days FROM access_stage_set WHERE kind = $1 AND version = $2",
        kind,
        version,
    )
    return await _set_of(tx, head, kind)


async def insert_stages(tx: Tx, stage_set: StageSet) -> None:
    """Store a whole set."""
    await tx.execute(
        "INSERT INTO access_stage_set (kind, version, effective_on, review_days) VALUES ($1, $2, $3, $4)",
        *(stage_set.kind, stage_set.version, stage_set.effective_on, stage_set.review_days),
    )
    await tx.executemany(
        "INSERT INTO access_stage (kind, set_version, position, code, title_zh, title_en, departments,"
        " limit_working_days, escalate_to) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            (
                *(stage_set.kind, stage_set.version, position, stage.code, stage.title_zh, stage.title_en),
                *(stage.departments, stage.limit_working_days, stage.escalate_to),
            )
            for position, stage in enumerate(stage_set.stages, start=1)
        ],
    )


async def _set_of(tx: Tx, head: asyncpg.Record | None, kind: StageKind) -> StageSet:
    if head is None:
        raise NoStagesInForce(kind=kind)
    rows = await tx.fetch(
        "SELECT code, title_zh, title_en, departments, limit_working_days, escalate_to FROM access_stage"
        " WHERE kind = $1 AND set_version = $2 ORDER BY position",
        kind,
        head["version"],
    )
    return StageSet(**dict(head), stages=tuple(Stage(**dict(row)) for row in rows))
