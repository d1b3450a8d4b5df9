"""Use case: the supervision team was on the spot and says what it found; one that found nothing closes at once."""

from collections.abc import Sequence
from datetime import date

from inspection import finding_store, visit_rules, visit_store
from inspection.finding_rules import Found
from qingdan.ids import FindingId, SuggestionId, VisitId
from qingdan.inspection_events import VisitDone
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.ids import new_id


async def finish_visit(
    pool: Pool, actor: Actor, visit_id: VisitId, done_on: date, found: Sequence[Found], *, expected: Version
) -> VisitDone:
    """Raises Forbidden, NotFound, StaleVersion and the refusals of visit_rules.finish."""
    actor.require(Role.SUPERVISOR)
    async with transaction(pool, actor) as tx:
        visit = await visit_store.lock_visit(tx, visit_id, expected)
        numbered = [(FindingId(new_id()), SuggestionId(new_id()), seen) for seen in found]
        outcome = visit_rules.finish(visit, done_on, numbered, today=business_date(utcnow()))
        await visit_store.save_done(tx, outcome)
        if outcome.raised:
            await finding_store.insert_findings(tx, outcome.raised)
        for event in outcome.events:
            await outbox.append(tx, event)
            await audit.append(tx, actor, event)
        tx.answer_with(outcome.done, version=expected + 1)
    return outcome.done
