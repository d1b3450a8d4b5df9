"""Time in: what the service does by itself."""

from runtime.clock import business_date, utcnow
from runtime.works import Working, every
from tasks.escalate_applications import escalate_applications as escalate
from tasks.fold_durations import fold_durations as fold
from tasks.grant_silent_extensions import grant_silent_extensions as grant
from tasks.lapse_emergencies import lapse_emergencies as lapse
from tasks.recount_due_dates import recount_due_dates as recount
from tasks.report_burden import report_burden as report
from tasks.uphold_silent_appeals import uphold_silent_appeals as uphold
from tasks.withdraw_taken_shares import withdraw_taken_shares as withdraw


@every(60.0)
async def uphold_silent_appeals(work: Working) -> bool:
    """A village's no stands within a minute of the end of the county's last day."""
    return await uphold(work.pool, work.actor)


@every(1.0)
async def withdraw_taken_shares(work: Working) -> bool:
    """The others learn within a second or two that a task open to the first is taken."""
    return await withdraw(work.pool, work.actor)


@every(5.0)
async def fold_durations(work: Working) -> bool:
    """What is finished counts within seconds in what others are told before they claim."""
    return await fold(work.pool, work.actor)


@every(30.0)
async def recount_due_dates(work: Working) -> bool:
    """Provisional due dates follow the official calendar within two minutes of its import."""
    return await recount(work.pool, work.actor)


@every(60.0)
async def escalate_applications(work: Working) -> bool:
    """What is over its stage's limit is on the next desk within a minute of midnight in Asia/Shanghai."""
    return await escalate(work.pool, work.actor, business_date(utcnow()))


@every(60.0)
async def lapse_emergencies(work: Working) -> bool:
    """An emergency's item that was not approved in time is off the list within a minute of its last day."""
    return await lapse(work.pool, work.actor, business_date(utcnow()))


@every(60.0)
async def report_burden(work: Working) -> bool:
    """A month's burden is told within a minute of its end in Asia/Shanghai."""
    return await report(work.pool, work.actor, business_date(utcnow()))


@every(60.0)
async def grant_silent_extensions(work: Working) -> bool:
    """What nobody decided on is granted within a minute of the end of the last day to decide."""
    return await grant(work.pool, work.actor)
