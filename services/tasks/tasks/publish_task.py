"""Use case: an ask is put on the table of a work meeting; the gate lets it through to the villages, or refuses it."""

from qingdan.ids import AskId, MeetingId, ShareId, TaskId
from qingdan.tasks_events import TaskPublished
from runtime import audit, outbox
from runtime.actor import Actor, Role
from runtime.clock import business_date, utcnow
from runtime.db import Pool, transaction
from runtime.ids import new_id
from tasks import division_store, gate_rules, list_store, meeting_store, refused_ask_store, task_rules, task_store
from tasks.gate_rules import Ask, TurnedDown
from tasks.list_rules import VILLAGE_LIST
from tasks.task_rules import Villages


async def publish_task(pool: Pool, actor: Actor, meeting_id: MeetingId, ask: Ask, villages: Villages) -> TaskPublished:
    """Publish with a share for each village, under the list in force today.

    Raises Forbidden unless the actor is town staff, NotFound, NoListInForce, VillagesNotInMeeting, NoVillages, and
    NotOnTheList: that refusal is committed and published before it is raised, since it is to be counted.
    """
    actor.require(Role.TOWN_STAFF)
    today = business_date(utcnow())
    async with transaction(pool, actor) as tx:
        meeting, division_id = await meeting_store.find_meeting(tx, meeting_id)
        known = await division_store.villages_of(tx, meeting.division)
        chosen = task_rules.choose_villages(villages, known)
        standing = await list_store.list_in_force(tx, VILLAGE_LIST, today)
        verdict = gate_rules.decide(ask, standing)
        if isinstance(verdict, TurnedDown):
            refused = gate_rules.refuse(ask, verdict, standing, AskId(new_id()), meeting.division, today=today)
            await refused_ask_store.insert_refused_at_gate(tx, refused, ask, meeting_id, division_id)
            await outbox.append(tx, refused)
            await audit.append(tx, actor, refused)
            tx.refuse_after_commit(gate_rules.not_on_the_list(refused, verdict))
        else:
            shares = {village: ShareId(new_id()) for village in chosen}
            event = task_rules.publish(
                ask, verdict, standing.version, meeting, task=TaskId(new_id()), shares=shares, today=today
            )
            await task_store.insert_task(tx, event, standing.list_code, division_id, chosen)
            await outbox.append(tx, event)
            await audit.append(tx, actor, event)
    return event  # a refused ask has been raised by the transaction
