"""Every SQL statement on appeals against a village's no."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

import asyncpg

from qingdan.divisions import DivisionCode
from qingdan.ids import AskId, DepartmentCode, ShareId, TaskId
from qingdan.origin import Origin
from qingdan.tasks_events import RefusalAppealed, RefusalCode, RefusalDecided
from runtime.actor import Actor, Role
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion
from tasks.appeal_rules import Appeal, Decider, RefusedAsk

# The share is the aggregate: its row is locked, so that events of one task keep their order.
_LOCK_REFUSED = """
SELECT r.id, r.share_id, s.task_id, d.code AS village, r.department, r.refused_on,
       s.origin_service, s.origin_kind, s.origin_id
FROM refused_ask r JOIN division d ON d.id = r.division_id LEFT JOIN share s ON s.id = r.share_id WHERE r.id = $1
"""
_APPEAL: Final = """
SELECT a.ask_id, a.share_id, s.task_id, d.code AS village, a.department, a.appealed_by, a.state, a.decide_by,
       a.version,
       s.origin_service, s.origin_kind, s.origin_id
FROM refusal_appeal a JOIN share s ON s.id = a.share_id JOIN division d ON d.id = a.division_id
"""
_LOCK_APPEAL = _APPEAL + "WHERE a.ask_id = $1 FOR UPDATE OF s, a"
_TAKE_OVERDUE = (
    _APPEAL + "WHERE a.state = 'open' AND a.decide_by < $1 ORDER BY a.decide_by, a.ask_id LIMIT $2"
    " FOR UPDATE OF s, a SKIP LOCKED"
)

_VIEW = """
SELECT a.ask_id AS ask, a.share_id AS share, s.task_id AS task, d.code AS village, a.department, r.code,
       s.title_zh, s.title_en, a.reasons, a.appealed_on, a.decide_by, a.state, a.decided_on, a.decision_reason,
       a.version
