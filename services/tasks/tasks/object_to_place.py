"""Use case: a ranked division objects to its place, with its reason and the shares that it means."""

from collections.abc import Set
from datetime import date

from pydantic import BaseModel

from qingdan.divisions import DivisionCode
from qingdan.ids import AssessmentId, ShareId
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.ids import new_id
from runtime.workday_calendar import calendar
from tasks import objection_rules, objection_store
from tasks.objection_rules import AlreadyObjected, ObjectionId


class ObjectionMade(BaseModel):
    """An objection that waits for its decision."""

    objection: ObjectionId
    assessment: AssessmentId
    division: DivisionCode
    objected_on: date
    decide_by: date


async def object_to_place(
    pool: Pool, actor: Actor, assessment: AssessmentId, division: DivisionCode, reason: str, shares: Set[ShareId]
) -> ObjectionMade:
    """The reason and the shares stay in this service: open topics carry no free text.

    Raises Forbidden, NotFound (also for another's place), NotTheRanked, AssessmentReplaced, AlreadyObjected,
    ObjectionTooLate, SharesNotOfDivision.
    """
    actor.require(Role.VILLAGE_CADRE, Role.TOWN_STAFF)
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        placed = await objection_store.find_placed(tx, assessment, division)
        own = await objection_store.of_division(tx, division, shares)
        event = objection_rules.object_to(
            placed, objection_store.objector(actor), shares, own, await calendar(tx), today=today
        )
        objection = ObjectionId(new_id())
        if not await objection_store.insert_objection(tx, objection, event, reason, shares):
            raise AlreadyObjected(assessment=str(assessment))
        await outbox.append(tx, event)
        await audit.append(tx, actor, event)
        made = ObjectionMade(objection=objection, **event.model_dump(exclude={"type"}))
        tx.answer_with(made)
    return made
