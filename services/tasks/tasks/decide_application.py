"""Use case: a department that sits in a stage approves, returns or refuses; the last yes changes the list."""

from datetime import date

from pydantic import BaseModel, Field

from qingdan.event import EventBody
from qingdan.ids import ApplicationId, OpenCode
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Tx, Version, transaction
from runtime.workday_calendar import calendar
from tasks import (
    admission_rules,
    application_rules,
    application_store,
    delegation_store,
    list_rules,
    list_store,
    stage_store,
)
from tasks.application_rules import Application, Outcome, Verdict


class Decision(BaseModel):
    """What became of the application by this opinion; item and list_version once it is approved."""

    application: ApplicationId
    verdict: Verdict
    outcome: Outcome
    on_behalf_of: str | None = Field(description="who delegated the decision")
    waiting_for: list[str]
    due_on: date | None
    item: str | None
    list_version: int | None


async def decide_application(
    pool: Pool,
    actor: Actor,
    application_id: ApplicationId,
    verdict: Verdict,
    code: OpenCode,
    reason: str,
    *,
    expected: Version,
) -> Decision:
    """Keep the opinion and do what follows from it; the reason stays here, events carry the code.

    Raises NotFound, StaleVersion, CountyAdmits, MayNotDecide, NotUnderReview, ReviewOver, NotYourStage, OwnApplication,
    DecidedBefore, TermOver, ListFull, and what `list_rules.take_effect` raises.
    """
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        application, row = await application_store.lock_application(tx, application_id, expected)
        application_rules.require_county(actor.division.level)
        stages = await stage_store.find_stages(tx, row["stage_kind"], row["stage_set"])
        linked = await delegation_store.linked_with(tx, actor.subject, actor.department, today)
        who = application_rules.reviewer(
            actor.subject, actor.department, approves=Role.ACCESS_APPROVER in actor.roles, linked=linked
        )
        involved = await application_store.involved(tx, application_id, application.round)
        days = await calendar(tx)
        decided = application_rules.decide(
            application, stages, who, involved, verdict, code=code, reason=reason, days=days, today=today
        )
        await application_store.save_decided(tx, application, decided, stages, today=today)
        events = await _events(tx, application, decided, today=today)
        for event in events:
            await outbox.append(tx, event)
            await audit.append(tx, actor, event)
        said = {"verdict": verdict, "code": code, "stage": decided.opinion.stage.code, "department": who.department}
        audit.note(tx, "access.opinion-given", str(application_id), said | {"on_behalf_of": who.on_behalf_of})
        approved = next((event for event in events if event.type == "access.approved.v1"), None)
        place = decided.place
        answer = Decision(
            application=application_id,
            verdict=verdict,
            outcome=decided.outcome,
            on_behalf_of=who.on_behalf_of,
            waiting_for=list(place.waiting_for) if place else [],
            due_on=place.due.on if place else None,
            item=getattr(approved, "item", None),
            list_version=getattr(approved, "version", None),
        )
        tx.answer_with(answer, version=expected + 1)
    return answer


async def _events(
    tx: Tx, application: Application, decided: application_rules.Decided, *, today: date
) -> list[EventBody]:
    """What everybody is told of the decision, the list changed where it has to be."""
    list_code, stage = application.wanted.list_code, decided.opinion.stage
    if decided.outcome == "returned":
        return [application_rules.returned(application.id, application.department, list_code, stage, today=today)]
    if decided.outcome == "refused":
        code = decided.opinion.code
        refused = application_rules.refused(application.id, application.department, list_code, code, today=today)
        return [refused, *(await _take_off(tx, application, today=today))]
    return await _admit(tx, application, today=today) if decided.outcome == "approved" else []


async def _admit(tx: Tx, application: Application, *, today: date) -> list[EventBody]:
    """An emergency's item is on the list already; any other one comes on it by a new version."""
    if application.item is not None and application.list_version is not None:
        await application_store.save_approved(
            tx, application.id, application.item, application.list_version, today=today
        )
        return [application_rules.approved(application, application.item, application.list_version, today=today)]
    list_code = application.wanted.list_code
    newest = await list_store.lock_list(tx, list_code)
    standing = await list_store.list_in_force(tx, list_code, today)
    version = (newest["version"] if newest else 0) + 1
    item = admission_rules.next_code(await application_store.codes_ever(tx, list_code))
    proposed = admission_rules.with_item(
        standing, version, application.wanted, application.department, item, today=today
    )
    effect = list_rules.take_effect(proposed, standing.effective_on, today=today)
    await application_store.save_approved(tx, application.id, item, version, today=today)
    await list_store.insert_version(tx, proposed)
    return [application_rules.approved(application, item, version, today=today), effect]


async def _take_off(tx: Tx, application: Application, *, today: date) -> list[EventBody]:
    """A refused emergency's item goes off the list by a new version."""
    if application.item is None:
        return []
    list_code = application.wanted.list_code
    newest = await list_store.lock_list(tx, list_code)
    standing = await list_store.list_in_force(tx, list_code, today)
    version = (newest["version"] if newest else 0) + 1
    if (proposed := admission_rules.without_item(standing, version, application.item, today=today)) is None:
        return []
    effect = list_rules.take_effect(proposed, standing.effective_on, today=today)
    await application_store.save_off_list(tx, application.id, version)
    await list_store.insert_version(tx, proposed)
    return [effect]
