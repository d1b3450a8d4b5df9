"""Use case: an approver of the county puts an item on the list at once, because of an emergency; its review begins."""

from qingdan.access_events import EmergencyEntered
from qingdan.ids import ApplicationId, DepartmentCode, OpenCode
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from runtime.ids import new_id
from runtime.workday_calendar import calendar
from tasks import admission_rules, application_rules, application_store, list_rules, list_store, stage_store
from tasks.application_rules import Application, Wanted


async def enter_emergency(
    pool: Pool, actor: Actor, department: DepartmentCode, emergency: OpenCode, wanted: Wanted
) -> EmergencyEntered:
    """The item takes effect today; unless its review approves it in time, it lapses by itself.

    Raises Forbidden unless the actor is an approver, CountyAdmits, what `check_wanted` raises, NoListInForce,
    DivisionUnknown, NegativeListClash, ListFull, and what `list_rules.take_effect` raises.
    """
    actor.require(Role.ACCESS_APPROVER)
    application_rules.require_county(actor.division.level)
    today = business_date(utcnow())
    application_rules.check_wanted(wanted, today=today)
    async with transaction(pool, actor) as tx:
        division_id = await id_in_scope(tx, actor.division)
        if wanted.division is not None:
            await id_in_scope(tx, wanted.division)
        stages = await stage_store.stages_in_force(tx, "emergency", today)
        place = application_rules.begin(stages, department, await calendar(tx), today=today)
        newest = await list_store.lock_list(tx, wanted.list_code)
        standing = await list_store.list_in_force(tx, wanted.list_code, today)
        if clash := admission_rules.clash_with_negative(wanted, department, standing):
            raise application_rules.clash_of(clash.entry)
        version = (newest["version"] if newest else 0) + 1
        item = admission_rules.next_code(await application_store.codes_ever(tx, wanted.list_code))
        proposed = admission_rules.with_item(standing, version, wanted, department, item, today=today)
        effect = list_rules.take_effect(proposed, standing.effective_on, today=today)
        application = Application(
            id=ApplicationId(new_id()),
            division_id=division_id,
            department=department,
            wanted=wanted,
            origin="emergency",
            emergency=emergency,
            state="under_review",
            round=1,
            stage=place.stage,
            waiting_for=place.waiting_for,
            due=place.due,
            review_by=application_rules.review_by(stages, today=today),
            item=item,
            list_version=version,
            version=1,
        )
        await application_store.insert_application(tx, application, stages, actor.subject, today=today)
        await list_store.insert_version(tx, proposed)
        entered = application_rules.entered(application, today=today)
        for event in (effect, entered):
            await outbox.append(tx, event)
            await audit.append(tx, actor, event)
    return entered
