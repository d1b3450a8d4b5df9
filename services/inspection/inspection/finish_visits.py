"""Use case: the supervision team was on a round and says what it found at each visit, all at once."""

from collections.abc import Mapping, Sequence
from datetime import date

from pydantic import BaseModel

from inspection import finding_store, visit_rules, visit_store
from inspection.finding_rules import Found
from qingdan.ids import FindingId, SuggestionId, VisitId
from qingdan.inspection_events import VisitDone
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.ids import new_id


class VisitsDone(BaseModel):
    """The visits done, in the order told."""

    done: list[VisitDone]


async def finish_visits(
    pool: Pool,
    actor: Actor,
    expected: Mapping[VisitId, Version],
    done_on: date,
    found: Mapping[VisitId, Sequence[Found]],
) -> VisitsDone:
    """Finish all of these visits or none.

    Raises Forbidden, NotFound, StaleVersion and the refusals of visit_rules.finish; all but the first name the visit.
    """
    actor.require(Role.SUPERVISOR)
    async with transaction(pool, actor) as tx:
        visits, today = await visit_store.lock_visits(tx, expected), business_date(utcnow())
        outcomes = [
            visit_rules.finish(visit, done_on, [_numbered(each) for each in found[visit.id]], today=today)
            for visit in visits
        ]
        await visit_store.save_all_done(tx, outcomes)
        raised = [both for outcome in outcomes for both in outcome.raised]
        if raised:
            await finding_store.insert_findings(tx, raised)
        for outcome in outcomes:
            for event in outcome.events:
                await outbox.append(tx, event)
                await audit.append(tx, actor, event)
        answer = VisitsDone(done=[outcome.done for outcome in outcomes])
        tx.answer_with(answer)
    return answer


def _numbered(found: Found) -> tuple[FindingId, SuggestionId, Found]:
    return FindingId(new_id()), SuggestionId(new_id()), found
