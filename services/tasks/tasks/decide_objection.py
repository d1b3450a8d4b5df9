"""Use case: whoever ranked decides on an objection; who was right is ranked anew, with all the others."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from qingdan.assessment_events import Correction
from qingdan.ids import AssessmentId
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, Version, transaction
from runtime.ids import new_id
from tasks import assessment_rules, assessment_store, objection_rules, objection_store
from tasks.objection_rules import ObjectionId


class ObjectionAnswered(BaseModel):
    """A decision; corrected_by: the assessment that gives the new places."""

    objection: ObjectionId
    upheld: bool = Field(description="the place stands")
    corrected_by: AssessmentId | None


async def decide_objection(
    pool: Pool,
    actor: Actor,
    objection_id: ObjectionId,
    upheld: bool,
    reason: str,
    corrections: Sequence[Correction],
    *,
    expected: Version,
) -> ObjectionAnswered:
    """`expected` is the objection's version; the new places are those of the first assessment's day.

    Raises Forbidden, NotFound, StaleVersion, DepartmentsSeeTooLittle, RankerDecides, OwnObjection, ObjectionClosed,
    CorrectionsUnfit, SharesDoNotCount.
    """
    actor.require(Role.TOWN_STAFF)
    assessment_rules.require_sees_all(actor.department)
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        objection, decider = await objection_store.lock_objection(tx, objection_id, expected)
        objection_rules.require_decider(objection, decider)
        below, last = await assessment_store.last_header(tx, objection.first)
        named = {each.share for each in corrections}
        counted = await assessment_store.counted_among(tx, objection.division, last, named)
        event = objection_rules.decide(objection, decider, upheld, tuple(corrections), counted, today=today)
        new = None if upheld else assessment_rules.corrected(last, AssessmentId(new_id()), objection.first, today)
        await objection_store.save_decision(tx, objection_id, event, reason, new.assessment if new else None)
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
        if new is not None:
            assessed, ids = await assessment_store.facts_of(tx, below, new)
            ranks = assessment_rules.rank(assessed)
            await assessment_store.insert_ranks(tx, new, ranks, ids, below=below)
            for published in assessment_rules.published(new, ranks):
                await outbox.append(tx, published)
                await audit.append(tx, actor, published)
        answered = ObjectionAnswered(
            objection=objection_id, upheld=upheld, corrected_by=new.assessment if new else None
        )
        tx.answer_with(answered, version=expected + 1)
    return answered
