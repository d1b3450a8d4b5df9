"""Every SQL statement on applications for access: where they stand, and their rounds, steps and opinions."""

from collections.abc import Sequence
from datetime import date

import asyncpg

from qingdan.ids import ApplicationId, ItemCode, ListCode, OpenCode
from runtime.db import Tx, Version
from runtime.problems import NotFound, StaleVersion
from runtime.workdays import DueDate
from tasks.application_rules import Application, ApplicationState, Decided, Involved, Opinion, Place, Wanted
from tasks.stage_rules import StageSet

_COLUMNS = """
id, division_id, department, wanted, origin, emergency, state, round, stage, waiting_for, due_on, provisional,
review_by, item_code, list_version, version, stage_kind, stage_set
"""

_INSERT = """
INSERT INTO access_application (id, division_id, department, list_code, wanted, origin, emergency, state, stage_kind,
    stage_set, stage, waiting_for, due_on, provisional, escalate_after, seen_by, applied_on, review_by, decided_on,
    refusal_code, item_code, list_version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $13, $15, $16, $17, $18, $19, $20, $21)
"""

_MOVE = """
UPDATE access_application SET stage = $2, waiting_for = $3, due_on = $4, provisional = $5, state = 'under_review',
    escalated = CASE WHEN stage = $2 AND state = 'under_review' THEN escalated ELSE 0 END,
    escalated_to = CASE WHEN stage = $2 AND state = 'under_review' THEN escalated_to END,
    escalate_after = CASE WHEN stage = $2 AND state = 'under_review' THEN escalate_after ELSE $4 END,
    version = version + 1
WHERE id = $1
"""

_VIEW = """
SELECT a.id AS application, d.code AS division, a.department, a.list_code, a.wanted, a.origin, a.emergency, a.state,
       a.round, s.code AS stage, a.waiting_for, a.due_on, a.provisional, a.escalated, a.escalated_to, a.applied_on,
       a.review_by, a.decided_on, a.refusal_code, a.item_code AS item, a.list_version, a.off_version, a.version
FROM access_application a JOIN division d ON d.id = a.division_id
JOIN access_stage s ON (s.kind, s.set_version, s.position) = (a.stage_kind, a.stage_set, a.stage)
"""


async def insert_application(
    tx: Tx,
    application: Application,
    stages: StageSet,
    submitted_by: str,
    *,
    today: date,
    refusal: OpenCode | None = None,
) -> None:
    """Store a new application with its first round and, unless it is refused at once, its first step."""
    wanted, due = application.wanted.model_dump_json(), application.due
    await tx.execute(
        _INSERT,
        *(application.id, application.division_id, application.department, application.wanted.list_code, wanted),
        *(application.origin, application.emergency, application.state, stages.kind, stages.version),
        *(application.stage, application.waiting_for, due.on, due.provisional, stages.concerned, today),
        *(application.review_by, today if refusal else None, refusal, application.item, application.list_version),
    )
    await insert_round(tx, application, submitted_by, today=today)
    if refusal is None:
        await insert_step(tx, application, stages, Place(application.stage, (), due), today=today)


async def insert_round(tx: Tx, application: Application, submitted_by: str, *, today: date) -> None:
    await tx.execute(
        "INSERT INTO access_round (application_id, round, wanted, submitted_by, submitted_on)"
        " VALUES ($1, $2, $3, $4, $5)",
        *(application.id, application.round, application.wanted.model_dump_json(), submitted_by, today),
    )


async def insert_step(tx: Tx, application: Application, stages: StageSet, place: Place, *, today: date) -> None:
    """The application has come to that stage."""
    await tx.execute(
        "INSERT INTO access_step (application_id, round, position, stage, since_on, due_on, provisional)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        *(application.id, application.round, place.stage, stages.at(place.stage).code),
        *(today, place.due.on, place.due.provisional),
    )


async def is_known(tx: Tx, application: ApplicationId) -> bool:
    """Whether there is such an application in scope."""
    known: bool = await tx.fetchval("SELECT EXISTS (SELECT 1 FROM access_application WHERE id = $1)", application)
    return known


async def lock_application(
    tx: Tx, application: ApplicationId, expected: Version | None
) -> tuple[Application, asyncpg.Record]:
    """The application, held until the transaction ends, and the row with its stage_kind and stage_set.

    expected: None where time or an event decides. Raises NotFound, StaleVersion.
    """
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM access_application WHERE id = $1 FOR UPDATE",  # noqa: S608
        application,
    )
    if row is None:
        raise NotFound(application=str(application))
    if expected is not None and row["version"] != expected:
        raise StaleVersion(application=str(application), version=row["version"])
    return _application(row), row


