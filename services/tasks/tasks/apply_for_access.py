"""Use case: a department applies to put an item on the list."""

from qingdan.access_events import AccessReceived
from qingdan.ids import ApplicationId
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from runtime.ids import new_id
from runtime.workday_calendar import calendar
from tasks import admission_rules, application_rules, application_store, list_store, stage_store
from tasks.application_rules import NEGATIVE_LIST, Application, Wanted


async def apply_for_access(pool: Pool, actor: Actor, wanted: Wanted) -> AccessReceived:
    """Receive the application; its first stage's limit runs from today.

    Raises Forbidden unless the actor is department staff, CountyAdmits, what `check_wanted` raises, NoListInForce,
    DivisionUnknown, and NegativeListClash: that refusal is committed and published before it is raised.
    """
    actor.require(Role.DEPARTMENT_STAFF)
    application_rules.require_county(actor.division.level)
    department = str(actor.department)
    today = business_date(utcnow())
    application_rules.check_wanted(wanted, today=today)
    async with transaction(pool, actor) as tx:
        division_id = await id_in_scope(tx, actor.division)
        if wanted.division is not None:
            await id_in_scope(tx, wanted.division)
        standing = await list_store.list_in_force(tx, wanted.list_code, today)
        stages = await stage_store.stages_in_force(tx, "ordinary", today)
        place = application_rules.begin(stages, department, await calendar(tx), today=today)
        clash = admission_rules.clash_with_negative(wanted, department, standing)
        application = Application(
            id=ApplicationId(new_id()),
            division_id=division_id,
            department=department,
            wanted=wanted,
            origin="http",
            emergency=None,
            state="refused" if clash else "under_review",
            round=1,
            stage=place.stage,
            waiting_for=() if clash else place.waiting_for,
            due=place.due,
            review_by=None,
            item=None,
            list_version=None,
            version=1,
        )
        await application_store.insert_application(
            tx, application, stages, actor.subject, today=today, refusal=NEGATIVE_LIST if clash else None
        )
        received = application_rules.received(application.id, department, wanted, today=today)
        await outbox.append(tx, received)
        await audit.append(tx, actor, received)
        if clash is not None:
            refused = application_rules.refused(
                application.id, department, wanted.list_code, NEGATIVE_LIST, today=today
            )
            await outbox.append(tx, refused)
            await audit.append(tx, actor, refused)
            tx.refuse_after_commit(application_rules.clash_of(clash.entry))
    return received  # what the negative list forbids has been raised by the transaction
