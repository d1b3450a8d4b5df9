"""Use case: the team checks a rectified finding again; the last one that passes closes the visit."""

from inspection import finding_rules, finding_store, visit_rules, visit_store
from qingdan.ids import FindingId, RecheckId
from qingdan.inspection_events import RecheckFailed, RecheckPassed
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.ids import new_id


async def recheck_finding(
    pool: Pool, actor: Actor, finding_id: FindingId, note: str, *, passed: bool, expected: Version
) -> RecheckPassed | RecheckFailed:
    """Raises Forbidden, NotFound, StaleVersion and the refusals of finding_rules.recheck."""
    actor.require(Role.SUPERVISOR)
    async with transaction(pool, actor) as tx:
        visit = await visit_store.lock_visit_of_finding(tx, finding_id)
        finding = await finding_store.lock_finding(tx, finding_id, expected)
        today = business_date(utcnow())
        event = finding_rules.recheck(finding, RecheckId(new_id()), passed=passed, today=today)
        await finding_store.save_recheck(tx, event, finding_rules.state_after(event), note)
        await visit_store.save_finding_changed(tx, visit.id, failed_rechecks=0 if passed else 1)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event, before={"state": finding.state, "version": finding.version})
        if closed := visit_rules.close(visit, await finding_store.findings_of(tx, visit.id), today=today):
            await visit_store.save_closed(tx, closed)
            await outbox.append(tx, closed)
            await audit.append(tx, actor, closed, before={"state": visit.state, "version": visit.version})
        tx.answer_with(event, version=expected + 1)
    return event