FROM refusal_appeal a JOIN share s ON s.id = a.share_id JOIN refused_ask r ON r.id = a.ask_id
JOIN division d ON d.id = a.division_id
"""


def scope_of(actor: Actor, reader: Decider) -> Actor:
    """As whom the rows of appeals are read: an approver of the county sees those of all departments, to look further.

    What is appealed never belongs to the decider's own department, which row-level security binds them to. Only for
    a transaction that touches nothing but appeals, and none but those that `appeal_rules.department_shown` names.
    """
    if not reader.of_county:
        return actor
    return replace(actor, department=None, roles=actor.roles - {Role.DEPARTMENT_STAFF})


def decider(actor: Actor) -> Decider:
    """Somebody as the rules see them."""
    return Decider(actor.subject, actor.division.level, actor.department, approves=Role.ACCESS_APPROVER in actor.roles)


async def lock_refused(tx: Tx, ask: AskId) -> RefusedAsk:
    """A no, with its share held until the transaction ends. Raises NotFound."""
    row = await tx.fetchrow(_LOCK_REFUSED, ask)
    if row is None:
        raise NotFound(ask=str(ask))
    if row["share_id"] is not None:
        await tx.execute("SELECT 1 FROM share WHERE id = $1 FOR UPDATE", row["share_id"])
    return RefusedAsk(
        ask=ask,
        share=row["share_id"],
        task=row["task_id"],
        village=DivisionCode(row["village"]),
        department=row["department"],
        origin=_origin(row) if row["share_id"] is not None else None,
        refused_on=row["refused_on"],
        appealed=await tx.fetchval("SELECT EXISTS (SELECT 1 FROM refusal_appeal WHERE ask_id = $1)", ask),
    )


async def insert_appeal(tx: Tx, event: RefusalAppealed, reasons: str, appealed_by: str) -> None:
    await tx.execute(
        "INSERT INTO refusal_appeal (ask_id, share_id, division_id, department, reasons, appealed_by, appealed_on,"
        " decide_by) SELECT $1, s.id, s.division_id, s.department, $3, $4, $5, $6 FROM share s WHERE s.id = $2",
        *(event.ask, event.share, reasons, appealed_by, event.appealed_on, event.decide_by),
    )


async def lock_appeal(tx: Tx, ask: AskId, expected: Version) -> Appeal:
    """The appeal and its share, held until the transaction ends. Raises NotFound, StaleVersion."""
    row = await tx.fetchrow(_LOCK_APPEAL, ask)
    if row is None:
        raise NotFound(ask=str(ask))
    if row["version"] != expected:
        raise StaleVersion(ask=str(ask), version=row["version"])
    return _appeal(row)


async def take_overdue(tx: Tx, today: date, limit: int) -> list[Appeal]:
    """Open appeals whose time to decide is over, the longest overdue first; what others hold is passed by."""
    return [_appeal(row) for row in await tx.fetch(_TAKE_OVERDUE, today, limit)]


async def save_decisions(tx: Tx, events: Sequence[RefusalDecided], reason: str, decided_by: str) -> None:
    """Close these appeals; a share whose no was overturned is published again."""
    await tx.execute(
        "UPDATE refusal_appeal a SET state = CASE WHEN e.upheld THEN 'upheld' ELSE 'overturned' END,"
        " decided_on = e.decided_on, decision_reason = $4, decided_by = $5, version = a.version + 1"
        " FROM unnest($1::uuid[], $2::boolean[], $3::date[]) AS e(ask, upheld, decided_on) WHERE a.ask_id = e.ask",
        [event.ask for event in events],
        [event.upheld for event in events],
        [event.decided_on for event in events],
        reason,
        decided_by,
    )
    if overturned := [event.share for event in events if not event.upheld]:
        await tx.execute(
            "UPDATE share SET state = 'published', refusal_code = NULL, refused_on = NULL, version = version + 1"
            " WHERE id = ANY($1::uuid[]) AND state = 'refused'",
            overturned,
        )
        # Another village may have taken the task meanwhile: then the share is withdrawn as the others were.
        await tx.execute(
            "UPDATE task_holder h SET others_withdrawn = false FROM share s"
            " WHERE s.id = ANY($1::uuid[]) AND h.task_id = s.task_id",
            overturned,
        )


async def codes_overturned(tx: Tx, share: ShareId) -> frozenset[RefusalCode]:
    """The reasons for which the village may not say no to this share again."""
    rows = await tx.fetch(
        "SELECT r.code FROM refused_ask r JOIN refusal_appeal a ON a.ask_id = r.id"
        " WHERE r.share_id = $1 AND a.state = 'overturned'",
        share,
    )
    return frozenset(RefusalCode(row["code"]) for row in rows)


async def find_appeal(tx: Tx, ask: AskId, department: DepartmentCode | None) -> asyncpg.Record:
    """An appeal as it is shown; department: whose it must be, if not None. Raises NotFound."""
    row = await tx.fetchrow(_VIEW + "WHERE a.ask_id = $1 AND ($2::text IS NULL OR a.department = $2)", ask, department)
    if row is None:
        raise NotFound(ask=str(ask))
    return row


async def list_appeals(
    tx: Tx, department: DepartmentCode | None, *, state: str | None, after: tuple[date, AskId] | None, limit: int
) -> Sequence[asyncpg.Record]:
    """Appeals, of a department or of all, by the day on which they must be decided, after the one `after` names."""
    decide_by, ask = after or (None, None)
    return await tx.fetch(
        _VIEW + "WHERE ($1::text IS NULL OR a.state = $1) AND ($2::date IS NULL OR (a.decide_by, a.ask_id) > ($2, $3))"
        " AND ($5::text IS NULL OR a.department = $5) ORDER BY a.decide_by, a.ask_id LIMIT $4",
        *(state, decide_by, ask, limit, department),
    )


def _appeal(row: asyncpg.Record) -> Appeal:
    return Appeal(
        ask=AskId(row["ask_id"]),
        share=ShareId(row["share_id"]),
        task=TaskId(row["task_id"]),
        village=DivisionCode(row["village"]),
        department=row["department"],
        origin=_origin(row),
        appealed_by=row["appealed_by"],
        state=row["state"],
        decide_by=row["decide_by"],
        version=row["version"],
    )


def _origin(row: asyncpg.Record) -> Origin:
    return Origin(service=row["origin_service"], kind=row["origin_kind"], id=row["origin_id"])
