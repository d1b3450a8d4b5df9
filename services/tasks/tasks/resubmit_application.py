"""Use case: a department completes an application that was returned, and hands it in again."""

from dataclasses import replace

from qingdan.access_events import AccessReceived
from qingdan.ids import ApplicationId
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.divisions import id_in_scope
from runtime.workday_calendar import calendar
from tasks import admission_rules, application_rules, application_store, list_store, stage_store
from tasks.application_rules import Wanted


async def resubmit_application(
    pool: Pool, actor: Actor, application_id: ApplicationId, wanted: Wanted, *, expected: Version
) -> AccessReceived:
    """Begin a new round at the first stage of the same set; what was said before stays.

    Raises Forbidden unless the actor is department staff, NotFound, StaleVersion, NotYourDepartment, NotReturned,
    AnotherList, EmergencyUnchanged, what `check_wanted` raises, NoListInForce, DivisionUnknown, NegativeListClash (the
    application stays returned).
    """
    actor.require(Role.DEPARTMENT_STAFF)
    today = business_date(utcnow())
    application_rules.check_wanted(wanted, today=today)
    async with transaction(pool, actor) as tx:
        before, row = await application_store.lock_application(tx, application_id, expected)
        application_rules.check_resubmission(before, wanted, actor.department)
        if wanted.division is not None:
            await id_in_scope(tx, wanted.division)
        standing = await list_store.list_in_force(tx, wanted.list_code, today)
        if clash := admission_rules.clash_with_negative(wanted, before.department, standing):
            raise application_rules.clash_of(clash.entry)
        stages = await stage_store.find_stages(tx, row["stage_kind"], row["stage_set"])
        place = application_rules.begin(stages, before.department, await calendar(tx), today=today)
        again = replace(before, wanted=wanted, round=before.round + 1)
        await application_store.save_resubmitted(tx, again, actor.subject, today=today)
        await application_store.save_place(tx, again, place)
        await application_store.insert_step(tx, again, stages, place, today=today)
        received = application_rules.received(again.id, again.department, wanted, today=today)
        await outbox.append(tx, received)
        await audit.append(tx, actor, received, before={"round": before.round})
    return received
