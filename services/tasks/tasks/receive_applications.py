"""Use case: departments apply for access by event; what lacks required parts is returned at the first stage."""

from dataclasses import replace
from datetime import date

from qingdan.access_events import AccessApplied
from qingdan.event import EventBody
from qingdan.ids import ApplicationId
from runtime import audit, outbox
from runtime.clock import business_date, utcnow
from runtime.db import Tx
from runtime.divisions import DivisionUnknown
from runtime.runs import Run
from runtime.workday_calendar import calendar
from tasks import admission_rules, application_rules, application_store, division_store, list_store, stage_store
from tasks.application_rules import NEGATIVE_LIST, Application, Place, Wanted
from tasks.stage_rules import StageSet


async def receive_applications(tx: Tx, applied: Run[AccessApplied]) -> None:
    """Each is told in the trace of its event; its limits run from today, whenever it was sent.

    An application that was returned begins a new round; one told twice changes nothing. Raises NotYourDepartment for
    another department's application, AnotherList, NoListInForce, DivisionUnknown, CategoryNotApplicable and what else
    `check_wanted` raises: the event is parked.
    """
    today = business_date(utcnow())
    for event in applied.each():
        wanted = application_rules.wanted_of(event)
        application_rules.check_wanted(wanted, today=today)
        if await application_store.is_known(tx, event.application):
            told = await _again(tx, event, wanted, today=today)
        else:
            told = await _first(tx, event, wanted, today=today)
        for each in told:
            await outbox.append(tx, each)
            await audit.append(tx, tx.actor, each)


async def _first(tx: Tx, event: AccessApplied, wanted: Wanted, *, today: date) -> list[EventBody]:
    """Receive it; what the negative list forbids is refused at once."""
    division_id = await division_store.county_of(tx, event.division)
    standing = await list_store.list_in_force(tx, wanted.list_code, today)
    stages = await stage_store.stages_in_force(tx, "ordinary", today)
    place = application_rules.begin(stages, event.department, await calendar(tx), today=today)
    clash = admission_rules.clash_with_negative(wanted, event.department, standing)
    application = Application(
        id=ApplicationId(event.application),
        division_id=division_id,
        department=event.department,
        wanted=wanted,
        origin="event",
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
    refusal = NEGATIVE_LIST if clash else None
    await application_store.insert_application(tx, application, stages, _sender(event), today=today, refusal=refusal)
    told: list[EventBody] = [application_rules.received(application.id, event.department, wanted, today=today)]
    if clash is not None:
        refused = application_rules.refused(
            application.id, event.department, wanted.list_code, NEGATIVE_LIST, today=today
        )
        return [*told, refused]
    return [*told, *(await _return_incomplete(tx, application, stages, today=today))]


async def _again(tx: Tx, event: AccessApplied, wanted: Wanted, *, today: date) -> list[EventBody]:
    """A new round of what was returned; the same application told twice says nothing new."""
    before, row = await application_store.lock_application(tx, event.application, None)
    if before.state != "returned" and before.department == event.department:
        return []
    application_rules.check_resubmission(before, wanted, event.department)
    if await division_store.county_of(tx, event.division) != before.division_id:
        raise DivisionUnknown(division=str(event.division))
    standing = await list_store.list_in_force(tx, wanted.list_code, today)
    if clash := admission_rules.clash_with_negative(wanted, before.department, standing):
        raise application_rules.clash_of(clash.entry)
    stages = await stage_store.find_stages(tx, row["stage_kind"], row["stage_set"])
    place: Place = application_rules.begin(stages, before.department, await calendar(tx), today=today)
    again = replace(before, wanted=wanted, round=before.round + 1)
    await application_store.save_resubmitted(tx, again, _sender(event), today=today)
    await application_store.save_place(tx, again, place)
    await application_store.insert_step(tx, again, stages, place, today=today)
    received = application_rules.received(again.id, again.department, wanted, today=today)
    return [received, *(await _return_incomplete(tx, again, stages, today=today))]


async def _return_incomplete(tx: Tx, application: Application, stages: StageSet, *, today: date) -> list[EventBody]:
    """Return what lacks required parts without troubling a reviewer."""
    if not application.wanted.missing:
        return []
    opinion = application_rules.incomplete(stages, application.wanted, tx.actor.subject)
    await application_store.insert_opinion(tx, application, opinion, today=today)
    await application_store.save_returned(tx, application)
    list_code = application.wanted.list_code
    return [application_rules.returned(application.id, application.department, list_code, opinion.stage, today=today)]


def _sender(event: AccessApplied) -> str:
    return f"department:{event.department.lower()}"
