"""Use case: a village says that it has rectified a finding."""

from collections.abc import Sequence

from inspection import finding_rules, finding_store, visit_store
from qingdan.ids import FindingId
from qingdan.inspection_events import FindingRectified
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction


async def rectify_finding(
    pool: Pool, actor: Actor, finding_id: FindingId, note: str, photo_sha256: Sequence[str], *, expected: Version
) -> FindingRectified:
    """Raises Forbidden, NotFound, StaleVersion and the refusals of finding_rules.rectify."""
    actor.require(Role.VILLAGE_CADRE)
    async with transaction(pool, actor) as tx:
        visit = await visit_store.lock_visit_of_finding(tx, finding_id)
        finding = await finding_store.lock_finding(tx, finding_id, expected)
        event = finding_rules.rectify(finding, today=business_date(utcnow()))
        await finding_store.save_rectified(tx, event, finding_rules.state_after(event), note, photo_sha256)
        await visit_store.save_finding_changed(tx, visit.id, failed_rechecks=0)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event, before={"state": finding.state, "version": finding.version})
    return event
