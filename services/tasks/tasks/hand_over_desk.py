"""Use case: a village's desk is handed over: what lies on it is recorded, for the next secretary to accept."""

from collections.abc import Mapping

from pydantic import BaseModel, Field

from qingdan.divisions import DivisionCode
from qingdan.ids import ShareId
from runtime import audit
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.divisions import id_in_scope
from runtime.ids import new_id
from tasks import handover_rules, handover_store
from tasks.handover_rules import HandOverId


class DeskHandedOver(BaseModel):
    """A record that waits to be accepted; an earlier one that nobody accepted is replaced by it."""

    hand_over: HandOverId
    village: DivisionCode
    shares_open: int
    appeals_open: int = Field(description="the village's noes that the county has still to decide on")


async def hand_over_desk(
    pool: Pool, actor: Actor, village: DivisionCode, notes: Mapping[ShareId, str]
) -> DeskHandedOver:
    """By the outgoing cadre, or by the township's staff when that one is gone; notes: on the shares that need one.

    Nothing of the village's work is changed. Notes stay in this service.
    Raises Forbidden, DivisionUnknown (also for another's village), NotAVillagesDesk, NotYourDesk, NotOnThisDesk.
    """
    actor.require(Role.VILLAGE_CADRE, Role.TOWN_STAFF)
    by_town, today = Role.VILLAGE_CADRE not in actor.roles, business_date(utcnow())
    handover_rules.require_may_hand_over(village, actors_division=actor.division, by_town=by_town)
    async with transaction(pool, actor) as tx:
        division_id = await id_in_scope(tx, village)
        await handover_store.lock_desk(tx, division_id)
        hand_over = HandOverId(new_id())
        shares_open, appeals_open, on_desk = await handover_store.insert_handover(
            tx, hand_over, division_id, by_town=by_town, today=today, notes=notes
        )
        handover_rules.require_on_desk(notes, on_desk)
        answer = DeskHandedOver(
            hand_over=hand_over, village=village, shares_open=shares_open, appeals_open=appeals_open
        )
        audit.note(tx, "desk.handed-over", str(village), answer.model_dump(mode="json") | {"by_town": by_town})
        tx.answer_with(answer)
    return answer