async def involved(tx: Tx, application: ApplicationId, in_round: int) -> Involved:
    """Who handed the application in, in any round, and whose opinion counts in this one."""
    applicants = await tx.fetch("SELECT submitted_by FROM access_round WHERE application_id = $1", application)
    decided = await tx.fetch(
        "SELECT DISTINCT unnest(persons) AS person FROM access_opinion WHERE application_id = $1 AND round = $2",
        application,
        in_round,
    )
    return Involved(frozenset(row["submitted_by"] for row in applicants), frozenset(row["person"] for row in decided))


async def insert_opinion(tx: Tx, application: Application, opinion: Opinion, *, today: date) -> None:
    await tx.execute(
        "INSERT INTO access_opinion (application_id, round, position, stage, department, subject, on_behalf_of,"
        " persons, verdict, code, reason, given_on) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        *(application.id, application.round, opinion.position, opinion.stage.code, opinion.department),
        *(opinion.subject, opinion.on_behalf_of, sorted(opinion.persons), opinion.verdict, opinion.code),
        *(opinion.reason, today),
    )


async def save_place(tx: Tx, application: Application, place: Place) -> None:
    """Where the application waits now; at a new stage it is not late any more."""
    await tx.execute(_MOVE, application.id, place.stage, list(place.waiting_for), place.due.on, place.due.provisional)


async def save_decided(tx: Tx, application: Application, decided: Decided, stages: StageSet, *, today: date) -> None:
    """Keep the opinion and what follows from it; an approval is kept by `save_approved`."""
    await insert_opinion(tx, application, decided.opinion, today=today)
    if decided.outcome == "returned":
        await save_returned(tx, application)
    elif decided.outcome == "refused":
        await tx.execute(
            "UPDATE access_application SET state = 'refused', waiting_for = '{}', decided_on = $2, refusal_code = $3,"
            " version = version + 1 WHERE id = $1",
            *(application.id, today, decided.opinion.code),
        )
    elif decided.place is not None:
        await save_place(tx, application, decided.place)
        if decided.outcome == "next_stage":
            await insert_step(tx, application, stages, decided.place, today=today)


async def save_returned(tx: Tx, application: Application) -> None:
    await tx.execute(
        "UPDATE access_application SET state = 'returned', waiting_for = '{}', version = version + 1 WHERE id = $1",
        application.id,
    )


async def save_resubmitted(tx: Tx, application: Application, submitted_by: str, *, today: date) -> None:
    """Keep the new round of an application that was returned."""
    await tx.execute(
        "UPDATE access_application SET wanted = $2, round = $3 WHERE id = $1",
        *(application.id, application.wanted.model_dump_json(), application.round),
    )
    await insert_round(tx, application, submitted_by, today=today)


async def save_approved(tx: Tx, application: ApplicationId, item: ItemCode, list_version: int, *, today: date) -> None:
    """Keep the approval; the version that it names must be there when the transaction ends."""
    await tx.execute(
        "UPDATE access_application SET state = 'approved', waiting_for = '{}', decided_on = $2, item_code = $3,"
        " list_version = $4, version = version + 1 WHERE id = $1",
        *(application, today, item, list_version),
    )


async def save_off_list(tx: Tx, application: ApplicationId, off_version: int) -> None:
    """Keep by which version an emergency's item goes off the list."""
    await tx.execute("UPDATE access_application SET off_version = $2 WHERE id = $1", application, off_version)


async def save_lapsed(tx: Tx, application: ApplicationId, *, today: date) -> None:
    await tx.execute(
        "UPDATE access_application SET state = 'lapsed', waiting_for = '{}', decided_on = $2, version = version + 1"
        " WHERE id = $1",
        *(application, today),
    )


async def codes_ever(tx: Tx, list_code: ListCode) -> Sequence[ItemCode]:
    """The codes that any version of a list gave to an admitted item."""
    rows = await tx.fetch("SELECT DISTINCT code FROM list_item WHERE list_code = $1 AND code LIKE 'AC%'", list_code)
    return [row["code"] for row in rows]


async def take_overdue(tx: Tx, today: date, limit: int) -> Sequence[asyncpg.Record]:
    """Applications whose limit has passed unheard, the oldest due date first, held; none that another one holds."""
    return await tx.fetch(
        "SELECT a.id, a.department, a.round, a.stage, a.stage_kind, a.stage_set, a.escalated, a.due_on,"
        " a.waiting_for FROM access_application a WHERE a.state = 'under_review' AND a.escalate_after < $1"
        " ORDER BY a.due_on, a.id LIMIT $2 FOR UPDATE SKIP LOCKED",
        today,
        limit,
    )


async def save_escalated(tx: Tx, row: asyncpg.Record, escalated_to: str, escalate_after: date, *, today: date) -> None:
    """One level more, for the application and for the step that it is late at."""
    await tx.execute(
        "UPDATE access_application SET escalated = escalated + 1, escalated_to = $2, escalate_after = $3,"
        " version = version + 1 WHERE id = $1",
        *(row["id"], escalated_to, escalate_after),
    )
    await tx.execute(
        "UPDATE access_step SET escalated = escalated + 1, escalated_on = $4"
        " WHERE application_id = $1 AND round = $2 AND position = $3",
        *(row["id"], row["round"], row["stage"], today),
    )


async def take_unreviewed(tx: Tx, today: date) -> ApplicationId | None:
    """An emergency whose review is over time, the oldest first, held; None when there is none to be had."""
    found: ApplicationId | None = await tx.fetchval(
        "SELECT id FROM access_application WHERE state IN ('under_review', 'returned') AND review_by < $1"
        " ORDER BY review_by, id LIMIT 1 FOR UPDATE SKIP LOCKED",
        today,
    )
    return found


async def list_applications(
    tx: Tx, *, state: ApplicationState | None, department: str | None, after: ApplicationId | None, limit: int
) -> Sequence[asyncpg.Record]:
    """Applications by id, after the one that `after` names."""
    return await tx.fetch(
        f"{_VIEW} WHERE ($1::text IS NULL OR a.state = $1) AND ($2::text IS NULL OR a.department = $2)"
        " AND ($3::uuid IS NULL OR a.id > $3) ORDER BY a.id LIMIT $4",
        *(state, department, after, limit),
    )


async def list_waiting(
    tx: Tx, department: str | None, after: tuple[date, ApplicationId] | None, limit: int
) -> Sequence[asyncpg.Record]:
    """What waits for a department or was escalated to it, oldest due date first; None: for any department."""
    due, last = after or (None, None)
    return await tx.fetch(
        f"{_VIEW} WHERE a.state = 'under_review'"
        " AND ($1::text IS NULL OR $1 = ANY(a.waiting_for) OR a.escalated_to = $1)"
        " AND ($2::date IS NULL OR (a.due_on, a.id) > ($2, $3)) ORDER BY a.due_on, a.id LIMIT $4",
        *(department, due, last, limit),
    )


async def find_application(tx: Tx, application: ApplicationId) -> asyncpg.Record:
    """The application as it is shown. Raises NotFound."""
    row = await tx.fetchrow(f"{_VIEW} WHERE a.id = $1", application)
    if row is None:
        raise NotFound(application=str(application))
    return row


async def rounds_of(tx: Tx, application: ApplicationId) -> Sequence[asyncpg.Record]:
    return await tx.fetch(
        "SELECT round, wanted, submitted_by, submitted_on FROM access_round WHERE application_id = $1"
        " ORDER BY round LIMIT 200",
        application,
    )


async def steps_of(tx: Tx, application: ApplicationId) -> Sequence[asyncpg.Record]:
    return await tx.fetch(
        "SELECT round, stage, since_on, due_on, provisional, escalated, escalated_on FROM access_step"
        " WHERE application_id = $1 ORDER BY round, position LIMIT 1000",
        application,
    )


async def opinions_of(tx: Tx, application: ApplicationId) -> Sequence[asyncpg.Record]:
    return await tx.fetch(
        "SELECT round, stage, department, subject, on_behalf_of, verdict, code, reason, given_on FROM access_opinion"
        " WHERE application_id = $1 ORDER BY seq LIMIT 1000",
        application,
    )


def _application(row: asyncpg.Record) -> Application:
    return Application(
        id=row["id"],
        division_id=row["division_id"],
        department=row["department"],
        wanted=Wanted.model_validate_json(row["wanted"]),
        origin=row["origin"],
        emergency=row["emergency"],
        state=row["state"],
        round=row["round"],
        stage=row["stage"],
        waiting_for=tuple(row["waiting_for"]),
        due=DueDate(row["due_on"], row["provisional"]),
        review_by=row["review_by"],
        item=row["item_code"],
        list_version=row["list_version"],
        version=row["version"],
    )
